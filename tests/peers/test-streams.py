#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Connections one after another and at once: ist-proxy at one end, at the other who keeps streams in its own way."""

import subprocess

import tap
from child import require
from peers import case, web, wire
from peers.case import pattern
from sockets import echo, free_port, is_listening, read_all, read_exactly
from waiting import wait_until


class OfModel(web.ToModel):
    """ist-proxy is the source."""

    def check_sequence(self, model):
        self.start(model)
        for _ in range(20):
            self.assert_curl()

    def check_at_once(self, model):
        self.start(model)
        self.assert_curls()
        # And when all have ended.
        self.assert_curls()

    def test_reference_in_sequence(self):
        self.check_sequence('reference')

    def test_sdk_in_sequence(self):
        self.check_sequence('sdk')

    def test_reference_at_once(self):
        self.check_at_once('reference')

    def test_sdk_at_once(self):
        self.check_at_once('sdk')

    def test_reference_that_cannot_connect_for_a_while(self):
        """Its STREAM_RESET for a CONNECTION_START does not make it a client of one connection."""
        self.start_emulator()
        port = free_port()
        self.peer_destination('reference', {'SSH': port})
        self.port = self.start_source('SSH')['SSH']
        for _ in range(2):
            self.assert_closed(self.connect(self.port))
        text = pattern(1000)
        self.serve_tcp(echo, port=port)
        self.assertEqual(self.talk(self.port, text), text)
        clients = [self.connect(self.port) for _ in range(3)]
        for client in clients:
            client.sendall(text)
        for client in clients:
            self.assertEqual(read_exactly(client, len(text)), text)

    def test_ids(self):
        """A stream is begun once; each further connection has the next id, also when none is left."""
        self.start('reference', scripted=True)
        for _ in range(4):
            self.assert_curl()
        starts = self.service.messages('source', *wire.STARTS)
        self.assertEqual([message.type for message in starts], [wire.STREAM_START] + [wire.CONNECTION_START] * 3)
        self.assertEqual([message.connectionId for message in starts], [1, 2, 3, 4])
        self.assertEqual(len({message.streamId for message in starts}), 1)

    def test_sdk_is_sent_nothing_after_a_reset(self):
        """In a tunnel without services it would crash, and exits here."""
        self.start_service(services=[])
        self.peer_destination('sdk', {'': self.serve_tcp(echo)})
        # Such a tunnel has one port, which stands alone.
        port = free_port()
        self.proxy('source', 'source', '-s', str(port))
        wait_until(lambda: is_listening(port), 'the source')
        text = pattern(300_000)
        for _ in range(20):
            self.assertEqual(self.talk(port, text), text)
        self.assertIsNone(self.destination.poll(), self.log_of('destination')[-1000:])

    def test_sdk_is_not_made_to_reconnect(self):
        """By a stream that ends before its peer has answered: in version 3 its reset names service and connection."""
        self.start_emulator()
        self.peer_destination('sdk', {'SSH': self.serve_tcp(read_all)})
        port = self.start_source('SSH')['SSH']
        for i in range(1, 4):
            with self.connect(port) as client:
                client.sendall(b'no answer')
                wait_until(lambda: self.log_of('destination').count('< DATA') >= i, 'the data')
        wait_until(lambda: self.log_of('destination').count('_RESET') >= 3, 'the ends')
        self.assertEqual(self.destination.log().splitlines().count('connected'), 1)


class Ssh(case.Case):
    def test_reference(self):
        """ssh, exit, ssh again; scp; several at once."""
        require('scp')
        sshd = self.start_sshd()
        self.start_emulator()
        self.peer_destination('reference', {'SSH': sshd})
        port = self.start_source('SSH')['SSH']

        def run(i):
            result = subprocess.run(self.ssh_command(port, f'echo answer {i}'), capture_output=True, text=True,
                                    timeout=2 * case.PATIENCE)
            return result.stdout

        self.assertEqual([run(i) for i in range(3)], [f'answer {i}\n' for i in range(3)])
        data = pattern(2_000_000)
        with open(self.path('original'), 'wb') as f:
            f.write(data)
        subprocess.run(['scp', '-q', *self.ssh_options(), '-P', str(port), self.path('original'),
                        f'127.0.0.1:{self.path("copy")}'], check=True, timeout=3 * case.PATIENCE)
        with open(self.path('copy'), 'rb') as f:
            self.assertEqual(f.read(), data)
        self.assertEqual(case.together(5, run), [f'answer {i}\n' for i in range(5)])


class OfProxy(web.FromModel):
    """ist-proxy is the destination."""

    def check_sequence(self, model):
        self.start(model)
        for _ in range(10):
            self.assert_curl()
        self.assert_curls()

    def check_one_at_a_time(self, model, form=None):
        self.start(model, form=form)
        for _ in range(5):
            # A source that closes its port between two connections refuses who is too quick.
            wait_until(lambda: self.curl(self.port, 'file', 5).stdout == self.text, 'the web server')

    def test_reference(self):
        self.check_sequence('reference')

    def test_vscode(self):
        self.check_sequence('vscode')

    def test_second_reset_is_not_answered(self):
        self.start('vscode', scripted=True)
        self.assert_curl()
        self.wait_for_message('source', wire.CONNECTION_RESET, count=2)
        # What comes after the two shows that they have been seen.
        self.assert_curl()
        resets = [(message.streamId, message.connectionId)
                  for message in self.service.messages('destination', *wire.RESETS)]
        self.assertEqual(len(resets), len(set(resets)))

    def test_reference_v1(self):
        self.check_one_at_a_time('reference', 'V1')

    def test_reference_v2(self):
        self.check_one_at_a_time('reference', 'V2')

    def test_browser(self):
        self.check_one_at_a_time('browser')

    def test_go(self):
        self.check_one_at_a_time('go')

    def test_older_v1(self):
        self.check_one_at_a_time('older', 'V1')

    def test_older_v2(self):
        self.check_one_at_a_time('older', 'V2')

    def check_refused(self, port):
        """At once, where the other service works on."""
        self.assertEqual(self.talk(self.ports['A'], b'works'), b'works')
        with self.connect(port) as client:
            self.assert_closed(client)
        self.assertEqual(self.talk(self.ports['A'], b'works on'), b'works on')

    def check_without_a_target(self, start):
        self.services = ['A', 'B']
        self.start_emulator()
        self.start_destination(f'A=127.0.0.1:{self.serve_tcp(echo)}')
        self.ports = start(*self.services)
        self.check_refused(self.ports['B'])

    def test_service_without_a_target(self):
        self.check_without_a_target(self.start_source)

    def test_service_without_a_target_for_the_reference(self):
        self.check_without_a_target(lambda *services: self.peer_source('reference', *services))

    def test_service_without_a_target_for_vscode(self):
        self.check_without_a_target(lambda *services: self.peer_source('vscode', *services))

    def test_service_without_a_target_for_an_older_source(self):
        self.check_without_a_target(lambda *services: self.peer_source('older', *services, form='V2'))

    def test_browser_in_a_tunnel_of_several_services(self):
        """Which of them it means nobody knows: it is told that it has none."""
        self.start_service(['A', 'B'])
        server = self.serve_tcp(echo)
        self.start_destination(f'A=127.0.0.1:{server}', f'B=127.0.0.1:{server}')
        port = self.peer_source('browser', 'A')['A']
        with self.connect(port) as client:
            client.sendall(b'for whom?')
            self.assert_closed(client)


if __name__ == '__main__':
    tap.main()
