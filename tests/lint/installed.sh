#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# installed.sh SOURCES BUILD CC [VALAC]: an installed libist is all that a program
# needs, found by its pkg-config file alone.

set -eu

sources=$1
build=$2
cc=$3
valac=${4:-}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

meson install -C "$build" --quiet --destdir "$work/root"

# The tree was made for another prefix; a real one is asked for nothing else.
pc=$(find "$work/root" -name ist-1.pc)
prefix=$(sed -n 's/^prefix=//p' "$pc")
sed -i "s|^prefix=.*|prefix=$work/root$prefix|" "$pc"
export PKG_CONFIG_PATH=${pc%/*}
LD_LIBRARY_PATH=$(pkg-config --variable=libdir ist-1)
export LD_LIBRARY_PATH

direct=$(pkg-config --print-requires ist-1 | sort | tr '\n' ' ')
[ "${direct%% *}" = gio-2.0 ] || { echo "ist-1.pc requires $direct" >&2; exit 1; }
if pkg-config --libs ist-1 | grep -E 'soup|protobuf'; then
  echo "ist-1.pc makes programs link what only libist uses" >&2
  exit 1
fi

# shellcheck disable=SC2046
$cc -Wall -Wextra -Werror "$sources/installed.c" -o "$work/c" $(pkg-config --cflags --libs ist-1)
"$work/c"
echo "C: good"

if [ -n "$valac" ]; then
  vapidir=$(find "$work/root" -name ist-1.vapi -printf '%h')
  "$valac" --quiet --vapidir "$vapidir" --pkg ist-1 --directory "$work" -o vala "$sources/installed.vala"
  "$work/vala"
  echo "Vala: good"
fi
