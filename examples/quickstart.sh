#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Usage: examples/quickstart.sh [FILE]
#
# Installs what is missing, builds, and carries a file (by default one of 200 MB
# that is made of this system's own) through tunnels on this machine, by way of
# the emulator of the service, over TLS:
#
# - between programs that know nothing of tunnels, with ist-proxy at both ends:
#   nginx and curl, and, where sshd is installed, sshd and ssh;
# - from a source in C to a destination in Python.
#
# Fails unless the same file arrives each time. All servers are private to this
# script, and end with it.
#
#   IST_BUILD_DIR       where to build (build/ in the source folder)

set -u -o pipefail
exec </dev/null

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
build=${IST_BUILD_DIR:-$top/build}/quickstart
file=${1:-}
work=""
children=() made_run_sshd=""

bold="" dim="" red="" green="" blue="" yellow="" clear="" normal=""
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

say ()
{
  printf '%s%s%s\n' "$bold" "$1" "$normal"
}

fail ()
{
  printf '%s%sFAILED%s %s\n' "$clear" "$red$bold" "$normal" "$1"
  [ -z "$work" ] || tail -n 5 "$work"/{source,destination}.log 2>/dev/null
  exit 1
}

# Ends what was started here, and nothing else; the last first.
cleanup ()
{
  local i

  trap '' INT TERM HUP
  for ((i = ${#children[@]} - 1; i >= 0; i--)); do
    kill "${children[i]}" 2>/dev/null
    wait "${children[i]}" 2>/dev/null
  done
  [ -z "$made_run_sshd" ] || rmdir /run/sshd
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

# bar DONE OF
bar ()
{
  local i out=""

  for ((i = 0; i < 30; i++)); do
    if ((i * $2 < $1 * 30)); then out+=$full; else out+=$empty; fi
  done
  printf '%s' "$out"
}

build_all ()
{
  local log=$build.log line

  mkdir -p "$build"
  if ! [ -e "$build/build.ninja" ] &&
     ! meson setup "$build" "$top" --buildtype=release -Dintrospection=enabled -Dvapi=disabled \
       -Ddocs=disabled -Dmqtt=disabled -Demulator=true -Dtools=true -Dexamples=true \
       -Dtests=false >"$log" 2>&1; then
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

# start NAME COMMAND...: in the background, with files for its output and log.
start ()
{
  local name=$1

  shift
  "$@" >"$work/$name.out" 2>"$work/$name.log" &
  children+=($!)
}

# wait_for NAME COMMAND...: until the command succeeds, or what was started last
# has ended.
wait_for ()
{
  local name=$1 attempt

  shift
  for ((attempt = 0; attempt < 400; attempt++)); do
    ! "$@" || return 0
    kill -0 "${children[-1]}" 2>/dev/null || break
    sleep 0.05
  done
  cat "$work/$name.log"
  return 1
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

is_listening ()
{
  { : >"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null
}

# seconds_since MICROSECONDS
seconds_since ()
{
  local passed=$((${EPOCHREALTIME/./} - $1))

  printf '%d.%02d s' $((passed / 1000000)) $((passed / 10000 % 100))
}

sum_of ()
{
  local sum

  sum=$(sha256sum <"$1") && echo "${sum%% *}"
}

# One tunnel for ist-proxy, and one for the programs of the second part.
start_emulator ()
{
  start emulator "$build/src/tools/ist-emulator" --ca-file "$work/ca.pem" --open HTTP,SSH --open FILE
  wait_for emulator test -s "$work/emulator.out" || return 1
  mapfile -t ready < <(python3 -c 'if True:
    import json, sys
    ready = json.loads(sys.stdin.readline())
    print(ready["endpoint"])
    for tunnel in ready["tunnels"]:
        print(tunnel["sourceAccessToken"], tunnel["destinationAccessToken"], sep="\n")
    ' <"$work/emulator.out")
  [ "${#ready[@]}" = 5 ]
}

# start_nginx PORT: serves the file.
start_nginx ()
{
  mkdir "$work/www"
  ln -s "$(realpath "$file")" "$work/www/file"
  cat >"$work/nginx.conf" <<END
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
  server { listen 127.0.0.1:$1; root "$work/www"; }
}
END
  start nginx nginx -p "$work" -c "$work/nginx.conf" -e stderr
  wait_for nginx is_listening "$1"
}

# sshd lets nobody in whose account is locked.
can_use_sshd ()
{
  local program

  for program in sshd ssh ssh-keygen; do
    command -v $program >/dev/null || return 1
  done
  [ "$(id -u)" != 0 ] || [[ $(getent shadow root) != root:!* ]]
}

# start_sshd PORT: lets this user in, with a key made for it.
start_sshd ()
{
  local name

  if [ "$(id -u)" = 0 ] && [ ! -e /run/sshd ]; then
    mkdir -m 755 /run/sshd || return 1
    made_run_sshd=yes
  fi
  for name in host_key user_key; do
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/$name" || return 1
  done
  echo "device $(cat "$work/host_key.pub")" >"$work/known_hosts"
  cat >"$work/sshd_config" <<END
ListenAddress 127.0.0.1:$1
HostKey "$work/host_key"
AuthorizedKeysFile "$work/user_key.pub"
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
END
  start sshd "$(command -v sshd)" -D -e -f "$work/sshd_config"
  wait_for sshd is_listening "$1"
}

# start_proxy NAME TOKEN OPTION...
# The tokens are passed in the environment: arguments can be read by everybody.
start_proxy ()
{
  local name=$1 token=$2

  shift 2
  AWSIOT_TUNNEL_ACCESS_TOKEN=$token \
    start "$name" "$build/src/tools/ist-proxy" -e "${ready[0]}" -c "$work/ca.pem" "$@"
}

# Both ends; puts the ports on which the source listens into the array ports.
start_proxies ()
{
  local service port

  start_proxy destination "${ready[2]}" -d "HTTP=127.0.0.1:$1,SSH=127.0.0.1:$2"
  start_proxy source "${ready[1]}" -s HTTP=0,SSH=0 --port-file "$work/ports"
  wait_for source test -e "$work/ports" || return 1
  while IFS== read -r service port; do
    ports[$service]=$port
  done <"$work/ports"
}

# The two proxies were started last.
stop_proxies ()
{
  local i

  for i in -1 -2; do
    kill "${children[i]}" 2>/dev/null
    wait "${children[i]}" || return 1
  done
  unset 'children[-1]' 'children[-1]'
}

# carried WHAT SINCE SUM: what came of a file that was carried.
carried ()
{
  printf '  %s%-12s%s %s in %s\n' "$blue" "$1" "$normal" "$3" "$(seconds_since "$2")"
  [ "$3" = "$sum" ]
}

fetch ()
{
  local since=${EPOCHREALTIME/./}

  curl --silent --show-error --fail --speed-limit 1 --speed-time 30 \
    --output "$work/fetched" "http://127.0.0.1:${ports[HTTP]}/file" &&
    carried curl "$since" "$(sum_of "$work/fetched")"
}

# The other way round: the sum is made at the other end of the session.
ssh_session ()
{
  local since=${EPOCHREALTIME/./} answer

  answer=$(ssh -F none -p "${ports[SSH]}" -i "$work/user_key" -o IdentitiesOnly=yes -o BatchMode=yes \
    -o ConnectTimeout=30 -o ServerAliveInterval=10 -o HostKeyAlias=device \
    -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=none -o UserKnownHostsFile="\"$work/known_hosts\"" \
    "$(id -un)@127.0.0.1" sha256sum <"$file") &&
    carried ssh "$since" "${answer%% *}"
}

real_programs ()
{
  local web_port ssh_port
  local -A ports

  read -r web_port ssh_port < <(free_ports 2)
  start_nginx "$web_port" || fail "could not start nginx"
  ! can_use_sshd || start_sshd "$ssh_port" || fail "could not start sshd"
  start_proxies "$web_port" "$ssh_port" || fail "could not start ist-proxy"
  printf '  %s%-12s%s %s\n' "$blue" sent "$normal" "$sum"
  fetch || fail "curl did not fetch the file that nginx serves"
  if can_use_sshd; then
    ssh_session || fail "sshd did not receive the file that ssh sent"
  else
    printf '  %s%-12s%s %s\n' "$blue" ssh "$normal" "left out: there is no sshd that can be used here"
  fi
  stop_proxies || fail "ist-proxy did not end as it should"
}

start_programs ()
{
  local library=$build/src/ist

  mkfifo "$work/events"
  AWSIOT_TUNNEL_ACCESS_TOKEN=${ready[4]} GI_TYPELIB_PATH=$library LD_LIBRARY_PATH=$library \
    python3 "$top/examples/tunnel-receive-file.py" --endpoint "${ready[0]}" --ca-file "$work/ca.pem" \
    "$work/received" > >(exec sed -u 's/^/destination /' >"$work/events") 2>&1 &
  children+=($!)
  AWSIOT_TUNNEL_ACCESS_TOKEN=${ready[3]} \
    "$build/examples/tunnel-send-file" --endpoint "${ready[0]}" --ca-file "$work/ca.pem" \
    "$file" > >(exec sed -u 's/^/source /' >"$work/events") 2>&1 &
  children+=($!)
}

# Shows the events of both, until both have ended.
show_events ()
{
  local who what now colour begun=${EPOCHREALTIME/./}

  while read -r who what; do
    now=$((${EPOCHREALTIME/./} - begun))
    printf -v now '%2d.%03d s' $((now / 1000000)) $((now / 1000 % 1000))
    colour=$blue
    [ "$who" = source ] || colour=$yellow
    if [[ $what =~ ^sent' '+([0-9]+)' % of '(.*)$ ]]; then
      if [ -n "$clear" ]; then
        printf '%s  %s  %s%-12s%s %s %s %%' "$clear" "$dim$now$normal" "$colour" "$who" "$normal" \
          "$(bar "${BASH_REMATCH[1]}" 100)" "${BASH_REMATCH[1]}"
        [ "${BASH_REMATCH[1]}" != 100 ] || echo
        continue
      fi
      ((BASH_REMATCH[1] % 25 == 0)) || continue
    fi
    printf '%s  %s  %s%-12s%s %s\n' "$clear" "$dim$now$normal" "$colour" "$who" "$normal" "${what:0:width - 27}"
  done <"$work/events"
}

own_programs ()
{
  local since=${EPOCHREALTIME/./} ends end

  start_programs
  ends=("${children[@]: -2}")
  show_events &
  children+=($!)
  # When one has failed the other would wait in vain.
  wait -n "${ends[@]}" || fail "the source or the destination ended with status $?"
  for end in "${ends[@]}"; do
    wait "$end" || fail "the source or the destination ended with status $?"
  done
  wait "${children[-1]}"
  unset 'children[-1]' 'children[-1]' 'children[-1]'
  carried "C to Python" "$since" "$(sum_of "$work/received")" || fail "what was received is not what was sent"
}

[ -z "$file" ] || [ -r "$file" ] || fail "can't read $file"
begun=${EPOCHREALTIME/./}
install_packages build demo || fail "could not install what is needed"
# What happens here concerns no proxy of the network.
export no_proxy=localhost,127.0.0.1 NO_PROXY=localhost,127.0.0.1

say "Building"
build_all || fail "could not build"
work=$(mktemp -d "$build/run.XXXXXX") && work=$(realpath "$work") || exit 1

if [ -z "$file" ]; then
  file=$work/original
  tar --create --ignore-failed-read /usr/lib /usr/share 2>/dev/null | head -c 200000000 >"$file"
fi
size=$(stat --dereference --format=%s "$file") && sum=$(sum_of "$file") || exit 1

start_emulator || fail "could not start ist-emulator"
say "$((size / 1000000)) MB between real programs, with ist-proxy at both ends of ${ready[0]}"
real_programs
say "The same in programs of one's own"
own_programs

printf '%sOK%s the same file each time, %d MB over TLS; all together %d s\n' "$green$bold" "$normal" \
  $((size / 1000000)) $(((${EPOCHREALTIME/./} - begun) / 1000000))
