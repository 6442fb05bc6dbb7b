#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What a keystroke waits beside a transfer, over ways that are slow and far.

A byte is echoed every 50 ms over one connection while another is poured into the
tunnel. Between each ist-proxy and ist-emulator stands a way that knows nothing of
either: it reads so many bytes a second and no more, so that what was sent beyond
waits in the sockets, and passes on what it has read after a delay. Prints a table,
and draws delay and rate over time; judges nothing.

    bench-delay.py [--seconds N] [--before PROXY] [--svg FILE] [RATE...]
"""

import argparse
import collections
import contextlib
import multiprocessing
import os
import signal
import socket
import statistics
import threading
import time

import picture
import programs
from sockets import echo

BLOCK = bytes(1 << 16)
DISTANCES = (0, 50, 200)
RATES = ('100000', '800000', '10000000', '800000-5000000', '0')

# The way


class Way:
    """Carries connections to a port: at most self.rate bytes a second towards it, 0 for any number, and each
    byte for half of the distance, either way."""

    def __init__(self, port, distance):
        self.target, self.delay = port, distance / 2000
        self.rate = multiprocessing.Value('d', 0)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.process = in_process(self.run)

    def run(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(('127.0.0.1', self.target))
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.carry(near, far, True)
            self.carry(far, near, False)

    def carry(self, source, sink, limited):
        waiting = collections.deque()
        change = threading.Condition()
        in_thread(self.read, source, limited, waiting, change)
        in_thread(self.write, sink, waiting, change)

    def read(self, source, limited, waiting, change):
        allowance, last = 0, time.monotonic()
        data = b'-'
        while data:
            with contextlib.suppress(OSError):
                rate = self.rate.value if limited else 0
                data = source.recv(8192 if rate else 1 << 18)
                now = time.monotonic()
            with change:
                # What is on its way is bounded only so that memory is.
                change.wait_for(lambda: len(waiting) < 4096)
                waiting.append((now + self.delay, data))
                change.notify_all()
            allowance, last = min(allowance + (now - last) * rate, rate / 50) - len(data), now
            if rate and allowance < 0:
                time.sleep(-allowance / rate)

    def write(self, sink, waiting, change):
        data = b'-'
        while data:
            with change:
                change.wait_for(lambda: waiting)
                due, data = waiting.popleft()
                change.notify_all()
            time.sleep(max(due - time.monotonic(), 0))
            with contextlib.suppress(OSError):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def in_thread(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()


def in_process(function, *arguments):
    process = multiprocessing.get_context('fork').Process(target=function, args=arguments, daemon=True)
    process.start()
    return process


# Measurements


class Bench(programs.Case):
    services = ['BENCH']

    def runTest(self):
        pass

    def serve(self, listener, received):
        """Echoes, or counts: what the first byte asks for."""
        def answer(connection):
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if connection.recv(1) == b'e':
                    echo(connection)
                while data := connection.recv(1 << 18):
                    received.value += len(data)

        while True:
            in_thread(answer, listener.accept()[0])

    def keep(self, process):
        self.addCleanup(process.join)
        self.addCleanup(process.terminate)

    def connect(self, kind):
        client = socket.create_connection(('127.0.0.1', self.port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(kind)
        return client

    def pour(self, client):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        while True:
            client.sendall(BLOCK)

    def start(self, distance):
        listener = socket.create_server(('127.0.0.1', 0))
        self.received = multiprocessing.Value('q', 0)
        self.keep(in_process(self.serve, listener, self.received))
        self.start_emulator()
        self.ways = {mode: Way(int(self.info['endpoint'].rpartition(':')[2]), distance) for mode in ('source', 'destination')}
        for way in self.ways.values():
            self.keep(way.process)
        target = f'BENCH=127.0.0.1:{listener.getsockname()[1]}'
        self.info['endpoint'] = f'wss://localhost:{self.ways["destination"].port}'
        self.start_destination(target)
        self.info['endpoint'] = f'wss://localhost:{self.ways["source"].port}'
        self.port = self.start_source()['BENCH']

    def run_beside_bulk(self, rates, seconds):
        """Lists of (time, value): delays of keystrokes in ms, and rates of the bulk in bytes a second."""
        delays, arrivals = [], []
        for way in self.ways.values():
            way.rate.value = rates[0]
        with self.connect(b'e') as key:
            key.settimeout(60)
            for _ in range(10):
                key.sendall(b'x')
                key.recv(1)
            self.keep(in_process(self.pour, self.connect(b's')))
            begin = time.monotonic()
            while (now := time.monotonic() - begin) < seconds:
                for way in self.ways.values():
                    way.rate.value = rates[min(int(now / seconds * len(rates)), len(rates) - 1)]
                arrivals.append((now, self.received.value))
                key.sendall(b'x')
                key.recv(1)
                done = time.monotonic() - begin
                delays.append((now, (done - now) * 1000))
                time.sleep(max(now + 0.05 - done, 0.01))
        return delays, slopes(arrivals)


def slopes(arrivals, least=0.5):
    """Of what has arrived; over some time each, for it comes in lumps."""
    result, (last, before) = [], arrivals[0]
    for now, count in arrivals:
        if now - last >= least:
            result.append((now, (count - before) / (now - last)))
            last, before = now, count
    return result


def measure(proxy, rates, distance, seconds):
    programs.PROXY = proxy
    rig = Bench()
    rig.setUp()
    try:
        rig.start(distance)
        return rig.run_beside_bulk(rates, seconds)
    finally:
        rig.doCleanups()


def summary(delays, rates, settled):
    waits = sorted(wait for now, wait in delays if now >= settled)
    return (statistics.median(waits), waits[len(waits) * 99 // 100],
            statistics.mean(rate for now, rate in rates if now >= settled) / 1000)


# Drawing

COLOURS = {0: picture.BLUE, 50: picture.ORANGE, 200: picture.RED}
BEFORE_DASH = '4 3'


def draw(image, rates, seconds, runs):
    """Delay above rate; @runs: (distance, whether it was before, delays, rates)."""
    image.column(name_of(rates), picture.Linear(0, seconds, range(0, int(seconds) + 1, 5)), '{} s'.format,
                 [(picture.Logarithmic(low, high), unit,
                   [(run[index], COLOURS[distance], BEFORE_DASH if before else '') for distance, before, *run in runs])
                  for index, low, high, unit in ((0, 0.3, 2e4, milliseconds), (1, 2e4, 1e9, megabytes))])


def milliseconds(value):
    return f'{value:g} ms' if value < 1000 else f'{value / 1000:g} s'


def megabytes(value):
    if value >= 1e9:
        return f'{value / 1e9:g} GB/s'
    return f'{value / 1e6:g} MB/s' if value >= 1e6 else f'{value / 1e3:g} kB/s'


def name_of(rates):
    return ', then '.join(megabytes(rate) if rate else 'no limit' for rate in rates)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--seconds', type=float, default=20)
    parser.add_argument('--settled', type=float, default=5, help='count from here on')
    parser.add_argument('--before', metavar='PROXY', help='another ist-proxy to compare with')
    parser.add_argument('--svg', metavar='FILE')
    parser.add_argument('rates', metavar='RATE', nargs='*', default=RATES,
                        help='bytes a second, 0 for no limit; several with - between, one after the other')
    args = parser.parse_args()
    ours = programs.PROXY
    proxies = {'now': ours, **({'before': os.path.abspath(args.before)} if args.before else {})}

    image = picture.Picture()
    print('| rate | distance | ' + ' | '.join(f'{name}: median, p99 ms, kB/s' for name in proxies) + ' |')
    for text in args.rates:
        rates, runs = [float(part) for part in text.split('-')], []
        for distance in DISTANCES:
            cells = []
            for name, proxy in proxies.items():
                result = measure(proxy, rates, distance, args.seconds)
                runs.append((distance, name == 'before', *result))
                cells.append('{:.1f}, {:.0f}, {:.0f}'.format(*summary(*result, args.settled)))
            print(f'| {name_of(rates)} | {distance} ms | ' + ' | '.join(cells) + ' |', flush=True)
        draw(image, rates, args.seconds, runs)
    if args.svg:
        legend = [(colour, 2, '', f'{distance} ms there and back') for distance, colour in COLOURS.items()]
        image.write(args.svg, [*legend, ('#444', 1.3, BEFORE_DASH, 'without the window')])


if __name__ == '__main__':
    main()
