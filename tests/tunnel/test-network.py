#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What tunnels notice of the network below them: paths that die without a word,
addresses that change, links that go and come. In two network namespaces of the
test's own, joined by a pair of virtual interfaces; where there are none to be had
it is skipped.

The service is at one end, the clients at the other. Each is a process, which
tells what it hears as lines of "SECONDS NAME WORDS"."""

import base64
import contextlib
import ctypes
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import tap
from child import Child
from waiting import PATIENCE

SERVICE = '10.77.0.1'
CLIENT = '10.77.0.2'
OTHER = '10.77.0.3'


def gi():
    import gi
    gi.require_version('Ist', '1')
    gi.require_version('IstEmulator', '1')
    from gi.repository import GLib, Ist, IstEmulator
    return GLib, Ist, IstEmulator


# The service's side


def serve_emulator(n):
    """An emulator with tunnels for so many clients; their destinations are here, too."""
    GLib, Ist, IstEmulator = gi()
    service = IstEmulator.Service(address=SERVICE, plain=True)
    service.start()
    ends = []
    for _ in range(n):
        tunnel = service.open_tunnel(['SSH'], None, 0)
        end = Ist.SecureTunnel(mode=Ist.Mode.DESTINATION, access_token=tunnel.get_destination_access_token(),
                               endpoint=service.get_endpoint(), allow_plain=True)
        end.start()
        ends.append(end)
        print(service.get_endpoint(), tunnel.get_source_access_token(), flush=True)
    GLib.MainLoop().run()


def serve_mute():
    """A service that takes everything and never answers a ping."""
    listener = socket.create_server((SERVICE, 0))
    print(f'ws://{SERVICE}:{listener.getsockname()[1]}', 'x' * 20, flush=True)

    def talk(connection):
        request = b''
        while b'\r\n\r\n' not in request:
            request += connection.recv(4096)
        key = [line.split(b':')[1].strip() for line in request.split(b'\r\n')
               if line.lower().startswith(b'sec-websocket-key')][0]
        accept = base64.b64encode(hashlib.sha1(key + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest())
        services = b'\x00\x02\x08\x05'
        connection.sendall(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n'
                           b'Sec-WebSocket-Accept: ' + accept + b'\r\n\r\n\x82' + bytes([len(services)]) + services)
        try:
            while connection.recv(65536):
                pass
        except OSError:
            pass

    while True:
        threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()


# The client's side


def connect(clients):
    """Sources, until the end. Each client: NAME ENDPOINT TOKEN KIND."""
    GLib, Ist, _ = gi()
    ends = []

    def tell(name, *words):
        print(f'{time.monotonic():.3f}', name, *words, flush=True)

    def fill(end):
        """The queue is always full."""
        try:
            while True:
                end.send_message(Ist.Message.new_for_connection('SSH', 1, GLib.Bytes.new(bytes(60000))))
        except GLib.Error:
            return GLib.SOURCE_CONTINUE

    def begin(end, name, kind):
        tell(name, 'up')
        if kind == 'full':
            end.start_stream('SSH')

    for name, endpoint, token, kind in clients:
        settings = {'quick': {'ping_interval': 2, 'pong_timeout': 3},
                    'full': {'ping_interval': 2, 'pong_timeout': 3},
                    'patient': {'ping_interval': 2, 'pong_timeout': 3, 'reconnect_delay_floor_ms': 100,
                                'reconnect_delay_base_ms': 3600000, 'reconnect_delay_cap_ms': 3600000},
                    'usual': {}}[kind]
        end = Ist.SecureTunnel(mode=Ist.Mode.SOURCE, access_token=token, endpoint=endpoint, allow_plain=True,
                               **settings)
        end.connect('connection-success', lambda end, _ids, name=name, kind=kind: begin(end, name, kind))
        end.connect('connection-shutdown', lambda _end, error, name=name: tell(name, 'down', error.message))
        end.connect('connection-failure', lambda _end, error, _retry, name=name: tell(name, 'failed', error.message))
        end.start()
        if kind == 'full':
            GLib.timeout_add(20, fill, end)
        ends.append(end)
    GLib.MainLoop().run()


# The test


class Network(unittest.TestCase):
    def spawn(self, name, *arguments, prefix=()):
        child = Child(name, [*prefix, sys.executable, __file__, name, *arguments], self.folder / f'{name}.log',
                      stdout=subprocess.PIPE, preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL))
        self.addCleanup(child.end)
        return child

    def ip(self, *arguments):
        """At the service's end."""
        subprocess.run(['ip', *arguments], check=True)

    def client_ip(self, *arguments):
        subprocess.run(['nsenter', '-t', str(self.client.pid), '-n', 'ip', *arguments], check=True)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='ist-'))
        self.addCleanup(shutil.rmtree, self.folder)
        self.ip('link', 'set', 'lo', 'up')
        self.ip('link', 'add', 'ist-s', 'type', 'veth', 'peer', 'name', 'ist-c')
        self.addCleanup(subprocess.run, ['ip', 'link', 'del', 'ist-s'], stderr=subprocess.DEVNULL)
        self.ip('addr', 'add', f'{SERVICE}/24', 'dev', 'ist-s')
        self.ip('link', 'set', 'ist-s', 'up')
        self.places = {}
        emulator = self.spawn('emulator', '4')
        for name in ('idle', 'full', 'usual', 'patient'):
            self.places[name] = emulator.read_line().split()
        self.places['mute'] = self.spawn('mute').read_line().split()

    def is_apart(self):
        with contextlib.suppress(FileNotFoundError):
            return os.readlink(f'/proc/{self.client.pid}/ns/net') != os.readlink('/proc/self/ns/net')

    def start_clients(self, **kinds):
        """In a namespace of their own, which they wait for."""
        clients = [word for name, kind in kinds.items() for word in (name, *self.places[name], kind)]
        self.client = self.spawn('clients', *clients, prefix=['unshare', '--net'])
        self.client.wait_until(self.is_apart, 'its namespace')
        self.ip('link', 'set', 'ist-c', 'netns', str(self.client.pid))
        self.client_ip('addr', 'add', f'{CLIENT}/24', 'dev', 'ist-c')
        self.client_ip('link', 'set', 'ist-c', 'up')
        self.seen = []

    def wait_for(self, what, names, since):
        """When the last of these clients has told that, in seconds after @since."""
        end = time.monotonic() + PATIENCE
        while missing := set(names) - (told := self.told(what, since)).keys():
            try:
                when, name, word, *text = self.client.read_line(end - time.monotonic()).split(maxsplit=3)
            except AssertionError as e:
                raise AssertionError(f'{missing} never told {what}: {e}') from None
            self.seen.append((float(when), name, word, ' '.join(text)))
        latest = max(told[name] for name in names)
        print('#', what, ' '.join(names), f'after {latest - since:.1f} s', flush=True)
        return latest - since

    def told(self, what, since):
        """When each client has first told that."""
        return {name: when for when, name, word, _ in reversed(self.seen) if when >= since and word == what}

    def texts(self, name, what):
        return [text for _when, who, word, text in self.seen if who == name and word == what]

    def test_black_hole(self):
        """Right after connecting, the path dies: whether the service has answered
        pings before or never does, idle or with a full queue, it is noticed when the
        next ping is missed."""
        self.start_clients(idle='quick', full='full', mute='quick')
        self.wait_for('up', ('idle', 'full', 'mute'), 0)
        begun = time.monotonic()
        self.ip('route', 'add', 'blackhole', f'{CLIENT}/32')
        # Two seconds to the next ping, three for its answer, and the same again where
        # something has come just before.
        self.assertLess(self.wait_for('down', ('idle', 'full', 'mute'), begun), 20)
        for name in ('idle', 'full', 'mute'):
            self.assertIn('no answer to a ping', self.texts(name, 'down')[0])
        self.ip('route', 'del', 'blackhole', f'{CLIENT}/32')
        self.wait_for('up', ('idle', 'full', 'mute'), time.monotonic())

    def test_address_change(self):
        """With the default intervals: the connection is replaced at once."""
        self.start_clients(usual='usual')
        self.wait_for('up', ('usual',), 0)
        begun = time.monotonic()
        self.client_ip('addr', 'del', f'{CLIENT}/24', 'dev', 'ist-c')
        self.client_ip('addr', 'add', f'{OTHER}/24', 'dev', 'ist-c')
        self.assertLess(self.wait_for('down', ('usual',), begun), 15)
        self.assertLess(self.wait_for('up', ('usual',), begun), 20)

    def test_path_change(self):
        """The address is the same, but nothing that was begun gets through: the probe
        finds out, long before the next ping."""
        self.start_clients(usual='usual')
        self.wait_for('up', ('usual',), 0)
        begun = time.monotonic()
        self.ip('route', 'add', 'blackhole', f'{CLIENT}/32')
        self.client_ip('addr', 'add', f'{OTHER}/24', 'dev', 'ist-c')
        self.client_ip('route', 'add', '192.0.2.0/24', 'via', SERVICE)
        self.assertLess(self.wait_for('down', ('usual',), begun), 15)
        self.assertIn('since the network has changed', self.texts('usual', 'down')[0])

    def test_nothing_lost(self):
        """A route comes that has nothing to do with it: nothing happens."""
        self.start_clients(usual='usual', mute='usual')
        self.wait_for('up', ('usual', 'mute'), 0)
        self.client_ip('route', 'add', '192.0.2.0/24', 'via', SERVICE)
        time.sleep(6)
        self.client_ip('route', 'del', '192.0.2.0/24', 'via', SERVICE)
        time.sleep(1)
        self.client.terminate()
        self.assertNotIn(b'down', self.client.stdout.read())

    def test_link(self):
        """The link is gone for longer than the pings take to notice, and the wait for
        the next attempt is an hour: it ends when the link is there again. A tunnel that
        had nothing to say meanwhile is still the same one."""
        self.start_clients(patient='patient', usual='usual')
        self.wait_for('up', ('patient', 'usual'), 0)
        self.client_ip('link', 'set', 'ist-c', 'down')
        self.wait_for('down', ('patient',), 0)
        time.sleep(1)
        begun = time.monotonic()
        self.client_ip('link', 'set', 'ist-c', 'up')
        self.assertLess(self.wait_for('up', ('patient',), begun), 15)
        self.assertEqual(self.texts('usual', 'down'), [])


def enter():
    """Into a network namespace, as root in it; never back."""
    if os.environ.get('IST_TEST_NAMESPACE') != str(os.getpid()):
        as_root = ['--user', '--map-root-user'] if os.getuid() != 0 else []
        probe = subprocess.run(['unshare', *as_root, '--net', 'sh', '-c',
                                'ip link add ist-a type veth peer name ist-b && unshare --net true'],
                               capture_output=True, text=True)
        if probe.returncode != 0:
            reason = probe.stderr.strip().splitlines() or ['unshare failed']
            print(f'1..0 # SKIP no network namespaces: {reason[0]}')
            sys.exit(0)
        os.environ['IST_TEST_NAMESPACE'] = str(os.getpid())
        os.execvp('unshare', ['unshare', *as_root, '--net', sys.executable, *sys.argv])


if len(sys.argv) > 1 and sys.argv[1] == 'emulator':
    serve_emulator(int(sys.argv[2]))
elif len(sys.argv) > 1 and sys.argv[1] == 'mute':
    serve_mute()
elif len(sys.argv) > 1 and sys.argv[1] == 'clients':
    time.sleep(1)
    connect([sys.argv[i:i + 4] for i in range(2, len(sys.argv), 4)])
else:
    enter()
    tap.main()
