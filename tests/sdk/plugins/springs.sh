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
# refused REASON ARGUMENT...: validation says so, naming the field.
refused() {
  local reason=$1
  shift
  if "$odeum" "$@" --plugin-path "$plugins" >refused.txt 2>&1; then
    echo "not refused: $*" >&2
    exit 1
  fi
  cat refused.txt
  grep -q "$reason.*springs" refused.txt
}
refused "needs the derivative of the rates" gradcheck "$config" --set problem.field.derivative=none
refused "Jacobian of the rates, which these do not have" solve "$config" --set problem.solver=kvaerno5
