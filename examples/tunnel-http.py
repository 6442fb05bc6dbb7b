#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A destination that is a web server, until Ctrl-C; a source that asks it for a path. Nobody else can: there is no
port."""

import asyncio
import os
import tempfile

import example
import gi
from example import tell

gi.require_version('Soup', '3.0')
from gi.repository import Gio, GLib, Ist, Soup

PATIENCE = 10


def on_request(server, message, path, query):
    tell(message.get_method(), path)
    message.set_status(Soup.Status.OK, None)
    message.set_response('text/plain', Soup.MemoryUse.COPY, f'You asked for {path}\n'.encode())


async def serve(tunnel):
    server = Soup.Server()
    server.add_handler(None, on_request)
    # A connection is a stream, and that is all that a server needs, but for addresses to show. True: it was taken.
    nowhere = Gio.InetSocketAddress.new_from_string('0.0.0.0', 0)
    tunnel.connect('incoming-connection', lambda _, connection: server.accept_iostream(connection, nowhere, nowhere))
    async with tunnel:
        async for message in tunnel:
            pass


async def ask(tunnel, service, path):
    # Clients of libsoup connect by themselves. In a folder that is ours alone, they can, with a forwarder.
    with tempfile.TemporaryDirectory() as folder, Ist.Forwarder(tunnel=tunnel) as forwarder:
        address = os.path.join(folder, 'http')
        async with tunnel:
            forwarder.listen(service, address)
            session = Soup.Session(remote_connectable=Gio.UnixSocketAddress.new(address), timeout=PATIENCE)
            message = Soup.Message.new('GET', 'http://device' + path)
            done = asyncio.get_event_loop().create_future()
            session.send_and_read_async(message, GLib.PRIORITY_DEFAULT, None, lambda _, result: done.set_result(result))
            body = session.send_and_read_finish(await done)
            tell(int(message.get_status()), message.get_reason_phrase())
            tell(body.get_data().decode(errors='replace'))


args = example.parse(__doc__, 'PATH', '/')
tunnel = example.make_tunnel(args)
if args.mode == 'destination':
    example.run(serve(tunnel))
else:
    example.run(ask(tunnel, args.service, args.argument))
