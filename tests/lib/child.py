# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The programs that a test starts."""

import os
import pathlib
import re
import select
import shutil
import subprocess
import time
import unittest

import waiting
from waiting import PATIENCE

# Debian's, of which the tests know the habits.
AWS = shutil.which('aws', path='/usr/bin') or 'aws'


def require(*programs):
    """Skips the test where a program is missing, naming it."""
    for program in programs:
        if not shutil.which(program):
            raise unittest.SkipTest(f'{program} is not installed')


def run(*command, patience=PATIENCE, **options):
    """To its end, which must be a good one; returns its output."""
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=patience,
                          **options)
    if done.returncode != 0:
        raise AssertionError(f'{command[0]} ended with status {done.returncode}: {done.stderr!r}')
    return done.stdout


class Child(subprocess.Popen):
    """A program whose standard error is its log. Who waits for what it says or does
    fails when it ends instead, and tells what it has logged."""

    def __init__(self, name, command, log, **options):
        self.name = name
        # Of its output.
        self.lines = []
        self.log_path = pathlib.Path(log)
        with self.log_path.open('ab') as file:
            # An earlier program of this name may have written there.
            self.log_start = self.log_read = file.tell()
            super().__init__(list(map(str, command)),
                             **{'stdin': subprocess.DEVNULL, 'stdout': file, 'stderr': file, **options})

    def log(self):
        return self.log_path.read_bytes()[self.log_start:].decode(errors='replace')

    def complain(self, what):
        state = 'is still there' if self.poll() is None else f'ended with status {self.returncode}'
        words = ''.join(self.lines) + self.log()
        raise AssertionError(f'{what}; {self.name} {state}, its words:\n{words[-5000:]}')

    def wait_until(self, condition, what, patience=PATIENCE):
        """Returns what @condition does once that is something."""
        def look():
            # First, for its last words may be what is waited for.
            ended = self.poll() is not None
            return condition() or ended and self.complain(f'waited in vain for {what}')
        try:
            return waiting.wait_until(look, what, patience)
        except TimeoutError as e:
            self.complain(e)

    def next_line(self):
        """The next line of its log."""
        def look():
            with self.log_path.open('rb') as file:
                file.seek(self.log_read)
                line = file.readline()
            return line.endswith(b'\n') and line
        line = self.wait_until(look, 'another line of the log')
        self.log_read += len(line)
        return line.decode(errors='replace')

    def expect(self, pattern):
        """The next line of its log in which that is found."""
        try:
            while not re.search(pattern, line := self.next_line()):
                pass
        except AssertionError as e:
            raise AssertionError(f'no “{pattern}”: {e}') from None
        return line

    def read_line(self, patience=PATIENCE):
        """The next line of its standard output, of which nothing must lie in a buffer."""
        end = time.monotonic() + patience
        line = b''
        while not line.endswith(b'\n'):
            if not select.select([self.stdout], [], [], max(0, end - time.monotonic()))[0]:
                self.complain(f'no line of output in {patience} s, but {line!r}')
            byte = os.read(self.stdout.fileno(), 1)
            if not byte:
                # Its end comes with that of its output, if it does.
                try:
                    self.wait(1)
                except subprocess.TimeoutExpired:
                    pass
                self.complain(f'no more output than {line!r}')
            line += byte
        self.lines.append(line.decode())
        return self.lines[-1]

    def end(self, patience=10):
        """Returns its status."""
        if self.poll() is None:
            self.terminate()
            try:
                self.wait(patience)
            except subprocess.TimeoutExpired:
                self.kill()
                self.wait()
        for pipe in (self.stdin, self.stdout):
            if pipe:
                pipe.close()
        return self.returncode
