# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced by the scripts beside this one: builds libist in a folder of the
# script's own, starts servers that are private to it, waits for them, and ends
# them with it.
#
# $top is the source folder, $build where is built, $work a folder for files once
# make_work_folder was called.

set -u -o pipefail
exec </dev/null

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
build=${IST_BUILD_DIR:-$top/build}/$(basename "$0" .sh)
work=""
started=() # names, in order
declare -A pids=()
telling_logs=() # names of those whose logs may say why the script has failed

bold="" red="" green="" blue="" yellow="" dim="" clear="" normal=""
full="#" empty="." width=1000
if [ -t 1 ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' blue=$'\e[34m' normal=$'\e[0m'
  clear=$'\r\e[K'
  width=$(tput cols 2>/dev/null) || width=80
  case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
    *UTF-8 | *utf8) full="█" empty="░" ;;
  esac
fi

. "$top/tests/lib/install.sh"
# What happens on this machine concerns no proxy of the network.
export no_proxy=localhost,127.0.0.1 NO_PROXY=localhost,127.0.0.1

say ()
{
  printf '%s%s%s\n' "$bold" "$1" "$normal"
}

fail ()
{
  local name

  printf '%s%sFAILED%s %s\n' "$clear" "$red$bold" "$normal" "$1"
  for name in "${telling_logs[@]}"; do
    tail -n 5 "$work/$name.log" 2>/dev/null
  done
  exit 1
}

# bar DONE OF
bar ()
{
  local i out=""

  for ((i = 0; i < 30; i++)); do
    if ((i * $2 < $1 * 30)); then out+=$full; else out+=$empty; fi
  done
  printf '%s' "$out"
}

# build_with OPTION...: builds what is not built yet; the options are meson's.
build_with ()
{
  local log=$build.log line

  mkdir -p "$build"
  if ! [ -e "$build/build.ninja" ] &&
     ! meson setup "$build" "$top" --buildtype=release -Dvapi=disabled -Ddocs=disabled -Dtests=false "$@" \
       >"$log" 2>&1; then
    tail -n 40 "$log"
    return 1
  fi
  if ! NINJA_STATUS='%f %t ' ninja -C "$build" 2>&1 | tee "$log" |
     while IFS= read -r line; do
       if [ -n "$clear" ] && [[ $line =~ ^([0-9]+)' '([0-9]+)' ' ]]; then
         printf '%s  %s %s of %s' "$clear" "$(bar "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")" \
           "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
       fi
     done; then
    printf '%s' "$clear"
    tail -n 40 "$log"
    return 1
  fi
  printf '%s' "$clear"
}

# make_work_folder [PARENT]
make_work_folder ()
{
  work=$(mktemp --directory ${1:+"$1/run.XXXXXX"}) && work=$(realpath "$work")
}

# remember NAME: what was put into the background last ends with the script.
remember ()
{
  started+=("$1")
  pids[$1]=$!
}

# start NAME COMMAND...: in the background, with files for its output and log.
start ()
{
  local name=$1

  shift
  "$@" >"$work/$name.out" 2>"$work/$name.log" &
  remember "$name"
}

# wait_for NAME COMMAND...: until the command succeeds. Fails if what was started
# under that name has ended, or half a minute has passed.
wait_for ()
{
  local name=$1 attempt

  shift
  for ((attempt = 0; attempt < 600; attempt++)); do
    ! "$@" || return 0
    kill -0 "${pids[$name]}" 2>/dev/null || break
    sleep 0.05
  done
  tail -n 20 "$work/$name.log"
  return 1
}

# wait_end NAME: its exit status, once it has ended by itself.
wait_end ()
{
  local pid=${pids[$1]}

  unset "pids[$1]"
  wait "$pid"
}

# stop NAME: likewise, but asks it to end.
stop ()
{
  kill "${pids[$1]}" 2>/dev/null
  wait_end "$1"
}

# Ends what was started here, and nothing else; the last first.
cleanup ()
{
  local i

  trap '' INT TERM HUP
  for ((i = ${#started[@]} - 1; i >= 0; i--)); do
    [ -z "${pids[${started[i]}]:-}" ] || stop "${started[i]}"
  done
  [ -z "$work" ] || rm -rf "$work"
}

interrupted ()
{
  printf '%s%s\n' "$clear" "Interrupted"
  exit "$1"
}

trap cleanup EXIT
trap 'interrupted 129' HUP
trap 'interrupted 130' INT
trap 'interrupted 143' TERM

is_listening ()
{
  { : >"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null
}

# free_ports HOW_MANY
free_ports ()
{
  python3 -c 'if True:
    import socket, sys
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
    print(*(s.getsockname()[1] for s in sockets))
    ' "$1"
}

# format_seconds MICROSECONDS
format_seconds ()
{
  printf '%d.%02d' $(($1 / 1000000)) $(($1 / 10000 % 100))
}

sum_of ()
{
  local sum

  sum=$(sha256sum <"$1") && echo "${sum%% *}"
}

# start_emulator OPTION...: puts its endpoint and the two tokens of each tunnel of
# --open, the source's first, into the array ready.
start_emulator ()
{
  start emulator "$build/src/tools/emulator/ist-emulator" --ca-file "$work/ca.pem" "$@"
  wait_for emulator test -s "$work/emulator.out" || return 1
  mapfile -t ready < <(python3 -c 'if True:
    import json, sys
    ready = json.loads(sys.stdin.readline())
    print(ready["endpoint"])
    for tunnel in ready["tunnels"]:
        print(tunnel["sourceAccessToken"], tunnel["destinationAccessToken"], sep="\n")
    ' <"$work/emulator.out")
  [ "${#ready[@]}" -gt 0 ]
}

# start_nginx SERVER...: each is a block of its configuration.
start_nginx ()
{
  {
    cat <<END
daemon off;
$([ "$(id -u)" != 0 ] || echo 'user root;')
pid "$work/nginx.pid";
error_log stderr;
events { }
http {
  access_log off;
  client_body_temp_path "$work/nginx-body";
  proxy_temp_path "$work/nginx-proxy";
  fastcgi_temp_path "$work/nginx-fastcgi";
  uwsgi_temp_path "$work/nginx-uwsgi";
  scgi_temp_path "$work/nginx-scgi";
END
    printf '  server { %s }\n' "$@"
    echo '}'
  } >"$work/nginx.conf"
  start nginx nginx -p "$work" -c "$work/nginx.conf" -e stderr
}
