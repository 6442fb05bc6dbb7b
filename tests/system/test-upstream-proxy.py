# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Through HTTP and SOCKS proxies, with and without credentials."""

import os
import socket
import sys

import programs  # noqa: E402
import tap  # noqa: E402


class Detours(programs.Case):
    services = ['ECHO']

    def echo(self, connection):
        while piece := connection.recv(65536):
            connection.sendall(piece)

    def start_tinyproxy(self, *lines):
        programs.require('tinyproxy')
        port = programs.free_port()
        with open(self.path('tinyproxy.conf'), 'w') as f:
            f.write('\n'.join([f'Port {port}', 'Listen 127.0.0.1', 'Timeout 600', 'MaxClients 50', 'Allow 127.0.0.1',
                               'LogLevel Info', f'ConnectPort {self.emulator_port()}', *lines]) + '\n')
        self.spawn('tinyproxy', ['tinyproxy', '-d', '-c', self.path('tinyproxy.conf')])
        programs.wait_until(lambda: programs.is_listening(port), 'tinyproxy')
        return port

    def start_microsocks(self, *arguments):
        programs.require('microsocks')
        port = programs.free_port()
        self.spawn('microsocks', ['microsocks', '-i', '127.0.0.1', '-p', str(port), *arguments])
        programs.wait_until(lambda: programs.is_listening(port), 'microsocks')
        return port

    def emulator_port(self):
        return int(self.info['endpoint'].rpartition(':')[2])

    def check_through(self, detour, log):
        """The source goes through the proxy, the destination does not."""
        server = self.serve_tcp(self.echo)
        self.start_destination(f'ECHO=127.0.0.1:{server}')
        port = self.start_source('ECHO', env={'https_proxy': detour})['ECHO']
        data = os.urandom(2_000_000)
        with socket.create_connection(('127.0.0.1', port)) as client:
            client.settimeout(programs.PATIENCE)
            client.sendall(data[:1000])
            self.assertEqual(client.recv(1000, socket.MSG_WAITALL), data[:1000])
        self.assertIn(log, self.log_of(self.detour))

    def test_http(self):
        self.start_emulator()
        self.detour = 'tinyproxy'
        self.check_through(f'http://127.0.0.1:{self.start_tinyproxy()}', 'CONNECT')

    def test_http_with_credentials(self):
        self.start_emulator()
        self.detour = 'tinyproxy'
        self.check_through(f'http://user:secret@127.0.0.1:{self.start_tinyproxy("BasicAuth user secret")}', 'CONNECT')
        self.assertNotIn('secret', self.log_of('source'))

    def test_socks(self):
        self.start_emulator()
        self.detour = 'microsocks'
        self.check_through(f'socks5://127.0.0.1:{self.start_microsocks()}', 'connected to')

    def test_socks_with_credentials(self):
        self.start_emulator()
        self.detour = 'microsocks'
        self.check_through(f'socks5://user:secret@127.0.0.1:{self.start_microsocks("-u", "user", "-P", "secret")}',
                           'connected to')
        self.assertNotIn('secret', self.log_of('source'))

    def test_wrong_credentials(self):
        """Told on stderr, without the password."""
        self.start_emulator()
        port = self.start_tinyproxy('BasicAuth user secret')
        child = self.proxy('source', 'source', '-s', 'ECHO=0', '-v', '6',
                           env={'https_proxy': f'http://user:wrong@127.0.0.1:{port}'})
        programs.wait_until(lambda: 'refuses with HTTP status 401' in self.log_of('source'), 'the message')
        self.assertIsNone(child.poll())
        self.assertNotIn('wrong', self.log_of('source'))

    def test_no_proxy(self):
        """no_proxy is honoured: the proxy is dead, and not needed."""
        self.start_emulator()
        server = self.serve_tcp(self.echo)
        self.start_destination(f'ECHO=127.0.0.1:{server}')
        port = self.start_source('ECHO', env={'https_proxy': 'http://127.0.0.1:1', 'no_proxy': 'localhost,127.0.0.1'})
        with socket.create_connection(('127.0.0.1', port['ECHO'])) as client:
            client.settimeout(programs.PATIENCE)
            client.sendall(b'straight')
            self.assertEqual(client.recv(100), b'straight')


tap.main()
