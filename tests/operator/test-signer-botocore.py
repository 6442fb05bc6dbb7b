#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What requests are signed with, beside botocore's signatures of the same requests."""

import random
import string
import unittest
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import tap
from parts import Parts

ROUNDS = 400
# Of any text; those that JSON or HTTP has escapes for come up often.
CHARACTERS = string.ascii_letters + string.digits + '%/=&+ ~-._"\\äß€😀'
# What headers can have.
PRINTABLE = ''.join(map(chr, range(0x20, 0x7f))) + '\t'
UNRESERVED = string.ascii_letters + string.digits + '-._~'


class Signer(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.parts = Parts()
        self.seed = random.randrange(2 ** 32)
        self.random = random.Random(self.seed)

    def tearDown(self):
        self.assertEqual(self.parts.end(), 0)

    def text(self, characters, least=0, most=20):
        return ''.join(self.random.choices(characters, k=self.random.randint(least, most)))

    def path(self):
        segments = self.random.choices(['', '.', '..', 'a', urllib.parse.quote(self.text(CHARACTERS), safe='')],
                                       k=self.random.randint(0, 5))
        return '/' + '/'.join(segments)

    def query(self):
        pairs = [(self.text(CHARACTERS, 1, 4), self.text(CHARACTERS, 0, 4)) for _ in range(self.random.randint(0, 5))]
        return '&'.join('='.join(urllib.parse.quote(text, safe='-_.~') for text in pair) for pair in pairs)

    def request(self):
        return {
            'access_key_id': self.text(UNRESERVED, 1),
            'secret_access_key': self.text(CHARACTERS, 1, 60),
            'session_token': self.random.choice((None, self.text(UNRESERVED, 1, 500))),
            'region': self.text(UNRESERVED, 1),
            'service': self.text(UNRESERVED, 1),
            'time': f'20{self.random.randint(10, 99)}-{self.random.randint(1, 12):02}-'
                    f'{self.random.randint(1, 28):02}T{self.random.randint(0, 23):02}:59:58Z',
            'method': self.random.choice(('GET', 'POST', 'PUT')),
            'scheme': self.random.choice(('https', 'http')),
            'host': self.random.choice(('api.tunneling.iot.eu-west-1.amazonaws.com', '127.0.0.1', '::1', 'LOCALHOST')),
            'port': self.random.choice((-1, 80, 443, 8443)),
            'path': self.path(),
            'query': self.query(),
            'headers': [[f'X-{self.text(string.ascii_letters, 1, 3)}', self.text(PRINTABLE, 0, 30)]
                        for _ in range(self.random.randint(0, 6))],
            'body': self.text(CHARACTERS, 0, 200),
        }

    def ask_botocore(self, request):
        credentials = botocore.credentials.Credentials(request['access_key_id'], request['secret_access_key'],
                                                       request['session_token'])
        signer = botocore.auth.SigV4Auth(credentials, request['service'], request['region'])
        uri = '{scheme}://{host}:{port}{path}?{query}'.format_map(
            {**request, 'host': f'[{request["host"]}]' if ':' in request['host'] else request['host']})
        asked = botocore.awsrequest.AWSRequest(request['method'], uri.replace(':-1', ''), data=request['body'].encode())
        for name, value in request['headers']:
            asked.headers.add_header(name, value)
        # All of add_auth() but for the clock.
        asked.context['timestamp'] = request['time'].replace('-', '').replace(':', '')
        signer._modify_request_before_signing(asked)
        canonical = signer.canonical_request(asked)
        signer._inject_signature_to_request(asked, signer.signature(signer.string_to_sign(asked, canonical), asked))
        return dict(asked.headers.items()), canonical

    def test_random(self):
        for number in range(ROUNDS):
            request = self.request()
            expected, canonical = self.ask_botocore(request)
            signed = self.parts('sign', **request)
            with self.subTest(seed=self.seed, number=number, canonical=canonical, **request):
                for name in ('Authorization', 'X-Amz-Date', 'X-Amz-Security-Token'):
                    self.assertEqual(signed.get(name), expected.get(name))
                self.assertIn(f'\nhost:{signed["Host"]}\n', canonical)


if __name__ == '__main__':
    tap.main()
