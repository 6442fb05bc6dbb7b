#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""ist-proxy --open: against ist-emulator with a device and real commands, and
against control planes that look at signatures or misbehave."""

import http.server
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import programs
import tap
from programs import PROXY
from waiting import PATIENCE, wait_until

KEY_ID = 'AKIDEXAMPLE'
SECRET = 'secret/key+EXAMPLE'
SESSION = 'session/token=='
TARGET = 'IoTSecuredTunneling.'
KEYS = {'AWS_ACCESS_KEY_ID': KEY_ID, 'AWS_SECRET_ACCESS_KEY': SECRET}

# Says what it hears from the service that it is told the port of.
ASK = '''
import socket, sys
for port in sys.argv[1:]:
    with socket.create_connection(('localhost', port)) as connection:
        connection.sendall(b'ping')
        connection.shutdown(socket.SHUT_WR)
        print(connection.makefile().read())
'''


class Control(http.server.ThreadingHTTPServer):
    """A control plane that answers as it is told: @answers has, for an
    operation, (status, object or bytes) pairs; the last one stays."""

    daemon_threads = True

    def __init__(self, **answers):
        self.answers = {name: list(pairs) for name, pairs in answers.items()}
        self.requests = []
        super().__init__(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server_port}'
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def operations(self):
        return [headers['X-Amz-Target'].removeprefix(TARGET) for headers, body in self.requests]

    def close(self):
        self.shutdown()
        self.server_close()
        self.thread.join()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.requests.append((self.headers, body))
        pairs = self.server.answers[self.headers['X-Amz-Target'].removeprefix(TARGET)]
        status, answer = pairs.pop(0) if len(pairs) > 1 else pairs[0]
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


def refusal(kind, message='for a test'):
    return 400, {'__type': kind, 'message': message}


class Case(programs.Case):
    def environment(self, env):
        return {**os.environ, 'HOME': str(self.folder), 'AWS_EC2_METADATA_DISABLED': 'true',
                **(KEYS if env is None else env)}

    def control(self, **answers):
        return self.serve(Control(**answers))

    def run_proxy(self, *arguments, env=None):
        """To its end."""
        return subprocess.run([PROXY, *map(str, arguments)], env=self.environment(env), cwd=self.folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)

    def operate(self, url, *arguments, env=None):
        return self.run_proxy('--open', '--thing', 'thing', '--service', 'SSH', '--endpoint-url', url, *arguments,
                              env=env)

    def check(self, run, status, *texts):
        self.assertEqual(run.returncode, status, run.stderr)
        for text in texts:
            self.assertIn(text, run.stderr)
        for secret in (SECRET, SESSION):
            self.assertNotIn(secret, run.stderr + run.stdout)


class Arguments(Case):
    def test_usage(self):
        for arguments, text in (
                (('--open', '--service', 'SSH'), '--thing'),
                (('--open', '--thing', 't'), '--service'),
                (('--open', '--thing', 't', '--service', 'SSH', '-r', 'localhost/'), 'name of a region'),
                (('-s', '0', '-r', 'x', '-t', 'T', '--thing', 't'), '--thing is for --open'),
                (('-s', '0', '-r', 'x', '-t', 'T', '--', 'true'), 'command is for --open')):
            with self.subTest(arguments=arguments):
                self.check(self.run_proxy(*arguments), 64, text)

    def test_no_region(self):
        self.check(self.run_proxy('--open', '--thing', 't', '--service', 'SSH'), 78, 'region')

    def test_usage_with_control(self):
        control = self.control()
        for arguments, text in (
                (('-t', 'T'), 'together'),
                (('-d', '1'), 'source'),
                (('--lifetime', '0'), '--lifetime'),
                (('--lifetime', '721'), '720'),
                (('--', 'sh', '-c', '{port:VNC}'), '{port:VNC}'),
                (('--json', '--', 'true'), '--json'),
                (('--stdio', '--', 'true'), '--stdio'),
                (('--endpoint-url', 'ftp://host'), 'ftp://host'),
                (('--endpoint-url', 'http://example.com'), 'encryption')):
            with self.subTest(arguments=arguments):
                self.check(self.operate(control.url, *arguments), 64, text)
        self.check(self.operate(control.url, '--', 'no-such-program'), 127, 'no-such-program')
        self.assertEqual(control.requests, [])


class Signatures(Case):
    def signed(self, region='us-east-1', session=None, key_id=KEY_ID, secret=SECRET, env=None, arguments=()):
        """Lets OpenTunnel be called, and computes what its signature must be."""
        control = self.control(OpenTunnel=[refusal('AccessDeniedException')])
        self.check(self.operate(control.url, *arguments, env=env), 77, 'AccessDeniedException')
        (headers, body), = control.requests
        found = re.fullmatch(r'AWS4-HMAC-SHA256 Credential=([^, ]+), ?SignedHeaders=([^, ]+), ?Signature=([0-9a-f]{64})',
                             headers['Authorization'])
        date = headers['X-Amz-Date']
        self.assertEqual(found[1], f'{key_id}/{date[:8]}/{region}/IoTSecuredTunneling/aws4_request')
        names = found[2].split(';')
        self.assertLessEqual({'content-type', 'host', 'x-amz-date', 'x-amz-target'}, set(names))
        self.assertEqual(headers['X-Amz-Security-Token'], session)
        if session:
            self.assertIn('x-amz-security-token', names)

        request = botocore.awsrequest.AWSRequest('POST', control.url + '/', {name: headers[name] for name in names},
                                                 body)
        request.context['timestamp'] = date
        auth = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key_id, secret), 'IoTSecuredTunneling', region)
        text = auth.string_to_sign(request, auth.canonical_request(request))
        self.assertEqual(found[3], auth.signature(text, request))
        return json.loads(body)

    def test_request(self):
        self.assertEqual(self.signed(arguments=('--service', 'VNC,RDP', '--lifetime', '30')),
                         {'description': 'ist-proxy', 'timeoutConfig': {'maxLifetimeTimeoutMinutes': 30},
                          'destinationConfig': {'thingName': 'thing', 'services': ['SSH', 'VNC', 'RDP']}})

    def test_session_token(self):
        self.signed(env=KEYS | {'AWS_SESSION_TOKEN': SESSION}, session=SESSION)

    def test_regions(self):
        self.write('.aws/config', '[default]\nregion = eu-west-2\n')
        self.signed('eu-west-2')
        self.signed('eu-west-1', env=KEYS | {'AWS_DEFAULT_REGION': 'eu-west-1'})
        self.signed('eu-north-1', env=KEYS | {'AWS_DEFAULT_REGION': 'eu-west-1', 'AWS_REGION': 'eu-north-1'})
        self.signed('eu-south-1', env=KEYS | {'AWS_REGION': 'eu-north-1'}, arguments=('-r', 'eu-south-1'))

    def test_profiles(self):
        self.write('.aws/credentials', '; comment\n[default]\naws_access_key_id=AK1\naws_secret_access_key = s=1\n'
                                       f'[two]\naws_access_key_id=AK2\naws_secret_access_key=s2\n'
                                       f'aws_session_token = {SESSION}\n')
        self.write('.aws/config', '[profile two]\nregion=eu-west-3\ns3 =\n  max_queue_size = 1\n'
                                  '[profile three]\naws_access_key_id=AK3\naws_secret_access_key=s3\n')
        self.signed(key_id='AK1', secret='s=1', env={})
        # A session's token alone is of other keys.
        self.signed(key_id='AK1', secret='s=1', env={'AWS_SESSION_TOKEN': 'stale'})
        self.signed('eu-west-3', SESSION, 'AK2', 's2', env={'AWS_PROFILE': 'two'})
        self.signed(key_id='AK3', secret='s3', env={'AWS_PROFILE': 'three'})
        self.signed('eu-west-3', env=KEYS | {'AWS_PROFILE': 'two'})
        other = self.write('elsewhere', '[default]\naws_access_key_id=AK4\naws_secret_access_key=s4\n')
        self.signed(key_id='AK4', secret='s4', env={'AWS_SHARED_CREDENTIALS_FILE': str(other)})

    def test_no_credentials(self):
        control = self.control()
        self.check(self.operate(control.url, env={}), 78, 'AWS_ACCESS_KEY_ID', '.aws/credentials', 'aws configure')
        self.check(self.operate(control.url, env={'AWS_ACCESS_KEY_ID': KEY_ID}), 78, 'secret access key is missing')
        # Half a pair counts for nothing there, as the AWS tools have it.
        self.write('.aws/credentials', f'[default]\naws_secret_access_key={SECRET}\n')
        self.check(self.operate(control.url, env={}), 78, '.aws/credentials')
        self.write('.aws/credentials', 'no file of keys\n')
        self.check(self.operate(control.url, env={}), 78, '.aws/credentials')
        self.write('.aws/credentials', '[default]\n')
        self.check(self.operate(control.url, env={'AWS_PROFILE': 'other'}), 78, '“other”')
        self.assertEqual(control.requests, [])


class Failures(Case):
    def test_refusals(self):
        for kind, status, text in (('ExpiredTokenException', 77, 'get new ones'),
                                   ('UnrecognizedClientException', 77, 'check the AWS credentials'),
                                   ('InvalidSignatureException', 77, 'clock'),
                                   ('AccessDeniedException', 77, 'permission'),
                                   ('com.amazonaws#ResourceNotFoundException', 65, '--thing'),
                                   ('ValidationException', 65, '--service'),
                                   ('LimitExceededException', 75, 'close tunnels'),
                                   ('ThrottlingException', 75, 'later'),
                                   ('NewException', 69, 'NewException')):
            with self.subTest(kind=kind):
                control = self.control(OpenTunnel=[refusal(kind, 'for\x1b[31m a test')])
                run = self.operate(control.url, '--', 'true')
                self.check(run, status, f'OpenTunnel: {kind.split("#")[-1]}: for\\u001b[31m a test', text)
                # Some may be got over: with new credentials, or later.
                attempts = {'ExpiredTokenException': 2, 'ThrottlingException': 3}
                self.assertEqual(control.operations(), ['OpenTunnel'] * attempts.get(kind, 1))

    def test_nonsense(self):
        for answer, status in (((200, b'<html>'), 76), ((200, b'[]'), 76), ((200, {}), 76), ((503, b''), 75),
                               ((404, b'<html>'), 76), ((200, {'tunnelId': ['x']}), 76), ((200, b' ' * 2**21), 76)):
            control = self.control(OpenTunnel=[answer])
            self.check(self.operate(control.url), status, control.url)

    def test_half_an_answer(self):
        """A tunnel without a token is of no use, but is one."""
        control = self.control(OpenTunnel=[(200, {'tunnelId': 'x'})], CloseTunnel=[(200, {})])
        self.check(self.operate(control.url), 76)
        self.assertEqual(control.operations(), ['OpenTunnel', 'CloseTunnel'])

    def test_unreachable(self):
        with socket.create_server(('127.0.0.1', 0)) as closed:
            port = closed.getsockname()[1]
        self.check(self.operate(f'https://127.0.0.1:{port}'), 69, str(port))

    def opened(self, **answers):
        return self.control(OpenTunnel=[(200, {'tunnelId': 'the-id', 'sourceAccessToken': 'SOURCE'})], **answers)

    def test_closed_by_others(self):
        control = self.opened(DescribeTunnel=[(503, b''), (200, {'tunnel': {'tunnelId': 'the-id', 'status': 'CLOSED'}})],
                              CloseTunnel=[(503, b''), (200, {})])
        run = self.operate(control.url, '--', 'true')
        self.check(run, 77, 'closed the tunnel')
        self.assertNotIn('SOURCE', run.stderr)
        self.assertEqual(control.operations(), ['OpenTunnel', *['DescribeTunnel'] * 2, *['CloseTunnel'] * 2])
        self.assertEqual(json.loads(control.requests[-1][1]), {'tunnelId': 'the-id', 'delete': True})

    def test_cannot_close(self):
        control = self.opened(DescribeTunnel=[(200, {'tunnel': {'tunnelId': 'the-id', 'status': 'OPEN', 'destinationConnectionState': 7}})],
                              CloseTunnel=[refusal('AccessDeniedException')])
        run = self.operate(control.url, '--wait', '0', '--', 'true')
        self.check(run, 75, '--wait', 'AccessDeniedException', '--tunnel-id the-id')
        self.assertEqual(control.operations().count('CloseTunnel'), 1)

    def test_cannot_connect(self):
        """The service refuses what its control plane has given out."""
        control = self.opened(CloseTunnel=[(200, {})])
        # It knows POST only.
        settings = self.write('s.json', '{"tunneling":{"proxy":{"websocket":{"connect_retry_count":0}}}}')
        self.check(self.operate(control.url, '--settings-json', settings), 75, '501')
        self.assertEqual(control.operations(), ['OpenTunnel', 'CloseTunnel'])


class Device:
    """Connects to the tunnels for a thing, as an agent would."""

    def __init__(self, test, **services):
        self.test = test
        self.targets = ','.join(f'{name}=127.0.0.1:{port}' for name, port in services.items())
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        # Before the children of the test are ended.
        test.addCleanup(self.thread.join)

    def run(self):
        tunnel_id = wait_until(self.test.find_tunnel, 'a tunnel')
        self.test.tunnel = self.test.ask_emulator('RotateTunnelAccessToken', tunnelId=tunnel_id,
                                                  clientMode='DESTINATION')
        self.test.proxy('device', 'destination', '-d', self.targets)


class Tunnels(Case):
    # It is the proxy that opens them.
    services = None

    def setUp(self):
        super().setUp()
        self.start_emulator()
        self.url = 'http' + self.info['endpoint'].removeprefix('ws')

    def list_tunnels(self):
        return self.ask_emulator('ListTunnels')['tunnelSummaries']

    def find_tunnel(self):
        tunnels = self.list_tunnels()
        return tunnels[0]['tunnelId'] if tunnels else None

    def device(self, *names):
        """Whose services answer with their name and what they were sent."""
        def serve(name):
            return lambda connection: connection.sendall(f'{name}: '.encode() + connection.recv(100))
        return Device(self, **{name: self.serve_tcp(serve(name)) for name in names})

    def run_open(self, *arguments, env=None):
        run = self.operate(self.url, '-c', self.info['caFile'], *arguments, env=env)
        self.assertEqual(self.list_tunnels(), [], run.stderr)
        return run

    def start_open(self, *arguments, **options):
        return self.spawn('proxy', [PROXY, '--open', '--thing', 'thing', '--service', 'SSH', '--endpoint-url', self.url,
                                    *arguments],
                          self.environment(KEYS | {'AWS_CA_BUNDLE': self.info['caFile']}), cwd=self.folder,
                          stdout=subprocess.PIPE, text=True, start_new_session=True, **options)

    def check_end(self, proxy, status):
        self.assertEqual(proxy.wait(PATIENCE), status, proxy.log())
        self.assertEqual(self.list_tunnels(), [])

    def test_command(self):
        self.device('SSH', 'VNC')
        run = self.run_open('--service', 'VNC', '--', sys.executable, '-c', ASK, '{port}', '{port:VNC}', '{port:SSH}')
        self.check(run, 0)
        self.assertEqual(run.stdout, 'SSH: ping\nVNC: ping\nSSH: ping\n')
        # Nothing is said over the command.
        self.assertEqual(run.stderr, '')

    def test_chosen_port(self):
        with socket.create_server(('127.0.0.1', 0)) as closed:
            port = closed.getsockname()[1]
        self.device('SSH')
        run = self.run_open('-s', f'SSH={port}', '--', 'sh', '-c', 'echo "{port}" {x} $0', '--', '-v')
        self.check(run, 0)
        self.assertEqual(run.stdout, f'{port} {{x}} --\n')

    def test_unix_socket(self):
        self.device('SSH')
        self.check(self.run_open('-s', f'SSH={self.folder}/socket', '--', 'echo', '{port}'), 64, 'Unix socket')

    def test_exit_status(self):
        self.device('SSH')
        self.check(self.run_open('--', 'sh', '-c', 'exit 7'), 7)

    def test_killed_command(self):
        self.device('SSH')
        self.check(self.run_open('--', 'sh', '-c', 'kill -KILL $$'), 137)

    def test_not_a_program(self):
        self.device('SSH')
        path = self.write('script', '#!/\n')
        path.chmod(0o755)
        self.check(self.run_open('--', path), 126, 'script')

    def test_secrets(self):
        """Neither the command nor who looks at the program sees any."""
        self.device('SSH')
        env = KEYS | {'AWS_SESSION_TOKEN': SESSION, 'AWSIOT_TUNNEL_ACCESS_TOKEN': 'another'}
        run = self.run_open('-v6', '--', 'sh', '-c',
                            'env; tr "\\0" "\\n" </proc/$PPID/environ; tr "\\0" "\\n" </proc/$PPID/cmdline',
                            env=env)
        self.check(run, 0)
        self.assertIn('HOME=', run.stdout)
        for text in (KEY_ID, SECRET, SESSION, 'another'):
            self.assertNotIn(text, run.stdout + run.stderr)

    def test_stdio(self):
        self.device('SSH')
        proxy = self.start_open('--stdio', stdin=subprocess.PIPE)
        self.assertEqual(proxy.communicate('hello', timeout=PATIENCE)[0], 'SSH: hello')
        self.check_end(proxy, 0)

    def test_no_device(self):
        self.check(self.run_open('--wait', '0', '--', 'true'), 75, 'thing', '--wait')

    def test_untrusted(self):
        self.check(self.operate(self.url), 69, 'certificate')
        self.check(self.run_open('-k', '--wait', '0', '--', 'true'), 75, '--no-ssl-host-verify')

    def test_without_command(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            proxy = self.start_open('--json')
            self.assertEqual(json.loads(proxy.read_line())['services'], ['SSH'])
            self.assertEqual(len(self.list_tunnels()), 1)
            proxy.send_signal(number)
            self.check_end(proxy, 0)

    def test_signal_while_waiting(self):
        proxy = self.start_open('-v4', '--', 'true')
        proxy.expect('Waiting')
        proxy.send_signal(signal.SIGINT)
        self.check_end(proxy, 130)

    def test_signals_for_command(self):
        self.device('SSH')
        proxy = self.start_open('--', 'sh', '-c', 'trap "echo int" INT; trap "exit 9" TERM; echo on; '
                                'while :; do sleep 0.1; done')
        self.assertEqual(proxy.read_line(), 'on\n')
        proxy.send_signal(signal.SIGINT)
        self.assertEqual(proxy.read_line(), 'int\n')
        proxy.send_signal(signal.SIGTERM)
        self.check_end(proxy, 9)

    def test_terminal(self):
        """The terminal itself interrupts a command, once; and the command has the terminal."""
        self.device('SSH')
        # What was printed may be seen before print() has returned, inside of which there is no printing.
        script = ('import os, signal, sys\nseen = []\n'
                  'signal.signal(signal.SIGINT, lambda *args: (seen.append(1), os.write(1, b"int\\n")))\n'
                  'print("on", flush=True)\nsys.stdin.readline()\nsys.exit(40 + len(seen))\n')
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(PROXY, [
                PROXY, '--open', '--thing', 'thing', '--service', 'SSH', '--endpoint-url', self.url, '-c',
                self.info['caFile'], '--', sys.executable, '-c', script], self.environment(None))
        self.addCleanup(os.close, terminal)
        text = b''
        for wanted, answer in ((b'on\r\n', b'\x03'), (b'int', b'\n')):
            while wanted not in text:
                self.assertTrue(select.select([terminal], [], [], PATIENCE)[0], text)
                text += os.read(terminal, 1000)
            os.write(terminal, answer)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 41, text)
        self.assertEqual(self.list_tunnels(), [])

    def test_stubborn_command(self):
        self.device('SSH')
        proxy = self.start_open('--', 'sh', '-c', 'trap "echo term" TERM; echo on; while :; do sleep 0.1; done')
        self.assertEqual(proxy.read_line(), 'on\n')
        proxy.send_signal(signal.SIGTERM)
        self.assertEqual(proxy.read_line(), 'term\n')
        proxy.send_signal(signal.SIGTERM)
        self.check_end(proxy, 137)

    def test_closed_meanwhile(self):
        self.device('SSH')
        proxy = self.start_open('--', 'sh', '-c', 'echo on; exec sleep 1000')
        self.assertEqual(proxy.read_line(), 'on\n')
        self.ask_emulator('CloseTunnel', tunnelId=self.find_tunnel())
        self.check_end(proxy, 77)


if __name__ == '__main__':
    tap.main()
