#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Versions of one connection a stream: programs that connect again as soon as they have closed."""

import contextlib
import time

import tap
from peers import case
from sockets import echo, read_all

COUNT = 200
# With a model, which is no faster than its program.
COUNT_OF_MODELS = 50


class Sequence(case.Case):
    def run_through(self, port, count):
        """Every connection gets its own bytes back, and the next one follows at once."""
        begun = time.monotonic()
        failed = []
        for i in range(count):
            text = b'connection %d' % i
            if self.talk(port, text) != text:
                failed.append(i)
                # More of the same tells nothing.
                if len(failed) > 5:
                    break
        self.note(f'{count} connections in {time.monotonic() - begun:.1f} s, failed: {failed}')
        self.assertEqual(failed, [])

    def check_both_ends(self, *arguments):
        self.start_emulator()
        self.start_destination(f'SSH=127.0.0.1:{self.serve_tcp(echo)}')
        self.run_through(self.start_source('SSH', arguments=arguments)['SSH'], COUNT)

    def test_v1(self):
        self.check_both_ends('-y', 'V1')

    def test_v2(self):
        self.check_both_ends('-y', 'V2')

    def test_v3(self):
        self.check_both_ends('-y', 'V3')

    def test_auto(self):
        self.check_both_ends()

    def check_server_closes(self, *arguments):
        """The service closes first; the client connects again when it has seen that."""
        def answer(connection):
            connection.sendall(connection.recv(100).upper())

        self.start_emulator()
        self.start_destination(f'SSH=127.0.0.1:{self.serve_tcp(answer)}')
        port = self.start_source('SSH', arguments=arguments)['SSH']
        answers = []
        for i in range(COUNT):
            with self.connect(port) as client:
                with contextlib.suppress(ConnectionError):
                    client.sendall(b'abc')
                answers.append(read_all(client))
            if answers[-1] != b'ABC':
                break
        self.assertEqual(answers, [b'ABC'] * COUNT)

    def test_v1_when_the_server_closes(self):
        self.check_server_closes('-y', 'V1')

    def test_v2_when_the_server_closes(self):
        self.check_server_closes('-y', 'V2')

    def check_model(self, model, form=None, arguments=()):
        if model in case.NOT_FOR_THE_EMULATOR:
            self.start_service()
        else:
            self.start_emulator()
        self.peer_destination(model, {'SSH': self.serve_tcp(echo)}, form=form)
        self.run_through(self.start_source('SSH', arguments=arguments)['SSH'], COUNT_OF_MODELS)

    def test_reference_v1(self):
        self.check_model('reference', 'V1', ['-y', 'V1'])

    def test_reference_v2(self):
        self.check_model('reference', 'V2', ['-y', 'V2'])

    def test_older_v1(self):
        self.check_model('older', 'V1')

    def test_older_v2(self):
        self.check_model('older', 'V2')

    def test_browser(self):
        self.check_model('browser')

    def test_go(self):
        self.check_model('go')

    def check_source_model(self, model, form=None):
        if model in case.NOT_FOR_THE_EMULATOR:
            self.start_service()
        else:
            self.start_emulator()
        self.start_destination(f'SSH=127.0.0.1:{self.serve_tcp(echo)}')
        self.run_through(self.peer_source(model, 'SSH', form=form)['SSH'], COUNT_OF_MODELS)

    def test_older_source_v1(self):
        self.check_source_model('older', 'V1')

    def test_older_source_v2(self):
        self.check_source_model('older', 'V2')

    def test_browser_source(self):
        self.check_source_model('browser')

    def test_go_source(self):
        self.check_source_model('go')


if __name__ == '__main__':
    tap.main()
