# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The whole of it: an operator opens tunnels with the AWS CLI, a
device hears of them at its broker, and ssh reaches its sshd."""

import json
import os
import subprocess

import programs
import tap
from child import AWS, require
from device import THING, Broker
from waiting import wait_until

AGENT = os.environ['IST_AGENT']


class EndToEnd(programs.Case):
    # The operator opens them.
    services = None

    def aws(self, operation, *arguments):
        result = subprocess.run([AWS, '--output', 'json', '--endpoint-url',
                                 self.info['endpoint'].replace('wss:', 'https:'), '--ca-bundle', self.info['caFile'],
                                 'iotsecuretunneling', operation, *arguments],
                                capture_output=True, text=True, timeout=120,
                                env={**os.environ, 'AWS_ACCESS_KEY_ID': 'any', 'AWS_SECRET_ACCESS_KEY': 'any',
                                     'AWS_DEFAULT_REGION': 'us-east-1'})
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout) if result.stdout.strip() else {}

    def open_tunnel(self, *arguments):
        return self.aws('open-tunnel', '--destination-config', f'thingName={THING},services=SSH', *arguments)

    def status_of(self, tunnel):
        return self.aws('describe-tunnel', '--tunnel-id', tunnel['tunnelId'])['tunnel']['status']

    def check_ssh(self, word):
        result = subprocess.run(self.ssh_command(self.ports['SSH'], f'echo {word} $((6 * 7))'), capture_output=True,
                                text=True, timeout=60)
        self.assertEqual((result.stdout, result.returncode), (f'{word} 42\n', 0), result.stderr)

    def try_ssh(self):
        return subprocess.run(self.ssh_command(self.ports['SSH'], 'true'), capture_output=True,
                              timeout=60).returncode == 0

    def start_agent(self):
        agent = self.spawn('agent', [AGENT, '--config', self.path('agent.conf'), '--bus', 'none'])
        agent.expect('Subscribed')
        return agent

    def test_from_notification_to_ssh(self):
        require(AWS)
        broker = Broker(self.folder)
        broker.start()
        self.addCleanup(broker.stop)
        sshd = self.start_sshd()
        self.start_emulator('--mqtt', broker.address, '--mqtt-ca', broker.authority.certificate, '--mqtt-cert',
                            broker.backend, '--mqtt-key', broker.backend_key)
        with open(self.path('agent.conf'), 'w') as f:
            f.write(f'[agent]\nthing={THING}\nbroker={broker.address}\ncertificate={broker.certificate}\n'
                    f'key={broker.key}\nca={broker.authority.certificate}\nendpoint={self.info["endpoint"]}\n'
                    f'endpoint-ca={self.info["caFile"]}\n[services]\nSSH=127.0.0.1:{sshd}\n')
        agent = self.start_agent()

        # A tunnel that will have expired in the end.
        short = self.open_tunnel('--timeout-config', 'maxLifetimeTimeoutMinutes=1')
        agent.expect('connected')

        # The operator opens a tunnel; the device connects by itself; ssh works.
        self.tunnel = self.open_tunnel()
        agent.expect('connected')
        self.start_source('SSH')
        self.check_ssh('hello')
        state = self.aws('describe-tunnel', '--tunnel-id', self.tunnel['tunnelId'])['tunnel']
        self.assertEqual(state['destinationConnectionState']['status'], 'CONNECTED')
        self.assertEqual(state['sourceConnectionState']['status'], 'CONNECTED')

        # Rotation while connected: the device hears of its new token.
        self.aws('rotate-tunnel-access-token', '--tunnel-id', self.tunnel['tunnelId'], '--client-mode', 'DESTINATION')
        agent.expect('connected')
        wait_until(self.try_ssh, 'ssh after the rotation')

        # The broker goes and comes; notifications arrive again.
        broker.stop(kill=True)
        broker.start()
        agent.expect('Subscribed')
        self.aws('rotate-tunnel-access-token', '--tunnel-id', self.tunnel['tunnelId'], '--client-mode', 'DESTINATION')
        agent.expect('connected')
        wait_until(self.try_ssh, 'ssh after the restart of the broker')

        # The agent is killed, and started anew; a rotation tells it of the tunnel.
        agent.kill()
        self.end_child(agent)
        agent = self.start_agent()
        self.aws('rotate-tunnel-access-token', '--tunnel-id', self.tunnel['tunnelId'], '--client-mode', 'DESTINATION')
        agent.expect('connected')
        wait_until(self.try_ssh, 'ssh after the restart of the agent')
        self.check_ssh('again')

        # Expiry, and the end.
        wait_until(lambda: self.status_of(short) == 'CLOSED', 'the expiry', 90)
        self.aws('close-tunnel', '--tunnel-id', self.tunnel['tunnelId'])
        self.assertEqual(self.source.wait(30), 77)
        self.children.remove(self.source)
        agent.expect('Tunnel is closed')


if __name__ == '__main__':
    tap.main()
