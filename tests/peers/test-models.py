#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The models do what was seen of the programs that they stand for. The service is scripted: the test speaks for
the other side of the tunnel."""

import socket
import threading

import tap
from peers import case, sdk, wire
from peers.case import pattern
from sockets import echo, free_port, is_listening, read_all
from waiting import PATIENCE, wait_until


class Destinations(case.Case):
    services = ['A', 'B']

    def start(self, model, form=None, services=None, targets=None):
        self.start_service(services)
        self.server = self.serve_tcp(echo)
        self.peer_destination(model, targets or {name: self.server for name in self.services}, form=form)

    def send(self, *messages):
        self.service.send('destination', *messages)

    def expect(self, kind, service, stream, connection, count=1):
        message = self.wait_for_message('destination', kind, count=count)
        self.assertEqual((message.serviceId, message.streamId, message.connectionId), (service, stream, connection))
        return message

    def expect_echo(self, text, service, connection, count=1):
        self.assertEqual(self.wait_for_payload('destination', len(text), service, connection), text)

    def logged(self, text):
        wait_until(lambda: text in self.log_of('destination'), text)

    # The reference proxy

    def test_reference_keeps_its_stream(self):
        self.start('reference')
        self.send(wire.make(wire.STREAM_START, 'A', 1, 1))
        self.send(wire.make(wire.DATA, 'A', 1, 1, b'one'))
        self.expect_echo(b'one', 'A', 1)
        self.send(wire.make(wire.CONNECTION_RESET, 'A', 1, 1))
        self.expect(wire.CONNECTION_RESET, 'A', 1, 1)
        # Another id is dropped, and closes what is there; the next start is good whichever it is.
        self.send(wire.make(wire.STREAM_START, 'A', 2, 1))
        self.send(wire.make(wire.DATA, 'A', 2, 1, b'two'))
        self.logged('dropped: a stream is there')
        self.send(wire.make(wire.CONNECTION_START, 'A', 2, 7))
        self.send(wire.make(wire.DATA, 'A', 2, 7, b'seven'))
        self.expect_echo(b'seven', 'A', 7)
        self.assertNotIn(b'two', [message.payload for message in self.service.messages('destination', wire.DATA)])

    def test_reference_leaves_the_rest_of_a_frame(self):
        self.start('reference')
        self.send(wire.make(wire.STREAM_START, 'A', 1, 1), wire.make(wire.DATA, 'A', 1, 1, b'late'))
        self.logged('left until the next frame')
        self.assertEqual(self.service.messages('destination'), [])
        self.send(wire.make(wire.DATA, 'A', 1, 1, b'r'))
        self.expect_echo(b'later', 'A', 1)

    def test_reference_that_cannot_connect(self):
        self.start('reference', targets={'A': self.flaky(), 'B': free_port()})
        self.send(wire.make(wire.STREAM_START, 'A', 1, 1))
        self.send(wire.make(wire.DATA, 'A', 1, 1, b'x'))
        self.expect_echo(b'x', 'A', 1)
        self.listener.close()
        self.send(wire.make(wire.CONNECTION_START, 'A', 1, 2))
        self.expect(wire.STREAM_RESET, 'A', 1, 1)
        self.send(wire.make(wire.DATA, 'A', 1, 1, b'y'))
        self.logged('skipped: no such connection')

    def flaky(self):
        """A server for one connection, whose listening the test ends."""
        self.listener = socket.create_server(('127.0.0.1', 0))

        def serve():
            connection = self.listener.accept()[0]
            with connection:
                echo(connection)

        threading.Thread(target=serve, daemon=True).start()
        return self.listener.getsockname()[1]

    def test_reference_loses_data_at_a_reset(self):
        self.services = ['A']
        self.start_service()
        ready, got = threading.Event(), []

        def slow(connection):
            ready.wait(PATIENCE)
            got.append(read_all(connection))

        self.peer_destination('reference', {'A': self.serve_tcp(slow)})
        data = pattern(20_000_000)
        self.send(wire.make(wire.STREAM_START, 'A', 1, 1))
        for piece in wire.pieces(data):
            self.send(wire.make(wire.DATA, 'A', 1, 1, piece))
        self.send(wire.make(wire.CONNECTION_RESET, 'A', 1, 1))
        self.expect(wire.CONNECTION_RESET, 'A', 1, 1)
        ready.set()
        wait_until(lambda: got, 'the end of the connection')
        self.assertLess(len(got[0]), len(data))

    def test_reference_reverts_to_v2(self):
        self.start('reference')
        self.send(wire.make(wire.STREAM_START, 'A', 1))
        self.send(wire.make(wire.DATA, 'A', 1, 0, b'x'))
        self.expect_echo(b'x', 'A', 0)
        self.assertIn('reverting to V2', self.log_of('destination'))

    def test_reference_without_the_option_for_v1(self):
        self.start('reference')
        self.send(wire.make(wire.STREAM_START, '', 1))
        wait_until(lambda: len(self.service.handshakes) > 1, 'a new WebSocket')

    # The SDK

    def test_sdk_without_a_stream(self):
        self.start('sdk')
        self.send(wire.make(wire.CONNECTION_START, 'A', 1, 2))
        self.send(wire.make(wire.DATA, 'A', 1, 2, b'dead'))
        self.send(wire.make(wire.STREAM_START, 'A', 2, 1))
        self.send(wire.make(wire.DATA, 'A', 2, 1, b'alive'))
        self.expect_echo(b'alive', 'A', 1)
        self.assertEqual(len(self.service.messages('destination')), 1)

    def test_sdk_reconnects_for_another_form(self):
        self.start('sdk')
        self.send(wire.make(wire.STREAM_START, 'A', 1, 1))
        self.send(wire.make(wire.STREAM_RESET, 'A', 1))
        wait_until(lambda: len(self.service.handshakes) > 1, 'a new WebSocket')

    def test_sdk_dies(self):
        data = wire.make(wire.DATA, 'A', 1, 1, b'x')
        unknown = data.SerializeToString() + b'\x52\x01x'
        ends = [
            (sdk.EXIT_AFTER_RESET, [wire.make(wire.CONNECTION_RESET, 'A', 1, 1), data]),
            (sdk.EXIT_AFTER_RESET, [wire.make(wire.STREAM_RESET, 'A', 1, 1), data]),
            (sdk.EXIT_GREAT_ID, [wire.make(wire.CONNECTION_START, 'A', 1, 1 << 28)]),
            (sdk.EXIT_UNKNOWN_FIELD, [wire.Message.FromString(unknown)]),
        ]
        self.start('sdk')
        for status, messages in ends:
            self.send(wire.make(wire.STREAM_START, 'A', 1, 1))
            self.send(*messages)
            self.assertEqual(self.destination.wait(PATIENCE), status, self.log_of('destination'))
            self.peer_destination('sdk', {'A': self.server, 'B': self.server})

    def test_sdk_without_services(self):
        self.start('sdk', services=[])
        self.send(wire.make(wire.STREAM_START, '', 1, 1))
        self.send(wire.make(wire.DATA, '', 1, 2, b'x'))
        self.assertEqual(self.destination.wait(PATIENCE), sdk.EXIT_AFTER_RESET)

    # Version 1

    def test_browser_takes_one_message_of_a_frame(self):
        self.start('browser')
        self.send(wire.make(wire.STREAM_START, '', 5))
        self.send(wire.make(wire.DATA, '', 5, 0, b'first'), wire.make(wire.DATA, '', 5, 0, b'second'))
        self.send(wire.make(wire.DATA, '', 5, 0, b'third'))
        self.expect_echo(b'firstthird', '', 0)
        self.assertTrue(all(message.ignorable for message in self.service.messages('destination')))
        self.assertEqual(self.service.handshakes[0][1]['Sec-WebSocket-Protocol'], 'aws.iot.securedtunneling-1.0')

    def test_go_never_says_that_its_service_has_closed(self):
        self.start_service()
        self.peer_destination('go', {'A': self.serve_tcp(lambda connection: connection.sendall(b'bye'))})
        self.send(wire.make(wire.STREAM_START, '', 1))
        self.assertEqual(self.wait_for_payload('destination', 3), b'bye')
        self.logged('ended, which nobody is told')
        self.assertEqual(self.service.messages('destination', wire.STREAM_RESET), [])

    def test_older_mixes_connections(self):
        self.start('older')
        self.send(wire.make(wire.STREAM_START, 'A', 1, 1))
        self.send(wire.make(wire.DATA, 'A', 1, 1, b'one'))
        self.send(wire.make(wire.CONNECTION_START, 'A', 1, 2))
        self.send(wire.make(wire.DATA, 'A', 1, 2, b'two'))
        self.expect_echo(b'onetwo', '', 0)

    def test_older_v2(self):
        self.start('older', form='V2')
        for name in self.services:
            self.send(wire.make(wire.STREAM_START, name, 1))
            self.send(wire.make(wire.DATA, name, 1, 0, name.encode()))
            self.expect_echo(name.encode(), name, 0)


class Sources(case.Case):
    def start(self, model, form=None):
        self.start_service()
        self.port = self.peer_source(model, 'SSH', form=form)['SSH']

    def starts(self, count):
        """What the first @count messages that start something have of ids."""
        self.wait_for_message('source', *wire.STARTS, count=count)
        return [(message.type, message.streamId, message.connectionId)
                for message in self.service.messages('source', *wire.STARTS)[:count]]

    def use_and_close(self):
        resets = len(self.service.messages('source', *wire.RESETS))
        self.connect(self.port).close()
        self.wait_for_message('source', *wire.RESETS, count=resets + 1)

    def test_reference(self):
        self.start('reference')
        for _ in range(2):
            self.use_and_close()
        client = self.connect(self.port)
        self.assertEqual(self.starts(3), [(wire.STREAM_START, 1, 1), (wire.CONNECTION_START, 1, 2),
                                          (wire.CONNECTION_START, 1, 3)])
        self.service.send('source', wire.make(wire.STREAM_RESET, 'SSH', 1, 1))
        self.assert_closed(client)
        wait_until(lambda: is_listening(self.port), 'the port')
        self.assertEqual(self.starts(4)[3], (wire.STREAM_START, 2, 4))

    def test_reference_at_end_of_file(self):
        self.start('reference')
        client = self.connect(self.port)
        client.sendall(b'question')
        client.shutdown(socket.SHUT_WR)
        self.wait_for_message('source', wire.CONNECTION_RESET)
        self.service.send('source', wire.make(wire.DATA, 'SSH', 1, 1, b'answer'))
        self.assertEqual(read_all(client), b'')

    def check_reference_form(self, form, service):
        self.start('reference', form)
        self.use_and_close()
        reset = self.wait_for_message('source', wire.STREAM_RESET)
        self.assertEqual((reset.serviceId, reset.streamId, reset.connectionId), (service, 1, 0))
        wait_until(lambda: is_listening(self.port), 'the port')
        self.assertEqual(self.starts(2), [(wire.STREAM_START, 1, 0), (wire.STREAM_START, 2, 0)])

    def test_reference_v1(self):
        self.check_reference_form('V1', '')

    def test_reference_v2(self):
        self.check_reference_form('V2', 'SSH')

    def test_browser(self):
        self.start('browser')
        self.use_and_close()
        start = self.wait_for_message('source', wire.STREAM_START)
        self.assertEqual((start.serviceId, start.connectionId, start.ignorable), ('', 0, True))

    def test_go_never_says_that_its_client_has_closed(self):
        self.start('go')
        self.connect(self.port).close()
        self.connect(self.port).close()
        self.assertEqual(self.starts(2), [(wire.STREAM_START, 1, 0), (wire.STREAM_START, 2, 0)])
        self.assertEqual(self.service.messages('source', *wire.RESETS), [])

    def test_vscode_resets_twice(self):
        self.start('vscode')
        self.use_and_close()
        self.wait_for_message('source', wire.CONNECTION_RESET, count=2)
        self.service.drop('source')
        wait_until(lambda: len(self.service.handshakes) > 1 and self.service.has('source'), 'the source')
        self.source.expect('^connected')
        self.use_and_close()
        self.assertEqual(self.starts(2), [(wire.STREAM_START, 1, 1), (wire.STREAM_START, 2, 2)])


if __name__ == '__main__':
    tap.main()
