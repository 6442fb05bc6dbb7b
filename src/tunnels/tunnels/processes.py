# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Whose a connection is, by what the bus and the kernel know."""

import pathlib

from gi.repository import Gio, GLib

from . import flatpak

# Others have started it for this alone.
HELPER = 'istctl'


def _read(pid, name):
    return (pathlib.Path('/proc') / str(pid) / name).read_text(encoding='utf-8', errors='replace')


def name_of(pid):
    """The program of a process, or who has started it if it is our own command; empty if it has gone."""
    try:
        name = _read(pid, 'comm').strip()
        if name == HELPER:
            # The parent comes after the name, in brackets, in which anything may be.
            parent = _read(pid, 'stat').rpartition(')')[2].split()[1]
            name = _read(parent, 'comm').strip()
        return name
    except (OSError, IndexError):
        return ''


def ask(bus, client, done):
    """done(the name of the program), of a unique name on the bus."""
    if flatpak.INSIDE:
        # What the bus tells is a number among processes that are not seen from here.
        return

    def on_pid(bus, result):
        try:
            pid, = bus.call_finish(result).unpack()
        except GLib.Error:
            # It has left already.
            return
        done(name_of(pid))
    bus.call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'GetConnectionUnixProcessID',
             GLib.Variant('(s)', (client,)), GLib.VariantType('(u)'), Gio.DBusCallFlags.NONE, -1, None, on_pid)
