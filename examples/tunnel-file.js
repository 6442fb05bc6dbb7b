#!/usr/bin/gjs -m
// SPDX-FileCopyrightText: 2026 The libist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A source that sends a file; a destination that receives it, and is started first. On a connection of the
// tunnel the destination says "READY", the source the size in bytes and then the file, the destination
// "RECEIVED". All but the file are lines of text.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import * as Example from './example.js';

const {PRIORITY_DEFAULT: PRIORITY} = GLib;
const CHUNK = 1 << 18;
const PATIENCE = 30;

Gio._promisify(Gio.DataInputStream.prototype, 'read_line_async', 'read_line_finish_utf8');
Gio._promisify(Gio.InputStream.prototype, 'read_bytes_async');
Gio._promisify(Gio.IOStream.prototype, 'close_async');
Gio._promisify(Gio.OutputStream.prototype, 'splice_async');

async function expectLine(input, pattern) {
    const [line] = await Example.within(PATIENCE, cancellable => input.read_line_async(PRIORITY, cancellable));
    if (!pattern.test(line ?? ''))
        throw new Error('the peer does not speak as it should');
    return line;
}

async function send(tunnel, service, path) {
    const file = Gio.File.new_for_path(path);
    const size = file.query_info('standard::size', Gio.FileQueryInfoFlags.NONE, null).get_size();
    const connection = await tunnel.open_connection_async(service, null);
    const input = new Gio.DataInputStream({baseStream: connection.inputStream});
    await expectLine(input, /^READY$/);
    // A word fits in at once. A file does not: splicing waits while the way is full.
    connection.outputStream.write_all(`${size}\n`, null);
    // The tunnel counts anew after each turn of the main loop; the line is none of the file.
    tunnel.connect('notify::bytes-out', () => size > 0 && connection.bytesOut > `${size}\n`.length &&
        Example.tellProgress('sent', connection.bytesOut - `${size}\n`.length, size));
    await connection.outputStream.splice_async(file.read(null), Gio.OutputStreamSpliceFlags.NONE, PRIORITY, null);
    await expectLine(input, /^RECEIVED$/);
    print('delivered');
}

async function receive(tunnel, path) {
    const connection = await new Promise(resolve =>
        tunnel.connect('incoming-connection', (_tunnel, incoming) => resolve(incoming) ?? true));
    const input = new Gio.DataInputStream({baseStream: connection.inputStream});
    connection.outputStream.write_all('READY\n', null);
    const size = Number(await expectLine(input, /^\d{1,15}$/));
    // Nothing is to be seen of a file that has come in part.
    const part = Gio.File.new_for_path(`${path}.part`);
    try {
        const output = part.replace(null, false, Gio.FileCreateFlags.REPLACE_DESTINATION, null);
        for (let received = 0; received < size;) {
            const bytes = await input.read_bytes_async(Math.min(CHUNK, size - received), PRIORITY, null);
            if (bytes.get_size() === 0)
                throw new Error('the source has closed the connection');
            output.write_all(bytes.toArray(), null);
            received += bytes.get_size();
            Example.tellProgress('received', received, size);
        }
        output.close(null);
        part.move(Gio.File.new_for_path(path), Gio.FileCopyFlags.OVERWRITE, null, null);
    } catch (error) {
        part.delete(null);
        throw error;
    }
    connection.outputStream.write_all('RECEIVED\n', null);
    // Which ends when that was sent.
    await connection.close_async(PRIORITY, null);
    print(`received ${path}`);
}

const args = Example.parse('A source that sends a file; a destination that receives it.', 'FILE');
const tunnel = Example.makeTunnel(args);
const path = args.argument;

await Example.run(tunnel, () => args.isSource ? send(tunnel, args.service, path) : receive(tunnel, path));
