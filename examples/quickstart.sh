#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Usage: examples/quickstart.sh [FILE]
#
# Installs what is missing, builds, and sends a file (by default one of 200 MB
# that is made of this system's own) through a tunnel on this machine: from a
# source in C, by way of the emulator of the service, to a destination in
# Python, over TLS. Fails unless the same file arrives.
#
#   IST_BUILD_DIR       where to build (build/ in the source folder)

set -u -o pipefail
exec </dev/null

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
build=${IST_BUILD_DIR:-$top/build}/quickstart
file=${1:-}
work=""
emulator="" source="" destination=""

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
  exit 1
}

# Ends what was started here, and nothing else.
cleanup ()
{
  local pid

  trap '' INT TERM HUP
  for pid in $source $destination $emulator; do
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
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
       -Ddocs=disabled -Demulator=true -Dtools=true -Dexamples=true -Dtests=false >"$log" 2>&1; then
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

start_emulator ()
{
  local attempt

  "$build/src/tools/ist-emulator" --ca-file "$work/ca.pem" --open FILE >"$work/ready" 2>"$work/emulator.log" &
  emulator=$!
  for ((attempt = 0; attempt < 200; attempt++)); do
    [ ! -s "$work/ready" ] || break
    kill -0 "$emulator" 2>/dev/null || break
    sleep 0.05
  done
  mapfile -t ready < <(python3 -c 'if True:
    import json, sys
    ready = json.loads(sys.stdin.readline())
    tunnel = ready["tunnels"][0]
    print(ready["endpoint"], tunnel["sourceAccessToken"], tunnel["destinationAccessToken"], sep="\n")
    ' <"$work/ready" 2>/dev/null)
  [ "${#ready[@]}" = 3 ] && return 0
  cat "$work/emulator.log"
  return 1
}

# The tokens are passed in the environment: arguments can be read by everybody.
start_programs ()
{
  local library=$build/src/ist

  mkfifo "$work/events"
  AWSIOT_TUNNEL_ACCESS_TOKEN=${ready[2]} GI_TYPELIB_PATH=$library LD_LIBRARY_PATH=$library \
    python3 "$top/examples/tunnel-receive-file.py" --endpoint "${ready[0]}" --ca-file "$work/ca.pem" \
    "$work/received" > >(exec sed -u 's/^/destination /' >"$work/events") 2>&1 &
  destination=$!
  AWSIOT_TUNNEL_ACCESS_TOKEN=${ready[1]} \
    "$build/examples/tunnel-send-file" --endpoint "${ready[0]}" --ca-file "$work/ca.pem" \
    "$file" > >(exec sed -u 's/^/source /' >"$work/events") 2>&1 &
  source=$!
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

compare ()
{
  local sent received

  sent=$(sha256sum <"$file")
  received=$(sha256sum <"$work/received" 2>/dev/null) || received="nothing"
  printf '  sent      %s\n  received  %s\n' "${sent%% *}" "${received%% *}"
  [ "$sent" = "$received" ]
}

[ -z "$file" ] || [ -r "$file" ] || fail "can't read $file"
begun=${EPOCHREALTIME/./}
install_packages build demo || fail "could not install what is needed"

say "Building"
build_all || fail "could not build"
work=$(mktemp -d "$build/run.XXXXXX") || exit 1

if [ -z "$file" ]; then
  file=$work/file
  tar --create --ignore-failed-read /usr/lib /usr/share 2>/dev/null | head -c 200000000 >"$file"
fi
size=$(stat --dereference --format=%s "$file") || exit 1

start_emulator || fail "could not start ist-emulator"
say "Sending $((size / 1000000)) MB through ${ready[0]}"
sending=${EPOCHREALTIME/./}
start_programs
show_events
wait "$source"; source_status=$?
wait "$destination"; destination_status=$?
source="" destination=""
sending=$((${EPOCHREALTIME/./} - sending))

say "SHA-256"
compare || fail "what was received is not what was sent"
[ "$source_status" = 0 ] || fail "the source ended with status $source_status"
[ "$destination_status" = 0 ] || fail "the destination ended with status $destination_status"

printf '%sOK%s the same file: %d MB in %d.%d s, %d MB/s over TLS; all together %d s\n' "$green$bold" "$normal" \
  $((size / 1000000)) $((sending / 1000000)) $((sending / 100000 % 10)) $((size / sending)) \
  $(((${EPOCHREALTIME/./} - begun) / 1000000))
