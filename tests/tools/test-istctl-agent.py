#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""istctl agent: lists, tables that change, and what it says where things are missing."""

import json
import os
import signal
import socket
import subprocess
import time
import unittest

import tap
from agent import NOBODY, BusCase
from sockets import Echo, read_exactly
from terminal import ENTER, Terminal, width
from waiting import PATIENCE, wait_until

ISTCTL = os.environ['ISTCTL']


class Case(BusCase):
    bus_has_policy = False

    def setUp(self):
        super().setUp()
        self.start_bus(policy=self.bus_has_policy)

    def command(self, *arguments):
        name, *rest = map(str, arguments)
        return [ISTCTL, 'agent', name, '--bus', self.bus, *rest]

    def run_it(self, *arguments, status=0, env=None, **options):
        done = subprocess.run(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE, env={**os.environ, **(env or {})},
                              **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.check_no_token(done.stdout + done.stderr)
        return done.stderr if status and not done.stdout else done.stdout

    def check_no_token(self, text):
        for token in self.tokens:
            self.assertNotIn(token[:12], text)

    def terminal(self, columns=80, lines=24):
        terminal = Terminal(columns, lines)
        self.addCleanup(terminal.close)
        return terminal

    def on_terminal(self, *arguments, columns=80, env=None):
        terminal = self.terminal(columns)
        child = self.spawn('istctl', self.command(*arguments), {'TERM': 'xterm', **(env or {})}, **terminal.options())
        child.wait(PATIENCE)
        self.children.remove(child)
        return terminal.read().decode()

    def start_tunnels(self, number=1, **settings):
        self.echo = Echo()
        self.open_tunnels(number)
        self.start_agent({'SSH': self.echo.address}, **settings)
        for i in range(number):
            self.notify(i)
        self.wait_for_log('Tunnel .*: connected', number)

    def connect(self):
        connection = socket.create_connection(('127.0.0.1', self.start_operator()['SSH']))
        self.addCleanup(connection.close)
        self.check_echo_on(connection, b'x' * 5000)
        return connection


class Lists(Case):
    def test_nothing(self):
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        self.assertEqual(self.run_it('list'), 'There are no tunnels.\n')
        self.assertEqual(json.loads(self.run_it('list', '--json')), {'tunnels': [], 'connections': []})

    def test_tables(self):
        self.start_tunnels(2)
        self.connect()
        # It waits for the counters, which come a second later.
        wait_until(lambda: '5.0\u00a0kB' in self.run_it('list'), 'the counters')
        lines = self.run_it('list').splitlines()
        self.assertRegex(lines[0], r'^Tunnel  State +Services  Region +Open for  Connections  Received +per second +Sent')
        self.assertRegex(lines[1], r'^     1  connected  SSH       us-east-1   0:00:\d\d            1  ')
        self.assertRegex(lines[2], r'^     2  connected  SSH       us-east-1   0:00:\d\d            0  ')
        self.assertEqual(lines[3], '')
        self.assertRegex(lines[4], r'^Connection  Tunnel  Service  State  Address')
        self.assertRegex(lines[5], rf'^         1       1  SSH      open   {self.echo.address}')
        self.assertEqual(len(lines), 6)

    def test_json(self):
        self.start_tunnels(2)
        self.connect()
        wait_until(lambda: json.loads(self.run_it('list', '--json'))['connections'][0]['bytesIn'] == 5000, 'bytes')
        found = json.loads(self.run_it('list', '--json'))
        now = time.time_ns() // 1000
        self.assertEqual([tunnel['id'] for tunnel in found['tunnels']], [1, 2])
        tunnel = found['tunnels'][0]
        self.assertEqual((tunnel['state'], tunnel['services'], tunnel['region'], tunnel['connections'],
                          tunnel['bytesIn'], tunnel['bytesOut'], tunnel['lastError'], tunnel['reconnects']),
                         ('connected', ['SSH'], 'us-east-1', 1, 5000, 5000, '', 0))
        self.assertLess(abs(now - tunnel['openedAt']), 600e6)
        self.assertEqual(set(tunnel), {'id', 'state', 'services', 'region', 'channelId', 'connections', 'openedAt',
                                       'bytesIn', 'bytesOut', 'rateIn', 'rateOut', 'roundTrip', 'reconnects',
                                       'lastError'})
        connection = found['connections'][0]
        self.assertEqual((connection['id'], connection['tunnel'], connection['service'], connection['state'],
                          connection['address'], connection['bytesOut']), (1, 1, 'SSH', 'open', self.echo.address, 5000))
        self.assertEqual(set(connection), {'id', 'tunnel', 'service', 'state', 'address', 'openedAt', 'bytesIn',
                                           'bytesOut', 'rateIn', 'rateOut', 'lastError'})

    def test_terminals(self):
        self.start_tunnels()
        self.connect()
        for columns in (200, 80, 40, 20, 8):
            lines = self.on_terminal('list', columns=columns, env={'NO_COLOR': '1'}).splitlines()
            self.assertTrue(all(width(line) <= columns for line in lines), (columns, lines))
            self.assertNotIn('\x1b', ''.join(lines))
            self.assertTrue(lines[0].startswith('Tunnel'))
            self.assertEqual('Region' in lines[0], columns == 200)
            self.assertEqual('State' in lines[0], columns >= 20)

    def test_colours(self):
        self.start_tunnels()
        self.assertIn('\x1b[32mconnected\x1b[0m', self.on_terminal('list'))
        self.assertIn('\x1b[32m', self.on_terminal('list', env={'NO_COLOR': ''}))
        self.assertNotIn('\x1b', self.on_terminal('list', env={'NO_COLOR': '1'}))
        self.assertNotIn('\x1b', self.on_terminal('list', env={'TERM': 'dumb'}))

    def test_full_output(self):
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        with open('/dev/full', 'w') as full:
            for arguments in (('list',), ('list', '--json'), ('check',), ('watch',)):
                done = subprocess.run(self.command(*arguments), stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE)
                self.assertEqual(done.returncode, 74, done.stderr)



class Stopping(Case):
    def test_stop(self):
        self.start_tunnels(3)
        connection = self.connect()
        self.assertEqual(self.run_it('stop', 1), 'Tunnel 1 was stopped.\n')
        self.assertEqual(read_exactly(connection, 1), b'')
        self.assertEqual([json.loads(line) for line in self.run_it('stop', '--json', 2, 3).splitlines()],
                         [{'event': 'stopped', 'id': 2}, {'event': 'stopped', 'id': 3}])
        self.assertEqual(self.run_it('list'), 'There are no tunnels.\n')
        self.assertIn('There is no tunnel 1', self.run_it('stop', 1, status=66))

    def test_what_is_no_tunnel(self):
        self.start_tunnels()
        for text in ('0', '-1', 'x', '1x', '4294967296', ''):
            self.run_it('stop', '1', '--', text, status=64)
        self.run_it('stop', status=64)
        # None was stopped before the others were looked at.
        self.assertEqual(self.count('stopped'), 0)

    @unittest.skipIf(os.getuid() != 0, 'needs to be root to ask as somebody else')
    def test_not_root(self):
        self.start_tunnels()
        options = {'user': NOBODY, 'group': NOBODY, 'extra_groups': []}
        self.assertIn('SSH', self.run_it('list', **options))
        self.assertRegex(self.run_it('stop', 1, status=77, **options), 'root.*sudo')
        self.assertEqual(self.count('stopped'), 0)


class StoppingWithPolicy(Case):
    bus_has_policy = True
    test_not_root = Stopping.test_not_root


class Watching(Case):
    def watch(self, terminal, *arguments, **env):
        return self.spawn('istctl', self.command('watch', *arguments), {'TERM': 'xterm', **env}, **terminal.options())

    def wait_for_screen(self, terminal, text):
        wait_until(lambda: any(text in line for line in terminal.screen()), f'{text} on {terminal.screen()}')

    def test_screen(self):
        self.start_tunnels(2)
        terminal = self.terminal(140, 20)
        child = self.watch(terminal)
        self.wait_for_screen(terminal, 'ist-agent  pump-17')
        self.wait_for_screen(terminal, 'subscribed')
        connection = self.connect()
        self.wait_for_screen(terminal, self.echo.address)
        self.wait_for_screen(terminal, '5.0\u00a0kB')
        self.assertTrue(terminal.read().startswith(ENTER))
        self.check_size(terminal, 140, 20)

        terminal.resize(30, 6)
        wait_until(lambda: len(terminal.screen()) <= 6, 'fewer lines')
        self.check_size(terminal, 30, 6)
        terminal.resize(140, 20)
        self.wait_for_screen(terminal, self.echo.address)

        connection.close()
        wait_until(lambda: not any(self.echo.address in line for line in terminal.screen()), 'the connection to go')
        terminal.press(b'\x03')
        self.assertEqual(child.wait(PATIENCE), 0)
        self.assertTrue(terminal.is_as_before())
        self.check_no_token(terminal.read().decode())

    def test_suspended(self):
        """Ctrl-Z gives the terminal back, and fg takes it again."""
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        terminal = self.terminal()
        child = self.watch(terminal)
        self.wait_for_screen(terminal, 'subscribed')
        terminal.press(b'\x1a')
        wait_until(lambda: self.state_of(child) == 'T', 'it to be suspended')
        self.assertTrue(terminal.is_as_before())
        terminal.shown.clear()
        child.send_signal(signal.SIGCONT)
        self.wait_for_screen(terminal, 'subscribed')
        self.assertTrue(terminal.read().startswith(ENTER))
        terminal.press(b'\x03')
        self.assertEqual(child.wait(PATIENCE), 0)
        self.assertTrue(terminal.is_as_before())

    def state_of(self, child):
        with open(f'/proc/{child.pid}/stat') as f:
            return f.read().rpartition(')')[2].split()[0]

    def check_size(self, terminal, columns, lines):
        screen = terminal.screen()
        self.assertLessEqual(len(screen), lines)
        self.assertTrue(all(width(line) <= columns for line in screen), screen)

    def test_small_screens(self):
        self.start_tunnels(8)
        for columns, lines in ((1, 1), (5, 2), (20, 4), (60, 9)):
            terminal = self.terminal(columns, lines)
            child = self.watch(terminal)
            wait_until(lambda terminal=terminal: len(terminal.screen()[0]) > 0, 'a screen')
            self.check_size(terminal, columns, lines)
            child.terminate()
            self.assertEqual(child.wait(PATIENCE), 0)
            self.assertTrue(terminal.is_as_before())

    def test_no_colour(self):
        self.start_tunnels()
        terminal = self.terminal()
        child = self.watch(terminal, NO_COLOR='1')
        self.wait_for_screen(terminal, 'connected')
        self.assertNotIn(b'm', [part[-1:] for part in terminal.read().split(b'\x1b[')])
        self.assertNotIn(b'\x1b[32m', terminal.read())
        child.terminate()
        self.assertEqual(child.wait(PATIENCE), 0)

    def test_terminal_that_goes(self):
        self.start_tunnels()
        terminal = self.terminal()
        child = self.watch(terminal)
        self.wait_for_screen(terminal, 'connected')
        terminal.hang_up()
        child.wait(PATIENCE)
        self.children.remove(child)

    def test_lines(self):
        self.start_tunnels()
        child = self.spawn('istctl', self.command('watch'), stdout=subprocess.PIPE)
        self.assertRegex(child.read_line(), r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ist-agent: subscribed\n$')
        self.assertRegex(child.read_line(), r'  Tunnel 1 for SSH: connected\n$')
        connection = self.connect()
        lines = [child.read_line(), child.read_line()]
        self.assertIn('Tunnel 1: connection 1 of SSH: connecting', lines[0])
        self.assertIn('Tunnel 1: connection 1 of SSH: open', lines[1])
        connection.close()
        while 'closed' not in (line := child.read_line()):
            self.assertIn('closing', line)
        self.run_it('stop', 1)
        while 'stopped' not in (line := child.read_line()):
            self.assertIn('stopping', line)
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(PATIENCE), 0)
        self.assertEqual(child.stdout.read(), b'')

    def test_json(self):
        self.open_tunnels(2)
        self.start_agent({'SSH': '1'})
        terminal = self.terminal()
        child = self.spawn('istctl', self.command('watch', '--json'), stdout=subprocess.PIPE)
        first = json.loads(child.read_line())
        self.assertEqual((first['event'], first['type'], first['state'], first['thingName'], first['maxTunnels']),
                         ('added', 'agent', 'subscribed', 'pump-17', 16))
        self.notify()
        events = self.read_events(child, lambda event: event.get('state') == 'connected')
        self.assertEqual((events[0]['event'], events[0]['type'], events[0]['id'], events[0]['state']),
                         ('added', 'tunnel', 1, 'connecting'))
        self.assertEqual({event['event'] for event in events[1:]}, {'changed'})
        self.run_it('stop', 1)
        events = self.read_events(child, lambda event: event['event'] == 'removed')
        self.assertEqual(events[-2]['state'], 'stopped')
        self.assertEqual((events[-1]['state'], events[-1]['id']), ('stopped', 1))

        # The agent goes and comes back.
        self.end_child(self.agent)
        self.read_events(child, lambda event: (event['event'], event['type']) == ('removed', 'agent'))
        self.start_agent({'SSH': '1'})
        self.read_events(child, lambda event: event['type'] == 'agent' and event.get('state') == 'subscribed')
        self.notify(1)
        self.read_events(child, lambda event: event['type'] == 'tunnel' and event['state'] == 'connected')
        self.check_no_token(''.join(child.lines))
        child.terminate()
        self.assertEqual(child.wait(PATIENCE), 0)

    def read_events(self, child, is_last):
        events = []
        while not events or not is_last(events[-1]):
            events.append(json.loads(child.read_line()))
        return events

    def test_lines_on_a_terminal(self):
        """--json is no screen."""
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        terminal = self.terminal()
        child = self.watch(terminal, '--json')
        wait_until(lambda: b'subscribed' in terminal.read(), 'a line')
        self.assertNotIn(b'\x1b', terminal.read())
        terminal.press(b'\x03')
        self.assertEqual(child.wait(PATIENCE), 0)

    def test_reader_that_goes(self):
        """It ends though it has nothing to say."""
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        child = self.spawn('istctl', self.command('watch'), stdout=subprocess.PIPE)
        child.read_line()
        child.stdout.close()
        self.assertEqual(child.wait(PATIENCE), 0)
        self.children.remove(child)

    def test_agent_that_comes_late(self):
        self.open_tunnels()
        terminal = self.terminal()
        child = self.watch(terminal)
        self.wait_for_screen(terminal, 'ist-agent is not on the bus; waiting for it')
        self.start_agent({'SSH': '1'})
        self.wait_for_screen(terminal, 'subscribed')
        child.terminate()
        self.assertEqual(child.wait(PATIENCE), 0)

    def test_bus_that_goes(self):
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        child = self.spawn('istctl', self.command('watch'), stdout=subprocess.PIPE)
        child.read_line()
        self.end_child(next(child for child in self.children if child.name == 'bus'))
        self.assertEqual(child.wait(PATIENCE), 69)
        self.assertIn('The bus has ended', self.log_of('istctl'))
        self.children.remove(child)


class Checking(Case):
    def check(self, status):
        found = json.loads(self.run_it('check', '--json', status=status))
        self.assertEqual(found['ok'], status == 0)
        text = self.run_it('check', status=status)
        for one in found['checks']:
            self.assertIn(one['text'][:10], text)
            self.assertEqual('hint' in one, one['verdict'] != 'ok')
        return {one['check']: one for one in found['checks']}, found.get('agent')

    def test_all_is_well(self):
        self.start_tunnels()
        checks, agent = self.check(0)
        self.assertEqual({name: one['verdict'] for name, one in checks.items()},
                         {'agent': 'ok', 'subscription': 'ok', 'last-error': 'ok', 'tunnels': 'ok',
                          'connections': 'ok'})
        self.assertIn('pump-17', checks['agent']['text'])
        self.assertIn(f'subscribed at {self.broker.address} since ', checks['subscription']['text'])
        self.assertEqual(checks['tunnels']['text'], 'tunnels: 1 of at most 16')
        self.assertEqual((agent['tunnels'], agent['subscribed'], agent['broker']), (1, True, self.broker.address))
        # What was refused is told; the agent is well.
        self.broker.publish(b'nonsense')
        wait_until(lambda: self.check(0)[0]['last-error']['verdict'] == 'note', 'a note')
        self.assertIn('The notification is not', self.check(0)[0]['last-error']['text'])

    def test_broker_that_is_gone(self):
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        self.broker.stop(kill=True)
        self.wait_for_log('trying again in')
        checks, agent = self.check(75)
        self.assertEqual(checks['subscription']['verdict'], 'wrong')
        self.assertIn(f'not subscribed at {self.broker.address}', checks['subscription']['text'])
        self.assertIn('iot:Subscribe', checks['subscription']['hint'])
        self.assertFalse(agent['subscribed'])

    def test_limits(self):
        self.start_tunnels(**{'max-tunnels': 1, 'max-connections': 0})
        checks, _ = self.check(75)
        self.assertEqual((checks['tunnels']['verdict'], checks['connections']['verdict']), ('wrong', 'ok'))
        self.assertEqual(checks['connections']['text'], 'connections: 0, without a limit')
        self.assertIn('istctl agent stop', checks['tunnels']['hint'])
        self.run_it('stop', 1)
        self.check(0)

    def test_service_that_is_gone(self):
        self.start_tunnels()
        self.end_child(self.emulator)
        wait_until(lambda: json.loads(self.run_it('list', '--json'))['tunnels'][0]['state'] == 'waiting',
                   'the tunnel to wait')
        found = subprocess.run(self.command('check'), stdout=subprocess.PIPE, text=True, timeout=PATIENCE)
        # It may just be trying again.
        self.assertIn(found.returncode, (0, 75))
        self.assertIn('tunnels: 1 of', found.stdout)

    def test_no_agent(self):
        checks, agent = self.check(69)
        self.assertEqual(list(checks), ['agent'])
        self.assertIsNone(agent)
        self.assertIn('systemctl enable --now ist-agent', checks['agent']['hint'])


class Missing(Case):
    def tearDown(self):
        self.end_children()

    def test_no_agent(self):
        for arguments in (('list',), ('stop', 1), ('list', '--json')):
            self.assertIn('ist-agent is not on the bus', self.run_it(*arguments, status=69))

    def test_no_bus(self):
        self.bus = f'unix:path={self.path("nobody")}'
        for arguments in (('list',), ('stop', 1), ('check',), ('check', '--json'), ('watch',)):
            self.assertIn('Could not go on the bus', self.run_it(*arguments, status=69))
        self.bus = 'nonsense'
        self.assertIn('Could not go on the bus', self.run_it('list', status=69))
        self.bus = 'session'
        self.run_it('list', status=69, env={'DBUS_SESSION_BUS_ADDRESS': f'unix:path={self.path("nobody")}'})

    def test_bus_that_says_nothing(self):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path('silent'))
            listener.listen()
            self.bus = f'unix:path={self.path("silent")}'
            self.assertIn('nobody answers there', self.run_it('list', status=69))

    def test_agent_that_does_not_answer(self):
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        self.agent.send_signal(signal.SIGSTOP)
        self.addCleanup(self.agent.send_signal, signal.SIGCONT)
        self.assertIn('does not answer', self.run_it('list', status=75))
        self.agent.send_signal(signal.SIGCONT)
        self.run_it('list')


class Arguments(unittest.TestCase):
    def run_it(self, *arguments, status=64):
        done = subprocess.run([ISTCTL, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(bool(done.stderr), status != 0)
        return done.stdout + done.stderr

    def test_help(self):
        text = self.run_it('--help', status=0)
        for command in ('agent list', 'agent stop', 'agent watch', 'agent check'):
            self.assertIn(f'  {command} ', text)
            words = command.split()
            for help_option in ('--help', '-h'):
                told = self.run_it(*words, help_option, status=0)
                self.assertIn(f'istctl {command} [OPTION…]', told)
                self.assertIn('--json', told)
                self.assertIn('--bus=BUS', told)
        self.assertIn('istctl agent COMMAND', self.run_it('agent', '--help', status=0))
        self.assertIn('TUNNEL…', self.run_it('agent', 'stop', '--help', status=0))
        self.assertRegex(self.run_it('--version', status=0), r'^istctl \d+\.\d+\.\d+\n$')

    def test_suggestions(self):
        for wrong, meant in ((('agnet',), 'agent'), (('agent', 'lst'), 'list'), (('agent', 'chek'), 'check'),
                             (('agent', 'wa'), 'watch'), (('agent', 'sotp'), 'stop')):
            self.assertIn(f'is it “{meant}”?', self.run_it(*wrong))
        for wrong in (('nonsense',), ('agent', 'x' * 100000), ('agent', ''), ('agent', '\x1b[2J')):
            text = self.run_it(*wrong)
            self.assertIn('There is no command', text)
            self.assertIn('--help', text)
            self.assertNotIn('\x1b', text)

    def test_wrong_lines(self):
        for arguments in ((), ('agent',), ('--nonsense',), ('--json',), ('agent', '--json'), ('agent', 'list', 'x'),
                          ('agent', 'list', '--nonsense'), ('agent', 'list', '--bus'), ('agent', 'stop'),
                          ('agent', 'check', '1')):
            self.run_it(*arguments)


if __name__ == '__main__':
    tap.main()
