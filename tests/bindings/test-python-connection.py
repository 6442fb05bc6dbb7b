#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Connections as Python sees them: streams like any other of GIO's."""

import gc
import hashlib
import random
import threading
import weakref

import gi
gi.require_version('Ist', '1')
from gi.repository import Gio, GLib, Ist

import tap
import tunnels
from mainloop import call, wait_for


class Connections(tunnels.Case):
    plain = True

    def setUp(self):
        super().setUp()
        self.incoming = []
        self.destination = self.start(Ist.Mode.DESTINATION)
        self.destination.connect('incoming-connection', self.on_incoming)
        self.source = self.start(Ist.Mode.SOURCE)

    def start(self, mode):
        end = self.make(mode)
        end.start()
        wait_for(lambda: end.props.state == Ist.TunnelState.CONNECTED)
        self.addCleanup(self.stop, end)
        return end

    def stop(self, end):
        end.stop()
        wait_for(lambda: end.props.state == Ist.TunnelState.STOPPED)

    def on_incoming(self, _tunnel, connection):
        self.incoming.append(connection)
        return True

    def open(self):
        near = call(self.source.open_connection_async, self.source.open_connection_finish, 'SSH', None)
        wait_for(lambda: self.incoming)
        return near, self.incoming.pop()

    def write(self, connection, data):
        stream = connection.get_output_stream()
        call(stream.write_all_async, stream.write_all_finish, data, GLib.PRIORITY_DEFAULT, None)

    def read(self, connection):
        stream = connection.get_input_stream()
        return call(stream.read_bytes_async, stream.read_bytes_finish, 4096, GLib.PRIORITY_DEFAULT, None).get_data()

    def close(self, connection):
        call(connection.close_async, connection.close_finish, GLib.PRIORITY_DEFAULT, None)

    def test_both_ways(self):
        near, far = self.open()
        self.assertIsInstance(near, Gio.IOStream)
        self.assertEqual((near.props.service_id, far.get_service_id()), ('SSH', 'SSH'))
        self.assertEqual(far.get_stream_info().get_connection_id(), 1)
        self.write(near, b'hello\0')
        self.assertEqual(self.read(far), b'hello\0')
        self.write(far, b'you')
        self.assertEqual(self.read(near), b'you')
        self.assertEqual((near.props.bytes_in, far.props.bytes_in), (3, 6))
        self.close(near)
        self.assertEqual(self.read(far), b'')
        with self.assertRaises(GLib.Error) as caught:
            self.write(far, b'late')
        self.assertTrue(caught.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.BROKEN_PIPE))
        self.assertTrue(far.dup_error().matches(Ist.tunnel_error_quark(), Ist.TunnelError.CONNECTION_RESET))
        self.assertIsNone(near.dup_error())

    def test_lines(self):
        near, far = self.open()
        self.write(near, ''.join(f'line {i}\n' for i in range(100)).encode())
        self.close(near)
        lines = Gio.DataInputStream.new(far.get_input_stream())
        for i in range(100):
            line, _length = call(lines.read_line_async, lines.read_line_finish_utf8, GLib.PRIORITY_DEFAULT, None)
            self.assertEqual(line, f'line {i}')
        line, _length = call(lines.read_line_async, lines.read_line_finish_utf8, GLib.PRIORITY_DEFAULT, None)
        self.assertIsNone(line)

    def test_thread(self):
        """Blocking calls in a thread, beside the tunnel's own."""
        near, far = self.open()
        data = random.Random(1).randbytes(2_000_000)
        digests = []

        def work():
            stream, digest = far.get_input_stream(), hashlib.sha256()
            while piece := stream.read_bytes(50_000, None).get_data():
                digest.update(piece)
            digests.append(digest.digest())

        thread = threading.Thread(target=work)
        thread.start()
        self.write(near, data)
        self.close(near)
        wait_for(lambda: digests)
        thread.join()
        self.assertEqual(digests, [hashlib.sha256(data).digest()])

    def test_own_thread_does_not_hang(self):
        near, _far = self.open()
        with self.assertRaises(GLib.Error) as caught:
            near.get_input_stream().read_bytes(1, None)
        self.assertTrue(caught.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_SUPPORTED))

    def test_pollable_source(self):
        near, far = self.open()
        stream = near.get_input_stream()
        pieces = []
        source = stream.create_source(None)
        source.set_callback(lambda *_arguments: pieces.append(stream.read_bytes(100, None).get_data()) is None)
        source.attach(None)
        self.write(far, b'once')
        wait_for(lambda: len(pieces) == 1)
        self.write(far, b'again')
        wait_for(lambda: len(pieces) == 2)
        source.destroy()
        self.assertEqual(pieces, [b'once', b'again'])

    def test_nothing_is_left(self):
        references = []
        for _i in range(20):
            near, far = self.open()
            self.write(near, b'hello')
            self.assertEqual(self.read(far), b'hello')
            for thing in near, far, near.get_input_stream(), far.get_output_stream():
                references.append(weakref.ref(thing))
            self.close(near)
            del near, far, thing
        wait_for(lambda: gc.collect() is not None and not any(reference() for reference in references))

    def test_made_by_nobody(self):
        connection = Ist.Connection()
        with self.assertRaises(GLib.Error) as caught:
            self.read(connection)
        self.assertTrue(caught.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_CONNECTED))
        self.assertIn('No tunnel', connection.dup_error().message)
        connection.close(None)
        self.close(connection)


if __name__ == '__main__':
    tap.main()
