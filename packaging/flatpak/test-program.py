#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The desktop program in a Flatpak that is installed in FLATPAK_USER_DIR, under a display that nobody sees and on a
session bus that knows what the Flatpak lets out, and portals; packaging/test-flatpak.sh starts it."""

import os
import pathlib
import re
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / 'tests/lib'))
# Of programs that are not used here.
os.environ.update(dict.fromkeys(('IST_EMULATOR', 'IST_PROXY', 'IST_OPERATOR', 'ISTCTL'), ''), IST_PYTHON=sys.executable)

import tap  # noqa: E402
from child import require, run  # noqa: E402
from desktop import Desktop  # noqa: E402
from programs import Case  # noqa: E402
from session import BUS_CONFIG  # noqa: E402
from waiting import PATIENCE, wait_until  # noqa: E402

APP_ID = 'io.github.libist.Tunnels'
OPERATOR = 'io.github.libist.Operator1'
PROGRAM = 'tunnels'
DEMO = 'demo-device'
SERVICES = pathlib.Path('/usr/share/dbus-1/services')
EXPORTS = pathlib.Path(os.environ['FLATPAK_USER_DIR'], 'exports/share/dbus-1/services')


class Program(Case):
    def setUp(self):
        require('xdotool', 'flatpak', 'gdbus')
        super().setUp()
        # Nothing else, as a keyring, which would ask for a password and take the keyboard.
        for path in (*EXPORTS.iterdir(), *SERVICES.glob('org.freedesktop.portal.*'),
                     *SERVICES.glob('org.freedesktop.impl.*')):
            self.write(f'services/{path.name}', path.read_text())
        bus = f'unix:path={self.folder}/bus'
        self.desktop = Desktop(self, bus=bus, size='1024x1200')
        self.env = {**os.environ, **self.desktop.env}
        config = self.write('bus.conf', BUS_CONFIG.format(folder=self.folder))
        daemon = self.spawn('bus', ['dbus-daemon', '--nofork', f'--config-file={config}'], self.env)
        daemon.wait_until((self.folder / 'bus').exists, 'its socket')
        self.config = self.folder / '.aws/config'
        self.program = self.spawn('tunnels', ['flatpak', 'run', APP_ID], self.env)

    def see(self, role, name):
        return self.desktop.wait_for(PROGRAM, role, name)

    def press(self, role, name):
        self.desktop.press(PROGRAM, role, name)

    def call(self, dest, path, method, *arguments):
        return run('gdbus', 'call', '--session', '--dest', dest, '--object-path', path, '--method', method, *arguments,
                   env=self.env).decode()

    def has_operator(self):
        return 'true' in self.call('org.freedesktop.DBus', '/', 'org.freedesktop.DBus.NameHasOwner', OPERATOR)

    def count_tunnels(self):
        return len(set(re.findall(r'/io/github/libist/Operator/tunnels/\d+', self.call(
            OPERATOR, '/io/github/libist/Operator', 'org.freedesktop.DBus.ObjectManager.GetManagedObjects'))))

    def find_forward(self):
        found = re.search(r"'Address': <'(127\.0\.0\.1:\d+)'>", self.call(
            OPERATOR, '/io/github/libist/Operator', 'org.freedesktop.DBus.ObjectManager.GetManagedObjects'))
        return found and found[1]

    def test_demo(self):
        self.see('label', 'Reach Your Devices')
        self.assertFalse(self.has_operator())
        self.press('push button', 'Next')
        self.press('push button', 'Next')
        self.see('push button', 'Done')
        self.press('push button', 'Try It Without AWS')
        self.see('heading', DEMO)
        self.assertIn('[profile libist-demo]', self.config.read_text())

        # The first that needs the session service, which the bus starts; the port is one of this computer.
        self.press('list item', 'Web Page')
        wait_until(self.has_operator, 'the session service')
        with urllib.request.urlopen(f'http://{wait_until(self.find_forward, "a port")}/', timeout=PATIENCE) as answer:
            self.assertIn(DEMO, answer.read().decode())
        self.see('label', 'Connected')
        self.assertEqual(self.count_tunnels(), 1)

        # The Flatpak's ssh, istctl, sshd and shell.
        self.press('list item', 'Terminal')
        written = self.folder / '.var/app' / APP_ID / 'data/written'
        self.desktop.focus(f'^{DEMO}')

        def type_in():
            self.desktop.type(f'(echo $((6 * 7)) $SSH_CONNECTION; cat /.flatpak-info) >{written}')
            self.desktop.key('Return')
            try:
                return wait_until(lambda: written.exists() and 'name=' in (text := written.read_text()) and text, 'it', 5)
            except TimeoutError:
                # A shell that is not there yet may lose it.
                return None
        text = wait_until(type_in, 'a shell that does what is typed')
        self.assertTrue(text.startswith('42 127.0.0.1 '), text)
        self.assertIn(f'name={APP_ID}\n', text)

        # From outside, as the line is that is copied for a shell.
        listed = run('flatpak', 'run', '--command=istctl', APP_ID, 'list', env=self.env).decode()
        self.assertIn(DEMO, listed)

        self.call(APP_ID, '/' + APP_ID.replace('.', '/'), 'org.gtk.Actions.Activate', 'quit', '[]', '{}')
        self.press('push button', 'Close')
        self.assertEqual(self.program.wait(PATIENCE), 0)
        # The service stays for a while, as for programs outside, without what was the program's.
        self.assertTrue(self.has_operator())
        self.assertEqual(self.count_tunnels(), 0)
        self.assertNotIn('libist-demo', self.config.read_text())
        # GTK warns of widths that are its own matter.
        for fault in ('Traceback', 'CRITICAL'):
            self.assertNotIn(fault, self.program.log())

    def tearDown(self):
        # With what was started for others; it may have ended by itself.
        subprocess.run(['flatpak', 'kill', APP_ID], env=self.env, stderr=subprocess.DEVNULL, check=False)
        super().tearDown()


if __name__ == '__main__':
    tap.main()
