#!/usr/bin/env bash
# Trains the same pipeline on two devices, nothing compiled in between, and compares the results.
#   pipeline.sh ODEUM CONFIG PLUGINS RUNS
set -euo pipefail
odeum=$1 config=$2 plugins=$3 runs=$4
rm -rf "$runs"
for device in cpu plain; do
  "$odeum" train "$config" --plugin-path "$plugins" --out "$runs/$device" --set device="$device"
done
python3 - "$runs" <<'PYTHON'
import json, sys
nll = {d: json.load(open(f"{sys.argv[1]}/{d}/summary.json"))["test"]["nll"] for d in ("cpu", "plain")}
print("test NLL after 5 steps:", nll)
# Five steps in float64 on two devices: the same numbers but for the order of sums.
sys.exit(abs(nll["cpu"] - nll["plain"]) > 1e-9 * abs(nll["cpu"]))
PYTHON
