#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A service that is late or silent, which the emulator never is."""

import json
import subprocess
import time

import tap
from peers import case, wire
from peers.case import pattern
from sockets import echo
from systemd import Systemd
from waiting import PATIENCE, wait_until

# Later than the time after which a tunnel is taken to have no services.
LATE = 7


class Silent(case.Case):
    services = ['SSH']

    def start_destination_now(self, *targets):
        """Without waiting for the services, which may come late."""
        self.destination = self.proxy('destination', 'destination', '-d', ','.join(targets))
        wait_until(lambda: self.service.has('destination'), 'the destination')

    # SERVICE_IDS

    def test_late_service_ids(self):
        """Are taken when they come, and no reason to end before."""
        self.start_service(service_ids_after=LATE)
        self.start_destination_now(f'SSH=127.0.0.1:{self.serve_tcp(echo)}')
        port = self.start_source('SSH')['SSH']
        text = pattern(1000)
        wait_until(lambda: self.talk(port, text) == text or self.ended(), 'an echo')
        self.assertFalse(self.ended())
        self.assertEqual((self.service.count('source'), self.service.count('destination')), (1, 1))

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
        self.assertEqual(self.destination.wait(PATIENCE), 78)

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
        self.assert_quiet(lambda: self.service.count('source') > 1, 6)
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
        wait_until(lambda: self.service.count('source') > 1, 'a reconnect')

    # What others wrote, in the hope that it is taken for something else

    def test_text_of_others(self):
        """Stays within its line, its field and its string, wherever it is shown."""
        evil = 'SSH\nMAINPID=1\r\x1b[2J\u202e'
        self.start_service(services=[evil])
        systemd = Systemd(self)
        self.source = self.proxy('source', 'source', '-m', 'source', '--json', '-v', '6', '--port-file',
                                 self.path('ports'), env=systemd.environment, stdout=subprocess.PIPE)
        self.assertEqual(json.loads(self.source.read_line())['services'], [evil])
        systemd.hear(self.source, 'READY=1')
        self.service.close('source', 4000, 'away\nMAINPID=1\r\x1b[2J')
        self.source.expect('away')
        systemd.hear(self.source, 'away')
        fields = systemd.fields
        self.assertFalse([field for field in fields if not field.startswith(('READY=', 'STATUS=', 'WATCHDOG='))])
        with open(self.path('ports')) as f:
            self.assertEqual(len(f.read().splitlines()), 1)
        log = self.log_of('source')
        self.assertIn('MAINPID', log)
        self.assertNotRegex(log + ''.join(fields), '[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]')
        for line in log.splitlines():
            self.assertRegex(line, r'^\d{4}-\d\d-\d\d ')


if __name__ == '__main__':
    tap.main()
