#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""ist-agent as a device runs it: a real MQTT broker with TLS and client
certificates, ist-emulator for the service, ist-proxy for the operator."""

import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import figures
import tap
from agent import AGENT, INTERFACE, NOBODY, AgentCase, BusCase
from broker import Mosquitto
from certificates import Authority
from device import THING, TOPIC, notification
from programs import EMULATOR
from sockets import Echo, read_exactly
from systemd import Systemd
from waiting import wait_until

class Tunnels(AgentCase):
    def test_bytes_flow(self):
        echo = Echo(b'hello ')
        self.open_tunnels()
        self.start_agent({'SSH': echo.address})
        begun = time.monotonic()
        self.notify()
        self.wait_for_log('Tunnel 1: connected')
        self.note(f'notification to connected, with starting mosquitto_pub: {time.monotonic() - begun:.3f} s')
        ports = self.start_operator()
        self.talk(ports['SSH'], b'world', b'hello ')
        data = os.urandom(1000000)
        with socket.create_connection(('127.0.0.1', ports['SSH'])) as connection:
            threading.Thread(target=connection.sendall, args=(data,)).start()
            self.assertEqual(read_exactly(connection, 6 + len(data)), b'hello ' + data)
        self.wait_for_log('connection of SSH closed, 1000000 bytes in, 1000006 bytes out')

    def test_unix_socket(self):
        echo = Echo(path=self.path('console'))
        self.open_tunnels(services=('console',))
        self.start_agent({'console': echo.address})
        self.notify(services=('console',))
        self.talk(self.start_operator(0, 'console')['console'], b'over a Unix socket')

    def test_earlier_protocol_versions(self):
        echo = Echo(b'hello ')
        self.open_tunnels(2)
        self.start_agent({'SSH': echo.address})
        for number, version in enumerate(('V1', 'V2')):
            self.notify(number)
            ports = self.start_operator(number, arguments=['-y', version])
            self.talk(ports['SSH'], b'world', b'hello ')
            self.end_child(self.source)

    def test_only_listed_services(self):
        echo = Echo()
        secret = Echo()
        self.open_tunnels(services=('SSH', 'secret'))
        self.start_agent({'SSH': echo.address})
        self.notify(services=('SSH', 'secret'))
        self.wait_for_log('Refused the service secret')
        ports = self.start_operator(0, 'SSH', 'secret')
        self.talk(ports['SSH'], b'listed')
        with socket.create_connection(('127.0.0.1', ports['secret'])) as connection:
            self.assertEqual(read_exactly(connection, 1), b'')
        self.wait_for_log('Refused the service secret', 2)
        self.talk(ports['SSH'], b'still listed')
        self.assertEqual(secret.accepted, 0)

    def test_no_listed_service_no_tunnel(self):
        self.open_tunnels(services=('secret',))
        self.start_agent({'SSH': '1'})
        self.notify(services=('secret',))
        self.wait_for_log('None of the notification')
        self.assertEqual(self.count('Tunnel'), 0)

    def test_limits(self):
        echo = Echo()
        self.open_tunnels(3)
        self.start_agent({'SSH': echo.address}, **{'max-tunnels': 2, 'max-connections': 1})
        for number in range(3):
            self.notify(number)
        self.wait_for_log('There are 2 tunnels, which is the limit')
        self.wait_for_log('connected', 2)
        ports = self.start_operator()
        with socket.create_connection(('127.0.0.1', ports['SSH'])) as first:
            first.sendall(b'a')
            self.assertEqual(read_exactly(first, 1), b'a')
            with socket.create_connection(('127.0.0.1', ports['SSH'])) as second:
                self.assertEqual(read_exactly(second, 1), b'')
            self.wait_for_log('connection of SSH failed: The connection was refused')
            first.sendall(b'b')
            self.assertEqual(read_exactly(first, 1), b'b')
        self.wait_for_log('connection of SSH closed')
        self.talk(ports['SSH'], b'there is room again')

    def test_lifetime(self):
        self.open_tunnels()
        self.start_agent({'SSH': '1'}, **{'max-lifetime': 1})
        self.notify()
        self.wait_for_log("Tunnel 1: The tunnel has reached the agent's limit of time")


class ControlPlane(AgentCase):
    """Notifications as the emulator sends them, of tunnels that come and go."""

    def setUp(self):
        super().setUp()
        help_text = subprocess.run([EMULATOR, '--help'], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
        if '--mqtt' not in help_text.stdout:
            self.skipTest('the emulator speaks no MQTT')

    def operate(self, operation, **members):
        response = self.ask_emulator(operation, **members)
        self.tokens += [value for key, value in response.items() if key.endswith('AccessToken')]
        return response

    def test_life_of_a_tunnel(self):
        echo = Echo(b'hello ')
        broker = self.broker
        self.start_emulator('--mqtt', broker.address, '--mqtt-ca', str(broker.authority.certificate),
                            '--mqtt-cert', str(broker.backend), '--mqtt-key', str(broker.backend_key))
        self.start_agent({'SSH': echo.address})
        begun = time.monotonic()
        opened = self.operate('OpenTunnel', destinationConfig={'thingName': THING, 'services': ['SSH']})
        self.wait_for_log('Tunnel 1: connected')
        self.note(f'OpenTunnel to connected: {time.monotonic() - begun:.3f} s')
        self.info['tunnels'] = [opened]
        ports = self.start_operator()
        self.talk(ports['SSH'], b'world', b'hello ')

        # A new token for the device: the old tunnel ends, the new one takes its place.
        self.operate('RotateTunnelAccessToken', tunnelId=opened['tunnelId'], clientMode='DESTINATION')
        self.wait_for_log('Tunnel 2: connected')
        self.wait_for_log('Tunnel 1: .*token')
        self.talk(ports['SSH'], b'again', b'hello ')

        self.operate('CloseTunnel', tunnelId=opened['tunnelId'])
        self.wait_for_log('Tunnel 2: .*[Cc]losed')

    def test_other_things(self):
        self.start_emulator('--mqtt', self.broker.address, '--mqtt-ca', str(self.broker.authority.certificate),
                            '--mqtt-cert', str(self.broker.backend), '--mqtt-key', str(self.broker.backend_key))
        self.start_agent({'SSH': '1'})
        self.operate('OpenTunnel', destinationConfig={'thingName': 'other', 'services': ['SSH']})
        self.operate('OpenTunnel', destinationConfig={'thingName': THING, 'services': ['SSH']})
        self.wait_for_log('Tunnel 1: connected')
        self.assertEqual(self.count('opened for'), 1)


class BadNotifications(AgentCase):
    def test_they_harm_nothing(self):
        echo = Echo()
        self.open_tunnels()
        self.start_agent({'SSH': echo.address})
        good = notification('A' * 60, ['SSH'])
        without = lambda key: {k: v for k, v in good.items() if k != key}
        bad = [
            b'', b'x', b'{', b'null', b'[]', b'"text"', b'42', b'\0', b'{}', os.urandom(1000),
            b'\xff\xfe' + json.dumps(good).encode(), b'[' * 100000, b'{"a":' * 20000,
            b'/*"*/' + b'[' * 100000, json.dumps(good)[:-1], json.dumps(good) + '}',
            json.dumps({**good, 'padding': 'x' * 131072}), b'x' * 1000000,
            json.dumps(good).replace('"' + 'A' * 60 + '"', 'B' * 60),
            {**good, 'clientMode': 'source'}, {**good, 'clientMode': 'DESTINATION'}, {**good, 'clientMode': 1},
            {**good, 'clientAccessToken': ''}, {**good, 'clientAccessToken': 'with space'},
            {**good, 'clientAccessToken': 'ünicode'}, {**good, 'clientAccessToken': 'line\nend'},
            {**good, 'clientAccessToken': ['A']}, {**good, 'clientAccessToken': None},
            {**good, 'clientAccessToken': 'A' * 5000},
            {**good, 'region': ''}, {**good, 'region': 'evil.example/'}, {**good, 'region': 'x' * 64},
            {**good, 'region': {}}, {**good, 'services': []}, {**good, 'services': 'SSH'},
            {**good, 'services': [1]}, {**good, 'services': [['SSH']]}, {**good, 'services': ['']},
            {**good, 'services': ['SSH', 'a b']}, {**good, 'services': ['S' * 129]},
            {**good, 'services': ['SSH\n']}, {**good, 'services': [f's{i}' for i in range(65)]},
            without('clientMode'), without('clientAccessToken'), without('region'), without('services'),
        ]
        for payload in bad:
            self.broker.publish(payload)
        self.wait_for_log('Refused a notification: The notification ', len(bad))
        self.broker.publish(notification('C' * 60, ['VNC']))
        self.wait_for_log('Refused a notification: None of')
        self.assertEqual(self.count('Tunnel'), 0)
        for letter in 'ABC':
            self.assertNotIn(letter * 12, self.log_of('agent'))
        # And it still does its work.
        self.notify()
        self.talk(self.start_operator()['SSH'], b'unharmed')
        self.note(f'{len(bad) + 1} bad notifications, {figures.memory(self.agent.pid):.1f} MiB afterwards')

    def test_duplicates(self):
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        for _ in range(3):
            self.notify()
        self.wait_for_log('The notification was seen before', 2)
        self.wait_for_log('Tunnel 1: connected')
        self.assertEqual(self.count('opened for'), 1)

    def test_token_that_was_used(self):
        """What somebody recorded and plays again to another agent opens nothing."""
        echo = Echo()
        self.open_tunnels()
        self.start_agent({'SSH': echo.address})
        self.notify()
        self.wait_for_log('Tunnel 1: connected')
        self.end_child(self.agent)
        self.start_agent({'SSH': echo.address})
        self.notify()
        self.wait_for_log('Tunnel 1: .*token', 1)
        self.assertEqual(self.count('Tunnel 1: connected'), 1)

    def test_made_up_token(self):
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        self.broker.publish(notification('Z' * 60, ['SSH']))
        self.wait_for_log('Tunnel 1: .*token')
        self.assertNotIn('ZZZZ', self.log_of('agent'))

    def test_other_topics_and_retained(self):
        self.open_tunnels()
        token = self.info['tunnels'][0]['destinationAccessToken']
        self.broker.publish(notification(token, ['SSH']), TOPIC, '-r')
        self.start_agent({'SSH': '1'})
        self.wait_for_log('Refused a notification: The notification was retained')
        for topic in ('$aws/things/other/tunnels/notify', f'$aws/things/{THING}/tunnels', 'tunnels/notify'):
            self.broker.publish(notification(token, ['SSH']), topic)
        self.notify()
        self.wait_for_log('Tunnel 1: connected')
        self.assertEqual(self.count('Refused'), 1)


class Failures(AgentCase):
    def test_broker_restart(self):
        echo = Echo()
        self.open_tunnels(2)
        self.start_agent({'SSH': echo.address})
        self.notify(0)
        ports = self.start_operator()
        with socket.create_connection(('127.0.0.1', ports['SSH'])) as connection:
            connection.sendall(b'a')
            self.assertEqual(read_exactly(connection, 1), b'a')
            self.broker.stop(kill=True)
            self.wait_for_log('trying again in')
            # Tunnels do not depend on the broker.
            connection.sendall(b'b')
            self.assertEqual(read_exactly(connection, 1), b'b')
            self.broker.start()
            self.wait_for_log('Subscribed', 2)
            self.notify(1)
            self.wait_for_log('Tunnel 2: connected')
            connection.sendall(b'c')
            self.assertEqual(read_exactly(connection, 1), b'c')

    def test_broker_that_comes_late(self):
        self.open_tunnels()
        self.broker.stop()
        self.configure({'SSH': '1'})
        self.spawn_agent()
        self.wait_for_log('trying again in', 2)
        self.broker.start()
        self.wait_for_log('Subscribed')

    def fill_queue(self, listener):
        """The kernel drops what comes when the queue is full, and the client tries again."""
        listener.bind(('127.0.0.1', 0))
        listener.listen(0)
        self.waiting = [socket.create_connection(listener.getsockname())]
        return listener.getsockname()[1]

    def empty_queue(self, listener):
        for one in self.waiting:
            listener.accept()[0].close()
            one.close()

    def test_slow_network(self):
        """TCP takes seconds to come about, as it does on bad networks."""
        self.open_tunnels()
        with socket.socket() as listener:
            port = self.fill_queue(listener)
            self.configure({'SSH': '1'}, broker=f'localhost:{port}')
            self.spawn_agent()
            time.sleep(0.5)
            self.assertEqual(self.count('trying again'), 0)
            self.empty_queue(listener)
            threading.Thread(target=self.relay, args=(listener,), daemon=True).start()
            self.wait_for_log('Subscribed')
            self.assertEqual(self.count('trying again'), 0)

    def test_silent_network(self):
        """As before, and then nobody speaks: waiting costs nothing."""
        self.open_tunnels()
        with socket.socket() as listener:
            port = self.fill_queue(listener)
            self.configure({'SSH': '1'}, broker=f'localhost:{port}')
            self.spawn_agent()
            time.sleep(0.5)
            self.empty_queue(listener)
            listener.settimeout(60)
            with listener.accept()[0] as agent:
                self.assertTrue(agent.recv(1, socket.MSG_PEEK))
                before = figures.cpu(self.agent.pid)
                time.sleep(3)
                used = figures.cpu(self.agent.pid) - before
                self.assertLess(used, 0.5)
            self.wait_for_log('trying again')

    def relay(self, listener):
        def pump(a, b):
            try:
                while data := a.recv(65536):
                    b.sendall(data)
            except OSError:
                pass
            b.close()
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            broker = socket.create_connection(('127.0.0.1', self.broker.port))
            threading.Thread(target=pump, args=(client, broker), daemon=True).start()
            threading.Thread(target=pump, args=(broker, client), daemon=True).start()

    def test_agent_killed_and_restarted(self):
        echo = Echo()
        self.open_tunnels(2)
        self.start_agent({'SSH': echo.address})
        self.notify(0)
        self.wait_for_log('Tunnel 1: connected')
        self.children.remove(self.agent)
        self.agent.kill()
        self.agent.wait()
        # What comes meanwhile is kept by the broker.
        self.notify(1)
        self.start_agent({'SSH': echo.address})
        self.wait_for_log('Tunnel 1: connected', 2)
        self.talk(self.start_operator(1)['SSH'], b'after the restart')

    def test_untrusted_broker(self):
        self.open_tunnels()
        other = Authority(self.path('other'))
        self.configure({'SSH': '1'}, ca=other.certificate)
        self.spawn_agent()
        self.wait_for_log('TLS failed')
        self.assertEqual(self.count('Subscribed'), 0)

    def test_broker_with_another_name(self):
        self.open_tunnels()
        # A certificate for another host, of the right authority.
        self.broker.stop()
        certificate, key = self.broker.authority.issue('elsewhere', host='DNS:elsewhere.example')
        shutil.copy(certificate, self.broker.authority.folder / 'broker.pem')
        shutil.copy(key, self.broker.authority.folder / 'broker.key')
        self.broker.start()
        self.configure({'SSH': '1'})
        self.spawn_agent()
        self.wait_for_log('TLS failed')
        self.assertEqual(self.count('Subscribed'), 0)

    def test_another_client_with_the_id(self):
        self.open_tunnels()
        broker = self.broker
        certificate, key = broker.authority.issue('second')
        # It comes back each time that it is thrown out.
        self.start_agent({'SSH': '1'})
        self.spawn('other', ['mosquitto_sub', '-h', 'localhost', '-p', str(broker.port), '-i', THING, '-t', TOPIC,
                             '--cafile', str(broker.authority.certificate), '--cert', str(certificate), '--key', str(key)])
        self.wait_for_log(f'“{THING}” again and again.*the same id')

    def test_topic_that_the_broker_does_not_allow(self):
        # Lists of access, as in acl_file, let anybody subscribe to anything; this refuses it.
        plugins = glob.glob('/usr/lib/*/mosquitto_dynamic_security.so')
        if not plugins:
            self.skipTest('mosquitto has no plugin that refuses subscriptions')
        rules = self.write('rules.json', json.dumps({
            'defaultACLAccess': {'publishClientSend': True, 'publishClientReceive': True, 'subscribe': False,
                                 'unsubscribe': True}}))
        strict = Mosquitto(self.folder / 'strict', [f'plugin {plugins[0]}', f'plugin_opt_config_file {rules}',
                                                    'allow_anonymous true'])
        strict.start()
        self.addCleanup(strict.stop)
        self.open_tunnels()
        self.configure({'SSH': '1'}, broker=f'mqtt://127.0.0.1:{strict.port}', **{'client-id': 'me'})
        self.spawn_agent()
        self.wait_for_log(f'the client “me” the subscription to “{re.escape(TOPIC)}”: look whether the policy')
        self.assertEqual(self.count('Subscribed'), 0)

    def test_certificate_that_the_broker_does_not_know(self):
        self.open_tunnels()
        other = Authority(self.path('other'))
        certificate, key = other.issue(THING)
        self.configure({'SSH': '1'}, certificate=certificate, key=key)
        self.spawn_agent()
        self.wait_for_log('trying again in')
        self.assertEqual(self.count('Subscribed'), 0)


class Configuration(AgentCase):
    def exit_status(self, text, *arguments):
        with open(self.path('bad.conf'), 'w') as f:
            f.write(text)
        result = subprocess.run([AGENT, '--bus', 'none', '--config', self.path('bad.conf'), *arguments],
                                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertNotIn('CRITICAL', result.stderr)
        return result.returncode

    def tearDown(self):
        pass

    def test_exit_statuses(self):
        good = '[agent]\nthing=a\nbroker=mqtt://localhost:1\n'
        self.assertEqual(self.exit_status('', '--config', '/nonexistent'), 66)
        self.assertEqual(self.exit_status('', '--nonsense'), 64)
        self.assertEqual(self.exit_status('', 'nonsense'), 64)
        self.assertEqual(self.exit_status('', '--verbose', '-1'), 64)
        for text in ('', 'x', '[agent]\nthing=a\n', '[agent]\nbroker=a\n', '[nonsense]\n', good + 'nonsense=1\n',
                     good + 'max-tunnels=x\n', good + 'max-tunnels=-1\n', good + 'keepalive=1\n',
                     good + 'keepalive=99999999999\n', good + 'allow-plain=maybe\n',
                     good + '[services]\nSSH=nonsense\n', good + '[services]\nS S=22\n',
                     good + '[services]\nSSH=127.0.0.1:99999\n', good + 'endpoint=ws://example.com\n',
                     '[agent]\nthing=a/b\nbroker=mqtt://localhost\n', '[agent]\nthing=+\nbroker=mqtt://localhost\n',
                     # Plain beyond this machine, and TLS without the device's certificate.
                     '[agent]\nthing=a\nbroker=mqtt://example.com\n', '[agent]\nthing=a\nbroker=example.com\n',
                     '[agent]\nthing=a\nbroker=http://example.com\n', '[agent]\nthing=a\nbroker=localhost:0\n',
                     '[agent]\nthing=a\nbroker=mqtt://user@localhost\n'):
            self.assertEqual(self.exit_status(text), 78, text)

    def complaints(self, text, *arguments, **options):
        """What is said of a file that is named relative to the folder one is in."""
        self.write('bad.conf', text, 0o644)
        result = subprocess.run([AGENT, '--bus', 'none', '--config', 'bad.conf', *arguments], cwd=self.folder,
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, **options)
        self.assertNotIn('CRITICAL', result.stderr)
        return result.returncode, [line.partition(f'{self.path("bad.conf")}: ')[2] or line
                                   for line in (result.stdout + result.stderr).splitlines()]

    def test_check(self):
        good = '[agent]\nthing=a\nbroker=mqtt://localhost:1\n'
        self.assertEqual(self.complaints(good, '--check'), (0, ['bad.conf: nothing is wrong']))
        self.assertEqual(subprocess.run([AGENT, '--check', '--config', '/nonexistent'], stderr=subprocess.DEVNULL,
                                        timeout=60).returncode, 66)

        # All of them, as they are spelt.
        status, lines = self.complaints('[agent]\nthing=a\nkeepalive=1\nallow-plain=maybe\nnonsense=1\nca=none.pem\n'
                                        '[other]\n[services]\nSSH=nonsense\nS S=22\n', '--check')
        self.assertEqual(status, 78)
        self.assertEqual([line.partition(': ')[0] for line in lines],
                         ['[other]', '[agent] nonsense', '[agent] allow-plain', '[agent] keepalive', '[agent] broker',
                          '[services] SSH', '[services] S S', '[agent] ca'])
        self.assertIn(self.path('none.pem'), lines[-1])

        # Without it, the first.
        status, lines = self.complaints('[agent]\nnonsense=1\n')
        self.assertEqual(status, 78)
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], r'^\[agent\] nonsense: there is no such setting, but thing, broker, .*max-lifetime; '
                         '2 more are told by --check$')

    def test_relative_paths(self):
        """They are relative to the file's folder, which itself is named relative to the one the agent is in."""
        self.open_tunnels()
        self.configure({'SSH': '1'}, **{
            key: os.path.relpath(path, self.folder) for key, path in (
                ('certificate', self.broker.certificate), ('key', self.broker.key),
                ('ca', self.broker.authority.certificate), ('endpoint-ca', self.info['caFile']))})
        config = os.path.join(self.folder.name, 'agent.conf')
        self.assertEqual(subprocess.run([AGENT, '--check', '--config', config], cwd=self.folder.parent, timeout=60,
                                        stdout=subprocess.DEVNULL).returncode, 0)
        self.agent = self.spawn('agent', [AGENT, '--config', config, '--bus', 'none'], cwd=self.folder.parent)
        self.wait_for_log('Subscribed')
        self.notify()
        self.wait_for_log('Tunnel 1: connected')

    def test_check_settings(self):
        """What only the library knows of is told of each key, too, and once."""
        status, lines = self.complaints('[agent]\nthing=a b\nbroker=http://localhost\nendpoint=ftp://localhost\n'
                                        'endpoint-ca=none.pem\n', '--check')
        self.assertEqual(status, 78)
        self.assertEqual(sorted(line.partition(': ')[0] for line in lines),
                         ['[agent] broker', '[agent] endpoint', '[agent] endpoint-ca', '[agent] thing'])
        # What would work with another thing's name is no fault.
        status, lines = self.complaints('[agent]\nbroker=mqtt://localhost:1\n', '--check')
        self.assertEqual((status, [line.partition(': ')[0] for line in lines]), (78, ['[agent] thing']))

    def test_check_files(self):
        authority = Authority(self.path('other'))
        certificate, key = (os.path.relpath(path, self.folder) for path in authority.issue('device'))
        _, other_key = (os.path.relpath(path, self.folder) for path in authority.issue('other'))
        old, old_key = (os.path.relpath(path, self.folder) for path in authority.issue('old', days=-1))
        self.write('both.pem', ''.join((self.folder / path).read_text() for path in (certificate, key)))
        (self.folder / 'both.pem').chmod(0o600)
        os.mkfifo(self.path('pipe'))
        start = '[agent]\nthing=a\nbroker=localhost:1\n'
        for text, faults in (
                ('', ['certificate: missing']),
                ('certificate=none.pem\n', ['certificate: Could not read']),
                ('certificate=pipe\n', ['certificate: “.*” is not a regular file']),
                ('certificate=bad.conf\nca=bad.conf\nendpoint-ca=bad.conf\n',
                 ['endpoint-ca: ', 'certificate: “.*” has no certificate', 'ca: can\'t read certificates from']),
                (f'certificate={old}\nkey={old_key}\n', ['certificate: .*expired at']),
                (f'certificate={certificate}\nkey=none.key\n', ['key: Could not read']),
                (f'certificate={certificate}\nkey=bad.conf\n', ['key: “.*” has no private key']),
                (f'certificate={certificate}\n', ['key: “.*” has no private key']),
                (f'certificate={certificate}\nkey={other_key}\n', ['key: .* is not the key of the certificate']),
                (f'certificate={certificate}\nkey={key}\nca={certificate}\n', []),
                ('certificate=both.pem\n', [])):
            status, lines = self.complaints(start + text, '--check')
            self.assertEqual(status, 78 if faults else 0, lines)
            if faults:
                self.assertEqual(len(lines), len(faults), lines)
            for line, fault in zip(lines, faults):
                self.assertRegex(line, r'^\[agent\] ' + fault)

    def test_check_permissions(self):
        """Of files that others can read, and of those that oneself can't."""
        certificate, key = Authority(self.path('other')).issue('device')
        text = f'[agent]\nthing=a\nbroker=localhost:1\ncertificate={certificate}\nkey={key}\n'
        key.chmod(0o644)
        status, lines = self.complaints(text, '--check')
        self.assertEqual((status, len(lines)), (78, 1), lines)
        self.assertRegex(lines[0], r'^\[agent\] key: every user has access')
        key.chmod(0o640)
        self.assertEqual(self.complaints(text, '--check')[0], 0)
        if os.getuid() == 0:
            key.chmod(0o600)
            self.folder.chmod(0o755)
            (self.folder / 'other').chmod(0o755)
            status, lines = self.complaints(text, '--check', user=NOBODY)
            self.assertEqual((status, len(lines)), (78, 1), lines)
            self.assertRegex(lines[0], r'^\[agent\] key: Could not read .*key')

    def test_endpoint_authorities(self):
        status, lines = self.complaints('[agent]\nthing=a\nbroker=mqtt://localhost:1\nendpoint-ca=none.pem\n')
        self.assertEqual(status, 78)
        self.assertTrue(lines[0].startswith('[agent] endpoint-ca: '), lines)

    def test_plain_to_loopback(self):
        self.open_tunnels()
        self.start_agent({'SSH': '1'}, broker=f'mqtt://127.0.0.1:{self.broker.plain_port}', certificate=None,
                         key=None, ca=None)

    def test_reload(self):
        old, new = Echo(b'old '), Echo(b'new ')
        self.open_tunnels(services=('SSH', 'VNC'))
        self.start_agent({'SSH': old.address})
        self.notify(services=('SSH', 'VNC'))
        ports = self.start_operator(0, 'SSH', 'VNC')
        with socket.create_connection(('127.0.0.1', ports['SSH'])) as connection:
            self.assertEqual(read_exactly(connection, 4), b'old ')
            self.configure({'SSH': new.address, 'VNC': old.address}, **{'max-connections': 3, 'keepalive': 60})
            self.agent.send_signal(signal.SIGHUP)
            self.wait_for_log('The configuration was read again')
            self.wait_for_log('Some of what is new takes a restart')
            # What is open lives on; what is new follows the file.
            connection.sendall(b'data')
            self.assertEqual(read_exactly(connection, 4), b'data')
            self.talk(ports['SSH'], b'data', b'new ')
            self.talk(ports['VNC'], b'data', b'old ')

            with open(self.path('agent.conf'), 'w') as f:
                f.write('nonsense')
            self.agent.send_signal(signal.SIGHUP)
            self.wait_for_log('The configuration stays as it was')
            self.talk(ports['SSH'], b'data', b'new ')

            self.configure({'VNC': old.address}, keepalive=60)
            self.agent.send_signal(signal.SIGHUP)
            self.wait_for_log('The configuration was read again', 2)
            with socket.create_connection(('127.0.0.1', ports['SSH'])) as refused:
                self.assertEqual(read_exactly(refused, 1), b'')
            connection.sendall(b'more')
            self.assertEqual(read_exactly(connection, 4), b'more')

    def test_systemd(self):
        systemd = Systemd(self)
        self.agent_env = {**systemd.environment, 'WATCHDOG_USEC': '1000000'}
        self.open_tunnels()
        self.configure({'SSH': '1'})
        agent = self.spawn_agent()
        for text in ('READY=1', 'Subscribed; tunnels: 0', 'WATCHDOG=1'):
            systemd.hear(agent, text)
        self.notify()
        systemd.hear(agent, 'tunnels: 1')
        systemd.fields.clear()
        agent.send_signal(signal.SIGHUP)
        systemd.hear(agent, 'RELOADING=1')
        systemd.hear(agent, 'READY=1')
        agent.terminate()
        systemd.hear(agent, 'STOPPING=1')
        self.assertEqual(agent.wait(60), 0)
        self.children.remove(agent)


class Bus(BusCase):
    """What the agent tells on D-Bus, and who may do what."""

    def test_what_it_tells(self):
        echo = Echo()
        self.start_bus(policy=False)
        self.watch()
        self.open_tunnels(2)
        self.start_agent({'SSH': echo.address})
        self.wait_for_objects(r'^\(@a\{oa\{sa\{sv\}\}\} \{\},\)')
        properties = self.ask('org.freedesktop.DBus.Properties.GetAll', INTERFACE)
        for expected in ("'ThingName': <'pump-17'>", f"'Broker': <'{self.broker.address}'>", "'State': <'subscribed'>",
                         "'Subscribed': <true>", f"'SubscribedAt': <int64 {str(time.time_ns() // 1000)[:5]}",
                         "'LastError': <''>", "'LastErrorAt': <int64 0>", "'Tunnels': <uint32 0>",
                         "'MaxTunnels': <uint32 16>"):
            self.assertIn(expected, properties)

        self.notify(0)
        self.notify(1)
        self.wait_for_objects("'State': <'connected'>.*'State': <'connected'>")
        ports = self.start_operator()
        with socket.create_connection(('127.0.0.1', ports['SSH'])) as connection:
            data = b'x' * 100000
            connection.sendall(data)
            read_exactly(connection, len(data))
            path = '/connections/1'
            get_all = 'org.freedesktop.DBus.Properties.GetAll'
            answer = wait_until(lambda: re.search("'RateIn': <[1-9].*'RateOut': <[1-9]",
                                                  self.ask(get_all, f'{INTERFACE}.Connection', path=path)), 'rates')
            for expected in ("'Tunnel': <uint32 1>", "'State': <'open'>", "'Service': <'SSH'>",
                             f"'OpenedAt': <int64 {str(time.time_ns() // 1000)[:5]}", "'BytesIn': <uint64 100000>",
                             f"'Address': <'{echo.address}'>"):
                self.assertIn(expected, answer.string)
            tunnel = self.ask(get_all, f'{INTERFACE}.Tunnel', path='/tunnels/1')
            for expected in ("'Id': <uint32 1>", "'Connections': <uint32 1>", "'Services': <['SSH']>",
                             "'Region': <'us-east-1'>", "'BytesOut': <uint64 100000>"):
                self.assertIn(expected, tunnel)

            self.ask(f'{INTERFACE}.Connection.Close', path=path)
            self.assertEqual(read_exactly(connection, 1), b'')
        with socket.create_connection(('127.0.0.1', ports['SSH'])) as connection:
            self.check_echo_on(connection)
            self.ask('StopTunnel', 1)
            self.assertEqual(read_exactly(connection, 1), b'')
        self.wait_for_log('Tunnel 1: stopped')
        objects = self.objects()
        self.assertNotIn('tunnels/1', objects)
        self.assertNotIn('connections/', objects)
        good, text = self.call('StopTunnel', 1)
        self.assertFalse(good)
        self.assertIn(f'{INTERFACE}.Error.NoSuchTunnel: There is no tunnel 1', text)
        self.ask(f'{INTERFACE}.Tunnel.Stop', path='/tunnels/2')
        self.wait_for_log('Tunnel 2: stopped')
        self.end_child(self.agent)
        for expected in (f"{INTERFACE}.TunnelOpened (uint32 1, ['SSH'])",
                         f"{INTERFACE}.TunnelOpened (uint32 2, ['SSH'])",
                         f"{INTERFACE}.ConnectionOpened (uint32 1, 'SSH')",
                         f"{INTERFACE}.ConnectionClosed (uint32 1, 'SSH', uint64 100000, uint64 100000, ",
                         f"{INTERFACE}.TunnelClosed (uint32 1, '')",
                         f"{INTERFACE}.TunnelClosed (uint32 2, '')",
                         "'State': <'subscribed'>", "'Subscribed': <true>"):
            wait_until(lambda text=expected: text in self.log_of('signals'), expected)
        self.check_order()
        for token in self.tokens:
            self.assertNotIn(token[:12], self.log_of('signals'))

    def check_order(self):
        """What has ended says so before it goes."""
        lines = self.log_of('signals').splitlines()
        for path, interface, state in (('tunnels/1', 'Tunnel', 'stopped'), ('connections/1', 'Connection', 'closed')):
            told = [number for number, line in enumerate(lines)
                    if path in line and f"'{INTERFACE}.{interface}', {{" in line and f"'State': <'{state}'>" in line]
            gone = [number for number, line in enumerate(lines)
                    if 'InterfacesRemoved' in line and path in line and f'{INTERFACE}.{interface}' in line]
            self.assertEqual((len(told), len(gone)), (1, 1), path)
            self.assertLess(told[0], gone[0])

    def test_counters_are_told_once_a_second(self):
        echo = Echo()
        self.start_bus(policy=False)
        self.open_tunnels()
        self.start_agent({'SSH': echo.address})
        self.notify()
        self.wait_for_objects("'State': <'connected'>")
        ports = self.start_operator()
        with socket.create_connection(('127.0.0.1', ports['SSH'])) as connection:
            self.check_echo_on(connection)
            self.watch()
            begun = time.monotonic()
            total = 5
            while time.monotonic() - begun < 4:
                self.check_echo_on(connection, b'x' * 1000)
                total += 1000
            self.wait_for_objects(f"'BytesIn': <uint64 {total}>")
            elapsed = time.monotonic() - begun
            told = sum('connections/1' in line and "'BytesIn'" in line for line in self.log_of('signals').splitlines())
        self.assertGreaterEqual(told, 2)
        self.assertLessEqual(told, elapsed + 2)

    def test_last_error(self):
        self.start_bus(policy=False)
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        self.broker.publish(b'nonsense')
        get_all = ('org.freedesktop.DBus.Properties.GetAll', INTERFACE)
        self.wait_for_answer("'LastError': <'The notification is not", *get_all)
        self.broker.stop(kill=True)
        self.wait_for_answer("'Subscribed': <false>, 'SubscribedAt': <int64 0>", *get_all)
        self.wait_for_log('trying again in')
        self.broker.start()
        self.wait_for_answer("'Subscribed': <true>, 'SubscribedAt': <int64 1", *get_all)
        self.notify()
        self.wait_for_objects("'State': <'connected'>")

    def check_who_may(self, error):
        self.notify()
        self.wait_for_objects("'State': <'connected'>")
        for method, arguments, path in (
                ('org.freedesktop.DBus.ObjectManager.GetManagedObjects', [], ''),
                ('org.freedesktop.DBus.Properties.GetAll', [INTERFACE], ''),
                ('org.freedesktop.DBus.Properties.GetAll', [f'{INTERFACE}.Tunnel'], '/tunnels/1'),
                ('org.freedesktop.DBus.Introspectable.Introspect', [], '')):
            good, text = self.call(method, *arguments, user=NOBODY, path=path)
            self.assertTrue(good, f'{method}: {text}')
        for method, arguments, path in (('StopTunnel', [1], ''), (f'{INTERFACE}.Tunnel.Stop', [], '/tunnels/1')):
            good, text = self.call(method, *arguments, user=NOBODY, path=path)
            self.assertFalse(good, text)
            self.assertIn(error, text)
        self.assertEqual(self.count('stopped'), 0)
        self.ask(f'{INTERFACE}.Tunnel.Stop', path='/tunnels/1')
        self.wait_for_log('Tunnel 1: stopped')

    def test_policy(self):
        if os.getuid() != 0:
            self.skipTest('needs to be root to ask as somebody else')
        self.start_bus()
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        self.check_who_may('org.freedesktop.DBus.Error.AccessDenied')

    def test_bus_without_a_policy(self):
        """Then the agent looks at who asks."""
        if os.getuid() != 0:
            self.skipTest('needs to be root to ask as somebody else')
        self.start_bus(policy=False)
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        self.check_who_may(f'{INTERFACE}.Error.NotAllowed: ')

    def test_without_a_bus(self):
        self.bus = f'unix:path={self.path("nobody")}'
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        self.wait_for_log('Could not go on D-Bus')
        self.notify()
        self.wait_for_log('Tunnel 1: connected')


class Figures(AgentCase):
    TUNNELS = 200

    def test_idle(self):
        self.open_tunnels()
        self.start_agent({'SSH': '1'})
        time.sleep(1)
        before = figures.switches_of(self.agent.pid)
        time.sleep(10)
        switches = figures.wakeups_between(before, figures.switches_of(self.agent.pid))
        self.note(f'idle: {figures.memory(self.agent.pid):.1f} MiB, {switches} wake-ups in 10 s')
        # One a second would be a timer that ticks; this leaves room for a stranger's word.
        self.assertLess(switches, 10)

    def test_many_tunnels(self):
        # clang 14's LeakSanitizer crashes over threads that are just ending, of which there are many here.
        self.agent_env = {'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'}
        echo = Echo()
        self.open_tunnels(self.TUNNELS)
        self.start_agent({'SSH': echo.address}, **{'max-tunnels': 0})
        idle = figures.memory(self.agent.pid)
        lines = ''.join(json.dumps(notification(tunnel['destinationAccessToken'], ['SSH'])) + '\n'
                        for tunnel in self.info['tunnels'])
        begun = time.monotonic()
        self.broker.publish_lines(lines)
        self.wait_for_log('Tunnel [0-9]*: connected', self.TUNNELS)
        elapsed = time.monotonic() - begun
        full = figures.memory(self.agent.pid)
        self.note(f'{self.TUNNELS} tunnels: {elapsed:.2f} s, {full:.1f} MiB, '
                  f'{(full - idle) * 1024 / self.TUNNELS:.0f} KiB each, {figures.descriptors(self.agent.pid)} descriptors')
        for number in (0, self.TUNNELS // 2, self.TUNNELS - 1):
            self.talk(self.start_operator(number)['SSH'], f'tunnel {number}'.encode())
        before = figures.switches_of(self.agent.pid)
        time.sleep(10)
        switches = figures.wakeups_between(before, figures.switches_of(self.agent.pid))
        self.note(f'{switches} wake-ups in 10 s with {self.TUNNELS} idle tunnels')
        self.end_child(self.agent)
        self.note(f'{self.count("Tunnel [0-9]*: stopped")} said goodbye')


if __name__ == '__main__':
    tap.main()
