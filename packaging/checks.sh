# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Results as TAP, for those who have a folder for files in $work.

number=0 failed=0

# check NAME COMMAND...: a result; what a command that fails has said comes before it.
check ()
{
  local name=$1 log=${work:?}/log bad=""
  shift
  # In a shell of its own: “set -e” has no effect in a function whose status is asked for.
  "$@" >"$log" 2>&1 </dev/null & wait $! || bad="not "
  number=$((number + 1))
  if [ -n "$bad" ]; then
    failed=$((failed + 1))
    tail -n 100 "$log" | sed 's/^/# /'
  fi
  echo "${bad}ok $number - $name"
  [ -z "$bad" ]
}
