# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Clients of the emulator that mean no good, or fare badly: none of them may cost
the others their service, or the emulator its memory."""

import json
import os
import resource
import shutil
import socket
import ssl
import struct
import time

import figures
import programs
import tap
from waiting import PATIENCE, wait_until

class Case(programs.Case):
    def start(self, *arguments, **options):
        info = self.start_emulator(*arguments, **options)
        self.port = int(info['endpoint'].rsplit(':', 1)[1])
        self.context = ssl.create_default_context(cafile=info['caFile'])

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.port), 30)

    def connect_tls(self):
        return self.context.wrap_socket(self.connect(), server_hostname='localhost')

    def call(self, operation, body='{}', connection=None):
        """The status line and the body of the answer."""
        connection = connection or self.connect_tls()
        headers = {'Host': 'localhost', **programs.control_headers(operation), 'Content-Length': len(body)}
        lines = ['POST / HTTP/1.1', *(f'{name}: {value}' for name, value in headers.items()), '', body]
        connection.sendall('\r\n'.join(lines).encode())
        answer = b''
        while b'\r\n\r\n' not in answer:
            part = connection.recv(65536)
            if not part:
                break
            answer += part
        return answer.decode()

    def is_served(self):
        try:
            return '200' in self.call('ListTunnels').splitlines()[0]
        except OSError:
            return False


class Guests(Case):
    def test_silent_ones(self):
        """None of them is worth a thread, with half a handshake or without."""
        self.start()
        guests = [self.connect() for _ in range(150)]
        self.addCleanup(lambda: [guest.close() for guest in guests])
        for i, guest in enumerate(guests):
            guest.sendall((b'', b'\x16', b'\x16\x03\x01\x02\x00\x01')[i % 3])
        connection = self.connect_tls()
        connection.settimeout(15)
        self.assertIn('200', self.call('ListTunnels', connection=connection).splitlines()[0])

    def test_one_byte_at_a_time(self):
        """A handshake that comes in pieces is a handshake."""
        self.start()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_hostname='localhost')
        with self.connect() as connection:
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    for byte in outgoing.read():
                        connection.sendall(bytes([byte]))
                    incoming.write(connection.recv(65536))
        self.assertEqual(tls.version()[:4], 'TLSv')

    def test_most_from_one_address(self):
        """Further ones are closed at once, and there is room again afterwards."""
        self.start('--max-connections', '5')
        guests = [self.connect_tls() for _ in range(5)]
        with self.connect() as refused:
            self.assertEqual(refused.recv(1), b'')
        for guest in guests:
            guest.close()
        wait_until(self.is_served, 'room')

    def test_no_descriptors(self):
        """It rests, says so once, and goes on when there are some."""
        self.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)))
        guests = [self.connect() for _ in range(80)]
        self.emulator.expect('accept')
        used = figures.cpu(self.emulator.pid)
        with self.assertRaises(TimeoutError):
            wait_until(lambda: figures.cpu(self.emulator.pid) > used + 1, 'it to spin', 3)
        self.assertLess(len(self.log_of('emulator')), 1000)
        for guest in guests:
            guest.close()
        wait_until(self.is_served, 'descriptors')

    def test_gone_at_once(self):
        self.start()
        for _ in range(300):
            guest = self.connect()
            guest.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            guest.close()
        self.assertTrue(self.is_served())
        self.assertNotIn('CRITICAL', self.log_of('emulator'))
        self.assertEqual(self.end_child(self.emulator), 0)

    def test_large_requests(self):
        """What a client has sent is not kept while it stays."""
        self.start(env=figures.frugal())
        self.assertTrue(self.is_served())
        before = figures.memory(self.emulator.pid)
        body = json.dumps({'nextToken': 'x' * 1000000})
        guests = []
        for _ in range(100):
            guests.append(self.connect_tls())
            self.assertIn('400', self.call('ListTunnels', body, guests[-1]).splitlines()[0])
        self.assertLess(figures.memory(self.emulator.pid) - before, 40)

    def test_unfinished_requests(self):
        """They are waited for, but not for ever, however slowly they come."""
        self.start(env=figures.frugal())
        before = figures.memory(self.emulator.pid)
        guests = []
        for _ in range(100):
            guests.append(self.connect_tls())
            guests[-1].sendall(b'POST /' + b'p' * 60000 + b' HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx')
        self.assertLess(figures.memory(self.emulator.pid) - before, 40)
        guests[0].settimeout(1)
        end = time.monotonic() + PATIENCE
        answer = None
        while answer != b'' and time.monotonic() < end:
            try:
                guests[0].sendall(b'x')
                answer = guests[0].recv(1000)
            except TimeoutError:
                continue
            except OSError:
                answer = b''
        self.assertEqual(answer, b'')
        for guest in guests[1:]:
            guest.settimeout(PATIENCE)
            try:
                self.assertEqual(guest.recv(1000), b'')
            except ConnectionError:
                pass
        self.assertTrue(self.is_served())


class State(Case):
    """Files that are none, and a disk that takes nothing."""

    def expect_refusal(self, *words):
        child = self.spawn('emulator', [programs.EMULATOR, '--state-dir', self.path('state')])
        self.assertNotEqual(child.wait(30), 0)
        for word in words:
            self.assertIn(word, self.log_of('emulator'))

    def test_fifo(self):
        os.mkdir(self.path('state'))
        os.mkfifo(self.path('state/x.tunnel.json'))
        self.expect_refusal('x.tunnel.json', 'not a regular file')

    def test_device(self):
        os.mkdir(self.path('state'))
        os.symlink('/dev/zero', self.path('state/x.tunnel.json'))
        self.expect_refusal('x.tunnel.json', 'not a regular file')

    def test_times_out_of_range(self):
        self.start('--state-dir', self.path('state'))
        self.end_child(self.emulator)
        name = next(name for name in os.listdir(self.path('state')) if name.endswith('.tunnel.json'))
        with open(self.path('state/' + name)) as f:
            record = json.load(f)
        record['closedAt'] = 2**63 - 1
        with open(self.path('state/' + name), 'w') as f:
            json.dump(record, f)
        self.expect_refusal(name, 'closedAt')

    def test_what_can_not_be_kept_is_refused(self):
        self.start('--state-dir', self.path('state'))
        shutil.rmtree(self.path('state'))
        before = self.call('ListTunnels').splitlines()[0]
        self.assertIn('200', before)
        self.assertIn(' 500 ', self.call('OpenTunnel').splitlines()[0])
        answer = self.call('RotateTunnelAccessToken',
                           json.dumps({'tunnelId': self.tunnel['tunnelId'], 'clientMode': 'ALL'}))
        self.assertIn(' 500 ', answer.splitlines()[0])
        # The tokens that there were go on.
        self.start_destination('SSH=9')


if __name__ == '__main__':
    tap.main()
