#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Connections one after another and at once, and what becomes of a stream when they end or an end of the tunnel
starts anew: ist-proxy at one end, at the other who keeps streams in its own way."""

import os
import subprocess
import time

from peers import case, wire
from peers.case import echo, pattern
import fixture
import tap

# Longer than anybody should wait for an answer before doubting that there will be one, in seconds.
THINKING_TIME = 12


class Web(case.Case):
    """A real web server, and a file in it."""

    def start_web(self):
        self.text = 'what the server has to say\n'
        os.mkdir(self.path('www'))
        with open(self.path('www') + '/file', 'w') as f:
            f.write(self.text)
        self.web = self.start_nginx(self.path('www'))

    def assert_curl(self, patience=case.PATIENCE):
        result = self.curl(self.port, 'file', patience)
        self.assertEqual((result.returncode, result.stdout), (0, self.text), result.stderr)


class SourceOf(Web):
    """ist-proxy is the source; a model is the destination."""

    def start(self, model, scripted=False, tell_of_lost=True):
        self.start_web()
        if scripted:
            self.start_service(tell_of_lost=tell_of_lost)
        else:
            self.start_emulator()
        self.model = model
        self.peer_destination(model, {'SSH': self.web})
        self.port = self.start_source('SSH')['SSH']

    def restart_destination(self):
        self.destination.kill()
        self.end_child(self.destination)
        self.peer_destination(self.model, {'SSH': self.web})

    def assert_revived(self, scripted=False, tell_of_lost=True):
        """Where nobody has said that the stream is gone, an answer has to be missed first, and may cost a connection."""
        if tell_of_lost:
            self.assert_curl()
        else:
            fixture.wait_until(lambda: self.curl(self.port, 'file').stdout == self.text, 'the web server')

    def check_sequence(self, model):
        self.start(model)
        for _ in range(20):
            self.assert_curl()

    def check_at_once(self, model):
        self.start(model)
        results = case.together(5, lambda i: self.curl(self.port, 'file').stdout)
        self.assertEqual(results, [self.text] * 5)
        # And when all have ended.
        results = case.together(5, lambda i: self.curl(self.port, 'file').stdout)
        self.assertEqual(results, [self.text] * 5)

    def check_restarts(self, model, **options):
        self.start(model, **options)
        self.assert_curl()
        for _ in range(2):
            self.restart_destination()
            self.assert_revived(**options)
            self.assert_curl()

    def check_restart_with_a_connection(self, model, **options):
        """The connection is lost with the destination; the next ones are not."""
        self.start(model, **options)
        client = self.connect(self.port)
        client.sendall(b'GET /file HTTP/1.1\r\nHost: a\r\n\r\n')
        self.assertTrue(client.recv(1))
        self.restart_destination()
        self.assert_revived(**options)
        self.assertEqual(case.together(5, lambda i: self.curl(self.port, 'file').stdout), [self.text] * 5)

    def test_reference_in_sequence(self):
        self.check_sequence('reference')

    def test_sdk_in_sequence(self):
        self.check_sequence('sdk')

    def test_reference_at_once(self):
        self.check_at_once('reference')

    def test_sdk_at_once(self):
        self.check_at_once('sdk')

    def test_reference_restarts(self):
        self.check_restarts('reference')

    def test_sdk_restarts(self):
        self.check_restarts('sdk')

    def test_reference_restarts_untold(self):
        self.check_restarts('reference', scripted=True, tell_of_lost=False)

    def test_sdk_restarts_untold(self):
        self.check_restarts('sdk', scripted=True, tell_of_lost=False)

    def test_reference_restarts_with_a_connection(self):
        self.check_restart_with_a_connection('reference')

    def test_sdk_restarts_with_a_connection(self):
        self.check_restart_with_a_connection('sdk')

    def test_reference_restarts_with_a_connection_untold(self):
        self.check_restart_with_a_connection('reference', scripted=True, tell_of_lost=False)

    def test_sdk_restarts_with_a_connection_untold(self):
        self.check_restart_with_a_connection('sdk', scripted=True, tell_of_lost=False)

    def test_slow_answer_is_no_dead_stream(self):
        """A service that thinks for long is not taken for a destination that has forgotten its stream."""
        def think(connection):
            while data := connection.recv(65536):
                if data == b'slow':
                    time.sleep(THINKING_TIME)
                connection.sendall(data)

        self.services = ['A', 'B']
        self.start_emulator()
        server = self.serve_tcp(think)
        self.peer_destination('reference', {name: server for name in self.services})
        ports = self.start_source(*self.services)
        for name in self.services:
            self.assertEqual(self.talk(ports[name], b'once'), b'once')
        # Alone in its stream; and beside another connection.
        alone, other, beside = (self.connect(ports[name], 2 * case.PATIENCE) for name in 'ABB')
        other.sendall(b'quick')
        self.assertEqual(case.read_exactly(other, 5), b'quick')
        for client in alone, beside:
            client.sendall(b'slow')
        for client in alone, beside:
            self.assertEqual(case.read_exactly(client, 4), b'slow')
        other.sendall(b'quick')
        self.assertEqual(case.read_exactly(other, 5), b'quick')

    def test_reference_that_cannot_connect_for_a_while(self):
        """Its STREAM_RESET for a CONNECTION_START does not make it a client of one connection."""
        self.start_emulator()
        port = fixture.free_port()
        self.peer_destination('reference', {'SSH': port})
        self.port = self.start_source('SSH')['SSH']
        for _ in range(2):
            self.assert_closed(self.connect(self.port))
        text = pattern(1000)
        self.serve_tcp_on(port, echo)
        self.assertEqual(self.talk(self.port, text), text)
        clients = [self.connect(self.port) for _ in range(3)]
        for client in clients:
            client.sendall(text)
        for client in clients:
            self.assertEqual(case.read_exactly(client, len(text)), text)

    def test_ids(self):
        """A stream is begun once; each further connection has the next id, also when none is left."""
        self.start('reference', scripted=True)
        for _ in range(4):
            self.assert_curl()
        starts = self.service.messages('source', *wire.STARTS)
        self.assertEqual([message.type for message in starts], [wire.STREAM_START] + [wire.CONNECTION_START] * 3)
        self.assertEqual([message.connectionId for message in starts], [1, 2, 3, 4])
        self.assertEqual(len({message.streamId for message in starts}), 1)

    def test_ids_grow_across_reconnects(self):
        self.start('reference', scripted=True)
        self.assert_curl()
        first = self.service.messages('source', wire.STREAM_START)[0]
        self.service.drop('source')
        fixture.wait_until(lambda: sum(side == 'source' for side, _ in self.service.handshakes) > 1, 'the source')
        self.assert_curl(2 * case.PATIENCE)
        second = self.wait_for_message('source', wire.STREAM_START, connection=1)
        self.assertGreater(second.streamId, first.streamId)
        tokens = {headers['client-token'] for side, headers in self.service.handshakes if side == 'source'}
        self.assertEqual(len(tokens), 1)

    def test_sdk_is_sent_nothing_after_a_reset(self):
        """In a tunnel without services it would crash, and exits here."""
        self.start_service(services=[])
        self.peer_destination('sdk', {'': self.serve_tcp(echo)})
        port = self.start_source(arguments=[])
        text = pattern(300_000)
        for _ in range(20):
            self.assertEqual(self.talk(next(iter(port.values())), text), text)
        self.assertIsNone(self.destination.poll(), self.log_of('destination')[-1000:])

    def start_source(self, *services, arguments=(), env=None):
        if services:
            return super().start_source(*services, arguments=arguments, env=env)
        # A tunnel without services has one port, which stands alone.
        port = fixture.free_port()
        self.source = self.proxy('source', 'source', '-s', str(port))
        fixture.wait_until(lambda: fixture.is_listening(port) or self.source.poll() is not None, 'the source')
        return {'': port}


class Ssh(case.Case):
    def test_reference(self):
        """ssh, exit, ssh again; scp; several at once."""
        fixture.require('scp')
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


class DestinationOf(Web):
    """ist-proxy is the destination; a model is the source."""

    def start(self, model, scripted=False, tell_of_lost=True, form=None):
        self.start_web()
        if scripted:
            self.start_service(tell_of_lost=tell_of_lost)
        else:
            self.start_emulator()
        self.start_destination(f'SSH=127.0.0.1:{self.web}', arguments=('-i', 'a-client-token-for-many-a-restart'))
        self.port = self.peer_source(model, 'SSH', form=form)['SSH']

    def restart_destination(self):
        self.destination.kill()
        self.end_child(self.destination)
        os.unlink(self.path('destination.log'))
        self.start_destination(f'SSH=127.0.0.1:{self.web}', arguments=('-i', 'a-client-token-for-many-a-restart'))

    def check_sequence(self, model):
        self.start(model)
        for _ in range(10):
            self.assert_curl()
        self.assertEqual(case.together(5, lambda i: self.curl(self.port, 'file').stdout), [self.text] * 5)

    def check_restarts(self, model, **options):
        """A CONNECTION_START is then the first that the new destination hears of the stream."""
        self.start(model, **options)
        self.assert_curl()
        for _ in range(2):
            self.restart_destination()
            self.assert_curl()
            self.assertEqual(case.together(5, lambda i: self.curl(self.port, 'file').stdout), [self.text] * 5)

    def test_reference(self):
        self.check_sequence('reference')

    def test_vscode(self):
        self.check_sequence('vscode')

    def test_reference_restarts(self):
        # It closes its port for a moment when it is told.
        self.start('reference')
        self.assert_curl()
        self.restart_destination()
        fixture.wait_until(lambda: self.curl(self.port, 'file', 5).stdout == self.text, 'the web server')

    def test_reference_restarts_untold(self):
        self.check_restarts('reference', scripted=True, tell_of_lost=False)

    def test_vscode_restarts(self):
        self.check_restarts('vscode')

    def test_vscode_restarts_untold(self):
        self.check_restarts('vscode', scripted=True, tell_of_lost=False)

    def test_second_reset_is_not_answered(self):
        self.start('vscode', scripted=True)
        self.assert_curl()
        self.wait_for_message('source', wire.CONNECTION_RESET, count=2)
        # What comes after the two shows that they have been seen.
        self.assert_curl()
        resets = [(message.streamId, message.connectionId)
                  for message in self.service.messages('destination', *wire.RESETS)]
        self.assertEqual(len(resets), len(set(resets)))

    def check_one_at_a_time(self, model, form=None):
        if model in ('browser', 'go'):
            self.start_web()
            self.start_service()
            self.start_destination(f'SSH=127.0.0.1:{self.web}')
            self.port = self.peer_source(model, 'SSH', form=form)['SSH']
        else:
            self.start(model, form=form)
        for _ in range(5):
            # A source that closes its port between two connections refuses who is too quick.
            fixture.wait_until(lambda: self.curl(self.port, 'file', 5).stdout == self.text, 'the web server')

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


tap.main()
