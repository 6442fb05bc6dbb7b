#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The rules of the protocol, message by message: ist-proxy at one end, at the other the test, which says what a
peer may say, and what none should."""

import json
import threading

import tap
from peers import case, wire
from peers.case import pattern
from sockets import free_port, read_all, read_exactly
from waiting import PATIENCE, wait_until

# Everything that is "at once" has to come within this, on a machine that does much else. Less than any timer.
SOON = 10


class Rules(case.Case):
    side = None

    def send(self, *messages):
        """Each in a frame of its own."""
        for message in messages:
            self.service.send(self.side, message)

    def data(self, stream, connection, payload, service='A'):
        self.send(wire.make(wire.DATA, service, stream, connection, payload))

    def sent(self, *types):
        return self.service.messages(self.side, *types)

    def expect(self, kind, service, stream, connection, count=1):
        message = self.wait_for_message(self.side, kind, count=count, patience=SOON)
        self.assertEqual((message.serviceId, message.streamId, message.connectionId), (service, stream, connection))

    def is_connected(self):
        """Still on its first WebSocket."""
        self.assertEqual(len(self.service.handshakes), 1)
        self.assertTrue(self.service.has(self.side))


class Destination(Rules):
    side = 'destination'
    services = ['A', 'B']

    def start(self, services=None, targets=None, **options):
        """@services are those of the tunnel, @targets those that the destination connects, with their ports."""
        self.start_service(services, relay=False, **options)
        self.connections = []
        server = self.serve_tcp(self.answer)
        if targets is None:
            targets = {name: server for name in (self.services if services is None else services)}
        targets = [f'{name}=127.0.0.1:{port}' for name, port in targets.items()] or [str(server)]
        # A target that can't be reached is tried once.
        with open(self.path('settings.json'), 'w') as f:
            json.dump({'tunneling': {'proxy': {'tcp': {'connection_retry_count': 0}}}}, f)
        self.start_destination(*targets, arguments=['--settings-json', self.path('settings.json')])
        wait_until(lambda: self.service.has('destination'), 'the destination')

    def answer(self, connection):
        """Echoes, and keeps what has come on each connection."""
        got = bytearray()
        self.connections.append(got)
        try:
            while data := connection.recv(65536):
                got += data
                connection.sendall(data)
        finally:
            got += b' END'

    def echoed(self, stream, connection, service):
        return b''.join(message.payload for message in self.sent(wire.DATA)
                        if (message.serviceId, message.streamId, message.connectionId) == (service, stream, connection))

    def begin(self, stream=1, connection=1, service='A'):
        """A stream that works; returns what its connection gets."""
        self.send(wire.make(wire.STREAM_START, service, stream, connection))
        self.check_alive(stream, connection, service, b'stream %d of %s' % (stream, service.encode()))
        return self.connections[-1]

    def check_alive(self, stream=1, connection=1, service='A', text=b'alive'):
        """Everything sent before has been handled then."""
        self.data(stream, connection, text, service)
        wait_until(lambda: text in self.echoed(stream, connection, service), f'an echo of {text}', SOON)
        self.is_connected()

    # Connection ids

    def test_absent_connection_id_is_1(self):
        self.start()
        got = self.begin()
        self.data(1, 0, b' and more')
        wait_until(lambda: got.endswith(b' and more'), 'the data', SOON)
        # The answer stays in the form of the start.
        self.assertEqual({message.connectionId for message in self.sent(wire.DATA)}, {1})

    def test_absent_connection_id_is_not_7(self):
        """In a stream that was started with connection 7, it means 1 all the same: a connection that is not there."""
        self.start()
        got = self.begin(connection=7)
        self.data(1, 0, b'astray')
        self.check_alive(connection=7)
        self.assertNotIn(b'astray', got)
        self.expect(wire.CONNECTION_RESET, 'A', 1, 1)

    def test_connection_1_is_not_7(self):
        self.start()
        got = self.begin(connection=7)
        self.data(1, 1, b'astray')
        self.check_alive(connection=7)
        self.assertNotIn(b'astray', got)
        self.expect(wire.CONNECTION_RESET, 'A', 1, 1)

    def test_absent_connection_id_beside_7(self):
        """Once there is a connection 1, it is that one's."""
        self.start()
        self.begin(connection=7)
        self.send(wire.make(wire.CONNECTION_START, 'A', 1, 1))
        self.data(1, 0, b'for the first')
        wait_until(lambda: self.connections[-1].endswith(b'for the first'), 'the data', SOON)
        self.assertNotIn(b'for the first', self.connections[0])

    def test_great_ids(self):
        self.start()
        self.begin(stream=(1 << 31) - 1, connection=(1 << 32) - 1)

    def test_id_in_use(self):
        """It is reset, and the first connection lives on, as far as anybody can tell the two apart."""
        self.start()
        got = self.begin()
        self.send(wire.make(wire.CONNECTION_START, 'A', 1, 1))
        self.expect(wire.CONNECTION_RESET, 'A', 1, 1)
        self.check_alive()
        self.assertEqual(len(self.connections), 1)
        self.assertNotIn(b'END', got)

    def test_unknown_connection(self):
        """It is reset once, however much comes for it."""
        self.start()
        self.begin()
        for _ in range(20):
            self.data(1, 2, b'astray')
        self.check_alive()
        self.assertEqual([message.connectionId for message in self.sent(wire.CONNECTION_RESET)], [2])

    def test_nothing_follows_a_reset(self):
        """Neither its own nor the peer's."""
        self.start()
        self.begin()
        self.send(wire.make(wire.CONNECTION_START, 'A', 1, 2))
        self.data(1, 2, pattern(2_000_000)[:wire.MAX_PAYLOAD])
        self.send(wire.make(wire.CONNECTION_RESET, 'A', 1, 2))
        self.check_alive()
        wait_until(lambda: self.connections[1].endswith(b'END'), 'the end of the connection', SOON)
        seen = len(self.sent())
        self.check_alive(text=b'still')
        after = [message for message in self.sent()[seen:] if message.connectionId == 2]
        self.assertEqual(after, [])
        self.assertEqual([message for message in self.sent(wire.CONNECTION_RESET)], [])

    def test_everything_is_delivered_before_a_reset(self):
        ready, got = threading.Event(), []

        def slow(connection):
            ready.wait(PATIENCE)
            got.append(read_all(connection))

        self.start(services=['A'], targets={'A': self.serve_tcp(slow)})
        data = pattern(3_000_000)
        self.send(wire.make(wire.STREAM_START, 'A', 1, 1))
        for piece in wire.pieces(data):
            self.data(1, 1, piece)
        self.send(wire.make(wire.CONNECTION_RESET, 'A', 1, 1))
        ready.set()
        wait_until(lambda: got, 'the end of the connection')
        self.assertEqual(got[0], data)

    # Services that are not there

    def test_service_without_a_target(self):
        """Refused at once; its neighbour does not notice."""
        self.start(targets={'A': self.serve_tcp(self.answer)})
        self.begin()
        self.send(wire.make(wire.STREAM_START, 'B', 1, 1))
        self.expect(wire.CONNECTION_RESET, 'B', 1, 1)
        self.send(wire.make(wire.CONNECTION_START, 'B', 1, 2))
        self.expect(wire.CONNECTION_RESET, 'B', 1, 2, count=2)
        self.check_alive()

    def test_service_that_is_unreachable(self):
        """Costs the one connection, in version 3."""
        port = free_port()
        self.start(services=['A'], targets={'A': port})
        self.send(wire.make(wire.STREAM_START, 'A', 1, 1))
        self.expect(wire.CONNECTION_RESET, 'A', 1, 1)
        self.serve_tcp(self.answer, port=port)
        self.send(wire.make(wire.CONNECTION_START, 'A', 1, 2))
        self.check_alive(connection=2)
        self.assertEqual(self.sent(wire.STREAM_RESET), [])

    def check_unreachable(self, service):
        self.start(services=['A'], targets={'A': free_port()})
        self.send(wire.make(wire.STREAM_START, service, 1))
        self.expect(wire.STREAM_RESET, service, 1, 0)

    def test_service_that_is_unreachable_in_v1(self):
        self.check_unreachable('')

    def test_service_that_is_unreachable_in_v2(self):
        self.check_unreachable('A')

    def test_start_of_no_service(self):
        self.start()
        self.begin()
        self.send(wire.make(wire.STREAM_START, 'NONE', 5, 1))
        self.expect(wire.STREAM_RESET, 'NONE', 5, 1)
        self.check_alive()

    def test_v1_start_with_one_service(self):
        """It is for that one, and is answered in its form."""
        self.start(services=['A'])
        self.begin(connection=0, service='')

    def check_v1_start(self, services):
        self.start(services=services)
        self.begin()
        self.send(wire.make(wire.STREAM_START, '', 9))
        self.expect(wire.STREAM_RESET, '', 9, 0)
        self.check_alive()

    def test_v1_start_with_several_services(self):
        self.check_v1_start(['A', 'B'])

    def test_tunnel_without_services(self):
        self.start(services=[])
        self.begin(service='')
        self.send(wire.make(wire.CONNECTION_START, '', 1, 2))
        self.check_alive(connection=2, service='')

    def test_versions_side_by_side(self):
        """A version is one stream's; another costs nobody a WebSocket."""
        self.start()
        self.begin()
        self.begin(connection=0, service='B')
        self.check_alive()
        self.begin(stream=2, connection=0)
        self.begin(stream=2, connection=1, service='B')
        self.is_connected()

    # Streams

    def test_connection_start_without_a_stream(self):
        """Begins one: the start of the stream was for a destination that was here before."""
        self.start()
        self.send(wire.make(wire.CONNECTION_START, 'A', 4, 3))
        self.check_alive(stream=4, connection=3)
        self.send(wire.make(wire.CONNECTION_START, 'A', 4, 4))
        self.check_alive(stream=4, connection=4)
        self.assertEqual(self.sent(*wire.RESETS), [])

    def check_replaced(self, stream):
        self.start()
        old = self.begin()
        new = self.begin(stream=stream)
        wait_until(lambda: old.endswith(b' END'), 'the end of the old connection', SOON)
        self.assertIsNot(old, new)
        self.assertNotIn(b'END', new)
        self.is_connected()

    def test_start_with_another_id(self):
        self.check_replaced(2)

    def test_start_with_a_smaller_id(self):
        self.start()
        self.begin(stream=10)
        self.begin(stream=3)
        self.is_connected()

    def test_start_with_the_active_id(self):
        """Is a fresh start."""
        self.start()
        old = self.begin()
        self.send(wire.make(wire.STREAM_START, 'A', 1, 1))
        wait_until(lambda: old.endswith(b' END'), 'the end of the old connection', SOON)
        self.check_alive()
        self.assertEqual(len(self.connections), 2)

    def test_stale_messages(self):
        self.start()
        self.begin(stream=1)
        got = self.begin(stream=2)
        self.send(wire.make(wire.DATA, 'A', 1, 1, b'stale'), wire.make(wire.CONNECTION_RESET, 'A', 1, 1),
                  wire.make(wire.STREAM_RESET, 'A', 1, 1), wire.make(wire.CONNECTION_START, 'A', 1, 2))
        self.check_alive(stream=2)
        self.assertNotIn(b'stale', got)
        self.assertEqual(len(self.connections), 2)
        self.assertEqual(self.sent(*wire.RESETS), [])

    def test_stream_reset(self):
        """Ends the service's connections, and no other's."""
        self.start()
        first = self.begin()
        self.send(wire.make(wire.CONNECTION_START, 'A', 1, 2))
        self.check_alive(connection=2)
        self.begin(service='B')
        self.send(wire.make(wire.STREAM_RESET, 'A', 1, 1))
        wait_until(lambda: first.endswith(b' END') and self.connections[1].endswith(b' END'), 'the end', SOON)
        self.check_alive(service='B', text=b'other')
        self.begin(stream=2)
        self.assertEqual(self.sent(*wire.RESETS), [])

    def test_session_reset(self):
        """All streams end, the WebSocket stays, and new starts are served."""
        self.start()
        ended = [self.begin(service='A'), self.begin(service='B')]
        self.send(wire.make(wire.SESSION_RESET))
        for got in ended:
            wait_until(lambda got=got: got.endswith(b' END'), 'the end of a connection', SOON)
        self.begin(stream=2, service='A')
        self.begin(stream=2, service='B')
        self.is_connected()
        self.assertEqual(self.sent(*wire.RESETS), [])

    # Messages that nobody knows

    def test_ignorable_is_nothing_on_known_types(self):
        self.start()
        self.send(wire.make(wire.STREAM_START, 'A', 1, 1, ignorable=True),
                  wire.make(wire.DATA, 'A', 1, 1, b'taken', ignorable=True))
        self.wait_for_payload('destination', 5, 'A', 1)

    def test_unknown_type_that_may_be_ignored(self):
        self.start()
        self.begin()
        self.send(wire.make(42, 'A', 1, 1, b'x', ignorable=True))
        self.check_alive()
        self.assertEqual(self.sent(*wire.RESETS), [])

    def test_unknown_type_that_may_not_be_ignored(self):
        """May cost the stream that it came on, and no other."""
        self.start()
        self.begin()
        self.begin(service='B')
        self.send(wire.make(42, 'A', 1, 1, b'x'))
        self.check_alive(service='B')
        self.begin(stream=2)

    def test_unknown_fields(self):
        self.start()
        self.begin()
        body = wire.make(wire.DATA, 'A', 1, 1, b'known').SerializeToString() + b'\x52\x03new\x58\x07'
        self.service.send_bytes('destination', len(body).to_bytes(2, 'big') + body)
        self.check_alive()
        self.assertIn(b'known', self.connections[0])

    def test_what_a_destination_never_sends(self):
        self.start()
        self.begin()
        self.send(wire.make(wire.CONNECTION_START, 'A', 1, 2))
        self.check_alive(connection=2)
        self.assertEqual({message.type for message in self.sent()}, {wire.DATA})


class Source(Rules):
    side = 'source'
    services = ['A', 'B']

    def start(self, *arguments, services=None, **options):
        self.start_service(services, relay=False, **options)
        self.ports = self.start_source(*(services or self.services), arguments=arguments)

    def open(self, service='A'):
        """A connection that is known to be of version 3; returns it and its start."""
        count = len(self.sent(*wire.STARTS)) + 1
        client = self.connect(self.ports[service])
        client.sendall(b'question')
        start = self.wait_for_message('source', *wire.STARTS, count=count)
        self.wait_for_payload('source', 8, service, start.connectionId)
        self.data(start.streamId, start.connectionId, b'answer', service)
        self.assertEqual(read_exactly(client, 6), b'answer')
        return client, start

    def check_alive(self, client, start):
        self.data(start.streamId, start.connectionId, b'alive', start.serviceId)
        client.settimeout(SOON)
        self.assertEqual(read_exactly(client, 5), b'alive')
        self.is_connected()

    def test_start(self):
        self.start()
        _, start = self.open()
        self.assertEqual((start.type, start.connectionId), (wire.STREAM_START, 1))
        self.assertFalse(start.ignorable)

    def test_absent_connection_id_is_1(self):
        """Also when only another one is left."""
        self.start()
        first, start = self.open()
        second, further = self.open()
        first.close()
        self.expect(wire.CONNECTION_RESET, 'A', start.streamId, 1)
        self.data(start.streamId, 0, b'astray')
        self.check_alive(second, further)

    def test_unknown_connection(self):
        self.start()
        client, start = self.open()
        for _ in range(20):
            self.data(start.streamId, 77, b'astray')
        self.check_alive(client, start)
        self.assertEqual([message.connectionId for message in self.sent(wire.CONNECTION_RESET)], [77])

    def test_nothing_follows_a_reset(self):
        self.start()
        client, start = self.open()
        other, further = self.open()
        self.send(wire.make(wire.CONNECTION_RESET, 'A', start.streamId, start.connectionId))
        self.assert_closed(client, SOON)
        self.check_alive(other, further)
        self.assertEqual(self.sent(*wire.RESETS), [])

    def test_everything_is_delivered_before_a_reset(self):
        self.start()
        client, start = self.open()
        data = pattern(3_000_000)
        for piece in wire.pieces(data):
            self.data(start.streamId, start.connectionId, piece)
        self.send(wire.make(wire.CONNECTION_RESET, 'A', start.streamId, start.connectionId))
        self.assertEqual(read_all(client), data)

    def test_stale_messages(self):
        self.start()
        client, start = self.open()
        stale = start.streamId + 1000
        self.send(wire.make(wire.DATA, 'A', stale, 1, b'stale'), wire.make(wire.CONNECTION_RESET, 'A', stale, 1),
                  wire.make(wire.STREAM_RESET, 'A', stale, 1))
        self.check_alive(client, start)
        self.assertEqual(self.sent(*wire.RESETS), [])

    def test_stream_reset(self):
        """Ends all connections of the service; the next begins a new stream, with a greater id."""
        self.start()
        first, start = self.open()
        second, _ = self.open()
        other, elsewhere = self.open('B')
        self.send(wire.make(wire.STREAM_RESET, 'A', start.streamId, 1))
        for client in first, second:
            self.assert_closed(client, SOON)
        self.check_alive(other, elsewhere)
        _, again = self.open()
        self.assertEqual(again.type, wire.STREAM_START)
        self.assertGreater(again.streamId, start.streamId)
        self.assertEqual(self.sent(*wire.RESETS), [])

    def test_stream_reset_without_a_connection_id(self):
        """The reference proxy's, when its very first connection failed: not a sign of version 2."""
        self.start()
        first, start = self.open()
        self.send(wire.make(wire.STREAM_RESET, 'A', start.streamId))
        self.assert_closed(first, SOON)
        _, again = self.open()
        self.assertEqual((again.type, again.connectionId != 0), (wire.STREAM_START, True))

    def test_session_reset(self):
        self.start()
        clients = [self.open(name) for name in self.services]
        self.send(wire.make(wire.SESSION_RESET))
        for client, _ in clients:
            self.assert_closed(client, SOON)
        for name, (_, start) in zip(self.services, clients):
            _, again = self.open(name)
            self.assertEqual(again.type, wire.STREAM_START)
            self.assertGreater(again.streamId, start.streamId)
        self.is_connected()

    def test_forms_of_resets(self):
        """In version 3 they name their service and a connection: by less the SDK takes another version."""
        self.start()
        client, start = self.open()
        client.close()
        self.expect(wire.CONNECTION_RESET, 'A', start.streamId, start.connectionId)
        self.end_child(self.source)
        for message in self.sent(*wire.RESETS):
            self.assertEqual(message.serviceId, 'A')
            self.assertGreater(message.connectionId, 0)

    def check_form(self, form, service):
        self.start('-y', form, services=['A'])
        client = self.connect(self.ports['A'])
        client.sendall(b'question')
        start = self.wait_for_message('source', wire.STREAM_START)
        self.assertEqual((start.serviceId, start.connectionId), (service, 0))
        # The peer may show a connection all the same.
        for connection in 0, 1:
            self.send(wire.make(wire.DATA, service, start.streamId, connection, b'answer'))
            self.assertEqual(read_exactly(client, 6), b'answer')
        client.close()
        self.expect(wire.STREAM_RESET, service, start.streamId, 0)

    def test_v1(self):
        self.check_form('V1', '')

    def test_v2(self):
        self.check_form('V2', 'A')

    def test_unknown_types(self):
        self.start()
        client, start = self.open()
        self.send(wire.make(42, 'A', start.streamId, 1, ignorable=True))
        self.check_alive(client, start)
        other, elsewhere = self.open('B')
        self.send(wire.make(42, 'A', start.streamId, 1))
        self.check_alive(other, elsewhere)
        self.open('A')

    def test_what_a_source_never_receives(self):
        """Starts from the other side."""
        self.start()
        client, start = self.open()
        self.send(wire.make(wire.STREAM_START, 'A', 99, 1), wire.make(wire.CONNECTION_START, 'A', start.streamId, 9))
        self.check_alive(client, start)


if __name__ == '__main__':
    tap.main()
