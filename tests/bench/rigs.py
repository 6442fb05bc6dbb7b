# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What is measured: something that carries connections, or messages, each time in fresh processes.

A relay that is not ours takes the place of ist-emulator where one is given, as a command with
{port}, {cert} and {key} in it. It listens on that port of 127.0.0.1, with TLS and that certificate, takes
GET /tunnel, and lets tokens T-src and T-dst connect to the two ends of tunnel T, which has no services."""

import os
import shlex
import socket
import struct
import subprocess
import time

import figures
import programs
from certificates import self_signed
from sockets import free_port, is_listening

ENDPOINT = os.environ['IST_BENCH_ENDPOINT']
LOAD = os.environ['IST_BENCH_LOAD']

# Of bench-load's requests.
ECHO, POUR = 0, 2


def percentiles(values):
    values = sorted(values)
    return values[len(values) // 2], values[len(values) * 99 // 100]


class Rig(programs.Case):
    # A tunnel without any.
    services = []

    def runTest(self):
        pass

    def __enter__(self):
        self.setUp()
        return self

    def __exit__(self, *error):
        self.doCleanups()

    def wait_for_port(self, process, port):
        process.wait_until(lambda: is_listening(port), 'its port')

    def start_between(self, relay, tunnels=1):
        """The service: @relay's command, or ist-emulator. Keeps the tokens of each tunnel."""
        if not relay:
            self.start_emulator(*['--open=' + ','.join(self.services)] * (tunnels - 1))
            self.between = self.emulator
            self.tunnels = self.info['tunnels']
            return
        port = free_port()
        certificate, key = self_signed(self.folder)
        self.between = self.spawn('relay', [word.format(port=port, cert=certificate, key=key)
                                            for word in shlex.split(relay)])
        self.wait_for_port(self.between, port)
        self.info = {'endpoint': f'wss://localhost:{port}', 'caFile': str(certificate)}
        self.tunnels = [{'sourceAccessToken': f'{i}-src', 'destinationAccessToken': f'{i}-dst'}
                        for i in range(tunnels)]
        self.tunnel = self.tunnels[0]

    def cpu(self):
        return {name: figures.cpu(process.pid) for name, process in self.processes.items()}

    def cpu_since(self, before):
        return {name: seconds - before[name] for name, seconds in self.cpu().items()}

    def memory(self, key):
        return {name: figures.memory(process.pid, key) for name, process in self.processes.items()}


class Carrier(Rig):
    """Carries connections from self.port to a server of bench-load."""

    def start_server(self):
        self.server = self.spawn('server', [LOAD, 'serve'], stdout=subprocess.PIPE)
        self.target = int(self.server.read_line())

    def load(self, *arguments):
        """The numbers that bench-load tells."""
        command = map(str, (LOAD, arguments[0], self.port, *arguments[1:]))
        return [float(word) for word in subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.split()]

    def start_proxies(self, relay=None, proxy=programs.PROXY):
        programs.PROXY = proxy
        self.start_server()
        self.start_between(relay)
        self.start_destination(f'127.0.0.1:{self.target}')
        self.source = self.proxy('source', 'source', '-s', '0', '--port-file', self.path('ports'))
        self.port, = self.read_ports().values()
        self.processes = {'source': self.source, 'destination': self.destination, 'between': self.between}

    def start_haproxy(self):
        """Two that copy bytes over TLS and do nothing else."""
        self.start_server()
        certificate, key = self_signed(self.folder)
        both = self.write('both.pem', certificate.read_text() + key.read_text())
        self.port, middle = free_port(), free_port()
        common = ('global\n  maxconn 4096\n'
                  'defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n')
        ends = {'source': f'{common}listen a\n  bind 127.0.0.1:{self.port}\n'
                          f'  server b 127.0.0.1:{middle} ssl verify none\n',
                'destination': f'{common}listen b\n  bind 127.0.0.1:{middle} ssl crt {both}\n'
                               f'  server c 127.0.0.1:{self.target}\n'}
        self.processes = {}
        for name, text in ends.items():
            config = self.write(name + '.cfg', text)
            self.processes[name] = self.spawn(name, ['haproxy', '-db', '-f', config])
        self.wait_for_port(self.processes['destination'], middle)
        self.wait_for_port(self.processes['source'], self.port)

    # Measurements

    def transfer(self, direction, size):
        before = self.cpu()
        seconds, = self.load({'to': 'push', 'from': 'pull'}[direction], size)
        used = self.cpu_since(before)
        sender, receiver = ('source', 'destination') if direction == 'to' else ('destination', 'source')
        gigabytes = size / 1e9
        return {f'{direction}: MB/s': gigabytes * 1000 / seconds,
                f'{direction}: sending': used[sender] / gigabytes,
                f'{direction}: receiving': used[receiver] / gigabytes,
                **({f'{direction}: between': used['between'] / gigabytes} if 'between' in used else {})}

    def keystrokes_beside_bulk(self, count):
        """In ms."""
        with subprocess.Popen([LOAD, 'push', str(self.port), str(1 << 60)]) as bulk:
            time.sleep(0.3)
            trips = self.load('ping', count, 10_000)
            bulk.kill()
        return [trip / 1e6 for trip in percentiles(trips)]

    def connect(self, kind, size=0):
        client = socket.create_connection(('127.0.0.1', self.port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(struct.pack('=QQ', kind, size))
        return client

    def peak_when_stalled(self, seconds):
        """The most memory while nobody reads what the server pours out."""
        with self.connect(POUR, 1 << 40):
            time.sleep(seconds)
            return self.memory('VmHWM')

    def measure(self, size):
        rounds = 3000
        result = {}
        self.load('ping', 100, 0)
        idle = self.memory('VmRSS')
        result['trip p50'], result['trip p99'] = [trip / 1000 for trip in percentiles(self.load('ping', rounds, 0))]
        result |= self.transfer('to', size)
        result |= self.transfer('from', size)
        result['key p50'], result['key p99'] = self.keystrokes_beside_bulk(200)
        peak = self.memory('VmHWM')
        result['in sequence'] = 1000 / self.load('open', 1000, 1)[0]
        result['at once'] = self.load('open', 300, 300)[0] * 1000
        stalled = self.peak_when_stalled(2)
        for end in ('source', 'destination'):
            result |= {f'{end} idle': idle[end], f'{end} peak': peak[end], f'{end} stalled': stalled[end]}
        return result


class Messages(Rig):
    """Two programs that use libist, and exchange messages."""

    def start_ends(self, relay=None, tunnels=1, library=None):
        self.start_between(relay, tunnels)
        # The service drops what a source sends to a destination that is not there yet.
        self.destination = self.start_end('destination', library)
        self.source = self.start_end('source', library)
        self.processes = {'source': self.source, 'destination': self.destination, 'between': self.between}

    def start_end(self, mode, library):
        end = self.spawn(mode, [ENDPOINT], {
            'ISTBENCH_MODE': mode, 'ISTBENCH_ENDPOINT': self.info['endpoint'], 'ISTBENCH_CA': self.info['caFile'],
            'ISTBENCH_TOKENS': ','.join(tunnel[mode + 'AccessToken'] for tunnel in self.tunnels),
            'ISTBENCH_SERVICES': ','.join(self.services),
            **({'LD_LIBRARY_PATH': library} if library else {})}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answer(end, 'connected')
        return end

    def command(self, end, line):
        end.stdin.write(f'{line}\n'.encode())
        end.stdin.flush()

    def answer(self, end, expected):
        """Its words."""
        line = end.read_line(600)
        if not line.startswith(expected):
            end.complain(f'expected {expected!r}, got {line[:80]!r}')
        return line.split()[1:]

    def send(self, count, size, burst=''):
        """Seconds, and CPU seconds of each process."""
        before = self.cpu()
        self.command(self.destination, f'expect {count * size}')
        start = time.monotonic()
        self.command(self.source, f'send {count} {size} {burst}'.rstrip())
        self.answer(self.destination, 'expect')
        seconds = time.monotonic() - start
        self.answer(self.source, 'send')
        return seconds, self.cpu_since(before)

    def measure(self, size):
        result = {}
        for length, count in ((15_000, max(size // 15_000, 1)), (64, max(size // 500, 1))):
            seconds, used = self.send(count, length)
            result[f'{length}: a second'] = count / seconds
            for name in used:
                result[f'{length}: {name} s/GB'] = used[name] / (count * length / 1e9)
                result[f'{length}: {name} us'] = used[name] / count * 1e6
        self.command(self.destination, 'echo')
        self.answer(self.destination, 'echo')
        self.command(self.source, 'ping 3000')
        trips = [int(trip) / 1000 for trip in self.answer(self.source, 'ping')]
        result['trip p50'], result['trip p99'] = percentiles(trips)
        peak = self.memory('VmHWM')
        for end in ('source', 'destination'):
            result[f'{end} peak'] = peak[end]
        return result
