#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The libraries in asyncio, with the loop of gbulb."""

import asyncio
import contextlib
import functools
import hashlib
import http.server
import random
import ssl
import tempfile
import threading
import unittest

import gi
gi.require_version('Ist', '1')
gi.require_version('IstEmulator', '1')
gi.require_version('IstOperator', '1')
from gi.repository import Gio, GLib, GObject, Ist, IstEmulator, IstOperator

import certificates
import tap
import tunnels
from aio import live
from sockets import Echo
from tunnels import DESTINATION, SOURCE

NAMESPACES = [Ist, IstEmulator, IstOperator]
try:
    gi.require_version('IstAgent', '1')
    from gi.repository import IstAgent
    NAMESPACES.append(IstAgent)
except ValueError:
    pass  # it is not built everywhere

# What is handed to a parameter that is not numbers or none.
SAMPLES = {
    'address': '127.0.0.1:0',
    'modes': IstOperator.ClientMode.SOURCE,
    'message': Ist.Message('SSH', 'hello'),
    'service_ids': ['SSH'],
    'stream': Gio.SimpleIOStream.new(Gio.MemoryInputStream(), Gio.MemoryOutputStream.new_resizable()),
    'tag_keys': ['key'],
    'tags': {},
}


def make(kind):
    """With nothing given, but where that would be taken from the machine, or reach out of it."""
    keys = IstOperator.Credentials.new_for_keys('AKID', 'secret', None)
    if kind is IstOperator.Credentials:
        return keys
    if kind is IstOperator.ControlPlane:
        return kind(credentials=keys, region='eu-central-1', endpoint_url='http://127.0.0.1:1', max_attempts=1)
    return kind()


def pairs():
    """Each call of GIO's kind that there is, with the names of its arguments."""
    for namespace in NAMESPACES:
        for kind in (getattr(namespace, name) for name in dir(namespace)):
            if isinstance(kind, type) and issubclass(kind, GObject.Object):
                infos = {info.get_name(): info for info in kind.__info__.get_methods()}
                for name, info in infos.items():
                    if name.endswith('_async'):
                        names = [argument.get_name() for argument in info.get_arguments()]
                        yield kind, name, names[:names.index('cancellable')]


class Every(unittest.TestCase):
    def begin(self, kind, name, names, *cancellable, **named):
        info, = (info for info in kind.__info__.get_methods() if info.get_name() == name)
        arguments = []
        for argument in info.get_arguments()[:len(names)]:
            number = argument.get_type().get_tag_as_string() not in ('utf8', 'interface')
            arguments.append(SAMPLES.get(argument.get_name(), 0 if number else None if argument.may_be_null() else 'x'))
        return getattr(make(kind), name)(*arguments, *cancellable, **named)

    @live
    async def test_awaited(self):
        self.assertGreater(len(list(pairs())), 20)
        for kind, name, names in pairs():
            with self.subTest(f'{kind.__name__}.{name}'):
                for cancellable in (), (None,), (Gio.Cancellable(),):
                    call = self.begin(kind, name, names, *cancellable)
                    self.assertIsInstance(call, asyncio.Future)
                    try:
                        self.assertIsNotNone(await call)
                    except GLib.Error as error:
                        self.assertGreater(len(error.message), 10)

    @live
    async def test_cancelled(self):
        for kind, name, names in pairs():
            with self.subTest(f'{kind.__name__}.{name}'):
                cancellable = Gio.Cancellable()
                call = self.begin(kind, name, names, cancellable)
                self.assertTrue(call.cancel())
                self.assertFalse(call.cancel())
                self.assertTrue(cancellable.is_cancelled())
                with self.assertRaises(asyncio.CancelledError):
                    await call

    @live
    async def test_with_callback(self):
        for kind, name, names in pairs():
            with self.subTest(f'{kind.__name__}.{name}'):
                for cancellable in (), (None,):
                    done = asyncio.Event()
                    self.assertIsNone(self.begin(kind, name, names, *cancellable, callback=lambda *_: done.set()))
                    await done.wait()
                    done.clear()
                self.assertIsNone(self.begin(kind, name, names, None, lambda *_: done.set()))
                await done.wait()

    def test_elsewhere(self):
        """Without a loop of asyncio nothing is to be awaited, and one that does not run GLib's would wait for ever."""
        self.assertIsNone(Ist.SecureTunnel().stop_async())

        async def stop():
            with self.assertRaisesRegex(RuntimeError, "GLib's"):
                Ist.SecureTunnel().stop_async()

        loop = asyncio.SelectorEventLoop()
        loop.run_until_complete(stop())
        loop.close()

    @live
    async def test_names(self):
        with self.assertRaises(TypeError):
            Ist.SecureTunnel().send_message_async()
        with self.assertRaises(TypeError):
            Ist.SecureTunnel().stop_async(nonsense=1)
        tunnel = Ist.SecureTunnel()
        for call in (tunnel.open_connection_async(), tunnel.open_connection_async(service_id='SSH'),
                     tunnel.send_message_async(message=Ist.Message(), cancellable=None)):
            with self.assertRaises(GLib.Error) as raised:
                await call
            self.assertTrue(raised.exception.matches(Ist.tunnel_error_quark(), Ist.TunnelError.NOT_CONNECTED))

    @live
    async def test_not_awaited(self):
        """It is begun nevertheless, and its error told."""
        told = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: told.append(context['exception']))
        self.addCleanup(loop.set_exception_handler, None)
        Ist.SecureTunnel().start_async()
        while not told:
            await asyncio.sleep(0.01)
        self.assertTrue(told[0].matches(Ist.tunnel_error_quark(), Ist.TunnelError.INVALID_SETTING))

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
        cancellable = Gio.Cancellable()
        task = asyncio.ensure_future(asyncio.gather(end.start_async(cancellable)))
        while end.props.state != Ist.TunnelState.CONNECTING:
            await asyncio.sleep(0)
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertTrue(cancellable.is_cancelled())
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


class Others(tunnels.Case):
    @live
    async def test_service(self):
        async with IstEmulator.Service() as service:
            self.assertEqual(service.props.state, IstEmulator.ServiceState.LISTENING)
        self.assertEqual(service.props.state, IstEmulator.ServiceState.STOPPED)

    @live
    async def test_forwarder(self):
        echo = Echo(b'hello ')
        self.addCleanup(echo.close)
        async with self.make(DESTINATION) as destination, self.make(SOURCE) as source:
            with Ist.Forwarder.new(destination) as there, Ist.Forwarder.new(source) as here:
                there.set_target('SSH', echo.port)
                _listener, port = await here.listen_async('SSH', 0)
                reader, writer = await asyncio.open_connection('127.0.0.1', port)
                writer.write(b'world')
                self.assertEqual(await reader.readexactly(11), b'hello world')
                connection = await here.open_connection_async('SSH')
                reader, _writer = await Ist.open_streams(connection)
                self.assertEqual(await reader.readexactly(6), b'hello ')
            with self.assertRaises(ConnectionResetError):
                await reader.read()

    @live
    async def test_lives_with_service(self):
        """All that there is, in one statement."""
        with tempfile.NamedTemporaryFile() as ca_file:
            async with IstEmulator.Service() as service:
                service.write_ca_file(ca_file.name)
                self.tunnel = service.open_tunnel(['SSH'], None, 0)
                async with self.make(SOURCE, endpoint=service.get_endpoint(), ca_file=ca_file.name) as end:
                    self.assertEqual(end.props.state, Ist.TunnelState.CONNECTED)


class Protocol(asyncio.Protocol):
    """Raises what it is told in the call of a name."""

    def __init__(self, name=None):
        self.name = name
        self.ended = asyncio.get_running_loop().create_future()

    def data_received(self, data):
        if self.name == 'data_received':
            raise KeyError(self.name)

    def connection_lost(self, error):
        self.ended.set_result(error)
        if self.name == 'connection_lost':
            raise KeyError(self.name)


class Buffered(asyncio.BufferedProtocol):
    def __init__(self):
        self.buffer = bytearray(2)
        self.received = b''
        self.whole = asyncio.get_running_loop().create_future()

    def get_buffer(self, _size):
        return self.buffer

    def buffer_updated(self, size):
        self.received += self.buffer[:size]
        if len(self.received) == len('hello'):
            self.whole.set_result(self.received)


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

    @contextlib.asynccontextmanager
    async def connected(self, target):
        """A tunnel, new each time, whose other end forwards to a port."""
        self.open_tunnel('SSH')
        async with self.make(DESTINATION) as destination, self.make(SOURCE) as source:
            with Ist.Forwarder.new(destination) as forwarder:
                forwarder.set_target('SSH', target)
                yield source

    @live
    async def test_raising(self):
        """What a protocol raises is told, and ends the connection if it stands in its way."""
        echo = Echo(b'hello')
        self.addCleanup(echo.close)
        told = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: told.append(context['exception']))
        self.addCleanup(loop.set_exception_handler, None)
        for name, ends_by_it in (('data_received', True), ('connection_lost', False)):
            async with self.connected(echo.port) as source:
                transport, protocol = await source.create_connection(functools.partial(Protocol, name), 'SSH')
                if not ends_by_it:
                    transport.close()
                self.assertEqual(isinstance(await protocol.ended, KeyError), ends_by_it)
                while not told:
                    await asyncio.sleep(0.01)
                self.assertEqual(told.pop().args, (name,))

    @live
    async def test_buffered(self):
        """A protocol that has a buffer of its own, smaller than what comes."""
        echo = Echo(b'hello')
        self.addCleanup(echo.close)
        async with self.connected(echo.port) as source:
            transport, protocol = await source.create_connection(Buffered, 'SSH')
            self.assertEqual(await protocol.whole, b'hello')
            transport.close()

    async def ask(self, serving=None, asking=None):
        """A whole exchange, with a server that knows nothing of this, with TLS if there are contexts for it."""
        with http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler) as server:
            if serving:
                server.socket = serving.wrap_socket(server.socket, server_side=True)
            server.RequestHandlerClass.log_message = lambda *_: None
            threading.Thread(target=server.serve_forever, daemon=True).start()
            async with self.connected(server.server_port) as source:
                reader, writer = await Ist.open_streams(await source.open_connection_async('SSH'))
                if asking:
                    await writer.start_tls(asking, server_hostname='localhost')
                writer.write(b'GET /nonexistent HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
                head, _, body = (await reader.read()).partition(b'\r\n\r\n')
                self.assertIn(b' 404 ', head.splitlines()[0])
                self.assertIn(f'Content-Length: {len(body)}'.encode(), head.splitlines())
                writer.close()
                await writer.wait_closed()
            server.shutdown()

    @live
    async def test_http(self):
        await self.ask()

    @live
    async def test_https(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = certificates.self_signed(folder)
            serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            serving.load_cert_chain(certificate, key)
            await self.ask(serving, ssl.create_default_context(cafile=certificate))


if __name__ == '__main__':
    tap.main()
