# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Results as TAP, for those who have a folder for files in $work.

number=0 failed=0

# check NAME COMMAND...: a result, which $bad is empty for if it is a good one; what a command that fails
# has said comes before it. Not for conditions: there “set -e” would have no effect, on what the command
# does neither, not even in a shell of its own.
check ()
{
  local name=$1 log=${work:?}/log
  shift
  bad=""
  "$@" >"$log" 2>&1 </dev/null & wait $! || bad="not "
  number=$((number + 1))
  if [ -n "$bad" ]; then
    failed=$((failed + 1))
    tail -n 100 "$log" | sed 's/^/# /'
  fi
  echo "${bad}ok $number - $name"
}
