#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Usage: packaging/build-packages.sh FOLDER
#
# Builds Debian's packages of what is committed, and leaves them in FOLDER. What they are built
# with is installed first, which takes root or sudo.

set -eu

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mkdir -p "$1" && cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" "$top/meson.build")
source=$work/libist-$version
mkdir "$source"
git -C "$top" archive HEAD | tar -x -C "$source"
mv "$source/packaging/debian" "$source/debian"

export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get -q -y install --no-install-recommends build-essential
"${as_root[@]}" apt-get -q -y build-dep "$source"
(cd "$source" && dpkg-buildpackage --build=binary --no-sign)
mv "$work"/*.deb "$work"/*.changes "$folder"
