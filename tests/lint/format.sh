#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# format.sh CLANG-FORMAT TOP: the C files (headers aside) look as .clang-format
# says, and no line is longer than .editorconfig allows.

set -eu

clang_format=$1
cd "$2"

mapfile -t files < <(find src tests examples -name '*.c' | sort)
[ "${#files[@]}" -gt 0 ]

bad=0
"$clang_format" --dry-run -Werror --style=file "${files[@]}" || bad=1
if grep -nE '^.{111}' "${files[@]}"; then
  echo "longer than 110 columns" >&2
  bad=1
fi
echo "${#files[@]} files"
exit $bad
