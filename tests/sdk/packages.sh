#!/usr/bin/env bash
# Debian packages of a build, installed on a fresh Debian by apt and used there by an ordinary user.
#   packages.sh BUILD WORK
# WORK keeps the fresh system between calls. Needs root, debootstrap, dpkg-dev and the network; exits with 77 without.
set -euo pipefail
build=$(readlink -f "$1") work=$2
source=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
for tool in debootstrap dpkg-shlibdeps cpack unshare; do
  command -v "$tool" >/dev/null || { echo "left out: there is no $tool"; exit 77; }
done
((EUID == 0)) || { echo "left out: not root"; exit 77; }
mkdir -p "$work"
work=$(readlink -f "$work")

# timed WHAT COMMAND...: runs it with its output in a log, prints the seconds.
timed() {
  local what=$1 begin=$SECONDS
  shift
  "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log"; echo "failed: $what"; exit 1; }
  echo "$what: $((SECONDS - begin)) s"
}

# Inside the fresh system, whose mounts end with the command.
inside() {
  unshare --mount bash -c 'mount --bind /proc "$1/proc" && mount --bind /dev "$1/dev" && root=$1 && shift &&
    exec chroot "$root" /usr/bin/env -i LANG=C.UTF-8 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"' inside "$work/root" "$@"
}
install() { inside DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; }
# What a user types, in the home folder.
user() { inside runuser -u stranger -- bash -euo pipefail -c "cd && $1"; }

rm -rf "$work/packages" "$work/root"
timed "packages made" cpack -G DEB --config "$build/CPackConfig.cmake" -B "$work/packages"
(cd "$work/packages" && stat -c '  %n %s bytes' ./*.deb)

# The mirror and the release of this machine's apt.
if [[ ! -d $work/fresh ]]; then
  read -r mirror release < <(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 'Component: main' |
    grep -m 1 " $(. /etc/os-release && echo "$VERSION_CODENAME")$")
  timed "fresh $release" debootstrap --variant=minbase "$release" "$work/fresh.part" "$mirror"
  mv "$work/fresh.part" "$work/fresh"
fi
cp -a --reflink=auto "$work/fresh" "$work/root"
cp /etc/resolv.conf "$work/root/etc"
mkdir "$work/root/packages"
cp "$work"/packages/*.deb "$work/root/packages"
inside useradd --create-home stranger
inside apt-get update >/dev/null 2>&1

version=$(sed -n 's/.*project(odeum VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")
package() { echo "/packages/$1_${version}_$(dpkg --print-architecture).deb"; }
timed "odeum and odeum-plugins installed" install "$(package odeum)" "$(package odeum-plugins)"
user 'odeum --version && odeum list >list.txt && echo "$(grep -c "^  " list.txt) components"'
user 'odeum doctor | grep -v "^warning"'
user 'odeum train /usr/share/doc/odeum/examples/quickstart.yaml --set train.steps=5 | tail -n 1 && odeum sample runs/quickstart -n 10 -o samples.csv'
user 'source /usr/share/bash-completion/completions/odeum && COMP_WORDS=(odeum tr) && COMP_CWORD=1 &&
  _odeum && [[ ${COMPREPLY[*]} == train ]]'
[[ -s $work/root/usr/share/man/man1/odeum.1 && -s $work/root/usr/share/doc/odeum/copyright ]]
[[ ! -e $work/root/usr/include/odeum ]]

timed "libodeum-dev installed" install "$(package libodeum-dev)"
for kind in solver field device; do
  begin=$SECONDS
  user "odeum new-plugin $kind my_$kind >/dev/null && cd my_$kind && cmake -B build >log && cmake --build build >>log &&
    ctest --test-dir build >>log && odeum verify build/lib/odeum/plugins/$kind/my_$kind.so | tail -n 1 &&
    cmake --install build --prefix ~/shipped >>log"
  echo "  a $kind from nothing to verified: $((SECONDS - begin)) s"
done
user 'odeum list --plugin-path shipped/lib/odeum/plugins | grep " my_"'

# Its own package, which depends on odeum-abi-N alone.
user 'cpack -G DEB --config my_solver/build/CPackConfig.cmake -B packages >log'
timed "odeum-solver-my-solver installed" install /home/stranger/packages/odeum-solver-my-solver_0.1.0_"$(dpkg --print-architecture)".deb
user 'odeum verify solver/my_solver | tail -n 1'

timed "purged" inside apt-get purge -y odeum
left=$(find "$work/root/usr" -name '*odeum*')
[[ -z $left ]] || { echo "left behind: $left"; exit 1; }
