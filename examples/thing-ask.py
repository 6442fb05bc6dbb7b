#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Says a line to a service of a device and shows the answer: thing-ask.py THING SERVICE LINE"""
import sys

import gi
gi.require_version('IstOperator', '1')
from gi.repository import Gio, GLib, IstOperator

thing, service, line = sys.argv[1:]
client = IstOperator.Client.new(IstOperator.ControlPlane.new(None, None, None))
client.connect('progress', lambda client, tunnel, state: print(state.value_nick, file=sys.stderr))
connection = client.connect_sync(thing, service, None, None)
connection.get_output_stream().write_all_async(f'{line}\n'.encode(), GLib.PRIORITY_DEFAULT, None, None)

lines = Gio.DataInputStream(base_stream=connection.get_input_stream())
answers = []
lines.read_line_async(GLib.PRIORITY_DEFAULT, None, lambda lines, result: answers.append(result))
while not answers:
    GLib.MainContext.default().iteration(True)
print(lines.read_line_finish_utf8(answers[0])[0])
client.close_sync(None)
