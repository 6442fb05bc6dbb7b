# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The real parts that a device's agent works with, for tests: an MQTT broker
with TLS and client certificates, and a local TCP service."""

import json
import os
import pathlib
import pwd
import select
import shutil
import socket
import subprocess
import threading

from programs import PATIENCE, free_port, is_listening, wait_until

THING = 'pump-17'
# Debian keeps daemons out of users' paths.
MOSQUITTO = shutil.which('mosquitto') or shutil.which('mosquitto', path='/usr/sbin')
TOPIC = f'$aws/things/{THING}/tunnels/notify'
def run(*command, **options):
    subprocess.run(list(map(str, command)), check=True, timeout=PATIENCE,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


class Authority:
    """Issues certificates in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.certificate = self.folder / 'ca.pem'
        self.key = self.folder / 'ca.key'
        run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
            '-subj', '/CN=test authority', '-days', '2', '-keyout', self.key, '-out', self.certificate)

    def issue(self, name, host=None):
        """The paths of a certificate and its key."""
        certificate, key, request = (self.folder / f'{name}.{suffix}' for suffix in ('pem', 'key', 'csr'))
        run('openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
            '-subj', f'/CN={name}', '-keyout', key, '-out', request)
        extensions = self.folder / f'{name}.ext'
        extensions.write_text(f'subjectAltName={host}\n' if host else 'basicConstraints=CA:FALSE\n')
        run('openssl', 'x509', '-req', '-in', request, '-CA', self.certificate, '-CAkey', self.key,
            '-CAcreateserial', '-days', '2', '-extfile', extensions, '-out', certificate)
        return certificate, key


class Broker:
    """mosquitto with TLS on a free port, which knows clients by their certificates."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.authority = Authority(self.folder / 'ca')
        server, server_key = self.authority.issue('broker', host='DNS:localhost,IP:127.0.0.1')
        self.certificate, self.key = self.authority.issue(THING)
        self.backend, self.backend_key = self.authority.issue('backend')
        self.port = free_port()
        self.plain_port = free_port()
        self.log = self.folder / 'broker.log'
        # Who a device is, its certificate says; it may read its own topic only.
        (self.folder / 'acl').write_text(
            f'user backend\ntopic readwrite #\ntopic readwrite $aws/#\n'
            f'user {THING}\ntopic read {TOPIC}\n')
        self.config = self.folder / 'broker.conf'
        user = f'user {pwd.getpwuid(os.getuid()).pw_name}' if os.getuid() == 0 else ''
        self.config.write_text(f'''
{user}
per_listener_settings true
listener {self.port} 127.0.0.1
cafile {self.authority.certificate}
certfile {server}
keyfile {server_key}
require_certificate true
use_identity_as_username true
acl_file {self.folder / 'acl'}
listener {self.plain_port} 127.0.0.1
allow_anonymous true
''')
        self.process = None

    @property
    def address(self):
        return f'localhost:{self.port}'

    def start(self):
        with self.log.open('ab') as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen([MOSQUITTO, '-v', '-c', str(self.config)],
                                            stdout=log, stderr=subprocess.STDOUT)
        wait_until(lambda: is_listening(self.plain_port), 'the broker')

    def stop(self, kill=False):
        if self.process is None:
            return
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        self.process.wait(timeout=PATIENCE)
        self.process = None

    def publish(self, payload, topic=TOPIC, *options):
        """Publishes as the service does, QoS 1, and waits for the broker's word."""
        if not isinstance(payload, bytes):
            payload = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
        run('mosquitto_pub', '-h', 'localhost', '-p', self.port, '--cafile', self.authority.certificate,
            '--cert', self.backend, '--key', self.backend_key, '-q', '1', '-t', topic,
            '-s' if payload else '-n', *options, input=payload)

    def publish_lines(self, lines):
        """Publishes each line as one message, over one connection."""
        run('mosquitto_pub', '-h', 'localhost', '-p', self.port, '--cafile', self.authority.certificate,
            '--cert', self.backend, '--key', self.backend_key, '-q', '1', '-t', TOPIC, '-l',
            input=lines.encode())


def notification(token, services, **changes):
    return {'clientAccessToken': token, 'clientMode': 'destination', 'region': 'us-east-1',
            'services': services, **changes}


class Echo:
    """A TCP service on a free port, or on a Unix socket, that returns what it
    gets with its greeting before it, connection by connection."""

    def __init__(self, greeting=b'', path=None):
        self.greeting = greeting
        if path is None:
            self.listener = socket.create_server(('127.0.0.1', 0), backlog=512)
            self.port = self.listener.getsockname()[1]
            self.address = f'127.0.0.1:{self.port}'
        else:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(path))
            self.listener.listen()
            self.address = str(path)
        self.accepted = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        poll = select.epoll()
        poll.register(self.listener, select.EPOLLIN)
        clients = {}
        while True:
            for fd, _ in poll.poll():
                if fd == self.listener.fileno():
                    client, _ = self.listener.accept()
                    self.accepted += 1
                    clients[client.fileno()] = client
                    client.sendall(self.greeting)
                    poll.register(client, select.EPOLLIN)
                    continue
                try:
                    data = clients[fd].recv(65536)
                    if data:
                        clients[fd].sendall(data)
                        continue
                except OSError:
                    pass
                poll.unregister(fd)
                clients.pop(fd).close()


def read_exactly(connection, size):
    data = b''
    connection.settimeout(PATIENCE)
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            break
        data += more
    return data


def switches_of(pid):
    """How often each thread of a process went to sleep so far: it was awake before."""
    switches = {}
    for task in os.listdir(f'/proc/{pid}/task'):
        for line in pathlib.Path(f'/proc/{pid}/task/{task}/status').read_text().splitlines():
            if line.startswith('voluntary_ctxt_switches:'):
                switches[task] = int(line.split()[1])
    return switches


def wakeups_between(before, after):
    """Of two counts; threads that have ended meanwhile were not woken for work."""
    return sum(count - before.get(task, 0) for task, count in after.items())
