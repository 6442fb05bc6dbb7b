# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What tests pass on to programs and leave behind, and how they wait for them."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import tap
from child import Child

# A test that is started as nohup starts it, and whose child and grandchild have sessions of their own.
PROGRAM = '''
import subprocess, sys, time
sys.path.insert(0, sys.argv[1])
import process
process.set_signals()
process.keep()
script = 'setsid sleep 600 & echo $!; wait'
child = subprocess.Popen(['setsid', 'sh', '-c', script], stdout=subprocess.PIPE, text=True)
with open(f'/proc/{child.pid}/status') as f:
    ignored = next(line.split()[1] for line in f if line.startswith('SigIgn'))
print(child.pid, child.stdout.readline().strip(), ignored, flush=True)
time.sleep(float(sys.argv[2]))
'''


def is_running(pid):
    try:
        with open(f'/proc/{pid}/stat') as f:
            return f.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


class Process(unittest.TestCase):
    def start(self, seconds):
        self.test = subprocess.Popen([sys.executable, '-c', PROGRAM, os.path.dirname(os.path.abspath(__file__)),
                                      str(seconds)], stdout=subprocess.PIPE, text=True,
                                     preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        self.addCleanup(self.test.stdout.close)
        self.addCleanup(self.test.wait)
        self.addCleanup(self.test.kill)
        child, grandchild, ignored = self.test.stdout.readline().split()
        self.ignored = int(ignored, 16)
        return int(child), int(grandchild)

    def assert_gone(self, pids):
        end = time.monotonic() + 20
        while any(map(is_running, pids)) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertFalse([pid for pid in pids if is_running(pid)])

    def test_terminated(self):
        pids = self.start(600)
        self.assertTrue(all(map(is_running, pids)))
        self.test.terminate()
        self.assertEqual(self.test.wait(20), -signal.SIGTERM)
        self.assert_gone(pids)

    def test_ended(self):
        pids = self.start(0)
        self.assertEqual(self.test.wait(20), 0)
        self.assert_gone(pids)

    def test_hangup_is_not_ignored(self):
        self.start(600)
        self.assertFalse(self.ignored >> (signal.SIGHUP - 1) & 1)


class Waiting(unittest.TestCase):
    """A child that ends instead of doing what is waited for is no reason to go on waiting."""

    def start(self, script):
        folder = tempfile.TemporaryDirectory(prefix='ist-')
        self.addCleanup(folder.cleanup)
        self.child = Child('child', ['sh', '-c', script], folder.name + '/child.log', stdout=subprocess.PIPE)
        self.addCleanup(self.child.end)

    def assert_fails(self, wait, *arguments):
        begun = time.monotonic()
        with self.assertRaises(AssertionError) as caught:
            wait(*arguments)
        self.assertLess(time.monotonic() - begun, 20)
        for text in ('status 3', 'what is wrong', 'said before'):
            self.assertIn(text, str(caught.exception))

    def test_child_ends(self):
        self.start('echo said before; echo what is wrong >&2; exit 3')
        self.assertEqual(self.child.read_line(), 'said before\n')
        self.assert_fails(self.child.read_line)
        self.assert_fails(self.child.expect, 'ready')
        self.assert_fails(self.child.wait_until, lambda: False, 'nothing')

    def test_child_ends_with_what_was_waited_for(self):
        self.start('echo first; echo second; echo ready >&2')
        self.child.wait()
        self.assertEqual(self.child.expect('read'), 'ready\n')
        self.assertEqual([self.child.read_line() for _ in range(2)], ['first\n', 'second\n'])

    def test_silent_child(self):
        self.start('printf half; exec sleep 600')
        with self.assertRaisesRegex(AssertionError, "b'half'; child is still there"):
            self.child.read_line(1)


if __name__ == '__main__':
    tap.main()
