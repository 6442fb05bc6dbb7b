#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A forwarder is five lines of Python at each end."""

import socket
import threading

import gi

gi.require_version('Ist', '1')
from gi.repository import Gio, GLib, Ist

import tap
import tunnels
from mainloop import wait_for
from sockets import Server, echo


def talk(port, answers):
    with socket.create_connection(('127.0.0.1', port), timeout=60) as connection:
        connection.sendall(b'hello')
        answers.append(connection.recv(100))


class Shown:
    """What a window shows of connections, bound to them; no more is kept."""

    def __init__(self, forwarder):
        self.lines = []
        forwarder.connect('items-changed', self.on_items_changed)

    def on_items_changed(self, forwarder, position, _n_removed, n_added):
        for connection in list(forwarder)[position:position + n_added]:
            self.lines.append('')
            connection.connect('notify', self.on_notify, len(self.lines) - 1)

    def on_notify(self, connection, _pspec, line):
        props = connection.props
        self.lines[line] = f'{props.service_id} {props.bytes_in} {props.bytes_out} {props.state.value_nick}'


class Forwarder(tunnels.Case):
    def test_five_lines(self):
        answers, told = [], []
        server = Server(echo)
        self.addCleanup(server.close)

        device = self.make(Ist.Mode.DESTINATION)
        at_device = Ist.Forwarder.new(device)
        at_device.set_target('SSH', server.address)
        device.start()

        tunnel = self.make(Ist.Mode.SOURCE)
        forwarder = Ist.Forwarder.new(tunnel)
        _listener, port = forwarder.listen('SSH', '0')
        tunnel.start()

        shown = Shown(forwarder)
        forwarder.connect('authorize-connection',
                          lambda _forwarder, connection: connection.get_address() is not None)
        forwarder.connect('connection-closed', lambda _forwarder, connection, error: told.append(
            (connection.props.service_id, connection.props.bytes_in, connection.props.bytes_out, error)))
        # The device has to be there first: to one that is not, nothing is delivered.
        device.connect('connection-success', lambda *_: threading.Thread(
            target=talk, args=(port, answers), daemon=True).start())
        self.assertEqual(wait_for(lambda: answers), [b'hello'])

        wait_for(lambda: forwarder.get_n_connections() == 0)
        self.assertEqual(told, [('SSH', 5, 5, None)])
        self.assertEqual(list(forwarder), [])
        self.assertEqual(shown.lines, ['SSH 5 5 closed'])
        for end in (tunnel, device):
            end.stop()
            wait_for(lambda end=end: end.get_state() == Ist.TunnelState.STOPPED)

    def test_listen_async(self):
        """Names of hosts, in a coroutine's way: what is awaited comes from the main loop."""
        tunnel = self.make(Ist.Mode.SOURCE)
        forwarder = Ist.Forwarder.new(tunnel)
        loop = GLib.MainLoop()
        listening = []

        def on_listening(source, result):
            listening.extend(source.listen_finish(result))
            loop.quit()

        with self.assertRaises(GLib.Error) as caught:
            forwarder.listen('SSH', 'here.localhost:0')
        self.assertIn('listen_async', caught.exception.message)
        forwarder.listen_async('SSH', 'here.localhost:0', None, on_listening)
        GLib.timeout_add_seconds(60, loop.quit)
        loop.run()
        listener, port = listening
        socket.create_connection(('127.0.0.1', port), timeout=60).close()
        self.assertTrue(forwarder.unlisten(listener))
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', port), timeout=60)
        forwarder.close()

    def test_from_nothing(self):
        """Objects that nobody has given anything say so, and do nothing else."""
        forwarder = Ist.Forwarder()
        for call in (lambda: forwarder.listen('SSH', '0'),
                     lambda: forwarder.forward('SSH', Gio.SimpleIOStream.new(Gio.MemoryInputStream(),
                                                                             Gio.MemoryOutputStream()))):
            with self.assertRaises(GLib.Error) as caught:
                call()
            self.assertTrue(caught.exception.matches(Ist.TunnelError.quark(), Ist.TunnelError.INVALID_STATE))
        self.assertTrue(forwarder.set_target('SSH', '22'))
        self.assertTrue(forwarder.remove_target('SSH'))
        self.assertIsNone(forwarder.get_tunnel())
        self.assertEqual(len(forwarder), 0)
        forwarder.close()

        connection = Ist.ForwarderConnection()
        for name in ('service_id', 'address', 'connection'):
            self.assertIsNone(getattr(connection.props, name))
        self.assertEqual(connection.props.state, Ist.ForwarderConnectionState.CLOSED)
        self.assertEqual((connection.props.bytes_in, connection.props.bytes_out, connection.props.opened_at), (0, 0, 0))
        connection.close()

    def test_errors(self):
        tunnel = self.make(Ist.Mode.SOURCE)
        forwarder = Ist.Forwarder(tunnel=tunnel, max_connections=5)
        with self.assertRaises(GLib.Error) as caught:
            forwarder.listen('SSH', 'nonsense')
        self.assertTrue(caught.exception.matches(Ist.TunnelError.quark(), Ist.TunnelError.INVALID_SETTING))
        self.assertEqual(forwarder.props.max_connections, 5)


if __name__ == '__main__':
    tap.main()
