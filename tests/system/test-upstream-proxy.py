# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Through HTTP and SOCKS proxies, with and without credentials."""

import json
import os
import re
import ssl
import subprocess

import certificates
import programs
import tap
from child import require
from sockets import echo, free_port, is_listening
from waiting import PATIENCE


class UpstreamProxy(programs.Case):
    services = ['ECHO']

    def start_tinyproxy(self, *lines):
        require('tinyproxy')
        port = free_port()
        with open(self.path('tinyproxy.conf'), 'w') as f:
            f.write('\n'.join([f'Port {port}', 'Listen 127.0.0.1', 'Timeout 600', 'MaxClients 50', 'Allow 127.0.0.1',
                               'LogLevel Info', f'ConnectPort {self.emulator_port()}', *lines]) + '\n')
        return self.start_upstream('tinyproxy', ['-d', '-c', self.path('tinyproxy.conf')], port)

    def start_microsocks(self, *arguments):
        require('microsocks')
        port = free_port()
        return self.start_upstream('microsocks', ['-i', '127.0.0.1', '-p', port, *arguments], port)

    def start_upstream(self, name, arguments, port):
        self.upstream = self.spawn(name, [name, *arguments])
        self.upstream.wait_until(lambda: is_listening(port), 'its port')
        return f'127.0.0.1:{port}'

    def emulator_port(self):
        return int(self.info['endpoint'].rpartition(':')[2])

    def check_through(self, upstream, log):
        """The source goes through the proxy, the destination does not."""
        server = self.serve_tcp(echo)
        self.start_destination(f'ECHO=127.0.0.1:{server}')
        port = self.start_source('ECHO', env={'https_proxy': upstream})['ECHO']
        self.check_echo(port, os.urandom(1000))
        self.assertIn(log, self.upstream.log())

    def test_http(self):
        self.start_emulator()
        self.check_through(f'http://{self.start_tinyproxy()}', 'CONNECT')

    def test_http_with_credentials(self):
        self.start_emulator()
        self.check_through(f'http://user:secret@{self.start_tinyproxy("BasicAuth user secret")}', 'CONNECT')
        self.assertNotIn('secret', self.log_of('source'))

    def test_socks(self):
        self.start_emulator()
        self.check_through(f'socks5://{self.start_microsocks()}', 'connected to')

    def test_socks_with_credentials(self):
        self.start_emulator()
        self.check_through(f'socks5://user:secret@{self.start_microsocks("-u", "user", "-P", "secret")}',
                           'connected to')
        self.assertNotIn('secret', self.log_of('source'))

    def test_wrong_credentials(self):
        """Told on stderr, without the password."""
        self.start_emulator()
        upstream = self.start_tinyproxy('BasicAuth user secret')
        child = self.proxy('source', 'source', '-s', 'ECHO=0', '-v', '6',
                           env={'https_proxy': f'http://user:wrong@{upstream}'})
        child.expect('refuses with HTTP status 401')
        self.assertIsNone(child.poll())
        self.assertNotIn('wrong', self.log_of('source'))

    def open_tunnel(self, upstream, authority=None):
        """Nobody waits for a device: what is asked of the service is what matters."""
        url = 'https' + self.info['endpoint'].removeprefix('wss')
        run = subprocess.run([programs.PROXY, '--open', '--thing', 'thing', '--service', 'ECHO', '--endpoint-url', url,
                              '-c', authority or self.info['caFile'], '--wait', '0', '--', 'true'],
                             env={**os.environ, 'AWS_ACCESS_KEY_ID': 'AKID', 'AWS_SECRET_ACCESS_KEY': 'key',
                                  'HOME': str(self.folder), 'https_proxy': upstream},
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
        self.assertNotIn('secret', run.stderr)
        return run

    def test_open(self):
        """What opens tunnels takes the same way."""
        self.start_emulator()
        for start, log in (
                (lambda: f'http://user:secret@{self.start_tinyproxy("BasicAuth user secret")}', 'CONNECT'),
                (lambda: f'socks5://user:secret@{self.start_microsocks("-u", "user", "-P", "secret")}',
                 'connected to')):
            with self.subTest(log=log):
                run = self.open_tunnel(start())
                self.assertEqual(run.returncode, 75, run.stderr)
                self.assertIn('(--wait)', run.stderr)
                self.assertIn(log, self.upstream.log())
        # It has closed its own.
        self.assertEqual(len(self.ask_emulator('ListTunnels')['tunnelSummaries']), 1)

    def test_open_keeps_password(self):
        """The password of the proxy is none of the service's business."""
        certificate, key = certificates.self_signed(self.folder)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        requests = []

        def answer(connection):
            with context.wrap_socket(connection, server_side=True) as stream, stream.makefile('rb') as reader:
                head = b''.join(iter(reader.readline, b'\r\n'))
                length = int(re.search(rb'Content-Length: (\d+)', head)[1])
                requests.append((head, reader.read(length)))
                stream.sendall(b'HTTP/1.1 400 No\r\nContent-Length: 27\r\n\r\n{"__type":"AccessDenied  "}')

        port = self.serve_tcp(answer)
        self.info = {'endpoint': f'wss://localhost:{port}'}
        run = self.open_tunnel(f'http://user:secret@{self.start_tinyproxy("BasicAuth user secret")}',
                               authority=str(certificate))
        self.assertEqual(run.returncode, 77, run.stderr)
        (head, body), = requests
        self.assertNotIn(b'proxy-authorization', head.lower())
        self.assertIn('destinationConfig', json.loads(body))

    def test_open_with_wrong_credentials(self):
        self.start_emulator()
        run = self.open_tunnel(f'http://user:wrong@{self.start_tinyproxy("BasicAuth user secret")}')
        self.assertEqual(run.returncode, 69, run.stderr)
        self.assertIn('the proxy refuses with HTTP status 401; check its user and password', run.stderr)
        self.assertNotIn('wrong', run.stderr)

    def test_no_proxy(self):
        """no_proxy is honoured: the proxy is dead, and not needed."""
        self.start_emulator()
        server = self.serve_tcp(echo)
        self.start_destination(f'ECHO=127.0.0.1:{server}')
        ports = self.start_source('ECHO', env={'https_proxy': 'http://127.0.0.1:1', 'no_proxy': 'localhost,127.0.0.1'})
        self.check_echo(ports['ECHO'], b'straight')


if __name__ == '__main__':
    tap.main()
