# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""All programs tell their version, their help, and what is wrong with a command line, in the same way."""

import itertools
import re
import subprocess
import unittest

import tap
from built import PROGRAMS
from waiting import PATIENCE


def run(name, *arguments):
    return subprocess.run([PROGRAMS[name], *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=PATIENCE)


class Startup(unittest.TestCase):
    def test_version(self):
        versions = set()
        for name, option in itertools.product(PROGRAMS, ('-V', '--version')):
            with self.subTest(name):
                done = run(name, option)
                self.assertEqual((done.returncode, done.stderr), (0, ''))
                self.assertRegex(done.stdout, rf'^{name} \d+\.\d+\.\d+\n$')
                versions.add(done.stdout.split()[1])
        self.assertEqual(len(versions), 1)

    def test_help(self):
        for name, option in itertools.product(PROGRAMS, ('-h', '--help')):
            with self.subTest(name):
                done = run(name, option)
                self.assertEqual((done.returncode, done.stderr), (0, ''))
                self.assertRegex(done.stdout, rf'\A\w+:\n  {name} ')
                self.assertRegex(done.stdout, r'(?m)^  -h, --help  +\S')
                self.assertRegex(done.stdout, r'(?m)^  -V, --version  +\S')

    def test_mistakes(self):
        for name, wrong in itertools.product(PROGRAMS, ('--nonsense', 'nonsense', '-Z')):
            with self.subTest(name):
                done = run(name, wrong)
                self.assertEqual((done.returncode, done.stdout), (64, ''))
                lines = done.stderr.splitlines()
                self.assertEqual(len(lines), 2, lines)
                # After the name or the time.
                self.assertRegex(lines[0], rf'^\S.* error: .*{re.escape(wrong)}')
                self.assertRegex(lines[1], rf'^\S.* Try “{name} --help”$')


if __name__ == '__main__':
    tap.main()
