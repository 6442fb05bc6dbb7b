#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What Python has of the libraries besides introspection."""

import copy
import pathlib
import socket
import threading
import unittest

import gi
gi.require_version('Ist', '1')
gi.require_version('IstEmulator', '1')
gi.require_version('IstOperator', '1')
from gi.repository import Gio, GLib, GObject, Ist, IstEmulator, IstOperator

import tap
import tunnels
from mainloop import call, wait_for
from sockets import Echo, read_exactly
from tunnels import DESTINATION, SOURCE
from waiting import PATIENCE

PAYLOADS = (b'caf\xc3\xa9', 'café', bytearray(b'caf\xc3\xa9'), memoryview(b'a caf\xc3\xa9')[2:],
            memoryview(b'.c.a.f.\xc3.\xa9')[1::2], GLib.Bytes.new(b'caf\xc3\xa9'))


def info():
    return Ist.Connection().get_stream_info()


class Payloads(unittest.TestCase):
    def test_each_kind(self):
        for payload in PAYLOADS:
            for message in (Ist.Message('SSH', payload), Ist.Message(service_id='SSH', payload=payload),
                            Ist.Message.new('SSH', payload), Ist.Message.new_for_connection('SSH', 1, payload),
                            Ist.Message.new_for_stream(info(), payload),
                            Ist.Message.new_full(Ist.MessageType.DATA, 'SSH', 1, 1, False, payload)):
                self.assertIs(type(message.payload), bytes)
                self.assertEqual(message.payload, 'café'.encode())

    def test_none(self):
        for payload in None, b'', '', GLib.Bytes.new(b''):
            self.assertEqual(Ist.Message('SSH', payload).payload, b'')
        self.assertEqual(Ist.Message().payload, b'')

    def test_what_is_none(self):
        for payload in 5, 1.5, [1, 2], object():
            with self.assertRaises(TypeError):
                Ist.Message('SSH', payload)

    def test_kept(self):
        data = bytearray(b'before')
        message = Ist.Message('SSH', data)
        data[:] = b'after!'
        self.assertEqual(message.payload, b'before')


class Values(unittest.TestCase):
    def test_message(self):
        message = Ist.Message.new_full(Ist.MessageType.DATA, 'SSH', 3, 2, True, 'secret')
        self.assertEqual((message.message_type, message.service_id, message.stream_id, message.connection_id,
                          message.ignorable, message.service_ids),
                         (Ist.MessageType.DATA, 'SSH', 3, 2, True, []))
        self.assertEqual(repr(message),
                         '<Ist.Message data, service “SSH”, stream 3, connection 2, ignorable, 6 bytes>')
        self.assertEqual(Ist.Message.new_service_ids(['A', 'B']).service_ids, ['A', 'B'])

    def test_stream_info(self):
        self.assertEqual((info().service_id, info().stream_id, info().connection_id, info().version),
                         (None, 0, 0, Ist.ProtocolVersion.V1))
        self.assertEqual(repr(info()), '<Ist.StreamInfo version 1>')

    def test_read_only(self):
        in_messages = 'payload message_type service_id stream_id connection_id service_ids ignorable'
        for value, names in ((Ist.Message(), in_messages), (info(), 'service_id stream_id connection_id version')):
            for name in names.split():
                with self.assertRaises(AttributeError):
                    setattr(value, name, None)

    def test_equality(self):
        message, same, other = (Ist.Message('SSH', text) for text in ('a', b'a', 'b'))
        self.assertEqual(message, same)
        self.assertNotEqual(message, other)
        self.assertNotEqual(message, 'a')
        self.assertEqual({message: 1}[same], 1)
        self.assertEqual(len({message, same, other}), 2)
        self.assertEqual(info(), info())
        self.assertNotEqual(info(), message)
        self.assertEqual(len({info(), info()}), 1)

    def test_copies(self):
        message = Ist.Message('SSH', 'x')
        self.assertIs(copy.copy(message), message)
        self.assertEqual(copy.deepcopy([message, info()]), [message, info()])

    def test_no_order(self):
        for one, other in ((Ist.Message(), Ist.Message('SSH')), (info(), info())):
            with self.assertRaises(TypeError):
                sorted([one, other])
            with self.assertRaises(TypeError):
                one >= other

    def test_enumerations(self):
        self.assertIn('IST_TUNNEL_STATE_STOPPED', repr(Ist.SecureTunnel().get_state()))


class Settings(unittest.TestCase):
    def check_frozen(self, thing):
        """The old value stays, and no warning was printed: that would end this program."""
        fixed = [spec for spec in GObject.list_properties(thing) if spec.flags & GObject.ParamFlags.CONSTRUCT_ONLY]
        self.assertTrue(fixed)
        for spec in fixed:
            for name in spec.name, spec.name.replace('-', '_'):
                with self.assertRaisesRegex(TypeError, 'when the object is made'):
                    thing.set_property(name, spec.default_value)
                with self.assertRaisesRegex(TypeError, 'when the object is made'):
                    thing.set_properties(**{name: spec.default_value})
            with self.assertRaisesRegex(TypeError, 'when the object is made'):
                setattr(thing.props, spec.name.replace('-', '_'), spec.default_value)

    def test_frozen(self):
        old = GLib.log_set_always_fatal(GLib.LogLevelFlags.LEVEL_WARNING | GLib.LogLevelFlags.LEVEL_CRITICAL)
        self.addCleanup(GLib.log_set_always_fatal, old)
        tunnel = Ist.SecureTunnel(region='eu-west-1', access_token='token')
        for thing in (tunnel, Ist.Forwarder.new(tunnel), IstEmulator.Service(), IstOperator.Credentials(),
                      IstOperator.ControlPlane(region='eu-west-1'), IstOperator.Client(), IstOperator.Forward()):
            with self.subTest(type(thing).__name__):
                self.check_frozen(thing)
        self.assertEqual(tunnel.props.region, 'eu-west-1')

    def test_agent(self):
        try:
            gi.require_version('IstAgent', '1')
        except ValueError as error:
            self.skipTest(error)
        from gi.repository import IstAgent
        self.check_frozen(IstAgent.Device())
        IstAgent.Device().set_services({'SSH': 22, 'WEB': 'localhost:80'})

    def test_others(self):
        forwarder = Ist.Forwarder.new(Ist.SecureTunnel())
        forwarder.props.idle_timeout = 7
        self.assertEqual(forwarder.props.idle_timeout, 7)
        forwarder.set_property('idle-timeout', 8)
        forwarder.set_properties(connect_timeout=9, connect_retries=2)
        settings = forwarder.get_idle_timeout(), forwarder.get_connect_timeout(), forwarder.get_connect_retries()
        self.assertEqual(settings, (8, 9, 2))
        with self.assertRaisesRegex(TypeError, 'not writable'):
            forwarder.props.n_connections = 1
        with self.assertRaises(TypeError):
            forwarder.set_property('nonsense', 1)
        with self.assertRaises(AttributeError):
            forwarder.props.nonsense

    def test_paths(self):
        path = pathlib.Path('/nonexistent/ca.pem')
        self.assertEqual(Ist.SecureTunnel(ca_file=path).props.ca_file, str(path))
        builder = Ist.SecureTunnelBuilder(ca_file=path)
        self.assertEqual(builder.props.ca_file, str(path))
        self.assertEqual(builder.set_ca_file(path.parent).props.ca_file, str(path.parent))
        self.assertIsNone(builder.set_ca_file(None).props.ca_file)
        with self.assertRaises(GLib.Error) as raised:
            IstEmulator.Service(plain=True).write_ca_file(path)
        self.assertIn('ca', raised.exception.message.lower())

    def test_props(self):
        self.assertEqual(Ist.Forwarder.props.idle_timeout.name, 'idle-timeout')
        forwarder = Ist.Forwarder.new(Ist.SecureTunnel())
        self.assertIn('idle_timeout', dir(forwarder.props))
        self.assertEqual({spec.name for spec in forwarder.props},
                         {spec.name for spec in GObject.list_properties(forwarder)})


class Errors(unittest.TestCase):
    def fail(self):
        Ist.SecureTunnel(region='eu-west-1').start()

    def test_by_code(self):
        for codes, caught in (((Ist.TunnelError.INVALID_SETTING,), True), ((), True), ((Ist.TunnelError.TLS,), False),
                              ((Ist.TunnelError.TLS, Ist.TunnelError.INVALID_SETTING), True)):
            try:
                self.fail()
            except Ist.errors(*codes) as error:
                self.assertTrue(caught)
                self.assertIn('access-token', error.message)
            except GLib.Error:
                self.assertFalse(caught)

    def test_those_of_others(self):
        try:
            Gio.File.new_for_path('/nonexistent').read(None)
        except Ist.errors():
            raise AssertionError('caught what is not of libist')
        except GLib.Error as error:
            # The same number as one of libist's.
            self.assertEqual(error.code, Ist.TunnelError.INVALID_SETTING)
        try:
            raise KeyError('x')
        except Ist.errors():
            raise AssertionError('caught what is not of GLib')
        except KeyError:
            pass

    def test_nested(self):
        """The one that is being handled decides, not one before it."""
        try:
            raise KeyError('x')
        except KeyError:
            try:
                self.fail()
            except Ist.errors(Ist.TunnelError.INVALID_SETTING):
                return
        raise AssertionError('not caught')

    def test_elsewhere(self):
        with self.assertRaises(RuntimeError):
            Ist.errors()


class Tunnels(tunnels.Case):
    def connected(self, *ends):
        wait_for(lambda: all(end.props.state == Ist.TunnelState.CONNECTED for end in ends), 'the connections')

    def test_repr(self):
        end = self.make(SOURCE)
        self.assertEqual(repr(end), '<Ist.SecureTunnel source, stopped>')
        with end:
            self.connected(end)
            self.assertEqual(str(end), '<Ist.SecureTunnel source, connected>')

    def test_messages(self):
        received, started = [], []
        with self.make(DESTINATION) as destination, self.make(SOURCE) as source:
            destination.connect('message-received', lambda _tunnel, message: received.append(message))
            destination.connect('stream-started', lambda _tunnel, there: started.append(there))
            self.connected(source, destination)
            here = source.start_stream('SSH')
            there, = wait_for(lambda: started, 'the stream')
            self.assertEqual(there, here)
            self.assertEqual((there.service_id, there.connection_id), ('SSH', 1))
            for payload in PAYLOADS:
                source.send(payload)
                source.send(payload, 'SSH')
                source.send(payload, service_id='SSH', connection_id=1)
            wait_for(lambda: len(received) == 3 * len(PAYLOADS), 'the messages')
            self.assertEqual({message.payload for message in received}, {'café'.encode()})
            self.assertEqual(len(set(received)), 1)
            with self.assertRaises(TypeError):
                source.send(5)
            try:
                source.send(b'x', 'NONE')
                self.fail('sent to no service')
            except Ist.errors(Ist.TunnelError.NO_SUCH_SERVICE) as error:
                self.assertIn('NONE', error.message)

    def test_with(self):
        end = self.make(SOURCE)
        told = []
        end.connect('stopped', lambda _tunnel: told.append(True))
        for raised in None, ValueError:
            try:
                with end as entered:
                    self.assertIs(entered, end)
                    self.connected(end)
                    if raised:
                        raise raised
            except ValueError:
                pass
            self.assertEqual(end.props.state, Ist.TunnelState.STOPPED)
            wait_for(lambda: not self.tunnel.is_connected(SOURCE), 'the end')
        self.assertEqual(len(told), 2)

    def test_with_fails(self):
        with self.assertRaises(GLib.Error):
            with Ist.SecureTunnel(region='eu-west-1'):
                raise AssertionError('it was started')

    def test_with_while_connecting(self):
        with self.make(SOURCE) as end:
            self.assertEqual(end.props.state, Ist.TunnelState.CONNECTING)
        self.assertEqual(end.props.state, Ist.TunnelState.STOPPED)

    def test_with_in_a_thread(self):
        states = []

        def live():
            context = GLib.MainContext.new()
            context.push_thread_default()
            with self.make(SOURCE) as end:
                while end.props.state != Ist.TunnelState.CONNECTED:
                    context.iteration(True)
            states.append(end.props.state)
            context.pop_thread_default()

        thread = threading.Thread(target=live)
        thread.start()
        wait_for(lambda: not thread.is_alive(), 'the thread')
        self.assertEqual(states, [Ist.TunnelState.STOPPED])

    def test_service(self):
        with IstEmulator.Service() as service:
            self.assertEqual(service.props.state, IstEmulator.ServiceState.LISTENING)
        self.assertEqual(service.props.state, IstEmulator.ServiceState.STOPPED)

    def test_ports(self):
        echo = Echo(b'hello ')
        with self.make(DESTINATION) as destination, self.make(SOURCE) as source:
            there, here = Ist.Forwarder.new(destination), Ist.Forwarder.new(source)
            there.set_target('SSH', echo.port)
            _, port = here.listen('SSH', 0)
            _, another = call(here.listen_async, here.listen_finish, 'SSH', 0, None)
            self.assertEqual([type(number) for number in (port, another)], [int, int])
            self.connected(source, destination)
            with socket.create_connection(('127.0.0.1', another), PATIENCE) as client:
                client.sendall(b'world')
                received = []
                reader = threading.Thread(target=lambda: received.append(read_exactly(client, 11)))
                reader.start()
                wait_for(lambda: not reader.is_alive(), 'the answer')
                self.assertEqual(received, [b'hello world'])
                self.assertEqual((len(here), list(here)), (1, [here[0]]))
            here.close()
            there.close()


if __name__ == '__main__':
    tap.main()
