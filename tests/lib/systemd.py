# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""systemd, as far as a service talks to it."""

import contextlib
import socket


class Systemd:
    """Hears what programs with its environment tell of themselves."""

    def __init__(self, test):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        test.addCleanup(self.socket.close)
        self.socket.bind(test.path('notify'))
        self.socket.setblocking(False)
        self.environment = {'NOTIFY_SOCKET': test.path('notify')}
        self.fields = []

    def has_heard(self, text):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.fields += self.socket.recv(65536).decode().split('\n')
        return any(text in field for field in self.fields)

    def hear(self, child, text):
        """Waits until @child has told it."""
        child.wait_until(lambda: self.has_heard(text), text)
