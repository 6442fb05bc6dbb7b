# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The desktop program as people use it, under a display that nobody sees: by what a screen reader finds, and by the
keyboard. The session bus, the session service, the emulator, agent, sshd, ssh, the desktop's way to open addresses
and the daemon that shows notifications are real ones."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import unittest
import urllib.request

import tap
from child import require
from desktop import Desktop
from device import THING
from keyring import start_keyring
from session import ISTCTL, USER, SessionCase
from sockets import free_port
from waiting import PATIENCE, wait_until

TUNNELS = os.environ['IST_TUNNELS']
PROGRAM = 'tunnels'
DATA = pathlib.Path(__file__).parents[2] / 'src/tunnels/data'
DEMO = 'demo-device'
# Opens no address, but tells which it was to open.
HANDLER = '''[Desktop Entry]
Type=Application
Name=Opener
NoDisplay=true
Exec={command} %u
MimeType=x-scheme-handler/sftp;x-scheme-handler/http;x-scheme-handler/vnc;
'''


def modules(*names):
    """Skips where the system's Python does not have them."""
    check = ';'.join(f"gi.require_version('{name}', '{version}')" for name, version in names)
    if subprocess.run([os.environ['IST_PYTHON'], '-c', f'import gi, cairo; {check}'],
                      stderr=subprocess.DEVNULL, check=False).returncode:
        raise unittest.SkipTest(f'needs {", ".join(name for name, _version in names)} for PyGObject')


def discard(connection):
    while connection.recv(65536):
        pass


def read_if_there(path):
    try:
        return path.read_bytes()
    except OSError:
        return b''


class ProgramCase(SessionCase):
    """With windows, and an account for which the AWS tools' files have all that is needed."""

    def setUp(self):
        require('Xvfb', 'xdotool', 'ssh', 'sshd')
        modules(('Gtk', '4.0'), ('Adw', '1'), ('Vte', '3.91'))
        super().setUp()
        self.write('home/.aws/config', f'[default]\nregion = us-east-1\nendpoint_url = {self.endpoint_url}\n'
                                       f'ca_bundle = {self.info["caFile"]}\n')
        self.desktop = Desktop(self, bus=self.env['DBUS_SESSION_BUS_ADDRESS'], size='1024x1200')
        self.opened = self.folder / 'opened'
        # %u is one word of the command line.
        opener = self.write('opener', f'#!/bin/sh\necho "$1" >>"{self.opened}"\n', 0o755)
        self.write('data/applications/opener.desktop', HANDLER.format(command=opener))
        self.write('data/applications/mimeapps.list', '[Default Applications]\n' + ''.join(
            f'x-scheme-handler/{scheme}=opener.desktop\n' for scheme in ('sftp', 'http', 'vnc')))
        self.gui_env = {
            **self.env, **self.desktop.env, 'HOME': str(self.home), 'XDG_DATA_HOME': self.path('data'),
            'XDG_CONFIG_HOME': self.path('config'), 'XDG_CACHE_HOME': self.path('cache'),
            'GSETTINGS_BACKEND': 'keyfile', 'AWS_EC2_METADATA_DISABLED': 'true', 'G_DEBUG': '',
            'XDG_DATA_DIRS': f'{DATA}:/usr/share',
            'PATH': f'{pathlib.Path(ISTCTL).parent}:{os.environ["PATH"]}'}
        self.write('config/glib-2.0/settings/keyfile', '[io/github/libist/Tunnels]\nwindow-height=1100\n'
                                                       + self.settings)

    settings = 'welcomed=true\n'
    program = None

    def start(self, *arguments):
        self.program = self.spawn('tunnels', [TUNNELS, *arguments], self.gui_env)
        self.see('frame', 'Tunnels')

    def stop_program(self):
        self.program.send_signal(signal.SIGTERM)
        self.assertEqual(self.program.wait(PATIENCE), 0)
        self.children.remove(self.program)
        self.check_log()

    def check_log(self):
        # Those of GLib too, which PyGObject makes warnings of Python's.
        for fault in ('Traceback', 'CRITICAL', 'WARNING **', ' Warning: '):
            self.assertNotIn(fault, self.program.log())

    def tearDown(self):
        if self.program in self.children:
            self.check_log()
        super().tearDown()

    # What is seen and done

    def see(self, role, name):
        return self.desktop.wait_for(PROGRAM, role, name)

    def press(self, role, name):
        self.desktop.press(PROGRAM, role, name)

    def press_button(self, name):
        self.press('push button', name)

    def press_row(self, name):
        self.press('list item', name)

    def act(self, name):
        """An action of the program, as its menu has it."""
        good, text = self.call('org.gtk.Actions.Activate', name, '[]', '{}', path='/io/github/libist/Tunnels',
                               dest='io.github.libist.Tunnels')
        self.assertTrue(good, text)

    def read_opened(self):
        """The next address that the desktop was to open."""
        lines = wait_until(lambda: self.opened.exists() and self.opened.read_text().splitlines(), 'an address')
        self.opened.unlink()
        line, = lines
        return line

    def run_in_terminal(self, title):
        """A command, and what it has written, which only the shell at the device could."""
        path = self.folder / 'written'
        path.unlink(missing_ok=True)
        self.desktop.focus(title)

        def written():
            # A shell that is not there yet may lose it.
            self.desktop.type(f'echo $((6 * 7)) $SSH_CONNECTION >{path}')
            self.desktop.key('Return')
            return wait_until(lambda: path.exists() and path.read_text().endswith('\n') and path.read_text(), 'it', 5)
        for _ in range(PATIENCE // 5):
            try:
                text = written()
                break
            except TimeoutError:
                continue
        else:
            self.fail('the shell does not do what is typed')
        self.assertTrue(text.startswith('42 127.0.0.1 '), text)


class FirstStart(ProgramCase):
    """Without AWS, and without anything but this computer."""

    settings = ''

    def test_demo(self):
        self.start()
        self.see('label', 'Reach Your Devices')
        self.press_button('Next')
        self.press_button('Next')
        self.see('push button', 'Done')
        self.press_button('Try It Without AWS')
        self.see('heading', DEMO)
        config = self.home / '.aws/config'
        self.assertIn('[profile libist-demo]', config.read_text())

        self.press_row('Web Page')
        url = self.read_opened()
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            self.assertIn(DEMO, answer.read().decode())
        self.see('label', 'Connected')
        # It is a thing of its account, too.
        self.press_button('Add a Device')
        self.press_row('Choose from the Account…')
        self.see('label', 'Things of the Account')
        self.press_row(DEMO)
        self.desktop.wait_for_none(PROGRAM, 'label', 'Things of the Account')
        self.press_row('Terminal')
        self.run_in_terminal(f'^{DEMO}')
        self.assertEqual(self.count_opened(), 0)

        self.stop_program()
        self.assertNotIn('libist-demo', config.read_text())
        self.assertEqual(self.list()['tunnels'], [])
        # The first steps are not shown again.
        self.start()
        self.assertNotIn(('heading', DEMO), self.desktop.read(PROGRAM))
        self.see('label', 'No Devices Yet')

    def test_demo_dies(self):
        self.start()
        self.act('demo')
        self.see('heading', DEMO)
        children = pathlib.Path(f'/proc/{self.program.pid}/task/{self.program.pid}/children').read_text().split()
        demo, = (int(pid) for pid in children if 'tunnels-demo' in pathlib.Path(f'/proc/{pid}/cmdline').read_text())
        os.kill(demo, signal.SIGKILL)
        self.see('label', 'The demonstration has ended. The menu starts it again.')
        self.assertNotIn('libist-demo', (self.home / '.aws/config').read_text())
        self.see('label', 'No Devices Yet')
        # What it had started ends with it.
        wait_until(lambda: not [path for path in pathlib.Path('/proc').glob('[0-9]*/cmdline')
                                if self.path('data/tunnels/demo').encode() in read_if_there(path)], 'the end of its sshd')
        self.act('demo')
        self.see('heading', DEMO)
        self.stop_program()


class Accounts(ProgramCase):
    """What is typed into the preferences, and where it goes."""

    KEYS = 'AKIDTYPEDBYHAND00001', 'typed/by/hand/EXAMPLEKEY'

    def fill(self, **values):
        for name, text in values.items():
            self.desktop.write(PROGRAM, name.replace('_', ' '), text)

    def test_keys(self):
        """They go to the keyring, where all programs that know the AWS tools' files find them, and nowhere else."""
        modules(('Secret', '1'))
        keyring = start_keyring(self, self.gui_env)
        self.start()
        self.act('preferences')
        self.press_button('Add…')
        key_id, secret = self.KEYS
        self.fill(Name='Work', Region='us-east-1', Access_Key_ID=key_id)
        self.see('label', 'A key has an id and a secret.')
        self.fill(Secret_Access_Key=secret)
        self.see('label', 'Keys need a profile, by whose name other programs find them.')
        self.fill(Profile_of_the_AWS_Tools='default')
        self.see('label', lambda text: text.startswith('The AWS tools have a profile of that name already.'))
        self.fill(Profile_of_the_AWS_Tools='work', Endpoint='localhost')
        self.see('label', 'The endpoint has to begin with https://')
        self.fill(Endpoint=self.endpoint_url, File_with_Authorities=self.info['caFile'])
        self.press_button('Save')
        self.see('list item', 'Work')

        config = self.home / '.aws/config'
        wait_until(lambda: '[profile work]' in config.read_text(), 'the profile')
        command = config.read_text().partition('credential_process = ')[2].partition('\n')[0].split()

        def read_keys():
            output = subprocess.run(command, env={**os.environ, **self.gui_env}, stdout=subprocess.PIPE, check=True)
            keys = json.loads(output.stdout)
            return keys['Version'], keys['AccessKeyId'], keys['SecretAccessKey']
        self.assertEqual(read_keys(), (1, key_id, secret))
        # Which the session service does, too.
        self.ctl('open', '--profile', 'work', '--timeout', '1', THING, 'SSH', status=75)
        self.assertIn(THING, self.errors)
        self.assertEqual(self.count_opened(), 1)
        # They are not for ever.
        self.press_row('Work')
        self.fill(Access_Key_ID=key_id, Secret_Access_Key=secret[::-1])
        self.press_button('Save')
        wait_until(lambda: read_keys() == (1, key_id, secret[::-1]), 'the new keys')
        self.desktop.wait_for_none(PROGRAM, 'push button', 'Save')

        # With the account they go.
        self.press_row('Work')
        self.press_button('Remove Account')
        self.see('label', 'Remove the Account?')
        self.press_button('Remove')
        wait_until(lambda: '[profile work]' not in config.read_text(), 'the end of the profile')
        wait_until(lambda: subprocess.run(command, env={**os.environ, **self.gui_env}, check=False,
                                          stderr=subprocess.DEVNULL).returncode == 66, 'the end of the keys')

        # Where they don't, that is told.
        self.press_button('Add…')
        self.fill(Name='Other', Region='us-east-1', Access_Key_ID=key_id, Secret_Access_Key=secret,
                  Profile_of_the_AWS_Tools='other')
        self.press_button('Save')
        self.see('list item', 'Other')
        self.end_child(keyring)
        self.press_row('Other')
        self.press_button('Remove Account')
        self.see('label', 'Remove the Account?')
        self.press_button('Remove')
        self.see('label', 'Not All of the Account Is Removed')
        self.see('label', lambda text: text.startswith('The keys may still be in the keyring: '))
        self.assertNotIn('[profile other]', config.read_text())
        self.press_button('Close')
        self.stop_program()
        for path in self.folder.rglob('*'):
            if path.is_file() and 'keyrings' not in path.parts:
                content = path.read_bytes()
                self.assertNotIn(secret.encode(), content, path)
                self.assertNotIn(secret[::-1].encode(), content, path)
                self.assertNotIn(key_id.encode(), content, path)


class FromTheAccount(ProgramCase):
    """Devices that nobody has to know by name: AWS is asked, but not before somebody wants it."""

    emulator_arguments = ('--commands', '--thing', 'fan-3,fan', '--thing', 'mill-1',
                          *(word for number in range(300) for word in ('--thing', f'pump-{number:03}')))

    def start_emulator(self, *arguments, **options):
        return super().start_emulator(*arguments, stdin=subprocess.PIPE, **options)

    def count_asked(self):
        return self.log_of('emulator').count('operation ListThings')

    def search(self, text):
        self.desktop.write(PROGRAM, 'Search things', text, 'entry')

    def test_choose(self):
        """By what a screen reader has."""
        self.start()
        self.press_button('Add a Device')
        self.see('list item', 'Choose from the Account…')
        self.assertEqual(self.count_asked(), 0)
        self.press_row('Choose from the Account…')
        self.see('list item', 'fan-3')
        self.assertEqual(self.count_asked(), 2)
        self.see('label', '202 more: search for them.')
        self.search('no such')
        self.see('label', 'No Such Thing')
        # One that was not shown before.
        self.search('PUMP 299')
        self.press_row('pump-299')
        self.see('heading', 'pump-299')
        self.assertEqual(self.count_asked(), 2)
        # And is there the next time, without AWS.
        self.stop_program()
        self.start('pump-299')
        self.see('heading', 'pump-299')
        self.assertEqual(self.count_asked(), 2)
        self.assertEqual(self.count_opened(), 0)

    def test_keyboard(self):
        self.start()
        self.desktop.focus('^Tunnels$')
        self.desktop.key('ctrl+n')
        self.see('list item', 'Choose from the Account…')
        self.desktop.focus('Add a Device')
        self.desktop.key('Tab')
        self.desktop.key('Return')
        self.see('list item', 'fan-3')
        self.desktop.focus('Things of the Account')
        self.desktop.type('mill')
        self.desktop.wait_for_none(PROGRAM, 'list item', 'fan-3')
        self.desktop.key('Return')
        self.see('heading', 'mill-1')

    def test_denied(self):
        self.command_emulator('fail ListThings=AccessDeniedException')
        self.start()
        self.press_button('Add a Device')
        self.press_row('Choose from the Account…')
        self.see('label', 'The Things Could Not Be Listed')
        self.see('label', lambda text: 'need the permission iot:ListThings' in text and 'Ask whoever runs' in text)
        self.command_emulator('fail ListThings=none')
        self.press_button('Try Again')
        self.see('list item', 'fan-3')

    def test_slow(self):
        """Whoever does not want to wait, need not."""
        self.command_emulator('delay ListThings=30000')
        self.start()
        self.press_button('Add a Device')
        self.press_row('Choose from the Account…')
        self.see('label', 'Asking AWS for the things of the account…')
        self.desktop.focus('Things of the Account')
        self.desktop.key('Escape')
        self.desktop.wait_for_none(PROGRAM, 'label', 'Things of the Account')


class Device(ProgramCase):
    """With a real agent and sshd behind it."""

    def setUp(self):
        super().setUp()
        port = self.start_sshd()
        self.web = self.serve_tcp(lambda connection: connection.sendall(b'HTTP/1.0 200 OK\r\n\r\nthe device'))
        sink = self.serve_tcp(discard)
        self.start_agent({'SSH': f'127.0.0.1:{port}', 'HTTP': f'127.0.0.1:{self.web}', 'VNC': f'127.0.0.1:{sink}'})
        # As people have it for ssh alone; the key is the only thing that they have to tell ssh.
        self.write('home/.ssh/config', f'Host *\n  BatchMode yes\n  StrictHostKeyChecking no\n  LogLevel ERROR\n'
                                       f'  UserKnownHostsFile {self.path("known_hosts")}\n'
                                       f'  IdentityFile {self.path("user_key")}\n  User {USER}\n')
        # OpenSSH goes by the account's home, and not by the environment.
        ssh = self.write('bin/ssh', f'#!/bin/sh\nexec /usr/bin/ssh -F {self.path("home/.ssh/config")} "$@"\n', 0o755)
        self.gui_env['PATH'] = f'{ssh.parent}:{self.gui_env["PATH"]}'

    def start_emulator(self, *arguments, **options):
        return super().start_emulator(*arguments, '--commands', stdin=subprocess.PIPE, **options)

    def add_device(self):
        """By keyboard alone."""
        self.desktop.focus('^Tunnels$')
        self.desktop.key('ctrl+n')
        self.see('label', 'Add a Device')
        self.desktop.focus('Add a Device')
        self.desktop.type(THING)
        self.desktop.key('Return')
        self.see('heading', THING)

    def test_everything(self):
        self.start()
        self.add_device()

        # A tunnel, with each step, and what it says of itself.
        self.press_button('Connect')
        self.see('label', 'AWS charges for each tunnel that is opened. All programs share this one.')
        self.see('label', 'Connected')
        self.see('label', lambda text: text.startswith('Time left: 11 h 59 min · Round trip: '))
        self.see('label', 'Services: HTTP, RDP, SSH, VNC')
        self.see('list item', f'{THING}, Connected')
        self.assertEqual(len(self.open_tunnels()), 1)

        # All of it goes through the one.
        self.press_row('Terminal')
        self.run_in_terminal(f'^{THING}')
        self.see('list item', 'SSH')
        self.see('label', lambda text: text.startswith('ssh · '))
        self.desktop.key('alt+1')
        self.press_row('Files')
        address = self.read_opened()
        self.assertRegex(address, r'^sftp://127\.0\.0\.1:\d+/$')
        with socket.create_connection(('127.0.0.1', int(address.rpartition(':')[2].rstrip('/'))), PATIENCE) as client:
            self.assertEqual(client.recv(7), b'SSH-2.0')
        # Where ssh finds devices by itself, as by istctl's configuration, the address has the device's name.
        self.write('home/.ssh/config', f'Include {os.environ["IST_SSH_CONFIG"]}\n')
        self.press_row('Files')
        self.assertEqual(self.read_opened(), f'sftp://{THING}.thing/')
        self.press_row('Web Page')
        with urllib.request.urlopen(self.read_opened(), timeout=PATIENCE) as answer:
            self.assertEqual(answer.read(), b'the device')
        self.press_row('Screen (VNC)')
        self.assertRegex(self.read_opened(), r'^vnc://127\.0\.0\.1:\d+$')
        self.press_row('Screen (RDP)')
        self.see('label', lambda text: 'GNOME Connections' in text)
        self.assertEqual(self.count_opened(), 1)

        # It moves.
        _role, before = self.see('image', lambda text: text.startswith('Throughput'))
        self.desktop.focus('^Tunnels$|^' + THING)
        pump = self.spawn('pump', ['sh', '-c', f'while :; do head -c 100000 /dev/zero; sleep 0.1; done | '
                                               f'"{ISTCTL}" connect {THING} VNC >/dev/null'], self.env)
        self.see('image', lambda text: text.startswith('Throughput') and 'kB/s out' in text and text != before)
        self.end_child(pump)

        # A port of one's own choice.
        self.press_button('Forward…')
        self.see('label', 'Forward a Port')
        port = free_port()
        self.desktop.write(PROGRAM, 'Port of This Computer', str(port))
        self.press_button('Forward')
        self.see('list item', f'localhost:{port}')
        with urllib.request.urlopen(f'http://localhost:{port}/', timeout=PATIENCE) as answer:
            self.assertEqual(answer.read(), b'the device')

        # Closing asks, for a terminal is there.
        self.press_button('Close Tunnel')
        self.see('label', f'Close the Tunnel to {THING}?')
        self.press_button('Close')
        self.wait_for_tunnels(0)
        self.see('list item', 'Not connected')
        self.see('label', 'The connection to pump-17 could not be made, or was lost.')

        # And is there the next time.
        self.stop_program()
        self.start(THING)
        self.see('heading', THING)
        self.assertEqual(self.count_opened(), 1)

    def test_terminal(self):
        """What runs there has the keys that it wants, and all else is in a menu."""
        self.start()
        self.add_device()
        self.press_row('Terminal')
        self.run_in_terminal(f'^{THING}')
        keys = self.folder / 'keys'
        self.desktop.type(f'cat -v >{keys}')
        self.desktop.key('Return')
        wait_until(keys.exists, 'cat')
        for key in ('alt+Left', 'F10', 'ctrl+Home', 'ctrl+Page_Up', 'Return', 'ctrl+d'):
            self.desktop.key(key)
        self.assertEqual(wait_until(keys.read_text, 'what cat has read'), '^[[1;3D^[[21~^[[1;5H^[[5;5~\n')

        # A link is where the device says, but it may not say anything.
        for uri, shown in (('file:///etc/passwd', False), ('http://127.0.0.1/of-the-device', True)):
            link = f'\\033]8;;{uri}\\033\\\\{20 * "link "}\\033]8;;\\033\\\\'
            self.desktop.type(f"clear; for i in $(seq 60); do printf '{link}\\n'; done; echo >{self.folder / uri[:4]}")
            self.desktop.key('Return')
            wait_until((self.folder / uri[:4]).exists, 'the links')
            if shown:
                # They are drawn some time after that.
                wait_until(lambda: self.has_link() or self.desktop.key('Escape'), 'a link')
                self.press('menu item', 'Open Link')
                self.assertEqual(self.read_opened(), uri)
            else:
                for _ in range(3):
                    self.assertFalse(self.has_link())
                    self.desktop.key('Escape')
                self.desktop.wait_for_none(PROGRAM, 'menu item', 'Paste')

        # Of a line, copied and pasted by keys.
        self.desktop.type('clear; for i in $(seq 60); do echo of the device; done')
        self.desktop.key('Return')
        copied = self.folder / 'copied'

        def copy():
            copied.unlink(missing_ok=True)
            self.desktop.click(f'^{THING}', 60, 500, 1, times=3)
            self.desktop.key('ctrl+shift+c')
            self.desktop.type(f'cat >{copied}')
            self.desktop.key('Return', 'ctrl+shift+v', 'Return', 'ctrl+d')
            return wait_until(lambda: copied.exists() and copied.read_text(), 'it', 5)
        wait_until(lambda: 'of the device' in copy(), 'a line of the screen')

        def count_columns():
            size = self.folder / 'size'
            size.unlink(missing_ok=True)
            self.desktop.type(f'stty size >{size}')
            self.desktop.key('Return')
            return int(wait_until(lambda: size.exists() and size.read_text(), 'its size').split()[1])
        columns = count_columns()
        self.desktop.key('ctrl+plus', 'ctrl+plus')
        wait_until(lambda: count_columns() < columns, 'larger letters')
        self.desktop.key('ctrl+0')
        wait_until(lambda: count_columns() == columns, 'letters as they were')

        # A program that wants the mouse has all of it.
        self.desktop.focus(f'^{THING}')
        keys.unlink()
        self.desktop.type(f"clear; printf '\\033[?1000h\\033[?1006h'; cat -v >{keys}")
        self.desktop.key('Return')
        wait_until(keys.exists, 'cat')
        for _ in range(3):
            self.desktop.click(f'^{THING}', 200, 500, 3)
        for key in ('Return', 'ctrl+d'):
            self.desktop.key(key)
        self.assertRegex(wait_until(keys.read_text, 'what cat has read'), r'\^\[\[<2;\d+;\d+M\^\[\[<2;\d+;\d+m')
        self.assertNotIn(('menu item', 'Paste'), self.desktop.read(PROGRAM))
        self.desktop.type("printf '\\033[?1000l'\n")

        # What was typed ahead was for the shell.
        self.desktop.focus(f'^{THING}')
        self.desktop.type('sleep 1; exit\n\n')
        self.see('label', 'The shell has ended.')
        self.press_button('Connect Again')
        self.run_in_terminal(f'^{THING}')

    def has_link(self):
        self.desktop.wait_for_none(PROGRAM, 'menu item', 'Paste')
        self.desktop.click(f'^{THING}', 200, 500, 3)
        self.see('menu item', 'Paste')
        return ('menu item', 'Open Link') in self.desktop.read(PROGRAM)

    def test_named(self):
        """Whoever asks for a device keeps its page, whatever becomes of others."""
        self.start('valve-3')
        self.see('heading', 'valve-3')
        self.ctl('open', THING, 'SSH')
        self.see('list item', f'{THING}, Connected')
        self.ctl('close', THING)
        wait_until(lambda: not any(name.startswith(THING) for _role, name in self.desktop.read(PROGRAM)), 'its end')
        self.see('heading', 'valve-3')

    def test_without_a_bus(self):
        run = subprocess.run([TUNNELS], env={**os.environ, **self.gui_env, 'DBUS_SESSION_BUS_ADDRESS':
                                             f'unix:path={self.path("nowhere")}'},
                             stderr=subprocess.PIPE, check=False, timeout=PATIENCE, text=True)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn('there is no session bus', run.stderr)

    def test_failure(self):
        self.start()
        self.add_device()
        self.command_emulator('fail OpenTunnel=AccessDeniedException')
        self.press_button('Connect')
        self.see('label', f'No Tunnel to {THING}')
        self.see('label', lambda text: 'Ask whoever runs the account' in text)
        self.command_emulator('fail OpenTunnel=none')
        self.press_button('Try Again')
        self.see('label', 'Connected')

    def test_cancel(self):
        """AWS takes its time. What it has opened meanwhile is paid for, and others may wait for it."""
        self.start()
        self.add_device()
        self.command_emulator('delay OpenTunnel=30000')
        self.press_button('Connect')
        self.see('list item', 'Connecting')
        self.press_button('Cancel')
        self.desktop.wait_for_none(PROGRAM, 'list item', 'Connecting')
        self.command_emulator('delay OpenTunnel=0')
        self.press_button('Connect')
        self.see('label', 'Connected')
        self.assertEqual(self.count_opened(), 1)

    def test_notifications(self):
        require('dunst', 'dunstctl')
        dunst = self.spawn('dunst', ['dunst', '-print'], self.gui_env, stdout=subprocess.PIPE)
        dunst.wait_until(lambda: self.dunstctl('count'), 'its place on the bus')
        self.start()
        # By another program; whatever is open is shown.
        self.ctl('open', '--lifetime', '1', THING, 'SSH')
        told = self.read_notification(dunst)
        self.assertIn(f'summary: \'The tunnel to {THING} is about to end\'', told)
        self.assertIn('less than a minute left', told)
        self.dunstctl('action')
        self.see('heading', THING)
        # Its time can't be made longer; another one has all of it.
        self.press_button('Open a Tunnel Anew, with All of Its Time')
        self.see('label', lambda text: text.startswith('Time left: 11 h 59 min'))
        self.assertEqual(self.count_opened(), 2)

        # AWS closes the other one, which is told of, too.
        told = self.read_notification(dunst)
        self.assertIn(f'summary: \'The tunnel to {THING} has failed\'', told)

    def dunstctl(self, *words):
        return subprocess.run(['dunstctl', *words], env={**os.environ, **self.gui_env}, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False, timeout=PATIENCE).stdout

    @staticmethod
    def read_notification(dunst):
        """Up to the brace that ends it."""
        lines = []
        while not lines or lines[-1] != '}':
            lines.append(dunst.read_line(2 * PATIENCE).rstrip())
        return '\n'.join(lines)

    def test_search(self):
        """What GNOME's shell asks, and does when somebody chooses a result."""
        self.start()
        self.add_device()
        path = '/io/github/libist/Tunnels/SearchProvider'

        def ask(method, *arguments):
            good, text = self.call(f'org.gnome.Shell.SearchProvider2.{method}', *arguments, path=path,
                                   dest='io.github.libist.Tunnels')
            self.assertTrue(good, text)
            return text
        self.assertIn('pump-17', ask('GetInitialResultSet', "['PUMP']"))
        self.assertNotIn('pump-17', ask('GetInitialResultSet', "['other']"))
        ident = '["", "pump-17"]'
        self.assertIn('Open a terminal', ask('GetResultMetas', json.dumps([ident])))
        ask('ActivateResult', f"'{ident}'", '[]', '0')
        self.run_in_terminal(f'^{THING}')


if __name__ == '__main__':
    tap.main()
