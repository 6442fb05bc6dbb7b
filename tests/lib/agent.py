# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""ist-agent as a device runs it: a real MQTT broker with TLS and client
certificates, ist-emulator for the service, ist-proxy for the operator, and a D-Bus of
its own."""

import os
import re
import socket
import subprocess

from child import require
from device import THING, Broker, notification
from programs import Case
from sockets import read_exactly
from waiting import wait_until

AGENT = os.environ['IST_AGENT']

BUS_NAME = 'io.github.libist.Agent'
BUS_PATH = '/io/github/libist/Agent'
INTERFACE = 'io.github.libist.Agent1'
NOBODY = 65534


class AgentCase(Case):
    def setUp(self):
        super().setUp()
        self.broker = Broker(self.folder)
        self.broker.start()
        self.addCleanup(self.broker.stop)
        self.bus = 'none'
        self.agent_env = {}
        self.tokens = []

    def tearDown(self):
        for child in list(self.children):
            if child.name == 'agent':
                self.assertIsNone(child.poll(), 'the agent has ended: ' + self.end_of_log())
                self.assertEqual(self.end_child(child), 0, self.end_of_log())
        self.end_children()
        # Tokens are told to no one, however the agent ends.
        log = self.log_of('agent') if os.path.exists(self.path('agent.log')) else ''
        for fault in ('CRITICAL', 'Sanitizer', 'runtime error'):
            self.assertFalse(fault in log, log[-5000:])
        for token in self.tokens:
            self.assertNotIn(token[:12], log)
            self.assertNotIn(token[-12:], log)

    def end_of_log(self):
        return self.log_of('agent')[-5000:]

    def open_tunnels(self, number=1, services=('SSH',)):
        arguments = []
        for _ in range(number - 1):
            arguments += ['--open', ','.join(services)]
        self.start_emulator(*arguments, services=list(services))
        self.tokens = [tunnel[side + 'AccessToken'] for tunnel in self.info['tunnels']
                       for side in ('source', 'destination')]

    def configure(self, services, **settings):
        settings = {'thing': THING, 'broker': self.broker.address, 'certificate': self.broker.certificate,
                    'key': self.broker.key, 'ca': self.broker.authority.certificate,
                    'endpoint': self.info['endpoint'], 'endpoint-ca': self.info['caFile'], **settings}
        with open(self.path('agent.conf'), 'w') as f:
            f.write('[agent]\n')
            for key, value in settings.items():
                if value is not None:
                    f.write(f'{key}={value}\n')
            f.write('[services]\n')
            for key, value in services.items():
                f.write(f'{key}={value}\n')

    def spawn_agent(self):
        self.agent = self.spawn('agent', [AGENT, '--config', self.path('agent.conf'), '--bus', self.bus],
                                self.agent_env)
        return self.agent

    def start_agent(self, services, **settings):
        self.configure(services, **settings)
        before = self.count('Subscribed')
        self.spawn_agent()
        self.wait_for_log('Subscribed', before + 1)

    def count(self, text):
        return len(re.findall(text, self.log_of('agent'))) if os.path.exists(self.path('agent.log')) else 0

    def wait_for_log(self, text, times=1):
        self.agent.wait_until(lambda: self.count(text) >= times, f'{times} times “{text}”')

    def notify(self, number=0, services=('SSH',), **changes):
        tunnel = self.info['tunnels'][number]
        self.broker.publish(notification(tunnel['destinationAccessToken'], list(services), **changes))

    def start_operator(self, number=0, *services, name='source', arguments=()):
        """The operator's end; returns the ports by service."""
        self.tunnel = self.info['tunnels'][number]
        return self.start_source(*(services or ('SSH',)), arguments=arguments)

    def talk(self, port, text, greeting=b''):
        with socket.create_connection(('127.0.0.1', port)) as connection:
            connection.sendall(text)
            self.assertEqual(read_exactly(connection, len(greeting + text)), greeting + text)


BUS_CONFIG = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  {include}
</busconfig>
'''


class BusCase(AgentCase):
    """A bus like the system's, with the agent's policy."""

    def setUp(self):
        super().setUp()
        require('dbus-daemon', 'gdbus')

    def start_bus(self, policy=True):
        if policy:
            include = f'<include>{os.environ["IST_AGENT_POLICY"]}</include>'
        else:
            include = '<policy context="default"><allow own="*"/><allow send_destination="*"/></policy>'
        with open(self.path('bus.conf'), 'w') as f:
            f.write(BUS_CONFIG.format(folder=self.folder, include=include))
        os.chmod(self.folder, 0o755)
        bus = self.spawn('bus', ['dbus-daemon', '--nofork', '--config-file', self.path('bus.conf')])
        bus.wait_until((self.folder / 'bus').exists, 'its socket')
        self.bus = f'unix:path={self.path("bus")}'

    def call(self, method, *arguments, user=None, path=''):
        command = ['gdbus', 'call', '--address', self.bus, '--dest', BUS_NAME, '--object-path', BUS_PATH + path,
                   '--method', method if '.' in method else f'{INTERFACE}.{method}', *map(str, arguments)]
        options = {'user': user, 'group': user, 'extra_groups': []} if user is not None else {}
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                                **options)
        return result.returncode == 0, result.stdout

    def ask(self, method, *arguments, path=''):
        good, text = self.call(method, *arguments, path=path)
        self.assertTrue(good, text)
        for token in self.tokens:
            self.assertNotIn(token[:12], text)
        return text

    def objects(self):
        """What the object manager has, as text."""
        return self.ask('org.freedesktop.DBus.ObjectManager.GetManagedObjects')

    def wait_for_objects(self, pattern):
        return wait_until(lambda: re.search(pattern, self.objects()), pattern)

    def wait_for_answer(self, pattern, method, *arguments):
        return wait_until(lambda: re.search(pattern, self.call(method, *arguments)[1]), pattern)

    def watch(self):
        return self.spawn('signals', ['gdbus', 'monitor', '--address', self.bus, '--dest', BUS_NAME])
