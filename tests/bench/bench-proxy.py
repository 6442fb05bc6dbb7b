#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The figures of two ist-proxy ends, beside a plain forwarder of TLS.

Both are measured in the same run: ist-proxy at both ends of a tunnel through
ist-emulator, and, where haproxy is installed, two haproxy processes that only
copy bytes over TLS, which is the limit to come close to. Prints figures; judges
nothing.

    bench-proxy.py [--bytes N] [--repeat N]
"""

import argparse
import json
import shutil
import socket
import statistics
import sys
import threading
import time

import figures
import programs
from certificates import self_signed
from sockets import echo, free_port, is_listening

BLOCK = bytes(1 << 20)


class Bench(programs.Case):
    """A rig: something that carries connections from self.port to self.server."""

    services = ['BENCH']

    def runTest(self):
        pass

    def answer(self, connection):
        """What the first byte asks for: e(cho), s(ink, then an answer), p(our)."""
        kind = connection.recv(1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if kind == b'e':
            echo(connection)
        elif kind == b's':
            size = int(connection.recv(20, socket.MSG_WAITALL))
            buffer = bytearray(1 << 20)
            while size > 0:
                n = connection.recv_into(buffer)
                if n == 0:
                    return
                size -= n
            connection.sendall(b'.')
        elif kind == b'p':
            size = int(connection.recv(20, socket.MSG_WAITALL))
            while size > 0:
                n = min(size, len(BLOCK))
                connection.sendall(BLOCK[:n] if n < len(BLOCK) else BLOCK)
                size -= n

    def connect(self, kind):
        client = socket.create_connection(('127.0.0.1', self.port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(kind)
        return client

    def start_proxy(self):
        self.server = self.serve_tcp(self.answer)
        self.start_emulator()
        start = time.monotonic()
        self.port = self.start_tunnel({'BENCH': f'127.0.0.1:{self.server}'})['BENCH']
        with self.connect(b'e') as client:
            client.sendall(b'x')
            client.recv(1)
        self.processes = {'source': self.source, 'emulator': self.emulator, 'destination': self.destination}
        return time.monotonic() - start

    def start_haproxy(self):
        self.server = self.serve_tcp(self.answer)
        certificate, key = self_signed(self.folder)
        both = self.write('both.pem', certificate.read_text() + key.read_text())
        self.port, middle = free_port(), free_port()
        common = ('global\n  maxconn 4096\n'
                  'defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n')
        ends = {'source': f'{common}listen a\n  bind 127.0.0.1:{self.port}\n'
                          f'  server b 127.0.0.1:{middle} ssl verify none\n',
                'destination': f'{common}listen b\n  bind 127.0.0.1:{middle} ssl crt {both}\n'
                               f'  server c 127.0.0.1:{self.server}\n'}
        self.processes = {}
        for name, text in ends.items():
            config = self.write(name + '.cfg', text)
            self.processes[name] = self.spawn(name, ['haproxy', '-db', '-f', config])
        for process, port in ((self.processes['destination'], middle), (self.processes['source'], self.port)):
            process.wait_until(lambda: is_listening(port), 'its port')

    # Measurements

    def transfer(self, size, to_server):
        before = {name: figures.cpu(p.pid) for name, p in self.processes.items()}
        with self.connect(b's' if to_server else b'p') as client:
            client.sendall(b'%20d' % size)
            start = time.monotonic()
            if to_server:
                left = size
                while left > 0:
                    n = min(left, len(BLOCK))
                    client.sendall(BLOCK if n == len(BLOCK) else BLOCK[:n])
                    left -= n
                client.recv(1)
            else:
                buffer, left = bytearray(1 << 20), size
                while left > 0:
                    left -= client.recv_into(buffer)
            seconds = time.monotonic() - start
        gigabytes = size / 1e9
        return {'MB/s': gigabytes * 1000 / seconds,
                **{f'{name} CPU s/GB': (figures.cpu(p.pid) - before[name]) / gigabytes
                   for name, p in self.processes.items()}}

    def round_trips(self, count):
        trips = []
        with self.connect(b'e') as client:
            for _ in range(count):
                start = time.perf_counter()
                client.sendall(b'x')
                client.recv(1)
                trips.append((time.perf_counter() - start) * 1e6)
        trips.sort()
        return {'p50 us': trips[count // 2], 'p99 us': trips[count * 99 // 100]}

    def round_trips_under_load(self):
        stop = threading.Event()
        bulk = self.connect(b's')
        bulk.sendall(b'%20d' % (1 << 60))

        def pour():
            while not stop.is_set():
                bulk.sendall(BLOCK)

        thread = threading.Thread(target=pour)
        thread.start()
        time.sleep(0.3)
        try:
            return self.round_trips(300)
        finally:
            stop.set()
            thread.join()
            bulk.close()

    def connections_in_sequence(self, count=1000):
        start = time.monotonic()
        for _ in range(count):
            with self.connect(b'e') as client:
                client.sendall(b'x')
                client.recv(1)
        return count / (time.monotonic() - start)

    def connections_at_once(self, count):
        """Seconds until all have their answer, and how many got it."""
        done = []
        barrier = threading.Barrier(count + 1)

        def use():
            barrier.wait()
            try:
                with self.connect(b'e') as client:
                    client.settimeout(60)
                    client.sendall(b'hello')
                    done.append(client.recv(5, socket.MSG_WAITALL) == b'hello')
            except OSError:
                pass

        threads = [threading.Thread(target=use) for _ in range(count)]
        for thread in threads:
            thread.start()
        barrier.wait()
        start = time.monotonic()
        for thread in threads:
            thread.join()
        return {'answered': sum(done), 'seconds': time.monotonic() - start}

    def stalled_reader(self):
        """The most memory of each end while nobody reads what the server pours out."""
        client = self.connect(b'p')
        client.sendall(b'%20d' % (4 << 30))
        time.sleep(3)
        peak = {f'{name} MiB': figures.memory(p.pid, 'VmHWM') for name, p in self.processes.items()}
        client.close()
        return peak

    def measure(self, size, repeat):
        def median(runs):
            return {key: statistics.median(run[key] for run in runs) for key in runs[0]}

        return {'to the server': median([self.transfer(size, True) for _ in range(repeat)]),
                'from the server': median([self.transfer(size, False) for _ in range(repeat)]),
                'round trip, idle': median([self.round_trips(3000) for _ in range(repeat)]),
                'round trip beside bulk': median([self.round_trips_under_load() for _ in range(repeat)]),
                'in sequence': {'connections/s': statistics.median(self.connections_in_sequence()
                                                                   for _ in range(repeat))},
                '50 at once': median([self.connections_at_once(50) for _ in range(repeat)]),
                '300 at once': median([self.connections_at_once(300) for _ in range(repeat)]),
                'stalled reader': self.stalled_reader()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--bytes', type=int, default=1_000_000_000)
    parser.add_argument('--repeat', type=int, default=5)
    args = parser.parse_args()

    results = {}
    for name, start in (('ist-proxy', Bench.start_proxy), ('haproxy', Bench.start_haproxy)):
        if name == 'haproxy' and not shutil.which('haproxy'):
            print('haproxy is not installed: no baseline', file=sys.stderr)
            continue
        rig = Bench()
        rig.setUp()
        try:
            start(rig)
            results[name] = rig.measure(args.bytes, args.repeat)
        finally:
            rig.doCleanups()

    for label in results['ist-proxy']:
        print(label)
        for name, result in results.items():
            print(f'  {name:10}', json.dumps({k: round(v, 2) if v < 10 else round(v)
                                              for k, v in result[label].items()}))


if __name__ == '__main__':
    main()
