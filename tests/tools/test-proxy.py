#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""ist-proxy as its users see it: options, files, variables, messages and exit
statuses, against ist-emulator and against servers that misbehave."""

import base64
import hashlib
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import subprocess
import threading
import time

import programs
import tap
from child import require
from keyring import start_keyring
from programs import PROXY
from sockets import Server, echo, free_port
from systemd import Systemd
from waiting import PATIENCE, wait_until

TOKEN = 'SECRET.token-of_some-length'


def read_head(connection):
    head = b''
    while not head.endswith(b'\r\n\r\n'):
        byte = connection.recv(1)
        if not byte:
            break
        head += byte
    return head.decode()


class Refuser(Server):
    """Answers each handshake with a status, and keeps the requests."""

    def __init__(self, status):
        self.status = status
        self.requests = []
        super().__init__(self.refuse)

    def refuse(self, connection):
        self.requests.append(read_head(connection))
        connection.sendall(f'HTTP/1.1 {self.status} X\r\nX-Status-Reason: for a test\r\n'
                           'Content-Length: 0\r\n\r\n'.encode())

    def header(self, name):
        found = re.search(rf'^{name}: (.*)\r$', self.requests[0], re.MULTILINE | re.IGNORECASE)
        return found and found[1]


class Case(programs.Case):
    def run_proxy(self, *arguments, env=None, **options):
        """To its end."""
        options.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.run([PROXY, *map(str, arguments)], env={**os.environ, **(env or {})}, cwd=self.folder,
                              capture_output=True, text=True, timeout=PATIENCE, **options)

    def start_proxy(self, *arguments, command=(PROXY,), **options):
        options.setdefault('stdout', subprocess.PIPE)
        return self.spawn('proxy', [*command, *arguments], cwd=self.folder, **options)

    def log(self):
        """Of all proxies."""
        return self.log_of('proxy')

    def check(self, run, status, *texts):
        self.assertEqual(run.returncode, status, run.stderr)
        for text in texts:
            self.assertIn(text, run.stderr)


class Arguments(Case):
    def test_help(self):
        run = self.run_proxy('--help')
        self.check(run, 0)
        for text in ('-t, --access-token=', '-i, --client-token=', '-e, --proxy-endpoint=', '-r, --region=',
                     '-s, --source-listen-port=', '-d, --destination-app=', '-b, --local-bind-address=',
                     '-c, --capath=', '-k, --no-ssl-host-verify', '-m, --mode=', '-y, --destination-client-type=',
                     '-v, --verbose=', '--config=', '--config-dir=', '--settings-json=',
                     '--export-default-settings=', '--stdio', '--status', '--json', '--port-file='):
            self.assertIn(text, run.stdout)
        self.assertEqual(self.run_proxy('-h').stdout, run.stdout)

    def test_version(self):
        for option in ('-V', '--version'):
            self.assertRegex(self.run_proxy(option).stdout, r'^ist-proxy \d+\.\d+\.\d+\n$')

    def test_usage(self):
        place = ('-r', 'us-east-1', '-t', TOKEN)
        for arguments, text in (
                ((), '--mode'),
                (place, '--mode'),
                (('-r', 'us-east-1', '-s', '1'), 'access token'),
                (('-t', TOKEN, '-s', '1'), '--region'),
                ((*place, '-s', '1', '-d', '2'), 'Only one'),
                ((*place, '-s', '1', '-m', 'dst'), '--mode destination'),
                ((*place, '-d', '1', '-m', 'src'), '--mode source'),
                ((*place, '-m', 'both'), 'both'),
                ((*place, '-m', 'dst'), '--destination-app'),
                ((*place, '-s', ''), 'no address'),
                ((*place, '-s', 'SSH=1,2'), 'names of services'),
                ((*place, '-s', 'SSH='), 'empty'),
                ((*place, '-s', 'no-port'), 'no-port'),
                ((*place, '-d', 'SSH=host:99999'), '99999'),
                ((*place, '-s', '1', '-v', 'loud'), 'loud'),
                ((*place, '-s', '1', '-v', '256'), '256'),
                ((*place, '-s', '1', '--idle-timeout', '-1'), '--idle-timeout'),
                ((*place, '-s', '1', '--nonsense'), '--nonsense'),
                ((*place, '-s', '1', '-z'), '-z'),
                ((*place, '-s', '1', 'stray'), 'stray'),
                ((*place, '-s'), 'source-listen-port'),
                ((*place, '-s', '1', '-i', 'short'), 'client-token'),
                ((*place, '-s', '1', '--access-token-file', 'f'), 'together'),
                ((*place, '--stdio', '--json'), '--stdio'),
                ((*place, '--stdio', '-s', '1'), 'Only one'),
                ((*place, '-d', '1', '--port-file', 'f'), '--port-file'),
                ((*place, '-s', '1', '--status'), 'terminal'),
                (('-r', 'us-east-1', '--access-token-file', '-', '--stdio'), 'standard input'),
                (('-e', 'http://host', '-t', TOKEN, '-s', '0'), 'scheme'),
                (('-e', 'ws://example.com', '-t', TOKEN, '-s', '0'), 'encryption')):
            with self.subTest(arguments=arguments):
                run = self.run_proxy(*arguments)
                self.check(run, 64, text)
                self.assertNotIn(TOKEN, run.stderr + run.stdout)

    def test_silence(self):
        run = self.run_proxy('-r', 'us-east-1', '-t', TOKEN, '-s', 'no-port', '-v0')
        self.check(run, 64)
        self.assertEqual(run.stderr, '')
        run = self.run_proxy('-r', 'us-east-1', '-t', TOKEN, '-s', 'no-port', '-v1')
        self.assertEqual(len(run.stderr.splitlines()), 1)

    def test_missing_files(self):
        for arguments, status in (
                (('-t', TOKEN, '-s', '0', '--config', 'nowhere'), 78),
                (('-t', TOKEN, '-s', '0', '--config-dir', 'nowhere'), 78),
                (('-t', TOKEN, '-s', '0', '--settings-json', 'nowhere'), 78),
                (('-t', TOKEN, '-s', '0', '--capath', 'nowhere'), 66),
                (('-s', '0', '--access-token-file', 'nowhere'), 66)):
            with self.subTest(arguments=arguments):
                self.check(self.run_proxy('-r', 'us-east-1', *arguments), status, 'nowhere')

    def test_port_in_use(self):
        server = self.serve(Server(echo))
        self.check(self.run_proxy('-r', 'us-east-1', '-t', TOKEN, '-s', server.port, '-b', '127.0.0.1'), 69,
                   str(server.port))


class Settings(Case):
    def load(self, settings, *arguments):
        path = self.write('settings.json', json.dumps({'tunneling': {'proxy': settings}}))
        return self.run_proxy('-t', TOKEN, '-s', '0', '--settings-json', path, *arguments)

    def test_defaults(self):
        self.check(self.run_proxy('--export-default-settings', 'd.json'), 0)
        proxy = json.loads((self.folder / 'd.json').read_text())['tunneling']['proxy']
        self.assertEqual(proxy['default_bind_address'], 'localhost')
        self.assertEqual(proxy['endpoint_format'], 'data.tunneling.iot.%s.amazonaws.com')
        self.assertEqual(proxy['region_endpoint_overrides']['cn-north-1'],
                         'data.tunneling.iot.cn-north-1.amazonaws.com.cn')
        self.assertEqual(proxy['tcp'], {
            'connection_retry_count': 5, 'connection_retry_delay_ms': 2500, 'max_active_connections': 4096,
            'read_buffer_size': 131076, 'write_buffer_size': 131076})
        self.assertEqual(proxy['websocket']['ping_period_ms'], 20000)
        self.assertEqual(proxy['websocket']['retry_delay_ms'], 2500)
        self.assertEqual(proxy['websocket']['connect_retry_count'], -1)
        self.assertEqual(proxy['websocket']['max_frame_size'], 131076)
        self.assertEqual(proxy['message']['max_payload_size'], 64512)
        self.assertEqual(proxy['message']['max_size'], 65536)
        # It can read what it writes.
        server = self.serve(Refuser(403))
        self.check(self.run_proxy('-e', f'ws://127.0.0.1:{server.port}', '-t', TOKEN, '-s', '0',
                                  '--settings-json', 'd.json'), 77)

    def test_export_fails(self):
        self.check(self.run_proxy('--export-default-settings', 'no/such/folder/d.json'), 73)

    def test_remarks(self):
        server = self.serve(Refuser(403))
        run = self.load({'tcp': {'read_buffer_size': '4096', 'connection_retry_count': '3'}, 'new': {'thing': 1}},
                        '-e', f'ws://127.0.0.1:{server.port}')
        self.check(run, 77, 'mean nothing here: tunneling.proxy.tcp.read_buffer_size\n',
                   'unknown settings: tunneling.proxy.new.thing\n')
        self.assertNotIn('connection_retry_count', run.stderr)

    def test_wrong(self):
        for settings, text in (({'tcp': {'connection_retry_count': 'many'}}, 'many'),
                               ({'tcp': {'connection_retry_count': -2}}, '-2'),
                               ({'websocket': {'reconnect_on_data_error': 'maybe'}}, 'maybe'),
                               ({'websocket': {'ping_period_ms': [1]}}, 'ping_period_ms')):
            with self.subTest(settings=settings):
                self.check(self.load(settings, '-r', 'us-east-1'), 78, text, 'settings.json')
        self.check(self.run_proxy('-r', 'r', '-t', TOKEN, '-s', '0', '--settings-json',
                                  self.write('broken.json', '{')), 78, 'broken.json')

    def test_retry_count(self):
        """Numbers may be strings; n retries are n + 1 attempts."""
        server = self.serve(Refuser(503))
        run = self.load({'websocket': {'connect_retry_count': '2', 'retry_delay_ms': 1}},
                        '-e', f'ws://127.0.0.1:{server.port}')
        self.check(run, 75, 'status 503', 'for a test', 'trying again')
        self.assertEqual(len(server.requests), 3)

    def test_region_endpoints(self):
        server = self.serve(Refuser(403))
        self.check(self.load({'region_endpoint_overrides': {'here': f'ws://127.0.0.1:{server.port}'}}, '-r', 'here'), 77)
        self.check(self.load({'endpoint_format': f'ws://127.%s:{server.port}'}, '-r', '0.0.1'), 77)
        self.assertEqual(len(server.requests), 2)


class Refused(Case):
    """By a server that tells what it was sent."""

    def setUp(self):
        super().setUp()
        self.server = self.serve(Refuser(403))
        self.endpoint = f'ws://127.0.0.1:{self.server.port}'

    def sent_token(self, *arguments, name='access-token', **options):
        self.server.requests.clear()
        run = self.run_proxy('-s', '0', *arguments, **options)
        self.check(run, 77, 'status 403', 'for a test')
        return self.server.header(name)


class Places(Refused):
    """Where options come from, and which of them count."""

    def test_precedence(self):
        config = self.write('proxy.ini', f'# comment\naccess-token = of-file\nproxy-endpoint={self.endpoint}\n')
        self.write('credentials/access-token', 'of-credential\n')
        environment = {'AWSIOT_TUNNEL_ACCESS_TOKEN': 'of-environment', 'AWSIOT_TUNNEL_ENDPOINT': self.endpoint}
        with_credential = {**environment, 'CREDENTIALS_DIRECTORY': str(self.folder / 'credentials')}

        self.assertEqual(self.sent_token(env=environment), 'of-environment')
        self.assertEqual(self.sent_token(env=with_credential), 'of-credential')
        self.assertEqual(self.sent_token('--config', config, env=with_credential), 'of-file')
        self.assertEqual(self.sent_token('--config', config, '-t', 'of-command-line', env=with_credential),
                         'of-command-line')
        # Ways to pass a token are one: the best place settles it.
        self.assertEqual(self.sent_token('--config', config, '--access-token-file',
                                         self.write('token', ' of-token-file \n')), 'of-token-file')

    def test_place_of_service(self):
        """A region on the command line counts more than another place's endpoint."""
        settings = self.write('s.json', json.dumps(
            {'tunneling.proxy.region_endpoint_overrides': {'here': self.endpoint}}))
        self.assertEqual(self.sent_token('-r', 'here', '--settings-json', settings, '-t', TOKEN,
                                         env={'AWSIOT_TUNNEL_ENDPOINT': 'ws://127.0.0.1:1'}), TOKEN)
        self.assertEqual(self.sent_token('-e', self.endpoint, '-t', TOKEN, env={'AWSIOT_TUNNEL_REGION': 'nowhere'}), TOKEN)
        self.assertEqual(self.sent_token('-t', TOKEN, env={'AWSIOT_TUNNEL_REGION': 'nowhere',
                                                           'AWSIOT_TUNNEL_ENDPOINT': self.endpoint}), TOKEN)
        # On the command line both are a mistake, as they are to the reference proxy.
        self.check(self.run_proxy('-s', '0', '-r', 'nowhere', '-e', self.endpoint, '-t', TOKEN), 64,
                   'can\'t be used together')

    def test_files_as_the_reference_proxy_reads_them(self):
        config = self.write('proxy.ini', '\ufeffproxy-endpoint = ' + self.endpoint + '   # the service\n'
                            'no-ssl-host-verify = True # not with TLS\naccess-token\t=\tof-file#1 # a token\n'
                            '  # nothing\n#=\n')
        self.assertEqual(self.sent_token('--config', config), 'of-file#1')
        for value, is_set in (('', True), ('YES', True), ('On', True), ('1', True), ('FALSE', False), ('no', False)):
            with self.subTest(value=value):
                config = self.write('proxy.ini', f'proxy-endpoint={self.endpoint}\nno-ssl-host-verify={value}\n')
                run = self.run_proxy('-s', '0', '-t', TOKEN, '--config', config)
                self.check(run, 77)
                self.assertEqual('NOT verified' in run.stderr, is_set)

    def test_token_with_a_line_end(self):
        for end in ('\r', '\n', '\r\n', ' '):
            with self.subTest(end=end):
                self.assertEqual(self.sent_token('-e', self.endpoint,
                                                 env={'AWSIOT_TUNNEL_ACCESS_TOKEN': TOKEN + end}), TOKEN)

    def test_files_that_are_none(self):
        """A device, a FIFO and a huge file are refused, and not waited for."""
        os.mkfifo(self.folder / 'fifo')
        with open(self.folder / 'huge', 'wb') as file:
            file.truncate(200_000_000)
        for path in (self.folder / 'fifo', '/dev/zero', self.folder / 'huge', self.folder):
            for option in ('--config', '--settings-json'):
                with self.subTest(path=path, option=option):
                    self.check(self.run_proxy('-s', '0', '-e', self.endpoint, '-t', TOKEN, option, path), 78, str(path))

    def test_nested_settings(self):
        for text in ('[' * 100000, '{"a":' * 100000):
            settings = self.write('s.json', text)
            self.check(self.run_proxy('-s', '0', '-e', self.endpoint, '-t', TOKEN, '--settings-json', settings), 78,
                       'nested too deeply')

    def test_region_of_environment(self):
        settings = self.write('s.json', json.dumps(
            {'tunneling': {'proxy': {'region_endpoint_overrides': {'here': self.endpoint}}}}))
        self.assertEqual(self.sent_token('--settings-json', settings, '-t', TOKEN,
                                         env={'AWSIOT_TUNNEL_REGION': 'here'}), TOKEN)

    def test_spellings(self):
        for arguments in (('-t', TOKEN, '-e', self.endpoint), (f'-t{TOKEN}', f'-e{self.endpoint}'),
                          (f'--access-token={TOKEN}', '--proxy-endpoint', self.endpoint),
                          ('--access', TOKEN, f'--proxy={self.endpoint}'), ('-kt', TOKEN, '-e', self.endpoint)):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.sent_token(*arguments), TOKEN)

    def test_standard_input(self):
        with open(self.write('token', TOKEN + '\n')) as file:
            self.assertEqual(self.sent_token('-e', self.endpoint, '--access-token-file', '-', stdin=file), TOKEN)

    def test_client_token(self):
        token = 'c' * 32
        for arguments, env in ((('-i', token), {}), ((), {'AWSIOT_TUNNEL_CLIENT_TOKEN': token}),
                               ((), {'AWSIOT_CLIENT_TOKEN': token}),
                               (('--client-token-file', self.write('client', token)), {})):
            self.assertEqual(self.sent_token('-e', self.endpoint, '-t', TOKEN, *arguments, name='client-token', env=env),
                             token)

    def test_config_file(self):
        config = self.write('proxy.ini', f'; as the reference proxy has it\nproxy-endpoint = {self.endpoint}\n'
                                         'verbose=2\nno-ssl-host-verify=true\n')
        run = self.run_proxy('--config', config, '-t', TOKEN, '-s', '0')
        self.check(run, 77)
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)

        for text, message in (('colour=red\n', 'colour'), ('verbose\n', 'proxy.ini'), ('json=perhaps\n', 'json'),
                              ('config=other\n', 'config'), ('access=x\n', 'access')):
            with self.subTest(text=text):
                self.check(self.run_proxy('--config', self.write('proxy.ini', text), '-t', TOKEN, '-s', '0',
                                          '-r', 'us-east-1'), 78, message)

    def test_bad_token_files(self):
        for text, message in (('', 'no token'), ('x' * 9000, 'too long')):
            self.check(self.run_proxy('-e', self.endpoint, '-s', '0', '--access-token-file',
                                      self.write('token', text)), 66, message)

    def test_readable_token_file(self):
        path = self.write('token', TOKEN)
        path.chmod(0o644)
        self.check(self.run_proxy('-e', self.endpoint, '-s', '0', '--access-token-file', path), 77, 'chmod 600')


class Keyring(Refused):
    """By the lines of the manual page."""

    def setUp(self):
        super().setUp()
        require('dbus-daemon', 'secret-tool')
        address = f'unix:path={self.path("bus")}'
        self.env = {'DBUS_SESSION_BUS_ADDRESS': address, 'HOME': str(self.folder), 'XDG_DATA_HOME': self.path('data'),
                    'XDG_RUNTIME_DIR': str(self.folder)}
        bus = self.spawn('bus', ['dbus-daemon', '--session', '--nofork', f'--address={address}'], self.env)
        bus.wait_until((self.folder / 'bus').exists, 'its socket')

    def from_keyring(self, tunnel):
        return '-e', self.endpoint, '--access-token-keyring', tunnel

    def test_stored(self):
        start_keyring(self, self.env)
        subprocess.run(['secret-tool', 'store', '--label', 'Tunnel pump', 'application', 'ist-proxy', 'tunnel', 'pump'],
                       env={**os.environ, **self.env}, input=TOKEN.encode(), timeout=PATIENCE, check=True)
        # libsecret 0.20.5 loses an answer of the bus.
        env = {**self.env, 'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'}
        self.assertEqual(self.sent_token(*self.from_keyring('pump'), env=env), TOKEN)
        run = self.run_proxy('-s', '0', *self.from_keyring('valve'), env=env)
        self.check(run, 66, '“valve”', 'nothing is stored under that name')

    def test_without_a_session(self):
        env = {**self.env, 'DBUS_SESSION_BUS_ADDRESS': f'unix:path={self.path("nowhere")}'}
        self.check(self.run_proxy('-s', '0', *self.from_keyring('pump'), env=env), 66,
                   'The keyring can\'t be asked for the token of “pump”: Could not connect')

    def test_without_libsecret(self):
        """It is wanted by whoever wants the keyring, and by nobody else."""
        (self.folder / 'lib').mkdir()
        self.write('lib/libsecret-1.so.0', '')
        env = {**self.env, 'LD_LIBRARY_PATH': self.path('lib')}
        self.check(self.run_proxy('-s', '0', *self.from_keyring('pump'), env=env), 66, 'libsecret-1.so.0')
        self.assertEqual(self.sent_token('-e', self.endpoint, '-t', TOKEN, env=env), TOKEN)


class Failures(Case):
    def test_statuses(self):
        for status, expected in ((400, 77), (403, 77), (404, 77)):
            with self.subTest(status=status):
                server = self.serve(Refuser(status))
                self.check(self.run_proxy('-e', f'ws://127.0.0.1:{server.port}', '-t', TOKEN, '-s', '0'), expected,
                           f'HTTP status {status}: for a test')
                self.assertEqual(len(server.requests), 1)

    def test_unreachable(self):
        settings = self.write('s.json', '{"tunneling":{"proxy":{"websocket":{"connect_retry_count":0}}}}')
        with socket.create_server(('127.0.0.1', 0)) as closed:
            port = closed.getsockname()[1]
        self.check(self.run_proxy('-e', f'127.0.0.1:{port}', '-t', TOKEN, '-s', '0', '--settings-json', settings), 69,
                   str(port))

    def test_data_errors(self):
        """Breaches of the protocol end it if that is wished for."""
        def serve(connection):
            key = re.search('^Sec-WebSocket-Key: (.*)\r$', read_head(connection), re.MULTILINE)[1]
            accept = base64.b64encode(hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest())
            connection.sendall(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n'
                               b'Sec-WebSocket-Accept: ' + accept + b'\r\n\r\n')
            # The services, in a binary frame, and then a frame of text, which is not allowed.
            connection.sendall(b'\x82\x09\x00\x07\x08\x05\x32\x03SSH' b'\x81\x01x')
            connection.recv(1)

        server = self.serve(Server(serve))
        settings = self.write('s.json', '{"tunneling":{"proxy":{"websocket":{"reconnect_on_data_error":"false"}}}}')
        run = self.run_proxy('-e', f'ws://127.0.0.1:{server.port}', '-t', TOKEN, '-s', '0', '--settings-json', settings)
        self.check(run, 76, 'Connected; services: SSH')

    def test_token_is_not_logged(self):
        server = self.serve(Refuser(403))
        run = self.run_proxy('-e', f'ws://127.0.0.1:{server.port}', '-t', TOKEN, '-i', 'c' * 40, '-s', '0', '-v6')
        self.check(run, 77)
        self.assertNotIn(TOKEN, run.stderr)
        self.assertNotIn('c' * 40, run.stderr)


class UpstreamProxies(Case):
    """The proxies of the environment."""

    def test_malformed(self):
        for value, text in (('http://user:pass/word@host:1', '%XX'), ('ftp://u:password@host:1', 'scheme'),
                            ('http://u:password@:1', 'host'), ('http://u:password@host:0', 'port 0')):
            for name in ('https_proxy', 'HTTPS_PROXY'):
                with self.subTest(name=name, value=value):
                    run = self.run_proxy('-r', 'us-east-1', '-t', TOKEN, '-s', '0', env={name: value})
                    self.check(run, 78, name, text)
                    self.assertNotIn('pass', run.stderr.replace('PASSWORD', ''))
                    self.assertNotIn('word', run.stderr.replace('PASSWORD', ''))

    def connect(self, credentials, exceptions=''):
        proxy = self.serve(Refuser(407))
        run = self.run_proxy('-e', 'service.invalid:1443', '-t', TOKEN, '-s', '0', '-v6', '--settings-json',
                             self.write('s.json', '{"tunneling":{"proxy":{"websocket":{"connect_retry_count":0}}}}'),
                             env={'https_proxy': f'http://{credentials}127.0.0.1:{proxy.port}',
                                  'no_proxy': exceptions})
        self.check(run, 69)
        self.assertNotIn('p%20w', run.stderr)
        self.assertNotIn('p w', run.stderr)
        return proxy

    def test_connect(self):
        proxy = self.connect('')
        self.assertTrue(proxy.requests[0].startswith('CONNECT service.invalid:1443 '))
        self.assertNotIn(TOKEN, ''.join(proxy.requests))

    def test_credentials(self):
        # Their owner sends them at once, or when asked.
        heads = ''.join(self.connect('user:p%20w@').requests)
        self.assertIn('Basic ' + base64.b64encode(b'user:p w').decode(), heads)

    def test_exceptions(self):
        self.assertEqual(self.connect('', 'example.com, .invalid').requests, [])
        self.assertEqual(self.connect('', '*').requests, [])
        self.assertNotEqual(self.connect('', 'example.com').requests, [])


class TunnelCase(Case):
    services = ('SSH', 'VNC')

    def setUp(self):
        super().setUp()
        self.start_emulator()
        self.endpoint = self.info['endpoint'].removeprefix('wss://')
        self.common = ['-e', self.endpoint, '-c', self.folder / 'ca.pem']
        self.target = self.serve(Server(echo))

    def source(self, *arguments, **options):
        return self.end_of_tunnel('source', *arguments, **options)

    def destination(self, *arguments, **options):
        return self.end_of_tunnel('destination', *arguments, **options)

    def end_of_tunnel(self, side, *arguments, common=None, env=None, **options):
        env = {'AWSIOT_TUNNEL_ACCESS_TOKEN': self.tunnel[side + 'AccessToken'], **(env or {})}
        return self.start_proxy(*(common or self.common), *arguments, env=env, **options)

    def run_source(self, *arguments, common=None, **options):
        return self.run_proxy(*(common or self.common), *arguments,
                              env={'AWSIOT_TUNNEL_ACCESS_TOKEN': self.tunnel['sourceAccessToken']}, **options)

    def ready(self, proxy):
        """What --json tells."""
        return json.loads(proxy.read_line())

    def check_place(self, place, service, host, port):
        """It is told as it is in use, not as it was asked for."""
        self.assertNotEqual(port, 0)
        self.assertEqual(place, {'service': service, 'address': f'[{host}]:{port}' if ':' in host else f'{host}:{port}',
                                 'host': host, 'port': port})

    def ports(self, proxy):
        return {place['service']: place['port'] for place in self.ready(proxy)['listening']}

    def terminate(self, proxy, number=signal.SIGTERM):
        proxy.send_signal(number)
        self.assertEqual(proxy.wait(PATIENCE), 0, self.log())


class Tunnels(TunnelCase):
    def test_forwarding(self):
        self.ready(self.destination('-d', f'SSH=127.0.0.1:{self.target.port},VNC={self.target.port}', '--json'))
        source = self.source('-s', 'SSH=0,VNC=0', '--json', '--port-file', 'ports')
        told = self.ready(source)
        self.assertEqual(told['event'], 'ready')
        self.assertEqual(told['mode'], 'source')
        self.assertEqual(told['services'], ['SSH', 'VNC'])
        ports = {place['service']: place['port'] for place in told['listening']}
        self.assertEqual((self.folder / 'ports').read_text(), ''.join(f'{s}={p}\n' for s, p in ports.items()))

        self.check_echo(ports['SSH'], os.urandom(300000))
        self.check_echo(ports['VNC'])
        self.terminate(source)
        self.assertFalse((self.folder / 'ports').exists())

    def test_free_ports(self):
        """A source to which nobody says where listens for all services."""
        self.ready(self.destination('-d', f'SSH={self.target.port},VNC={self.target.port}', '--json'))
        ports = self.ports(self.source('-m', 'src', '--json'))
        self.assertEqual(set(ports), {'SSH', 'VNC'})
        self.check_echo(ports['VNC'])

    def test_free_ports_after_a_reload(self):
        """A folder that has nothing for the tunnel changes nothing about that."""
        self.ready(self.destination('-d', f'SSH={self.target.port},VNC={self.target.port}', '--json'))
        self.write('places/other.ini', 'FTP=0\n')
        source = self.source('-m', 'src', '--config-dir', 'places', '--json', start_new_session=True)
        self.assertEqual(set(self.ports(source)), {'SSH', 'VNC'})
        for _ in range(2):
            source.send_signal(signal.SIGHUP)
            ports = self.ports(source)
            self.assertEqual(set(ports), {'SSH', 'VNC'})
            self.check_echo(ports['SSH'])
            self.check_echo(ports['VNC'])
        # Once there is something, that counts, and afterwards all again.
        self.write('places/mine.ini', 'SSH=0 # this one\n')
        source.send_signal(signal.SIGHUP)
        ports = self.ports(source)
        self.assertEqual(set(ports), {'SSH'})
        self.check_echo(ports['SSH'])
        self.write('places/mine.ini', '')
        source.send_signal(signal.SIGHUP)
        self.assertEqual(set(self.ports(source)), {'SSH', 'VNC'})

    def test_words_that_scripts_wait_for(self):
        """The reference proxy's own, at the level that is the default."""
        self.ready(self.destination('-d', f'SSH={self.target.port}', '--json'))
        port = self.ports(self.source('-s', 'SSH=0', '--json'))['SSH']
        self.check_echo(port)
        log = self.log()
        self.assertEqual(log.count('Successfully established websocket connection'), 2, log)
        self.assertIn(f'Listening for new connection on port {port}', log)
        self.assertIn(f'Connected to 127.0.0.1:{self.target.port}', log)

    def test_certificates_of_openssl(self):
        (self.folder / 'cas').mkdir()
        (self.folder / 'cas' / '1a2b3c4d.0').write_text((self.folder / 'ca.pem').read_text())
        (self.folder / 'none').mkdir()
        for env in ({'SSL_CERT_FILE': str(self.folder / 'ca.pem')},
                    {'SSL_CERT_DIR': f'{self.folder}/none:{self.folder}/cas'}):
            with self.subTest(env=env):
                source = self.source('-m', 'src', '--json', '-i', 'c' * 32, common=['-e', self.endpoint], env=env)
                self.ready(source)
                self.terminate(source)

    def test_local_address(self):
        self.ready(self.destination('-d', f'SSH={self.target.port}', '-b', '127.0.0.1', '--json'))
        with socket.socket() as taken:
            # So that nobody else listens there.
            taken.bind(('127.0.0.1', 0))
            port = taken.getsockname()[1]
            source = self.source('-s', f'SSH={port}', '-b', '127.0.0.2', '--json', '-i', 'c' * 32)
            place, = self.ready(source)['listening']
            self.check_place(place, 'SSH', '127.0.0.2', port)
            self.check_echo(port, address='127.0.0.2')
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(('127.0.0.1', port))
            self.terminate(source)
        source = self.source('-s', 'SSH=0', '-b', '0.0.0.0', '--json', '-i', 'c' * 32)
        place, = self.ready(source)['listening']
        self.check_place(place, 'SSH', '0.0.0.0', place['port'])
        self.check_echo(place['port'], address='127.0.0.2')
        self.terminate(source)

    def test_places_are_told(self):
        port = self.target.port
        told = self.ready(self.destination('-d', f'SSH={port},VNC=127.0.0.1:{port}', '--json'))
        for place, service, host in zip(told['targets'], ('SSH', 'VNC'), ('localhost', '127.0.0.1'), strict=True):
            self.check_place(place, service, host, port)
        chosen = free_port()
        source = self.source('-s', f'SSH=[::1]:0,VNC={chosen}', '--json', '-i', 'c' * 32)
        first, second = self.ready(source)['listening']
        self.check_place(first, 'SSH', '::1', first['port'])
        self.check_place(second, 'VNC', 'localhost', chosen)
        self.check_echo(first['port'], address='::1')
        self.terminate(source)
        source = self.source('-s', 'SSH=unix:door', '--json', '-i', 'c' * 32)
        self.assertEqual(self.ready(source)['listening'], [{'service': 'SSH', 'address': str(self.folder / 'door')}])

    def test_name_of_a_host(self):
        """To listen on, it has to be looked up."""
        self.ready(self.destination('-d', f'SSH={self.target.port},VNC={self.target.port}', '--json'))
        source = self.source('-s', 'VNC=here.localhost:0,SSH=0', '-b', 'there.localhost', '--json')
        listening = self.ready(source)['listening']
        self.assertEqual([place['service'] for place in listening], ['VNC', 'SSH'])
        for place, service, host in zip(listening, ('VNC', 'SSH'), ('here.localhost', 'there.localhost'), strict=True):
            self.check_place(place, service, host, place['port'])
            self.check_echo(place['port'])

    def test_name_of_no_host(self):
        self.check(self.run_source('-s', 'SSH=no..host:0', '--json'), 69, 'no..host')

    def test_which_service(self):
        run = self.run_source('-s', '0')
        self.check(run, 78, 'several services, SSH, VNC')

    def test_wrong_service(self):
        self.check(self.run_source('-s', 'FTP=0'), 78, 'no service “FTP”', 'SSH, VNC')

    def test_one_wrong_service(self):
        self.ready(self.destination('-d', 'FTP=1,SSH=1', '--json'))
        self.assertIn('no service “FTP”', self.log())
        self.assertIn('No address is given for the tunnel\'s service “VNC”', self.log())

    def test_stdio(self):
        self.ready(self.destination('-d', f'SSH={self.target.port}', '--json'))
        # Nothing but the end of the grace tells this target that there is no more.
        source = self.source('--stdio=SSH', '--half-close-grace', '1', stdin=subprocess.PIPE)
        data = os.urandom(300000)
        writer = threading.Thread(target=lambda: (source.stdin.write(data), source.stdin.flush()))
        writer.start()
        self.assertEqual(source.stdout.read(len(data)), data, self.log())
        writer.join()
        source.stdin.close()
        self.assertEqual(source.stdout.read(), b'')
        self.assertEqual(source.wait(PATIENCE), 0, self.log())

    def test_stdio_of_a_program_that_is_gone(self):
        self.ready(self.destination('-d', f'SSH={self.target.port}', '--json'))
        source = self.source('--stdio=SSH', stdin=subprocess.PIPE)
        source.stdin.write(b'x')
        source.stdin.flush()
        self.assertEqual(source.stdout.read(1), b'x', self.log())
        source.stdin.close()
        source.stdout.close()
        self.assertEqual(source.wait(PATIENCE), 0, self.log())

    def test_stdio_fails(self):
        for service, status in (('--stdio', 78), ('--stdio=FTP', 78)):
            run = self.run_proxy(*self.common, service, '-i', 'c' * 32,
                                 env={'AWSIOT_TUNNEL_ACCESS_TOKEN': self.tunnel['sourceAccessToken']})
            self.check(run, status)
            self.assertEqual(run.stdout, '')

    def test_unix_sockets(self):
        path = str(self.folder / 'target')
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            self.ready(self.destination('-d', f'SSH={path}', '--json'))
            self.ready(self.source('-s', f'SSH={self.folder}/door', '--json'))
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(self.folder / 'door'))
                with listener.accept()[0] as other:
                    connection.sendall(b'ping')
                    other.settimeout(PATIENCE)
                    self.assertEqual(other.recv(10), b'ping')

    def test_config_dir(self):
        self.ready(self.destination('-d', f'SSH={self.target.port},VNC={self.target.port}', '--json'))
        self.write('places/a.ini', '[any]\nSSH=0\n')
        self.write('places/deep/b', '; more\nVNC = 0\nFTP=0\nSSH=1\n')
        source = self.source('--mode', 'source', '--config-dir', 'places', '--json', start_new_session=True)
        ports = self.ports(source)
        self.assertEqual(set(ports), {'SSH', 'VNC'})
        self.check_echo(ports['SSH'])

        with socket.create_connection(('127.0.0.1', ports['SSH'])) as connection:
            self.check_echo_on(connection)
            self.write('places/deep/b', '')
            source.send_signal(signal.SIGHUP)
            changed = self.ports(source)
            self.assertEqual(set(changed), {'SSH'})
            self.check_echo(changed['SSH'])
            self.check_echo_on(connection)

    def test_config_dir_of_targets(self):
        self.write('places/a', f'SSH={self.target.port}\nVNC={self.target.port}\n')
        destination = self.destination('-m', 'dst', '--config-dir', 'places', '--json', start_new_session=True)
        self.ready(destination)
        ports = self.ports(self.source('-m', 'src', '--json'))
        self.check_echo(ports['VNC'])
        self.write('places/a', f'SSH={self.target.port}\n')
        destination.send_signal(signal.SIGHUP)
        self.assertEqual([place['service'] for place in self.ready(destination)['targets']], ['SSH'])
        self.check_echo(ports['SSH'])
        with socket.create_connection(('127.0.0.1', ports['VNC']), timeout=PATIENCE) as connection:
            self.assertEqual(connection.recv(1), b'')

    def test_default_folder(self):
        self.write('config/places.ini', f'SSH={self.target.port}\n')
        told = self.ready(self.destination('-m', 'dst', '--json'))
        self.assertEqual([place['service'] for place in told['targets']], ['SSH'])

    def test_folder_of_certificates(self):
        (self.folder / 'cas').mkdir()
        pem = (self.folder / 'ca.pem').read_text()
        for name in ('1a2b3c4d.0', 'ca.crt'):
            with self.subTest(name=name):
                self.write('cas/' + name, pem)
                self.write('cas/README', 'not a certificate')
                self.ready(self.source('-m', 'src', '--json', '-i', 'c' * 32,
                                       common=['-e', self.endpoint, '-c', self.folder / 'cas']))
                (self.folder / 'cas' / name).unlink()
        self.check(self.run_source('-m', 'src', common=['-e', self.endpoint, '-c', self.folder / 'cas']), 66,
                   'no certificate')

    def test_untrusted(self):
        settings = self.write('s.json', '{"tunneling":{"proxy":{"websocket":{"connect_retry_count":0}}}}')
        run = self.run_source('-m', 'src', '--settings-json', settings, common=['-e', self.endpoint])
        self.check(run, 69)

    def test_no_verification(self):
        self.ready(self.source('-m', 'src', '--json', '-k', common=['-e', self.endpoint]))
        self.assertIn('NOT verified', self.log())

    def test_forced_version(self):
        self.ready(self.destination('-d', f'SSH={self.target.port}', '--json', '-y', 'V1'))
        ports = self.ports(self.source('-s', 'SSH=0', '--json', '-y', 'V2', '-v6'))
        self.check_echo(ports['SSH'])

    def test_odd_version(self):
        """The reference proxy takes anything."""
        self.ready(self.source('-m', 'src', '--json', '-y', 'V9'))
        self.assertIn('V9', self.log())

    def test_secrets(self):
        token = self.tunnel['sourceAccessToken']
        client = 'c' * 40
        for n, arguments in enumerate((('-t', token), (f'-t{token}',), ('--access-token', token),
                                       (f'--access-token={token}',), ('--access-t', token), ())):
            with self.subTest(arguments=arguments):
                env = {} if arguments else {'AWSIOT_TUNNEL_ACCESS_TOKEN': token}
                proxy = self.start_proxy(*self.common, '-m', 'src', '--json', '-v6', *arguments, '-i', client, env=env)
                self.ready(proxy)
                for name in ('cmdline', 'environ'):
                    content = pathlib.Path(f'/proc/{proxy.pid}/{name}').read_bytes()
                    self.assertIn(self.endpoint.encode() if name == 'cmdline' else b'PATH=', content)
                    self.assertNotIn(token.encode(), content)
                    self.assertNotIn(client.encode(), content)
                self.terminate(proxy)
        self.assertNotIn(token, self.log())
        self.assertNotIn(client, self.log())

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            source = self.source('-m', 'src', '--json', '-i', 'c' * 32)
            self.ready(source)
            self.terminate(source, number)

    def test_second_signal(self):
        source = self.source('-m', 'src', '--json', '--port-file', 'ports')
        self.ready(source)
        # It won't hear the other side's goodbye.
        self.emulator.send_signal(signal.SIGSTOP)
        self.addCleanup(self.emulator.send_signal, signal.SIGCONT)
        source.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        source.send_signal(signal.SIGTERM)
        # On a slow machine both may come when all is over.
        self.assertIn(source.wait(PATIENCE), (-signal.SIGTERM, 0))
        self.assertFalse((self.folder / 'ports').exists())

    def test_nobody_answers_the_goodbye(self):
        source = self.source('-m', 'src', '--json')
        self.ready(source)
        self.emulator.send_signal(signal.SIGSTOP)
        self.addCleanup(self.emulator.send_signal, signal.SIGCONT)
        self.terminate(source)

    def test_replaced(self):
        first = self.source('-m', 'src', '--json', '-i', 'c' * 32)
        self.ready(first)
        self.ready(self.source('-m', 'src', '--json', '-i', 'c' * 32))
        self.assertEqual(first.wait(PATIENCE), 77)

    def test_reconnecting(self):
        source = self.source('-m', 'src', '--json', '--settings-json',
                             self.write('s.json', '{"tunneling":{"proxy":{"websocket":'
                                                  '{"connect_retry_count":1,"retry_delay_ms":1}}}}'))
        self.ready(source)
        self.emulator.kill()
        self.assertEqual(source.wait(PATIENCE), 69, self.log())
        self.assertIn('connection is lost', self.log())

    def test_status(self):
        self.ready(self.destination('-d', f'SSH={self.target.port},VNC={self.target.port}', '--json'))
        try:
            main, terminal = pty.openpty()
        except OSError as e:
            self.skipTest(f'no terminals here: {e}')
        self.addCleanup(os.close, main)
        shown = bytearray()
        source = self.source('-s', 'SSH=0', '--port-file', 'ports', '--status', stdout=terminal)
        os.close(terminal)

        def shows(text):
            while select.select([main], [], [], 0)[0]:
                try:
                    shown.extend(os.read(main, 65536))
                except OSError:
                    break
            return text in shown

        wait_until((self.folder / 'ports').exists, 'the port file')
        port = int((self.folder / 'ports').read_text().removeprefix('SSH='))
        with socket.create_connection(('127.0.0.1', port)) as connection:
            self.check_echo_on(connection, b'x' * 5000)
            wait_until(lambda: shows('5.0\u00a0kB'.encode()), 'the figures of the connection')
        self.assertTrue(shown.startswith(b'\x1b[?1049h'))
        self.terminate(source)
        wait_until(lambda: shows(b'\x1b[?1049l'), 'the terminal to be as before')

    def test_standard_output_is_full(self):
        with open('/dev/full', 'w') as full:
            self.assertEqual(self.source('-m', 'src', '--json', stdout=full).wait(PATIENCE), 74)


class TunnelWithoutServices(TunnelCase):
    services = ()

    def test_plain(self):
        self.ready(self.destination('-d', f'localhost:{self.target.port}', '--json'))
        source = self.source('-s', '0', '--json')
        told = self.ready(source)
        self.assertEqual(told['services'], [])
        self.check_echo(told['listening'][0]['port'])

    def test_named(self):
        self.check(self.run_source('-s', 'SSH=0'), 78, 'no services')


class Service(TunnelCase):
    services = ('SSH',)

    def test_notifications(self):
        systemd = Systemd(self)
        source = self.source('-m', 'src', start_new_session=True,
                             env={**systemd.environment, 'WATCHDOG_USEC': '200000'})
        systemd.hear(source, 'WATCHDOG=1')
        systemd.hear(source, 'READY=1')
        self.assertTrue(any(field.startswith('STATUS=') and 'SSH' in field for field in systemd.fields))
        systemd.fields.clear()
        systemd.hear(source, 'WATCHDOG=1')
        source.send_signal(signal.SIGHUP)
        systemd.hear(source, 'RELOADING=1')
        systemd.hear(source, 'READY=1')
        source.terminate()
        systemd.hear(source, 'STOPPING=1')
        self.assertEqual(source.wait(PATIENCE), 0)

    def start_activated(self, listener, variables):
        # The socket is to be number 3, and the variables are to name the process. Other shells know ten numbers only.
        script = f'exec 3<&{listener.fileno()}; export {variables}; exec "$@"'
        return self.source('-m', 'src', '--json', command=['bash', '-c', script, 'sh', PROXY],
                           pass_fds=[listener.fileno()])

    def check_activated(self, names):
        self.ready(self.destination('-d', str(self.target.port), '--json'))
        with socket.create_server(('127.0.0.1', 0)) as listener:
            source = self.start_activated(listener, f'LISTEN_PID=$$ LISTEN_FDS=1 {names}')
            port = listener.getsockname()[1]
            self.assertEqual(self.ports(source), {'SSH': port})
        self.check_echo(port)

    def test_socket_activation(self):
        self.check_activated('LISTEN_FDNAMES=door')

    def test_socket_without_a_name(self):
        self.check_activated('')

    def test_what_is_for_another_process(self):
        systemd = Systemd(self)
        with socket.create_server(('127.0.0.1', 0)) as listener:
            source = self.start_activated(listener, f'LISTEN_PID=1 LISTEN_FDS=1 WATCHDOG_PID=1 WATCHDOG_USEC=10000 '
                                                    f'NOTIFY_SOCKET={systemd.environment["NOTIFY_SOCKET"]}')
            self.assertNotEqual(self.ports(source), {'SSH': listener.getsockname()[1]})
        systemd.hear(source, 'READY=1')
        self.assertFalse(systemd.has_heard('WATCHDOG'))

    def test_sockets_that_are_none(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            source = self.start_activated(listener, 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=front:back')
            self.assertEqual(source.wait(PATIENCE), 71)
            self.assertIn('LISTEN_FDNAMES', source.log())


if __name__ == '__main__':
    tap.main()
