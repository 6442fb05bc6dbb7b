#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Usage: packaging/test-flatpak.sh
#
# Builds the Flatpak of the desktop program without the network, once its sources are there, and
# installs and uses it as somebody who is not root. Writes its results as TAP.
#
# GNOME's runtime and Sdk are not fetched, but made of Debian 13, whose GNOME is the one before
# last: it lacks what the manifest has modules for. So this tells that these modules are enough, and that
# program and sandbox go together; not that a module builds with the compiler of the real Sdk.
#
# As root; takes about a quarter of an hour, and the archive that this machine uses.

set -eu -o pipefail

# What is mounted here and who was started here end with this script, however it ends.
if [ "$$" != 1 ]; then
  exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi
trap 'exit 1' HUP INT TERM

. "$(dirname "${BASH_SOURCE[0]}")/sources.sh"
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
app=io.github.libist.Tunnels
operator=io.github.libist.Operator1
# It is nobody's home, and root's folders are closed to them.
work=$(mktemp -d)
trap 'clean_up' EXIT

clean_up ()
{
  umount -q -l "$work"/*/proc 2>/dev/null || :
  rm -rf --one-file-system "$work"
}

# Nothing further can be tried without that.
need ()
{
  check "$@"
  [ -n "$bad" ] || return 0
  echo "1..$number"
  exit 1
}

# somebody COMMAND...: as a user who is not root, and has nothing yet.
somebody ()
{
  (cd "$work/home" && env -i HOME="$work/home" USER=nobody LOGNAME=nobody LC_ALL=C.UTF-8 \
    FLATPAK_USER_DIR="$work/flatpak" PATH=/usr/bin:/bin \
    setpriv --reuid=nobody --regid=nogroup --clear-groups "$@")
}

# on_a_bus COMMAND...: likewise, where there is a system's bus, which flatpak asks about the rights of children.
on_a_bus ()
{
  # shellcheck disable=SC2016
  somebody dbus-run-session -- sh -c 'DBUS_SYSTEM_BUS_ADDRESS=$DBUS_SESSION_BUS_ADDRESS exec "$@"' sh "$@"
}

# inside SYSTEM COMMAND...
inside ()
{
  local root=$work/$1
  shift
  mount -t proc proc "$root/proc"
  chroot "$root" /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
  umount "$root/proc"
}

version ()
{
  sed -n "s/^runtime-version: '\(.*\)'$/\1/p" "$manifest"
}

# What GNOME's runtime has of what the program needs, and what its Sdk has to build it and the modules.
make_systems ()
{
  local mirror name
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
  debootstrap --variant=minbase trixie "$work/Platform" "$mirror"
  for name in /etc/apt/apt.conf.d /usr/local/share/ca-certificates /etc/resolv.conf /etc/hosts; do
    [ ! -e "$name" ] || cp -aL --remove-destination "$name" "$work/Platform$(dirname "$name")/"
  done
  # No service is to start, or be told to.
  printf '#!/bin/sh\nexit 101\n' >"$work/Platform/usr/sbin/policy-rc.d"
  chmod 755 "$work/Platform/usr/sbin/policy-rc.d"
  inside Platform apt-get -q update
  inside Platform apt-get -q -y install --no-install-recommends \
    adwaita-icon-theme ca-certificates fonts-dejavu-core gir1.2-adw-1 gir1.2-gtk-4.0 gir1.2-secret-1 glib-networking \
    gsettings-desktop-schemas libegl1 libgl1-mesa-dri libgles2 libicu76 libjson-glib-1.0-0 liblz4-1 libsoup-3.0-0 \
    python3-gi python3-gi-cairo shared-mime-info xkb-data
  cp -a "$work/Platform" "$work/Sdk"
  inside Sdk apt-get -q -y install --no-install-recommends \
    cmake desktop-file-utils elfutils g++ gcc gettext gobject-introspection gperf libfribidi-dev libgirepository1.0-dev \
    libglib2.0-dev libgnutls28-dev libgtk-4-dev libicu-dev libjson-glib-dev liblz4-dev libpcre2-dev libsoup-3.0-dev \
    libssl-dev libxml2-utils make meson ninja-build patch pkg-config zlib1g-dev
}

make_runtimes ()
{
  local kind branch
  branch=$(version)
  # As the installation has it: so nothing is compressed, and nothing is there twice.
  somebody ostree init --repo="$work/runtimes" --mode=bare-user-only
  for kind in Platform Sdk; do
    make_runtime "$work/$kind" "$branch" "org.gnome.$kind"
    chown -R nobody:nogroup "$work/$kind"
    somebody flatpak build-export --runtime "$work/runtimes" "$work/$kind" "$branch"
    rm -rf --one-file-system "${work:?}/$kind"
  done
  somebody flatpak build-update-repo "$work/runtimes"
  somebody flatpak --user remote-add --no-gpg-verify runtimes "file://$work/runtimes"
  somebody flatpak --user install --noninteractive runtimes "org.gnome.Platform//$branch" "org.gnome.Sdk//$branch"
}

# make_runtime SYSTEM BRANCH NAME: of a system; in the ways of GNOME's runtime.
make_runtime ()
{
  local etc=$1/usr/etc
  mkdir "$1/files" "$1/export"
  mv "$1/etc" "$etc"
  # Those of whoever runs it take their places.
  (cd "$etc" && rm -rf apt group* gshadow* host* ld.so.cache machine-id passwd* resolv.conf shadow* sub?id* ssl/private)
  rm -rf "${1:?}"/usr/share/{doc,man} "${1:?}/usr/local"
  cat >"$etc/ld.so.conf" <<'END'
include /run/flatpak/ld.so.conf.d/app-*.conf
include /app/etc/ld.so.conf
/app/lib
include /etc/ld.so.conf.d/*.conf
END
  ln -s ../sbin/ldconfig "$1/usr/bin/ldconfig"
  # The metadata is looked at by tests of its own.
  ln -s true "$1/usr/bin/appstream-compose"
  cat >"$1/metadata" <<END
[Runtime]
name=$3
runtime=org.gnome.Platform/$(uname -m)/$2
sdk=org.gnome.Sdk/$(uname -m)/$2

[Environment]
GI_TYPELIB_PATH=/app/lib/girepository-1.0
END
}

# builder OPTION...
builder ()
{
  somebody "${prefix[@]}" flatpak-builder --user --disable-rofiles-fuse --state-dir="$work/home/state" --force-clean \
    "$@" "$work/home/built" "$manifest"
}

fetch_sources ()
{
  prefix=()
  builder --download-only
}

# In a network of its own, which has nothing.
build ()
{
  prefix=(unshare --map-current-user --net)
  builder --disable-download --disable-updates --repo="$work/home/repo"
}

install_it ()
{
  somebody flatpak --user remote-add --no-gpg-verify built "file://$work/home/repo"
  on_a_bus flatpak --user install --noninteractive built "$app"
  somebody flatpak info --show-permissions "$app"
}

# What the desktop and the bus look for outside. systemd has no unit of the service.
look_at_exports ()
{
  local share=$work/flatpak/exports/share name
  for name in applications/$app.desktop dbus-1/services/{$app,$operator}.service \
              icons/hicolor/scalable/apps/$app.svg \
              gnome-shell/search-providers/$app.search-provider.ini; do
    [ -e "$share/$name" ] || { echo "there is no $name"; return 1; }
  done
  grep -x "Exec=.*flatpak run .*--command=tunnels $app" "$share/applications/$app.desktop"
  grep -x "Exec=.*flatpak run .*--command=/app/bin/ist-operator $app" "$share/dbus-1/services/$operator.service"
  ! grep '^SystemdService=.' "$share/dbus-1/services/$operator.service"
}

# A library that a typelib names is missed only where the program needs it.
look_at_libraries ()
{
  # shellcheck disable=SC2016
  on_a_bus flatpak run --command=sh "$app" -c 'for file in /app/lib/lib*.so.* /app/bin/ist*; do ldd "$file"; done' >"$work/libraries"
  ! grep 'not found' "$work/libraries"
}

use_it ()
{
  on_a_bus python3 "$work/home/src/packaging/flatpak/test-program.py"
}

remove_it ()
{
  on_a_bus flatpak --user uninstall --noninteractive --delete-data "$app"
  [ ! -e "$work/flatpak/app/$app" ]
}

chmod 755 "$work"
mkdir -p "$work/home/src" "$work/flatpak" "$work/runtimes"
copy_sources "$work/home/src"
chown -R nobody:nogroup "$work/home" "$work/flatpak" "$work/runtimes"
manifest=$work/home/src/packaging/flatpak/$app.yml

need 'a system in place of GNOME'\''s runtime' make_systems
need 'the runtime and its Sdk' make_runtimes
need 'sources' fetch_sources
need 'building without the network' build
need 'installing' install_it
check 'what the desktop finds' look_at_exports
check 'libraries that the runtime has' look_at_libraries
check 'the program' use_it
check 'removing' remove_it
echo "1..$number"
[ "$failed" = 0 ]
