# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What ist-emulator is told while it runs, and what it tells of the calls it gets."""

import http.client
import json
import subprocess
import time
import urllib.error

import programs
import tap
from waiting import wait_until

NO_CALLS = {'OpenTunnel': 0, 'DescribeTunnel': 0, 'ListTunnels': 0, 'CloseTunnel': 0, 'RotateTunnelAccessToken': 0,
            'TagResource': 0, 'UntagResource': 0, 'ListTagsForResource': 0, 'ListThings': 0}


class Commands(programs.Case):
    services = None

    def start(self, *arguments):
        return self.start_emulator('--commands', *arguments, stdin=subprocess.PIPE)

    def check_refused(self, operation, status, error_type):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.ask_emulator(operation)
        with caught.exception as answer:
            self.assertEqual((answer.code, json.load(answer)['__type']), (status, error_type))

    def check_error(self, command, words):
        answer = self.command_emulator(command)
        self.assertEqual(list(answer), ['error'])
        self.assertIn(words, answer['error'])

    def test_fail_from_the_start(self):
        self.start('--fail', 'OpenTunnel=ThrottlingException:2', '--fail', 'InternalFailure:1')
        self.check_refused('OpenTunnel', 400, 'ThrottlingException')
        self.check_refused('ListTunnels', 500, 'InternalFailure')
        self.check_refused('OpenTunnel', 400, 'ThrottlingException')
        self.ask_emulator('OpenTunnel')
        self.emulator.expect('operation OpenTunnel: ThrottlingException$')
        self.emulator.expect('operation ListTunnels: InternalFailure$')
        self.emulator.expect('operation OpenTunnel: ThrottlingException$')
        self.emulator.expect('operation OpenTunnel: done$')

    def test_fail_while_it_runs(self):
        self.start()
        self.ask_emulator('OpenTunnel')
        self.assertEqual(self.command_emulator('fail OpenTunnel=LimitExceededException'), {})
        for _ in range(3):
            self.check_refused('OpenTunnel', 400, 'LimitExceededException')
        self.ask_emulator('ListTunnels')
        self.assertEqual(self.command_emulator('fail OpenTunnel=none'), {})
        self.ask_emulator('OpenTunnel')
        self.assertEqual(self.command_emulator('fail ExpiredTokenException:1'), {})
        self.check_refused('ListTunnels', 400, 'ExpiredTokenException')
        self.ask_emulator('ListTunnels')

    def test_lose_and_delay(self):
        self.start('--lose', 'OpenTunnel=InternalFailure:1', '--delay', 'ListTunnels=60000')
        self.check_refused('OpenTunnel', 500, 'InternalFailure')
        self.emulator.expect('operation OpenTunnel: InternalFailure$')
        self.assertEqual(self.command_emulator('delay none'), {})
        self.assertEqual(self.command_emulator('delay ListTunnels=50:1'), {})
        start = time.monotonic()
        self.assertEqual(len(self.ask_emulator('ListTunnels')['tunnelSummaries']), 1)
        self.assertGreaterEqual(time.monotonic() - start, 0.05)
        self.assertEqual(self.command_emulator('lose OpenTunnel=disconnect:1'), {})
        with self.assertRaises(http.client.RemoteDisconnected):
            self.ask_emulator('OpenTunnel')
        self.assertEqual(len(self.ask_emulator('ListTunnels')['tunnelSummaries']), 2)
        self.assertEqual(self.command_emulator('lose OpenTunnel=disconnect'), {})
        self.assertEqual(self.command_emulator('lose OpenTunnel=none'), {})
        self.ask_emulator('OpenTunnel')

    def test_calls(self):
        self.start()
        self.assertEqual(self.command_emulator('calls'), NO_CALLS)
        self.ask_emulator('OpenTunnel')
        self.ask_emulator('OpenTunnel')
        self.command_emulator('fail ThrottlingException')
        self.check_refused('CloseTunnel', 400, 'ThrottlingException')
        self.assertEqual(self.command_emulator('calls'), {**NO_CALLS, 'OpenTunnel': 2, 'CloseTunnel': 1})

    def test_bad_commands(self):
        self.start()
        self.check_error('stop \x1b[31m', 'is no command')
        self.check_error('fail', 'is no command')
        self.check_error('calls OpenTunnel', 'is no command')
        self.check_error('fail ThrotlingException', 'there are: ThrottlingException, ')
        self.check_error('fail Open=ThrottlingException', '“Open”')
        self.check_error('fail ThrottlingException:0', '0')
        self.check_error('fail ThrottlingException:x', 'x')
        self.check_error('lose', 'is no command')
        self.check_error('lose OpenTunnel=ThrotlingException', 'there are: ThrottlingException, ')
        self.check_error('delay OpenTunnel=0', '0')
        self.check_error('delay OpenTunnel=soon', 'soon')
        self.check_error('delay Open=1', '“Open”')
        self.check_error('x' * 100_000, 'at most 4096 bytes')
        self.emulator.stdin.write(b'\n\r\n\xff\xfe\n')
        self.emulator.stdin.flush()
        self.assertIn('is no command', json.loads(self.emulator.read_line())['error'])
        self.assertEqual(self.command_emulator('calls\r'), NO_CALLS)

    def test_commands_come_in_pieces(self):
        self.start()
        for byte in b'calls\ncal':
            self.emulator.stdin.write(bytes([byte]))
            self.emulator.stdin.flush()
        self.assertEqual(json.loads(self.emulator.read_line()), NO_CALLS)
        self.assertEqual(self.command_emulator('ls'), NO_CALLS)

    def test_goes_on_without_commands(self):
        self.start()
        self.emulator.stdin.close()
        for _ in range(3):
            self.ask_emulator('ListTunnels')
        with open(f'/proc/{self.emulator.pid}/stat', encoding='ascii') as file:
            wait_until(lambda: self.is_asleep(file), 'the emulator to rest')
        self.assertEqual(self.end_child(self.emulator), 0)

    def is_asleep(self, stat):
        stat.seek(0)
        return stat.read().rpartition(')')[2].split()[0] == 'S'


if __name__ == '__main__':
    tap.main()
