# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# bash completion for ist-proxy

_ist_proxy ()
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
    --capath | -c | --config | --settings-json | --export-default-settings | \
      --access-token-file | --client-token-file | --port-file)
      _filedir
      return
      ;;
    --config-dir)
      _filedir -d
      return
      ;;
    --mode | -m)
      mapfile -t COMPREPLY < <(compgen -W 'src source dst destination' -- "$cur")
      return
      ;;
    --destination-client-type | -y)
      mapfile -t COMPREPLY < <(compgen -W 'V1 V2 V3' -- "$cur")
      return
      ;;
    --verbose | -v)
      mapfile -t COMPREPLY < <(compgen -W '0 1 2 3 4 5 6' -- "$cur")
      return
      ;;
    --region | -r)
      local regions='ap-northeast-1 ap-northeast-2 ap-south-1 ap-southeast-1 ap-southeast-2
        ca-central-1 cn-north-1 cn-northwest-1 eu-central-1 eu-north-1 eu-west-1 eu-west-2
        eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2'
      mapfile -t COMPREPLY < <(compgen -W "$regions" -- "$cur")
      return
      ;;
    --local-bind-address | -b)
      _ip_addresses -a
      return
      ;;
    --proxy-endpoint | -e)
      _known_hosts_real -- "$cur"
      return
      ;;
    # Nothing to guess.
    --thing | --service | --lifetime | --wait | --endpoint-url | \
      --access-token | -t | --client-token | -i | --access-token-keyring | --half-close-grace | \
      --connection-wait | \
      --idle-timeout | --source-listen-port | -s | --destination-app | -d)
      return
      ;;
  esac
  $split && return

  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_parse_help "$1")" -- "$cur")
    [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
  fi
} &&
  complete -F _ist_proxy ist-proxy
