# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Many tunnels of one process, through ist-emulator."""

import os
import subprocess

import programs

TUNNELS = os.environ['IST_BENCH_TUNNELS']


class Case(programs.Case):
    services = None

    def start_crowd(self, count):
        """An emulator with so many tunnels, and a process without any yet."""
        self.start_emulator(*count * ['--open', 'SSH'])
        self.tokens = [tunnel['sourceAccessToken'] for tunnel in self.info['tunnels']]
        self.crowd = self.spawn('crowd', [TUNNELS], {
            'ISTBENCH_ENDPOINT': self.info['endpoint'], 'ISTBENCH_CA': self.info['caFile'], **self.crowd_env},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    # Of its process.
    crowd_env = {}

    def connect(self, count, patience):
        """So many more at the same moment; returns the seconds until all were connected."""
        tokens, self.tokens = self.tokens[:count], self.tokens[count:]
        self.crowd.stdin.write(f'start {" ".join(tokens)}\n'.encode())
        self.crowd.stdin.flush()
        return float(self.crowd.read_line(patience).split()[1])
