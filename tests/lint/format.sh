#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# format.sh CLANG-FORMAT TOP: the C files (headers aside) look as .clang-format
# says, and no line is longer than .editorconfig allows.

set -u -o pipefail

clang_format=$1
cd "$2" || exit 1

mapfile -t files < <(find src tests examples -name '*.c' | sort)
[ "${#files[@]}" -gt 0 ] || exit 1

bad=0
for file in "${files[@]}"; do
  if ! "$clang_format" --style=file "$file" | diff -u "$file" - | head -n 20; then
    bad=1
  fi
done
if grep -nE '^.{121}' "${files[@]}"; then
  echo "longer than 120 columns"
  bad=1
fi
[ "$bad" = 0 ] || echo "to mend the former: $clang_format -i --style=file FILE"
echo "${#files[@]} files"
exit $bad
