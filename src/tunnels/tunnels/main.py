# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What the launcher calls."""

import sys

import gi
import tunnels

gi.require_version('Gdk', '4.0')
gi.require_version('Gtk', '4.0')
gi.require_version('Adw', '1')
gi.require_version('Vte', '3.91')
from gi.repository import Gio  # noqa: E402


def main():
    # Templates are in there, which classes name when they are made.
    Gio.Resource.load(tunnels.RESOURCE_FILE)._register()
    from .application import Application
    return Application(tunnels.VERSION).run(sys.argv)
