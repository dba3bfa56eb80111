#!/usr/bin/env bash
# Installs the Debian package into a fresh Debian, runs it there, upgrades, removes and purges it, and looks at what is left.
# Needs root, mmdebstrap and what `npm run build` has made. Prints "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/../.."
# The build runs on the pinned Node, whatever the machine has.
PATH=$PWD/node_modules/.bin:$PATH

suite=${1:-bookworm}
work=$(mktemp -d)
root=$work/root
trap 'rm -rf --one-file-system "$work"' EXIT
# Another user than root goes through it.
chmod 755 "$work"

passed=0
check() {
  local text=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    printf 'failed: %s\n%d passed, 1 failed\n' "$text" "$passed"
    exit 1
  fi
}
within() { chroot "$root" "$@"; }
absent() { [ ! -e "$root/$1" ]; }
install_package() { within apt-get -qq install --yes --no-install-recommends "./$1" >"$work/apt.log" 2>&1 || { cat "$work/apt.log"; return 1; }; }

mmdebstrap --quiet --variant=apt --include=systemd,libstdc++6,ca-certificates "$suite" "$root" 2>"$work/mmdebstrap.log" ||
  { cat "$work/mmdebstrap.log"; exit 1; }

version=$(node -p 'require("./package.json").version')
node build/package.ts --architecture x64 --fast
node build/package.ts --architecture x64 --fast --version "$version+1"
mv "dist/fieldgate_${version}_amd64.deb" "dist/fieldgate_${version}+1_amd64.deb" "$root/"

check 'installs' install_package "fieldgate_${version}_amd64.deb"
check 'says its version' within fieldgate version
check 'has its user' within id fieldgate
check 'is started at boot' test -L "$root/etc/systemd/system/multi-user.target.wants/fieldgate.service"
check 'has a configuration that is right' within fieldgate check-config /etc/fieldgate/fieldgate.toml
check 'knows its licences' grep -q leveldb <(within fieldgate licenses)

# As systemd starts it, without systemd: it writes nothing beside its state.
mkdir -p "$root/var/lib/fieldgate"
within chown fieldgate: /var/lib/fieldgate
chroot --userspec=fieldgate: "$root" /usr/bin/env STATE_DIRECTORY=/var/lib/fieldgate FIELDGATE_LOG_FORMAT=json \
  fieldgate gateway --mqtt 127.0.0.1:0 --http 127.0.0.1:0 2>"$work/gateway.log" &
gateway=$!
for _ in $(seq 100); do grep -q '"ready"' "$work/gateway.log" && break; sleep 0.1; done
check 'runs as its user' grep -q '"ready"' "$work/gateway.log"
kill "$gateway"
check 'stops cleanly' wait "$gateway"
check 'loads LevelDB from beside the binary' absent var/lib/fieldgate/classic-level*

echo '# mine' >>"$root/etc/fieldgate/fieldgate.toml"
check 'upgrades' install_package "fieldgate_${version}+1_amd64.deb"
check 'keeps the configuration' grep -q '# mine' "$root/etc/fieldgate/fieldgate.toml"
check 'keeps the state' test -d "$root/var/lib/fieldgate/store"

check 'is removed' within apt-get -qq remove --yes fieldgate
check 'leaves no binary' absent usr/lib/fieldgate
check 'leaves the state' test -d "$root/var/lib/fieldgate/store"
check 'is purged' within apt-get -qq purge --yes fieldgate
check 'leaves no state' absent var/lib/fieldgate
check 'leaves no configuration' absent etc/fieldgate
left=$(find "$root" -xdev -name '*fieldgate*' ! -name '*.deb' ! -path "$root/proc/*" ! -path "$root/var/log/*" ! -path "$root/var/cache/*")
check "leaves nothing: $left" test -z "$left"

printf '%d passed, 0 failed\n' "$passed"
