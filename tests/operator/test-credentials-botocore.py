#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Where libist-operator finds credentials, and where botocore finds them: arrangements of
variables, files, programs and services, each looked at by both."""

import hashlib
import http.server
import json
import os
import pathlib
import shlex
import shutil
import socket
import tempfile
import threading
import time
import unittest
from unittest import mock

import botocore.session

import tap
from child import AWS, require
from parts import Parts

# What botocore calls the places.
ORIGINS = {
    'env': 'environment', 'shared-credentials-file': 'credentials file', 'custom-process': 'credential_process',
    'config-file': 'config file', 'container-role': 'container', 'iam-role': 'instance',
}
LATER = '2099-01-01T00:00:00Z'
METADATA = {'AccessKeyId': 'MI', 'SecretAccessKey': 'MS', 'Token': 'MT', 'Expiration': LATER}
PROCESS = {'Version': 1, 'AccessKeyId': 'PI', 'SecretAccessKey': 'PS', 'SessionToken': 'PT', 'Expiration': LATER}
KEYS = {'AWS_ACCESS_KEY_ID': 'EI', 'AWS_SECRET_ACCESS_KEY': 'ES'}
FILE = '[{}]\naws_access_key_id = {}I\naws_secret_access_key = {}S\n'
ROLE = 'latest/meta-data/iam/security-credentials/'


class Service:
    """That of an instance and of a container. Answers what @answers has for a path: a text, a
    status, or both; or a function that has the connection."""

    def __init__(self):
        service = self
        self.requests = []
        self.reset()

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                service.requests.append((self.command, self.path, dict(self.headers.items())))
                answer = service.answers.get(self.path, 404)
                if callable(answer):
                    return answer(self)
                status, text = answer if isinstance(answer, tuple) else \
                    (answer, '') if isinstance(answer, int) else (200, answer)
                self.send_response(status)
                self.send_header('Content-Length', len(text.encode()))
                if status in (301, 302):
                    self.send_header('Location', '/container')
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_PUT = answer

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.address = f'http://127.0.0.1:{self.server.server_port}'
        self.over = threading.Event()
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def reset(self):
        self.requests.clear()
        self.answers = {
            '/latest/api/token': 'TOKEN', '/' + ROLE: 'role', f'/{ROLE}role': json.dumps(METADATA),
            '/container': json.dumps({**METADATA, 'AccessKeyId': 'CI'}),
        }

    def hang(self, handler):
        self.over.wait(30)

    def flood(self, handler):
        handler.wfile.write(b'HTTP/1.1 200 OK\r\n\r\n')
        try:
            while not self.over.is_set():
                handler.wfile.write(b'x' * 65536)
        except OSError:
            pass

    def flood_headers(self, handler):
        handler.wfile.write(b'HTTP/1.1 200 OK\r\n')
        try:
            while not self.over.is_set():
                handler.wfile.write(b'x: y\r\n')
                time.sleep(0.001)
        except OSError:
            pass

    def close(self, handler):
        handler.connection.shutdown(socket.SHUT_RDWR)

    def end(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.service = Service()

    @classmethod
    def tearDownClass(cls):
        cls.service.end()

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='ist-credentials-'))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / '.aws').mkdir()
        self.programs = self.folder / 'programs'
        self.programs.mkdir()
        self.service.reset()
        self.environment = {
            'HOME': str(self.folder), 'PATH': f'{self.programs}:/usr/bin:/bin', 'AWS_EC2_METADATA_DISABLED': 'true',
        }

    def write(self, config=None, credentials=None):
        for name, content in (('config', config), ('credentials', credentials)):
            path = self.folder / '.aws' / name
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_text(content)

    def program(self, name, *lines):
        """A script; returns its path."""
        path = self.programs / name
        path.write_text('\n'.join(('#!/bin/sh', *lines, '')))
        path.chmod(0o700)
        return str(path)

    def ask(self, profile=None, timeout=20, **environment):
        parts = Parts({**self.environment, **environment})
        answer = parts('credentials', profile=profile, timeout=timeout)
        self.assertEqual(parts.end(), 0)
        return answer

    def ask_botocore(self, profile=None, **environment):
        """Its answer as that of ask(), or its exception, or None."""
        with mock.patch.dict(os.environ, {**self.environment, **environment}):
            try:
                found = botocore.session.Session(profile=profile).get_credentials()
                keys = found and found.get_frozen_credentials()
            except Exception as e:
                return e
        return found and {'origin': ORIGINS[found.method], 'access_key_id': keys.access_key,
                          'secret_access_key': keys.secret_key, 'session_token': keys.token or None}

    def compare(self, profile=None, **environment):
        """Returns the answer."""
        answer = self.ask(profile, **environment)
        expected = self.ask_botocore(profile, **environment)
        if isinstance(expected, dict):
            self.assertEqual({name: answer.get(name) for name in expected}, expected, answer)
        else:
            self.assertIn('error', answer, expected)
        return answer

    def assert_fails(self, answer, code, *words):
        self.assertEqual(answer.get('code'), code, answer)
        for word in words:
            self.assertIn(word, answer['error'])


class Arrangements(Case):
    def test_table(self):
        """Each place has other keys: who comes first shows."""
        process = f'credential_process = {self.program("process", "echo " + shlex.quote(json.dumps(PROCESS)))}\n'
        everything = {**KEYS, 'AWS_CONTAINER_CREDENTIALS_FULL_URI': self.service.address + '/container',
                      'AWS_EC2_METADATA_DISABLED': 'false', 'AWS_EC2_METADATA_SERVICE_ENDPOINT': self.service.address}
        container = {name: everything[name] for name in everything if name not in KEYS}
        instance = {name: container[name] for name in container if 'CONTAINER' not in name}
        config = FILE.format('default', 'F', 'F')
        config_a = FILE.format('profile a', 'G', 'G')
        credentials = FILE.format('default', 'C', 'C')
        credentials_a = FILE.format('a', 'D', 'D')
        half = '[default]\naws_access_key_id = X\n'
        token = 'aws_session_token = T\n'
        table = (
            ('everything', None, config + process, credentials, everything),
            ('no variables', None, config + process, credentials, container),
            ('no credentials file', None, config + process, None, container),
            ('no process', None, config, None, container),
            ('only a container', None, None, None, container),
            ('only an instance', None, None, None, instance),
            ('nothing', None, None, None, {}),
            ('a profile that is asked for', 'a', config_a + process, credentials_a, everything),
            ('the same without credentials', 'a', config_a + process, None, everything),
            ('the same without a process', 'a', config_a, None, everything),
            ('default that is asked for', 'default', config, None, KEYS),
            ('a profile without any', 'a', '[profile a]\nregion = x\n', credentials, container),
            ('a profile that is not there', 'b', config_a, credentials_a, everything),
            ('a profile by a variable', None, config_a, None, {'AWS_PROFILE': 'a'}),
            ('a variable, but keys', None, config_a, None, {**KEYS, 'AWS_PROFILE': 'a'}),
            ('a variable with nothing behind it, but keys', None, config_a, None, {**KEYS, 'AWS_PROFILE': 'b'}),
            ('a broken file, but keys', None, 'x', None, KEYS),
            ('a token', None, None, None, {**KEYS, 'AWS_SESSION_TOKEN': 'T'}),
            ('two tokens', None, None, None, {**KEYS, 'AWS_SESSION_TOKEN': 'T', 'AWS_SECURITY_TOKEN': 'U'}),
            ('an empty one', None, None, None, {**KEYS, 'AWS_SESSION_TOKEN': 'T', 'AWS_SECURITY_TOKEN': ''}),
            ('expiring variables', None, None, None, {**KEYS, 'AWS_CREDENTIAL_EXPIRATION': LATER}),
            ('expired variables', None, None, None, {**KEYS, 'AWS_CREDENTIAL_EXPIRATION': '2020-01-01T00:00:00Z'}),
            ('variables that expire never', None, None, None, {**KEYS, 'AWS_CREDENTIAL_EXPIRATION': 'never'}),
            ('no secret', None, None, credentials, {'AWS_ACCESS_KEY_ID': 'EI'}),
            ('no id', None, None, credentials, {'AWS_SECRET_ACCESS_KEY': 'ES'}),
            ('an empty id', None, None, credentials, {**KEYS, 'AWS_ACCESS_KEY_ID': ''}),
            ('an empty secret', None, None, credentials, {**KEYS, 'AWS_SECRET_ACCESS_KEY': ''}),
            ('half of credentials', None, config, half, {}),
            ('half of a config', None, half, None, {}),
            ('the other half elsewhere', None, '[default]\naws_secret_access_key = Y\n', half, {}),
            ('a token in a file', None, None, credentials + token, {}),
            ('an older token in a file', None, None, credentials + token + 'aws_security_token = U\n', {}),
            ('a token in a config', None, config + token, None, {}),
            ('a process in credentials', None, None, '[default]\n' + process, {}),
            ('a process twice', None, '[default]\ncredential_process = false\n', '[default]\n' + process, {}),
            ('a process that fails', None, config + 'credential_process = false\n', None, container),
            ('a process that is not there', None, config + 'credential_process = /none\n', None, container),
            ('both kinds of containers', None, None, None,
             {**container, 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI': ':x'}),
            ('another container', None, None, None,
             {'AWS_CONTAINER_CREDENTIALS_FULL_URI': 'http://example.com/container'}),
        )
        for about, profile, config_file, credentials_file, environment in table:
            with self.subTest(about):
                self.write(config_file, credentials_file)
                answer = self.compare(profile, **environment)
                for secret in ('ES', 'CS', 'DS', 'FS', 'GS', 'PS', 'MS'):
                    self.assertNotIn(f'“{secret}”', answer.get('error', ''))

    def test_nothing(self):
        self.assert_fails(self.ask(), 'no-credentials', 'AWS_ACCESS_KEY_ID is not set', '“default”',
                          str(self.folder / '.aws' / 'credentials'), str(self.folder / '.aws' / 'config'),
                          'AWS_EC2_METADATA_DISABLED', 'aws configure')

    def test_half(self):
        self.assert_fails(self.ask(AWS_ACCESS_KEY_ID='EI'), 'invalid-setting', 'AWS_ACCESS_KEY_ID', 'secret')
        self.write(credentials='[default]\naws_access_key_id = X\n')
        self.assert_fails(self.ask(), 'invalid-setting', '“default”', '/.aws/credentials”', 'secret')

    def test_expired(self):
        self.assert_fails(self.ask(**KEYS, AWS_CREDENTIAL_EXPIRATION='2020-01-01T00:00:00Z'), 'credentials-expired',
                          'environment', '2020-01-01T00:00:00Z')
        self.assert_fails(self.ask(**KEYS, AWS_CREDENTIAL_EXPIRATION='never'), 'invalid-setting', '“never”')

    def test_characters(self):
        """What would break a header never gets into one."""
        self.assert_fails(self.ask(**{**KEYS, 'AWS_ACCESS_KEY_ID': 'A\r\nX: y'}), 'invalid-setting', 'characters')
        self.assert_fails(self.ask(**KEYS, AWS_SESSION_TOKEN='A\nB'), 'invalid-setting', 'session token')


class Processes(Case):
    def process(self, *lines):
        self.write(f'[default]\ncredential_process = {self.program("process", *lines)} "a b" #c\n')

    def tell(self, **changes):
        answer = {name: value for name, value in {**PROCESS, **changes}.items() if value != ''}
        self.process('echo ' + shlex.quote(json.dumps(answer)))

    def test_answers(self):
        for changes in ({}, {'Expiration': ''}, {'Expiration': None}, {'SessionToken': ''}, {'Version': 2},
                        {'Version': '1'}, {'Version': ''}, {'AccessKeyId': ''}, {'SecretAccessKey': ''},
                        {'Expiration': '2020-01-01T00:00:00Z'}, {'Expiration': '2099-01-01T00:00:00+02:00'}):
            with self.subTest(changes):
                self.tell(**changes)
                self.compare()
        for line in ('true', 'echo no JSON', 'echo []', 'echo 1'):
            with self.subTest(line):
                self.process(line)
                self.assert_fails(self.compare(), 'no-credentials', 'The credential_process of the profile “default”')

    def test_words(self):
        self.process('printf \'{"Version":1,"AccessKeyId":"%s","SecretAccessKey":"%s"}\' "${1% b}" "$2"')
        self.assertEqual(self.compare()['secret_access_key'], '#c')
        for command in ('', '"', '\\'):
            self.write(f'[default]\ncredential_process = {command}\n')
            self.assert_fails(self.compare(), 'invalid-setting', 'credential_process')

    def test_failure(self):
        self.process('echo "$1 went\033[31m wrong" >&2', 'exit 3')
        self.assert_fails(self.compare(), 'no-credentials', 'exit code 3', 'a b went\\u001b[31m wrong')
        self.process('kill -9 $$')
        self.assert_fails(self.compare(), 'no-credentials', 'signal 9')
        self.process('yes complaint | head -c 1000000 >&2', 'echo last words >&2', 'exit 1')
        answer = self.compare()
        self.assert_fails(answer, 'no-credentials', 'last words')
        self.assertLess(len(answer['error']), 2000)

    def test_never_ends(self):
        pid = self.folder / 'pid'
        self.process(f'echo $$ > {pid}', 'echo waiting >&2', 'exec sleep 1000')
        self.assert_fails(self.ask(timeout=1), 'no-credentials', 'has not ended within 1 s', 'waiting')
        self.assertFalse(pathlib.Path(f'/proc/{pid.read_text().strip()}').exists())

    def test_output_stays_open(self):
        pid = self.folder / 'pid'
        self.process('sleep 1000 &', f'echo $! > {pid}')
        self.assert_fails(self.ask(timeout=1), 'no-credentials', 'has not ended within 1 s')
        os.kill(int(pid.read_text()), 9)

    def test_floods(self):
        self.process('exec yes')
        self.assert_fails(self.ask(), 'no-credentials', 'more than credentials have')
        self.process("printf 'a\\0b'")
        self.assert_fails(self.ask(), 'no-credentials', 'something else than text')

    def test_environment(self):
        """A child gets what it may need, and not what is ours alone."""
        self.process(f'env > {self.folder}/env')
        self.ask('default', **KEYS, AWSIOT_TUNNEL_ACCESS_TOKEN='SECRET')
        told = (self.folder / 'env').read_text()
        self.assertIn('AWS_ACCESS_KEY_ID=EI', told)
        self.assertNotIn('SECRET\n', told)


class Programs(Case):
    """Roles and logins, which the AWS CLI gets. The real one is asked where its cache has
    them: else it would ask AWS. A script stands for it where it would do that, or is not
    there, or is another version."""

    PROFILES = {
        'role': '[profile p]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = s\n' + FILE.format('profile s', 'F', 'F'),
        'role without a source': '[profile p]\nrole_arn = arn:aws:iam::1:role/r\n',
        'web identity': '[profile p]\nrole_arn = arn:aws:iam::1:role/r\nweb_identity_token_file = /none\n',
        'sso': '[profile p]\nsso_role_name = r\nsso_account_id = 1\nsso_region = x\nsso_start_url = http://x\n',
        'sso session': '[profile p]\nsso_role_name = r\nsso_account_id = 1\nsso_session = s\n'
                       '[sso-session s]\nsso_region = x\nsso_start_url = http://x\n',
        'login': '[profile p]\nlogin_session = arn:aws:iam::1:user/u\n',
    }

    def fake(self, *lines):
        self.program('aws', f'printf "%s\\n" "$@" > {self.folder}/arguments', *lines)

    def arguments(self):
        path = self.folder / 'arguments'
        found = path.read_text().split() if path.exists() else None
        path.unlink(missing_ok=True)
        return found

    def test_profiles(self):
        self.fake('echo ' + shlex.quote(json.dumps(PROCESS)))
        command = ['configure', 'export-credentials', '--format', 'process']
        for about, config in self.PROFILES.items():
            for profile, environment, more in (('p', {}, ['--profile', 'p']), ('p', KEYS, ['--profile', 'p']),
                                               (None, {'AWS_PROFILE': 'p'}, [])):
                with self.subTest(about, profile=profile):
                    self.write(config)
                    answer = self.ask(profile, **environment)
                    self.assertEqual((answer.get('origin'), answer.get('session_token')), ('aws', 'PT'), answer)
                    self.assertEqual(self.arguments(), command + more)

    def test_order(self):
        """Keys in the same profile come after a role, and before a login."""
        self.fake('echo ' + shlex.quote(json.dumps(PROCESS)))
        for about, config in self.PROFILES.items():
            with self.subTest(about):
                self.write(config, FILE.format('p', 'C', 'C'))
                self.assertEqual(self.ask('p')['origin'], 'credentials file' if about == 'login' else 'aws')

    def test_variables(self):
        """A web identity may be all in variables, which a profile that is asked for outdoes."""
        self.fake('echo ' + shlex.quote(json.dumps(PROCESS)))
        self.write(FILE.format('default', 'F', 'F'))
        variables = {'AWS_WEB_IDENTITY_TOKEN_FILE': '/none', 'AWS_ROLE_ARN': 'arn:aws:iam::1:role/r'}
        self.assertEqual(self.ask(**variables)['origin'], 'aws')
        self.assertEqual(self.ask('default', **variables)['origin'], 'config file')
        self.assertEqual(self.ask(**KEYS, **variables)['origin'], 'environment')

    def test_not_there(self):
        for about, config in self.PROFILES.items():
            with self.subTest(about):
                self.write(config)
                answer = self.ask('p', PATH=str(self.programs))
                self.assert_fails(answer, 'no-credentials', '“p”', 'program “aws”', 'not there', 'install',
                                  'AWS_ACCESS_KEY_ID')

    def test_too_old(self):
        self.write(self.PROFILES['sso'])
        for words, code in (("aws: error: argument subcommand: Invalid choice, valid choices are:", 2),
                            ("aws: error: argument subcommand: Found invalid choice 'export-credentials'", 252)):
            self.fake(f'echo {shlex.quote(words)} >&2', f'exit {code}')
            self.assert_fails(self.ask('p'), 'no-credentials', 'aws configure export-credentials', 'too old', 'install')

    def test_fails(self):
        self.write(self.PROFILES['sso'])
        self.fake('echo "The SSO session has expired. To refresh it, run aws sso login" >&2', 'exit 255')
        self.assert_fails(self.ask('p'), 'no-credentials', 'single sign-on', 'run aws sso login')

    def cache(self, key, separators):
        """As the AWS CLI stores what it got."""
        folder = self.folder / '.aws' / 'cli' / 'cache'
        folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha1(json.dumps(key, sort_keys=True, separators=separators).encode()).hexdigest()
        keys = {'AccessKeyId': 'RI', 'SecretAccessKey': 'RS', 'SessionToken': 'RT', 'Expiration': LATER}
        (folder / f'{name}.json').write_text(json.dumps({'Credentials': keys}))

    def test_real(self):
        require(AWS)
        self.cache({'RoleArn': 'arn:aws:iam::1:role/r'}, None)
        self.cache({'accountId': '1', 'roleName': 'r', 'startUrl': 'http://x'}, (',', ':'))
        for about in ('role', 'sso'):
            with self.subTest(about):
                self.write(self.PROFILES[about])
                answer = self.ask('p', PATH=os.path.dirname(AWS), timeout=60)
                self.assertEqual((answer.get('origin'), answer.get('access_key_id'), answer.get('session_token')),
                                 ('aws', 'RI', 'RT'), answer)

    def test_real_failure(self):
        require(AWS)
        self.write(self.PROFILES['role without a source'])
        self.assert_fails(self.ask('p', PATH=os.path.dirname(AWS), timeout=60), 'no-credentials', 'source_profile')


class Containers(Case):
    def setUp(self):
        super().setUp()
        self.variable = {'AWS_CONTAINER_CREDENTIALS_FULL_URI': self.service.address + '/container'}

    def test_token(self):
        self.compare(**self.variable, AWS_CONTAINER_AUTHORIZATION_TOKEN='Bearer x')
        tokens = [headers.get('Authorization') for _, _, headers in self.service.requests]
        self.assertEqual(tokens, ['Bearer x'] * 2)

    def test_token_file(self):
        """Which Debian's botocore does not know of."""
        path = self.folder / 'token'
        path.write_text('SECRET\n')
        variables = {**self.variable, 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE': str(path)}
        self.assertEqual(self.ask(**variables, AWS_CONTAINER_AUTHORIZATION_TOKEN='other')['origin'], 'container')
        self.assertEqual(self.service.requests[0][2]['Authorization'], 'SECRET')
        path.write_text('SECRET\nX: y')
        answer = self.ask(**variables)
        self.assert_fails(answer, 'invalid-setting', 'authorization token')
        self.assertNotIn('SECRET', answer['error'])
        path.unlink()
        self.assert_fails(self.ask(**variables), 'invalid-setting', str(path))

    def test_answers(self):
        for name in METADATA:
            with self.subTest(name):
                self.service.answers['/container'] = json.dumps({**METADATA, name: 1})
                self.assert_fails(self.ask(**self.variable), 'no-credentials', f'"{name}"', self.service.address)

    def test_hostile(self):
        service = self.service
        for about, answer, words in (('500', (500, 'SECRET'), 'status 500'), ('none', service.hang, 'in time'),
                                     ('too much', service.flood, 'too long'), ('no JSON', 'x', 'not an object'),
                                     ('no end', service.flood_headers, ''), ('elsewhere', 302, 'status 302'),
                                     ('closed', service.close, '')):
            with self.subTest(about):
                service.reset()
                service.answers['/container'] = answer
                start = time.monotonic()
                found = self.ask(**self.variable)
                self.assert_fails(found, 'no-credentials', words, service.address)
                self.assertNotIn('SECRET', found['error'])
                self.assertLess(time.monotonic() - start, 30)
                self.assertEqual(sum(path == '/container' for _, path, _ in service.requests), 3)

    def test_comes_back(self):
        answers = iter((500, 'x', json.dumps(METADATA)))

        def answer(handler):
            self.service.answers['/container'] = next(answers)
            handler.answer()
            self.service.answers['/container'] = answer
        self.service.answers['/container'] = answer
        self.assertEqual(self.ask(**self.variable)['origin'], 'container')

    def test_addresses(self):
        for address in ('http://example.com/', 'http://169.254.170.3/', 'ftp://localhost/', 'x', '', 'http://',
                        'http://169.254.170.2.example.com/', 'http://user@example.com/'):
            with self.subTest(address):
                self.assert_fails(self.ask(AWS_CONTAINER_CREDENTIALS_FULL_URI=address), 'invalid-setting')
        port = self.service.address.rpartition(':')[2]
        for host in ('localhost', '127.0.0.1', 'LOCALHOST'):
            with self.subTest(host):
                address = f'http://{host}:{port}/container'
                self.assertEqual(self.ask(AWS_CONTAINER_CREDENTIALS_FULL_URI=address).get('origin'), 'container')

    def test_no_proxy(self):
        self.assertEqual(self.ask(**self.variable, http_proxy='http://127.0.0.1:1',
                                  GIO_USE_PROXY_RESOLVER='environment').get('origin'), 'container')


class Instances(Case):
    def setUp(self):
        super().setUp()
        del self.environment['AWS_EC2_METADATA_DISABLED']
        self.environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = self.service.address

    def test_requests(self):
        self.compare()
        ours, theirs = self.service.requests[:3], self.service.requests[3:]
        for one, other in zip(ours, theirs, strict=True):
            self.assertEqual(one[:2], other[:2])
            for name in ('x-aws-ec2-metadata-token', 'x-aws-ec2-metadata-token-ttl-seconds'):
                self.assertEqual({k.lower(): v for k, v in one[2].items()}.get(name),
                                 {k.lower(): v for k, v in other[2].items()}.get(name))

    def test_table(self):
        service = self.service
        role = f'/{ROLE}role'
        for about, answers in (
                ('an older service', {'/latest/api/token': 404}), ('it forbids tokens', {'/latest/api/token': 403}),
                ('no token in time', {'/latest/api/token': service.hang}), ('bad token', {'/latest/api/token': 400}),
                ('token fails', {'/latest/api/token': 500}), ('no role', {'/' + ROLE: 404}),
                ('an empty role', {'/' + ROLE: ''}), ('role fails', {'/' + ROLE: 500}),
                ('role in no time', {'/' + ROLE: service.hang}), ('a role that is not there', {role: 404}),
                ('no JSON', {role: 'x'}), ('an error', {role: '{"Code": "x", "Message": "y"}'}),
                ('no keys in time', {role: service.hang}), ('closed', {'/' + ROLE: service.close}),
                ('expired, but extended', {role: json.dumps({**METADATA, 'Expiration': '2020-01-01T00:00:00Z'})}),
        ):
            for attempts in ('1', '2'):
                with self.subTest(about, attempts=attempts):
                    service.reset()
                    service.answers.update(answers)
                    self.compare(AWS_METADATA_SERVICE_NUM_ATTEMPTS=attempts)

    def test_settings(self):
        self.write(f'[default]\nec2_metadata_service_endpoint = {self.service.address}/\n')
        for environment in ({'AWS_EC2_METADATA_DISABLED': 'TRUE'}, {'AWS_EC2_METADATA_DISABLED': 'no'},
                            {'AWS_EC2_METADATA_SERVICE_ENDPOINT': 'http://127.0.0.1:1/'},
                            {'AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE': 'IPv6'},
                            {'AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE': 'x'}, {'AWS_IMDS_USE_IPV6': 'true'},
                            {'AWS_METADATA_SERVICE_TIMEOUT': 'x'}, {'AWS_METADATA_SERVICE_NUM_ATTEMPTS': 'x'}):
            with self.subTest(environment):
                self.compare(**environment)
        del self.environment['AWS_EC2_METADATA_SERVICE_ENDPOINT']
        self.assertEqual(self.compare()['origin'], 'instance')

    def test_errors(self):
        self.service.answers['/' + ROLE] = 404
        self.assert_fails(self.ask(), 'no-credentials', self.service.address, 'status 404')
        self.assert_fails(self.ask(AWS_EC2_METADATA_SERVICE_ENDPOINT='x'), 'invalid-setting', '“x”')
        self.assert_fails(self.ask(AWS_METADATA_SERVICE_TIMEOUT='0'), 'invalid-setting', '“0”')

    def test_hostile(self):
        service = self.service
        for answer in (service.flood, service.flood_headers, service.close, service.hang, 302):
            for path in ('/latest/api/token', '/' + ROLE, f'/{ROLE}role'):
                with self.subTest(answer=answer, path=path):
                    service.reset()
                    service.answers[path] = answer
                    start = time.monotonic()
                    found = self.ask()
                    if path != '/latest/api/token':
                        self.assert_fails(found, 'no-credentials')
                    self.assertLess(time.monotonic() - start, 20)

    def test_strange_role(self):
        self.service.answers['/' + ROLE] = '../x?y\r\nz'
        self.assert_fails(self.ask(), 'no-credentials')
        self.assertNotIn('?', ''.join(path for _, path, _ in self.service.requests))


if __name__ == '__main__':
    tap.main()
