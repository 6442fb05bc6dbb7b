# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A tunnel between real programs: ist-emulator, ist-proxy at both ends, and the
servers and clients of Debian beside them, all on 127.0.0.1 and free ports.

Everything started is a child of the test, and is ended with it."""

import json
import os
import pathlib
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest
import urllib.request

from child import Child, require, run
from sockets import Server, free_port, is_listening, read_exactly
from waiting import PATIENCE

EMULATOR = os.environ['IST_EMULATOR']
PROXY = os.environ['IST_PROXY']


def control_headers(operation):
    """Signed by nobody: the emulator looks at the form."""
    return {'Content-Type': 'application/x-amz-json-1.1',
            'X-Amz-Target': f'IoTSecuredTunneling.{operation}',
            'X-Amz-Date': '20260101T000000Z',
            'Authorization': 'AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/IoTSecuredTunneling/aws4_request, '
                             'SignedHeaders=host;x-amz-date, Signature=' + 64 * '0'}


class Case(unittest.TestCase):
    """Keeps a folder and the children of one test."""

    # Of the emulator's tunnel; None for no tunnel.
    services = ['SSH']

    def setUp(self):
        self.children = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='ist-'))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self.end_children)

    def path(self, name):
        return str(self.folder / name)

    def write(self, name, text, mode=0o600):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def note(self, text):
        """A figure or a remark in the test's output."""
        print(''.join(f'# {line}\n' for line in text.splitlines()), end='', flush=True)

    def spawn(self, name, command, env=None, **options):
        child = Child(name, command, self.path(name + '.log'), env={**os.environ, **(env or {})}, **options)
        self.children.append(child)
        return child

    def log_of(self, name):
        with open(self.path(name + '.log'), errors='replace') as f:
            return f.read()

    def describe_children(self):
        """For whoever wants to know why the test has failed."""
        return ''.join(f'{child.name} said:\n{child.log()[-3000:]}' for child in self.children)

    def end_child(self, child, patience=10):
        if child in self.children:
            self.children.remove(child)
        return child.end(patience)

    def end_children(self):
        for child in reversed(list(self.children)):
            self.end_child(child)

    # The tunnel

    def start_emulator(self, *arguments, services=None, **options):
        if services is None:
            services = self.services
        if services is not None:
            arguments += ('--open', ','.join(services))
        if '--certificate' not in arguments:
            arguments += ('--ca-file', self.path('ca.pem'))
        self.emulator = self.spawn('emulator', [EMULATOR, *arguments], stdout=subprocess.PIPE, **options)
        self.info = json.loads(self.emulator.read_line())
        self.tunnel = self.info['tunnels'][0] if self.info['tunnels'] else None
        return self.info

    def ask_emulator(self, operation, **members):
        """Of its control plane; returns the answer."""
        request = urllib.request.Request('http' + self.info['endpoint'].removeprefix('ws') + '/',
                                         json.dumps(members).encode(), control_headers(operation))
        context = ssl.create_default_context(cafile=self.info['caFile'])
        with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as answer:
            return json.load(answer)

    def command_emulator(self, command):
        """For one that was started with --commands and stdin=subprocess.PIPE; returns the answer."""
        self.emulator.stdin.write(command.encode() + b'\n')
        self.emulator.stdin.flush()
        return json.loads(self.emulator.read_line())

    def proxy(self, name, mode, *arguments, env=None, **options):
        token = self.tunnel[mode + 'AccessToken']
        return self.spawn(name, [PROXY, '-e', self.info['endpoint'], '-c', self.info['caFile'], *arguments],
                          {'AWSIOT_TUNNEL_ACCESS_TOKEN': token, **(env or {})}, **options)

    def start_destination(self, *targets, arguments=(), env=None):
        self.destination = self.proxy('destination', 'destination', '-d', ','.join(targets), *arguments, env=env)
        # The service drops what a source sends to a destination that is not there yet.
        self.destination.expect('Connected')
        return self.destination

    def read_ports(self):
        """What --port-file=ports of the source tells, once it does."""
        self.source.wait_until((self.folder / 'ports').exists, 'the port file')
        lines = (self.folder / 'ports').read_text().splitlines()
        self.ports = {service: int(port) for service, _, port in (line.rpartition('=') for line in lines)}
        return self.ports

    def start_source(self, *services, arguments=(), env=None):
        """Listens on free ports; returns them by service."""
        (self.folder / 'ports').unlink(missing_ok=True)
        mapping = ','.join(f'{service}=0' for service in services or self.services)
        self.source = self.proxy('source', 'source', '-s', mapping, '--port-file', self.path('ports'), *arguments,
                                 env=env)
        return self.read_ports()

    def start_tunnel(self, targets, arguments=()):
        """Both ends for a mapping of services to addresses; waits until bytes can flow."""
        self.start_destination(*[f'{service}={address}' for service, address in targets.items()],
                               arguments=arguments)
        return self.start_source(*targets, arguments=arguments)

    def check_echo_on(self, connection, data=b'hello'):
        connection.sendall(data)
        self.assertEqual(read_exactly(connection, len(data)), data)

    def check_echo(self, port, data=b'hello', address='127.0.0.1'):
        with socket.create_connection((address, port), PATIENCE) as connection:
            self.check_echo_on(connection, data)

    # Servers

    def serve(self, server):
        """Closes it with the test."""
        self.addCleanup(server.close)
        return server

    def serve_tcp(self, handle, **where):
        """Calls handle(socket) in a thread for each connection; returns the port."""
        return self.serve(Server(handle, **where)).port

    def start_sshd(self):
        """A real sshd that lets this user in with a key of its own; returns its port."""
        require('sshd', 'ssh', 'ssh-keygen')
        if os.getuid() == 0:
            os.makedirs('/run/sshd', mode=0o755, exist_ok=True)
        for name in ('host_key', 'user_key'):
            run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', self.path(name))
        port = free_port()
        self.write('sshd_config', f'''Port {port}
ListenAddress 127.0.0.1
HostKey {self.path('host_key')}
AuthorizedKeysFile {self.path('user_key.pub')}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 200
MaxSessions 200
Subsystem sftp internal-sftp
''')
        sshd = self.spawn('sshd', [shutil.which('sshd'), '-D', '-e', '-f', self.path('sshd_config')])
        sshd.wait_until(lambda: is_listening(port), 'its port')
        return port

    def ssh_options(self):
        return ['-F', 'none', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no',
                '-o', f'UserKnownHostsFile={self.path("known_hosts")}', '-o', 'LogLevel=ERROR',
                '-o', 'ConnectTimeout=60', '-i', self.path('user_key')]

    def ssh_command(self, port, *words):
        return ['ssh', *self.ssh_options(), '-p', str(port), f'{pwd.getpwuid(os.getuid()).pw_name}@127.0.0.1', *words]

    def start_nginx(self, root):
        require('nginx')
        port = free_port()
        # Its workers must be able to read the files when the master is root.
        self.folder.chmod(0o755)
        self.write('nginx.conf', f'''daemon off;
{'user root;' if os.getuid() == 0 else ''}
worker_processes 1;
error_log {self.path('nginx-error.log')};
pid {self.path('nginx.pid')};
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {self.path('nginx-body')};
  proxy_temp_path {self.path('nginx-proxy')};
  fastcgi_temp_path {self.path('nginx-fastcgi')};
  uwsgi_temp_path {self.path('nginx-uwsgi')};
  scgi_temp_path {self.path('nginx-scgi')};
  server {{ listen 127.0.0.1:{port} backlog=1024; root {root}; }}
}}
''')
        nginx = self.spawn('nginx', ['nginx', '-c', self.path('nginx.conf'), '-p', self.folder, '-e',
                                     self.path('nginx-error.log')])
        nginx.wait_until(lambda: is_listening(port), 'its port')
        return port
