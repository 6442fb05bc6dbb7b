#!/usr/bin/gjs -m
// SPDX-FileCopyrightText: 2026 The libist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
// Says a line to a service of a device and shows the answer: thing-ask.js THING SERVICE LINE
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import IstOperator from 'gi://IstOperator?version=1';

Gio._promisify(Gio.DataInputStream.prototype, 'read_line_async', 'read_line_finish_utf8');

const [thing, service, line] = ARGV;
const client = IstOperator.Client.new(IstOperator.ControlPlane.new(null, null, null));
client.connect('progress', (_client, tunnel) => printerr(`${tunnel.thingName}: ${tunnel.state}`));

const connection = await client.connect_async(thing, service, null, null);
connection.get_output_stream().write_all_async(`${line}\n`, GLib.PRIORITY_DEFAULT, null, null);
const lines = new Gio.DataInputStream({baseStream: connection.get_input_stream()});
const [answer] = await lines.read_line_async(GLib.PRIORITY_DEFAULT, null);
print(answer);
await client.close_async(null);
