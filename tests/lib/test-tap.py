# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What a test tells."""

import subprocess
import sys
import unittest

import tap

PROGRAM = '''
import unittest, tap

class Case(unittest.TestCase):
    def describe_children(self):
        return 'what its programs said'

    def test_1_passes(self):
        pass

    def test_2_is_skipped(self):
        self.skipTest('why')

    def test_3_fails(self):
        self.fail('this')

    def test_4_breaks_twice(self):
        self.addCleanup(self.fail, 'first that')
        self.fail('then this')

    def test_5_has_parts(self):
        for i in range(3):
            with self.subTest(i=i):
                self.assertEqual(i, 1)

tap.main()
'''


class Tap(unittest.TestCase):
    def run_tests(self, *names):
        done = subprocess.run([sys.executable, '-c', PROGRAM, *names], stdout=subprocess.PIPE, text=True, timeout=60)
        lines = done.stdout.splitlines()
        return done.returncode, [line for line in lines if line[0] != '#'], [line for line in lines if line[0] == '#']

    def test_lines(self):
        status, lines, remarks = self.run_tests()
        self.assertEqual(status, 1)
        self.assertEqual(lines, ['1..5', 'ok 1 Case.test_1_passes', 'ok 2 Case.test_2_is_skipped # SKIP why',
                                 'not ok 3 Case.test_3_fails', 'not ok 4 Case.test_4_breaks_twice',
                                 'not ok 5 Case.test_5_has_parts'])
        for remark in ('AssertionError: this', 'AssertionError: then this', 'AssertionError: first that',
                       'AssertionError: 0 != 1', 'AssertionError: 2 != 1', 'what its programs said'):
            self.assertIn(f'# {remark}', remarks)

    def test_some(self):
        self.assertEqual(self.run_tests('Case.test_1_passes'), (0, ['1..1', 'ok 1 Case.test_1_passes'], []))
        self.assertEqual(self.run_tests('Case.nothing')[0], 1)


if __name__ == '__main__':
    tap.main()
