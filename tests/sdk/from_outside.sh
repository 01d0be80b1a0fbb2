#!/usr/bin/env bash
# What a third party does with an installation of odeum.
#   from_outside.sh install BUILD WORK      installs a build under WORK, then moves the prefix
#   from_outside.sh new WORK KIND           new-plugin, configure, build, test, verify; prints times and size
#   from_outside.sh outside WORK PROJECT    builds a project of plugins and runs its tests on two devices
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
  *)
    echo "unknown step '$1'" >&2
    exit 2
    ;;
esac
