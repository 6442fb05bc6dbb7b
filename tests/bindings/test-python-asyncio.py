#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Tunnels and connections in asyncio, with the loop of gbulb."""

import asyncio
import contextlib
import hashlib
import random

import gi
gi.require_version('Ist', '1')
from gi.repository import GLib, Ist

import tap
import tunnels
from aio import live
from sockets import Echo
from tunnels import DESTINATION, SOURCE


class Tunnels(tunnels.Case):
    @live
    async def test_start_and_stop(self):
        end = self.make(SOURCE)
        self.assertTrue(await end.start_async())
        self.assertEqual(end.props.state, Ist.TunnelState.CONNECTED)
        self.assertTrue(await end.stop_async())
        self.assertEqual(end.props.state, Ist.TunnelState.STOPPED)

    @live
    async def test_start_fails(self):
        self.tunnel.refuse_handshakes(SOURCE, 1, 403, 'go away')
        try:
            async with self.make(SOURCE):
                self.fail('it was entered')
        except Ist.errors(Ist.TunnelError.TOKEN_REJECTED) as error:
            self.assertIn('403', error.message)

    @live
    async def test_start_cancelled(self):
        end = self.make(SOURCE)
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(end.start_async(), 0)
        task = asyncio.ensure_future(end.start_async())
        await asyncio.sleep(0)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        while end.props.state != Ist.TunnelState.STOPPED:
            await asyncio.sleep(0.01)

    @live
    async def test_messages(self):
        """More than are kept: the tunnel is paused meanwhile, and nothing is lost."""
        async with self.make(DESTINATION) as destination, self.make(SOURCE) as source:
            source.start_stream('SSH')
            for number in range(500):
                await source.send_message_async(Ist.Message('SSH', f'{number}'))
            while not destination.get_paused():
                await asyncio.sleep(0.01)
            kept = len(destination._inbox.messages)
            self.assertLess(kept, 500)
            received = []
            async for message in destination:
                received.append(message.payload)
                if len(received) == 500:
                    break
            self.assertEqual(received, [f'{number}'.encode() for number in range(500)])
            self.assertFalse(destination.get_paused())

    @live
    async def test_ends_when_stopped(self):
        async with self.make(SOURCE) as end:
            asyncio.get_running_loop().call_soon(end.stop)
            async for _message in end:
                self.fail('there is no message')
        self.assertEqual(end.props.state, Ist.TunnelState.STOPPED)

    @live
    async def test_raises_what_ended_it(self):
        async with self.make(SOURCE) as end:
            self.tunnel.close_side(SOURCE, 1008, 'replaced')
            try:
                async for _message in end:
                    self.fail('there is no message')
                self.fail('it ended without an error')
            except Ist.errors(Ist.TunnelError.CLIENT_REPLACED):
                pass

    @live
    async def test_body_raises(self):
        end = self.make(SOURCE)
        for _ in range(2):
            with self.assertRaises(KeyError):
                async with end:
                    raise KeyError('x')
            self.assertEqual(end.props.state, Ist.TunnelState.STOPPED)

    @live
    async def test_stopped_while_paused(self):
        async with self.make(DESTINATION) as destination, self.make(SOURCE) as source:
            source.start_stream('SSH')
            for number in range(200):
                await source.send_message_async(Ist.Message('SSH', f'{number}'))
            while not destination.get_paused():
                await asyncio.sleep(0.01)
            destination.stop()
            received = [message.payload async for message in destination]
            self.assertGreaterEqual(len(received), 64)
            self.assertEqual(received, [f'{number}'.encode() for number in range(len(received))])

    @live
    async def test_needs_async_with(self):
        with self.assertRaises(RuntimeError):
            async for _message in self.make(SOURCE):
                pass


class Streams(tunnels.Case):
    async def with_echo(self, use, prefix=b''):
        echo = Echo(prefix)
        async with self.make(DESTINATION) as destination, self.make(SOURCE) as source:
            forwarder = Ist.Forwarder.new(destination)
            forwarder.set_target('SSH', echo.port)
            connection = await source.open_connection_async('SSH')
            reader, writer = await Ist.open_streams(connection)
            self.assertEqual(len(forwarder), 1)
            await use(reader, writer)
            writer.close()
            with contextlib.suppress(ConnectionResetError):
                await writer.wait_closed()
            self.assertTrue(connection.is_closed())
            while len(forwarder):
                await asyncio.sleep(0.01)

    @live
    async def test_lines(self):
        async def use(reader, writer):
            for number in range(20):
                writer.write(f'line {number}\n'.encode())
                await writer.drain()
                self.assertEqual(await reader.readline(), f'line {number}\n'.encode())
            writer.close()
            await writer.wait_closed()
            with self.assertRaises(ConnectionResetError):
                await writer.drain()

        await self.with_echo(use)

    @live
    async def test_aborted(self):
        async def use(reader, writer):
            writer.transport.abort()
            self.assertEqual(await reader.read(), b'')

        await self.with_echo(use)

    @live
    async def test_much(self):
        """With a slow reader: both directions are held up, and all of it comes."""
        data = random.Random(1).randbytes(8000000)

        most = []

        async def use(reader, writer):
            async def send():
                for begin in range(0, len(data), 100000):
                    writer.write(data[begin:begin + 100000])
                    await writer.drain()
                    most.append(writer.transport.get_write_buffer_size())

            sending = asyncio.ensure_future(send())
            while writer.transport.is_reading():
                await asyncio.sleep(0.01)
            received = await reader.readexactly(len(data))
            await sending
            self.assertLess(max(most), 300000)
            self.assertFalse(writer.can_write_eof())
            self.assertEqual(len(received), len(data))
            self.assertEqual(hashlib.sha256(received).digest(), hashlib.sha256(data).digest())

        await self.with_echo(use)

    @live
    async def test_lost(self):
        async def use(reader, writer):
            writer.write(b'x')
            self.assertEqual(await reader.readexactly(1), b'x')
            self.tunnel.reset_session()
            with self.assertRaises(ConnectionResetError) as raised:
                await reader.read()
            self.assertIsInstance(raised.exception.__cause__, GLib.Error)

        await self.with_echo(use)


if __name__ == '__main__':
    tap.main()
