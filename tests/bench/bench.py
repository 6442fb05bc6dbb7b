#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The figures of a tunnel: speed, CPU time, latency and memory.

Starts ist-emulator and two ends of a tunnel through it, over TLS, all on this
machine, and measures one after the other. Prints figures; judges nothing.

    bench.py [--bytes N] [--repeat N] [--json]
"""

import argparse
import json
import os
import statistics
import subprocess
import time

import figures
import programs
from waiting import PATIENCE

ENDPOINT = os.environ['IST_BENCH_ENDPOINT']


class Bench(programs.Case):
    services = ['BENCH']

    def runTest(self):
        pass

    def start(self):
        self.start_emulator()
        self.destination = self.start_end('destination')
        self.source = self.start_end('source')
        self.processes = [self.source, self.emulator, self.destination]

    def start_end(self, mode):
        end = self.spawn(mode, [ENDPOINT], {
            'ISTBENCH_MODE': mode, 'ISTBENCH_ENDPOINT': self.info['endpoint'], 'ISTBENCH_CA': self.info['caFile'],
            'ISTBENCH_TOKEN': self.tunnel[mode + 'AccessToken']}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answer(end, 'connected')
        return end

    def command(self, end, line):
        end.stdin.write(f'{line}\n'.encode())
        end.stdin.flush()

    def answer(self, end, expected, patience=PATIENCE):
        line = end.read_line(patience)
        if not line.startswith(expected):
            end.complain(f'expected {expected!r}, got {line[:80]!r}')
        return line

    def transfer(self, sender, receiver, count, size):
        before = [figures.cpu(p.pid) for p in self.processes]
        self.command(receiver, f'expect {count * size}')
        start = time.monotonic()
        self.command(sender, f'send {count} {size}')
        self.answer(receiver, 'expect', 3600)
        seconds = time.monotonic() - start
        self.answer(sender, 'send')
        return seconds, [figures.cpu(p.pid) - b for p, b in zip(self.processes, before)]

    def memory(self, key):
        return {p.name: round(figures.memory(p.pid, key), 1) for p in self.processes}

    def measure(self, size, repeat):
        results = {'idle RSS MiB': self.memory('VmRSS')}

        count = size // 15_000
        for label, sender, receiver in (('to the destination', self.source, self.destination),
                                        ('to the source', self.destination, self.source)):
            runs = [self.transfer(sender, receiver, count, 15_000) for _ in range(repeat)]
            gigabytes = count * 15_000 / 1e9
            results[f'15,000-byte messages {label}'] = {
                'MB/s': round(statistics.median(gigabytes * 1000 / r[0] for r in runs)),
                'CPU s/GB': {p.name: round(statistics.median(r[1][i] for r in runs) / gigabytes, 2)
                             for i, p in enumerate(self.processes)}}

        small = 1_000_000
        runs = [self.transfer(self.source, self.destination, small, 64) for _ in range(repeat)]
        results['64-byte messages'] = {'per second': round(statistics.median(small / r[0] for r in runs))}

        self.command(self.destination, 'echo')
        self.answer(self.destination, 'echo')
        self.command(self.source, 'ping 5000')
        trips = sorted(int(t) / 1000 for t in self.answer(self.source, 'ping').split()[1:])
        results['1-byte round trip us'] = {'p50': round(trips[len(trips) // 2]),
                                           'p99': round(trips[len(trips) * 99 // 100])}
        results['peak RSS MiB'] = self.memory('VmHWM')
        return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--bytes', type=int, default=1_000_000_000, help='size of one transfer')
    parser.add_argument('--repeat', type=int, default=3, help='transfers each way; the median counts')
    parser.add_argument('--json', action='store_true', help='print the figures as JSON')
    args = parser.parse_args()

    rig = Bench()
    rig.setUp()
    try:
        rig.start()
        results = rig.measure(args.bytes, args.repeat)
    finally:
        rig.doCleanups()

    if args.json:
        print(json.dumps(results))
        return
    for name, values in results.items():
        print(f'{name}: {json.dumps(values)}')


if __name__ == '__main__':
    main()
