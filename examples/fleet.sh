#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Usage: examples/fleet.sh [DEVICES]
#
# Installs what is missing, builds, and runs a fleet of 20 devices, or as many
# as are asked for, on this machine: each has an agent, a certificate of its
# own, and a web server. An operator opens a tunnel to each of them, all at
# once, and fetches a file. Devices hear of their tunnels from a real broker,
# mosquitto, which the emulator of the service notifies; everything is
# encrypted.
#
# Fails unless each device's own file arrives, and no tunnel is left open. All
# servers are private to this script, and end with it.
#
#   IST_BUILD_DIR       where to build (build/ in the source folder)

# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" || exit 1

count=${1:-20}

# issue NAME EXTENSION: a certificate and its key.
issue ()
{
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
    -keyout "$work/$1.key" -out "$work/$1.csr" 2>/dev/null &&
    openssl x509 -req -in "$work/$1.csr" -CA "$work/authority.pem" -CAkey "$work/authority.key" \
      -CAcreateserial -days 2 -extfile <(printf '%s\n' "$2") -out "$work/$1.pem" 2>/dev/null
}

make_certificates ()
{
  local device

  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=fleet' -days 2 \
    -keyout "$work/authority.key" -out "$work/authority.pem" 2>/dev/null || return 1
  issue broker subjectAltName=DNS:localhost && issue service basicConstraints=CA:FALSE || return 1
  for device in "${devices[@]}"; do
    issue "$device" basicConstraints=CA:FALSE || return 1
  done
}

# A device is who its certificate says, and hears of its own tunnels only.
start_broker ()
{
  broker_port=$(free_ports 1)
  cat >"$work/broker.acl" <<'END'
user service
topic write $aws/things/+/tunnels/notify
pattern read $aws/things/%u/tunnels/notify
END
  cat >"$work/broker.conf" <<END
user $(id -un)
listener $broker_port 127.0.0.1
cafile $work/authority.pem
certfile $work/broker.pem
keyfile $work/broker.key
require_certificate true
use_identity_as_username true
acl_file $work/broker.acl
END
  start broker mosquitto -c "$work/broker.conf"
  wait_for broker is_listening "$broker_port"
}

# Each device's web server, at a Unix socket, has a file of its own.
start_services ()
{
  local device servers=()

  for device in "${devices[@]}"; do
    mkdir "$work/$device"
    head -c $((200000 + RANDOM * 10)) /dev/urandom >"$work/$device/file"
    servers+=("listen \"unix:$work/$device.sock\"; root \"$work/$device\";")
  done
  start_nginx "${servers[@]}"
  wait_for nginx test -S "$work/${devices[-1]}.sock"
}

start_agents ()
{
  local device

  for device in "${devices[@]}"; do
    cat >"$work/$device.conf" <<END
[agent]
thing=$device
broker=localhost:$broker_port
certificate=$work/$device.pem
key=$work/$device.key
ca=$work/authority.pem
endpoint=${ready[0]}
endpoint-ca=$work/ca.pem

[services]
HTTP=$work/$device.sock
END
    start "$device" env LC_ALL=C.UTF-8 "$build/src/tools/agent/ist-agent" --config "$work/$device.conf" --bus none
  done
  for device in "${devices[@]}"; do
    wait_for "$device" grep -q Subscribed "$work/$device.log" || return 1
  done
}

# fetch DEVICE: what the operator does.
fetch ()
{
  local since=${EPOCHREALTIME/./}

  AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any \
    "$build/src/tools/proxy/ist-proxy" --open --thing "$1" --service HTTP --endpoint-url "https${ready[0]#wss}" \
    --capath "$work/ca.pem" --lifetime 5 -- \
    curl --silent --show-error --fail --max-time 60 --noproxy '*' --output "$work/$1.fetched" \
    'http://localhost:{port}/file' 2>"$work/$1.operator.log"
  echo $? $((${EPOCHREALTIME/./} - since)) >"$work/$1.result"
}

# show DEVICE: a line of the table.
show ()
{
  local status time

  read -r status time <"$work/$1.result"
  if [ "$status" != 0 ] || ! cmp -s "$work/$1/file" "$work/$1.fetched"; then
    printf '%-11s WRONG (status %s)\n' "$1" "$status"
    cat "$work/$1.operator.log"
    tail -n 5 "$work/$1.log"
    return 1
  fi
  printf '%-11s %8d  %8s  %.16s\n' "$1" "$(stat -c %s "$work/$1.fetched")" "$(format_seconds "$time")" \
    "$(sum_of "$work/$1.fetched")"
}

# Whether the service knows of no tunnel any more.
all_are_closed ()
{
  local answer

  answer=$(curl --silent --show-error --fail --max-time 60 --noproxy '*' --cacert "$work/ca.pem" --user any:any \
    --aws-sigv4 aws:amz:us-east-1:IoTSecuredTunneling --header 'Content-Type: application/x-amz-json-1.1' \
    --header 'X-Amz-Target: IoTSecuredTunneling.ListTunnels' --data '{}' "https${ready[0]#wss}/") &&
    [[ ${answer//[[:space:]]/} == '{"tunnelSummaries":[]}' ]]
}

main ()
{
  local device bad=0 operators=()

  [[ $count =~ ^[1-9][0-9]{0,2}$ ]] || fail "not a number of devices: $count"
  mapfile -t devices < <(printf 'device-%03d\n' $(seq "$count"))
  install_packages build fleet || fail "could not install what is missing"
  say "Building"
  build_with -Dintrospection=disabled -Dexamples=false -Dagent=enabled || fail "could not build"
  # The names of Unix sockets are short.
  make_work_folder || fail "could not make a folder"

  make_certificates || fail "could not make certificates"
  start_broker || fail "could not start mosquitto"
  start_emulator --mqtt "localhost:$broker_port" --mqtt-ca "$work/authority.pem" --mqtt-cert "$work/service.pem" \
    --mqtt-key "$work/service.key" || fail "could not start ist-emulator"
  start_services || fail "could not start nginx"
  start_agents || fail "could not start the agents"
  echo "$count agents wait for tunnels"

  for device in "${devices[@]}"; do
    fetch "$device" &
    operators+=($!)
  done
  wait "${operators[@]}"
  printf '%-11s %8s  %8s  %s\n' device bytes seconds sha256
  for device in "${devices[@]}"; do
    show "$device" || bad=$((bad + 1))
  done
  [ $bad = 0 ] || fail "$bad of $count devices did not deliver"
  all_are_closed || fail "a tunnel was left open"
  echo "$count of $count devices delivered their files; all tunnels are closed again"
}

main
