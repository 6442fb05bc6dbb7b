# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What the end of a log says of the tests before it."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
from unittest import mock

import tally
import tap


class Tally(unittest.TestCase):
    def sum_up(self, *tests, options=()):
        """The status and the lines, for tests as meson's log tells of them."""
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, 'testlog.json')
            with open(log, 'w', encoding='utf-8') as file:
                for test in tests:
                    file.write(json.dumps({'name': 'suite / program', 'result': 'OK', 'returncode': 0, **test}) + '\n')
            output = io.StringIO()
            with contextlib.redirect_stdout(output), mock.patch.object(sys, 'argv', ['tally.py', *options, log]):
                status = tally.main()
        return status, output.getvalue().splitlines()

    def test_counts(self):
        status, lines = self.sum_up(
            {'stdout': '1..3\nok 1 one\nok 2 two # SKIP no network\nok 3 - three\n'},
            {'stdout': 'no TAP'},
            {'result': 'SKIP', 'returncode': 77, 'stderr': 'first\nthere is no broker\n'})
        self.assertEqual(status, 0)
        self.assertEqual(lines, ['SKIP: suite / program: two: no network',
                                 'SKIP: suite / program: there is no broker',
                                 '3 passed, 0 failed, 2 skipped'])

    def test_failed_case_is_explained(self):
        status, lines = self.sum_up({
            'result': 'FAIL', 'returncode': 1, 'stderr': 'its programs said that\n',
            'stdout': '1..3\n# of the first\nok 1 one\n# AssertionError: 1 != 2\nnot ok 2 two\nok 3 three\n'})
        self.assertEqual(status, 1)
        self.assertEqual(lines, ['FAIL: suite / program: two: not ok',
                                 '    # AssertionError: 1 != 2',
                                 '    its programs said that',
                                 '2 passed, 1 failed, 0 skipped'])

    def test_signal_has_a_name(self):
        for status, words in ((-5, 'status -5 (SIGTRAP)'), (134, 'status 134 (SIGABRT)'), (99, 'status 99'),
                              (-999, 'status -999'), (None, 'status None')):
            with self.subTest(status=status):
                _, lines = self.sum_up({'result': 'ERROR', 'returncode': status})
                self.assertEqual(lines[0], f'FAIL: suite / program: error, {words}')

    def test_last_words(self):
        chatter = ''.join(f'# line {i}\n# GLib-GIO-DEBUG: noise {i}\n\n' for i in range(100))
        _, lines = self.sum_up({'result': 'ERROR', 'returncode': -5,
                                'stdout': f'1..2\nok 1 one\n{chatter}Bail out! test.c:7: never came true: {"x" * 9999}\n'})
        self.assertEqual(lines[0], 'FAIL: suite / program: error, status -5 (SIGTRAP)')
        self.assertEqual(lines[1], '    # line 81')
        self.assertEqual(lines[-3], '    # line 99')
        self.assertRegex(lines[-2], r'^    Bail out! test\.c:7: never came true: x{100,400}$')
        self.assertEqual(len(lines), 2 + tally.MAX_WORDS)

    def test_first_words_of_a_sanitizer(self):
        for words in ('==12==ERROR: AddressSanitizer: heap-use-after-free', 'a.c:1:2: runtime error: overflow',
                      '==12==ERROR: LeakSanitizer: detected memory leaks'):
            with self.subTest(words=words):
                _, lines = self.sum_up({'result': 'ERROR', 'returncode': 1,
                                        'stderr': f'before\n{words}\n' + 'shadow\n' * 100})
                self.assertEqual(lines[1], f'    {words}')
                self.assertEqual(len(lines), 2 + tally.MAX_WORDS)

    def test_nothing_is_no_success(self):
        with mock.patch.object(sys, 'argv', ['tally.py']), contextlib.redirect_stdout(io.StringIO()) as output:
            self.assertEqual(tally.main(), 1)
        self.assertEqual(output.getvalue(), 'FAIL: no test has run\n0 passed, 0 failed, 0 skipped\n')
        self.assertEqual(self.sum_up({}, options=['--failed', '2', '--skipped', '1']),
                         (1, ['1 passed, 2 failed, 1 skipped']))


if __name__ == '__main__':
    tap.main()
