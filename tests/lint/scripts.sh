#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# scripts.sh TOP: each script parses, and is executable if it says what runs it.

set -u

cd "$1" || exit 1
bad=0

while read -r file; do
  first=$(head -n 1 "$file")
  case $first in
    '#!'*)
      if [ ! -x "$file" ]; then
        echo "$file is not executable"
        bad=1
      fi ;;
  esac
  case $file in
    *.py) python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$file" || bad=1 ;;
    *.sh | .ci/run) bash -n "$file" || bad=1 ;;
  esac
done < <(find .ci/run src tests examples packaging -name '*.py' -o -name '*.sh' -o -path .ci/run)

exit $bad
