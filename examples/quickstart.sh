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

# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" || exit 1

file=${1:-}
telling_logs=(source destination)

# carried WHAT SINCE SUM: what came of a file that was carried.
carried ()
{
  printf '  %s%-12s%s %s in %s s\n' "$blue" "$1" "$normal" "$3" "$(format_seconds $((${EPOCHREALTIME/./} - $2)))"
  [ "$3" = "$sum" ]
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
    trap 'cleanup; rmdir /run/sshd' EXIT
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
    start "$name" "$build/src/tools/proxy/ist-proxy" -e "${ready[0]}" -c "$work/ca.pem" "$@"
}

# Both ends; puts the ports on which the source listens into the array ports.
start_proxies ()
{
  local service port

  start_proxy destination "${ready[2]}" -d "HTTP=127.0.0.1:$1,SSH=127.0.0.1:$2"
  start_proxy source "${ready[1]}" -s HTTP=0,SSH=0 --port-file "$work/ports"
  wait_for source test -e "$work/ports" || return 1
  while IFS='=' read -r service port; do
    ports[$service]=$port
  done <"$work/ports"
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
  mkdir "$work/www"
  ln -s "$(realpath "$file")" "$work/www/file"
  start_nginx "listen 127.0.0.1:$web_port; root \"$work/www\";"
  wait_for nginx is_listening "$web_port" || fail "could not start nginx"
  ! can_use_sshd || start_sshd "$ssh_port" || fail "could not start sshd"
  start_proxies "$web_port" "$ssh_port" || fail "could not start ist-proxy"
  printf '  %s%-12s%s %s\n' "$blue" sent "$normal" "$sum"
  fetch || fail "curl did not fetch the file that nginx serves"
  if can_use_sshd; then
    ssh_session || fail "sshd did not receive the file that ssh sent"
  else
    printf '  %s%-12s%s %s\n' "$blue" ssh "$normal" "left out: there is no sshd that can be used here"
  fi
  stop source && stop destination || fail "ist-proxy did not end as it should"
}

# start_program WHO TOKEN COMMAND...: what it tells becomes events, and is kept.
start_program ()
{
  local who=$1 token=$2

  shift 2
  AWSIOT_TUNNEL_ACCESS_TOKEN=$token GI_TYPELIB_PATH=$build/src/ist LD_LIBRARY_PATH=$build/src/ist \
    PYTHONPATH=$top/src/python "$@" --mode "$who" --endpoint "${ready[0]}" --ca-file "$work/ca.pem" \
    > >(tee "$work/$who.events" | exec sed -u "s/^/$who /" >"$work/events") 2>&1 &
  remember "$who"
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
    # Both tell how far they are; one is enough.
    [[ ! $what =~ ^received' '[0-9]+' % of ' ]] || continue
    if [[ $what =~ ^sent' '([0-9]+)' % of '(.*)$ ]]; then
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
  local since=${EPOCHREALTIME/./} name

  mkfifo "$work/events"
  show_events &
  remember events
  start_program destination "${ready[4]}" python3 "$top/examples/tunnel-file.py" "$work/received"
  # What a source sends before is dropped by the service.
  wait_for destination grep -q connected "$work/destination.events" || fail "the destination did not connect"
  start_program source "${ready[3]}" "$build/examples/tunnel-file" "$file"
  # When one has failed the other would wait in vain.
  wait -n "${pids[destination]}" "${pids[source]}" || fail "the source or the destination ended with status $?"
  for name in destination source events; do
    wait_end $name || fail "the source or the destination ended with status $?"
  done
  carried "C to Python" "$since" "$(sum_of "$work/received")" || fail "what was received is not what was sent"
}

[ -z "$file" ] || [ -r "$file" ] || fail "can't read $file"
begun=${EPOCHREALTIME/./}
install_packages build demo || fail "could not install what is needed"

say "Building"
build_with -Dexamples=true -Dintrospection=enabled -Dmqtt=disabled || fail "could not build"
# There may be more room than in /tmp.
make_work_folder "$build" || fail "could not make a folder"

if [ -z "$file" ]; then
  file=$work/original
  tar --create --ignore-failed-read /usr/lib /usr/share 2>/dev/null | head -c 200000000 >"$file"
fi
size=$(stat --dereference --format=%s "$file") && sum=$(sum_of "$file") || exit 1

# One tunnel for ist-proxy, and one for the programs of the second part.
start_emulator --open HTTP,SSH --open FILE || fail "could not start ist-emulator"
say "$((size / 1000000)) MB between real programs, with ist-proxy at both ends of ${ready[0]}"
real_programs
say "The same in programs of one's own"
own_programs

printf '%sOK%s the same file each time, %d MB over TLS; all together %d s\n' "$green$bold" "$normal" \
  $((size / 1000000)) $(((${EPOCHREALTIME/./} - begun) / 1000000))
