#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Says a line to a service of a device and shows the answer: thing-ask.py THING SERVICE LINE"""
import sys

import gi
gi.require_version('IstOperator', '1')
from gi.repository import Gio, GLib, IstOperator


def on_answer(lines, result):
    print(lines.read_line_finish_utf8(result)[0])
    client.close_async(None, lambda client, result: loop.quit())


def on_connected(client, result):
    global connection  # which is closed when nobody holds it
    connection = client.connect_finish(result)
    connection.get_output_stream().write_all_async(f'{line}\n'.encode(), GLib.PRIORITY_DEFAULT, None, None)
    lines = Gio.DataInputStream(base_stream=connection.get_input_stream())
    lines.read_line_async(GLib.PRIORITY_DEFAULT, None, on_answer)


thing, service, line = sys.argv[1:]
loop = GLib.MainLoop()
client = IstOperator.Client.new(IstOperator.ControlPlane.new(None, None, None))
client.connect('progress', lambda client, tunnel, state: print(state.value_nick, file=sys.stderr))
client.connect_async(thing, service, None, None, on_connected)
loop.run()
