# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Hundreds of tunnels in one process: all connect, and each further one costs
little. How little is measured by bench-tunnels; here it is bounded, with room for
other machines."""

import os
import pathlib
import signal
import socket
import time

import crowd
import figures
import tap
from waiting import PATIENCE

# Connected before the others are counted: they bring what all share.
FIRST = 20

# Of memory that each further tunnel takes, in KiB: in its process, and in the emulator.
MAX_MEMORY = 100
MAX_EMULATOR = 64

# In a minute, of all tunnels together: a timer that ticks for each would be more.
MAX_WAKEUPS = 150

BUNDLE = pathlib.Path('/etc/ssl/certs/ca-certificates.crt')


class Scale(crowd.Case):
    crowd_env = figures.frugal()

    def measure_memory(self, count, authorities=''):
        """Connects so many at the same moment. Returns what is too much."""
        self.start_crowd(FIRST + count, authorities)
        self.connect(FIRST, PATIENCE)
        time.sleep(1)
        limits = {self.crowd: MAX_MEMORY, self.emulator: MAX_EMULATOR}
        before = {process: figures.memory(process.pid) for process in limits}
        self.note(f'{count} tunnels connected after {self.connect(count, PATIENCE)} s')
        time.sleep(2)
        excess = []
        for process, limit in limits.items():
            each = (figures.memory(process.pid) - before[process]) * 1024 / count
            self.note(f'{process.name}: {each:.0f} KiB for each tunnel')
            # Redzones and shadows are no memory of a tunnel.
            if each >= limit and 'IST_SANITIZED' not in os.environ:
                excess.append(f'{process.name}: {each:.0f} KiB, not less than {limit}')
        return excess

    def test_500_at_the_same_moment(self):
        self.assertEqual(self.measure_memory(500), [])
        before = figures.switches_of(self.crowd.pid)
        time.sleep(20)
        woken = figures.wakeups_between(before, figures.switches_of(self.crowd.pid)) * 3
        self.note(f'{woken} wake-ups a minute')
        self.assertLess(woken, MAX_WAKEUPS)

    def test_authorities_of_a_system(self):
        """They take a megabyte or more: once, not for each tunnel. On a busy machine what they leave in the heap can be
        scattered among what stays, once in a while, and is counted here though it is free."""
        if not BUNDLE.exists():
            self.skipTest(f'{BUNDLE} does not exist')
        for _ in range(3):
            excess = self.measure_memory(50, BUNDLE.read_text())
            if not excess:
                break
            self.end_children()
        self.assertEqual(excess, [])


class Waiting(crowd.Case):
    """Clients that come faster than they are accepted wait in the kernel. One that finds no place there tries again
    after one second, after three, seven, fifteen and so on."""

    services = ['SSH']
    CLIENTS = 400

    def setUp(self):
        super().setUp()
        if int(pathlib.Path('/proc/sys/net/core/somaxconn').read_text()) < self.CLIENTS:
            self.skipTest('the kernel keeps fewer')
        self.start_emulator()

    def check(self, process, port):
        process.send_signal(signal.SIGSTOP)
        clients = []
        try:
            for _ in range(self.CLIENTS):
                clients.append(socket.create_connection(('127.0.0.1', port), PATIENCE))
        finally:
            process.send_signal(signal.SIGCONT)
            for client in clients:
                client.close()

    def test_emulator(self):
        self.check(self.emulator, int(self.info['endpoint'].rpartition(':')[2]))

    def test_proxy(self):
        self.start_destination('SSH=1')
        port = self.start_source()['SSH']
        self.check(self.source, port)


if __name__ == '__main__':
    tap.main()
