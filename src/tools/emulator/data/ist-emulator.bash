# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# bash completion for ist-emulator

_ist_emulator ()
{
  local cur prev words cword split
  _init_completion -s || return

  # A command of its own.
  local i
  for ((i = 1; i < cword; i++)); do
    if [[ ${words[i]} == -- ]]; then
      _command_offset $((i + 1))
      return
    fi
  done

  case $prev in
    --certificate | --key | --ca-file | --mqtt-ca | --mqtt-cert | --mqtt-key | --mqtt-password-file)
      _filedir
      return
      ;;
    --state-dir)
      _filedir -d
      return
      ;;
    --address)
      _ip_addresses -a
      return
      ;;
    --mqtt)
      _known_hosts_real -- "$cur"
      return
      ;;
    # Nothing to guess.
    --port | --open | --bandwidth | --max-connections | --fail | --lose | --delay | --mqtt-user)
      return
      ;;
  esac
  $split && return

  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_parse_help "$1")" -- "$cur")
    [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
  fi
} &&
  complete -F _ist_emulator ist-emulator
