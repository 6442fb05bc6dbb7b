# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Sourced by the scripts that set a machine up. The lists below are the only
# place that names Debian packages, but for packaging/debian/, which has to;
# a test compares what both build with.

packages_build="
  ca-certificates
  gcc
  gettext
  gi-docgen
  glib-networking
  gobject-introspection
  libc6-dev
  libgirepository1.0-dev
  libglib2.0-dev
  libgnutls28-dev
  libjson-glib-dev
  libmosquitto-dev
  libprotobuf-c-dev
  libsecret-1-dev
  libsoup-3.0-dev
  meson
  ninja-build
  pkg-config
  protobuf-c-compiler
  protobuf-compiler
  python3
  python3-gi
  valac
"

packages_demo="
  curl
  gir1.2-glib-2.0
  nginx-light
  python3
  python3-gbulb
  python3-gi
"

packages_fleet="
  curl
  dbus
  mosquitto
  nginx-light
  openssl
  python3
"

# libc6-dbg: valgrind can't start without the symbols of the dynamic linker.
# llvm: the sanitizers' traces are bare addresses without its symbolizer.
packages_test="
  $packages_demo
  $packages_fleet
  ansible-core
  appstream
  at-spi2-core
  awscli
  bash-completion
  binutils
  clang
  clang-format
  dbus-user-session
  desktop-file-utils
  dunst
  fish
  g++
  gir1.2-adw-1
  gir1.2-atspi-2.0
  gir1.2-secret-1
  gir1.2-soup-3.0
  gir1.2-vte-3.91
  git
  gjs
  gnome-keyring
  groff-base
  iproute2
  libc6-dbg
  libclang-rt-14-dev
  libgtk-4-dev
  libsecret-tools
  llvm
  microsocks
  mosquitto-clients
  mypy
  openssh-client
  openssh-server
  python3-asyncssh
  python3-botocore
  python3-gi-cairo
  python3-paramiko
  python3-protobuf
  python3-pytest
  python3-websockets
  python3-yaml
  rsync
  systemd
  tinyproxy
  valgrind
  xdotool
  xvfb
  zsh
"

# What makes the systems that Debian's packages are tried in.
packages_chroot="
  debootstrap
"

# What builds and tries the Flatpak.
packages_flatpak="
  at-spi2-core
  dbus
  debootstrap
  flatpak
  flatpak-builder
  gir1.2-atspi-2.0
  libglib2.0-bin
  ostree
  python3-gi
  xdg-desktop-portal-gtk
  xdotool
  xvfb
"

# The packages were made for the system's own tools (PyGObject for its Python,
# first of all), which others in PATH may hide.
PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export PATH
export LC_ALL=C.UTF-8

_missing_packages ()
{
  local package

  for package in "$@"; do
    case $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) in
      installed*) ;;
      *) echo "$package" ;;
    esac
  done
}

# _without_services COMMAND...: servers that are installed for the tests, which
# start them by themselves, must not run on this machine's ports from now on.
_without_services ()
{
  local policy=/usr/sbin/policy-rc.d as_root=() status

  [ "$(id -u)" = 0 ] || as_root=(sudo)
  if [ -e $policy ]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
  "${as_root[@]}" chmod 755 $policy
  "$@"
  status=$?
  "${as_root[@]}" rm -f $policy
  return $status
}

# install_packages SET...: installs what is missing of the sets, as build, demo
# or test; says nothing when all is there.
install_packages ()
{
  local set wanted="" missing apt log attempt

  for set in "$@"; do
    local -n list=packages_$set
    wanted+=" $list"
  done

  if ! command -v apt-get >/dev/null; then
    echo "No apt-get here: taking for granted that the equivalents of these are installed:" $wanted >&2
    return 0
  fi

  missing=$(_missing_packages $wanted)
  [ -n "$missing" ] || return 0

  apt=(env DEBIAN_FRONTEND=noninteractive apt-get --quiet --assume-yes
       -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null && ! sudo -v; then
      echo "Needs root or sudo to install:" $missing >&2
      return 1
    fi
    apt=(sudo "${apt[@]}")
  fi

  echo "Installing" $missing
  log=$(mktemp)
  for attempt in 1 2 3; do
    [ "$attempt" = 1 ] || sleep 10
    if "${apt[@]}" update >"$log" 2>&1 </dev/null &&
       _without_services "${apt[@]}" install --no-install-recommends $missing >>"$log" 2>&1 </dev/null; then
      rm -f "$log"
      return 0
    fi
  done

  echo "apt-get failed three times; its last words:" >&2
  tail -n 40 "$log" >&2
  rm -f "$log"
  return 1
}
