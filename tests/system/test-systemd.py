# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""ist-operator as a user's systemd runs it: with the units as they are installed, started
by D-Bus through systemd, in a namespace of its own."""

import os
import pathlib
import re
import signal
import subprocess
import textwrap
import time

import tap
from child import require
from session import BUS_NAME, OPERATOR, SessionCase
from waiting import PATIENCE, wait_until

MANAGER = '/lib/systemd/systemd'
PATH_UNIT = pathlib.Path(__file__).parents[2] / 'src/tools/operator/data/ist-operator.path'

# systemd wants to have booted the system, and a tree of control groups that it may write: $1, which is to go with it.
ENTER = textwrap.dedent('''
    set -e
    mount -t tmpfs none /run
    mkdir -p /run/systemd/system /run/groups
    mount -t cgroup2 none /run/groups
    mkdir "/run/groups/$1"
    echo $$ >"/run/groups/$1/cgroup.procs"
    umount /run/groups
    shift
    # As the first process of its namespace systemd would be the system's.
    unshare --cgroup sh -c 'mount -t tmpfs none /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' \\
      sh "$@"
    ''')
CLEAN_UP = '''
    mount -t cgroup2 none /mnt && [ ! -e "/mnt/$1" ] || find "/mnt/$1" -depth -type d -exec rmdir {} +
    '''


def isolated(group, *command):
    """With its children it ends when this is killed."""
    return ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', ENTER, 'sh', group, *command]


def remove(group):
    """As soon as the last process of it has gone."""
    command = ['unshare', '--mount', 'sh', '-c', CLEAN_UP, 'sh', group]
    wait_until(lambda: subprocess.run(command, stderr=subprocess.DEVNULL, timeout=PATIENCE).returncode == 0,
               f'the end of {group}')


class Systemd(SessionCase):
    operator_arguments = ('--linger', '2', '--idle-timeout', '2')

    def setUp(self):
        require('unshare', 'nsenter', 'systemctl', 'dbus-daemon', MANAGER)
        if not os.path.exists('/usr/lib/systemd/user/dbus.socket'):
            self.skipTest('dbus-user-session is not installed')
        self.group = f'ist-test-{os.getpid()}'
        if subprocess.run(isolated(self.group, 'true'), stderr=subprocess.DEVNULL, timeout=PATIENCE).returncode != 0:
            self.skipTest('needs to mount control groups, as root')
        self.addCleanup(remove, self.group)
        remove(self.group)
        super().setUp()
        server = self.serve_tcp(lambda connection: connection.sendall(b'hello '))
        self.start_agent({'SSH': f'127.0.0.1:{server}'})

    def tearDown(self):
        self.systemctl('stop', 'ist-operator.service')
        self.bus.kill()
        self.bus.wait()
        super().tearDown()

    def install(self):
        """The units as they are, but for where the program is, and its times."""
        built = pathlib.Path(OPERATOR).parent
        program = ' '.join([OPERATOR, *self.operator_arguments])
        unit, n = re.subn(r'(?m)^ExecStart=.*', f'ExecStart={program}', (built / 'ist-operator.service').read_text())
        self.assertEqual(n, 1)
        self.write('home/.config/systemd/user/ist-operator.service', unit, 0o644)
        self.write('home/.config/systemd/user/ist-operator.path', PATH_UNIT.read_text(), 0o644)
        wanted = self.folder / 'home/.config/systemd/user/default.target.wants'
        wanted.mkdir()
        (wanted / 'ist-operator.path').symlink_to('../ist-operator.path')
        self.write(f'home/.local/share/dbus-1/services/{BUS_NAME}.service',
                   (built / f'{BUS_NAME}.service').read_text(), 0o644)

    def start_bus(self):
        self.all_logs = ''
        del self.env['XDG_STATE_HOME']
        self.state_file = self.home / '.local/state/libist/operator.json'
        # For the bus, which takes the home of the password file for the user's.
        self.env['XDG_DATA_HOME'] = str(self.home / '.local/share')
        self.install()
        self.env['DBUS_SESSION_BUS_ADDRESS'] = f'unix:path={self.path("run/bus")}'
        self.start_manager()

    def start_manager(self):
        # The unit's filter of system calls keeps LeakSanitizer from its work.
        env = {'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'}
        self.bus = self.spawn('bus', isolated(self.group, MANAGER, '--user'), {**self.env, **env})
        self.bus.wait_until((self.folder / 'run/bus').exists, 'its socket')
        self.bus.wait_until(lambda: self.systemctl('show', '--property', 'SystemState', '--value') == 'running', 'systemd')

    def systemctl(self, *arguments):
        """From inside: systemd does not answer those it can't see."""
        inside = pathlib.Path(f'/proc/{self.bus.pid}/task/{self.bus.pid}/children').read_text().split()[0]
        done = subprocess.run(['nsenter', '--target', inside, '--mount', '--pid', '--cgroup', 'systemctl', '--user',
                               *arguments], stdout=subprocess.PIPE, text=True, timeout=PATIENCE,
                              env={**os.environ, **self.env})
        return done.stdout.strip()

    def show(self, what):
        return self.systemctl('show', '--property', what, '--value', 'ist-operator.service')

    def signal_operator(self, number):
        """Of systemd's process, whose number is another one here."""
        self.systemctl('kill', '--signal', str(number), 'ist-operator.service')

    def test_from_first_to_last(self):
        """Started by a call, ended for want of work, and started again."""
        self.assertEqual(self.show('ActiveState'), 'inactive')
        for _ in range(2):
            self.assertEqual(self.ctl('connect', 'pump-17', 'SSH'), b'hello ')
            self.assertEqual(self.show('ActiveState'), 'active')
            self.assertIn('1', self.show('StatusText'))
            self.wait_for_tunnels(0)
            wait_until(lambda: self.show('ActiveState') == 'inactive', 'the end')
            self.assertEqual(self.show('Result'), 'success')
        self.assertEqual(self.show('NRestarts'), '0')

    def test_killed(self):
        """Nobody calls, and still nothing is left that is paid for."""
        self.ctl('connect', 'pump-17', 'SSH')
        self.assertEqual(len(self.open_tunnels()), 1)
        self.signal_operator(signal.SIGKILL)
        wait_until(lambda: self.show('NRestarts') == '1', 'the second start')
        self.wait_for_tunnels(0)
        wait_until(lambda: self.show('ActiveState') == 'inactive', 'the end')
        self.assertFalse(self.state_file.exists())

    def test_machine_that_crashed(self):
        """The next one to boot closes what was left."""
        self.ctl('connect', 'pump-17', 'SSH')
        self.bus.kill()
        self.end_child(self.bus)
        self.assertEqual(len(self.open_tunnels()), 1)
        self.assertTrue(self.state_file.exists())
        (self.folder / 'run/bus').unlink()
        remove(self.group)
        self.start_manager()
        self.wait_for_tunnels(0)
        wait_until(lambda: not self.state_file.exists(), 'the state file to go')

    def test_stopped(self):
        """What it has opened, it closes."""
        self.ctl('open', 'pump-17', 'SSH')
        self.systemctl('stop', 'ist-operator.service')
        self.assertEqual(self.open_tunnels(), [])
        self.assertEqual(self.show('Result'), 'success')

    def test_watchdog(self):
        """One that hangs is killed, and what it held is closed."""
        self.write('home/.config/systemd/user/ist-operator.service.d/fast.conf', '[Service]\nWatchdogSec=1\n', 0o644)
        self.systemctl('daemon-reload')
        self.ctl('connect', 'pump-17', 'SSH')
        time.sleep(2)
        self.assertEqual(self.show('NRestarts'), '0')
        self.signal_operator(signal.SIGSTOP)
        wait_until(lambda: self.show('NRestarts') == '1', 'the second start')
        self.wait_for_tunnels(0)


if __name__ == '__main__':
    tap.main()
