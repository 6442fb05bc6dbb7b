#!/usr/bin/gjs -m
// SPDX-FileCopyrightText: 2026 The libist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A destination that is a web server, until Ctrl-C; a source that asks it for a path. Nobody else can: there
// is no port.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Ist from 'gi://Ist?version=1';
import Soup from 'gi://Soup?version=3.0';
import * as Example from './example.js';

Gio._promisify(Soup.Session.prototype, 'send_and_read_async');

const PATIENCE = 10;

function serve(tunnel) {
    const server = new Soup.Server();

    server.add_handler(null, (_server, message, path) => {
        print(`${message.get_method()} ${path}`);
        message.set_status(Soup.Status.OK, null);
        message.set_response('text/plain', Soup.MemoryUse.COPY, new TextEncoder().encode(`You asked for ${path}\n`));
    });
    // A connection is a stream, and that is all that a server needs, but for addresses to show. True: it was taken.
    const nowhere = Gio.InetSocketAddress.new_from_string('0.0.0.0', 0);
    tunnel.connect('incoming-connection', (_tunnel, connection) => server.accept_iostream(connection, nowhere, nowhere));
    return Example.forever();
}

async function ask(tunnel, service, path) {
    // Clients of libsoup connect by themselves. In a folder that is ours alone, they can, with a forwarder.
    const folder = GLib.Dir.make_tmp('tunnel-http-XXXXXX');
    const address = GLib.build_filenamev([folder, 'http']);
    const forwarder = new Ist.Forwarder({tunnel});

    try {
        forwarder.listen(service, address);
        const session = new Soup.Session({remoteConnectable: Gio.UnixSocketAddress.new(address), timeout: PATIENCE});
        const message = Soup.Message.new('GET', `http://device${path}`);
        const body = await session.send_and_read_async(message, GLib.PRIORITY_DEFAULT, null);
        print(`${message.get_status()} ${message.get_reason_phrase()}`);
        print(Example.toText(body));
    } finally {
        forwarder.close();
        GLib.rmdir(folder);
    }
}

const args = Example.parse('A destination that is a web server; a source that asks it for a path.', 'PATH', '/');
const tunnel = Example.makeTunnel(args);

await Example.run(tunnel, () => args.isSource ? ask(tunnel, args.service, args.argument) : serve(tunnel));
