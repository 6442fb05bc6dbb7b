#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Where a control plane is, and how it is asked: what libist-operator finds, and what botocore and the AWS CLI do."""

import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
from unittest import mock

import botocore.endpoint_provider
import botocore.loaders
import botocore.session

import tap
from parts import Parts

SERVICE = 'AWS_ENDPOINT_URL_IOTSECURETUNNELING'
THINGS = 'AWS_ENDPOINT_URL_IOT'
GLOBAL = 'AWS_ENDPOINT_URL'
IGNORE = 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'
# A version of botocore from before 2025 has other dual-stack hosts, or none.
DUAL_STACK = 'iot-tunneling'


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='ist-settings-'))
        self.addCleanup(shutil.rmtree, self.folder)
        self.variables = {name: None for name in os.environ if name.startswith('AWS_')}
        self.variables |= {'AWS_CONFIG_FILE': str(self.folder / 'config'),
                           'AWS_SHARED_CREDENTIALS_FILE': str(self.folder / 'credentials')}
        self.parts = Parts()
        self.addCleanup(lambda: self.assertEqual(self.parts.end(), 0))

    def write(self, text):
        (self.folder / 'config').write_text(text)

    def resolve(self, environment=(), **request):
        every = {SERVICE, THINGS, GLOBAL, IGNORE, 'AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_USE_FIPS_ENDPOINT',
                 'AWS_USE_DUALSTACK_ENDPOINT', 'AWS_CA_BUNDLE', 'AWS_MAX_ATTEMPTS', 'AWS_PROFILE'}
        return self.parts('settings', environment={**dict.fromkeys(every), **self.variables, **dict(environment)},
                          **request)


class Hosts(Case):
    def check_every_region(self, service, found):
        loader = botocore.loaders.create_loader()
        partitions = loader.load_data('partitions')
        rules = loader.load_service_model(service, 'endpoint-rule-set-1')
        oracle = botocore.endpoint_provider.EndpointProvider(rules, partitions)
        count = 0
        for partition, fips, dual in itertools.product(partitions['partitions'], (False, True), (False, True)):
            if dual and service == 'iotsecuretunneling' and DUAL_STACK not in json.dumps(rules):
                continue
            # For things, the rules know of partitions that have none.
            if service == 'iot' and (dual > partition['outputs']['supportsDualStack']
                                     or fips > partition['outputs']['supportsFIPS']):
                continue
            for region in [*partition['regions'], 'xx-new-7']:
                answer = self.resolve({'AWS_USE_FIPS_ENDPOINT': str(fips), 'AWS_USE_DUALSTACK_ENDPOINT': str(dual)},
                                      region=region)
                endpoint = oracle.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual)
                self.assertEqual(answer[found].rstrip('/'), endpoint.url)
                count += 1
        self.assertGreater(count, 60)

    def test_every_region(self):
        self.check_every_region('iotsecuretunneling', 'url')

    def test_every_region_of_things(self):
        self.check_every_region('iot', 'registry_url')


class Settings(Case):
    CONFIG = '[default]\nregion = eu-west-3\n[profile other]\nREGION = eu-north-1\nmax_attempts = 7\n'

    def environment(self, environment):
        every = {**os.environ, **self.variables, **environment, 'AWS_EC2_METADATA_DISABLED': 'true'}
        return {name: value for name, value in every.items() if value is not None}

    def test_order(self):
        values = {'AWS_REGION': ('eu-west-1', None), 'AWS_DEFAULT_REGION': ('eu-west-2', None),
                  'AWS_MAX_ATTEMPTS': ('4', None), 'AWS_PROFILE': ('other', None)}
        self.write(self.CONFIG)
        for chosen in itertools.product(*values.values()):
            environment = dict(zip(values, chosen))
            with self.subTest(environment=environment):
                answer = self.resolve(environment)
                with mock.patch.dict(os.environ, self.environment(environment), clear=True):
                    session = botocore.session.Session()
                    # A variable of the CLI's, which botocore does not know.
                    region = environment['AWS_REGION'] or session.get_config_variable('region')
                    attempts = session.get_config_variable('max_attempts')
                self.assertEqual(answer['region'], region)
                # Without a word, it is left to the mode, which is the CLI's.
                self.assertEqual(answer['max_attempts'], int(attempts or 3))

    @unittest.skipUnless(shutil.which('aws', path='/usr/bin'), 'no AWS CLI')
    def test_cli(self):
        self.write(self.CONFIG)
        for environment in ({'AWS_REGION': 'eu-west-1', 'AWS_DEFAULT_REGION': 'eu-west-2'}, {'AWS_PROFILE': 'other'}):
            run = subprocess.run(['/usr/bin/aws', 'configure', 'list'], env=self.environment(environment),
                                 capture_output=True, text=True, timeout=60)
            line, = (line.split() for line in run.stdout.splitlines() if line.split()[:1] == ['region'])
            self.assertEqual(self.resolve(environment)['region'], line[1])


class EndpointUrls(Case):
    def test_order(self):
        self.write('[default]\nregion = eu-west-3\nendpoint_url = https://profile\nservices = mine\n'
                   '[profile plain]\nregion = eu-west-3\nendpoint_url = https://plain\n'
                   '[profile deaf]\nregion = eu-west-3\nendpoint_url = https://deaf\n'
                   'ignore_configured_endpoint_urls = true\n'
                   '[services mine]\niotsecuretunneling =\n  endpoint_url = https://services\n'
                   's3 =\n  endpoint_url = https://s3\n')
        aws = 'https://api.tunneling.iot.eu-west-3.amazonaws.com/'
        for environment, expected in (
                ({}, 'https://services'),
                ({GLOBAL: 'https://global'}, 'https://global'),
                ({GLOBAL: 'https://global', SERVICE: 'https://service'}, 'https://service'),
                ({GLOBAL: '', SERVICE: ''}, 'https://services'),
                ({'AWS_PROFILE': 'plain'}, 'https://plain'),
                ({'AWS_PROFILE': 'deaf'}, aws),
                ({'AWS_PROFILE': 'deaf', IGNORE: 'false'}, 'https://deaf'),
                ({SERVICE: 'https://service', IGNORE: 'TRUE'}, aws)):
            with self.subTest(environment=environment):
                self.assertEqual(self.resolve(environment)['url'], expected)
        self.assertEqual(self.resolve({SERVICE: 'https://service', IGNORE: 'true'}, url='https://given')['url'],
                         'https://given')

    def test_things(self):
        self.write('[default]\nregion = eu-west-3\nservices = mine\n'
                   '[profile plain]\nregion = eu-west-3\nendpoint_url = https://plain\n'
                   '[profile deaf]\nregion = eu-west-3\nignore_configured_endpoint_urls = true\n'
                   '[profile none]\nregion = eu-west-3\n'
                   '[services mine]\niot =\n  endpoint_url = https://services\n')
        aws = 'https://iot.eu-west-3.amazonaws.com/'
        for environment, expected in (
                ({}, 'https://services/'),
                ({GLOBAL: 'https://global'}, 'https://global/'),
                ({GLOBAL: 'https://global', THINGS: 'https://things'}, 'https://things/'),
                ({SERVICE: 'https://service', THINGS: 'https://things'}, 'https://things/'),
                ({'AWS_PROFILE': 'plain'}, 'https://plain/'),
                ({'AWS_PROFILE': 'deaf', THINGS: 'https://things'}, aws),
                # Here botocore would ask AWS.
                ({'AWS_PROFILE': 'none', SERVICE: 'https://service'}, 'https://service/'),
                ({'AWS_PROFILE': 'none', SERVICE: 'https://api.tunneling.iot-fips.us-east-2.amazonaws.com'},
                 'https://iot-fips.us-east-2.amazonaws.com/'),
                ({'AWS_PROFILE': 'none'}, aws)):
            with self.subTest(environment=environment):
                self.assertEqual(self.resolve(environment)['registry_url'], expected)
        # What a program says counts for both.
        self.assertEqual(self.resolve({THINGS: 'https://things'}, url='https://given')['registry_url'],
                         'https://given/')
        answer = self.resolve({THINGS: 'http://example.com'})
        self.assertNotIn('error', answer)
        self.assertIn(THINGS + ' without encryption', answer['registry_error'])

    def test_refused(self):
        for environment, text in (
                ({GLOBAL: 'http://example.com'}, 'AWS_ENDPOINT_URL without encryption'),
                ({SERVICE: 'nonsense'}, SERVICE + ' is like https://HOST:PORT'),
                ({GLOBAL: 'https://global', 'AWS_USE_FIPS_ENDPOINT': 'true'}, 'FIPS'),
                ({GLOBAL: 'https://global', 'AWS_USE_DUALSTACK_ENDPOINT': 'true'}, 'dual-stack'),
                ({GLOBAL: 'https://global', 'AWS_MAX_ATTEMPTS': '0'}, 'AWS_MAX_ATTEMPTS'),
                ({GLOBAL: 'https://global', 'AWS_REGION': 'no region'}, 'AWS_REGION'),
                ({GLOBAL: 'https://global', 'AWS_CA_BUNDLE': '/nowhere'}, 'AWS_CA_BUNDLE'),
                ({GLOBAL: 'https://global', 'AWS_PROFILE': 'none'}, '“none”'),
                ({}, 'which region')):
            with self.subTest(environment=environment):
                self.assertIn(text, self.resolve(environment)['error'])


if __name__ == '__main__':
    tap.main()
