#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""ist-operator and istctl as an operator uses them: a real bus that starts the service,
ist-emulator for AWS, and a device with ist-agent and real servers behind it."""

import concurrent.futures
import contextlib
import http.server
import json
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

import figures
import tap
from device import THING
from session import ACCESS_KEY_ID, INTERFACE, ISTCTL, OPERATOR, SECRET_ACCESS_KEY, SessionCase
from sockets import Echo, free_port, read_exactly
from waiting import PATIENCE, wait_until

NOBODY = 65534


class Relay:
    """AWS, that never answers who asks for a tunnel, though it opens it."""

    def __init__(self, ask):
        relay = self
        self.over = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                operation = self.headers['X-Amz-Target'].rpartition('.')[2]
                body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                answer = json.dumps(ask(operation, **body)).encode()
                if operation == 'OpenTunnel':
                    relay.over.wait()
                    return
                self.send_response(200)
                self.send_header('Content-Length', str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_port}'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class Connect(SessionCase):
    def setUp(self):
        super().setUp()
        self.echo = Echo(b'hello ')
        self.serve(self.echo)
        self.start_agent({'SSH': self.echo.address})

    def test_bytes_flow(self):
        data = os.urandom(300000)
        self.assertEqual(self.ctl('connect', THING, 'SSH', input=data, stdin=None), b'hello ' + data)
        # And again, with ssh's name for it, over the same tunnel.
        self.assertEqual(self.ctl('connect', f'{THING}.thing', 'SSH', input=b'again', stdin=None), b'hello again')
        self.assertEqual(self.count_opened(), 1)
        self.assertEqual(len(self.open_tunnels()), 1)

    def test_closed_input(self):
        self.assertEqual(self.ctl('connect', THING, 'SSH'), b'hello ')
        self.assertEqual(self.ctl('connect', THING, 'SSH', preexec_fn=lambda: os.close(0)), b'hello ')

    def test_nobody_reads(self):
        ctl = self.spawn_ctl('ctl', 'connect', THING, 'SSH', stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(ctl.stdout.read(6), b'hello ')
        ctl.stdout.close()
        self.assertNotEqual(ctl.wait(30), 0)
        ctl.stdout = None
        wait_until(lambda: not self.list()['connections'], 'the end of the connection')

    def test_many_at_once_share_a_tunnel(self):
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda i: self.ctl('connect', THING, 'SSH', input=b'%d' % i, stdin=None),
                                    range(20)))
        self.assertEqual(answers, [b'hello %d' % i for i in range(20)])
        self.assertEqual(self.count_opened(), 1)
        self.assertEqual(len(self.open_tunnels()), 1)
        pid = self.operator_pid()
        self.note(f'ist-operator after 20 connections: {figures.memory(pid):.1f} MiB')

    def test_progress(self):
        self.ctl('-v', status=64)
        self.ctl('connect', THING, 'SSH', '-v')
        for state in ('opening', 'waiting', 'connected'):
            self.assertIn(f'Tunnel: {state}', self.errors)
        self.ctl('connect', THING, 'SSH')
        self.assertEqual(self.errors, '')

    def test_device_ends(self):
        ctl = self.spawn_ctl('ctl', 'connect', THING, 'SSH', stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(ctl.stdout.read(6), b'hello ')
        self.echo.close()
        self.end_child(self.agent)
        self.assertEqual(ctl.stdout.read(), b'')
        self.assertEqual(ctl.wait(60), 0)

    def test_alone(self):
        for env, reason in (({'AWS_ACCESS_KEY_ID': 'AKIDOWN', 'AWS_SECRET_ACCESS_KEY': 'own'}, 'AWS_ACCESS_KEY_ID'),
                            ({'DBUS_SESSION_BUS_ADDRESS': ''}, 'bus')):
            self.assertEqual(self.ctl('connect', THING, 'SSH', '-v', input=b'x', stdin=None, env=env), b'hello x')
            self.assertIn('not shared', self.errors)
            self.assertIn(reason, self.errors)
            self.assertEqual(self.open_tunnels(), [])
        self.assertEqual(self.ctl('connect', '--no-share', THING, 'SSH'), b'hello ')
        self.assertIsNone(self.operator_pid())

    def test_alone_and_ended(self):
        """As ssh ends it."""
        ctl = self.spawn_ctl('ctl', 'connect', '--no-share', THING, 'SSH', stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
        self.assertEqual(ctl.stdout.read(6), b'hello ')
        ctl.send_signal(signal.SIGHUP)
        self.assertEqual(ctl.wait(60), 128 + signal.SIGHUP)
        self.assertEqual(self.open_tunnels(), [])

    def check_broken(self, break_it, words, status):
        ctl = self.spawn_ctl('broken', 'connect', THING, 'SSH', stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(ctl.stdout.read(6), b'hello ')
        break_it()
        self.assertEqual(ctl.stdout.read(), b'')
        self.assertEqual(ctl.wait(30), status)
        self.assertIn(words, self.log_of('broken'))

    def test_ends_that_are_not_good(self):
        """The status says so, and the words why."""
        self.check_broken(lambda: self.signal_operator(signal.SIGKILL), 'ist-operator has ended', 69)
        self.check_broken(lambda: self.ask_emulator('CloseTunnel', tunnelId=self.open_tunnels()[0]), 'closed', 75)
        self.check_broken(lambda: self.ctl('close', THING), 'closed', 75)

    def test_over_the_bus(self):
        """Any program can have it."""
        good, text = self.call('Connect', THING, 'SSH', self.options())
        self.assertTrue(good, text)
        self.assertIn('handle', text)


class Ssh(SessionCase):
    def test_ssh(self):
        self.start_agent({'SSH': f'127.0.0.1:{self.start_sshd()}'})
        user = pwd.getpwuid(os.getuid()).pw_name
        command = ['ssh', *self.ssh_options(), '-o', f'ProxyCommand={ISTCTL} connect %h SSH', f'{user}@{THING}.thing']
        env = {**os.environ, **self.ctl_env}

        def run(number):
            return subprocess.run([*command, f'echo {number}; cat'], input=b'input', capture_output=True, timeout=120,
                                  env=env)
        begun = time.monotonic()
        self.assertEqual(run('first').stdout, b'first\ninput')
        first = time.monotonic() - begun
        begun = time.monotonic()
        self.assertEqual(run('second').stdout, b'second\ninput')
        self.note(f'first ssh: {first:.2f} s, second: {time.monotonic() - begun:.2f} s')
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            for number, done in enumerate(pool.map(run, range(10))):
                self.assertEqual((done.returncode, done.stdout), (0, b'%d\ninput' % number), done.stderr)
        self.assertEqual(self.count_opened(), 1)
        done = subprocess.run([*command, 'exit 7'], capture_output=True, timeout=120, env=env)
        self.assertEqual(done.returncode, 7)


class Commands(SessionCase):
    def setUp(self):
        super().setUp()
        self.echo = Echo(b'hello ')
        self.serve(self.echo)
        self.start_agent({'SSH': self.echo.address, 'VNC': self.echo.address})

    def check_forward(self, port):
        with socket.create_connection(('127.0.0.1', port)) as connection:
            connection.sendall(b'world')
            self.assertEqual(read_exactly(connection, 11), b'hello world')

    def test_forward(self):
        forward = self.spawn_ctl('forward', 'forward', THING, 'SSH', stdout=subprocess.PIPE)
        address = forward.read_line().strip()
        # Nobody pays before somebody comes.
        self.assertEqual(self.count_opened(), 0)
        port = int(address.rpartition(':')[2])
        self.check_forward(port)
        self.check_forward(port)
        self.assertEqual(self.count_opened(), 1)
        listed = self.list()['forwards'][0]
        self.assertEqual((listed['thingName'], listed['service'], listed['address'], listed['kept']),
                         (THING, 'SSH', address, False))
        forward.send_signal(signal.SIGINT)
        forward.wait(30)
        wait_until(lambda: not self.list()['forwards'], 'the end of the forward')
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', port))

    def test_forward_to_an_address(self):
        port = free_port()
        forward = self.spawn_ctl('forward', 'forward', '--json', THING, 'SSH', f'127.0.0.1:{port}',
                                 stdout=subprocess.PIPE)
        self.assertEqual(json.loads(forward.read_line()),
                         {'thingName': THING, 'service': 'SSH', 'address': f'127.0.0.1:{port}'})
        self.ctl('forward', THING, 'SSH', f'127.0.0.1:{port}', status=69)
        self.assertIn(str(port), self.errors)

    def test_forward_survives_the_service(self):
        forward = self.spawn_ctl('forward', 'forward', THING, 'SSH', stdout=subprocess.PIPE)
        port = int(forward.read_line().strip().rpartition(':')[2])
        self.check_forward(port)
        pid = self.operator_pid()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.operator_pid() not in (None, pid), 'another ist-operator')
        wait_until(lambda: self.list()['forwards'], 'the forward')
        self.check_forward(port)

    def test_forward_without_a_bus_any_more(self):
        forward = self.spawn_ctl('forward', 'forward', THING, 'SSH', stdout=subprocess.PIPE)
        forward.read_line()
        self.bus.kill()
        self.assertEqual(forward.wait(30), 69)
        self.assertIn('session bus is gone', forward.log())

    def test_forward_in_the_background(self):
        address = self.ctl_json('forward', '--background', THING, 'SSH')['address']
        self.check_forward(int(address.rpartition(':')[2]))
        self.assertTrue(self.list()['forwards'][0]['kept'])
        self.ctl('close', address)
        self.assertEqual(self.list()['forwards'], [])
        self.assertEqual(len(self.open_tunnels()), 1)

    def test_forward_of_its_own(self):
        """What one asks for is not for others: neither for those that come, nor for those that are there."""
        alone = self.ctl_json('forward', '--background', '--reuse', 'never', '--lifetime', 60, THING, 'SSH')
        shared = self.ctl_json('forward', '--background', THING, 'SSH')
        alone, shared = (int(one['address'].rpartition(':')[2]) for one in (alone, shared))
        with contextlib.ExitStack() as stack:
            def come(port):
                connection = stack.enter_context(socket.create_connection(('127.0.0.1', port)))
                self.assertEqual(read_exactly(connection, 6), b'hello ')
            for port, opened in ((alone, 1), (shared, 2), (alone, 3), (shared, 3)):
                come(port)
                self.assertEqual(self.count_opened(), opened)
            self.assertEqual(self.ctl('connect', '--reuse', 'never', '--lifetime', 30, THING, 'SSH'), b'hello ')
            self.assertEqual(self.count_opened(), 4)
            come(shared)
            self.assertEqual(self.count_opened(), 4)
            lifetimes = {round((tunnel['expiresAt'] - tunnel['openedAt']) / 6e7): tunnel['connections']
                         for tunnel in self.list()['tunnels'] if tunnel['connections']}
            self.assertEqual(lifetimes, {60: 1, 720: 3})

    def test_forward_alone(self):
        forward = self.spawn_ctl('forward', 'forward', '--no-share', THING, 'SSH', stdout=subprocess.PIPE)
        self.check_forward(int(forward.read_line().strip().rpartition(':')[2]))
        self.assertEqual(len(self.open_tunnels()), 1)
        self.assertEqual(self.end_child(forward, 30), 128 + signal.SIGTERM)
        self.assertEqual(self.open_tunnels(), [])

    def test_open_and_close(self):
        tunnel = self.ctl_json('open', THING, 'SSH', 'VNC')
        self.assertEqual(self.open_tunnels(), [tunnel['tunnelId']])
        self.assertEqual((tunnel['thingName'], tunnel['services'], tunnel['kept'], tunnel['region']),
                         (THING, ['SSH', 'VNC'], True, 'us-east-1'))
        # Both services, and a second time.
        self.assertEqual(self.ctl('connect', THING, 'VNC'), b'hello ')
        self.assertEqual(self.ctl('open', THING, 'SSH').decode().strip(), tunnel['tunnelId'])
        self.assertEqual(self.ctl_json('close', tunnel['tunnelId']), {'closed': [tunnel['tunnelId']]})
        self.assertEqual(self.open_tunnels(), [])
        self.ctl('close', tunnel['tunnelId'], status=66)
        self.assertIn('istctl list', self.errors)
        self.ctl('open', THING, 'SSH')
        self.ctl('close', f'{THING}.thing')
        self.assertEqual(self.open_tunnels(), [])

    def start_connection(self, name):
        ctl = self.spawn_ctl(name, 'connect', THING, 'SSH', stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(ctl.stdout.read(6), b'hello ')
        listed = self.list()['connections']
        self.assertTrue(listed[-1]['tunnel'].endswith('/tunnels/1'))
        return ctl, listed[-1]['id']

    def check_ended(self, ctl):
        self.assertEqual(ctl.stdout.read(), b'')
        self.assertEqual(ctl.wait(60), 75)

    def test_close_a_connection(self):
        (first, number), (second, other), (third, last) = (self.start_connection(name) for name in ('a', 'b', 'c'))
        self.assertEqual((number, other, last), (1, 2, 3))
        self.assertRegex(self.ctl('list').decode(), f'(?m)^ +2  {THING} +SSH +open ')
        self.assertEqual(self.ctl_json('close', 2), {'closed': ['2']})
        self.check_ended(second)
        self.ctl('close', '/io/github/libist/Operator/connections/3')
        self.check_ended(third)
        wait_until(lambda: [one['id'] for one in self.list()['connections']] == [1], 'one connection')
        for wanted in ('2', '4', '01', '-1', '/io/github/libist/Operator/connections/2'):
            self.ctl('close', '--', wanted, status=66)
        # A thing that has a number for a name.
        self.ctl('forward', '--background', '1', 'SSH')
        self.ctl('close', 1)
        self.assertEqual(self.list()['forwards'], [])
        # Others of the tunnel go on.
        first.stdin.write(b'x')
        first.stdin.flush()
        self.assertEqual(first.stdout.read(1), b'x')
        self.assertEqual(len(self.open_tunnels()), 1)
        self.ctl('close', 1)
        self.check_ended(first)

    def test_open_alone(self):
        opened = self.spawn_ctl('open', 'open', '--no-share', THING, 'SSH', stdout=subprocess.PIPE)
        self.assertEqual([opened.read_line().strip()], self.open_tunnels())
        opened.expect('Ctrl-C')
        self.assertEqual(self.end_child(opened, 30), 128 + signal.SIGTERM)
        self.assertEqual(self.open_tunnels(), [])

    def test_list(self):
        self.assertEqual(self.ctl('list'), b'There are no tunnels.\n')
        self.assertEqual(self.list(), {'tunnels': [], 'connections': [], 'forwards': []})
        # Nothing has started it.
        self.assertIsNone(self.operator_pid())
        tunnel = self.ctl('open', THING, 'SSH', '--lifetime', 60).decode().strip()
        with socket.socket() as connection:
            forward = self.spawn_ctl('forward', 'forward', THING, 'SSH', stdout=subprocess.PIPE)
            port = int(forward.read_line().strip().rpartition(':')[2])
            connection.connect(('127.0.0.1', port))
            self.assertEqual(read_exactly(connection, 6), b'hello ')
            listed = wait_until(lambda: (found := self.list())['connections'] and found, 'a connection')
            self.assertEqual(listed['connections'][0]['service'], 'SSH')
            self.assertEqual(listed['tunnels'][0]['connections'], 1)
            self.assertEqual(listed['forwards'][0]['connections'], 1)
            left = listed['tunnels'][0]['expiresAt'] / 1e6 - time.time()
            self.assertTrue(3500 < left <= 3600, left)
            table = self.ctl('list').decode()
        for text in (THING, tunnel, 'connected', 'SSH', f'localhost:{port}', '0:59:'):
            self.assertIn(text, table)

    def test_watch(self):
        watch = self.spawn_ctl('watch', 'watch', '--json', stdout=subprocess.PIPE)
        self.ctl('open', THING, 'SSH')
        seen = []
        while not seen or seen[-1]['type'] != 'tunnel' or seen[-1]['state'] != 'connected' or not seen[-1]['kept']:
            seen.append(json.loads(watch.read_line()))
        self.assertEqual(seen[0]['event'], 'added')
        self.ctl('close', THING)
        while seen[-1]['event'] != 'removed':
            seen.append(json.loads(watch.read_line()))
        self.assertEqual(self.end_child(watch), 0)


# Says what it hears from the services at the ports it is told.
ASK = '''
import socket, sys
for port in sys.argv[1:]:
    with socket.create_connection(('localhost', port)) as connection:
        connection.sendall(b'world')
        connection.shutdown(socket.SHUT_WR)
        print(connection.makefile().read())
'''


class Things(SessionCase):
    emulator_arguments = ('--thing', 'fan-3,fan', '--thing', 'mill-1')
    EXPECTED = [{'thingName': 'fan-3', 'thingTypeName': 'fan'}, {'thingName': 'mill-1', 'thingTypeName': ''}]

    def test_command(self):
        for how in ((), ('--no-share',)):
            self.assertEqual(self.ctl_json('things', *how), {'things': self.EXPECTED, 'cut': False})
            lines = self.ctl('things', *how).decode().splitlines()
            self.assertEqual([line.split() for line in lines], [['Thing', 'Type'], ['fan-3', 'fan'], ['mill-1', '-']])
            self.assertEqual(self.errors, '')
        self.assertEqual(self.count_opened(), 0)

    def test_alone(self):
        self.assertEqual(self.ctl_json('things', env={'DBUS_SESSION_BUS_ADDRESS': ''})['things'], self.EXPECTED)

    def test_other_address(self):
        """Of things alone."""
        url = {'AWS_ENDPOINT_URL': f'http://127.0.0.1:{free_port()}', 'AWS_ENDPOINT_URL_IOT': self.endpoint_url}
        self.assertEqual(self.ctl_json('things', env=url)['things'], self.EXPECTED)

    def test_things_of_tunnels(self):
        self.ctl('open', THING, 'SSH', '--timeout', 1, status=75)
        names = [thing['thingName'] for thing in self.ctl_json('things')['things']]
        self.assertEqual(names, ['fan-3', 'mill-1', THING])

    def test_many(self):
        self.end_child(self.emulator)
        names = [f'thing-{number}' for number in range(5001)]
        self.start_emulator(*(word for name in names for word in ('--thing', name)))
        found = self.ctl_json('things')
        self.assertEqual([thing['thingName'] for thing in found['things']], names[:5000])
        self.assertTrue(found['cut'])
        self.assertEqual(len(self.ctl('things').decode().splitlines()), 5001)
        self.assertIn('5000', self.errors)

    def test_denied(self):
        self.end_child(self.emulator)
        self.start_emulator('--fail', 'ListThings=AccessDeniedException')
        for how in ((), ('--no-share',)):
            self.ctl('things', *how, status=77)
            self.assertIn('iot:ListThings', self.errors)
        good, text = self.call('ListThings', self.options())
        self.assertFalse(good)
        self.assertIn('io.github.libist.Operator1.Error.AccessDenied', text)

    def test_none(self):
        self.end_child(self.emulator)
        self.start_emulator()
        self.assertEqual(self.ctl('things'), b'There are no things.\n')
        self.assertEqual(self.ctl_json('things'), {'things': [], 'cut': False})

    def test_bus(self):
        self.assertEqual(self.call('ListThings', self.options()),
                         (True, "([('fan-3', 'fan'), ('mill-1', '')], false)\n"))
        for options in ({'timeout': 3}, {'keep': True}, {'progress': 'x'}, {'reuse': 'any'}, {'some': 'thing'},
                        {'region': 'a/b'}):
            good, text = self.call('ListThings', self.options(**options))
            self.assertFalse(good)
            self.assertIn('InvalidArgs', text, options)

    def test_caller_leaves(self):
        self.end_child(self.emulator)
        self.start_emulator('--delay', 'ListThings=1000', *(word for number in range(2000)
                                                            for word in ('--thing', f'thing-{number}')))
        ctl = self.spawn_ctl('ctl', 'things')
        self.emulator.expect('ListThings')
        ctl.kill()
        ctl.wait()
        # It ends as soon as nothing is to be done any more.
        self.stop_operator()
        self.assertLess(self.log_of('emulator').count('ListThings'), 8)


class Open(SessionCase):
    """ist-proxy --open, which shares the tunnel with istctl."""

    operator_arguments = ('--linger', '60', '--idle-timeout', '60')

    def setUp(self):
        super().setUp()
        self.echo = Echo(b'hello ')
        self.serve(self.echo)
        self.start_agent({'SSH': self.echo.address, 'VNC': self.echo.address})

    def open(self, *arguments, services='SSH', status=0, env=None, **options):
        """To its end; returns its output."""
        done = subprocess.run(self.open_command(*arguments, services=services), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=120, env={**os.environ, **self.ctl_env, **(env or {})},
                              **{'stdin': subprocess.DEVNULL, **options})
        self.errors = done.stderr.decode()
        self.all_logs += self.errors
        self.assertEqual(done.returncode, status, self.errors)
        return done.stdout

    def start_open(self, *arguments, env=None, **options):
        return self.spawn('proxy', self.open_command(*arguments), {**self.ctl_env, **(env or {})},
                          stdout=subprocess.PIPE, **options)

    def ask(self, port):
        with socket.create_connection(('127.0.0.1', port)) as connection:
            connection.sendall(b'world')
            self.assertEqual(read_exactly(connection, 11), b'hello world')

    def test_command(self):
        for _ in range(2):
            output = self.open('--', sys.executable, '-c', ASK, '{port}', '{port:VNC}', services='SSH,VNC')
            self.assertEqual(output, b'hello world\nhello world\n')
            # Nothing is said over the command.
            self.assertEqual(self.errors, '')
        self.assertEqual(self.ctl('connect', THING, 'VNC'), b'hello ')
        self.assertEqual(self.count_opened(), 1)
        # It stays for the next, for a while.
        self.assertEqual([tunnel['kept'] for tunnel in self.list()['tunnels']], [False])
        self.assertEqual(self.list()['forwards'], [])
        self.open('--', 'sh', '-c', 'exit 7', status=7)
        self.open('--', 'sh', '-c', 'kill -KILL $$', status=137)

    def test_no_share(self):
        self.assertEqual(self.ctl('connect', THING, 'SSH'), b'hello ')
        tunnels = self.open_tunnels()
        output = self.open('--no-share', '-v5', '--', sys.executable, '-c', ASK, '{port}')
        self.assertEqual(output, b'hello world\n')
        self.assertIn('--no-share', self.errors)
        self.assertEqual(self.count_opened(), 2)
        self.assertEqual(self.open_tunnels(), tunnels)

    def test_what_only_an_own_one_can_do(self):
        for arguments, env, reason in ((['-b', '127.0.0.1'], {}, '--local-bind-address'),
                                       (['--idle-timeout', '100'], {}, '--idle-timeout'),
                                       (['-c', self.folder], {}, '--capath'),
                                       (['-s', 'SSH=localhost.:0'], {}, 'localhost.'),
                                       ([], {'HTTPS_PROXY': 'http://127.0.0.1:1', 'NO_PROXY': '*'}, 'HTTPS_PROXY'),
                                       ([], {'AWS_ACCESS_KEY_ID': 'AKIDOWN', 'AWS_SECRET_ACCESS_KEY': 'own'},
                                        'AWS_ACCESS_KEY_ID'),
                                       ([], {'DBUS_SESSION_BUS_ADDRESS': ''}, 'bus')):
            self.open('-v5', *arguments, '--', 'true', env=env)
            self.assertIn('not shared with other programs: ', self.errors)
            self.assertIn(reason, self.errors)
            self.assertEqual(self.open_tunnels(), [])
        self.assertIsNone(self.operator_pid())

    def test_stdio(self):
        self.assertEqual(self.open('--stdio', input=b'world', stdin=None), b'hello world')
        self.assertEqual(self.open('--stdio=VNC', services='SSH,VNC', input=b'world', stdin=None), b'hello world')
        self.assertEqual(self.count_opened(), 2)
        self.open('--stdio', services='SSH,VNC', status=78)
        self.assertIn('--stdio=SSH', self.errors)
        self.open('--stdio=VNC', status=78)
        self.assertIn('VNC', self.errors)
        self.assertEqual(self.count_opened(), 2)

    def test_signal_to_stdio(self):
        proxy = self.start_open('--stdio', stdin=subprocess.PIPE)
        self.assertEqual(proxy.stdout.read(6), b'hello ')
        proxy.send_signal(signal.SIGTERM)
        self.assertEqual(proxy.wait(30), 0)
        wait_until(lambda: not self.list()['connections'], 'the end of the connection')

    def test_ready(self):
        port = free_port()
        path = self.path('here')
        proxy = self.start_open('-s', f'SSH={port},VNC={path}', '--service', 'VNC', '--json', '--port-file',
                                self.path('ports'))
        self.assertEqual(json.loads(proxy.read_line()),
                         {'event': 'ready', 'mode': 'source', 'services': ['SSH', 'VNC'],
                          'listening': [{'service': 'SSH', 'address': f'localhost:{port}', 'host': 'localhost',
                                         'port': port},
                                        {'service': 'VNC', 'address': path}]})
        self.assertEqual((self.folder / 'ports').read_text(), f'SSH={port}\nVNC={path}\n')
        proxy.expect(f'Listening for new connection on port {port}')
        self.ask(port)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            self.assertEqual(read_exactly(connection, 6), b'hello ')
        proxy.send_signal(signal.SIGTERM)
        self.assertEqual(proxy.wait(30), 0)
        self.assertFalse((self.folder / 'ports').exists())
        wait_until(lambda: not self.list()['forwards'], 'the end of the forwards')
        self.assertEqual(self.count_opened(), 1)

    def test_free_ports(self):
        """Also of a folder of mappings."""
        self.write('maps/one', 'VNC=0\nOTHER=0\n')
        proxy = self.start_open('--service', 'VNC', '--config-dir', self.path('maps'), '--json')
        listening = json.loads(proxy.read_line())['listening']
        self.assertEqual([one['service'] for one in listening], ['VNC'])
        self.ask(listening[0]['port'])
        self.assertEqual(self.end_child(proxy), 0)
        proxy = self.start_open('--json')
        self.ask(json.loads(proxy.read_line())['listening'][0]['port'])

    def test_service_killed(self):
        """The command goes on, at the same port."""
        proxy = self.start_open('--', 'sh', '-c', 'echo {port}; read line; echo $line', stdin=subprocess.PIPE)
        port = int(proxy.read_line())
        self.ask(port)
        pid = self.operator_pid()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.operator_pid() not in (None, pid) and self.list()['forwards'], 'another ist-operator')
        self.ask(port)
        proxy.stdin.write(b'end\n')
        proxy.stdin.close()
        self.assertEqual(proxy.read_line(), 'end\n')
        self.assertEqual(proxy.wait(30), 0)

    def test_service_killed_while_it_is_waited_for(self):
        self.end_child(self.agent)
        proxy = self.start_open('-v5', '--', sys.executable, '-c', ASK, '{port}')
        proxy.expect('waiting')
        self.signal_operator(signal.SIGKILL)
        self.start_agent({'SSH': self.echo.address})
        self.assertEqual(proxy.read_line(), 'hello world\n')
        self.assertEqual(proxy.wait(60), 0)

    def test_bus_gone(self):
        proxy = self.start_open('--', 'sh', '-c', 'echo on; exec sleep 1000')
        self.assertEqual(proxy.read_line(), 'on\n')
        self.bus.kill()
        self.assertEqual(proxy.wait(30), 69)
        self.assertIn('session bus is gone', proxy.log())

    def test_bus_gone_while_the_device_is_waited_for(self):
        self.end_child(self.agent)
        proxy = self.start_open('-v5', '--', 'true')
        proxy.expect('waiting')
        self.bus.kill()
        self.assertEqual(proxy.wait(30), 69)
        self.assertIn('session bus is gone', proxy.log())

    def test_signals(self):
        proxy = self.start_open('--', 'sh', '-c', 'trap "echo int" INT; trap "exit 9" TERM; echo on; '
                                'while :; do sleep 0.1; done', start_new_session=True)
        self.assertEqual(proxy.read_line(), 'on\n')
        proxy.send_signal(signal.SIGINT)
        self.assertEqual(proxy.read_line(), 'int\n')
        proxy.send_signal(signal.SIGTERM)
        self.assertEqual(proxy.wait(30), 9)

    def test_taken_address(self):
        with socket.create_server(('127.0.0.1', 0)) as taken:
            self.open('-s', f'SSH=127.0.0.1:{taken.getsockname()[1]}', status=69)
        # Nobody has paid.
        self.assertEqual(self.count_opened(), 0)

    def test_device_is_away(self):
        self.end_child(self.agent)
        self.open('--wait', 1, '--', 'true', status=75)
        self.assertIn('agent', self.errors)
        # Without a command it may still come.
        proxy = self.start_open('--wait', '1', '--json')
        self.assertEqual(json.loads(proxy.read_line())['event'], 'ready')
        proxy.send_signal(signal.SIGINT)
        self.assertEqual(proxy.wait(30), 0)
        proxy = self.start_open('-v5', '--', 'true')
        proxy.expect('waiting')
        proxy.send_signal(signal.SIGTERM)
        self.assertEqual(proxy.wait(30), 128 + signal.SIGTERM)

    def test_failures(self):
        """As istctl has them."""
        def both(**options):
            self.open('--', 'true', **options)
            self.ctl('connect', THING, 'SSH', **options)

        both(status=69, env={'AWS_ENDPOINT_URL': f'http://127.0.0.1:{free_port()}'})
        both(status=78, env={'AWS_PROFILE': 'nobody'})
        (self.home / '.aws/credentials').unlink()
        both(status=78, env={'AWS_EC2_METADATA_DISABLED': 'true'})
        self.open('--endpoint-url', 'ftp://host', '--', 'true', status=64)


class Held(SessionCase):
    """A tunnel stays as long as an ist-proxy wants it."""

    operator_arguments = ('--linger', '1', '--idle-timeout', '1')

    def test_held(self):
        self.serve(echo := Echo(b'hello '))
        self.start_agent({'SSH': echo.address})
        proxies = [self.spawn(f'proxy-{i}', self.open_command('--json'), self.ctl_env, stdout=subprocess.PIPE)
                   for i in range(2)]
        for proxy in proxies:
            proxy.read_line()
        self.end_child(proxies[0])
        time.sleep(3)
        self.assertEqual([tunnel['kept'] for tunnel in self.list()['tunnels']], [True])
        # Another start does not keep what nobody holds any more.
        self.assertFalse(json.loads(self.state_file.read_text())['tunnels'][0]['kept'])
        proxies[1].kill()
        self.wait_for_tunnels(0)
        self.wait_for_no_operator()
        self.assertEqual(self.count_opened(), 1)

    def test_kept_by_somebody_else(self):
        self.serve(echo := Echo(b'hello '))
        self.start_agent({'SSH': echo.address})
        self.ctl('open', THING, 'SSH')
        proxy = self.spawn('proxy', self.open_command('--json'), self.ctl_env, stdout=subprocess.PIPE)
        proxy.read_line()
        self.end_child(proxy)
        time.sleep(3)
        self.assertEqual(len(self.open_tunnels()), 1)


class Service(SessionCase):
    """What it survives, and how it ends."""

    operator_arguments = ('--linger', '2', '--idle-timeout', '2')

    def setUp(self):
        super().setUp()
        self.echo = Echo(b'hello ')
        self.serve(self.echo)
        self.start_agent({'SSH': self.echo.address})

    def test_lingers_and_ends(self):
        self.assertEqual(self.ctl('connect', THING, 'SSH'), b'hello ')
        text = self.state_file.read_text()
        self.assertEqual(self.state_file.stat().st_mode & 0o777, 0o600)
        self.assertEqual([json.loads(text)['tunnels'][0]['tunnelId']], self.open_tunnels())
        self.assertNotIn('oken', text)
        self.assertNotIn(ACCESS_KEY_ID, text)
        self.wait_for_tunnels(0)
        self.wait_for_no_operator()
        self.assertFalse(self.state_file.exists())
        self.assertEqual(self.ctl('connect', THING, 'SSH'), b'hello ')
        self.assertEqual(self.count_opened(), 2)

    def test_calls_as_it_ends(self):
        """None is lost, whenever it comes."""
        for _ in range(3):
            self.ctl('list')
            good, text = self.call('Watch')
            self.assertTrue(good, text)
            end = time.monotonic() + 2.5
            while time.monotonic() < end:
                good, text = self.call('Close', '/io/github/libist/Operator/tunnels/1')
                self.assertIn('NoSuchObject', text)

    def test_watched_it_stays(self):
        self.ctl('open', THING, 'SSH')
        watch = self.spawn_ctl('watch', 'watch', '--json', stdout=subprocess.PIPE)
        watch.read_line()
        self.ctl('close', THING)
        pid = self.operator_pid()
        time.sleep(4)
        self.assertEqual(self.operator_pid(), pid)
        self.end_child(watch)
        self.wait_for_no_operator()

    def test_terminated(self):
        self.ctl('open', THING, 'SSH')
        ctl = self.spawn_ctl('ctl', 'connect', THING, 'SSH', stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(ctl.stdout.read(6), b'hello ')
        self.signal_operator(signal.SIGTERM)
        self.assertEqual(self.open_tunnels(), [])
        self.assertFalse(self.state_file.exists())
        self.assertEqual(ctl.stdout.read(), b'')

    def test_killed(self):
        """What is used again is taken up again, for nothing."""
        ctl = self.spawn_ctl('ctl', 'connect', THING, 'SSH', stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(ctl.stdout.read(6), b'hello ')
        tunnels = self.open_tunnels()
        self.signal_operator(signal.SIGKILL)
        self.assertEqual(ctl.stdout.read(), b'')
        self.assertEqual(self.open_tunnels(), tunnels)
        self.call('Watch')
        wait_until(lambda: (found := self.list()['tunnels']) and found[0]['state'] == 'connected', 'the tunnel')
        self.assertEqual(self.ctl('connect', THING, 'SSH'), b'hello ')
        self.assertEqual(self.open_tunnels(), tunnels)
        self.assertEqual(self.count_opened(), 1)
        # And closed when nobody needs it.
        self.wait_for_tunnels(0)
        self.wait_for_no_operator()
        self.assertFalse(self.state_file.exists())

    def test_killed_with_a_kept_one(self):
        tunnel = self.ctl_json('open', THING, 'SSH')
        self.signal_operator(signal.SIGKILL)
        self.call('Watch')
        found = wait_until(lambda: [one for one in self.list()['tunnels'] if one['kept']], 'the tunnel')
        self.assertEqual(found[0]['tunnelId'], tunnel['tunnelId'])
        time.sleep(4)
        self.assertEqual(self.open_tunnels(), [tunnel['tunnelId']])
        self.ctl('close', THING)

    def test_killed_and_closed_by_somebody(self):
        tunnel = self.ctl_json('open', THING, 'SSH')
        self.signal_operator(signal.SIGKILL)
        self.ask_emulator('CloseTunnel', tunnelId=tunnel['tunnelId'], delete=True)
        self.call('Watch')
        wait_until(lambda: not self.state_file.exists(), 'the state file to go')
        self.assertEqual(self.list()['tunnels'], [])

    def test_killed_before_the_answer(self):
        """What AWS has opened, and nobody has heard of, is found, and closed unless it is used."""
        relay = self.serve(Relay(self.ask_emulator))
        ctl = self.spawn_ctl('ctl', 'connect', '--endpoint-url', relay.url, THING, 'SSH')
        lost, = self.wait_for_tunnels(1)
        # Of the same thing, and from the same program elsewhere.
        other = self.ask_emulator('OpenTunnel', description='0badcafe ist-operator',
                                  destinationConfig={'thingName': THING, 'services': ['SSH']})['tunnelId']
        ctl.kill()
        ctl.wait()
        self.signal_operator(signal.SIGKILL)
        self.assertEqual(set(self.open_tunnels()), {lost, other})
        # The next run asks AWS itself.
        record, = json.loads(self.state_file.read_text())['tunnels']
        self.assertNotIn('tunnelId', record)
        record['endpointUrl'] = self.endpoint_url
        self.state_file.write_text(json.dumps({'tunnels': [record]}))
        self.call('Watch')
        wait_until(lambda: not self.state_file.exists(), 'the state file to go')
        self.assertEqual(self.open_tunnels(), [other])
        self.assertEqual(self.count_opened(), 2)

    def test_silence_about_an_earlier_tunnel(self):
        """Calls wait to hear of it, but not for ever."""
        def say_nothing(connection):
            while connection.recv(65536):
                pass

        record = {'thing': THING, 'description': '0badcafe ist-operator', 'kept': False,
                  'at': time.time_ns() // 1000, 'profile': 'default', 'region': 'us-east-1',
                  'endpointUrl': f'http://127.0.0.1:{self.serve_tcp(say_nothing)}', 'caFile': self.info['caFile']}
        self.state_file.parent.mkdir(parents=True, exist_ok=True)
        self.state_file.write_text(json.dumps({'tunnels': [record]}))
        started = time.monotonic()
        self.assertEqual(self.ctl('connect', THING, 'SSH'), b'hello ')
        self.assertGreater(time.monotonic() - started, 8)

    def test_bad_state(self):
        self.state_file.parent.mkdir(parents=True)
        for text in ('', '{', 'null', '[]', '{"tunnels": [1, {}, {"thing": 2}, {"thing": "pump-1"}]}', '[' * 100000, '\0',
                     '{"tunnels": {}}'):
            self.state_file.write_text(text)
            self.assertTrue(self.call('Watch')[0], text)
            self.stop_operator()
        self.assertEqual(self.ctl('connect', THING, 'SSH'), b'hello ')

    def test_one_at_a_time(self):
        self.ctl('forward', '--background', THING, 'SSH')
        other = self.spawn('other', [OPERATOR], self.env)
        self.assertEqual(other.wait(60), 75)
        self.assertIn('Another ist-operator', self.log_of('other'))

    def test_without_a_bus(self):
        other = self.spawn('other', [OPERATOR], {**self.env, 'DBUS_SESSION_BUS_ADDRESS': 'unix:path=/nonexistent'})
        self.assertEqual(other.wait(60), 69)


class Failures(SessionCase):
    def test_bad_names(self):
        for arguments in (('connect', 'no thing', 'SSH'), ('connect', THING, 'no/service'), ('connect', THING),
                          ('connect',), ('connect', THING, 'SSH', 'more'), ('connect', '', 'SSH'),
                          ('connect', '.thing', 'SSH'), ('open', THING), ('close',), ('list', 'more'),
                          ('connect', '--json', THING, 'SSH'), ('connect', '--reuse', 'some', THING, 'SSH'),
                          ('connect', '--lifetime', '721', THING, 'SSH'), ('open', '--timeout', '-1', THING, 'SSH'),
                          ('forward', '--reuse', 'some', THING, 'SSH')):
            self.ctl(*arguments, status=64)
            self.assertNotEqual(self.errors, '')

    def test_clients(self):
        """Whose each connection is."""
        self.serve(echo := Echo(b'hello '))
        self.start_agent({'SSH': echo.address})

        def clients():
            text = self.call('org.freedesktop.DBus.ObjectManager.GetManagedObjects')[1]
            return re.findall(r"'Client': <'([^']*)'>", text)
        caller = self.spawn_ctl('caller', 'connect', THING, 'SSH', stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(os.read(caller.stdout.fileno(), 6), b'hello ')
        client, = clients()
        told = self.call('org.freedesktop.DBus.GetConnectionUnixProcessID', client, path='/org/freedesktop/DBus',
                         dest='org.freedesktop.DBus')
        self.assertEqual(told, (True, f'(uint32 {caller.pid},)\n'))
        self.end_child(caller)
        wait_until(lambda: not clients(), 'the end of it')
        forward = self.spawn_ctl('forward', 'forward', THING, 'SSH', stdout=subprocess.PIPE)
        port = int(forward.read_line().rpartition(':')[2])
        with socket.create_connection(('127.0.0.1', port), PATIENCE) as connection:
            self.assertEqual(connection.recv(6), b'hello ')
            self.assertEqual(clients(), [f'127.0.0.1:{connection.getsockname()[1]}'])

    def test_linger_that_is_set(self):
        """For a tunnel that is there, and those that come."""
        def read():
            return self.call('org.freedesktop.DBus.Properties.Get', 'io.github.libist.Operator1', 'Linger')[1]
        self.serve(echo := Echo(b'hello '))
        self.start_agent({'SSH': echo.address})
        self.assertEqual(self.ctl('connect', THING, 'SSH'), b'hello ')
        self.assertEqual(read(), '(<uint32 60>,)\n')
        good, text = self.call('SetLinger', 86401)
        self.assertFalse(good)
        self.assertIn('InvalidArgs', text)
        self.assertEqual(len(self.open_tunnels()), 1)
        self.assertTrue(self.call('SetLinger', 1)[0])
        self.assertEqual(read(), '(<uint32 1>,)\n')
        self.wait_for_tunnels(0)
        self.assertEqual(self.ctl('connect', THING, 'SSH'), b'hello ')
        self.wait_for_tunnels(0)
        self.assertEqual(self.count_opened(), 2)

    def test_calls_that_are_wrong(self):
        for method, arguments in (('Connect', ['no thing', 'SSH', '{}']), ('Connect', [THING, '', '{}']),
                                  ('Connect', [THING, 'SSH', "{'some': <1>}"]),
                                  ('Connect', [THING, 'SSH', "{'region': <1>}"]),
                                  ('Connect', [THING, 'SSH', "{'region': <'a/b'>}"]),
                                  ('Connect', [THING, 'SSH', "{'ca-file': <'relative'>}"]),
                                  ('Connect', [THING, 'SSH', "{'timeout': <uint32 0>}"]),
                                  ('Connect', [THING, 'SSH', "{'reuse': <'all'>}"]),
                                  ('Connect', [THING, 'SSH', "{'keep': <true>}"]),
                                  ('Connect', [THING, 'SSH', "{'progress': <'%s'>}" % ('x' * 65)]),
                                  ('Open', [THING, "['SSH']", "{'keep': <1>}"]),
                                  ('Open', [THING, '[]', '{}']), ('Open', [THING, "['a b']", '{}']),
                                  ('Forward', [THING, 'SSH', '0', "{'reuse': <'all'>}"]),
                                  ('Forward', [THING, 'SSH', '0', "{'lifetime': <uint32 721>}"]),
                                  ('Forward', [THING, 'SSH', '0', "{'keep': <1>}"])):
            good, text = self.call(method, *arguments)
            self.assertFalse(good)
            self.assertIn('InvalidArgs', text, (method, arguments))
        for method in ('Close', 'Unforward'):
            good, text = self.call(method, '/io/github/libist/Operator/tunnels/1')
            self.assertIn('io.github.libist.Operator1.Error.NoSuchObject', text)

    def test_no_credentials(self):
        (self.home / '.aws/credentials').unlink()
        self.ctl('connect', THING, 'SSH', status=78, env={'AWS_EC2_METADATA_DISABLED': 'true'})
        self.assertIn('redentials', self.errors)
        # They are looked for anew.
        self.write_credentials()
        self.serve(echo := Echo(b'hello '))
        self.start_agent({'SSH': echo.address})
        self.assertEqual(self.ctl('connect', THING, 'SSH'), b'hello ')

    def test_not_the_service(self):
        url = f'http://127.0.0.1:{free_port()}'
        self.ctl('connect', '--endpoint-url', url, THING, 'SSH', status=69)
        self.assertIn(url, self.errors)
        port = self.serve_tcp(lambda connection: connection.sendall(b'SSH-2.0-OpenSSH\r\n'))
        begun = time.monotonic()
        self.ctl('connect', '--endpoint-url', f'http://127.0.0.1:{port}', THING, 'SSH', status=69)
        self.note(f'{time.monotonic() - begun:.1f} s until “{self.errors.strip()}”')

    def test_device_is_away(self):
        self.ctl('connect', '--timeout', 1, THING, 'SSH', status=75)
        self.assertIn(THING, self.errors)
        self.assertIn('agent', self.errors)

    def test_patience(self):
        """Each has its own, of those who wait for the same device."""
        patient = self.spawn_ctl('patient', 'connect', '--timeout', '60', '-v', THING, 'SSH', stdout=subprocess.PIPE)
        patient.expect('waiting')
        begun = time.monotonic()
        self.ctl('connect', '--timeout', 1, THING, 'SSH', status=75)
        self.assertIn('1 seconds', self.errors)
        self.assertLess(time.monotonic() - begun, 30)
        self.assertIsNone(patient.poll())
        self.serve(echo := Echo(b'hello '))
        self.start_agent({'SSH': echo.address})
        self.assertEqual(patient.stdout.read(6), b'hello ')
        self.assertEqual(self.count_opened(), 1)

    def test_service_that_is_lacking(self):
        self.serve(echo := Echo())
        self.start_agent({'VNC': echo.address})
        self.ctl('connect', '--timeout', 2, THING, 'SSH', status=75)

    def test_caller_leaves(self):
        ctl = self.spawn_ctl('ctl', 'connect', '--timeout', 600, '-v', THING, 'SSH')
        ctl.expect('waiting')
        ctl.kill()
        ctl.wait()
        # Nobody waits any more: it lingers, and is closed with the service.
        self.assertEqual(len(self.open_tunnels()), 1)
        self.stop_operator()
        self.assertEqual(self.open_tunnels(), [])

    def test_secrets_stay_here(self):
        monitor = self.spawn('monitor', ['dbus-monitor', '--address', self.env['DBUS_SESSION_BUS_ADDRESS']])
        monitor.wait_until(lambda: self.log_of('monitor'), 'its first words')
        self.serve(echo := Echo(b'hello '))
        self.start_agent({'SSH': echo.address})
        self.assertEqual(self.ctl('connect', '-v', THING, 'SSH'), b'hello ')
        self.list()
        self.ctl('close', THING)
        log = self.log_of('monitor')
        self.assertIn('member=Connect', log)
        for secret in (ACCESS_KEY_ID, SECRET_ACCESS_KEY, 'ccess-token', 'ccessToken'):
            self.assertNotIn(secret, log)

    def test_others_are_refused(self):
        if os.getuid() != 0:
            raise unittest.SkipTest('needs to be root to ask as somebody else')
        self.assertTrue(self.call('Watch')[0])
        for method, arguments in (('Watch', ()), ('Connect', (THING, 'SSH', self.options())),
                                  ('Forward', (THING, 'SSH', '0', '{}'))):
            good, text = self.call(method, *arguments, user=NOBODY)
            self.assertFalse(good)
            self.assertIn('AccessDenied', text)

    def test_limits(self):
        for number in range(16):
            good, text = self.call('Forward', THING, 'SSH', '0', self.options(region=f'r{number}', keep=True))
            self.assertTrue(good, text)
        good, text = self.call('Forward', THING, 'SSH', '0', self.options(region='r16'))
        self.assertIn(f'{INTERFACE}.Error.TooMany', text)


if __name__ == '__main__':
    tap.main()
