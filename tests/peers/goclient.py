# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Clients written in Go, version 1 of the protocol: they never say that a connection has ended."""

import urllib.parse

from . import older


class Habits:
    forms = ('V1',)

    def __init__(self, options):
        super().__init__(options)
        # The name that the TLS handshake asks for has the port in it.
        self.server_name = urllib.parse.urlsplit(options.endpoint).netloc

    def local_ended(self, end):
        self.log('ended, which nobody is told')
        end.finish()
        if self.ends.get(end.service) is end:
            del self.ends[end.service]


class Destination(Habits, older.Destination):
    pass


class Source(Habits, older.Source):
    pass
