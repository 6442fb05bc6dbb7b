#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Usage: packaging/test-packages.sh [WAY...]
#
# Follows what README says of building, line by line, each of its ways in a fresh Debian 12, or only
# those whose names are given; and tries what is installed with packaging/debian/tests. The packages
# are looked at with lintian, too, tried with autopkgtest in a system that has nothing else, and
# removed again. Writes its results as TAP.
#
# As root; takes about a quarter of an hour, and the archive that this machine uses.

set -eu -o pipefail

# What is mounted here and who was started here end with this script, however it ends.
if [ "$$" != 1 ]; then
  exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi
# The first process of a system has only the signals that it asks for.
trap 'exit 1' HUP INT TERM

. "$(dirname "${BASH_SOURCE[0]}")/sources.sh"
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
work=$(mktemp -d)
fresh=$work/fresh
trap 'clean_up' EXIT

clean_up ()
{
  remove_systems
  rm -rf --one-file-system "$work"
}

remove_systems ()
{
  local root
  for root in "$work"/*/; do
    umount -q -l "$root/proc" "$root/dev/pts" "$root/dev" 2>/dev/null || :
    [ "$root" = "$fresh/" ] || rm -rf --one-file-system "$root"
  done
}

# inside SYSTEM COMMAND...: there, in the sources, as root.
inside ()
{
  local root=$work/$1
  shift
  chroot "$root" /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    sh -c 'cd /src && exec "$@"' sh "$@"
}

# What everybody's Debian has; the archive, and how to get there, are this machine's.
make_fresh ()
{
  local mirror name
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
  debootstrap --include=ca-certificates,dbus,sudo bookworm "$fresh" "$mirror"
  rm -rf "$fresh/etc/apt/sources.list" "$fresh/etc/apt/sources.list.d"
  for name in /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/apt/trusted.gpg.d \
              /usr/local/share/ca-certificates /etc/ssl/certs /etc/resolv.conf /etc/hosts; do
    [ ! -e "$name" ] || cp -aL --remove-destination "$name" "$fresh$(dirname "$name")/"
  done
  # No service is to start, or be told to.
  printf '#!/bin/sh\nexit 101\n' >"$fresh/usr/sbin/policy-rc.d"
  chmod 755 "$fresh/usr/sbin/policy-rc.d"
  mkdir "$fresh/src"
  copy_sources "$fresh/src"
  chroot "$fresh" useradd --create-home --shell /bin/bash somebody
  echo 'somebody ALL=(ALL) NOPASSWD: ALL' >"$fresh/etc/sudoers.d/somebody"
  chroot "$fresh" chown -R somebody /src
}

make_system ()
{
  local root=$work/$1
  cp -a "$fresh" "$root"
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
  mount --bind /dev/pts "$root/dev/pts"
}

# The ways that README has, and their lines.
list_ways ()
{
  awk '/^## / { building = $0 == "## Building" } building && /^### / { name = substr ($0, 5) }
       building && name && /^    / && !told[name]++ { print name }' "$top/README.md"
}

lines_of ()
{
  awk -v heading="### $1" '/^##/ { inside = $0 == heading } inside && sub (/^    /, "")' "$top/README.md"
}

# What the tests of the packages use beside them.
list_others ()
{
  sed -n 's/^Depends: //p' "$top/packaging/debian/tests/control" | tr -d ' ' | tr , '\n' |
    grep -Ev '^(lib|gir1\.2-|python3-)?ist' | sort -u
}

list_tests ()
{
  awk '/^Tests: / { name[++n] = $2 } /^Restrictions: .*needs-root/ { prefix[n] = "sudo env \"PATH=$PATH\" " }
       END { for (i = 1; i <= n; i++) print prefix[i] "packaging/debian/tests/" name[i] }' \
    "$top/packaging/debian/tests/control"
}

# follow SYSTEM WAY: in one shell, as whoever types it; then what is installed has to work there.
follow ()
{
  {
    echo 'set -eux; cd /src'
    lines_of "$2"
    echo "sudo apt-get -q install -y --no-install-recommends $(list_others | xargs)"
    list_tests
  } >"$work/$1/way"
  inside "$1" runuser --login somebody --command 'exec bash /way'
}

look_with_lintian ()
{
  inside packages apt-get -q -y install --no-install-recommends lintian
  inside packages sh -c 'lintian --allow-root --info --display-info --pedantic \
    --fail-on error,warning,info,pedantic packages/*.dsc packages/*.deb'
}

try_with_autopkgtest ()
{
  make_system alone
  cp -a "$work/packages/src/packages" "$work/alone/src/packages"
  cp -a "$work/alone/src/packaging/debian" "$work/alone/src/debian"
  inside alone apt-get -q -y install --no-install-recommends autopkgtest
  inside alone sh -c 'autopkgtest --no-built-binaries packages/*.deb ./ -- null'
}

# Of their files and what they have switched on, nothing stays.
remove_packages ()
{
  cat >"$work/packages/remove" <<'END'
set -eu
packages=$(for file in packages/*.deb; do dpkg-deb --field "$file" Package; done)
dpkg-query --listfiles $packages | sort -u >/files
apt-get -q purge -y $packages
while read -r file; do
  [ -d "$file" ] || [ ! -e "$file" ] || echo "$file is left"
done </files >/left
find /etc /var/lib/systemd -name '*ist-agent*' -o -name '*ist-operator*' >>/left
cat /left
[ ! -s /left ]
END
  inside packages bash /remove
}

ways=("$@")
[ $# -gt 0 ] || mapfile -t ways < <(list_ways)

check 'a fresh system' make_fresh
[ -z "$bad" ] || exit 1
for way in "${ways[@]}"; do
  system=$(tr -d -c '[:alnum:]' <<<"${way,,}")
  [ "$way" != "Debian's packages" ] || system=packages
  make_system "$system"
  check "README: $way" follow "$system" "$way"
  if [ -z "$bad" ] && [ "$system" = packages ]; then
    check 'lintian' look_with_lintian
    check 'autopkgtest' try_with_autopkgtest
    check 'removal' remove_packages
  fi
  remove_systems
done
echo "1..$number"
[ "$failed" = 0 ]
