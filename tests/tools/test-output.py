# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What the programs write, where nobody reads it, and where nothing is open."""

import fcntl
import os
import time

import programs
import tap
from sockets import echo
from waiting import PATIENCE, wait_until

TEXT = b'0123456789abcdef' * 10_000


class Case(programs.Case):
    def check_proxies(self, **options):
        """Both ends of a tunnel, as talkative as they can be."""
        target = self.serve_tcp(echo)
        self.start_emulator()
        self.destination = self.proxy('destination', 'destination', '-v6', '-d', f'SSH=127.0.0.1:{target}', **options)
        # It can't say so itself, and the service drops what is sent to one that is not there yet.
        wait_until(self.is_destination_connected, 'the destination')
        self.source = self.proxy('source', 'source', '-v6', '-s', 'SSH=0', '--port-file', self.path('ports'),
                                 **options)
        port = self.read_ports()['SSH']
        for _ in range(20):
            self.check_echo(port, TEXT)
        self.end_at_once(self.source)
        self.end_at_once(self.destination)

    def is_destination_connected(self):
        tunnel = self.ask_emulator('DescribeTunnel', tunnelId=self.tunnel['tunnelId'])['tunnel']
        return tunnel['destinationConnectionState']['status'] == 'CONNECTED'

    def end_at_once(self, child):
        child.terminate()
        self.assertEqual(child.wait(20), 0)


class Unread(Case):
    """A pipe that is full, and a reader who is there and does not read."""

    def setUp(self):
        super().setUp()
        self.reader, self.writer = os.pipe()
        self.addCleanup(os.close, self.reader)
        self.addCleanup(os.close, self.writer)
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096)
        self.fill()

    def fill(self):
        os.set_blocking(self.writer, False)
        try:
            while True:
                os.write(self.writer, b'.')
        except BlockingIOError:
            os.set_blocking(self.writer, True)

    def read_for(self, condition):
        os.set_blocking(self.reader, False)
        text = b''

        def found():
            nonlocal text
            try:
                text += os.read(self.reader, 65536)
            except BlockingIOError:
                pass
            return condition(text.lstrip(b'.').decode())
        wait_until(found, 'lines')
        return text.lstrip(b'.').decode()

    def test_proxies(self):
        self.check_proxies(stderr=self.writer)

    def test_what_was_dropped(self):
        """Whoever reads again is told how much is missing, and lines are whole."""
        target = self.serve_tcp(echo)
        self.start_emulator()
        self.start_destination(f'SSH=127.0.0.1:{target}')
        self.source = self.proxy('source', 'source', '-v6', '-s', 'SSH=0', '--port-file', self.path('ports'),
                                 stderr=self.writer)
        self.check_echo(self.read_ports()['SSH'], TEXT)
        text = self.read_for(lambda text: 'dropped' in text)
        self.assertRegex(text, r'warning: [1-9]\d* lines were dropped here')
        for line in text.splitlines():
            self.assertRegex(line, r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} ')
        self.check_echo(self.ports['SSH'], TEXT)
        self.read_for(lambda text: 'Connection opened' in text)

    def test_error_of_a_start(self):
        """The last words are waited for only briefly."""
        begun = time.monotonic()
        child = self.spawn('wrong', [programs.PROXY, '--nonsense'], stderr=self.writer)
        self.assertEqual(child.wait(PATIENCE), 64)
        self.assertLess(time.monotonic() - begun, 10)

    def test_output(self):
        """Of --json as of the log: with SIGTERM the program ends."""
        self.start_emulator()
        self.source = self.proxy('source', 'source', '-s', 'SSH=0', '--json', '--port-file', self.path('ports'),
                                 stdout=self.writer)
        self.read_ports()
        self.end_at_once(self.source)

    def test_emulator(self):
        target = self.serve_tcp(echo)
        self.start_emulator(stderr=self.writer)
        self.start_destination(f'SSH=127.0.0.1:{target}')
        self.check_echo(self.start_source('SSH')['SSH'], TEXT)
        self.end_at_once(self.emulator)


class Closed(Case):
    """Descriptors 0 to 2 at the start: what opens next must not get their numbers, and the log with them."""

    def test_proxies(self):
        self.check_proxies(preexec_fn=lambda: os.closerange(0, 3))

    def test_emulator(self):
        target = self.serve_tcp(echo)
        self.start_emulator(preexec_fn=lambda: (os.close(0), os.close(2)))
        self.start_destination(f'SSH=127.0.0.1:{target}')
        self.check_echo(self.start_source('SSH')['SSH'], TEXT)
        for name in (0, 2):
            self.assertEqual(os.readlink(f'/proc/{self.emulator.pid}/fd/{name}'), '/dev/null')
        self.end_at_once(self.emulator)

    def test_json(self):
        """What can't be written is said, where it can be, and is no success."""
        self.start_emulator()
        self.source = self.proxy('source', 'source', '-s', 'SSH=0', '--json', preexec_fn=lambda: os.close(1))
        self.assertNotEqual(self.source.wait(PATIENCE), 0)
        self.assertRegex(self.log_of('source'), 'error: .*tandard output')


if __name__ == '__main__':
    tap.main()
