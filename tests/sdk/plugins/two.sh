#!/usr/bin/env bash
# One file with components of two kinds, found through a link in the second kind's folder: verified, listed without a
# warning, described and used.
#   two.sh ODEUM CONFIG FILE FOLDER
set -euo pipefail
odeum=$1 config=$2 file=$3 folder=$4
rm -rf "$folder"
mkdir -p "$folder/field" "$folder/controller"
cp "$file" "$folder/field/two.so"
ln -s ../field/two.so "$folder/controller/two.so"

"$odeum" verify "$file"
verdicts=$("$odeum" verify "$file" --json | grep -o '"verdict":"[a-z]*"' | tr '\n' ' ')
[[ $verdicts == '"verdict":"passed" "verdict":"passed" ' ]]

export ODEUM_PLUGIN_PATH=$folder
"$odeum" list >list.txt 2>warnings.txt
grep 'rotor *1.0.0 *Rotation in the plane' list.txt
grep 'halving *2.0.0 *Halves and doubles the step' list.txt
! grep two.so warnings.txt
"$odeum" describe field/rotor | grep 'rate: a number; default 1'
"$odeum" describe controller/halving | grep 'Halves and doubles the step'

# Half a turn: (1, 0) ends at (-1, 0).
"$odeum" solve "$config" --json | tail -n 1 | python3 -c '
import json, sys
solved = json.load(sys.stdin)
x, y = solved["y"][-1]
print("half a turn ends at", x, y)
sys.exit(abs(x + 1) > 1e-6 or abs(y) > 1e-6)'
