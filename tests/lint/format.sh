#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# format.sh CLANG-FORMAT TOP: the C files (headers aside) look as .clang-format says.

set -eu

clang_format=$1
cd "$2"

mapfile -t files < <(find src tests examples -name '*.c' | sort)
[ "${#files[@]}" -gt 0 ]
"$clang_format" --dry-run -Werror --style=file "${files[@]}"
echo "${#files[@]} files"
