# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Tunnels and connections in asyncio, where its loop runs GLib's. Ist.py loads
this when it is needed: programs without asyncio do not wait for it."""

import asyncio
import collections
import functools

from gi.repository import Gio, GLib

BLOCK = 65536


class Call(asyncio.Future):
    """A call of GIO's kind, which has begun. Cancelling it, or the task that awaits it, cancels the call."""

    def __init__(self, begin, finish, cancellable=None, **named):
        super().__init__()
        self.cancellable = cancellable or Gio.Cancellable()
        self.finish = finish
        begin(**named, cancellable=self.cancellable, callback=self.on_done)

    def on_done(self, _source, result):
        finish, self.finish = self.finish, None
        if self.cancelled():
            return
        try:
            self.set_result(finish(result))
        except Exception as error:
            # Its traceback has this future, which would keep itself alive.
            self.set_exception(error.with_traceback(None))

    def cancel(self, msg=None):
        if not super().cancel(msg):
            return False
        self.cancellable.cancel()
        return True


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

    # What loop.start_tls() asks for.
    _start_tls_compatible = True

    def __init__(self, connection, protocol):
        super().__init__({'connection': connection})
        self.loop = asyncio.get_running_loop()
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
        self.reader = self.loop.create_task(self.read())
        self.writer = self.loop.create_task(self.write_all())
        self.runner = self.loop.create_task(self.run())

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
        read = functools.partial(stream.read_bytes_async, BLOCK, GLib.PRIORITY_DEFAULT)
        try:
            while data := (await Call(read, stream.read_bytes_finish)).get_data():
                await self.readable.wait()
                self.give(data)
            if not self.protocol.eof_received():
                self.close()
        except Exception as error:
            self.fail(error)

    def give(self, data):
        """What has come, to the protocol."""
        if not isinstance(self.protocol, asyncio.BufferedProtocol):
            self.protocol.data_received(data)
            return
        while data:
            buffer = memoryview(self.protocol.get_buffer(len(data))).cast('B')
            size = min(len(buffer), len(data))
            buffer[:size] = data[:size]
            self.protocol.buffer_updated(size)
            data = data[size:]

    async def write_all(self):
        stream = self.connection.get_output_stream()
        while not self.closing or self.buffer:
            if not self.buffer:
                self.writable.clear()
                await self.writable.wait()
                continue
            block = GLib.Bytes.new(bytes(self.buffer[:BLOCK]))
            write = functools.partial(stream.write_bytes_async, block, GLib.PRIORITY_DEFAULT)
            written = await Call(write, stream.write_bytes_finish)
            del self.buffer[:written]
            if self.full and len(self.buffer) <= self.low:
                self.full = False
                self.protocol.resume_writing()

    async def run(self):
        """Until it is closed, and then tells so."""
        try:
            await self.writer
        except asyncio.CancelledError:
            pass  # abort() did it
        except Exception as error:
            self.fail(error)
        self.closing = True
        self.buffer.clear()
        self.reader.cancel()
        close = functools.partial(self.connection.close_async, GLib.PRIORITY_DEFAULT)
        try:
            await Call(close, self.connection.close_finish)
        except GLib.Error as error:
            self.fail(error)
        self.loop.call_soon(self.protocol.connection_lost, self.failure)

    def fail(self, error):
        """Ends it, by an error of the connection, which the protocol is told, or of the protocol itself."""
        if isinstance(error, GLib.Error):
            self.failure = self.failure or reset(error)
        else:
            self.failure = self.failure or error
            self.loop.call_exception_handler({'message': 'a protocol has raised', 'exception': error, 'transport': self,
                                              'protocol': self.protocol})
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
    return reader, asyncio.StreamWriter(Transport(connection, protocol), protocol, reader, loop)
