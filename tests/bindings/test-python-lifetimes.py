#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What Python has of the libraries keeps nothing alive, no file open, and no exception to itself."""

import asyncio
import gc
import os
import sys
import weakref

import gi
gi.require_version('Ist', '1')
from gi.repository import GLib, Ist

import tap
import tunnels
from aio import live
from mainloop import call, wait_for
from sockets import Echo
from tunnels import DESTINATION, SOURCE

TIMES = 200


def count_files():
    return len(os.listdir('/proc/self/fd'))


class Case(tunnels.Case):
    plain = True

    def setUp(self):
        super().setUp()
        self.kept = []
        self.files = None

    def keep(self, *things):
        self.kept += map(weakref.ref, things)

    def alive(self):
        return [thing for thing in (reference() for reference in self.kept) if thing is not None]

    def count(self):
        """After the first time, which opens what stays for the others."""
        if self.files is None:
            self.files = count_files()

    def check_files(self):
        wait_for(lambda: count_files() <= self.files, f'{count_files() - self.files} files to be closed')

    def connected(self, *ends):
        wait_for(lambda: all(end.props.state == Ist.TunnelState.CONNECTED for end in ends))


class Without(Case):
    """With no help of the collector of cycles."""

    def setUp(self):
        super().setUp()
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)

    def test_made_only(self):
        for _ in range(TIMES):
            tunnel = self.make(SOURCE)
            forwarder = Ist.Forwarder.new(tunnel)
            forwarder.set_target('SSH', 22)
            forwarder.props.idle_timeout = tunnel.props.ping_interval
            message = Ist.Message('SSH', 'hello')
            self.assertIn('SSH', repr(message))
            self.assertEqual({message: 1}[message], 1)
            self.keep(tunnel, forwarder, message)
        del tunnel, forwarder, message
        self.assertEqual(self.alive(), [])

    def run_once(self, echo):
        received = []
        with self.make(DESTINATION) as destination, self.make(SOURCE) as source:
            with Ist.Forwarder.new(destination) as forwarder:
                forwarder.set_target('SSH', echo.port)
                source.connect('message-received', lambda _tunnel, message: received.append(message))
                self.connected(destination, source)
                connection = call(source.open_connection_async, source.open_connection_finish, 'SSH', None)
                stream = connection.get_input_stream()
                data = call(stream.read_bytes_async, stream.read_bytes_finish, 5, 0, None)
                self.assertEqual(data.get_data(), b'hello')
                call(connection.close_async, connection.close_finish, 0, None)
                wait_for(lambda: not len(forwarder))
        self.keep(destination, source, forwarder, connection)

    def test_run(self):
        echo = Echo(b'hello')
        self.addCleanup(echo.close)
        for _ in range(TIMES):
            self.open_tunnel('SSH')
            self.run_once(echo)
            self.service.close_tunnel(self.tunnel.get_id())
            self.count()
        wait_for(lambda: not self.alive(), f'the end of {self.alive()}')
        self.check_files()

    def test_errors(self):
        for _ in range(TIMES):
            tunnel = self.make(SOURCE, endpoint='ws://127.0.0.1:1')
            try:
                tunnel.send('hello')
            except Ist.errors() as error:
                self.keep(tunnel, error)
        del tunnel
        self.assertEqual(self.alive(), [])

    @live
    async def test_awaited(self):
        """Also what fails, is cancelled, or not awaited."""
        for _ in range(TIMES):
            tunnel = self.make(SOURCE, endpoint='ws://127.0.0.1:1', max_attempts=1)
            calls = [tunnel.send_message_async(Ist.Message('SSH', 'hello')), tunnel.start_async(), tunnel.stop_async()]
            calls[1].cancel()
            done = await asyncio.gather(*calls, return_exceptions=True)
            self.assertEqual([type(result) for result in done], [GLib.Error, asyncio.CancelledError, bool])
            self.keep(tunnel, *calls)
        del tunnel, calls, done
        while self.alive():
            await asyncio.sleep(0.01)


class Streams(Case):
    """asyncio's own have cycles."""

    async def run_once(self, echo, closed):
        async with self.make(DESTINATION) as destination, self.make(SOURCE) as source:
            with Ist.Forwarder.new(destination) as forwarder:
                forwarder.set_target('SSH', echo.port)
                connection = await source.open_connection_async('SSH')
                reader, writer = await Ist.open_streams(connection)
                self.assertEqual(await reader.readexactly(5), b'hello')
                if closed:
                    writer.close()
                    await writer.wait_closed()
        self.keep(destination, source, forwarder, connection, reader, writer, writer.transport)

    @live
    async def test_streams(self):
        """Also one that nobody has closed."""
        echo = Echo(b'hello')
        self.addCleanup(echo.close)
        for number in range(TIMES):
            self.open_tunnel('SSH')
            await self.run_once(echo, number % 2)
            self.service.close_tunnel(self.tunnel.get_id())
            self.count()
        while self.alive() or count_files() > self.files:
            gc.collect()
            await asyncio.sleep(0.01)


class Raising(Case):
    """What callbacks raise is told as any other that nobody catches."""

    def setUp(self):
        super().setUp()
        self.told = []
        self.addCleanup(setattr, sys, 'excepthook', sys.excepthook)
        sys.excepthook = lambda kind, error, _traceback: self.told.append(error.args[0])

    def raiser(self, name):
        def raise_it(*_):
            raise KeyError(name)
        return raise_it

    def check_signals(self, names, use):
        self.open_tunnel('SSH')
        with self.make(DESTINATION) as destination, self.make(SOURCE) as source:
            for name in names:
                destination.connect(name, self.raiser(name))
            self.connected(destination, source)
            use(source)
            wait_for(lambda: set(self.told) == set(names), f'{names}, not only {self.told}')

    def send(self, source):
        source.start_stream('SSH')
        source.send('hello')

    def open(self, source):
        call(source.open_connection_async, source.open_connection_finish, 'SSH', None)

    def test_signals(self):
        self.check_signals(['connection-success', 'stream-started', 'message-received'], self.send)
        self.told.clear()
        self.check_signals(['connection-success', 'incoming-connection'], self.open)

    def test_callbacks(self):
        tunnel = self.make(SOURCE)
        tunnel.stop_async(None, self.raiser('stop'))
        wait_for(lambda: self.told)
        self.assertEqual(self.told, ['stop'])

    @live
    async def test_signals_in_asyncio(self):
        async with self.make(SOURCE) as source:
            source.connect('stopped', self.raiser('stopped'))
        self.assertEqual(self.told, ['stopped'])


if __name__ == '__main__':
    tap.main()
