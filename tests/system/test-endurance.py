# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What goes wrong in the field, and what adds up over time."""

import os
import signal
import socket
import subprocess
import threading
import time

import figures
import programs
import tap
from certificates import self_signed
from sockets import echo, free_port, read_all
from waiting import PATIENCE, wait_until


class Endurance(programs.Case):
    services = ['ECHO']

    def start(self):
        self.server = self.serve_tcp(echo)
        self.start_emulator()
        return self.start_tunnel({'ECHO': f'127.0.0.1:{self.server}'})['ECHO']

    def try_echo(self, port, data=b'x' * 1000, patience=5):
        try:
            with socket.create_connection(('127.0.0.1', port), patience) as client:
                client.settimeout(patience)
                client.sendall(data)
                return client.recv(len(data), socket.MSG_WAITALL) == data
        except OSError:
            return False

    def test_5000_connections_one_after_another(self):
        port = self.start()
        for _ in range(50):
            self.assertTrue(self.try_echo(port, patience=PATIENCE))
        time.sleep(0.5)
        before = [(figures.descriptors(p.pid), figures.memory(p.pid)) for p in (self.source, self.destination)]
        start = time.monotonic()
        for _ in range(5000):
            with socket.create_connection(('127.0.0.1', port)) as client:
                client.settimeout(PATIENCE)
                client.sendall(b'hello')
                self.assertEqual(client.recv(5, socket.MSG_WAITALL), b'hello')
        self.note(f'{5000 / (time.monotonic() - start):.0f} connections/s')
        for process, (fds, rss) in zip((self.source, self.destination), before):
            wait_until(lambda: figures.descriptors(process.pid) <= fds, f'the descriptors of {process.name}')
            after = figures.memory(process.pid)
            self.note(f'{process.name}: RSS {rss:.1f} MiB before, {after:.1f} MiB after')
            self.assertLess(after - rss, 5)

    def test_peer_stands_still_for_30_seconds(self):
        """kill -STOP of the far end: what was under way goes on afterwards."""
        port = self.start()
        with socket.create_connection(('127.0.0.1', port)) as client:
            client.settimeout(2 * PATIENCE)
            client.sendall(b'before')
            self.assertEqual(client.recv(6, socket.MSG_WAITALL), b'before')
            os.kill(self.destination.pid, signal.SIGSTOP)
            try:
                data = os.urandom(20_000_000)
                writer = threading.Thread(target=client.sendall, args=(data,))
                writer.start()
                time.sleep(30)
                rss = figures.memory(self.source.pid)
            finally:
                os.kill(self.destination.pid, signal.SIGCONT)
            got = bytearray()
            while len(got) < len(data):
                piece = client.recv(1 << 20)
                self.assertTrue(piece, f'ended after {len(got)} bytes')
                got += piece
            writer.join()
            self.assertEqual(bytes(got), data)
        self.note(f'RSS of the source while its peer stood still: {rss:.1f} MiB')
        self.assertLess(rss, 60)

    def test_service_is_killed_and_restarted_in_mid_transfer(self):
        """Connections end with the WebSocket; both ends come back by themselves, and new ones work."""
        certificate, key = self_signed(self.folder)
        service = ['--certificate', certificate, '--key', key, '--state-dir', self.path('state'),
                   '--port', free_port()]
        self.server = self.serve_tcp(echo)
        self.start_emulator(*service)
        self.info['caFile'] = certificate
        port = self.start_tunnel({'ECHO': f'127.0.0.1:{self.server}'})['ECHO']

        client = socket.create_connection(('127.0.0.1', port))
        client.settimeout(PATIENCE)
        ended = threading.Event()

        def pour():
            try:
                while True:
                    client.sendall(bytes(65536))
            except OSError:
                ended.set()

        threading.Thread(target=pour, daemon=True).start()
        self.assertTrue(client.recv(65536))
        self.emulator.kill()
        self.emulator.wait()
        read_all(client)
        self.assertTrue(ended.wait(PATIENCE), 'the connection did not end with its tunnel')
        client.close()

        self.end_child(self.emulator)
        self.emulator = self.spawn('emulator', [programs.EMULATOR, *service], stdout=subprocess.PIPE)
        self.emulator.read_line()
        wait_until(lambda: self.try_echo(port), 'the tunnel to work again', 2 * PATIENCE)
        self.assertIsNone(self.source.poll())
        self.assertIsNone(self.destination.poll())


if __name__ == '__main__':
    tap.main()
