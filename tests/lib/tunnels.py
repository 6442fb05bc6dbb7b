# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The service and both ends of a tunnel, in the process of a test."""

import tempfile
import unittest

import gi
gi.require_version('Ist', '1')
gi.require_version('IstEmulator', '1')
from gi.repository import Ist, IstEmulator

SOURCE = Ist.Mode.SOURCE
DESTINATION = Ist.Mode.DESTINATION


class Case(unittest.TestCase):
    """Has a service with a tunnel."""

    # Without TLS?
    plain = False

    def setUp(self):
        self.service = IstEmulator.Service(plain=self.plain)
        self.service.start()
        self.addCleanup(self.service.stop)
        self.open_tunnel('SSH')
        self.settings = {'endpoint': self.service.get_endpoint()}
        if not self.plain:
            ca_file = tempfile.NamedTemporaryFile()
            self.addCleanup(ca_file.close)
            self.service.write_ca_file(ca_file.name)
            self.settings['ca_file'] = ca_file.name

    def open_tunnel(self, *services):
        self.tunnel = self.service.open_tunnel(services, None, 0)

    def token(self, mode):
        return self.tunnel.get_source_access_token() if mode == SOURCE else self.tunnel.get_destination_access_token()

    def make(self, mode, **settings):
        """An end of the tunnel."""
        return Ist.SecureTunnel(**{'mode': mode, 'access_token': self.token(mode), **self.settings, **settings})
