#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# translations.sh TOP: each language has all messages of the sources, and no other, with formats that fit.

set -u -o pipefail

cd "$1" || exit 1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

xgettext --from-code=UTF-8 --keyword=_ --keyword=N_ --keyword=ngettext:1,2 --output="$folder/all.pot" \
  --files-from=<(grep -v '^#' po/POTFILES.in) || exit 1

bad=0
complain ()
{
  printf '%s\n' "$@"
  bad=1
}

# xgettext reads a message up to a macro, such as those of formats: nobody would find its translation.
found=$(msgcat --no-wrap "$folder/all.pot" | grep -E '^(msgid|").*[^%]%"$')
[ -z "$found" ] || complain 'in the sources, cut off by a macro:' "$found"

found=$(comm -3 <(sort po/LINGUAS) <(cd po && printf '%s\n' *.po | sed 's/\.po$//' | sort))
[ -z "$found" ] || complain 'in po/LINGUAS, or as a file, but not both:' "$found"

while read -r language; do
  msgmerge --quiet --output-file="$folder/$language.po" "po/$language.po" "$folder/all.pot" || exit 1
  for kind in untranslated only-fuzzy only-obsolete; do
    # What comes before the first empty line is the head.
    found=$(msgattrib --no-wrap --$kind "$folder/$language.po" | sed '1,/^$/d')
    [ -z "$found" ] || complain "po/$language.po: ${kind#only-}:" "$found"
  done
  # The sources say which messages are formats, so a translation can't hide that it is one.
  found=$(msgfmt --check --output-file=/dev/null "$folder/$language.po" 2>&1) || complain "po/$language.po:" "$found"
done <po/LINGUAS

exit $bad
