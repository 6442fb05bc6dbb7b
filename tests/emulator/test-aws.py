#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The emulator's control plane as its users see it: the AWS CLI, botocore, and
devices that listen at an MQTT broker."""

import json
import os
import shlex
import subprocess
import time

import botocore.exceptions
import botocore.session

import programs
import tap
from broker import Mosquitto
from certificates import self_signed
from child import AWS, require, run
from programs import EMULATOR
from sockets import free_port
from waiting import PATIENCE

SERVICE = 'iotsecuretunneling'
TOPIC = '$aws/things/{}/tunnels/notify'


class Case(programs.Case):
    services = None

    def start(self, *arguments, service=SERVICE, **options):
        """Returns the emulator, and a client of its control plane."""
        info = self.start_emulator(*arguments, **options)
        session = botocore.session.Session()
        session.set_credentials('any', 'any')
        client = session.create_client(service, region_name='us-east-1', verify=info['caFile'],
                                       endpoint_url='http' + info['endpoint'].removeprefix('ws'))
        self.addCleanup(client.close)
        return self.emulator, client

    def stop(self, emulator):
        self.assertEqual(self.end_child(emulator), 0, emulator.log())


class Cli(Case):
    def setUp(self):
        super().setUp()
        require(AWS)
        emulator, _ = self.start()
        # What the emulator says to type is what is typed.
        self.environment = {
            'HOME': str(self.folder), 'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8', 'AWS_PAGER': '',
        }
        while not (line := emulator.next_line().strip()).startswith('aws '):
            words = shlex.split(line)
            if words and words[0] == 'export':
                self.environment |= dict(word.split('=', 1) for word in words[1:])
        self.command = [AWS, *shlex.split(line.removesuffix('\\'))[1:]]
        self.opening = shlex.split(emulator.next_line())

    def run_aws(self, *arguments):
        return subprocess.run([*self.command, *arguments], env=self.environment, text=True, timeout=PATIENCE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def aws(self, *arguments):
        result = self.run_aws(*arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        return json.loads(result.stdout) if result.stdout else {}

    def assert_fails(self, kind, *arguments):
        result = self.run_aws(*arguments)
        self.assertEqual(result.returncode, 254, result.stdout + result.stderr)
        self.assertIn(f'({kind})', result.stderr)

    def test_every_operation(self):
        opened = self.aws(*self.opening)
        tunnel_id = opened['tunnelId']
        arn = opened['tunnelArn']
        self.assertEqual(set(opened), {'tunnelId', 'tunnelArn', 'sourceAccessToken', 'destinationAccessToken'})
        self.aws('tag-resource', '--resource-arn', arn, '--tags', 'key=Team,value=Über uns', 'key=b,value=')
        self.aws('untag-resource', '--resource-arn', arn, '--tag-keys', 'b')
        self.assertEqual(self.aws('list-tags-for-resource', '--resource-arn', arn),
                         {'tags': [{'key': 'Team', 'value': 'Über uns'}]})
        described = self.aws('describe-tunnel', '--tunnel-id', tunnel_id)['tunnel']
        self.assertEqual(described['status'], 'OPEN')
        self.assertEqual(described['destinationConfig'], {'thingName': 'THING', 'services': ['SSH']})
        self.assertRegex(described['createdAt'], r'^\d{4}-\d\d-\d\dT')
        rotated = self.aws('rotate-tunnel-access-token', '--tunnel-id', tunnel_id, '--client-mode', 'SOURCE')
        self.assertEqual(set(rotated), {'tunnelArn', 'sourceAccessToken'})
        listed = self.aws('list-tunnels', '--thing-name', 'THING', '--max-results', '1')
        self.assertEqual([summary['tunnelId'] for summary in listed['tunnelSummaries']], [tunnel_id])
        self.assertNotIn('nextToken', listed)
        self.aws('close-tunnel', '--tunnel-id', tunnel_id)
        self.assertEqual(self.aws('describe-tunnel', '--tunnel-id', tunnel_id)['tunnel']['status'], 'CLOSED')
        self.aws('close-tunnel', '--tunnel-id', tunnel_id, '--delete')
        self.assertEqual(self.aws('list-tunnels'), {'tunnelSummaries': []})

    def test_things(self):
        self.aws(*self.opening)
        # Of another service of the CLI's.
        self.command[1] = 'iot'
        self.assertEqual(self.aws('list-things')['things'], [
            {'thingName': 'THING', 'thingArn': 'arn:aws:iot:us-east-1:000000000000:thing/THING', 'attributes': {},
             'version': 1}])
        self.assert_fails('InvalidRequestException', 'list-things', '--page-size', '251')
        self.assert_fails('MissingAuthenticationTokenException', 'list-things', '--no-sign-request')

    def test_bad_input(self):
        self.assert_fails('ResourceNotFoundException', 'describe-tunnel', '--tunnel-id', 'none')
        self.assert_fails('ValidationException', 'close-tunnel', '--tunnel-id', 'a/b')
        self.assert_fails('ValidationException', 'open-tunnel', '--timeout-config',
                          'maxLifetimeTimeoutMinutes=721')
        self.assert_fails('LimitExceededException', 'open-tunnel', '--tags',
                          *(f'key={i},value=' for i in range(51)))
        self.assert_fails('MissingAuthenticationTokenException', 'list-tunnels', '--no-sign-request')


class Botocore(Case):
    def setUp(self):
        super().setUp()
        _, self.client = self.start()

    def test_every_operation(self):
        opened = self.client.open_tunnel(
            description='a tunnel', tags=[{'key': 'a', 'value': '1'}],
            destinationConfig={'thingName': 'thing', 'services': ['SSH', 'RDP']},
            timeoutConfig={'maxLifetimeTimeoutMinutes': 10})
        tunnel_id = opened['tunnelId']
        arn = opened['tunnelArn']
        tunnel = self.client.describe_tunnel(tunnelId=tunnel_id)['tunnel']
        self.assertEqual(tunnel['description'], 'a tunnel')
        self.assertEqual(tunnel['timeoutConfig'], {'maxLifetimeTimeoutMinutes': 10})
        self.assertEqual(tunnel['sourceConnectionState']['status'], 'DISCONNECTED')
        self.assertLess(abs(tunnel['createdAt'].timestamp() - time.time()), 600)
        rotated = self.client.rotate_tunnel_access_token(
            tunnelId=tunnel_id, clientMode='ALL', destinationConfig={'thingName': 'other', 'services': ['VNC']})
        self.assertNotIn(rotated['sourceAccessToken'], opened.values())
        self.assertNotIn(rotated['destinationAccessToken'], opened.values())
        self.client.tag_resource(resourceArn=arn, tags=[{'key': 'b', 'value': '2'}])
        self.client.untag_resource(resourceArn=arn, tagKeys=['a'])
        self.assertEqual(self.client.list_tags_for_resource(resourceArn=arn)['tags'],
                         [{'key': 'b', 'value': '2'}])
        tunnel = self.client.describe_tunnel(tunnelId=tunnel_id)['tunnel']
        self.assertEqual(tunnel['destinationConfig'], {'thingName': 'other', 'services': ['VNC']})
        self.client.close_tunnel(tunnelId=tunnel_id, delete=True)
        self.assertEqual(self.client.list_tunnels()['tunnelSummaries'], [])

    def test_pages(self):
        opened = [self.client.open_tunnel()['tunnelId'] for _ in range(5)]
        seen = []
        arguments = {'maxResults': 2}
        while True:
            page = self.client.list_tunnels(**arguments)
            seen.append([summary['tunnelId'] for summary in page['tunnelSummaries']])
            if 'nextToken' not in page:
                break
            arguments['nextToken'] = page['nextToken']
        opened.reverse()
        self.assertEqual(seen, [opened[0:2], opened[2:4], opened[4:]])

    def test_things(self):
        names = [f'thing-{number}' for number in range(300)]
        _, client = self.start('--thing', 'pump-1,pump', *(word for name in names for word in ('--thing', name)),
                               service='iot')
        pages = list(client.get_paginator('list_things').paginate())
        self.assertEqual([len(page['things']) for page in pages], [250, 51])
        self.assertEqual([thing['thingName'] for page in pages for thing in page['things']], ['pump-1', *names])
        first, = client.list_things(thingTypeName='pump')['things']
        self.assertEqual((first['thingName'], first['thingTypeName']), ('pump-1', 'pump'))
        self.assertEqual(client.list_things(attributeName='colour')['things'], [])
        page = client.list_things(maxResults=1)
        self.assertEqual(client.list_things(maxResults=1, nextToken=page['nextToken'])['things'][0]['thingName'], names[0])
        # Neither one of nothing, nor one of another list.
        for arguments in ({'nextToken': 'nonsense'}, {'nextToken': page['nextToken'], 'thingTypeName': 'pump'},
                          {'maxResults': 251}, {'thingTypeName': 'a b'}):
            with self.assertRaises(client.exceptions.InvalidRequestException):
                client.list_things(**arguments)

    def test_things_that_stay(self):
        """Those of tunnels are known again after a restart."""
        where = ['--state-dir', self.path('state'), '--port', free_port()]
        first, tunnels = self.start(*where)
        tunnels.open_tunnel(destinationConfig={'thingName': 'pump-17', 'services': ['SSH']})
        self.stop(first)
        _, client = self.start(*where, service='iot')
        self.assertEqual([thing['thingName'] for thing in client.list_things()['things']], ['pump-17'])

    def test_errors(self):
        not_found = self.client.exceptions.ResourceNotFoundException
        with self.assertRaises(not_found):
            self.client.describe_tunnel(tunnelId='none')
        with self.assertRaises(not_found):
            self.client.rotate_tunnel_access_token(tunnelId='none', clientMode='ALL')
        with self.assertRaises(self.client.exceptions.LimitExceededException):
            self.client.open_tunnel(tags=[{'key': str(i), 'value': ''} for i in range(51)])
        for call, arguments in (
                (self.client.describe_tunnel, {'tunnelId': 'a b'}),
                (self.client.list_tunnels, {'nextToken': 'nonsense'}),
                (self.client.rotate_tunnel_access_token, {'tunnelId': 'x', 'clientMode': 'NONE'}),
                (self.client.list_tags_for_resource, {'resourceArn': 'x'}),
                (self.client.open_tunnel, {'destinationConfig': {'services': ['a b']}})):
            with self.assertRaises(botocore.exceptions.ClientError) as caught:
                call(**arguments)
            self.assertEqual(caught.exception.response['Error']['Code'], 'ValidationException')

    def test_restart(self):
        """Tunnels and the certificate survive, whatever way the emulator ends."""
        where = ['--state-dir', self.path('state'), '--port', free_port()]
        first, client = self.start(*where)
        tunnel_id = client.open_tunnel(description='kept')['tunnelId']
        first.kill()
        self.end_child(first)
        self.start(*where)
        self.assertEqual(client.describe_tunnel(tunnelId=tunnel_id)['tunnel']['description'], 'kept')


class Broker(Mosquitto):
    """Keeps what subscribers who are away have missed."""

    def __init__(self, test, *settings):
        folder = test.folder / 'broker'
        super().__init__(folder, after=['persistence true', f'persistence_location {folder}/', *settings])
        self.seen = set()
        test.addCleanup(self.stop)
        self.start()

    def subscribe(self, *arguments):
        """Messages that have come since the last time."""
        # The longer the broker was away, the longer the emulator waits for it.
        patience = 2 * PATIENCE
        return run('mosquitto_sub', '-h', 'localhost', '-p', self.port, '-i', 'device', '-c', '-q', '1', '-t',
                   TOPIC.format('+'), '-W', patience, '-F', '%q %r %t %p', *arguments,
                   patience=patience + PATIENCE).decode().splitlines()

    def receive(self, count, *arguments):
        """The next messages; QoS 1 lets some come more than once."""
        messages = []
        while len(messages) < count:
            for line in self.subscribe(*arguments, '-C', count - len(messages)):
                if line not in self.seen:
                    self.seen.add(line)
                    messages.append(line)
        return messages


def message(thing, token, *services):
    payload = json.dumps({'clientAccessToken': token, 'clientMode': 'destination', 'region': 'us-east-1',
                          'services': services}, separators=(',', ':'))
    return f'1 0 {TOPIC.format(thing)} {payload}'


class Mqtt(Case):
    def setUp(self):
        super().setUp()
        if '--mqtt' not in run(EMULATOR, '--help').decode():
            self.skipTest('the emulator speaks no MQTT')

    def test_plain(self):
        broker = Broker(self, 'allow_anonymous true')
        broker.subscribe('-E')
        emulator, client = self.start('--mqtt', broker.address)
        opened = client.open_tunnel(destinationConfig={'thingName': 'a:b', 'services': ['SSH', 'RDP']})
        client.open_tunnel(destinationConfig={'services': ['SSH']})
        client.rotate_tunnel_access_token(tunnelId=opened['tunnelId'], clientMode='SOURCE')
        rotated = client.rotate_tunnel_access_token(tunnelId=opened['tunnelId'], clientMode='DESTINATION')
        self.assertEqual(broker.receive(2),
                         [message('a:b', opened['destinationAccessToken'], 'SSH', 'RDP'),
                          message('a:b', rotated['destinationAccessToken'], 'SSH', 'RDP')])
        self.assertNotIn(opened['destinationAccessToken'], emulator.log())
        self.assertNotIn(rotated['destinationAccessToken'], emulator.log())

    def test_broker_away(self):
        """What is published meanwhile comes later, in order; of too much, the newest."""
        broker = Broker(self, 'allow_anonymous true', 'max_queued_messages 1000')
        broker.subscribe('-E')
        broker.stop()
        emulator, client = self.start('--mqtt', f'127.0.0.1:{broker.port}')
        emulator.expect('no MQTT broker')
        tokens = [client.open_tunnel(destinationConfig={'thingName': 't', 'services': ['SSH']})
                  ['destinationAccessToken'] for _ in range(258)]
        for _ in range(2):
            emulator.expect('dropped a notification')
        broker.start()
        self.assertEqual(broker.receive(256), [message('t', token, 'SSH') for token in tokens[2:]])

        # And again, when it was there before.
        broker.stop()
        emulator.expect('no MQTT broker')
        opened = client.open_tunnel(destinationConfig={'thingName': 't', 'services': ['SSH']})
        broker.start()
        self.assertEqual(broker.receive(1), [message('t', opened['destinationAccessToken'], 'SSH')])

    def make_certificates(self):
        """The emulator's own will do for a broker; ca.pem also trusts client.pem."""
        state = self.folder / 'certificates'
        emulator, _ = self.start('--state-dir', state)
        self.stop(emulator)
        self_signed(state, 'client')
        (state / 'clients.pem').write_text((state / 'ca.pem').read_text() + (state / 'client.pem').read_text())
        return state

    def test_tls(self):
        files = self.make_certificates()
        (files / 'passwords').touch(0o600)
        run('mosquitto_passwd', '-b', files / 'passwords', 'emulator', 'secret word')
        (files / 'password').write_text('secret word\n')
        broker = Broker(self, f'cafile {files}/clients.pem', f'certfile {files}/certificate.pem',
                        f'keyfile {files}/certificate.pem', 'require_certificate true',
                        f'password_file {files}/passwords', 'allow_anonymous false')
        tls = ['--cafile', files / 'ca.pem', '--cert', files / 'client.pem', '--key', files / 'client.key',
               '-u', 'emulator', '-P', 'secret word']
        broker.subscribe(*tls, '-E')

        mqtt = ['--mqtt', broker.address, '--mqtt-user', 'emulator']
        ca = ['--mqtt-ca', files / 'ca.pem']
        certificate = ['--mqtt-cert', files / 'client.pem', '--mqtt-key', files / 'client.key']
        password = ['--mqtt-password-file', files / 'password']
        for arguments, environment, complaint in (
                ([*mqtt, *certificate, *password], {}, 'certificate verify failed'),
                ([*mqtt, *ca, *password], {}, 'no MQTT broker: '),
                ([*mqtt, *ca, *certificate], {}, 'not authorised'),
                ([*mqtt, *ca, *certificate], {'IST_EMULATOR_MQTT_PASSWORD': 'wrong'}, 'not authorised')):
            with self.subTest(complaint=complaint):
                emulator, _ = self.start(*arguments, env=environment)
                self.assertIn(complaint, emulator.expect('no MQTT broker: '))
                self.stop(emulator)
                self.assertNotIn('connected to the MQTT broker', emulator.log())

        for arguments, environment in (([*mqtt, *ca, *certificate, *password], {}),
                                       ([*mqtt, *ca, *certificate],
                                        {'IST_EMULATOR_MQTT_PASSWORD': 'secret word'})):
            emulator, client = self.start(*arguments, env=environment)
            opened = client.open_tunnel(destinationConfig={'thingName': 't', 'services': ['SSH']})
            self.assertEqual(broker.receive(1, *tls),
                             [message('t', opened['destinationAccessToken'], 'SSH')])
            self.stop(emulator)


if __name__ == '__main__':
    tap.main()
