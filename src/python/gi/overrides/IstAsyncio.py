# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Tunnels and connections in asyncio, where its loop runs GLib's. Ist.py loads
this when it is needed: programs without asyncio do not wait for it."""

import asyncio
import collections

from gi.repository import Gio, GLib

BLOCK = 65536


async def complete(begin, finish, *arguments):
    """Awaits a call of GIO's kind. It is cancelled with the task."""
    future = asyncio.get_running_loop().create_future()
    cancellable = Gio.Cancellable()

    def done(_source, result):
        if not future.done():
            future.set_result(result)

    begin(*arguments, cancellable, done)
    try:
        result = await future
    except asyncio.CancelledError:
        cancellable.cancel()
        raise
    return finish(result)


class Inbox:
    """The messages of a tunnel that wait to be taken. When there are many, it is paused."""

    LIMIT = 64

    def __init__(self, tunnel):
        self.tunnel = tunnel
        self.messages = collections.deque()
        self.news = asyncio.Event()
        self.error = None
        self.asked = False
        self.ended = False
        self.paused = False
        self.handlers = [
            tunnel.connect('message-received', self.on_message_received),
            tunnel.connect('connection-failure', self.on_connection_failure),
            tunnel.connect('connection-shutdown', self.on_connection_shutdown),
            tunnel.connect('stopped', self.on_stopped),
        ]

    def close(self):
        for handler in self.handlers:
            self.tunnel.disconnect(handler)
        if self.paused:
            self.tunnel.resume()

    def on_message_received(self, _tunnel, message):
        self.messages.append(message)
        self.news.set()
        if len(self.messages) >= self.LIMIT and not self.paused:
            self.paused = True
            self.tunnel.pause()

    def on_connection_failure(self, _tunnel, error, _will_retry):
        self.error = error

    def on_connection_shutdown(self, _tunnel, error):
        self.error = error

    def on_stopped(self, _tunnel):
        self.ended = True
        self.news.set()

    async def take(self):
        while not self.messages:
            if self.ended and self.error and not self.asked:
                raise self.error
            if self.ended:
                raise StopAsyncIteration
            self.news.clear()
            await self.news.wait()
        message = self.messages.popleft()
        if self.paused and len(self.messages) <= self.LIMIT // 2:
            self.paused = False
            self.tunnel.resume()
        return message


class Transport(asyncio.Transport):
    """A connection of a tunnel as asyncio has a socket."""

    def __init__(self, loop, connection, protocol):
        super().__init__({'connection': connection})
        self.loop = loop
        self.connection = connection
        self.protocol = protocol
        self.buffer = bytearray()
        self.high, self.low = BLOCK, BLOCK // 4
        self.full = False
        self.closing = False
        self.failure = None
        self.readable = asyncio.Event()
        self.readable.set()
        self.writable = asyncio.Event()
        protocol.connection_made(self)
        self.reader = loop.create_task(self.read())
        self.writer = loop.create_task(self.write_all())
        self.runner = loop.create_task(self.run())

    def set_protocol(self, protocol):
        self.protocol = protocol

    def get_protocol(self):
        return self.protocol

    def is_reading(self):
        return self.readable.is_set() and not self.closing

    def pause_reading(self):
        self.readable.clear()

    def resume_reading(self):
        self.readable.set()

    def set_write_buffer_limits(self, high=None, low=None):
        self.high = BLOCK if high is None else high
        self.low = self.high // 4 if low is None else low

    def get_write_buffer_limits(self):
        return self.low, self.high

    def get_write_buffer_size(self):
        return len(self.buffer)

    def write(self, data):
        if self.closing:
            return
        self.buffer += data
        self.writable.set()
        if len(self.buffer) > self.high and not self.full:
            self.full = True
            self.protocol.pause_writing()

    def can_write_eof(self):
        """The protocol of tunnels has no half-close."""
        return False

    def is_closing(self):
        return self.closing

    def close(self):
        self.closing = True
        self.reader.cancel()
        self.writable.set()

    def abort(self):
        self.closing = True
        self.reader.cancel()
        self.writer.cancel()

    async def read(self):
        stream = self.connection.get_input_stream()
        try:
            while True:
                await self.readable.wait()
                data = await complete(stream.read_bytes_async, stream.read_bytes_finish, BLOCK, GLib.PRIORITY_DEFAULT)
                if not data.get_size():
                    break
                self.protocol.data_received(data.get_data())
            if not self.protocol.eof_received():
                self.close()
        except GLib.Error as error:
            self.fail(error)

    async def write_all(self):
        stream = self.connection.get_output_stream()
        while not self.closing or self.buffer:
            if not self.buffer:
                self.writable.clear()
                await self.writable.wait()
                continue
            block = GLib.Bytes.new(bytes(self.buffer[:BLOCK]))
            written = await complete(stream.write_bytes_async, stream.write_bytes_finish, block, GLib.PRIORITY_DEFAULT)
            del self.buffer[:written]
            if self.full and len(self.buffer) <= self.low:
                self.full = False
                self.protocol.resume_writing()

    async def run(self):
        """Until it is closed, and then tells so."""
        await asyncio.wait([self.writer])
        if not self.writer.cancelled() and self.writer.exception():
            self.failure = reset(self.writer.exception())
        self.closing = True
        self.buffer.clear()
        self.reader.cancel()
        try:
            await complete(self.connection.close_async, self.connection.close_finish, GLib.PRIORITY_DEFAULT)
        except GLib.Error as error:
            self.failure = self.failure or reset(error)
        self.protocol.connection_lost(self.failure)

    def fail(self, error):
        self.failure = reset(error)
        self.abort()


def reset(error):
    """What programs for sockets expect."""
    exception = ConnectionResetError(str(error))
    exception.__cause__ = error
    return exception


def open_streams(connection, limit):
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=limit, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    return reader, asyncio.StreamWriter(Transport(loop, connection, protocol), protocol, reader, loop)
