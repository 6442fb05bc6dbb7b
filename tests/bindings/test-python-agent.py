#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The agent's class from Python, with a real broker."""

import asyncio
import json
import socket
import threading
import unittest

import gi
import tap
from aio import live
from device import THING, Broker, notification
from mainloop import call, wait_for
from programs import Case
from sockets import Echo, read_exactly

gi.require_version('Ist', '1')
gi.require_version('IstAgent', '1')
gi.require_version('IstEmulator', '1')
from gi.repository import Gio, GLib, GObject, Ist, IstAgent, IstEmulator


class Bare(unittest.TestCase):
    """Objects that are made with nothing given."""

    def read(self, thing):
        return {pspec.name: thing.get_property(pspec.name) for pspec in thing.list_properties()}

    def test_device(self):
        agent = IstAgent.Device()
        self.assertEqual(self.read(agent), {
            'thing-name': None, 'broker': None, 'client-id': None, 'certificate-file': None, 'key-file': None,
            'ca-file': None, 'endpoint': None, 'endpoint-ca-file': None, 'allow-plain': False, 'keepalive': 120,
            'max-lifetime': 43200, 'max-tunnels': 16, 'max-connections': 256, 'n-tunnels': 0, 'n-connections': 0,
            'state': IstAgent.DeviceState.STOPPED})
        self.assertEqual(list(agent), [])
        self.assertIsNone(agent.get_certificate_file())
        for start in agent.start, lambda: call(agent.start_async, agent.start_finish, None):
            with self.assertRaises(GLib.Error) as raised:
                start()
            self.assertTrue(raised.exception.matches(Ist.tunnel_error_quark(), Ist.TunnelError.INVALID_SETTING))
        agent.stop()
        self.assertTrue(call(agent.stop_async, agent.stop_finish, None))

    def test_tunnel(self):
        tunnel = IstAgent.Tunnel()
        self.assertEqual(self.read(tunnel), {
            'id': 0, 'region': None, 'service-ids': [], 'opened-at': 0, 'state': Ist.TunnelState.STOPPED,
            'n-connections': 0, 'bytes-in': 0, 'bytes-out': 0, 'secure-tunnel': None, 'forwarder': None})
        for name in dir(tunnel):
            if name.startswith('get_') and not hasattr(GObject.Object, name):
                getattr(tunnel, name)()
        tunnel.stop()


class Agent(Case):
    def setUp(self):
        super().setUp()
        self.broker = Broker(self.folder)
        self.broker.start()
        self.addCleanup(self.broker.stop)
        self.service = IstEmulator.Service()
        self.service.start()
        self.addCleanup(self.service.stop)
        self.service.write_ca_file(self.path('ca.pem'))
        self.events = []

    def make_agent(self, services):
        agent = IstAgent.Device(
            thing_name=THING, broker=self.broker.address, certificate_file=str(self.broker.certificate),
            key_file=str(self.broker.key), ca_file=str(self.broker.authority.certificate),
            endpoint=self.service.get_endpoint(), endpoint_ca_file=self.path('ca.pem'))
        for name in ('broker-lost', 'notification-refused', 'service-refused',
                     'tunnel-opened', 'tunnel-closed'):
            agent.connect(name, lambda agent, *what, name=name: self.events.append((name, *what)))
        agent.connect('stopped', lambda agent: self.events.append(('stopped',)))
        agent.set_services(services)
        return agent

    def start_agent(self, services):
        agent = self.make_agent(services)
        self.assertTrue(call(agent.start_async, agent.start_finish, None))
        self.assertEqual(agent.props.state, IstAgent.DeviceState.SUBSCRIBED)
        return agent

    def check_error(self, error, domain, code):
        self.assertEqual((error.domain, error.code), (domain, code), error.message)

    def stop_agent(self, agent):
        self.assertTrue(call(agent.stop_async, agent.stop_finish, None))
        self.assertEqual(agent.props.state, IstAgent.DeviceState.STOPPED)
        self.assertEqual(self.events[-1], ('stopped',))
        self.assertEqual(len(agent), 0)

    def test_start_and_stop(self):
        agent = self.make_agent({})
        for _ in range(2):
            self.assertTrue(call(agent.start_async, agent.start_finish, None))
            with self.assertRaises(GLib.Error) as raised:
                agent.start()
            self.assertTrue(raised.exception.matches(Ist.tunnel_error_quark(), Ist.TunnelError.INVALID_STATE))
            self.stop_agent(agent)

        self.broker.stop()
        cancellable = Gio.Cancellable()
        agent.connect('broker-lost', lambda *_: cancellable.cancel())
        with self.assertRaises(GLib.Error) as raised:
            call(agent.start_async, agent.start_finish, cancellable)
        self.assertTrue(raised.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED))
        wait_for(lambda: agent.props.state == IstAgent.DeviceState.STOPPED, 'the end')

    def test_tunnel(self):
        echo = Echo(b'hello ')
        agent = self.start_agent({'SSH': echo.address})
        tunnel = self.service.open_tunnel(['SSH'], THING, 0)
        self.broker.publish(notification(tunnel.get_destination_access_token(), ['SSH', 'VNC']))
        wait_for(lambda: tunnel.is_connected(Ist.Mode.DESTINATION), 'the device')
        opened, = (event[1] for event in self.events if event[0] == 'tunnel-opened')
        self.assertEqual([t.get_id() for t in agent], [opened.get_id()])
        wait_for(lambda: opened.props.state == Ist.TunnelState.CONNECTED, 'the tunnel')
        counted = []
        opened.connect('notify::bytes-in', lambda tunnel, _: counted.append(tunnel.props.bytes_in))
        self.assertEqual(opened.get_service_ids(), ['SSH', 'VNC'])
        self.assertIn(('service-refused', 'VNC'), self.events)

        source = Ist.SecureTunnel(mode=Ist.Mode.SOURCE, access_token=tunnel.get_source_access_token(),
                                  endpoint=self.service.get_endpoint(), ca_file=self.path('ca.pem'))
        forwarder = Ist.Forwarder.new(source)
        _, port = forwarder.listen('SSH', '127.0.0.1:0')
        source.start()
        with socket.create_connection(('127.0.0.1', port)) as client:
            client.sendall(b'world')
            received = []
            reader = threading.Thread(target=lambda: received.append(read_exactly(client, 11)))
            reader.start()
            wait_for(lambda: not reader.is_alive(), 'the answer')
            self.assertEqual(received, [b'hello world'])
            self.assertEqual((agent.props.n_connections, opened.props.n_connections), (1, 1))
        wait_for(lambda: counted and counted[-1] == 5, 'the counter')
        source.stop()

        self.service.close_tunnel(tunnel.get_id())
        wait_for(lambda: any(event[0] == 'tunnel-closed' for event in self.events), 'the end of the tunnel')
        closed = next(event for event in self.events if event[0] == 'tunnel-closed')
        self.assertEqual(closed[1].get_id(), opened.get_id())
        self.check_error(closed[2], 'ist-tunnel-error-quark', Ist.TunnelError.TUNNEL_CLOSED)
        self.stop_agent(agent)

    @live
    async def test_asyncio(self):
        echo = Echo(b'hello ')
        self.addCleanup(echo.close)
        agent = self.make_agent({'SSH': echo.port})
        async with agent:
            self.assertEqual(agent.props.state, IstAgent.DeviceState.SUBSCRIBED)
            tunnel = self.service.open_tunnel(['SSH'], THING, 0)
            # Not by the broker: the call for that waits, and the loop with it.
            agent.handle_notification(json.dumps(notification(tunnel.get_destination_access_token(), ['SSH'])))
            async with Ist.SecureTunnel(mode=Ist.Mode.SOURCE, access_token=tunnel.get_source_access_token(),
                                        endpoint=self.service.get_endpoint(), ca_file=self.path('ca.pem')) as source:
                while not tunnel.is_connected(Ist.Mode.DESTINATION):
                    await asyncio.sleep(0.01)
                reader, writer = await Ist.open_streams(await source.open_connection_async('SSH'))
                writer.write(b'world')
                self.assertEqual(await reader.readexactly(11), b'hello world')
                writer.close()
        self.assertEqual(agent.props.state, IstAgent.DeviceState.STOPPED)
        self.assertEqual(self.events[-1], ('stopped',))

    def test_refused(self):
        agent = self.start_agent({'SSH': '1'})
        self.broker.publish(b'nonsense')
        wait_for(lambda: self.events, 'the refusal')
        name, error = self.events[0]
        self.assertEqual(name, 'notification-refused')
        self.check_error(error, 'ist-agent-device-error-quark', IstAgent.DeviceError.INVALID_NOTIFICATION)
        with self.assertRaises(GLib.Error) as raised:
            agent.handle_notification(GLib.Bytes(b'{}'))
        self.assertEqual(raised.exception.code, IstAgent.DeviceError.INVALID_NOTIFICATION)
        for codes, caught in (((), False), ((Ist.TunnelError,), False), ((IstAgent.DeviceError,), True),
                              ((Ist.TunnelError.TLS, IstAgent.DeviceError.INVALID_NOTIFICATION), True)):
            try:
                agent.handle_notification('{}')
            except Ist.errors(*codes):
                self.assertTrue(caught)
            except GLib.Error:
                self.assertFalse(caught)
        with self.assertRaises(GLib.Error):
            agent.set_services({'SSH': 'nonsense'})
        self.stop_agent(agent)

    def test_broker_lost(self):
        agent = self.start_agent({'SSH': '1'})
        self.broker.stop()
        wait_for(lambda: self.events, 'the loss')
        name, error, delay = self.events[0]
        self.assertEqual(name, 'broker-lost')
        self.check_error(error, 'ist-tunnel-error-quark', Ist.TunnelError.DISCONNECTED)
        self.assertGreaterEqual(delay, 500)
        self.assertEqual(agent.props.state, IstAgent.DeviceState.WAITING)
        self.broker.start()
        wait_for(lambda: agent.props.state == IstAgent.DeviceState.SUBSCRIBED, 'the subscription')
        self.stop_agent(agent)


if __name__ == '__main__':
    tap.main()
