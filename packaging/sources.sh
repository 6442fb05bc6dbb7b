# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced by the scripts beside this one.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# copy_sources FOLDER [EXCEPTION...]: the tree as it is, of a clone or of an archive, without what
# was built in it.
copy_sources ()
{
  local folder=$1
  shift
  tar -C "$top" -c --exclude=./.git --exclude=./build --exclude='*.pyc' "${@/#/--exclude=./}" . | tar -C "$folder" -x
}
