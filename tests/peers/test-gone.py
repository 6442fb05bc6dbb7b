#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A service that goes, in ways of which the emulator knows few."""

import time

import tap
from peers import case
from peers.case import pattern
from sockets import echo, is_listening
from waiting import PATIENCE, wait_until

# A client that was replaced must not throw the other one out in turn.
REPLACED = 1008


class Gone(case.Case):
    services = ['SSH']

    def both_ends(self, **options):
        self.start_service(**options)
        self.start_destination(f'SSH=127.0.0.1:{self.serve_tcp(echo)}')
        return self.start_source('SSH')['SSH']

    def check_reconnects(self, end):
        port = self.both_ends()
        text = pattern(1000)
        self.assertEqual(self.talk(port, text), text)
        client = self.connect(port)
        client.sendall(b'x')
        self.assertEqual(client.recv(1), b'x')
        end()
        self.assert_closed(client, case.PATIENCE)
        wait_until(lambda: self.service.count('source') > 1 or self.service.count('destination') > 1, 'a reconnect')
        wait_until(lambda: self.service.has('source') and self.service.has('destination'), 'both ends')
        wait_until(lambda: self.talk(port, text) == text, 'an echo')
        # The same client: its tokens are.
        for side in 'source', 'destination':
            tokens = {(headers['access-token'], headers['client-token'])
                      for handshake_side, headers in self.service.handshakes if handshake_side == side}
            self.assertEqual(len(tokens), 1)

    def test_dropped_source(self):
        self.check_reconnects(lambda: self.service.drop('source'))

    def test_dropped_destination(self):
        self.check_reconnects(lambda: self.service.drop('destination'))

    def test_restart(self):
        self.check_reconnects(lambda: self.service.restart())

    def test_text_frame(self):
        """Nothing that the service sends: closed, and connected again."""
        self.check_reconnects(lambda: self.service.send_text('source', 'text'))

    def test_broken_message(self):
        self.check_reconnects(lambda: self.service.send_bytes('source', b'\x00\x03\xff\xff\xff'))

    def check_close_code(self, code):
        self.check_reconnects(lambda: self.service.close('source', code, 'for a test'))

    def test_close_1001(self):
        self.check_close_code(1001)

    def test_close_1012(self):
        self.check_close_code(1012)

    def test_close_1013(self):
        self.check_close_code(1013)

    def test_close_1014(self):
        self.check_close_code(1014)

    def test_replaced(self):
        """Final: two clients would throw each other out for ever."""
        self.both_ends()
        self.service.close('source', REPLACED, 'Replaced')
        self.assertEqual(self.source.wait(PATIENCE), 77)
        self.assertEqual(self.service.count('source'), 1)

    def test_never_in_a_tight_loop(self):
        """Also where each handshake succeeds."""
        port = self.both_ends()
        end = time.monotonic() + 3
        while time.monotonic() < end:
            if self.service.has('source'):
                self.service.send_bytes('source', b'\x00\x03\xff\xff\xff')
            time.sleep(0.05)
        self.assertLess(self.service.count('source'), 10)
        self.assertTrue(is_listening(port))


if __name__ == '__main__':
    tap.main()
