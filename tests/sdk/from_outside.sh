#!/usr/bin/env bash
# What a third party does with an installation of odeum.
#   from_outside.sh install BUILD WORK      installs a build under WORK, then moves the prefix
#   from_outside.sh new WORK KIND           new-plugin, configure, build, test, verify; prints times and size
#   from_outside.sh outside WORK PROJECT    builds a project of plugins and runs its tests on two devices
#   from_outside.sh embed WORK PROJECT      trains a flow, builds a program that uses it, compares with what the tool writes
set -euo pipefail
unset ODEUM_PLUGIN_PATH

now() { date +%s%N; }
seconds() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.1f s", (b - a) / 1e9}'; }

case $1 in
  install)
    build=$2 work=$3
    rm -rf "$work"
    mkdir -p "$work"
    cmake --install "$build" --prefix "$work/first place" >"$work/install.log"
    mv "$work/first place" "$work/prefix"
    "$work/prefix/bin/odeum" --version
    count=$("$work/prefix/bin/odeum" list --json | tr '{' '\n' | grep -c '"kind"')
    echo "$count plugins in the moved installation"
    ((count > 30))
    ;;
  new)
    work=$2 kind=$3 prefix=$2/prefix
    name=my_$kind
    cd "$work"
    rm -rf "$name"
    begin=$(now)
    "$prefix/bin/odeum" new-plugin "$kind" "$name"
    cd "$name"
    cmake -B build -D CMAKE_PREFIX_PATH="$prefix" >configure.log
    configured=$(now)
    cmake --build build >build.log
    built=$(now)
    file=build/lib/odeum/plugins/$kind/$name.so
    echo "from nothing to a plugin: $(seconds "$begin" "$built"), of which compiling: $(seconds "$configured" "$built");" \
      "$(stat -c %s "$file") bytes"
    "$prefix/bin/odeum" verify "$file"
    ctest --test-dir build --output-on-failure
    # Installed into the prefix it is found without being told where.
    cmake --install build --prefix "$work/own-$kind" >install.log
    "$prefix/bin/odeum" describe "$kind/$name" --plugin-path "$work/own-$kind/lib/odeum/plugins" >/dev/null
    ;;
  outside)
    work=$2 project=$3 prefix=$2/prefix
    cmake -S "$project" -B "$work/outside" -D CMAKE_PREFIX_PATH="$prefix" >"$work/outside.log"
    cmake --build "$work/outside" >>"$work/outside.log"
    ctest --test-dir "$work/outside" --output-on-failure
    ;;
  embed)
    work=$2/embed project=$3 prefix=$2/prefix
    rm -rf "$work"
    mkdir -p "$work"
    cd "$work"
    "$prefix/bin/odeum" train "$prefix/share/doc/odeum/examples/quickstart.yaml" --out run --no-report \
      --set train.steps=20 --set train.evaluate_every=20 --set train.test_samples=64 --set flow.field.hidden='[8]'
    cmake -S "$project" -B build -D CMAKE_PREFIX_PATH="$prefix" >configure.log
    cmake --build build >build.log
    build/score_rows run 40 >scored.csv
    "$prefix/bin/odeum" sample run -n 40 -o samples.npy
    "$prefix/bin/odeum" sample run -n 40 -o samples.csv
    "$prefix/bin/odeum" eval run --data samples.npy -o log_p.csv
    # Both write float32 numbers in nine digits or fewer.
    paste -d, samples.csv log_p.csv | tail -n +2 | paste -d, - scored.csv | awk -F, '
      NF != 6 {print "line " NR " has " NF " numbers"; wrong = 1}
      {for (i = 1; i <= 3; ++i) if (($i - $(i + 3)) ^ 2 > 1e-12 * (1 + $i ^ 2)) {print "line " NR ": " $0; wrong = 1}}
      END {print NR " rows"; exit wrong || NR != 40}'
    # Its user's mistakes are told, with exit status 2.
    status=0
    build/score_rows nowhere 1 2>message.txt || status=$?
    ((status == 2))
    grep -q "there is no run folder nowhere" message.txt
    ;;
  *)
    echo "unknown step '$1'" >&2
    exit 2
    ;;
esac
