#!/usr/bin/env bash
# A native field with its own derivative, with differences, and without: gradients agree, or are refused by name.
#   springs.sh ODEUM CONFIG PLUGINS
set -euo pipefail
odeum=$1 config=$2 plugins=$3
"$odeum" solve "$config" --plugin-path "$plugins" --json | tail -c 120
for derivative in own differences; do
  "$odeum" gradcheck "$config" --plugin-path "$plugins" --set problem.field.derivative=$derivative --json |
    python3 -c '
import json, sys
check = json.load(sys.stdin)
errors = {m["method"]: m.get("relative_error") for m in check["methods"]}
print(sys.argv[1], errors)
good = [m for m in ("backprop", "adjoint") if errors[m] is not None and errors[m] < 1e-5]
sys.exit(len(good) < 2)' $derivative
done
if "$odeum" gradcheck "$config" --plugin-path "$plugins" --set problem.field.derivative=none >refused.txt 2>&1; then
  echo "a gradient without a derivative was not refused" >&2
  exit 1
fi
cat refused.txt
grep -q springs refused.txt
