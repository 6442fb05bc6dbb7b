# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A terminal in which a program runs, as in a window of some size."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import termios
import unicodedata
import unittest

ENTER = b'\x1b[?1049h'
LEAVE = b'\x1b[?1049l'
TO_TOP = b'\x1b[H'
# Everything that is not text.
CONTROL = re.compile(r'\x1b\[[0-9;?]*[A-Za-z]')


def width(text):
    """In cells."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in 'WF' else 1 for c in text)


class Terminal:
    def __init__(self, columns=80, lines=24):
        try:
            self.main, self.other = pty.openpty()
        except OSError as e:
            raise unittest.SkipTest(f'no terminals here: {e}') from None
        self.shown = bytearray()
        self.resize(columns, lines)
        self.settings = termios.tcgetattr(self.other)

    def options(self):
        """For subprocess: the program gets it as its own, with the signals of its keys."""
        return {'stdin': self.other, 'stdout': self.other, 'start_new_session': True,
                'preexec_fn': lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)}

    def resize(self, columns, lines):
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, struct.pack('HHHH', lines, columns, 0, 0))

    def press(self, key):
        os.write(self.main, key)

    def read(self):
        """All that has come."""
        with contextlib.suppress(OSError):
            while select.select([self.main], [], [], 0)[0]:
                self.shown += os.read(self.main, 65536)
        return bytes(self.shown)

    def screen(self):
        """The lines of the last whole screen that was drawn."""
        frames = self.read().split(TO_TOP)[1:]
        whole = [frame for frame in frames if b'\x1b[J' in frame]
        text = whole[-1].partition(b'\x1b[J')[0].decode() if whole else ''
        return re.split(r'\r*\n', CONTROL.sub('', text))

    def is_as_before(self):
        return termios.tcgetattr(self.other) == self.settings and self.read().endswith(LEAVE)

    def hang_up(self):
        os.close(self.main)
        self.main = -1

    def close(self):
        for fd in (self.main, self.other):
            with contextlib.suppress(OSError):
                os.close(fd)
