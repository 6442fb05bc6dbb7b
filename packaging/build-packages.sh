#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Usage: packaging/build-packages.sh FOLDER
#
# Builds Debian's packages of this tree, and leaves them in FOLDER, with those of the source. What
# they are built with is installed first, which takes root or sudo.

set -eu -o pipefail

. "$(dirname "${BASH_SOURCE[0]}")/sources.sh"
if [ $# -ne 1 ]; then
  echo "Usage: packaging/build-packages.sh FOLDER" >&2
  exit 64
fi
folder=$(mkdir -p "$1" && cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get -q update
"${as_root[@]}" apt-get -q -y install --no-install-recommends build-essential

version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" "$top/meson.build")
source=$work/libist-$version
mkdir "$source"
copy_sources "$source" "${folder#"$top/"}"
tar -C "$work" -cJf "$work/libist_$version.orig.tar.xz" "libist-$version"
cp -a "$source/packaging/debian" "$source/debian"

"${as_root[@]}" apt-get -q -y build-dep "$source"
# All that is built can be installed as it is, unless somebody asks for more.
export DEB_BUILD_OPTIONS=${DEB_BUILD_OPTIONS-noautodbgsym}
(cd "$source" && dpkg-buildpackage --no-sign)
rm -rf "$source"
mv "$work"/* "$folder"
