#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Usage: tests/run.sh [STAGE...]
#
# Installs what is missing, builds, and runs the tests. Without arguments these
# stages run: gcc, clang, valgrind, fuzz. A failure ends its stage only. There is also
# packages: Debian's, in fresh systems, and flatpak: the desktop program's. Each takes
# a quarter of an hour, and root.
#
#   IST_BUILD_DIR       where to build (build/ in the source folder)
#   IST_FUZZ_SECONDS    how long each fuzz target runs (60)

set -u
exec </dev/null

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
build=${IST_BUILD_DIR:-$top/build}
fuzz_seconds=${IST_FUZZ_SECONDS:-60}
# Most of the tests wait most of the time.
at_once=$(($(nproc) + 1))
stages=("$@")
[ $# -gt 0 ] || stages=(gcc clang valgrind fuzz)

. "$top/tests/lib/install.sh"

logs=() taps=()
broken=0     # stages that did not get as far as their tests
unavailable=0

# say FORMAT ARGUMENT...
say ()
{
  # shellcheck disable=SC2059
  printf "$@"
}

# Shows output only when it matters: quietly LOG COMMAND...
quietly ()
{
  local log=$1
  shift
  "$@" >"$log" 2>&1 && return 0
  say '%s\n' "This failed: $*"
  grep -v "^\[[0-9]*/[0-9]*\]" "$log" | tail -n 60
  return 1
}

# build_in DIR OPTION...: configures (again, if need be) and compiles.
build_in ()
{
  local dir=$1
  shift
  mkdir -p "$build"
  if ! { [ -e "$dir/build.ninja" ] &&
         meson setup --reconfigure "$dir" "$top" "$@" >"$dir.log" 2>&1; }; then
    rm -rf "$dir"
    quietly "$dir.log" meson setup "$dir" "$top" "$@" || return 1
  fi
  quietly "$dir.log" ninja -C "$dir" -k 0
}

# run_tests DIR LOGBASE OPTION...: meson's verdict is taken from its log.
run_tests ()
{
  local dir=$1 log=$1/meson-logs/$2.json
  shift 2
  rm -f "$log"
  meson test -C "$dir" --no-rebuild --print-errorlogs "$@"
  [ -s "$log" ] || return 1
  logs+=("$log")
}

build_gcc ()
{
  CC=gcc CXX=g++ build_in "$build/gcc" -Dwerror=true \
    -Dintrospection=enabled -Dvapi=enabled -Ddocs=enabled \
    -Demulator=true -Dtools=true -Dexamples=true -Dtests=true
}

# Bindings can't load a library that was built with AddressSanitizer. The checks
# of sources need not run twice, and whole systems are measured.
build_clang ()
{
  CC=clang CXX=clang++ build_in "$build/clang" -Dwerror=true \
    -Db_sanitize=address,undefined -Db_lundef=false \
    -Dintrospection=disabled -Dvapi=disabled -Ddocs=disabled -Dfuzzing=auto
}

stage_gcc ()
{
  build_gcc && run_tests "$build/gcc" testlog --num-processes "$at_once"
}

# Sanitized programs take several times as long; what hangs is ended a little later.
stage_clang ()
{
  build_clang &&
    run_tests "$build/clang" testlog --num-processes "$at_once" --timeout-multiplier 4 \
      --no-suite lint --no-suite fuzz --no-suite system
}

stage_valgrind ()
{
  build_gcc && run_tests "$build/gcc" testlog-valgrind --setup valgrind
}

stage_fuzz ()
{
  build_clang || return 1
  if ! meson test -C "$build/clang" --list --suite fuzz 2>/dev/null | grep -q ' / '; then
    say 'SKIP: no libFuzzer for this clang\n'
    unavailable=$((unavailable + 1))
    return 0
  fi
  run_tests "$build/clang" testlog-fuzz --logbase testlog-fuzz --suite fuzz \
    --timeout-multiplier 0 --test-args="-max_total_time=$fuzz_seconds"
}

stage_packages ()
{
  local tap=$build/packages.tap

  install_packages chroot && mkdir -p "$build" || return 1
  "$top/packaging/test-packages.sh" | tee "$tap"
  # Its end, which it has come to with failures, too.
  grep -q '^1\.\.' "$tap" && taps+=(--tap "packages=$tap")
}

stage_flatpak ()
{
  local tap=$build/flatpak.tap

  install_packages flatpak && mkdir -p "$build" || return 1
  "$top/packaging/test-flatpak.sh" | tee "$tap"
  grep -q '^1\.\.' "$tap" && taps+=(--tap "flatpak=$tap")
}

declare -A titles=(
  [gcc]="gcc, warnings are errors, all options: all tests"
  [clang]="clang with AddressSanitizer and UndefinedBehaviorSanitizer: libraries and programs"
  [valgrind]="valgrind: tests in C"
  [fuzz]="libFuzzer: $fuzz_seconds s per target"
  [packages]="Debian's packages in fresh systems, and README's lines on building"
  [flatpak]="the Flatpak, built without the network, in a stand-in for GNOME's runtime"
)

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}

for stage in "${stages[@]}"; do
  if [ -z "${titles[$stage]:-}" ]; then
    say 'Unknown stage %s; there are: gcc clang valgrind fuzz packages flatpak\n' "$stage" >&2
    exit 64
  fi
done

started=$SECONDS
install_packages build test || exit 1

for stage in "${stages[@]}"; do
  begun=$SECONDS
  say '\n== %s\n' "${titles[$stage]}"
  if ! "stage_$stage"; then
    say 'FAIL: stage %s did not get as far as its tests\n' "$stage"
    broken=$((broken + 1))
  fi
  say -- '-- %s: %d s\n' "$stage" $((SECONDS - begun))
done

say '\n== Together, in %d s\n' $((SECONDS - started))
exec python3 "$top/tests/lib/tally.py" --failed "$broken" --skipped "$unavailable" "${taps[@]}" "${logs[@]}"
