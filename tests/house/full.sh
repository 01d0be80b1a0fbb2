#!/usr/bin/env bash
# The long steps of ./run test --full:
#   full.sh BUILD STEP           runs the step with its output on the terminal; keeps log and exit status in BUILD/full/
#   full.sh BUILD STEP --report  the ctest test full.STEP: prints the log of a step that failed, exits as it did
# STEP is format, tidy, asan-ubsan or tsan. The sources are taken from the working directory's repository.
set -uo pipefail
build=$1 step=$2
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 1
jobs=${ODEUM_JOBS:-$(nproc)}
record=$build/full
mkdir -p "$record"

# Limits, not expectations: within CI's ninety minutes they leave room for the build and the tests.
declare -A seconds=([format]=60 [tidy]=1200 [asan-ubsan]=1800 [tsan]=1200)

# Of the lint, within its limit above.
lint_seconds=900

sources() { find core sdk plugins tests -name '*.cpp' -o -name '*.hpp' | sort; }

format() {
  sources | xargs -r -d '\n' -P "$jobs" -n 16 clang-format --dry-run -Werror
}

# Where the branch left main; on main itself, the last commit.
base() {
  local ref base
  for ref in origin/main main; do
    base=$(git merge-base HEAD "$ref" 2>/dev/null) || continue
    [[ $base == "$(git rev-parse HEAD)" ]] || { echo "$base"; return; }
  done
  git rev-parse --verify -q HEAD~1
}

# A changed header is read through the source of the same name.
changed_sources() {
  { git diff --name-only --diff-filter=d "$1"; git ls-files -o --exclude-standard; } |
    sed -n 's/\.hpp$/.cpp/; /^\(core\|sdk\|plugins\|tests\)\/.*\.cpp$/p' | sort -u
}

tidy() {
  local from
  from=$(base) || { echo "no earlier commit to compare with: nothing is linted"; return 0; }
  # Flags that clang does not know.
  mkdir -p "$build/tidy"
  sed 's/ -fno-gnu-unique\| -Werror//g' "$build/compile_commands.json" >"$build/tidy/compile_commands.json"
  local file files=()
  while read -r file; do
    if grep -qF "$root/$file\"" "$build/tidy/compile_commands.json"; then files+=("$file"); fi
  done < <(changed_sources "$from")
  echo "${#files[@]} sources changed since $(git log -1 --format='%h (%s)' "$from")"
  ((${#files[@]})) || return 0
  tidy_begun=$(date +%s)
  export tidy_begun
  printf '%s\n' "${files[@]}" | xargs -d '\n' -P "$jobs" -n 1 "$0" "$build" tidy --one 2>&1 |
    grep -v ' warnings\? generated\.$'
  return "${PIPESTATUS[1]}"
}

# A change of the whole tree takes longer than this step has: what is left is named, and is no failure.
tidy_one() {
  if (($(date +%s) - tidy_begun > lint_seconds)); then
    echo "not linted for want of time: $1"
    return 0
  fi
  clang-tidy -p "$build/tidy" --quiet "$1"
}

sanitize() {
  cmake --preset "$1" >/dev/null && cmake --build --preset "$1" -j "$jobs" &&
    ctest --preset "$1" -j "$jobs"
}

run_step() {
  case $step in
    format | tidy) "$step" ;;
    *) sanitize "$step" ;;
  esac
}

if [[ ${3-} == --report ]]; then
  status=$(cat "$record/$step.status" 2>/dev/null) || { echo "$step has not run: ./run test --full runs it"; exit 1; }
  ((status == 0)) || tail -n 200 "$record/$step.log"
  ((status != 124)) || echo "$step took more than ${seconds[$step]} s"
  exit "$status"
elif [[ ${3-} == --one ]]; then
  tidy_one "$4"
elif [[ ${3-} == --bare ]]; then
  run_step
else
  echo "== $step"
  rm -f "$record/$step.status"
  # timeout's process group is not the terminal's, so an interrupt is passed on.
  timeout --kill-after=10 "${seconds[$step]}" "$0" "$build" "$step" --bare > >(tee "$record/$step.log") 2>&1 &
  child=$!
  trap 'kill "$child"; exit 130' INT TERM
  wait "$child"
  echo $? >"$record/$step.status"
fi
