#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A source that has not been told its peer's version: until the peer has shown connection ids, the bytes of two
local clients must never come together."""

import threading

import tap
from peers import case, wire
from waiting import PATIENCE, wait_until

# What a client says who has to wait, and what must never reach another one's connection.
FIRST = b'GET /first HTTP/1.1\r\nHost: a\r\nCookie: session=FIRST\r\n\r\n'
SECOND = b'GET /second HTTP/1.1\r\nHost: a\r\nCookie: session=SECOND\r\n\r\n'

# For clients that must not be refused while the test takes its time.
PATIENT = ['--connection-wait', str(case.PATIENCE)]

# For clients that should be refused or served soon: far more than the time that is set, or the default of 5 s.
SOON = 15


class Server:
    """Takes a request on each connection, and answers when it is told to, with the request's path."""

    def __init__(self, test):
        self.requests = []
        self.answers = threading.Event()
        self.test = test
        self.port = test.serve_tcp(self.serve)

    def serve(self, connection):
        got = bytearray()
        self.requests.append(got)
        while piece := connection.recv(65536):
            got += piece
            if got.endswith(b'\r\n\r\n'):
                self.answers.wait(PATIENCE)
                connection.sendall(b'answer to ' + bytes(got).split()[1] + b'\n')

    def check(self):
        """No connection has seen more than one client."""
        for request in self.requests:
            self.test.assertLessEqual(request.count(b'GET'), 1, bytes(request))

    def saw(self, request):
        return any(request in bytes(got) for got in self.requests)


class Unknown(case.Case):
    """Nobody has told the source what its peer is."""

    def start_middle(self, model):
        """The emulator, but for clients whose handshakes it does not take."""
        if model in case.NOT_FOR_THE_EMULATOR:
            self.start_service()
        else:
            self.start_emulator()

    def begin(self, model, form=None, arguments=()):
        self.start_middle(model)
        self.server = Server(self)
        self.peer_destination(model, {'SSH': self.server.port}, form=form)
        self.port = self.start_source('SSH', arguments=arguments)['SSH']
        self.first = self.connect(self.port)
        self.first.sendall(FIRST)
        wait_until(lambda: self.server.saw(FIRST), 'the first request')
        # The peer has not answered: it may be of any version.
        self.second = self.connect(self.port)
        self.second.sendall(SECOND)

    def line(self, client):
        return client.makefile('rb').readline()

    def check_one_at_a_time(self, model, form=None):
        """The second waits with nothing sent, and is served when the first has ended."""
        self.begin(model, form, PATIENT)
        self.assert_quiet(lambda: self.server.saw(SECOND))
        self.server.answers.set()
        self.assertEqual(self.line(self.first), b'answer to /first\n')
        self.first.close()
        self.assertEqual(self.line(self.second), b'answer to /second\n')
        self.server.check()

    def check_refused(self, model, form=None):
        """While the first stays, the second is refused in the end, and the log says why."""
        self.begin(model, form, ['--connection-wait', '1'])
        self.server.answers.set()
        self.assertEqual(self.line(self.first), b'answer to /first\n')
        self.assert_closed(self.second, SOON)
        self.assertFalse(self.server.saw(SECOND))
        self.assertRegex(self.log_of('source'), r'(?i)connection.*(one|V1|V2|version)')
        # The first is none the worse for it.
        self.first.sendall(FIRST.replace(b'/first', b'/again'))
        self.first.settimeout(SOON)
        self.assertIn(b'answer to', self.line(self.first))

    def check_many_clients(self, model, form=None):
        """Ten at once, whose connections end one after the other: each is served alone, or refused."""
        self.start_middle(model)
        server = Server(self)
        server.answers.set()
        self.peer_destination(model, {'SSH': server.port}, form=form)
        port = self.start_source('SSH')['SSH']

        def use(i):
            with self.connect(port) as client:
                try:
                    client.sendall(b'GET /%d HTTP/1.1\r\nCookie: %d\r\n\r\n' % (i, i))
                    return self.line(client)
                except ConnectionError:
                    return b''

        answers = case.together(10, use)
        server.check()
        for i, answer in enumerate(answers):
            self.assertIn(answer, (b'answer to /%d\n' % i, b''))
        self.assertTrue(any(answers))

    def test_older_v1(self):
        self.check_one_at_a_time('older')

    def test_older_v2(self):
        self.check_one_at_a_time('older', 'V2')

    def test_browser(self):
        self.check_one_at_a_time('browser')

    def test_go(self):
        self.check_one_at_a_time('go')

    def test_older_v1_refused(self):
        self.check_refused('older')

    def test_older_v2_refused(self):
        self.check_refused('older', 'V2')

    def test_browser_refused(self):
        self.check_refused('browser')

    def test_go_refused(self):
        self.check_refused('go')

    def test_older_many_clients(self):
        self.check_many_clients('older')

    def test_browser_many_clients(self):
        self.check_many_clients('browser')

    def test_unknown_for_long(self):
        """A peer that never answers: the second client is refused after the time that is set."""
        self.begin('older', arguments=['--connection-wait', '1'])
        self.assert_closed(self.second, SOON)
        self.assertFalse(self.server.saw(SECOND))
        self.server.check()

    def test_v3(self):
        """The second is served as soon as the first answer has shown connection ids."""
        self.begin('reference', arguments=PATIENT)
        self.assert_quiet(lambda: self.server.saw(SECOND))
        self.server.answers.set()
        self.assertEqual(self.line(self.first), b'answer to /first\n')
        # The first stays open.
        self.assertEqual(self.line(self.second), b'answer to /second\n')
        self.server.check()

    def test_sdk(self):
        self.begin('sdk', arguments=PATIENT)
        self.assert_quiet(lambda: self.server.saw(SECOND))
        self.server.answers.set()
        self.assertEqual(self.line(self.second), b'answer to /second\n')
        self.server.check()


class Told(case.Case):
    """The source knows, or has learnt."""

    def use_forced(self, model, form, destination_form):
        self.start_emulator()
        server = Server(self)
        server.answers.set()
        self.peer_destination(model, {'SSH': server.port}, form=destination_form)
        port = self.start_source('SSH', arguments=['-y', form])['SSH']
        for _ in range(2):
            with self.connect(port) as client:
                client.sendall(FIRST)
                self.assertEqual(client.makefile('rb').readline(), b'answer to /first\n')
        server.check()

    def test_reference_v1(self):
        self.use_forced('reference', 'V1', 'V1')

    def test_reference_v2(self):
        self.use_forced('reference', 'V2', 'V2')

    def test_reference_that_learns_v2(self):
        self.use_forced('reference', 'V2', None)

    def check_forced(self, form):
        """A second client is refused; nothing of it is sent."""
        self.start_service(relay=False)
        port = self.start_source('SSH', arguments=['-y', form, '--connection-wait', '1'])['SSH']
        first = self.connect(port)
        first.sendall(b'one')
        self.wait_for_message('source', wire.DATA)
        second = self.connect(port)
        second.sendall(b'two')
        self.assert_closed(second, SOON)
        self.assertEqual([message.payload for message in self.service.messages('source', wire.DATA)], [b'one'])
        self.assertEqual(len(self.service.messages('source', *wire.STARTS)), 1)

    def test_forced_v1(self):
        self.check_forced('V1')

    def test_forced_v2(self):
        self.check_forced('V2')

    def begin(self, **options):
        """A stream with one connection, without a peer that answers."""
        self.start_service(relay=False, **options)
        self.port = self.start_source('SSH')['SSH']
        self.clients = [self.connect(self.port)]
        self.clients[0].sendall(b'one')
        self.wait_for_message('source', wire.DATA)

    def test_nothing_is_sent_before_the_version_is_known(self):
        self.begin()
        self.clients.append(self.connect(self.port))
        self.clients[1].sendall(b'two')
        self.assert_quiet(lambda: self.service.messages('source', wire.CONNECTION_START)
                          or len(self.service.messages('source')) > 2)
        start = self.service.messages('source', wire.STREAM_START)[0]
        self.service.send('source', wire.make(wire.DATA, 'SSH', start.streamId, 1, b'x'))
        second = self.wait_for_message('source', wire.CONNECTION_START)
        self.assertEqual((second.serviceId, second.streamId), ('SSH', start.streamId))
        self.assertGreater(second.connectionId, 1)
        self.assertEqual(self.wait_for_payload('source', 3, 'SSH', second.connectionId), b'two')

    def test_what_is_known_stays_known(self):
        """Once it has shown connection ids, a peer needs not show them again for the next connection."""
        self.begin()
        start = self.service.messages('source', wire.STREAM_START)[0]
        self.service.send('source', wire.make(wire.DATA, 'SSH', start.streamId, 1, b'x'))
        self.clients[0].recv(1)
        for _ in range(4):
            self.clients.append(self.connect(self.port))
        self.wait_for_message('source', wire.CONNECTION_START, count=4, patience=SOON)
        # Also when all have ended.
        for client in self.clients:
            client.close()
        self.wait_for_message('source', wire.CONNECTION_RESET, count=5)
        for _ in range(3):
            self.connect(self.port)
        self.wait_for_message('source', wire.CONNECTION_START, count=7, patience=SOON)
        self.assertEqual(len(self.service.messages('source', wire.STREAM_START)), 1)

    def test_what_is_known_is_doubted_after_a_reset(self):
        """Which may mean that another client has taken the destination's place."""
        self.begin()
        start = self.service.messages('source', wire.STREAM_START)[0]
        self.service.send('source', wire.make(wire.DATA, 'SSH', start.streamId, 1, b'x'))
        self.clients[0].recv(1)
        self.service.send('source', wire.make(wire.STREAM_RESET, 'SSH', start.streamId, 1))
        self.assert_closed(self.clients[0])
        for _ in range(2):
            self.connect(self.port)
        self.wait_for_message('source', wire.STREAM_START, count=2)
        self.assert_quiet(lambda: len(self.service.messages('source', *wire.STARTS)) > 2)

    def test_one_service_tells_nothing_of_another(self):
        self.services = ['A', 'B']
        self.start_service(relay=False)
        ports = self.start_source('A', 'B')
        for name in self.services:
            self.connect(ports[name]).sendall(b'one')
        self.wait_for_message('source', wire.DATA, count=2)
        start = next(message for message in self.service.messages('source', wire.STREAM_START)
                     if message.serviceId == 'A')
        self.service.send('source', wire.make(wire.DATA, 'A', start.streamId, 1, b'x'))
        for name in self.services:
            self.connect(ports[name]).sendall(b'two')
        self.assertEqual(self.wait_for_message('source', wire.CONNECTION_START).serviceId, 'A')
        self.assert_quiet(lambda: any(message.serviceId == 'B'
                                      for message in self.service.messages('source', wire.CONNECTION_START)))


if __name__ == '__main__':
    tap.main()
