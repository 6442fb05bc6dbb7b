#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A service that is late, silent or gone, which the emulator never is."""

import time

from peers import case, wire
from peers.case import echo, pattern
import fixture
import tap

# Later than the time after which a tunnel is taken to have no services.
LATE = 7

# A client that was replaced must not throw the other one out in turn.
REPLACED = 1008


class Services(case.Case):
    services = ['SSH']

    def both_ends(self, **options):
        self.start_service(**options)
        self.start_destination_now(f'SSH=127.0.0.1:{self.serve_tcp(echo)}')
        return self.start_source('SSH')['SSH']

    def start_destination_now(self, *targets):
        """Without waiting for the services, which may come late."""
        self.destination = self.proxy('destination', 'destination', '-d', ','.join(targets))
        fixture.wait_until(lambda: self.service.has('destination'), 'the destination')

    def count(self, side):
        return sum(handshake_side == side for handshake_side, _ in self.service.handshakes)

    # SERVICE_IDS

    def test_late_service_ids(self):
        """Are taken when they come, and no reason to end before."""
        self.start_service(service_ids_after=LATE)
        self.start_destination_now(f'SSH=127.0.0.1:{self.serve_tcp(echo)}')
        port = self.start_source('SSH')['SSH']
        text = pattern(1000)
        fixture.wait_until(lambda: self.talk(port, text) == text or self.ended(), 'an echo')
        self.assertFalse(self.ended())
        self.assertEqual((self.count('source'), self.count('destination')), (1, 1))

    def ended(self):
        return [f'{child.name} ended with {child.returncode}: {self.log_of(child.name)[-500:]}'
                for child in (self.source, self.destination) if child.poll() is not None]

    def test_late_service_ids_at_a_destination(self):
        self.start_service(service_ids_after=LATE, relay=False)
        self.start_destination_now(f'SSH=127.0.0.1:{self.serve_tcp(echo)}')
        self.assert_quiet(lambda: self.destination.poll() is not None, LATE + 1)
        self.service.send('destination', wire.make(wire.STREAM_START, 'SSH', 1, 1),
                          wire.make(wire.DATA, 'SSH', 1, 1, b'after all'))
        self.assertEqual(self.wait_for_payload('destination', 9, 'SSH', 1), b'after all')

    def test_no_service_ids(self):
        """Of a server that never sends them, any other first message says that there are none."""
        self.start_service(service_ids_after=None, relay=False)
        self.start_destination_now(str(self.serve_tcp(echo)))
        self.service.send('destination', wire.make(wire.STREAM_START, '', 1, 1))
        self.service.send('destination', wire.make(wire.DATA, '', 1, 1, b'no services'))
        self.assertEqual(self.wait_for_payload('destination', 11, '', 1), b'no services')

    def test_other_services_than_mapped(self):
        """Said by the service, it is a mistake in the configuration."""
        self.start_service(services=['OTHER'])
        self.destination = self.proxy('destination', 'destination', '-d', f'SSH=127.0.0.1:{self.serve_tcp(echo)}')
        self.assertEqual(self.destination.wait(fixture.PATIENCE), 78)

    # A service that goes

    def check_reconnects(self, end):
        port = self.both_ends()
        text = pattern(1000)
        self.assertEqual(self.talk(port, text), text)
        client = self.connect(port)
        client.sendall(b'x')
        self.assertEqual(client.recv(1), b'x')
        end()
        self.assert_closed(client, case.PATIENCE)
        fixture.wait_until(lambda: self.count('source') > 1 or self.count('destination') > 1, 'a reconnect')
        fixture.wait_until(lambda: self.service.has('source') and self.service.has('destination'), 'both ends')
        fixture.wait_until(lambda: self.talk(port, text) == text, 'an echo')
        # The same client: its tokens are.
        for side in 'source', 'destination':
            tokens = {(headers['access-token'], headers['client-token'])
                      for handshake_side, headers in self.service.handshakes if handshake_side == side}
            self.assertEqual(len(tokens), 1)

    def test_dropped_source(self):
        self.check_reconnects(lambda: self.service.drop('source'))

    def test_dropped_destination(self):
        self.check_reconnects(lambda: self.service.drop('destination'))

    def test_restart(self):
        self.check_reconnects(lambda: self.service.restart())

    def test_text_frame(self):
        """Nothing that the service sends: closed, and connected again."""
        self.check_reconnects(lambda: self.service.send_text('source', 'text'))

    def test_broken_message(self):
        self.check_reconnects(lambda: self.service.send_bytes('source', b'\x00\x03\xff\xff\xff'))

    def check_close_code(self, code):
        self.check_reconnects(lambda: self.service.close('source', code, 'for a test'))

    def test_close_1001(self):
        self.check_close_code(1001)

    def test_close_1012(self):
        self.check_close_code(1012)

    def test_close_1013(self):
        self.check_close_code(1013)

    def test_close_1014(self):
        self.check_close_code(1014)

    def test_replaced(self):
        """Final: two clients would throw each other out for ever."""
        self.both_ends()
        self.service.close('source', REPLACED, 'Replaced')
        self.assertEqual(self.source.wait(fixture.PATIENCE), 77)
        self.assertEqual(self.count('source'), 1)

    def test_never_in_a_tight_loop(self):
        """Also where each handshake succeeds."""
        port = self.both_ends()
        end = time.monotonic() + 3
        while time.monotonic() < end:
            if self.service.has('source'):
                self.service.send_bytes('source', b'\x00\x03\xff\xff\xff')
            time.sleep(0.05)
        self.assertLess(self.count('source'), 10)
        self.assertTrue(fixture.is_listening(port))

    # A service that is there, and says nothing

    def test_no_pongs(self):
        """A missing pong is no error until the first has been seen."""
        self.start_service(pongs=False)
        self.start_destination_now(f'SSH=127.0.0.1:{self.serve_tcp(echo)}')
        # Pings as often as they can be had.
        with open(self.path('settings.json'), 'w') as f:
            f.write('{"tunneling": {"proxy": {"websocket": {"ping_period_ms": 1000}}}}')
        port = self.start_source('SSH', arguments=['--settings-json', self.path('settings.json')])['SSH']
        text = pattern(1000)
        self.assertEqual(self.talk(port, text), text)
        self.assert_quiet(lambda: self.count('source') > 1, 6)
        self.assertEqual(self.talk(port, text), text)

    def test_silence(self):
        """Once there have been pongs, their absence is noticed, and the tunnel is set up anew."""
        self.start_service(relay=False)
        with open(self.path('settings.json'), 'w') as f:
            f.write('{"tunneling": {"proxy": {"websocket": {"ping_period_ms": 1000}}}}')
        self.start_source('SSH', arguments=['--settings-json', self.path('settings.json')])
        # The first pong has come by then.
        time.sleep(2.5)
        self.service.hush('source')
        fixture.wait_until(lambda: self.count('source') > 1, 'a reconnect')


tap.main()
