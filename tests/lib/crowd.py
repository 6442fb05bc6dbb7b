# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Many tunnels of one process, through ist-emulator."""

import os
import pathlib
import subprocess

import programs

TUNNELS = os.environ['IST_BENCH_TUNNELS']


class Case(programs.Case):
    services = None
    # Of the process with the tunnels.
    crowd_env = {}

    def start_crowd(self, count, authorities=''):
        """An emulator with so many tunnels, and a process without any yet, which trusts further authorities."""
        self.start_emulator(*count * ['--open', 'SSH'])
        self.tokens = [tunnel['sourceAccessToken'] for tunnel in self.info['tunnels']]
        ca_file = self.write('authorities.pem', authorities + pathlib.Path(self.info['caFile']).read_text())
        self.crowd = self.spawn('crowd', [TUNNELS], {
            'ISTBENCH_ENDPOINT': self.info['endpoint'], 'ISTBENCH_CA': str(ca_file), **self.crowd_env},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def connect(self, count, patience):
        """So many more at the same moment; returns the seconds until all were connected."""
        tokens, self.tokens = self.tokens[:count], self.tokens[count:]
        self.crowd.stdin.write(f'start {" ".join(tokens)}\n'.encode())
        self.crowd.stdin.flush()
        return float(self.crowd.read_line(patience).split()[1])
