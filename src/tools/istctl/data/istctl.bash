# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# bash completion for istctl

# The words that may come after the command so far, as --help has them.
_istctl_words ()
{
  LC_ALL=C "$1" --help 2>/dev/null | awk -v group="${*:2}" '
    /^Commands:/ { commands = 1; next }
    /^$/ { commands = 0 }
    commands {
      n = split (group, words)
      for (i = 1; i <= n; i++)
        if ($i != words[i])
          next
      # The summary begins after the command, and the spaces that follow it.
      match ($0, /^  [a-z -]*[a-z]  /)
      if (n < split (substr ($0, 1, RLENGTH), command))
        print command[n + 1]
    }'
}

_istctl ()
{
  local cur prev words cword split
  _init_completion -s || return

  # Commands, and the groups of commands they are in, come first.
  local i command=()
  for ((i = 1; i < cword; i++)); do
    [[ ${words[i]} == -* ]] && break
    command+=("${words[i]}")
  done

  case $prev in
    --bus)
      mapfile -t COMPREPLY < <(compgen -W 'system session' -- "$cur")
      return
      ;;
    --reuse)
      mapfile -t COMPREPLY < <(compgen -W 'own any never' -- "$cur")
      return
      ;;
    --profile)
      # The groups of the AWS tools' files.
      mapfile -t COMPREPLY < <(compgen -W "$(sed -n 's/^\[\(profile \)\?\(.*\)\]$/\2/p' \
        "${AWS_CONFIG_FILE:-$HOME/.aws/config}" "${AWS_SHARED_CREDENTIALS_FILE:-$HOME/.aws/credentials}" 2>/dev/null)" -- "$cur")
      return
      ;;
    --ca-file)
      _filedir
      return
      ;;
    # Nothing to guess.
    --region | --endpoint-url | --lifetime | --timeout)
      return
      ;;
  esac
  $split && return

  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(LC_ALL=C "$1" "${command[@]}" --help 2>/dev/null | _parse_help -)" -- "$cur")
    [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
    return
  fi

  case "${command[*]}" in
    'agent stop'*)
      # The numbers in the table of tunnels, which is the first one.
      mapfile -t COMPREPLY < <(compgen -W "$("$1" agent list 2>/dev/null | awk '/^$/ { exit } NR > 1 { print $1 }')" -- "$cur")
      ;;
    connect* | forward* | open*)
      # Things that there are tunnels to.
      mapfile -t COMPREPLY < <(compgen -W "$("$1" list --json 2>/dev/null | grep -o '"thingName":"[^"]*"' | cut -d'"' -f4 | sort -u)" -- "$cur")
      ;;
    close*)
      mapfile -t COMPREPLY < <(compgen -W "$("$1" list --json 2>/dev/null | grep -oE '"(thingName|tunnelId|address|id)":("[^"]*"|[0-9]+)' | cut -d: -f2- | tr -d '"' | sort -u)" -- "$cur")
      ;;
    *)
      mapfile -t COMPREPLY < <(compgen -W "$(_istctl_words "$1" "${command[@]}")" -- "$cur")
      ;;
  esac
} &&
  complete -F _istctl istctl
