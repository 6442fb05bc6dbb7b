# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# bash completion for ist-agent

_ist_agent ()
{
  local cur prev words cword split
  _init_completion -s || return

  case $prev in
    --config | -c)
      _filedir
      return
      ;;
    --bus)
      mapfile -t COMPREPLY < <(compgen -W 'system session none' -- "$cur")
      return
      ;;
    --verbose | -v)
      mapfile -t COMPREPLY < <(compgen -W '0 1 2 3 4 5 6' -- "$cur")
      return
      ;;
  esac
  $split && return

  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_parse_help "$1")" -- "$cur")
    [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
  fi
} &&
  complete -F _ist_agent ist-agent
