#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Usage: examples/fleet.sh [DEVICES]
#
# Installs what is missing, builds, and runs a fleet of 20 devices, or as many
# as are asked for, on this machine: each has an agent, a certificate of its
# own, and a web server. An operator fetches a file from each of them with
# ist-proxy and curl, and a note with istctl, all at once: both go over one
# tunnel to the device, of the operator's session. Devices hear of their tunnels
# from a real broker, mosquitto, which the emulator of the service notifies;
# everything is encrypted.
#
# Fails unless each device's own file and note arrive, over one tunnel for each
# device, and no tunnel is left open when the session is over. All servers are
# private to this script, and end with it.
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

# Each device's web server, at a Unix socket, has a file and a note of its own.
start_services ()
{
  local device servers=()

  for device in "${devices[@]}"; do
    mkdir "$work/$device"
    head -c $((200000 + RANDOM * 10)) /dev/urandom >"$work/$device/file"
    echo "This is $device, number $RANDOM" >"$work/$device/note"
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

# What an operator has at home: among that, where the session's bus finds
# ist-operator, which is not installed.
make_home ()
{
  local services=$work/home/share/dbus-1/services

  mkdir -p "$work/home/.aws" "$services"
  cat >"$work/home/.aws/config" <<END
[default]
region = us-east-1
endpoint_url = https${ready[0]#wss}
ca_bundle = $work/ca.pem
END
  printf '[default]\naws_access_key_id = any\naws_secret_access_key = any\n' >"$work/home/.aws/credentials"
  cat >"$services/io.github.libist.Operator1.service" <<END
[D-BUS Service]
Name=io.github.libist.Operator1
Exec="$build/src/tools/operator/ist-operator"
END
}

# A session, as dbus-run-session makes one, that ends with the script; nothing of
# this one's environment is in it.
start_session ()
{
  make_home || return 1
  in_session=(env -i HOME="$work/home" XDG_DATA_HOME="$work/home/share" LC_ALL=C.UTF-8
    DBUS_SESSION_BUS_ADDRESS="unix:path=$work/bus"
    PATH="$build/src/tools/proxy:$build/src/tools/istctl:$PATH")
  start bus "${in_session[@]}" dbus-daemon --session --nofork --nopidfile --address="unix:path=$work/bus"
  wait_for bus test -S "$work/bus"
}

# get_file DEVICE: by a port of this machine.
get_file ()
{
  local since=${EPOCHREALTIME/./}

  "${in_session[@]}" ist-proxy --open --thing "$1" --service HTTP -- \
    curl --silent --show-error --fail --max-time 60 --output "$work/$1.file" 'http://localhost:{port}/file' \
    2>"$work/$1.operator.log"
  echo $? $((${EPOCHREALTIME/./} - since)) >"$work/$1.result"
}

# get_note DEVICE: by standard input and output.
get_note ()
{
  printf 'GET /note HTTP/1.0\r\n\r\n' | "${in_session[@]}" istctl connect "$1" HTTP 2>"$work/$1.istctl.log" |
    sed '1,/^\r$/d' >"$work/$1.note"
}

# show DEVICE: a line of the table.
show ()
{
  local status time

  read -r status time <"$work/$1.result"
  if [ "$status" != 0 ] || ! cmp -s "$work/$1/file" "$work/$1.file" || ! cmp -s "$work/$1/note" "$work/$1.note"; then
    printf '%-11s WRONG (status %s)\n' "$1" "$status"
    cat "$work/$1.operator.log" "$work/$1.istctl.log"
    tail -n 5 "$work/$1.log"
    return 1
  fi
  printf '%-11s %8d  %8s  %.16s\n' "$1" "$(stat -c %s "$work/$1.file")" "$(format_seconds "$time")" \
    "$(sum_of "$work/$1.file")"
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
  local device bad=0 opened gets=()

  [[ $count =~ ^[1-9][0-9]{0,2}$ ]] && [ "$count" -le 256 ] || fail "not a number of devices, up to 256: $count"
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

  start_session || fail "could not start a session"
  for device in "${devices[@]}"; do
    get_file "$device" &
    gets+=($!)
    get_note "$device" &
    gets+=($!)
  done
  wait "${gets[@]}"
  printf '%-11s %8s  %8s  %s\n' device bytes seconds sha256
  for device in "${devices[@]}"; do
    show "$device" || bad=$((bad + 1))
  done
  [ $bad = 0 ] || fail "$bad of $count devices did not deliver"
  opened=$(grep -c ': open$' "$work/emulator.log")
  [ "$opened" = "$count" ] || fail "$opened tunnels were opened, and not one for each device"
  stop bus
  wait_for emulator all_are_closed || fail "a tunnel was left open"
  echo "$count of $count devices delivered their files and notes, over one tunnel each; all are closed again"
}

main
