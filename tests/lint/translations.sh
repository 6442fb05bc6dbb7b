#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# translations.sh TOP: each language has all messages of the sources, and no other.

set -u -o pipefail

cd "$1" || exit 1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

xgettext --from-code=UTF-8 --keyword=_ --keyword=N_ --keyword=ngettext:1,2 --output="$folder/all.pot" \
  --files-from=<(grep -v '^#' po/POTFILES.in) || exit 1

bad=0
while read -r language; do
  msgmerge --quiet --output-file="$folder/$language.po" "po/$language.po" "$folder/all.pot" || exit 1
  for kind in untranslated only-fuzzy only-obsolete; do
    # What comes before the first empty line is the head.
    found=$(msgattrib --no-wrap --$kind "$folder/$language.po" | sed '1,/^$/d')
    if [ -n "$found" ]; then
      printf '%s\n' "po/$language.po: ${kind#only-}:" "$found"
      bad=1
    fi
  done
done <po/LINGUAS

exit $bad
