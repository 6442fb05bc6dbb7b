# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A web server, and servers with habits of their own."""

import hashlib
import os
import socket
import subprocess
import threading
import time

import figures
import programs
import tap
from child import require
from sockets import Server, echo, read_all
from waiting import PATIENCE


# Until the first answer shows that the other end tells connections apart: on a busy machine that takes its time.
PATIENT = ['--connection-wait', str(PATIENCE)]


class Web(programs.Case):
    services = ['WEB']

    def test_300_connections_at_once(self):
        require('curl')
        root = self.path('www')
        os.mkdir(root)
        expected = {}
        for i in range(300):
            data = os.urandom(20_000 + i)
            with open(os.path.join(root, str(i)), 'wb') as f:
                f.write(data)
            expected[str(i)] = hashlib.sha256(data).hexdigest()
        nginx = self.start_nginx(root)
        self.start_emulator()
        port = self.start_tunnel({'WEB': f'127.0.0.1:{nginx}'}, PATIENT)['WEB']

        got = self.path('got')
        os.mkdir(got)
        subprocess.run(['curl', '--silent', '--show-error', '--fail', '--parallel', '--parallel-immediate',
                        '--parallel-max', '300', '--no-keepalive', '-H', 'Connection: close', '--max-time', '120',
                        '-o', os.path.join(got, '#1'), f'http://127.0.0.1:{port}/[0-299]'], check=True, timeout=180)
        for name, checksum in expected.items():
            with open(os.path.join(got, name), 'rb') as f:
                self.assertEqual(hashlib.sha256(f.read()).hexdigest(), checksum, name)

    def check_half_close(self, delay, *arguments):
        """A client that shuts its writing down when it has asked, and then reads the answer."""
        def answer(connection):
            size = int(connection.recv(8, socket.MSG_WAITALL))
            data = connection.recv(size, socket.MSG_WAITALL)
            time.sleep(delay)
            connection.sendall(hashlib.sha256(data).hexdigest().encode())

        server = self.serve_tcp(answer)
        self.start_emulator()
        port = self.start_tunnel({'WEB': f'127.0.0.1:{server}'}, arguments)['WEB']
        data = os.urandom(3_000_000)
        with socket.create_connection(('127.0.0.1', port)) as client:
            client.sendall(b'%8d' % len(data) + data)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(PATIENCE)
            self.assertEqual(read_all(client).decode(), hashlib.sha256(data).hexdigest())

    def test_half_close(self):
        self.check_half_close(0)

    def test_half_close_and_a_late_answer(self):
        self.check_half_close(2, '--half-close-grace', '30')

    def test_server_that_closes_after_its_answer(self):
        """All that a server wrote before it closed arrives, however slow the client."""
        data = os.urandom(5_000_000)
        server = self.serve_tcp(lambda connection: connection.sendall(data))
        self.start_emulator()
        port = self.start_tunnel({'WEB': f'127.0.0.1:{server}'})['WEB']
        with socket.create_connection(('127.0.0.1', port)) as client:
            time.sleep(1)
            self.assertEqual(hashlib.sha256(read_all(client)).digest(), hashlib.sha256(data).digest())

    def test_unix_socket(self):
        server = self.serve(Server(echo, path=self.path('service.socket')))
        self.start_emulator()
        self.check_echo(self.start_tunnel({'WEB': server.address})['WEB'], b'over a unix socket')

    def test_ipv6(self):
        try:
            server = self.serve_tcp(echo, address='::1')
        except OSError as e:
            self.skipTest(f'no IPv6 here: {e}')
        self.start_emulator()
        self.start_destination(f'WEB=[::1]:{server}')
        port = self.start_source('WEB', arguments=['-b', '::1'])['WEB']
        self.check_echo(port, b'over IPv6', '::1')

    def test_three_services_at_once(self):
        """Each byte of each service arrives there and nowhere else."""
        def mark(letter):
            def handle(connection):
                connection.sendall(letter)
                digest, count = hashlib.sha256(), 0
                while True:
                    piece = connection.recv(65536)
                    if not piece:
                        break
                    digest.update(piece)
                    count += len(piece)
                    if count >= 20_000_000:
                        connection.sendall(digest.digest())
                        return
            return handle

        names = {'A': b'a', 'B': b'b', 'C': b'c'}
        targets = {name: f'127.0.0.1:{self.serve_tcp(mark(letter))}' for name, letter in names.items()}
        self.start_emulator(services=list(names))
        ports = self.start_tunnel(targets, PATIENT)
        failures = []

        def use(name):
            try:
                data = os.urandom(1_000_000) * 20
                with socket.create_connection(('127.0.0.1', ports[name])) as client:
                    client.settimeout(2 * PATIENCE)
                    if client.recv(1) != names[name]:
                        raise AssertionError(f'{name} reached another service')
                    client.sendall(data)
                    if client.recv(32, socket.MSG_WAITALL) != hashlib.sha256(data).digest():
                        raise AssertionError(f'{name}: the bytes differ')
            except Exception as e:
                failures.append(e)

        threads = [threading.Thread(target=use, args=(name,)) for name in names for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_slow_reader_beside_an_interactive_connection(self):
        """A client that reads slowly costs others latency, never their connection, and no memory."""
        def flood(connection):
            kind = connection.recv(1)
            if kind == b'e':
                echo(connection)
            block = bytes(65536)
            while True:
                connection.sendall(block)

        server = self.serve_tcp(flood)
        self.start_emulator()
        port = self.start_tunnel({'WEB': f'127.0.0.1:{server}'})['WEB']
        stop = threading.Event()
        slow = socket.create_connection(('127.0.0.1', port))
        slow.sendall(b'f')

        def read_slowly():
            while not stop.is_set():
                slow.recv(65536)
                time.sleep(0.01)

        reader = threading.Thread(target=read_slowly)
        reader.start()
        try:
            with socket.create_connection(('127.0.0.1', port)) as client:
                client.settimeout(PATIENCE)
                client.sendall(b'e')
                worst = 0
                for i in range(30):
                    start = time.monotonic()
                    client.sendall(b'%02d' % i)
                    self.assertEqual(client.recv(2, socket.MSG_WAITALL), b'%02d' % i)
                    worst = max(worst, time.monotonic() - start)
        finally:
            stop.set()
            reader.join()
            slow.close()
        source = figures.memory(self.source.pid, 'VmHWM')
        destination = figures.memory(self.destination.pid, 'VmHWM')
        self.note(f'longest round trip {worst * 1000:.0f} ms; RSS at most: source {source:.0f} MiB, '
                  f'destination {destination:.0f} MiB')
        self.assertLess(max(source, destination), 100)


if __name__ == '__main__':
    tap.main()
