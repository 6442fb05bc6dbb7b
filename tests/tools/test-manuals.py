# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Each program has a manual page that formats well, and has all options of its help and no other."""

import itertools
import pathlib
import re
import subprocess
import unittest

import tap
from built import PROGRAMS, list_commands, list_options
from child import require
from waiting import PATIENCE

TOOLS = pathlib.Path(__file__).parents[2] / 'src' / 'tools'
# The heads of paragraphs in which options are explained.
HEAD = re.compile(r'^\.TP(?: \d+)?\n(.*-.*)$', re.MULTILINE)
OPTION = re.compile(r'(?<![\w-])--?[a-zA-Z][\w-]*')
# GOptionContext's, for what we have none of.
NOT_OURS = {'--help-all'}


def find_page(name):
    page, = TOOLS.glob(f'*/{name}.[18]')
    return page


def read_options(page):
    text = page.read_text(encoding='utf-8').replace('\\-', '-')
    text = re.sub(r'\\f.', '', text).replace('"', '')
    return {option for head in HEAD.findall(text) for option in OPTION.findall(head)}


class Manuals(unittest.TestCase):
    def test_format(self):
        require('groff')
        for name in PROGRAMS:
            with self.subTest(name):
                done = subprocess.run(['groff', '-man', '-ww', '-z', '-K', 'utf-8', find_page(name)],
                                      stderr=subprocess.PIPE, check=True, text=True, timeout=PATIENCE)
                self.assertEqual(done.stderr, '')

    def test_options(self):
        for name in PROGRAMS:
            with self.subTest(name):
                told = set(itertools.chain.from_iterable(
                    list_options(name, *command) for command in (list_commands() if name == 'istctl' else [[]])))
                self.assertGreater(len(told), 4)
                self.assertEqual(read_options(find_page(name)) - NOT_OURS, told - NOT_OURS)


if __name__ == '__main__':
    tap.main()
