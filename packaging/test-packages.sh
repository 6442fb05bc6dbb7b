#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Usage: packaging/test-packages.sh
#
# Builds Debian's packages in a fresh Debian 12, looks at them with lintian, installs them in
# another, runs packaging/debian/tests there, and follows what README says of building, line by
# line, in a third. As root; takes about a quarter of an hour, and the archive that this machine
# uses.

set -eu

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
fresh=$work/fresh

unmount ()
{
  for root in "$work"/*/; do
    umount -q "$root/proc" "$root/dev" 2>/dev/null || :
  done
}

trap 'unmount; rm -rf --one-file-system "$work"' EXIT

# inside NAME COMMAND...: in that system, where /src is what is committed.
inside ()
{
  local root=$work/$1
  shift
  chroot "$root" /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# make_system NAME: one that has nothing but Debian's base, and the sources.
make_system ()
{
  local root=$work/$1
  cp -a "$fresh" "$root"
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
  mkdir "$root/src"
  git -C "$top" archive HEAD | tar -x -C "$root/src"
  # build-packages.sh takes what is committed.
  inside "$1" sh -c 'apt-get -q -y install --no-install-recommends git >/dev/null && cd /src && git init -q &&
    git add -A && git -c user.name=- -c user.email=- commit -qm -'
}

# The archive, and how to get there, are this machine's.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
debootstrap --variant=minbase bookworm "$fresh" "$mirror" >"$work/debootstrap.log" || {
  tail -n 20 "$work/debootstrap.log"
  exit 1
}
rm -rf "$fresh/etc/apt/sources.list" "$fresh/etc/apt/sources.list.d"
cp -a /etc/apt/sources.list /etc/apt/sources.list.d "$fresh/etc/apt/" 2>/dev/null || :
cp -a /etc/apt/apt.conf.d/. "$fresh/etc/apt/apt.conf.d/"
cp -aL /etc/apt/trusted.gpg.d/. "$fresh/etc/apt/trusted.gpg.d/" 2>/dev/null || :
for name in /usr/local/share/ca-certificates /etc/ssl/certs; do
  mkdir -p "$fresh$name"
  cp -aL "$name/." "$fresh$name/" 2>/dev/null || :
done
cp -L /etc/resolv.conf /etc/hosts "$fresh/etc/"
chroot "$fresh" apt-get -q update >/dev/null

echo '== packages are built'
make_system build
inside build /src/packaging/build-packages.sh /debs >"$work/build.log" 2>&1 || {
  tail -n 40 "$work/build.log"
  exit 1
}

echo '== lintian'
inside build apt-get -q -y install --no-install-recommends lintian >/dev/null
inside build sh -c 'lintian --allow-root --fail-on error,warning /debs/*.deb'

echo '== they are installed, and their tests run'
make_system use
mkdir "$work/use/debs"
cp "$work"/build/debs/*.deb "$work/use/debs/"
rm -f "$work"/use/debs/*dbgsym*
inside use sh -c 'apt-get -q -y install --no-install-recommends /debs/*.deb gcc gjs libc6-dev man-db pkgconf >/dev/null'
for name in compiled introspected programs; do
  inside use "/src/packaging/debian/tests/$name"
done

echo '== README is followed'
make_system readme
sed -n '/^## Building$/,/^## /s/^    //p' "$top/README.md" >"$work/readme/lines"
inside readme sh -c 'apt-get -q -y install --no-install-recommends sudo >/dev/null && cd /src && bash -eux /lines'

echo '== all is well'
