# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What the desktop program knows, without a window: accounts, devices, profiles, rates, and what it says of them."""

import os
import pathlib
import pwd
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from unittest import mock

import tap
from gi.repository import Gio, GLib
from tunnels import APP_ID, flatpak, history, launch, operator, processes, profiles, words
from tunnels.devices import RECENT, Account, Accounts, Device, Devices
from tunnels.operator import Connection, Forward, OperatorError, Tunnel
from waiting import wait_until


class Nobody:
    """In the place of the session service: what it has is put there by hand."""

    def __init__(self):
        self.tunnels = Gio.ListStore(item_type=Tunnel)
        self.connections = Gio.ListStore(item_type=Connection)
        self.forwards = Gio.ListStore(item_type=Forward)

    def add(self, number=1, **values):
        tunnel = Tunnel(f'/tunnels/{number}')
        tunnel.update({'State': 'connected', 'Profile': 'default', 'Region': 'us-east-1', **values})
        self.tunnels.append(tunnel)
        return tunnel


class Kept(unittest.TestCase):
    """In settings that end with the process."""

    def setUp(self):
        self.settings = Gio.Settings.new(APP_ID)
        for name in ('accounts', 'devices'):
            self.settings.reset(name)
        self.operator = Nobody()
        self.load()

    def load(self):
        """As at the next start."""
        self.accounts = Accounts(self.settings)
        self.devices = Devices(self.settings, self.accounts, self.operator)

    def names(self):
        return [device.thing for device in self.devices.model]

    def test_first_account(self):
        account, = self.accounts.model
        self.assertEqual((account.id, account.chosen()), ('', {}))
        self.assertIsNone(self.accounts.get('gone'))
        self.accounts.remove(account)
        self.assertEqual(len(self.accounts.model), 1)

    def test_accounts(self):
        made = self.accounts.add(name='Work', profile='work', region='eu-west-1', ca_file='/ca.pem')
        self.assertEqual(made.chosen(), {'profile': 'work', 'region': 'eu-west-1', 'ca-file': '/ca.pem'})
        self.assertEqual(made.options()['ca-file'].unpack(), '/ca.pem')
        self.load()
        again = self.accounts.get(made.id)
        self.assertEqual((again.name, again.chosen()), ('Work', made.chosen()))
        self.accounts.remove(again)
        self.load()
        self.assertIsNone(self.accounts.get(made.id))

    def test_profile_of_environment(self):
        """The service tells what it has taken."""
        tunnel = self.operator.add(ThingName='pump-17', Profile='work')
        for names in ({'AWS_PROFILE': 'work'}, {'AWS_PROFILE': 'other', 'AWS_DEFAULT_PROFILE': 'work'}):
            with mock.patch.dict(os.environ, names):
                self.assertTrue(Account().has(tunnel))
                self.assertFalse(Account(profile='default').has(tunnel))
                # Where it started before, it does not know.
                self.assertEqual(Account().chosen(), {'profile': 'work'})
        self.assertFalse(Account().has(tunnel))

    def test_removed_account(self):
        """Nothing of it becomes another one's."""
        work = self.accounts.add(name='Work', profile='work')
        self.devices.touch(self.devices.add(work.id, 'pump-17'))
        self.devices.touch(self.devices.add('', 'valve'))
        self.accounts.remove(work)
        self.assertEqual(self.names(), ['valve'])
        self.assertIsNone(self.accounts.recall(work.id))
        self.load()
        self.assertEqual(self.names(), ['valve'])

    def test_account_that_is_recalled(self):
        """By a notification, at the next start."""
        account = self.accounts.recall('a@b@eu-west-1')
        self.assertEqual((account.profile, account.region), ('a@b', 'eu-west-1'))
        self.assertTrue(self.accounts.is_for_now(account.id))

    def test_changed_account(self):
        work = self.accounts.add(name='Work', profile='work', region='eu-west-1')
        device = self.devices.add(work.id, 'pump-17')
        self.devices.touch(device)
        self.operator.add(ThingName='pump-17', Profile='work', Region='us-east-1')
        self.assertEqual(device.tunnels, 0)
        work.region = 'us-east-1'
        self.accounts.save()
        self.assertEqual(device.tunnels, 1)
        self.assertEqual(self.names(), ['pump-17'])

    def test_accounts_for_now(self):
        """They are among all, and are not kept."""
        made = self.accounts.add(name='Work', profile='work')
        demo = self.accounts.add_for_now(name='Demo', profile='demo', region='us-east-1')
        self.assertEqual([words.account(account) for account in self.accounts.everyone()],
                         ['AWS Tools', 'Work', 'Demo'])
        self.assertEqual([account.id for account in self.accounts.everyone()], ['', made.id, demo.id])
        self.load()
        self.assertEqual(len(self.accounts.everyone()), 2)

    def test_devices(self):
        device = self.devices.add('', 'pump-17')
        self.assertIs(self.devices.add('', 'pump-17'), device)
        device.user = 'admin'
        self.devices.touch(device)
        self.load()
        device, = self.devices.model
        self.assertEqual((device.thing, device.user, device.terminal), ('pump-17', 'admin', 'SSH'))
        self.devices.forget(device)
        self.assertEqual(self.names(), [])
        self.load()
        self.assertEqual(self.names(), [])

    def test_strange_settings(self):
        """Of another version, or of somebody's hand."""
        self.settings.set_value('devices', GLib.Variant('aa{sv}', [
            {}, {'thing': GLib.Variant('i', 7)}, {'thing': GLib.Variant('s', 'a'), 'used': GLib.Variant('s', 'no')},
            {'thing': GLib.Variant('s', 'b'), 'favourite': GLib.Variant('b', True), 'new': GLib.Variant('b', True)}]))
        self.settings.set_value('accounts', GLib.Variant('aa{sv}', [{'region': GLib.Variant('b', True)}]))
        self.load()
        self.assertEqual(self.names(), ['b'])
        self.assertEqual(self.accounts.model[0].region, '')

    def test_many_devices(self):
        """Those that nobody has marked are forgotten in time; those that somebody has, never."""
        marked = self.devices.add('', 'marked')
        marked.favourite = True
        with mock.patch('time.time') as now:
            for number in range(RECENT + 5):
                now.return_value = 1000 + number
                self.devices.touch(self.devices.add('', f'thing-{number}'))
        self.load()
        self.assertEqual(sorted(self.names()), sorted(['marked', *(f'thing-{n}' for n in range(5, RECENT + 5))]))

    def test_settings_are_kept(self):
        """However long ago that was, and whether it was ever used."""
        self.devices.add('', 'set').user = 'admin'
        for number in range(RECENT + 5):
            self.devices.touch(self.devices.add('', f'thing-{number}'))
        self.load()
        device = self.devices.get('', 'set')
        self.assertEqual(device.user, 'admin')
        kept = device.copy_kept()
        self.devices.forget(device)
        self.assertEqual(kept['user'], 'admin')
        self.assertNotIn('set', self.names())
        self.load()
        self.assertNotIn('set', self.names())

    def test_settings_in_an_account_of_others(self):
        self.operator.add(ThingName='pump-17', Profile='other', Region='eu-west-1')
        device, = self.devices.model
        device.favourite = True
        self.devices.save()
        self.operator.tunnels.remove_all()
        self.load()
        device, = self.devices.model
        self.assertTrue(device.favourite)
        self.assertEqual(self.accounts.get(device.account).chosen(), {'profile': 'other', 'region': 'eu-west-1'})
        self.assertFalse(self.accounts.is_for_now(device.account))
        # A notification of before knows it by what it is about.
        self.assertIs(self.accounts.recall('other@eu-west-1'), self.accounts.get(device.account))
        # It can become about something else, while there is another of what it was.
        self.accounts.get(device.account).region = 'eu-west-2'
        self.accounts.save()
        self.operator.add(ThingName='pump-17', Profile='other', Region='eu-west-1')
        self.assertEqual([device.account for device in self.devices.model][1:], ['other@eu-west-1'])
        self.assertEqual(len({account.id for account in self.accounts.everyone()}), 3)
        self.devices.save()
        self.operator.tunnels.remove_all()
        self.load()
        device, = self.devices.model
        self.assertEqual(self.accounts.get(device.account).region, 'eu-west-2')
        # But it can be removed like any other.
        self.accounts.remove(self.accounts.get(device.account))
        self.assertEqual(self.names(), [])
        self.load()
        self.assertEqual((self.names(), len(self.accounts.model)), ([], 1))

    def test_account_that_others_had(self):
        """Its devices are there once."""
        self.operator.add(ThingName='pump-17', Profile='other', Region='eu-west-1')
        device, = self.devices.model
        self.devices.touch(device)
        work = self.accounts.add(name='Work', profile='other')
        self.assertEqual([(device.account, device.tunnels) for device in self.devices.model], [(work.id, 1)])
        self.operator.tunnels.remove_all()
        self.load()
        self.assertEqual(self.names(), ['pump-17'])

    def test_demonstration_is_not_kept(self):
        demo = self.accounts.add_for_now(name='Demo', profile='demo', region='us-east-1')
        device = self.devices.add(demo.id, 'pump-17')
        device.ssh_config = '/file'
        device.favourite = True
        self.devices.touch(device)
        self.load()
        self.assertEqual((self.names(), len(self.accounts.model)), ([], 1))

    def test_forwards(self):
        """A device stays as long as a port leads to it, whoever has made it."""
        forward = Forward('/forwards/1')
        forward.update({'ThingName': 'pump-17', 'Profile': 'default', 'Region': 'us-east-1'})
        self.operator.forwards.append(forward)
        device, = self.devices.model
        self.assertEqual((device.thing, device.forwards, device.tunnels), ('pump-17', 1, 0))
        self.devices.touch(device)
        self.devices.forget(device)
        self.assertEqual(self.names(), ['pump-17'])
        self.operator.forwards.remove_all()
        self.assertEqual(self.names(), [])

    def test_tunnels(self):
        """Devices come with the tunnels that others open, and go with them."""
        tunnel = self.operator.add(ThingName='pump-17', State='waiting')
        device, = self.devices.model
        self.assertEqual((device.thing, device.tunnels, device.state), ('pump-17', 1, 'waiting'))
        tunnel.update({'State': 'connected'})
        self.assertEqual(device.state, 'connected')
        self.operator.add(2, ThingName='pump-17', State='opening')
        self.assertEqual((device.tunnels, device.state), (2, 'connected'))
        self.operator.tunnels.remove_all()
        self.assertEqual(self.names(), [])
        self.load()
        self.assertEqual(self.names(), [])

    def test_kept_with_tunnel(self):
        device = self.devices.add('', 'pump-17')
        self.devices.touch(device)
        self.operator.add(ThingName='pump-17')
        self.operator.tunnels.remove_all()
        self.assertEqual((self.names(), device.tunnels, device.state), (['pump-17'], 0, ''))

    def test_accounts_of_others(self):
        """Of the same name in another account, it is another device."""
        self.operator.add(ThingName='pump-17')
        self.operator.add(2, ThingName='pump-17', Profile='other', Region='eu-west-1')
        self.assertEqual([device.account for device in self.devices.model], ['', 'other@eu-west-1'])
        other = self.accounts.get('other@eu-west-1')
        self.assertEqual(other.chosen(), {'profile': 'other', 'region': 'eu-west-1'})
        self.assertEqual(len(self.accounts.model), 1)
        # Nor is it there the next time.
        self.devices.touch(self.devices.model[1])
        self.operator.tunnels.remove_all()
        self.load()
        self.assertEqual(self.names(), [])

    def test_region(self):
        self.assertTrue(Account(profile='a').has(self.operator.add(Profile='a')))
        self.assertTrue(Account().has(self.operator.add(2)))
        self.assertFalse(Account(region='eu-west-1').has(self.operator.add(3)))

    def test_whole_state_first(self):
        """Who hears of one change sees all of them."""
        tunnel = self.operator.add(ThingName='pump-17', State='connected', LastError='')
        seen = []
        tunnel.connect('notify', lambda *_: seen.append((tunnel.state, tunnel.last_error, tunnel.bytes_in)))
        tunnel.update({'State': 'closed', 'LastError': 'It was closed', 'BytesIn': 7})
        self.assertEqual(set(seen), {('closed', 'It was closed', 7)})
        self.assertEqual(len(seen), 3)


class Profiles(unittest.TestCase):
    """In a file of the AWS tools, which is somebody's own."""

    def setUp(self):
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        self.path = folder / 'aws' / 'config'
        patch = mock.patch.dict(os.environ, {'AWS_CONFIG_FILE': str(self.path),
                                             'AWS_SHARED_CREDENTIALS_FILE': str(folder / 'credentials')})
        patch.start()
        self.addCleanup(patch.stop)

    def test_new_file(self):
        profiles.add('demo', {'region': 'us-east-1', 'ca_bundle': ''})
        self.assertTrue(profiles.exists('demo'))
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertNotIn('ca_bundle', self.path.read_text())
        profiles.remove('demo')
        self.assertEqual(self.path.read_text(), '')

    def test_others_stay(self):
        """To the byte, with comments and rights."""
        before = '# mine\n[default]\nregion=eu-west-1\n\n[profile x]\n  s3 =\n    a = b'
        self.path.parent.mkdir()
        self.path.write_text(before)
        self.path.chmod(0o640)
        for region in ('us-east-1', 'us-east-2'):
            profiles.add('demo', {'region': region})
        self.assertEqual(self.path.read_text().count('[profile demo]'), 1)
        self.assertIn('us-east-2', self.path.read_text())
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o640)
        with self.path.open('a') as file:
            file.write('[profile after]\n')
        profiles.remove('demo')
        self.assertEqual(self.path.read_text(), before + '\n[profile after]\n')
        profiles.remove('x')
        self.assertTrue(profiles.exists('x'))

    def test_link(self):
        """Where the file is one of many that are kept elsewhere."""
        elsewhere = self.path.parent.parent / 'dotfiles'
        elsewhere.write_text('[default]\n')
        self.path.parent.mkdir()
        self.path.symlink_to(elsewhere)
        profiles.add('demo', {'region': 'us-east-1'})
        self.assertTrue(self.path.is_symlink())
        self.assertIn('[profile demo]', elsewhere.read_text())

    def test_bad(self):
        for name in ('', 'a]', 'a b', 'a\n[default]', 'ü'):
            with self.assertRaises(ValueError):
                profiles.add(name, {})
        with self.assertRaises(ValueError):
            profiles.add('demo', {'region': 'x\n[default]\naws_access_key_id = y'})
        self.assertFalse(self.path.exists())

    def test_exists(self):
        self.assertFalse(profiles.exists('default'))
        self.path.parent.mkdir()
        self.path.write_text('[default]\n')
        self.assertTrue(profiles.exists('default'))
        self.path.write_text('[profile default]\n')
        self.assertTrue(profiles.exists('default'))
        self.assertFalse(profiles.exists('other'))
        pathlib.Path(os.environ['AWS_SHARED_CREDENTIALS_FILE']).write_text('[other]\n')
        self.assertTrue(profiles.exists('other'))
        # Nobody knows what is in it.
        for content in (b'\xff[', b'[x\n'):
            self.path.write_bytes(content)
            with self.assertRaisesRegex(ValueError, str(self.path)):
                profiles.exists('other')

    def test_sections(self):
        """As the AWS tools take them."""
        self.path.parent.mkdir()
        for section in ('profile work', 'profile "work"', 'profile  work', 'profile\twork', 'profile work ',
                        "profile 'work'"):
            with self.subTest(section=section):
                self.path.write_text(f'[{section}]\nregion = x\n')
                self.assertTrue(profiles.exists('work'))
                self.assertFalse(profiles.exists('profile'))

    def test_ends_of_lines(self):
        """They are somebody's choice."""
        self.path.parent.mkdir()
        before = b'[default]\r\nregion = x\r\n'
        self.path.write_bytes(before)
        profiles.add('demo', {'region': 'us-east-1'})
        self.assertTrue(self.path.read_bytes().startswith(before))
        # As an editor leaves it.
        self.path.write_bytes(before + self.path.read_bytes()[len(before):].replace(b'\n', b'\r\n'))
        self.assertTrue(profiles.is_own('demo'))
        profiles.remove('demo')
        self.assertEqual(self.path.read_bytes(), before)

    def test_what_somebody_has_added(self):
        """Between the marks, where it is not looked for."""
        profiles.add('demo', {'region': 'us-east-1'})
        text = self.path.read_text().replace('# Tunnels: end', '[profile mine]\nregion = x\n# Tunnels: end')
        self.path.write_text(text)
        self.assertFalse(profiles.is_own('demo'))
        # Nor are keys taken away that it leads to.
        with mock.patch('tunnels.profiles.schema') as schema:
            schema.return_value = library, _kind = mock.Mock(), None
            done = mock.Mock()
            profiles.forget_keys('demo', done)
            done.assert_called_once_with(None)
            library.password_clear.assert_not_called()
        self.assertEqual(self.path.read_text(), text)

    def test_mark_that_was_left(self):
        """By somebody who has deleted the rest."""
        self.path.parent.mkdir()
        before = '# Tunnels: demo\n[profile other]\nregion = x\n'
        self.path.write_text(before)
        profiles.add('demo', {'region': 'us-east-1'})
        self.assertTrue(profiles.is_own('demo'))
        profiles.remove('demo')
        self.assertEqual(self.path.read_text(), before)


class Programs(unittest.TestCase):
    """What ssh is told, by what ssh says of it."""

    def ask_ssh(self, device, account):
        if not shutil.which('ssh'):
            self.skipTest('ssh is not installed')
        line = shlex.split(launch.ssh_line(device, account))
        done = subprocess.run([line[0], '-G', '-F', 'none', *line[1:]], stdout=subprocess.PIPE, check=True, text=True)
        return dict(line.partition(' ')[::2] for line in done.stdout.splitlines())

    def test_ssh(self):
        said = self.ask_ssh(Device(thing='Pump-17', user='admin'), Account())
        self.assertEqual((said['user'], said['hostname']), ('admin', 'pump-17.thing'))
        self.assertEqual(said['proxycommand'], 'istctl connect "%n" SSH')

    def test_no_option(self):
        """ssh takes a device's name for that of a host, and refuses it."""
        line = shlex.split(launch.ssh_line(Device(thing='-V'), Account()))
        done = subprocess.run(line, stderr=subprocess.PIPE, check=False, text=True)
        self.assertEqual(done.returncode, 255)
        self.assertIn('hostname', done.stderr)

    def test_account(self):
        account = Account(profile='a b', region='us-east-1', ca_file="/it's %h/ca.pem")
        said = self.ask_ssh(Device(thing='pump-17', terminal='MAIN%TENANCE'), account)
        self.assertEqual(shlex.split(said['proxycommand']), [
            'istctl', 'connect', '--profile', 'a b', '--region', 'us-east-1', '--ca-file', "/it's %%h/ca.pem", '%n',
            'MAIN%%TENANCE'])

    def test_files(self):
        device = Device(thing='pump-17', user='a b')
        self.assertEqual(launch.files_uri(device), 'sftp://a%20b@pump-17.thing/')
        self.assertEqual(launch.files_uri(device, '127.0.0.1:22'), 'sftp://a%20b@127.0.0.1:22/')

    def test_web_pages(self):
        self.assertEqual(launch.web_uri(Device(), 'localhost:80'), 'http://localhost:80/')
        for service in ('HTTPS', 'https-admin'):
            self.assertEqual(launch.web_uri(Device(web=service), 'localhost:80'), 'https://localhost:80/')


class Processes(unittest.TestCase):
    def start(self, *command):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.communicate)
        return process

    def test_names(self):
        process = self.start('cat')
        wait_until(lambda: processes.name_of(process.pid) == 'cat', 'its name')
        process.communicate()
        self.assertEqual(processes.name_of(process.pid), '')

    def test_helper(self):
        """Our own command says nothing; who has started it does."""
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        shutil.copy('/bin/sleep', folder / processes.HELPER)
        shell = self.start('sh', '-c', f'"{folder}/{processes.HELPER}" 60 >/dev/null & echo $!; wait')
        child = int(shell.stdout.readline())
        self.addCleanup(os.kill, child, signal.SIGKILL)
        # It is the shell itself before.
        wait_until(lambda: pathlib.Path(f'/proc/{child}/comm').read_text().strip() == processes.HELPER, 'the command')
        self.assertEqual(processes.name_of(child), 'sh')


class Flatpak(unittest.TestCase):
    """What is different in one; packaging/test-flatpak.sh has a real one."""

    def setUp(self):
        patch = mock.patch.object(flatpak, 'INSIDE', True)
        patch.start()
        self.addCleanup(patch.stop)

    def test_ssh_outside(self):
        """A shell that the line is pasted into has no istctl, and its own known hosts."""
        line = shlex.split(launch.ssh_line(Device(thing='pump-17'), Account(profile='a b')))
        self.assertEqual(line, [
            'ssh', '-o', f"ProxyCommand=flatpak run --command=istctl {APP_ID} connect --profile 'a b' \"%n\" SSH",
            '-o', 'ServerAliveInterval=30', '--', 'pump-17.thing'])

    def test_known_hosts(self):
        if not shutil.which('ssh'):
            self.skipTest('ssh is not installed')
        line = launch.ssh_words(Device(thing='pump-17'), Account())
        done = subprocess.run(['ssh', '-G', '-F', 'none', *line[1:]], stdout=subprocess.PIPE, check=True, text=True)
        home = pwd.getpwuid(os.getuid()).pw_dir
        self.assertIn(f'\nuserknownhostsfile {GLib.get_user_data_dir()}/known_hosts {home}/.ssh/known_hosts\n', done.stdout)
        # That of the demonstration says where its own are.
        self.assertNotIn('UserKnownHostsFile', ' '.join(launch.ssh_words(
            Device(thing='pump-17', ssh_config='/demo'), Account())))

    def test_credentials_outside(self):
        """What a profile names as its credential_process, run as the AWS tools do it, where the Flatpak is not."""
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        program = folder / 'flatpak'
        program.write_text('#!/bin/sh\necho "$@"\n')
        program.chmod(0o755)
        done = subprocess.run(shlex.split(profiles.helper('work')), stdout=subprocess.PIPE, check=True, text=True,
                              env={**os.environ, 'PATH': f'{folder}:{os.environ["PATH"]}'})
        self.assertEqual(done.stdout.split(), ['run', f'--command={profiles.HELPER}', APP_ID, 'work'])


class Words(unittest.TestCase):
    def test_spans(self):
        for seconds, text in ((-5, 'less than a minute'), (59, 'less than a minute'), (60, '1 min'),
                              (3599, '59 min'), (3600, '1 h 0 min'), (43199, '11 h 59 min')):
            self.assertEqual(words.span(seconds), text)
        self.assertEqual(words.time_left((time.time() + 90) * 1e6), '1 min')

    def test_figures(self):
        # There is a space in it that does not break.
        self.assertEqual(words.rate(1_300_000).replace('\xa0', ' '), '1.3 MB/s')
        self.assertEqual(words.round_trip(0), 'unknown')
        self.assertEqual(words.round_trip(1234), '1.2 ms')
        self.assertEqual(words.round_trip(12345), '12 ms')
        self.assertEqual((words.connections(1), words.connections(2)), ('1 connection', '2 connections'))

    def test_errors(self):
        error = OperatorError.from_gerror(Gio.DBusError.new_for_dbus_error(
            'io.github.libist.Operator1.Error.AccessDenied', 'You may not'))
        self.assertEqual((error.code, str(error)), ('AccessDenied', 'You may not'))
        self.assertTrue(words.way_out(error.code))
        self.assertEqual(words.way_out('Whatever'), '')

    def test_unknown_state(self):
        """Of a service that is newer."""
        self.assertEqual(words.state('sleeping'), 'sleeping')


class Service(unittest.TestCase):
    def test_tried_again(self):
        """A service that could not tell what there is may be followed by one that can."""
        with (mock.patch('gi.repository.Gio.DBusObjectManagerClient') as client,
              mock.patch('gi.repository.Gio.bus_watch_name_on_connection') as watch):
            followed = operator.Operator(mock.Mock())
            *_, appeared, _vanished = watch.call_args[0]
            appeared(None, operator.NAME, ':1.1')
            self.assertEqual(client.new.call_count, 1)
            client.new_finish.side_effect = GLib.Error('it does not answer')
            followed._on_manager(None, None)
            appeared(None, operator.NAME, ':1.2')
            self.assertEqual(client.new.call_count, 2)
            client.new_finish.side_effect = None
            client.new_finish.return_value = mock.Mock(**{'get_objects.return_value': []})
            followed._on_manager(None, None)
            appeared(None, operator.NAME, ':1.3')
            self.assertEqual(client.new.call_count, 2)


class Things(unittest.TestCase):
    def list(self, answer):
        """What comes of an answer of the service; and what it was asked."""
        bus = mock.Mock()
        bus.call_finish = mock.Mock(**answer)
        found = []
        with (mock.patch('gi.repository.Gio.DBusObjectManagerClient.new'),
              mock.patch('gi.repository.Gio.bus_watch_name_on_connection')):
            operator.Operator(bus).list_things({'region': GLib.Variant('s', 'eu-west-1')},
                                               lambda value, error: found.append((value, error)))
        (_name, _path, _interface, method, parameters, *_), _options = bus.call.call_args
        bus.call.call_args[0][-1](bus, None)
        return *found[0], (method, parameters.unpack())

    def test_list(self):
        answer = GLib.Variant('(a(ss)b)', ([('b', ''), ('C', 'pump'), ('a', '')], True))
        (things, is_cut), error, asked = self.list({'return_value': answer})
        self.assertIsNone(error)
        self.assertEqual(([(thing.name, thing.kind) for thing in things], is_cut),
                         ([('a', ''), ('b', ''), ('C', 'pump')], True))
        self.assertEqual(asked, ('ListThings', ({'region': 'eu-west-1'},)))

    def test_failure(self):
        value, error, _asked = self.list({'side_effect': Gio.DBusError.new_for_dbus_error(
            'io.github.libist.Operator1.Error.AccessDenied', 'ListThings: iot:ListThings is needed')})
        self.assertIsNone(value)
        self.assertEqual((error.code, str(error)), ('AccessDenied', 'ListThings: iot:ListThings is needed'))

    def test_old_service(self):
        error = OperatorError.from_gerror(Gio.DBusError.new_for_dbus_error(
            'org.freedesktop.DBus.Error.UnknownMethod', 'No such method “ListThings”'))
        self.assertIn('Log out', words.way_out(error.code))

    def test_search(self):
        thing = operator.Thing('Pump-17', 'hydraulics')
        for terms, found in ((), True), (['PUMP'], True), (['17', 'hydr'], True), (['pump', 'x'], False):
            self.assertEqual(thing.has(terms), found)


class Rates(unittest.TestCase):
    def setUp(self):
        self.now = 1000
        self.history = history.History(lambda: self.now)

    def test_line(self):
        self.assertEqual(self.history.line(0), [])
        self.history.add(10, 1)
        self.now += 5
        self.history.add(20, 2)
        self.now += 5
        self.assertEqual(self.history.line(0), [(10, 10), (5, 20), (0, 20)])
        self.assertEqual(self.history.line(1), [(10, 1), (5, 2), (0, 2)])
        self.assertEqual(self.history.peak(), 20)

    def test_bounded(self):
        """Whatever the service tells, and however long."""
        for _ in range(10_000):
            self.history.add(1, 1)
            self.now += 1
        self.assertLessEqual(len(self.history.points), history.SECONDS + 2)

    def test_flat(self):
        self.history.add(10, 0)
        self.assertFalse(self.history.is_flat())
        self.now += history.SECONDS + 1
        self.history.add(0, 0)
        self.history.add(0, 0)
        self.now += history.SECONDS + 1
        self.history.add(0, 0)
        self.assertTrue(self.history.is_flat())

    def test_scale(self):
        for peak, top in ((0, 1000), (1000, 1000), (1001, 2000), (2001, 5000), (5001, 10_000), (1.3e6, 2e6)):
            self.assertEqual(history.scale(peak), top)


if __name__ == '__main__':
    tap.main()
