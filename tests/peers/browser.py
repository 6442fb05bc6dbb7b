# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""AWS's browser client, version 1 of the protocol."""

import random

from . import older, wire


class Habits:
    forms = ('V1',)
    # Misspelt, and accepted by the service.
    subprotocols = ['aws.iot.securedtunneling-1.0']
    # On every message, also on types that everybody knows.
    ignorable = True

    def frame(self, data):
        """A frame is one message: what comes after it is never seen, and half of one is none."""
        buffer = bytearray(data)
        message = wire.take(buffer)
        if message is None:
            self.log('lost: half a message')
            return
        self.log(f'< {wire.describe(message)}')
        if buffer:
            self.log(f'lost: {len(buffer)} bytes')
        self.message(message)


class Destination(Habits, older.Destination):
    pass


class Source(Habits, older.Source):
    def __init__(self, options):
        super().__init__(options)
        # Ids start anywhere.
        self.last_stream = random.randrange(1, 1 << 30)
