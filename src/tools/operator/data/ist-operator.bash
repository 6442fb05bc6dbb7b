# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# bash completion for ist-operator

_ist_operator ()
{
  local cur prev words cword split
  _init_completion -s || return

  case $prev in
    --verbose | -v)
      mapfile -t COMPREPLY < <(compgen -W '0 1 2 3 4 5 6' -- "$cur")
      return
      ;;
    # Nothing to guess.
    --linger | --idle-timeout)
      return
      ;;
  esac
  $split && return

  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_parse_help "$1")" -- "$cur")
    [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
  fi
} &&
  complete -F _ist_operator ist-operator
