#!/bin/sh
# Unpacks programs of Debian's and the libraries they lack, without root access. Prints the directory and then the
# LD_LIBRARY_PATH to run them with, or nothing on a system without apt. Takes the first packages that apt has:
#   sh unpack-debian.sh /absolute/cache 'redis-server redis-tools' 'valkey-server valkey-tools'
# Works in a temporary directory that is renamed when complete: an interrupted run leaves nothing half done, and if
# two run at once, the first to finish wins.
set -eu
command -v apt-get >/dev/null || exit 0
# In a process group of its own, which `kill 0` ends as a whole.
[ "${HAS_TIMEOUT-}" ] || exec env HAS_TIMEOUT=1 LC_ALL=C timeout -v 60 sh "$0" "$@"
# What is unpacked may not run on another system, which then unpacks its own.
. /etc/os-release
target=$1/$ID-${VERSION_ID:-testing}-$(dpkg --print-architecture)
library_path() { find "$1" -name '*.so*' -printf '%h\n' | sort -u | paste -sd :; }
finish() { echo "$target"; library_path "$target"; exit; }
[ ! -d "$target" ] || finish

echo "Downloading ${2%% *} from $PRETTY_NAME (about 10 MB, only once)." >&2
work=$(mktemp -u "$1/unpacking-XXXXXX")
exec 3<&0 </dev/null
# Our input closes when the parent ends, however it ends, or sees that we have ended. It then waits for our output.
{ trap '' TERM; read -r _ || kill 0; rm -rf "$work" || { sleep 1; rm -rf "$work"; }; } <&3 &
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/files"; cd "$work"; shift
# Uses the system's sources, proxies, and keys, but neither its state nor its hooks.
cat >apt.conf <<END
Dir::State "$work"; Dir::State::status "/dev/null"; Debug::NoLocking "1"; APT::Sandbox::User "";
Dir::Cache "$work"; Dir::Cache::pkgcache "pkgcache.bin"; Dir::Cache::srcpkgcache "srcpkgcache.bin";
Acquire::Languages "none"; Acquire::IndexTargets::deb { DEP-11::DefaultEnabled "0"; CNF::DefaultEnabled "0"; };
#clear APT::Update;
END

unpack() {
  (cd files && apt-get -qqc ../apt.conf download "$@") || return
  for file in files/*; do dpkg -x "$file" root && rm "$file" || return; done
  printf '%s\n' "$@" >>unpacked
}
# The packages of the libraries that the programs do not find, by Debian's naming rule.
missing() {
  find root -type f -perm -100 -exec env LD_LIBRARY_PATH="$(library_path root)" ldd {} + 2>/dev/null |
    sed -n '/ => not found/{s///; s/\t//; s/\.so\./ /; s/\([0-9]\) /\1-/; s/ //; s/.*/&\n&t64/p}' | tr A-Z_ a-z- |
    sort -u | grep -xFf available | grep -vxFf unpacked
}

# An unreachable source is not fatal: a missing package is noticed next.
apt-get -qqc apt.conf update >log 2>&1 || :
for packages; do unpack $packages >>log 2>&1 && break; done
[ -e unpacked ] || { cat log >&2; exit 1; }
apt-cache -c apt.conf pkgnames >available
while libraries=$(missing); do unpack $libraries; done
mv -T root "$target" 2>/dev/null || [ -d "$target" ]
finish
