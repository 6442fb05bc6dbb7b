#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""An answer that takes long, through the reference proxy, which would end all connections for a new stream."""

import time

import tap
from peers import case
from sockets import read_exactly
from waiting import wait_until

# Longer than a source waits for an answer before it doubts that there will be one, in seconds.
THINKING_TIME = 9


class Slow(case.Case):
    """A service that thinks for long is not taken for a destination that has forgotten its stream: who comes meanwhile
    is served, and costs the others nothing."""

    def think(self, connection):
        while data := connection.recv(65536):
            if data == b'slow':
                time.sleep(THINKING_TIME)
            connection.sendall(data)

    def check(self, quick, slow):
        """Some connections are answered, and some have to wait, all in one stream."""
        self.start_emulator()
        self.peer_destination('reference', {'SSH': self.serve_tcp(self.think)})
        port = self.start_source('SSH')['SSH']
        self.assertEqual(self.talk(port, b'once'), b'once')
        # Nothing more is under way of that one, which would be taken for a sign of life.
        wait_until(lambda: '> CONNECTION_RESET' in self.log_of('destination'), 'its end')
        time.sleep(0.3)
        quick = [self.connect(port) for _ in range(quick)]
        slow = [self.connect(port) for _ in range(slow)]
        for client in slow:
            client.sendall(b'slow')
        time.sleep(THINKING_TIME * 0.7)
        for client in quick:
            client.sendall(b'quick')
            self.assertEqual(read_exactly(client, 5), b'quick')
        self.assertEqual(self.talk(port, b'new'), b'new')
        for client in slow:
            self.assertEqual(read_exactly(client, 4), b'slow')
        for client in quick:
            client.sendall(b'again')
            self.assertEqual(read_exactly(client, 5), b'again')

    def test_alone(self):
        self.check(0, 1)

    def test_beside_others(self):
        self.check(1, 1)

    def test_several(self):
        self.check(0, 3)


if __name__ == '__main__':
    tap.main()
