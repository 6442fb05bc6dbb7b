#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What many tunnels of one process cost.

Connects so many at the same moment through ist-emulator, over TLS, after ten
that have brought what all share. Prints figures; judges nothing.

    bench-tunnels.py [--repeat N] [--idle SECONDS] [COUNT...]
"""

import argparse
import json
import statistics
import time

import crowd
import figures

# Connected before the others are measured.
FIRST = 10

# Seconds until what connecting has left behind is done.
REST = 3


class Bench(crowd.Case):
    def runTest(self):
        pass

    def measure(self, count, idle):
        self.start_crowd(FIRST + count)
        pids = {'crowd': self.crowd.pid, 'emulator': self.emulator.pid}
        self.connect(FIRST, 60)
        time.sleep(REST)
        memory = {name: figures.memory(pid) for name, pid in pids.items()}
        cpu = {name: figures.cpu(pid) for name, pid in pids.items()}
        result = {'seconds': self.connect(count, 600)}
        result.update({f'{name} CPU s': figures.cpu(pid) - cpu[name] for name, pid in pids.items()})
        time.sleep(REST)
        result.update({f'{name} KiB/tunnel': (figures.memory(pid) - memory[name]) * 1024 / count
                       for name, pid in pids.items()})
        if idle > 0:
            before = figures.switches_of(self.crowd.pid)
            time.sleep(idle)
            woken = figures.wakeups_between(before, figures.switches_of(self.crowd.pid))
            result['wake-ups/min'] = woken * 60 / idle
        return result


def measure(count, idle):
    rig = Bench()
    rig.setUp()
    try:
        return rig.measure(count, idle)
    finally:
        rig.doCleanups()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--repeat', type=int, default=5, help='fresh processes; medians are printed')
    parser.add_argument('--idle', type=int, default=60, help='seconds in which wake-ups are counted')
    parser.add_argument('counts', metavar='COUNT', type=int, nargs='*', default=[100, 500], help='of tunnels')
    args = parser.parse_args()

    for count in args.counts:
        runs = [measure(count, args.idle if i == 0 else 0) for i in range(args.repeat)]
        medians = {key: round(statistics.median(run[key] for run in runs if key in run), 2) for key in runs[0]}
        print(f'{count} tunnels: {json.dumps(medians)}', flush=True)


if __name__ == '__main__':
    main()
