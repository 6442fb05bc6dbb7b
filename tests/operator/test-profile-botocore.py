#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The files of the AWS tools: what libist-operator finds in them, and what botocore does."""

import os
import pathlib
import random
import shlex
import shutil
import tempfile
import unittest
from unittest import mock

import botocore.configloader
import botocore.exceptions
import botocore.session

import tap
from parts import Parts

ROUNDS = 1000
VARIABLES = ('AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE', 'AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'FOLDER')
KEYS = ('region', 'aws_access_key_id', 'aws_secret_access_key', 'aws_session_token', 'credential_process', 'role_arn',
        's3', 'a b', 'ä', 'key')

# Each: what it is about, the configuration, the credentials, and the profile that is asked for.
FILES = (
    ('nothing', None, None, None),
    ('nothing, but a profile is asked for', None, None, 'a'),
    ('the default is asked for and not there', b'[profile a]\nregion = x\n', None, 'default'),
    ('the default is not there', b'[profile a]\nregion = x\n', None, None),
    ('usual', b'[default]\nregion = r\n', b'[default]\naws_access_key_id = A\naws_secret_access_key = S\n', None),
    ('the case of keys', b'[default]\nReGiOn = x\nAWS_ACCESS_KEY_ID=I\n', None, None),
    ('separators', b'[default]\nregion:x\nkey = a:b=c\nrole_arn : arn:aws:iam::1:role/x\n', None, None),
    ('comments', b'# one\n; two\n[default]\n  # three\nregion = x # stays\nkey = y ; stays\n#region = z\n', None, None),
    ('a comment behind a section', b'[default] # this is one\nregion = x\n', None, None),
    ('a comment amid a value', b'[default]\nkey = a\n  b\n  # not this\n  c\n', None, None),
    ('quotes', b'[profile "my name"]\nregion = x\n', None, 'my name'),
    ('other quotes', b"['profile' 'my name']\nregion = x\n[profile 'my name']\nregion = y\n", None, 'my name'),
    ('escapes', b'[profile "a\\"b\\\\c\\d"]\nregion = x\n', None, 'a"b\\c\\d'),
    ('an escaped space', b'[profile a\\ b]\nregion = x\n', None, 'a b'),
    ('a quote that is not closed', b'[profile "a]\nregion = x\n[default]\nregion = y\n', None, 'a'),
    ('more than one word', b'[profile a b]\nregion = x\n', None, 'a'),
    ('no word', b'[profile]\nregion = x\n', None, 'profile'),
    ('a tab', b'[profile\ta]\nregion = x\n', None, 'a'),
    ('another first word', b'[profiles a]\nregion = x\n', None, 'a'),
    ('no first word', b'[a]\nregion = x\n', None, 'a'),
    ('space inside', b'[ default ]\nregion = x\n', None, None),
    ('credentials say the name only', None, b'[a]\nregion = x\n', 'a'),
    ('credentials with the word', None, b'[profile a]\nregion = x\n', 'a'),
    ('credentials whose name has the word', None, b'[profile a]\nregion = x\n', 'profile a'),
    ('quotes in credentials', None, b'["a b"]\nregion = x\n', 'a b'),
    ('space in credentials', None, b'[a b]\nregion = x\n', 'a b'),
    ('default and profile default', b'[default]\nregion = x\nkey = x\n[profile default]\nregion = y\n', None, None),
    ('profile default and default', b'[profile default]\nregion = y\nkey = y\n[default]\nregion = x\n', None, None),
    ('the same name twice, once quoted', b'[profile a]\nregion = x\nkey = 1\n[profile "a"]\nregion = y\n', None, 'a'),
    ('a section twice', b'[default]\nregion = x\n[default]\nkey = y\n', None, None),
    ('a key twice', b'[default]\nregion = x\nREGION = y\n', None, None),
    ('a key twice, with an umlaut', 'ä = 1\nÄ = 2\n'.join(('[default]\n', '')).encode(), None, None),
    ('both files', b'[profile a]\nregion = x\nkey = x\n', b'[a]\nregion = y\n', 'a'),
    ('inherited', b'[DEFAULT]\nregion = x\nkey = y\n[default]\nkey = z\n', None, None),
    ('inherited and nothing else', b'[DEFAULT]\nregion = x\n', None, None),
    ('inherited twice', b'[DEFAULT]\nregion = x\n[default]\n[DEFAULT]\nkey = y\n', None, None),
    ('inherited twice, the same', b'[DEFAULT]\nregion = x\n[default]\n[DEFAULT]\nregion = y\n', None, None),
    ('inherited over another file', b'[default]\nregion = x\n', b'[DEFAULT]\nregion = y\n[default]\n', None),
    ('a table', b'[default]\ns3 =\n  addressing_style = path\n  key = b = c\nregion = x\n', None, None),
    ('a table with an empty line', b'[default]\ns3 =\n\n  addressing_style = path\n\n\nregion = x\n', None, None),
    ('a table that is none', b'[default]\ns3 =\n  addressing_style path\nregion = x\n', None, None),
    ('a table in a section that is not asked for', b'[default]\nregion = x\n[other]\nkey =\n  a\n', None, None),
    ('a table over an inherited value', b'[DEFAULT]\ns3 = x\n[default]\ns3 =\n  a = b\n', None, None),
    ('lines that go on', b'[default]\nregion = x\n  y\n\n  z\n\nkey = a\n', None, None),
    ('a section that is indented', b'  [default]\n  region = x\n    y\n  key = z\n', None, None),
    ('a value that is indented less', b'[default]\n    region = x\n  key = z\n', None, None),
    ('a section that goes on', b'[default]\nregion = x\n  [profile a]\n', None, None),
    ('an indented first value', b'[default]\n   region = x\n   key = y\n', None, None),
    ('nothing behind the separator', b'[default]\nregion =\nkey=\n', None, None),
    ('nothing in front of it', b'[default]\n= x\n', None, None),
    ('no separator', b'[default]\nregion\n', None, None),
    ('a value before a section', b'region = x\n[default]\n', None, None),
    ('an empty section name', b'[]\nregion = x\n', None, None),
    ('an empty section name in a section', b'[default]\n[]\nregion = x\n', None, None),
    ('brackets', b'[default]]\nregion = x\n', None, 'default]'),
    ('a bracket in the name', b'[profile a]b]\nregion = x\n', None, 'a]b'),
    ('a bracket that is not closed', b'[default\nregion = x\n', None, None),
    ('something behind the bracket', b'[default] region = y\nregion = x\n', None, None),
    ('a byte order mark', b'\xef\xbb\xbf[default]\nregion = x\n', None, None),
    ('not UTF-8', b'[default]\nregion = \xff\n', None, None),
    ('not UTF-8 in credentials', b'[default]\nregion = x\n', b'[default]\nkey = \xc0\x80\n', None),
    ('a surrogate', b'[default]\nregion = \xed\xa0\x80\n', None, None),
    ('CRLF', b'[default]\r\nregion = x\r\nkey = y\r\n  z\r\n', None, None),
    ('CR', b'[default]\rregion = x\rkey = y\r', None, None),
    ('no end of the last line', b'[default]\nregion = x', None, None),
    ('no-break spaces', '[default]\n\u00a0region\u00a0=\u00a0x\u00a0\nkey = y\u2003\n'.encode(), None, None),
    ('controls that are space', b'[default]\nregion = \x1cx\x1f\n\x0bkey = y\x0c\n', None, None),
    ('percent and dollar', b'[default]\nregion = %(key)s $HOME ${HOME}\nkey = %\n', None, None),
    ('empty', b'', b'', None),
    ('white space', b' \n\t\n', b'\n', None),
)


class Oracle:
    """What botocore makes of the files."""

    def __init__(self, environment, profile):
        self.error = None
        with mock.patch.dict(os.environ, {name: value for name, value in environment.items() if value is not None}):
            session = botocore.session.Session(profile=profile)
            try:
                self.merged = self.strings(session.get_scoped_config())
                name = session.get_config_variable('profile') or 'default'
                config = self.load(session, 'config_file', botocore.configloader.load_config).get('profiles', {})
                credentials = self.load(session, 'credentials_file', botocore.configloader.raw_config_parse)
                self.config = self.strings(config.get(name, {}))
                self.credentials = self.strings(credentials.get(name, {}))
            except (botocore.exceptions.ConfigParseError, botocore.exceptions.ProfileNotFound) as error:
                self.error = error

    def strings(self, values):
        return {key: value for key, value in values.items() if isinstance(value, str)}

    def load(self, session, variable, parser):
        try:
            return parser(session.get_config_variable(variable))
        except botocore.exceptions.ConfigNotFound:
            return {}


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='ist-profile-'))
        self.addCleanup(shutil.rmtree, self.folder)
        patch = mock.patch.dict(os.environ, {'HOME': str(self.folder)})
        patch.start()
        self.addCleanup(patch.stop)
        self.parts = Parts()
        self.addCleanup(lambda: self.assertEqual(self.parts.end(), 0))
        self.environment = dict.fromkeys(VARIABLES)
        self.environment['AWS_CONFIG_FILE'] = str(self.folder / 'config')
        self.environment['AWS_SHARED_CREDENTIALS_FILE'] = str(self.folder / 'credentials')

    def write(self, config, credentials):
        for name, content in (('config', config), ('credentials', credentials)):
            path = self.folder / name
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)

    def ask(self, profile=None, **environment):
        return self.parts('profile', profile=profile, keys=KEYS, environment={**self.environment, **environment})

    def compare(self, profile=None, **environment):
        answer = self.ask(profile, **environment)
        oracle = Oracle({**self.environment, **environment}, profile)
        if oracle.error:
            self.assertIn('error', answer, oracle.error)
        else:
            self.assertNotIn('error', answer)
            for name in ('credentials', 'config', 'merged'):
                known = {key: value for key, value in getattr(oracle, name).items() if key in KEYS}
                self.assertEqual(answer[name], known)
        return answer


class Files(Case):
    def test_table(self):
        for about, config, credentials, profile in FILES:
            with self.subTest(about):
                self.write(config, credentials)
                self.compare(profile)

    def line(self, pick, keys):
        indent = pick.choice(('', '', '', '', ' ', '  ', '\t', '\u00a0'))
        separator = pick.choice(('=', ' = ', ':', '\t:'))
        kind = pick.random()
        if kind < 0.15:
            return indent + pick.choice(('#', ';')) + pick.choice(('', ' x', '[a]', 'key = z'))
        if kind < 0.3:
            return pick.choice(('', ' ', '\t'))
        if kind < 0.42:
            return pick.choice((' ', '  ', '   ', '\t\t')) + pick.choice(('x=', 'y = z', 'y= z', '[a] = b', 'x'))
        if kind < 0.43:
            return indent + ''.join(pick.choices('=:[]#; "ax\\', k=3))
        value = pick.choice(('', 'x', 'x # y', '"x"', ' x y\t', '%(key)s'))
        return indent + (keys.pop() if keys else 'other') + separator + value

    def file(self, pick, sections):
        lines = []
        for section in pick.sample(sections, pick.randint(1, 3)):
            lines.append(f'[{section}]' + pick.choice(('', '', ' ', ' # x')))
            keys = [pick.choice((str, str.upper, str.title))(key) for key in pick.sample(KEYS[:-1], len(KEYS) - 1)]
            lines += ['key' + pick.choice('=:')] * (pick.random() < 0.2)
            lines += [self.line(pick, keys) for _ in range(pick.randint(0, 5))]
        return pick.choice(('\n', '\n', '\r\n', '\r')).join([*lines, ''])

    def test_random(self):
        seed = random.randrange(2 ** 32)
        pick = random.Random(seed)
        found = 0
        for number in range(ROUNDS):
            config = self.file(pick, ('default', 'profile a', 'profile "a"', 'profile default', 'DEFAULT', 'profile "'))
            credentials = self.file(pick, ('default', 'a', 'profile a', 'DEFAULT', '"a"'))
            profile = pick.choice((None, 'a', 'default'))
            texts = {'config': config, 'credentials': credentials}
            with self.subTest(seed=seed, number=number, profile=profile, **texts):
                self.write(config.encode(), credentials.encode())
                found += bool(self.compare(profile).get('merged'))
        # Not all in vain.
        self.assertGreater(found, ROUNDS / 5)

    def test_large(self):
        self.write(b'[default]\nregion = x\n' + b'#' * 2 ** 20, None)
        answer = self.ask()
        self.assertIn('too large', answer['error'])
        self.assertIn(str(self.folder / 'config'), answer['error'])

    def test_many(self):
        lines = ''.join(f'[profile p{i}]\nregion = r{i}\n' for i in range(20000))
        self.write(b'[DEFAULT]\nkey = x\n' + lines.encode(), None)
        self.assertEqual(self.compare('p19999')['merged'], {'region': 'r19999', 'key': 'x'})

    def test_errors(self):
        """They name the file and the line, and tell nothing that is secret."""
        path = self.folder / 'credentials'
        for text, line, words in (
                (b'[default]\naws_secret_access_key SECRET\n', 2, ('neither a section nor NAME = VALUE',)),
                (b'\n# c\nkey = SECRET\n', 3, ('before the first section',)),
                (b'[a\x1b]\nkey = 1\nkey = SECRET\n', 3, ('[a\\u001b]', 'key already')),
                (b'[a]\r\n[a]\r\n', 2, ('section [a] is there already',)),
                (b'[a]\n=SECRET', 2, ('no name',)),
                (b'\xef\xbb\xbf[a]', 1, ('byte order mark',)),
        ):
            with self.subTest(text):
                self.write(None, text)
                error = self.compare()['error']
                self.assertIn(f'“{path}”, line {line}: ', error)
                self.assertNotIn('SECRET', error)
                for word in words:
                    self.assertIn(word, error)
        self.write(None, b'[a]\nkey =\n  SECRET\n')
        self.assertIn(f'“{path}”, section [a]: a line below key is not', self.compare()['error'])
        self.write(None, b'[a]\nkey = \xff\n')
        self.assertIn(f'“{path}” is not text in UTF-8, at byte 10', self.compare()['error'])
        self.write(None, b'[a]\nkey = a\0b\n')
        self.assertIn('is not text', self.ask()['error'])

    def test_no_such_profile(self):
        self.write(b'[a]\n', None)
        error = self.compare('a\n')['error']
        for word in ('[profile a\\n]', str(self.folder / 'config'), str(self.folder / 'credentials'), 'aws configure'):
            self.assertIn(word, error)


class Places(Case):
    def setUp(self):
        super().setUp()
        self.write(b'[default]\nregion = of default\n[profile a]\nregion = of a\n[profile b]\nregion = of b\n', None)

    def test_variables(self):
        for one in (None, 'a', 'b', 'default', 'none'):
            for other in (None, 'a', 'b', 'none'):
                for asked in (None, 'a', 'b', 'none'):
                    with self.subTest(AWS_DEFAULT_PROFILE=one, AWS_PROFILE=other, asked=asked):
                        self.compare(asked, AWS_DEFAULT_PROFILE=one, AWS_PROFILE=other)

    def test_empty_variables(self):
        """As if they were not set; botocore looks for a profile without a name."""
        self.assertEqual(self.ask(AWS_PROFILE='')['name'], 'default')
        self.assertEqual(self.ask(AWS_DEFAULT_PROFILE='', AWS_PROFILE='a')['name'], 'a')
        self.assertEqual(self.ask('', AWS_PROFILE='b')['name'], 'b')

    def test_paths(self):
        folder = str(self.folder)
        from_root = os.path.relpath(folder, os.path.expanduser('~root'))
        for path in ('', '/dev/null', folder, folder + '/none', '~/config', '~', '~none/config', '$FOLDER/config',
                     '${FOLDER}/config', '$NONE/config', '${FOLDER', f'~root/{from_root}/config',
                     os.path.relpath(self.folder / 'config')):
            with self.subTest(path):
                answer = self.compare(AWS_CONFIG_FILE=path, FOLDER=folder)
                self.assertEqual(bool(answer['merged']), path.endswith('config') and 'none' not in path.lower())

    def test_usual_places(self):
        usual = self.folder / '.aws'
        usual.mkdir()
        shutil.copy(self.folder / 'config', usual / 'config')
        (usual / 'credentials').write_text('[c]\nregion = of c\n')
        for profile in (None, 'a', 'c'):
            answer = self.compare(profile, AWS_CONFIG_FILE=None, AWS_SHARED_CREDENTIALS_FILE=None)
            self.assertEqual(answer['merged'], {'region': f'of {profile or "default"}'})

    def test_no_file(self):
        os.mkfifo(self.folder / 'fifo')
        answer = self.compare(AWS_CONFIG_FILE=str(self.folder / 'fifo'))
        self.assertEqual(answer['merged'], {})

    @unittest.skipIf(os.geteuid() == 0, 'root reads everything')
    def test_unreadable(self):
        """botocore says that there is no such profile."""
        (self.folder / 'config').chmod(0)
        self.assertIn(f'Could not read “{self.folder / "config"}”', self.ask()['error'])


class Services(Case):
    """Debian's botocore does not know of them yet."""

    def test_endpoint(self):
        self.write(b'[default]\nservices = s\n[services "s"]\niotsecuretunneling =\n  endpoint_url = http://a\n'
                   b'  ENDPOINT_URL = http://b\ns3 =\n  endpoint_url = http://c\n', None)
        self.assertEqual(self.ask()['endpoint_url'], 'http://a')

    def test_no_table(self):
        self.write(b'[default]\nservices = s\n[services s]\niotsecuretunneling = http://a\n', None)
        answer = self.ask()
        self.assertNotIn('error', answer)
        self.assertNotIn('endpoint_url', answer)

    def test_inherited(self):
        self.write(b'[DEFAULT]\niotsecuretunneling =\n  endpoint_url = http://a\n'
                   b'[default]\nservices = s\n[services s]\n', None)
        self.assertEqual(self.ask()['endpoint_url'], 'http://a')

    def test_none(self):
        self.write(b'[default]\nservices = s\n[services t]\na = b\n', None)
        self.assertIn('has no section [services s]', self.ask()['error'])


class Words(Case):
    def test_random(self):
        seed = random.randrange(2 ** 32)
        pick = random.Random(seed)
        for number in range(ROUNDS):
            text = ''.join(pick.choices(' \t\n"\'\\#;$a-ä', k=pick.randint(0, 12)))
            answer = self.parts('split', text=text)
            try:
                words = shlex.split(text)
            except ValueError:
                words = None
            with self.subTest(seed=seed, number=number, text=text):
                self.assertEqual(answer['words'] if answer['done'] else None, words)


if __name__ == '__main__':
    tap.main()
