# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A tunnel between real programs: ist-emulator, ist-proxy at both ends, and the
servers and clients of Debian beside them, all on 127.0.0.1 and free ports.

Everything started is a child of the test, and is ended with it."""

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

EMULATOR = os.environ['IST_EMULATOR']
PROXY = os.environ['IST_PROXY']

# Generous: for a machine that does much else.
PATIENCE = 60


def wait_until(condition, what, patience=PATIENCE):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise TimeoutError(f'waited in vain for {what}')


def free_port(family=socket.AF_INET, address='127.0.0.1'):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def is_listening(port, address='127.0.0.1'):
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


def require(*programs):
    """Skips the test where a program is missing, naming it."""
    for program in programs:
        if not shutil.which(program):
            raise unittest.SkipTest(f'{program} is not installed')


def frugal():
    """The environment of a program whose memory is measured: neither AddressSanitizer nor meson's malloc() may
    hold on to what it has freed, or touch what it has not used."""
    options = [os.environ.get('ASAN_OPTIONS', ''), 'quarantine_size_mb=0', 'thread_local_quarantine_size_kb=0',
               'malloc_context_size=0', 'max_malloc_fill_size=0', 'allocator_release_to_os_interval_ms=0']
    return {'ASAN_OPTIONS': ':'.join(filter(None, options)), 'MALLOC_PERTURB_': '0'}


def memory(pid, key='VmRSS'):
    """In MiB."""
    with open(f'/proc/{pid}/status') as f:
        for line in f:
            if line.startswith(key + ':'):
                return int(line.split()[1]) / 1024
    raise KeyError(key)


def cpu(pid):
    """Seconds."""
    with open(f'/proc/{pid}/stat') as f:
        fields = f.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def descriptors(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


class Case(unittest.TestCase):
    """Keeps a folder and the children of one test."""

    services = ['SSH']

    def setUp(self):
        self.children = []
        self.folder = tempfile.mkdtemp(prefix='ist-')
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self.end_children)

    def path(self, name):
        return os.path.join(self.folder, name)

    def note(self, text):
        """A figure or a remark in the test's output."""
        print('#', text, flush=True)

    def spawn(self, name, arguments, env=None, **options):
        log = open(self.path(name + '.log'), 'ab')
        child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})},
                                 **{'stdout': log, 'stderr': log, **options})
        log.close()
        child.name = name
        self.children.append(child)
        return child

    def log_of(self, name):
        with open(self.path(name + '.log'), errors='replace') as f:
            return f.read()

    def end_child(self, child, patience=10):
        if child in self.children:
            self.children.remove(child)
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(patience)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if child.stdout:
            child.stdout.close()
        return child.returncode

    def end_children(self):
        for child in reversed(list(self.children)):
            self.end_child(child)

    # The tunnel

    def start_emulator(self, *arguments, services=None, port=None, **options):
        arguments = list(arguments)
        if port:
            arguments += ['--port', str(port)]
        arguments += ['--open', ','.join(services or self.services)]
        if '--certificate' not in arguments:
            arguments += ['--ca-file', self.path('ca.pem')]
        self.emulator = self.spawn('emulator', [EMULATOR, *arguments], stdout=subprocess.PIPE, **options)
        line = self.emulator.stdout.readline()
        self.info = json.loads(line)
        self.tunnel = self.info['tunnels'][0]
        return self.info

    def proxy(self, name, mode, *arguments, env=None, **options):
        token = self.tunnel[mode + 'AccessToken']
        return self.spawn(name, [PROXY, '-e', self.info['endpoint'], '-c', self.info['caFile'], *arguments],
                          {'AWSIOT_TUNNEL_ACCESS_TOKEN': token, **(env or {})}, **options)

    def start_destination(self, *targets, arguments=(), env=None):
        self.destination = self.proxy('destination', 'destination', '-d', ','.join(targets), *arguments, env=env)
        # The service drops what a source sends to a destination that is not there yet.
        wait_until(lambda: 'Connected' in self.log_of('destination') or self.destination.poll() is not None,
                   'the destination')
        return self.destination

    def start_source(self, *services, arguments=(), env=None):
        """Listens on free ports; returns them by service."""
        port_file = self.path('ports')
        if os.path.exists(port_file):
            os.unlink(port_file)
        mapping = ','.join(f'{service}=0' for service in services or self.services)
        self.source = self.proxy('source', 'source', '-s', mapping, '--port-file', port_file, *arguments, env=env)
        wait_until(lambda: os.path.exists(port_file) or self.source.poll() is not None, 'the port file')
        if self.source.poll() is not None:
            raise AssertionError('the source ended: ' + self.log_of('source'))
        with open(port_file) as f:
            self.ports = {key: int(value) for key, value in (line.strip().split('=') for line in f if '=' in line)}
        return self.ports

    def start_tunnel(self, targets, arguments=()):
        """Both ends for a mapping of services to addresses; waits until bytes can flow."""
        self.start_destination(*[f'{service}={address}' for service, address in targets.items()],
                               arguments=arguments)
        return self.start_source(*targets, arguments=arguments)

    # Servers

    def serve_tcp(self, handle, family=socket.AF_INET, address='127.0.0.1', path=None):
        """Calls handle(socket) in a thread for each connection; returns the port."""
        if path:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(path)
        else:
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, 0))
        listener.listen(512)
        self.addCleanup(listener.close)

        def serve(connection):
            with connection:
                try:
                    handle(connection)
                except OSError:
                    pass

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return path or listener.getsockname()[1]

    def start_sshd(self):
        """A real sshd that lets this user in with a key of its own; returns its port."""
        require('sshd', 'ssh', 'ssh-keygen')
        if os.getuid() == 0:
            os.makedirs('/run/sshd', mode=0o755, exist_ok=True)
        for name in ('host_key', 'user_key'):
            subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', self.path(name)], check=True)
        port = free_port()
        with open(self.path('sshd_config'), 'w') as f:
            f.write(f'''Port {port}
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
        self.spawn('sshd', [shutil.which('sshd') or '/usr/sbin/sshd', '-D', '-e', '-f', self.path('sshd_config')])
        wait_until(lambda: is_listening(port), 'sshd')
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
        os.chmod(self.folder, 0o755)
        with open(self.path('nginx.conf'), 'w') as f:
            f.write(f'''daemon off;
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
        self.spawn('nginx', ['nginx', '-c', self.path('nginx.conf'), '-p', self.folder, '-e',
                             self.path('nginx-error.log')])
        wait_until(lambda: is_listening(port), 'nginx')
        return port
