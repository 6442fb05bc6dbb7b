#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Runs the examples against ist-emulator, as a user would."""

import os
import pathlib
import signal
import subprocess
import unittest

import programs
import tap
from waiting import PATIENCE

# What was built, and what runs as it is.
BUILT = pathlib.Path(os.environ['IST_EXAMPLES'])
SCRIPTS = pathlib.Path(__file__).parents[2] / 'examples'
# Which find the libraries' bindings, if there are any.
PYTHON = os.environ.get('IST_PYTHON')
GJS = os.environ.get('IST_GJS')


class Case(programs.Case):
    services = ['FILE']

    def setUp(self):
        super().setUp()
        self.restart()

    def restart(self):
        """With a new tunnel."""
        self.start_emulator()
        self.where = ['--endpoint', self.info['endpoint'], '--ca-file', self.info['caFile']]

    def start(self, name, command, token=None):
        return self.spawn(name, command, {'AWSIOT_TUNNEL_ACCESS_TOKEN': token} if token else {},
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def source(self, command):
        return self.start('source', command, self.tunnel['sourceAccessToken'])

    def destination(self, command):
        return self.start('destination', command, self.tunnel['destinationAccessToken'])

    def events(self):
        if not GJS:
            self.skipTest('needs gjs and introspection')
        return ['env', GJS, '-m', SCRIPTS / 'tunnel-events.js', self.info['endpoint'], self.info['caFile']]

    def echo(self):
        if not (BUILT / 'tunnel-echo').exists():
            self.skipTest('needs the Vala bindings')
        return [BUILT / 'tunnel-echo', *self.where]

    def send(self, *path):
        return [BUILT / 'tunnel-send-file', *self.where, *path]

    def receive(self, path):
        if not PYTHON:
            self.skipTest('needs PyGObject and introspection')
        return [PYTHON, SCRIPTS / 'tunnel-receive-file.py', *self.where, path]

    def read_until(self, process, expected):
        while expected not in process.read_line():
            pass
        return ''.join(process.lines)

    def assert_ends(self, process, status):
        text, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, status, text)
        return text


class File(Case):
    def make(self, size):
        sent = self.folder / 'sent'
        sent.write_bytes(os.urandom(size))
        return sent, self.folder / 'received'

    def assert_passes(self, source, destination, sent, received):
        self.assertIn('delivered', self.assert_ends(source, 0))
        self.assertRegex(self.assert_ends(destination, 0), 'received, SHA-256 [0-9a-f]{64}\n')
        self.assertEqual(received.read_bytes(), sent.read_bytes())
        self.assertFalse((self.folder / 'received.part').exists())

    def test_destination_first(self):
        for size in 0, 1, 3000000:
            self.restart()
            sent, received = self.make(size)
            destination = self.destination(self.receive(received))
            self.read_until(destination, 'connected')
            self.assert_passes(self.source(self.send(sent)), destination, sent, received)

    def test_source_first(self):
        sent, received = self.make(3000000)
        received.write_text('something old')
        command = self.receive(received)
        source = self.source(self.send(sent))
        # It was asked, and nobody was there.
        self.read_until(source, 'connected')
        self.read_until(source, 'stream 1 stopped')
        self.assert_passes(source, self.destination(command), sent, received)

    def test_interrupted(self):
        sent, received = self.make(0)
        os.truncate(sent, 1 << 33)  # takes longer than a signal, on any machine
        command = self.receive(received)
        destination = self.destination(command)
        self.read_until(destination, 'connected')
        source = self.source(self.send(sent))
        self.read_until(source, 'answers GO')
        destination.send_signal(signal.SIGINT)
        self.assert_ends(destination, 1)
        self.assertFalse((self.folder / 'received.part').exists())
        self.assertFalse(received.exists())
        source.send_signal(signal.SIGINT)
        self.assertIn('disconnected: stopped', self.assert_ends(source, 1))


class Failures(Case):
    def commands(self):
        """Of all examples that can run here."""
        yield self.send(__file__)
        for make in (lambda: self.receive(self.folder / 'received'), self.echo, self.events):
            try:
                yield make()
            except unittest.SkipTest:
                continue

    def test_authorities(self):
        """Another emulator's: a program says so, and does not wait in silence."""
        other = self.info['caFile'] + '.other'
        os.rename(self.info['caFile'], other)
        self.restart()
        for command in self.commands():
            command = [other if word == self.info['caFile'] else word for word in command]
            process = self.start('wrong', command, self.tunnel['destinationAccessToken'])
            self.read_until(process, 'ertificate')
            process.terminate()
            process.communicate(timeout=PATIENCE)

    def test_tokens(self):
        for command in self.commands():
            self.assertIn('403', self.assert_ends(self.start('wrong', command, 'no-such-token'), 1))
            self.assertIn('access-token: missing', self.assert_ends(self.start('none', command), 1))

    def test_arguments(self):
        self.assertIn('--help', self.assert_ends(self.source(self.send()), 1))
        self.assertIn('missing', self.assert_ends(self.source(self.send(self.folder / 'missing')), 1))


class Events(Case):
    def test_events(self):
        destination = self.destination(self.events())
        self.read_until(destination, 'connected, services: FILE')
        source = self.source(self.send(__file__))
        text = self.read_until(destination, 'stream stopped')
        self.assertRegex(text, 'stream started: service “FILE”, stream 1, connection 1, version 3\n')
        self.assertRegex(text, r'received data, service “FILE”, stream 1, connection 1, \d+ bytes\n')
        source.send_signal(signal.SIGINT)
        self.assert_ends(source, 1)
        destination.send_signal(signal.SIGINT)
        self.assertRegex(self.assert_ends(destination, 0), r'\n[1-9]\d* messages, [1-9]\d* bytes in\n')

    def test_echo(self):
        destination = self.destination(self.echo())
        self.read_until(destination, 'connected, services: FILE')
        source = self.source(self.send(__file__))
        size = os.path.getsize(__file__)
        self.assertIn(f'answers SIZE {size}\n', self.read_until(source, 'answers SIZE'))
        # That is no digest.
        self.assert_ends(source, 1)
        destination.send_signal(signal.SIGINT)
        self.assertIn('stream 1 started', self.assert_ends(destination, 0))


if __name__ == '__main__':
    tap.main()
