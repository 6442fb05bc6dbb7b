#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Runs the examples against ist-emulator, as a user would: the same programs in each
language that can run here, and each language with the others."""

import itertools
import os
import pathlib
import re
import signal
import socket
import subprocess
import unittest

import programs
import tap
from desktop import Desktop
from sockets import read_exactly
from waiting import PATIENCE, wait_until

# What was built, and what runs as it is.
BUILT = pathlib.Path(os.environ['IST_EXAMPLES'])
SCRIPTS = pathlib.Path(__file__).parents[2] / 'examples'
PROGRAMS = ['tunnel-echo', 'tunnel-events', 'tunnel-file', 'tunnel-http']
INTERRUPTED = 130


def languages():
    """How to run a program in each, by the ends of their files' names."""
    found = {'c': lambda name: [BUILT / name]}
    # Which find the libraries' bindings, if there are any.
    python = os.environ.get('IST_PYTHON')
    if python and subprocess.run([python, '-c', 'import gbulb']).returncode == 0:
        found['py'] = lambda name: [python, SCRIPTS / f'{name}.py']
    if 'IST_GJS' in os.environ:
        found['js'] = lambda name: [os.environ['IST_GJS'], '-m', SCRIPTS / f'{name}.js']
    if (BUILT / 'tunnel-echo-vala').exists():
        found['vala'] = lambda name: [BUILT / f'{name}-vala']
    return found


LANGUAGES = languages()
# Each with itself, and with another one.
PAIRS = [*zip(LANGUAGES, LANGUAGES), *zip(LANGUAGES, [*LANGUAGES][1:] + [*LANGUAGES][:1])]
# Has the echo only.
CPP = ['cpp'] if (BUILT / 'tunnel-echo-cpp').exists() else []


class Case(programs.Case):
    services = ['DEMO']

    def start_command(self, end, command, *arguments, token=None, env=None):
        """With a tunnel's token, unless there is another one."""
        token = token or self.tunnel[f'{end}AccessToken']
        command = [*command, '--mode', end, '--endpoint', self.info['endpoint'], '--ca-file', self.info['caFile'],
                   *arguments]
        return self.spawn(end, command, {**(env or {}), 'AWSIOT_TUNNEL_ACCESS_TOKEN': token}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def start(self, end, name, language, *arguments, token=None):
        command = [BUILT / f'{name}-cpp'] if language in CPP else LANGUAGES[language](name)
        return self.start_command(end, command, *arguments, token=token)

    def start_first(self, name, language, *arguments):
        """A destination that is there before the source is."""
        destination = self.start('destination', name, language, *arguments)
        self.read_until(destination, 'connected, services: DEMO')
        return destination

    def read_until(self, process, expected):
        while expected not in process.read_line():
            pass
        return ''.join(process.lines)

    def assert_ends(self, process, status):
        text, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, status, text)
        return text

    def interrupt(self, process):
        process.send_signal(signal.SIGINT)
        text = self.assert_ends(process, INTERRUPTED)
        self.assertIn('disconnected: stopped', text)
        return text

    def each(self, pairs):
        """With a new tunnel for each."""
        for pair in pairs:
            self.note(f'{pair[0]} at the destination, {pair[1]} at the source')
            self.start_emulator()
            yield pair


class Together(Case):
    def test_echo(self):
        for theirs, ours in self.each([*PAIRS, *itertools.product(CPP, ['c']), *itertools.product(['c'], CPP)]):
            destination = self.start_first('tunnel-echo', theirs)
            text = self.assert_ends(self.start('source', 'tunnel-echo', ours, 'a few words'), 0)
            self.assertIn('came back: a few words\n', text)
            self.interrupt(destination)

    def test_echo_early(self):
        """The source asks until somebody is there."""
        for theirs, ours in self.each(zip(LANGUAGES, LANGUAGES)):
            source = self.start('source', 'tunnel-echo', ours)
            self.read_until(source, 'connected')
            destination = self.start_first('tunnel-echo', theirs)
            self.assertIn('came back: hello\n', self.assert_ends(source, 0))
            self.interrupt(destination)

    def test_events(self):
        for theirs, ours in self.each(PAIRS):
            destination = self.start_first('tunnel-events', theirs)
            source = self.start('source', 'tunnel-echo', ours)
            text = self.read_until(destination, 'received data')
            self.assertIn('stream started: service “DEMO”, stream 1, connection 1, version 3\n', text)
            self.assertRegex(text, r'received data, service “DEMO”, stream 1, connection 1, 5 bytes\n')
            # Nobody answers.
            self.interrupt(source)
            self.interrupt(destination)

    def test_http(self):
        for theirs, ours in self.each(PAIRS):
            destination = self.start_first('tunnel-http', theirs)
            text = self.assert_ends(self.start('source', 'tunnel-http', ours, '/a/path'), 0)
            self.assertRegex(text, '200 OK\n(.*\n)*You asked for /a/path\n')
            self.assertIn('GET /a/path\n', self.interrupt(destination))


class File(Case):
    def make(self, size):
        sent = self.folder / 'sent'
        sent.write_bytes(os.urandom(size))
        return sent, self.folder / 'received'

    def assert_passes(self, pair, size):
        sent, received = self.make(size)
        destination = self.start_first('tunnel-file', pair[0], received)
        text = self.assert_ends(self.start('source', 'tunnel-file', pair[1], sent), 0)
        self.assertIn('delivered\n', text)
        told = [int(percent) for percent in re.findall(r'sent (\d+) % of ', text)]
        self.assertEqual(told, sorted(told))
        self.assertEqual(told[-1:], [100] if size > 0 else [])
        self.assertIn(f'received {received}\n', self.assert_ends(destination, 0))
        self.assertEqual(received.read_bytes(), sent.read_bytes())
        self.assertFalse((self.folder / 'received.part').exists())

    def test_all(self):
        for pair in self.each(itertools.product(LANGUAGES, LANGUAGES)):
            self.assert_passes(pair, 1500000)

    def test_sizes(self):
        for pair in self.each(zip(LANGUAGES, LANGUAGES)):
            for size in 0, 1:
                self.start_emulator()
                self.assert_passes(pair, size)

    def test_interrupted(self):
        """What is there already stays until there is something new."""
        for theirs, ours in self.each(zip(LANGUAGES, LANGUAGES)):
            sent, received = self.make(0)
            os.truncate(sent, 1 << 34)  # takes longer than a signal, on any machine
            received.write_text('something old')
            destination = self.start_first('tunnel-file', theirs, received)
            source = self.start('source', 'tunnel-file', ours, sent)
            self.read_until(destination, 'received 0 %')
            self.interrupt(source)
            text = self.assert_ends(destination, 1)
            self.assertRegex(text, 'clos|ended|reset')
            self.assertEqual(received.read_text(), 'something old')
            self.assertFalse((self.folder / 'received.part').exists())
            self.start_emulator()
            destination = self.start_first('tunnel-file', theirs, received)
            source = self.start('source', 'tunnel-file', ours, sent)
            self.read_until(destination, 'received 0 %')
            self.interrupt(destination)
            self.end_child(source)
            self.assertEqual(received.read_text(), 'something old')
            self.assertFalse((self.folder / 'received.part').exists())


class Failures(Case):
    def each_language(self):
        for language, _ in self.each(zip(LANGUAGES, LANGUAGES)):
            yield language

    def test_authorities(self):
        """Another emulator's: a program says so, and does not wait in silence."""
        for language in self.each_language():
            other = self.path('other.pem')
            os.rename(self.info['caFile'], other)
            self.start_emulator()
            self.info['caFile'] = other
            process = self.start('destination', 'tunnel-echo', language)
            self.read_until(process, 'ertificate')
            process.terminate()
            process.communicate(timeout=PATIENCE)

    def test_tokens(self):
        for language in self.each_language():
            for name in PROGRAMS:
                argument = ['file'] if name == 'tunnel-file' else []
                process = self.start('destination', name, language, *argument, token='no-such-token')
                self.assertIn('403', self.assert_ends(process, 1))

    def test_no_token(self):
        for language in self.each_language():
            process = self.start('destination', 'tunnel-echo', language, token=' ')
            self.assertIn('access-token', self.assert_ends(process, 1))

    def test_arguments(self):
        for language in self.each_language():
            for arguments in ['tunnel-file'], ['tunnel-events', 'more'], ['tunnel-echo', '--mode=neither']:
                process = self.start('destination', arguments[0], language, *arguments[1:])
                text, _ = process.communicate(timeout=PATIENCE)
                self.assertNotEqual(process.returncode, 0)
                self.assertRegex(text, '--help|usage: ')

    def test_missing(self):
        """A file that is not there."""
        for language in self.each_language():
            destination = self.start_first('tunnel-file', language, self.folder / 'received')
            source = self.start('source', 'tunnel-file', language, self.folder / 'missing')
            self.assertIn('missing', self.assert_ends(source, 1))
            # Which may not have heard of it.
            self.end_child(destination)


class Window(Case):
    def test_window(self):
        """What it lists is what there is."""
        if not (BUILT / 'tunnel-window').exists() or 'py' not in LANGUAGES:
            self.skipTest('needs GTK, and PyGObject')
        desktop = Desktop(self)
        self.start_emulator()

        def answer(connection):
            connection.sendall(connection.recv(100) + b' and more')
            # Until the other end closes.
            connection.recv(1)

        port = self.serve_tcp(answer)
        self.start_destination(f'DEMO=127.0.0.1:{port}')
        window = self.start_command('source', [BUILT / 'tunnel-window'], '--service', 'DEMO', env=desktop.env)
        self.read_until(window, 'connected')
        port = int(re.search(r'listens at (\d+)\n', ''.join(window.lines)).group(1))

        def labels():
            return [name for role, name in desktop.read('tunnel-window') if role == 'label']

        wait_until(lambda: labels() == ['connected'], 'the window')
        with socket.create_connection(('127.0.0.1', port), PATIENCE) as connection:
            connection.sendall(b'hello')
            self.assertEqual(read_exactly(connection, 14), b'hello and more')
            wait_until(lambda: labels()[1:] == ['DEMO', '14', '5'], 'the connection')
        wait_until(lambda: labels() == ['connected'], 'its end')
        self.interrupt(window)


class Help(Case):
    services = None

    def test_help(self):
        """All have the same options."""
        for language in LANGUAGES:
            for name in PROGRAMS:
                text = subprocess.run([*map(str, LANGUAGES[language](name)), '--help'], check=True, text=True,
                                      stdout=subprocess.PIPE, timeout=PATIENCE).stdout
                for option in '--mode', '--endpoint', '--ca-file', '--service':
                    self.assertIn(option, text, f'{name} in {language}')

    def test_lengths(self):
        """A page, which whoever learns can take in."""
        for path in SCRIPTS.glob('tunnel-*'):
            self.assertLess(len(path.read_text().splitlines()), 80, path.name)


if __name__ == '__main__':
    tap.main()
