#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What becomes of a stream when an end of the tunnel starts anew, told by the service or not."""

import tap
from peers import case, web, wire
from waiting import wait_until

# How long a program waits that may have been started too early to be answered.
LOST_PATIENCE = 6


class OfModel(web.ToModel):
    """ist-proxy is the source."""

    def assert_revived(self, scripted=False, tell_of_lost=True):
        """Where nobody has said that the stream is gone, an answer has to be missed first, which may cost a
        connection."""
        if tell_of_lost:
            self.assert_curl()
        else:
            wait_until(lambda: self.curl(self.port, 'file', LOST_PATIENCE).stdout == self.text,
                               'the web server')

    def check_restarts(self, model, **options):
        self.start(model, **options)
        self.assert_curl()
        for _ in range(2):
            self.restart_destination()
            self.assert_revived(**options)
            self.assert_curl()

    def check_with_a_connection(self, model, **options):
        """The connection is lost with the destination; the next ones are not."""
        self.start(model, **options)
        client = self.connect(self.port)
        client.sendall(b'GET /file HTTP/1.1\r\nHost: a\r\n\r\n')
        self.assertTrue(client.recv(1))
        self.restart_destination()
        self.assert_revived(**options)
        self.assert_curls()

    def test_reference(self):
        self.check_restarts('reference')

    def test_sdk(self):
        self.check_restarts('sdk')

    def test_reference_untold(self):
        self.check_restarts('reference', scripted=True, tell_of_lost=False)

    def test_sdk_untold(self):
        self.check_restarts('sdk', scripted=True, tell_of_lost=False)

    def test_reference_with_a_connection(self):
        self.check_with_a_connection('reference')

    def test_sdk_with_a_connection(self):
        self.check_with_a_connection('sdk')

    def test_reference_with_a_connection_untold(self):
        self.check_with_a_connection('reference', scripted=True, tell_of_lost=False)

    def test_sdk_with_a_connection_untold(self):
        self.check_with_a_connection('sdk', scripted=True, tell_of_lost=False)

    def test_ids_grow(self):
        self.start('reference', scripted=True)
        self.assert_curl()
        first = self.service.messages('source', wire.STREAM_START)[0]
        self.service.drop('source')
        wait_until(lambda: self.service.count('source') > 1, 'the source')
        self.assert_curl(2 * case.PATIENCE)
        second = self.wait_for_message('source', wire.STREAM_START, connection=1)
        self.assertGreater(second.streamId, first.streamId)
        tokens = {headers['client-token'] for side, headers in self.service.handshakes if side == 'source'}
        self.assertEqual(len(tokens), 1)


class OfProxy(web.FromModel):
    """ist-proxy is the destination: a CONNECTION_START is then the first that it hears of a stream."""

    def check_restarts(self, model, **options):
        self.start(model, **options)
        self.assert_curl()
        for _ in range(2):
            self.restart_destination()
            self.assert_curl()
            self.assert_curls()

    def test_reference(self):
        # It closes its port for a moment when it is told.
        self.start('reference')
        self.assert_curl()
        self.restart_destination()
        wait_until(lambda: self.curl(self.port, 'file', 5).stdout == self.text, 'the web server')

    def test_reference_untold(self):
        self.check_restarts('reference', scripted=True, tell_of_lost=False)

    def test_vscode(self):
        self.check_restarts('vscode')

    def test_vscode_untold(self):
        self.check_restarts('vscode', scripted=True, tell_of_lost=False)


if __name__ == '__main__':
    tap.main()
