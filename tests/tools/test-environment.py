# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What ist-emulator gives programs to find it by: lines for a shell, and a command's environment."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import programs
import tap
from child import AWS, require, run
from terminal import Terminal
from waiting import PATIENCE, wait_until

# Of whoever runs the test, as it would lead elsewhere.
MISLEADING = {'AWS_PROFILE': 'none', 'AWS_DEFAULT_PROFILE': 'none', 'AWS_SESSION_TOKEN': 'secret',
              'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS': 'true', 'AWSIOT_TUNNEL_REGION': 'eu-west-1',
              'AWSIOT_TUNNEL_CLIENT_TOKEN': 'other', 'AWS_ACCESS_KEY_ID': 'mine', 'SSL_CERT_FILE': '/nonexistent'}
TELL = [sys.executable, '-c', 'import json, os; print(json.dumps(dict(os.environ)), flush=True)']
WAIT = [sys.executable, '-c', 'import os, signal, sys\n'
                              'def end(number, frame): sys.exit(40 + number)\n'
                              'for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP: signal.signal(number, end)\n'
                              'print(os.environ["SSL_CERT_FILE"], flush=True)\n'
                              'while True: signal.pause()\n']
COUNT = [sys.executable, '-c', 'import signal, sys, time\n'
                               'count = 0\n'
                               'def note(*_): global count; count += 1\n'
                               'signal.signal(signal.SIGINT, note)\n'
                               'print("ready", flush=True)\n'
                               'while not count: time.sleep(0.02)\n'
                               'time.sleep(0.3)\n'
                               'sys.exit(count)']
AWS_OPEN = 'aws iotsecuretunneling --endpoint-url "$AWS_ENDPOINT_URL_IOTSECURETUNNELING" list-tunnels --output text'


class Case(programs.Case):
    def setUp(self):
        super().setUp()
        # Where the emulator puts what it removes again.
        self.runtime = self.folder / 'runtime'
        self.runtime.mkdir(mode=0o700)

    def emulator_with(self, *arguments, **options):
        return self.spawn('emulator', [programs.EMULATOR, *arguments],
                          {**MISLEADING, 'XDG_RUNTIME_DIR': str(self.runtime)},
                          **{'stdout': subprocess.PIPE, **options})

    def run_with(self, *arguments):
        """To its end; returns its status and output."""
        process = self.emulator_with(*arguments)
        output, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, output.decode()

    def check_environment(self, found, scheme='ws'):
        tunnel, control = found['AWSIOT_TUNNEL_ENDPOINT'], found['AWS_ENDPOINT_URL_IOTSECURETUNNELING']
        self.assertRegex(tunnel, rf'^{scheme}s?://localhost:\d+$')
        self.assertEqual(control, 'http' + tunnel.removeprefix('ws'))
        self.assertEqual(found['AWS_ENDPOINT_URL_IOT'], control)
        self.assertNotEqual(found['AWSIOT_TUNNEL_ACCESS_TOKEN'], found['AWSIOT_TUNNEL_SOURCE_ACCESS_TOKEN'])
        self.assertEqual({found['AWS_ACCESS_KEY_ID'], found['AWS_SECRET_ACCESS_KEY']}, {'any'})
        self.assertEqual({found['AWS_REGION'], found['AWS_DEFAULT_REGION']}, {'us-east-1'})
        kept = {'AWS_ACCESS_KEY_ID', 'SSL_CERT_FILE'}
        self.assertFalse((MISLEADING.keys() - kept) & found.keys())


class Command(Case):
    def test_environment(self):
        status, output = self.run_with('--', *TELL)
        self.assertEqual((status, self.log_of('emulator')), (0, ''))
        found = json.loads(output)
        self.check_environment(found)
        self.assertEqual(found['SSL_CERT_FILE'], found['AWS_CA_BUNDLE'])
        self.assertTrue(found['SSL_CERT_FILE'].startswith(str(self.runtime)))
        self.assertEqual(list(self.runtime.iterdir()), [])

    def test_plain(self):
        status, output = self.run_with('--plain', '--', *TELL)
        self.assertEqual(status, 0)
        found = json.loads(output)
        self.check_environment(found)
        self.assertTrue(found['AWSIOT_TUNNEL_ENDPOINT'].startswith('ws:'))
        self.assertEqual(found['SSL_CERT_FILE'], MISLEADING['SSL_CERT_FILE'])
        self.assertNotIn('AWS_CA_BUNDLE', found)

    def test_ca_file_stays(self):
        status, output = self.run_with('--ca-file', self.path('ca.pem'), '--', *TELL)
        self.assertEqual(status, 0)
        self.assertEqual(json.loads(output)['SSL_CERT_FILE'], self.path('ca.pem'))
        self.assertIn('BEGIN CERTIFICATE', pathlib.Path(self.path('ca.pem')).read_text(encoding='ascii'))

    def test_status(self):
        for script, status in ('exit 0', 0), ('exit 7', 7), ('kill -KILL $$', 128 + signal.SIGKILL):
            self.assertEqual(self.run_with('--', 'sh', '-c', script), (status, ''))
            self.assertEqual(list(self.runtime.iterdir()), [])

    def test_options_of_the_command(self):
        self.assertEqual(self.run_with('--open', 'A,B', '--', 'printf', '%s ', '--open', '--version', '--', 'x'),
                         (0, '--open --version -- x '))

    def test_no_program(self):
        status, output = self.run_with('--', 'no-such-program')
        self.assertEqual((status, output), (127, ''))
        self.assertIn('no-such-program', self.log_of('emulator'))
        self.assertEqual(list(self.runtime.iterdir()), [])

    def test_input(self):
        process = self.emulator_with('--', 'cat', stdin=subprocess.PIPE)
        output, _ = process.communicate(b'hello\n', timeout=PATIENCE)
        self.assertEqual((process.returncode, output), (0, b'hello\n'))

    def test_signals(self):
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            # Of no terminal, which would send it SIGINT itself.
            process = self.emulator_with('--', *WAIT, start_new_session=True)
            ca_file = pathlib.Path(process.read_line().rstrip('\n'))
            self.assertTrue(ca_file.exists())
            process.send_signal(number)
            self.assertEqual(process.wait(PATIENCE), 40 + number)
            self.assertFalse(ca_file.parent.exists())
            self.end_child(process)

    def test_second_signal(self):
        """One that does not end by being asked to is made to."""
        script = 'trap "" TERM; echo ready; while :; do sleep 0.05; done'
        process = self.emulator_with('--', 'sh', '-c', script, start_new_session=True)
        self.assertEqual(process.read_line(), 'ready\n')
        process.terminate()
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 128 + signal.SIGKILL)

    def test_tokens_are_in_no_command_line(self):
        process = self.emulator_with('--', *TELL[:2], TELL[2] + '; import signal; signal.pause()')
        found = json.loads(process.read_line())
        children = run('ps', '-o', 'pid=', '--ppid', process.pid).decode().split()
        self.assertEqual(len(children), 1)
        for pid in process.pid, children[0]:
            words = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().decode()
            for name in 'AWSIOT_TUNNEL_ACCESS_TOKEN', 'AWSIOT_TUNNEL_SOURCE_ACCESS_TOKEN':
                self.assertNotIn(found[name], words)
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 128 + signal.SIGTERM)

    def test_proxies(self):
        """Both ends find the emulator, and trust it, without an option that says so."""
        script = f'''
          {programs.PROXY} -d SSH=127.0.0.1:$PORT &
          destination=$!
          AWSIOT_TUNNEL_ACCESS_TOKEN=$AWSIOT_TUNNEL_SOURCE_ACCESS_TOKEN {programs.PROXY} -s SSH=0 --port-file {self.path('ports')} &
          source=$!
          read -r line
          kill $source $destination
          wait'''
        port = self.serve_tcp(lambda connection: connection.sendall(connection.recv(100)))
        process = self.spawn('emulator', [programs.EMULATOR, '--', 'sh', '-c', script], {'PORT': str(port)},
                             stdin=subprocess.PIPE)
        self.source = process
        # What a source sends to a destination that is not there yet is dropped.
        wait_until(lambda: self.log_of('emulator').count('Successfully established') == 2, 'both ends')
        self.check_echo(self.read_ports()['SSH'])
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_aws(self):
        require(AWS)
        script = AWS_OPEN.replace('aws', AWS, 1)
        status, output = self.run_with('--open', 'RDP', '--', 'sh', '-c', script)
        self.assertEqual(status, 0, self.log_of('emulator'))
        self.assertIn('OPEN', output)


class OnATerminal(Case):
    def start(self, *command):
        self.terminal = Terminal()
        self.addCleanup(self.terminal.close)
        self.process = self.emulator_with('--', *command, **self.terminal.options())

    def wait_for(self, text):
        self.process.wait_until(lambda: text in self.terminal.read(), repr(text))

    def check_end(self, status):
        self.assertEqual(self.process.wait(PATIENCE), status)
        self.assertEqual(list(self.runtime.iterdir()), [])

    def test_interrupted(self):
        """The key's signal comes to both, and to the command once."""
        self.start(*COUNT)
        self.wait_for(b'ready')
        self.terminal.press(b'\x03')
        self.check_end(1)

    def test_shell(self):
        """One with jobs of its own."""
        self.start('sh', '-i')
        # What the job says itself it says after the terminal has become its own. A key that interrupts
        # between the shell's own words and that would come to the shell, which waits for the job.
        self.terminal.press(b'sh -c \'echo a""b; exec sleep 100\'\n')
        self.wait_for(b'ab\r\n')
        self.terminal.press(b'\x03')
        self.terminal.press(b'echo c""d; exit 5\n')
        self.wait_for(b'cd\r\n')
        self.check_end(5)

    def test_closed(self):
        self.start(*WAIT)
        self.wait_for(b'ca.pem')
        self.terminal.hang_up()
        self.check_end(40 + signal.SIGHUP)


class Shell(Case):
    def test_env(self):
        for arguments in (), ('--plain',), ('--open', 'RDP', '--open', 'SSH'):
            process = self.emulator_with('--env', *arguments)
            lines = [process.read_line()]
            while not lines[-1].startswith('export AWS_SECRET_ACCESS_KEY='):
                lines.append(process.read_line())
            output = run('sh', '-ec', ''.join(lines) + 'exec "$@"', 'sh', *TELL, env={**os.environ, **MISLEADING})
            self.check_environment(json.loads(output))
            self.assertEqual(self.end_child(process), 0)
            self.assertEqual(list(self.runtime.iterdir()), [])

    def test_hangup(self):
        """The terminal is closed."""
        process = self.emulator_with('--env')
        process.read_line()
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(list(self.runtime.iterdir()), [])

    def test_mistakes(self):
        for arguments in ('--env', '--commands'), ('--env', '--', 'true'), ('--commands', '--', 'true'):
            status, output = self.run_with(*arguments)
            self.assertEqual((status, output), (64, ''), arguments)
            self.assertIn('leaves no room', self.log_of('emulator'))


if __name__ == '__main__':
    tap.main()
