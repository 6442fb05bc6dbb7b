#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A source that sends a file; a destination that receives it, and is started first. On a connection of the tunnel
the destination says "READY", the source the size in bytes and then the file, the destination "RECEIVED". All but the
file are lines of text."""

import asyncio
import os

import example
from example import tell
from gi.repository import Ist

PATIENCE = 30


async def expect(reader, line):
    try:
        answer = await asyncio.wait_for(reader.readline(), PATIENCE)
    except asyncio.TimeoutError:
        raise EOFError('no answer in time: has the destination been started?') from None
    if answer != line:
        raise EOFError('the peer does not speak as it should')


async def send(tunnel, service, path):
    async with tunnel:
        connection = await tunnel.open_connection_async(service)
        reader, writer = await Ist.open_streams(connection)
        await expect(reader, b'READY\n')
        size = os.path.getsize(path)
        writer.write(b'%d\n' % size)
        with open(path, 'rb') as file:
            while data := file.read(1 << 18):
                writer.write(data)
                # Waits while the way is full.
                await writer.drain()
                example.tell_progress('sent', file.tell(), size)
        await expect(reader, b'RECEIVED\n')
        tell('delivered')


async def receive(tunnel, path):
    connections: asyncio.Queue[Ist.Connection] = asyncio.Queue()
    # True: it was taken. The destination serves one, and then it is done.
    tunnel.connect('incoming-connection', lambda _, connection: connections.put_nowait(connection) or True)
    async with tunnel:
        reader, writer = await Ist.open_streams(await connections.get())
        writer.write(b'READY\n')
        size = int(await reader.readline())
        received = 0
        part = path + '.part'
        try:
            with open(part, 'wb') as file:
                while received < size:
                    data = await reader.read(min(size - received, 1 << 18))
                    if not data:
                        raise EOFError('the source has closed the connection')
                    file.write(data)
                    received += len(data)
                    example.tell_progress('received', received, size)
            os.replace(part, path)
        finally:
            if os.path.exists(part):
                os.unlink(part)
        writer.write(b'RECEIVED\n')
        # Which ends when that was sent.
        writer.close()
        await writer.wait_closed()
        tell('received', path)


args = example.parse(__doc__, 'FILE')
tunnel = example.make_tunnel(args)
example.run(send(tunnel, args.service, args.argument) if args.mode == 'source' else receive(tunnel, args.argument))
