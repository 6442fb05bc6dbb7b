#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Runs the examples against ist-emulator, as a user would."""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import tap

TIMEOUT = 60
OPTIONS = argparse.ArgumentParser(description=__doc__)
OPTIONS.add_argument('--emulator', required=True)
OPTIONS.add_argument('--send-file', required=True)
OPTIONS.add_argument('--receive-file', nargs=2, metavar=('PYTHON', 'SCRIPT'))
OPTIONS.add_argument('--events', nargs=2, metavar=('GJS', 'SCRIPT'))
OPTIONS.add_argument('--echo')
ARGS = OPTIONS.parse_args()


class TestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.start_emulator()

    def start_emulator(self):
        emulator = self.spawn([ARGS.emulator, '--ca-file', self.folder / 'ca.pem', '--open', 'FILE'])
        ready = json.loads(emulator.stdout.readline())
        self.tunnel = ready['tunnels'][0]
        self.endpoint = ready['endpoint']
        self.where = ['--endpoint', ready['endpoint'], '--ca-file', ready['caFile']]

    def spawn(self, command, token=None):
        environment = dict(os.environ)
        if token:
            environment['AWSIOT_TUNNEL_ACCESS_TOKEN'] = token
        process = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.terminate()
            process.wait(TIMEOUT)
        process.stdout.close()

    def source(self, command, token=None):
        return self.spawn(command, token or self.tunnel['sourceAccessToken'])

    def destination(self, command, token=None):
        return self.spawn(command, token or self.tunnel['destinationAccessToken'])

    def events(self):
        if not ARGS.events:
            self.skipTest('needs gjs and introspection')
        return ['env', ARGS.events[0], '-m', ARGS.events[1], self.endpoint, self.folder / 'ca.pem']

    def echo(self):
        if not ARGS.echo:
            self.skipTest('needs the Vala bindings')
        return [ARGS.echo, *self.where]

    def send(self, path):
        return [ARGS.send_file, *self.where, path]

    def receive(self, path):
        if not ARGS.receive_file:
            self.skipTest('needs PyGObject and introspection')
        return [*ARGS.receive_file, *self.where, path]

    def read_until(self, process, expected):
        text = ''
        while line := process.stdout.readline():
            text += line
            if expected in line:
                return text
        raise AssertionError(f'no “{expected}” in:\n{text}')

    def outcome(self, process):
        text, _ = process.communicate(timeout=TIMEOUT)
        return process.returncode, text

    def assert_ends(self, process, status):
        returncode, text = self.outcome(process)
        self.assertEqual(returncode, status, text)
        return text


class File(TestCase):
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
            self.start_emulator()
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


class Failures(TestCase):
    def test_tokens(self):
        commands = [self.send(__file__)]
        for make in (lambda: self.receive(self.folder / 'received'), self.echo, self.events):
            try:
                commands.append(make())
            except unittest.SkipTest:
                continue
        for command in commands:
            self.assertIn('403', self.assert_ends(self.spawn(command, 'no-such-token'), 1))
            self.assertIn('access-token: missing', self.assert_ends(self.spawn(command), 1))

    def test_arguments(self):
        self.assertIn('--help', self.assert_ends(self.source([ARGS.send_file, *self.where]), 1))
        missing = [ARGS.send_file, *self.where, self.folder / 'missing']
        self.assertIn('missing', self.assert_ends(self.source(missing), 1))


class Events(TestCase):
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
    sys.argv[1:] = []
    tap.main()
