#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Which messages share a WebSocket frame, and that frames of any shape are understood."""

import contextlib
import os
import signal
import socket
import threading

import tap
from peers import case, wire
from peers.case import pattern
from sockets import echo, free_port, read_exactly
from waiting import wait_until

# What an echo through the browser client lost a third of.
ECHO_SIZE = 200_000


class Frames(case.Case):
    def pause(self, process):
        """What comes meanwhile is handled in one go."""
        os.kill(process.pid, signal.SIGSTOP)

    def proceed(self, process):
        os.kill(process.pid, signal.SIGCONT)

    def echo_through(self, port, data):
        """Both ways at once."""
        with self.connect(port) as client:
            writer = threading.Thread(target=self.write, args=(client, data))
            writer.start()
            try:
                return read_exactly(client, len(data))
            finally:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
                writer.join()

    def write(self, client, data):
        with contextlib.suppress(OSError):
            client.sendall(data)

    # Peers that are particular about frames

    def use_three_services(self, model, form=None):
        self.services = ['A', 'B', 'C']
        self.start_emulator(services=self.services)
        self.peer_destination(model, {name: self.serve_tcp(self.named(name)) for name in self.services}, form=form)
        ports = self.start_source(*self.services, arguments=('-y', form) if form else ())
        for _ in range(3):
            self.pause(self.source)
            try:
                clients = {name: self.connect(ports[name]) for name in self.services}
                for name, client in clients.items():
                    client.sendall(name.encode() * 1000)
            finally:
                self.proceed(self.source)
            for name, client in clients.items():
                self.assertEqual(read_exactly(client, 1001), (name + name * 1000).encode())
                client.close()

    def named(self, name):
        def serve(connection):
            connection.sendall(name.encode())
            echo(connection)
        return serve

    def test_three_services_at_once(self):
        self.use_three_services('reference')

    def test_three_services_at_once_in_v2(self):
        self.use_three_services('reference', 'V2')

    def test_many_connections_at_once(self):
        """Starts, and data that follows at once."""
        self.start_emulator()
        self.peer_destination('reference', {'SSH': self.serve_tcp(echo)})
        port = self.start_source('SSH')['SSH']
        self.assertEqual(self.talk(port, b'known'), b'known')
        self.pause(self.source)
        try:
            clients = [self.connect(port) for _ in range(10)]
            for i, client in enumerate(clients):
                client.sendall(b'%d' % i * 100)
        finally:
            self.proceed(self.source)
        for i, client in enumerate(clients):
            self.assertEqual(read_exactly(client, 100), b'%d' % i * 100)

    def check_browser_destination(self, start):
        start()
        self.peer_destination('browser', {'SSH': self.serve_tcp(echo)})
        port = self.start_source('SSH', arguments=['-y', 'V1'])['SSH']
        for size in ECHO_SIZE, 5 * ECHO_SIZE:
            data = pattern(size)
            self.assertEqual(self.echo_through(port, data), data)
        self.assertNotIn('lost:', self.log_of('destination'))

    def check_browser_source(self, start):
        start()
        self.start_destination(f'SSH=127.0.0.1:{self.serve_tcp(echo)}')
        port = self.peer_source('browser', 'SSH')['SSH']
        for size in ECHO_SIZE, 5 * ECHO_SIZE:
            data = pattern(size)
            self.assertEqual(self.echo_through(port, data), data)
        self.assertNotIn('lost:', self.log_of('source'))

    def test_echo_of_the_browser_destination(self):
        self.check_browser_destination(self.start_service)

    def test_echo_of_the_browser_source(self):
        self.check_browser_source(self.start_service)

    def test_echo_of_the_browser_destination_through_the_emulator(self):
        """Which takes its subprotocol, and keeps frames as they were made."""
        self.check_browser_destination(self.start_emulator)

    def test_echo_of_the_browser_source_through_the_emulator(self):
        self.check_browser_source(self.start_emulator)

    # What ist-proxy sends

    def check_frames(self, side, form):
        frames = [frame for frame in self.service.frames if frame.side == side]
        for frame in frames:
            self.assertTrue(frame.whole, 'a message is cut by the end of its frame')
            if form == 'V1' or any(message.type != wire.DATA for message in frame.messages):
                self.assertEqual(len(frame.messages), 1, [wire.describe(message) for message in frame.messages])
            for message in frame.messages:
                self.check_form(message, form)
        return frames

    def check_form(self, message, form):
        self.assertLessEqual(len(message.payload), wire.MAX_PAYLOAD)
        self.assertFalse(message.UnknownFields())
        self.assertGreater(message.streamId, 0)
        self.assertEqual(message.serviceId, '' if form == 'V1' else 'SSH')
        if form == 'V3':
            self.assertTrue(0 < message.connectionId < 1 << 28)
        else:
            self.assertEqual(message.connectionId, 0)

    def record(self, form):
        """ist-proxy at both ends: many small pieces, much at once, and connections that come and go."""
        def serve(connection):
            while data := connection.recv(65536):
                # In pieces that are ready at once, for someone to put together.
                for start in range(0, len(data), 100 if len(data) < 5000 else 10_000):
                    connection.sendall(data[start:start + (100 if len(data) < 5000 else 10_000)])

        self.start_service()
        self.start_destination(f'SSH=127.0.0.1:{self.serve_tcp(serve)}')
        arguments = ('-y', form) if form != 'V3' else ()
        port = self.start_source('SSH', arguments=arguments)['SSH']
        # A reset right behind data, and a start right behind that.
        for i in range(5):
            data = pattern(3000, i)
            wait_until(lambda: self.talk(port, data) == data, 'an echo')
        data = pattern(2 * ECHO_SIZE)
        wait_until(lambda: self.echo_through(port, data) == data, 'an echo')
        if form == 'V3':
            def use(i):
                data = pattern(ECHO_SIZE, i)
                return self.echo_through(port, data) == data
            self.assertTrue(all(case.together(8, use)))
            for process in self.source, self.destination:
                self.pause(process)
                clients = [self.connect(port) for _ in range(5)] if process is self.source else []
                for client in clients:
                    client.sendall(b'x' * 50)
                    client.close()
                self.proceed(process)
            self.assertEqual(self.talk(port, b'end'), b'end')
        for side in 'source', 'destination':
            frames = self.check_frames(side, form)
            self.note(f'{form} {side}: {sum(len(frame.messages) for frame in frames)} messages '
                      f'in {len(frames)} frames')

    def test_frames_of_v1(self):
        self.record('V1')

    def test_frames_of_v2(self):
        self.record('V2')

    def test_frames_of_v3(self):
        self.record('V3')

    def test_resets_are_alone(self):
        """A destination that must answer much at once."""
        self.start_service(relay=False)
        self.start_destination(f'SSH=127.0.0.1:{free_port()}')
        self.pause(self.destination)
        starts = [wire.make(wire.STREAM_START, 'SSH', 1, 1)]
        starts += [wire.make(wire.CONNECTION_START, 'SSH', 1, i) for i in range(2, 12)]
        self.service.send('destination', *starts)
        self.proceed(self.destination)
        self.wait_for_message('destination', wire.CONNECTION_RESET, count=11)
        self.check_frames('destination', 'V3')

    # Frames of any shape

    def check_reframed(self, reframe, size):
        self.start_service(reframe=reframe)
        self.start_destination(f'SSH=127.0.0.1:{self.serve_tcp(echo)}')
        port = self.start_source('SSH')['SSH']
        data = pattern(size)
        self.assertEqual(self.echo_through(port, data), data)

        def use(i):
            data = pattern(2000, i)
            return self.talk(port, data) == data

        self.assertTrue(all(case.together(5, use)))

    def test_merged(self):
        self.check_reframed('merge', ECHO_SIZE)

    def test_bytes(self):
        self.check_reframed(1, 5000)

    def test_split(self):
        self.check_reframed(1000, ECHO_SIZE)


if __name__ == '__main__':
    tap.main()
