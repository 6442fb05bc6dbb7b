#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The operator's client from Python: by the name of a thing to a service of its device."""

import json
import socket
import unittest

import gi
import tap
from aio import live
from mainloop import call, wait_for
from sockets import Echo

gi.require_version('Ist', '1')
gi.require_version('IstEmulator', '1')
gi.require_version('IstOperator', '1')
from gi.repository import Gio, GLib, GObject, Ist, IstEmulator, IstOperator

THING = 'pump-7'


def read(thing):
    return {pspec.name: thing.get_property(pspec.name) for pspec in thing.list_properties()}


class Bare(unittest.TestCase):
    """Objects that are made with nothing given."""

    def call_getters(self, thing):
        for name in dir(thing):
            if name.startswith('get_') and not hasattr(GObject.Object, name) and name not in ('get_item',):
                getattr(thing, name)()

    def test_client(self):
        client = IstOperator.Client()
        self.assertEqual(read(client), {
            'control-plane': None, 'options': client.get_options(), 'linger': 300, 'protocol-version': Ist.ProtocolVersion.AUTO, 'services': [],
            'description': 'libist-operator', 'n-tunnels': 0})
        self.call_getters(client)
        with self.assertRaises(GLib.Error) as raised:
            call(client.connect_async, client.connect_finish, THING, 'SSH', None, None)
        self.assertTrue(raised.exception.matches(IstOperator.client_error_quark(),
                                                 IstOperator.ClientError.INVALID_ARGUMENT))
        self.assertTrue(call(client.close_async, client.close_finish, None))

    def test_tunnel(self):
        tunnel = IstOperator.Tunnel()
        self.assertEqual(read(tunnel), {
            'state': IstOperator.TunnelState.CLOSED, 'thing-name': None, 'tunnel-id': None, 'description': None,
            'service-ids': [], 'opened-at': 0, 'expires-at': 0, 'reused': False, 'kept': False, 'n-connections': 0, 'bytes-in': 0,
            'bytes-out': 0, 'rate-in': 0, 'rate-out': 0, 'round-trip-time-us': -1, 'last-error': None,
            'secure-tunnel': None})
        self.call_getters(tunnel)
        tunnel.set_kept(True)
        self.assertEqual(list(tunnel), [])
        self.assertTrue(call(tunnel.close_async, tunnel.close_finish, None))

    def test_options(self):
        defaults = {'reuse': IstOperator.Reuse.OWN, 'lifetime': 0, 'device-timeout': 60}
        self.assertEqual(read(IstOperator.Options()), defaults)
        self.assertEqual(read(IstOperator.Client().get_options()), defaults)
        options = IstOperator.Options(reuse=IstOperator.Reuse.ANY, lifetime=60, device_timeout=5)
        self.assertEqual(read(options), {'reuse': IstOperator.Reuse.ANY, 'lifetime': 60, 'device-timeout': 5})
        self.call_getters(options)
        self.assertEqual(IstOperator.Client(options=options).get_options(), options)

    def test_forward(self):
        forward = IstOperator.Forward()
        self.assertEqual(read(forward), {
            'client': None, 'options': None, 'thing-name': None, 'service-id': None, 'address': None, 'port': 0, 'active': False,
            'n-connections': 0})
        self.call_getters(forward)
        forward.stop()
        with self.assertRaises(GLib.Error):
            forward.start()


class Client(unittest.TestCase):
    def setUp(self):
        self.echo = Echo()
        self.addCleanup(self.echo.close)
        self.service = IstEmulator.Service(plain=True)
        self.service.start()
        self.addCleanup(self.service.stop)
        self.service.connect('notification', self.on_notification)
        self.destinations = []
        self.addCleanup(self.stop_destinations)
        control_plane = IstOperator.ControlPlane.new(
            IstOperator.Credentials.new_for_keys('AKID', 'secret', None), 'us-east-1',
            f'http://127.0.0.1:{self.service.get_port()}')
        self.client = IstOperator.Client.new(control_plane)
        self.addCleanup(lambda: call(self.client.close_async, self.client.close_finish, None))

    def on_notification(self, _service, thing, payload):
        self.assertEqual(thing, THING)
        token = json.loads(payload.get_data())['clientAccessToken']
        builder = Ist.SecureTunnelBuilder(mode=Ist.Mode.DESTINATION, access_token=token,
                                          endpoint=self.service.get_endpoint())
        tunnel = builder.build()
        forwarder = Ist.Forwarder.new(tunnel)
        forwarder.set_target('SSH', f'127.0.0.1:{self.echo.port}')
        tunnel.start()
        self.destinations.append((tunnel, forwarder))

    def stop_destinations(self):
        for tunnel, forwarder in self.destinations:
            forwarder.close()
            tunnel.stop()
            wait_for(lambda tunnel=tunnel: tunnel.get_state() == Ist.TunnelState.STOPPED)

    def test_connect(self):
        states = []
        self.client.connect('progress', lambda _client, _tunnel, state: states.append(state.value_nick))
        connection = call(self.client.connect_async, self.client.connect_finish, THING, 'SSH', None, None)
        self.assertEqual(states, ['looking', 'opening', 'waiting', 'connected'])
        out = connection.get_output_stream()
        call(out.write_bytes_async, out.write_bytes_finish, GLib.Bytes.new(b'hello'), 0, None)
        source = connection.get_input_stream()
        answer = call(source.read_bytes_async, source.read_bytes_finish, 5, 0, None)
        self.assertEqual(answer.get_data(), b'hello')

        tunnel, = self.client
        listed, = tunnel
        self.assertEqual((tunnel.props.thing_name, tunnel.props.service_ids), (THING, ['SSH']))
        self.assertEqual((listed.props.service_id, listed.props.bytes_in), ('SSH', 5))
        self.assertTrue(call(tunnel.close_async, tunnel.close_finish, None))
        self.assertEqual(tunnel.props.state, IstOperator.TunnelState.CLOSED)

    @live
    async def test_asyncio(self):
        async with self.client as client:
            reader, writer = await Ist.open_streams(await client.connect_async(THING, 'SSH'))
            writer.write(b'hello')
            self.assertEqual(await reader.readexactly(5), b'hello')
            writer.close()
            await writer.wait_closed()
            async with await client.open_async(THING, ['SSH'], None) as tunnel:
                self.assertEqual(tunnel.props.state, IstOperator.TunnelState.CONNECTED)
            self.assertEqual(tunnel.props.state, IstOperator.TunnelState.CLOSED)
        try:
            await client.connect_async(THING, 'SSH')
            self.fail('it was closed')
        except Ist.errors(IstOperator.ClientError.CLOSED):
            pass

    def test_with(self):
        with self.client as client:
            with IstOperator.Forward(client=client, thing_name=THING, service_id='SSH', address=0) as forward:
                self.assertGreater(forward.props.port, 0)
            self.assertFalse(forward.props.active)
        with self.assertRaises(GLib.Error) as raised:
            client.connect_sync(THING, 'SSH')
        self.assertTrue(raised.exception.matches(IstOperator.client_error_quark(), IstOperator.ClientError.CLOSED))

    def test_one_after_the_other(self):
        """Without a loop of one's own."""
        with self.assertRaises(GLib.Error) as raised:
            self.client.open_sync(THING, [], None, None)
        self.assertTrue(raised.exception.matches(IstOperator.client_error_quark(),
                                                 IstOperator.ClientError.INVALID_ARGUMENT))
        tunnel = self.client.open_sync(THING, ['SSH'], None, None)
        self.assertEqual(tunnel.props.state, IstOperator.TunnelState.CONNECTED)
        connection = self.client.connect_sync(THING, 'SSH', None, None)
        self.assertEqual(connection.get_service_id(), 'SSH')
        self.assertEqual(list(self.client), [tunnel])
        self.assertTrue(self.client.close_sync(None))
        self.assertEqual(list(self.client), [])
        with self.assertRaises(GLib.Error) as raised:
            self.client.connect_sync(THING, 'SSH', None, None)
        self.assertTrue(raised.exception.matches(IstOperator.client_error_quark(), IstOperator.ClientError.CLOSED))

    def test_open_and_adopt(self):
        options = IstOperator.Options(lifetime=60)
        tunnel = call(self.client.open_async, self.client.open_finish, THING, ['SSH'], options, None)
        self.assertTrue(tunnel.props.kept)
        self.assertEqual(tunnel.props.expires_at - tunnel.props.opened_at, 3600 * 10**6)
        with self.assertRaises(GLib.Error) as raised:
            call(self.client.adopt_async, self.client.adopt_finish, '1234', None)
        self.assertTrue(raised.exception.matches(IstOperator.control_plane_error_quark(),
                                                 IstOperator.ControlPlaneError.NOT_FOUND))

    def test_forward(self):
        forward = IstOperator.Forward.new(self.client, THING, 'SSH', 0)
        opened = []
        forward.connect('connection-opened', lambda _forward, connection: opened.append(connection))
        forward.start()
        with socket.create_connection(('127.0.0.1', forward.props.port)) as local:
            wait_for(lambda: opened)
            local.sendall(b'hello')
            local.setblocking(False)
            received = b''

            def receive():
                nonlocal received
                try:
                    received += local.recv(5)
                except BlockingIOError:
                    pass
                return received == b'hello'
            wait_for(receive)
        forward.stop()
        wait_for(lambda: forward.props.n_connections == 0)

    def test_forward_stream(self):
        ours, theirs = socket.socketpair()
        with ours:
            stream = Gio.SocketConnection(socket=Gio.Socket.new_from_fd(theirs.detach()))
            connection = call(self.client.forward_async, self.client.forward_finish, THING, 'SSH', stream, None, None)
            self.assertEqual(connection.props.state, Ist.ForwarderConnectionState.OPEN)
            ours.sendall(b'hello')
            wait_for(lambda: connection.get_bytes_in() == 5)
            self.assertEqual(ours.recv(5), b'hello')


if __name__ == '__main__':
    tap.main()
