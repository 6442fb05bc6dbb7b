# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""OpenSSH and what runs over it."""

import concurrent.futures
import filecmp
import hashlib
import os
import pty
import re
import select
import subprocess
import time

import figures
import programs
import tap
from child import require
from waiting import PATIENCE

# The tree that is copied each way, in MiB.
TREE_SIZE = int(os.environ.get('IST_TREE_SIZE', 1024))


class Ssh(programs.Case):
    def setUp(self):
        super().setUp()
        self.sshd = self.start_sshd()
        self.start_emulator()
        self.port = self.start_tunnel({'SSH': f'127.0.0.1:{self.sshd}'})['SSH']

    def test_command(self):
        result = subprocess.run(self.ssh_command(self.port, 'echo to stdout; echo to stderr >&2; exit 7'),
                                capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(result.stdout, 'to stdout\n')
        self.assertIn('to stderr', result.stderr)
        self.assertEqual(result.returncode, 7)

    def test_interactive(self):
        """A person at a terminal: a prompt, commands one after another, the end."""
        try:
            pid, terminal = pty.fork()
        except OSError as e:
            self.skipTest(f'no terminals here: {e}')
        if pid == 0:
            command = self.ssh_command(self.port)
            os.execvp(command[0], command[:1] + ['-tt'] + command[1:])
        said = b''

        def expect(pattern):
            nonlocal said
            end = time.monotonic() + PATIENCE
            while not re.search(pattern, said):
                self.assertLess(time.monotonic(), end, f'waited in vain for {pattern} in {said[-300:]}')
                if select.select([terminal], [], [], 1)[0]:
                    try:
                        said += os.read(terminal, 65536)
                    except OSError:
                        break
            self.assertRegex(said, pattern)
            said = b''

        os.write(terminal, b'PS1="ready> "\n')
        expect(rb'ready> $')
        for i in range(20):
            os.write(terminal, b'echo $((%d * 3))\n' % i)
            expect(rb'[\r\n]%d\r?\n[^\n]*ready> $' % (i * 3))
        os.write(terminal, b'exit 3\n')
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(status), 3)

    def test_hundred_commands_at_once(self):
        def run(i):
            result = subprocess.run(self.ssh_command(self.port, f'echo answer {i}'), capture_output=True, text=True,
                                    timeout=4 * PATIENCE)
            return result.stdout, result.returncode

        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(run, range(100)))
        for i, answer in enumerate(answers):
            self.assertEqual(answer, (f'answer {i}\n', 0))

    def make_tree(self, root):
        """Files from empty to large, with names and depths of all sorts."""
        sizes = [0, 1, 63 * 1024, 63 * 1024 + 1] + [1 << n for n in range(1, 22)]
        total = sum(sizes)
        large = (TREE_SIZE * 1024 * 1024 - total) // 8
        block = os.urandom(1 << 20)
        for number, size in enumerate(sizes + [large] * 8):
            folder = os.path.join(root, *[f'depth {d}' for d in range(number % 4)])
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, f'file {number} äöü'), 'wb') as f:
                left = size
                while left > 0:
                    # No two megabytes alike, so that a mix-up shows.
                    piece = hashlib.sha256(b'%d %d' % (number, left)).digest() + block[32:]
                    f.write(piece[:left])
                    left -= min(left, len(piece))

    def assert_same_tree(self, a, b):
        comparison = filecmp.dircmp(a, b, ignore=[], hide=[])
        self.assertEqual(comparison.left_only + comparison.right_only, [])
        match, mismatch, errors = filecmp.cmpfiles(a, b, comparison.common_files, shallow=False)
        self.assertEqual((mismatch, errors), ([], []))
        for name in comparison.common_dirs:
            self.assert_same_tree(os.path.join(a, name), os.path.join(b, name))

    def test_tree_both_ways(self):
        require('rsync', 'scp')
        original, there, back = self.path('original'), self.path('there'), self.path('back')
        self.make_tree(original)
        shell = ' '.join(['ssh', *self.ssh_options(), '-p', str(self.port)])
        start = time.monotonic()
        subprocess.run(['rsync', '-a', '--whole-file', '-e', shell, original + '/', f'127.0.0.1:{there}/'], check=True,
                       timeout=600)
        middle = time.monotonic()
        subprocess.run(['scp', '-q', '-r', *self.ssh_options(), '-P', str(self.port), f'127.0.0.1:{there}', back],
                       check=True, timeout=600)
        end = time.monotonic()
        self.assert_same_tree(original, there)
        self.assert_same_tree(original, back)
        self.note(f'{TREE_SIZE} MiB: rsync there {TREE_SIZE / (middle - start):.0f} MiB/s, '
                  f'scp back {TREE_SIZE / (end - middle):.0f} MiB/s')
        self.note(f'RSS: source {figures.memory(self.source.pid, "VmHWM"):.0f} MiB, '
                  f'destination {figures.memory(self.destination.pid, "VmHWM"):.0f} MiB at most')


class ProxyCommand(programs.Case):
    def test_stdio(self):
        """ist-proxy as ssh's ProxyCommand, without a port on this side."""
        sshd = self.start_sshd()
        self.start_emulator()
        self.start_destination(f'SSH=127.0.0.1:{sshd}')
        command = f'{programs.PROXY} -e {self.info["endpoint"]} -c {self.info["caFile"]} -m source --stdio'
        arguments = self.ssh_command(1, 'cat')
        arguments[1:1] = ['-o', f'ProxyCommand={command}']
        data = os.urandom(3_000_000)
        result = subprocess.run(arguments, input=data, capture_output=True, timeout=PATIENCE,
                                env={**os.environ, 'AWSIOT_TUNNEL_ACCESS_TOKEN': self.tunnel['sourceAccessToken']})
        # Nothing of ours between a person and ssh.
        self.assertNotIn('onnect', result.stderr.decode())
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stdout, data)


if __name__ == '__main__':
    tap.main()
