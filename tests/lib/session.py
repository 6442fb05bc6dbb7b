# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What an operator works with: a session bus that starts ist-operator, credentials in a
home of its own, istctl, and at the other end a device with its agent."""

import json
import os
import pathlib
import pwd
import subprocess

from child import require
from device import THING, Broker
from programs import PROXY, Case
from waiting import PATIENCE, wait_until

OPERATOR = os.environ['IST_OPERATOR']
ISTCTL = os.environ['ISTCTL']
AGENT = os.environ.get('IST_AGENT')

BUS_NAME = 'io.github.libist.Operator1'
BUS_PATH = '/io/github/libist/Operator'
INTERFACE = 'io.github.libist.Operator1'

HOST = f'{THING}.thing'
USER = pwd.getpwuid(os.getuid()).pw_name

# In the folders of the operator only: nobody else may ever tell them.
ACCESS_KEY_ID = 'AKIDSESSION0EXAMPLE'
SECRET_ACCESS_KEY = 'session/secret/EXAMPLEKEY'

BUS_CONFIG = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{folder}/services</servicedir>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
'''


class SessionCase(Case):
    """ist-operator is started by the bus, and ends with it."""

    services = None
    emulator_arguments = ()
    operator_arguments = ('--linger', '60', '--idle-timeout', '60')

    def setUp(self):
        super().setUp()
        if not AGENT:
            self.skipTest('the agent was not built')
        require('dbus-daemon', 'gdbus')
        self.folder.chmod(0o755)
        self.home = self.folder / 'home'
        self.write_credentials()
        self.write('home/.aws/config', '[default]\nregion = us-east-1\n')
        self.broker = Broker(self.folder)
        self.broker.start()
        self.addCleanup(self.broker.stop)
        broker = self.broker
        self.start_emulator('--mqtt', broker.address, '--mqtt-ca', broker.authority.certificate,
                            '--mqtt-cert', broker.backend, '--mqtt-key', broker.backend_key,
                            *self.emulator_arguments)
        self.env = {'HOME': str(self.home), 'XDG_STATE_HOME': self.path('state'),
                    'XDG_RUNTIME_DIR': self.path('run'),
                    'DBUS_SESSION_BUS_ADDRESS': f'unix:path={self.path("bus")}'}
        self.state_file = self.folder / 'state/libist/operator.json'
        (self.folder / 'run').mkdir(mode=0o700)
        self.start_bus()

    def tearDown(self):
        # Those that wait for the service would start it again.
        for child in [child for child in self.children if child is not self.bus and child is not self.emulator]:
            self.end_child(child)
        if self.bus.poll() is None:
            self.stop_operator()
        self.end_children()
        log = self.log_of('bus') + self.all_logs
        for fault in ('CRITICAL', 'Sanitizer', 'runtime error', SECRET_ACCESS_KEY, ACCESS_KEY_ID):
            self.assertNotIn(fault, log)

    # The programs

    @property
    def endpoint_url(self):
        return 'http' + self.info['endpoint'].removeprefix('ws')

    @property
    def ctl_env(self):
        """What a user's shell has."""
        return {**self.env, 'AWS_ENDPOINT_URL': self.endpoint_url, 'AWS_CA_BUNDLE': self.info['caFile'],
                'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '')}

    def write_credentials(self):
        self.write('home/.aws/credentials', '[default]\n'
                   f'aws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\n')

    def start_bus(self):
        """What it starts logs to its own log."""
        self.all_logs = ''
        (self.folder / 'services').mkdir(exist_ok=True)
        command = ' '.join([OPERATOR, *self.operator_arguments])
        self.write(f'services/{BUS_NAME}.service', f'[D-BUS Service]\nName={BUS_NAME}\nExec={command}\n', 0o644)
        self.write('bus.conf', BUS_CONFIG.format(folder=self.folder), 0o644)
        self.bus = self.spawn('bus', ['dbus-daemon', '--nofork', '--config-file', self.path('bus.conf')], self.env)
        self.bus.wait_until((self.folder / 'bus').exists, 'its socket')

    def start_agent(self, targets):
        """@targets: addresses by service; waits until the device hears of tunnels."""
        settings = {'thing': THING, 'broker': self.broker.address, 'certificate': self.broker.certificate,
                    'key': self.broker.key, 'ca': self.broker.authority.certificate,
                    'endpoint': self.info['endpoint'], 'endpoint-ca': self.info['caFile']}
        lines = ['[agent]', *(f'{key}={value}' for key, value in settings.items()),
                 '[services]', *(f'{key}={value}' for key, value in targets.items()), '']
        self.write('agent.conf', '\n'.join(lines))
        self.agent = self.spawn('agent', [AGENT, '--config', self.path('agent.conf'), '--bus', 'none'])
        self.agent.expect('Subscribed')
        return self.agent

    def ctl(self, *arguments, env=None, status=0, **options):
        """Runs istctl; returns its output."""
        done = subprocess.run([ISTCTL, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=PATIENCE * 2, env={**os.environ, **self.ctl_env, **(env or {})},
                              **{'stdin': subprocess.DEVNULL, **options})
        self.all_logs += done.stderr.decode(errors='replace')
        self.assertEqual(done.returncode, status, done.stderr)
        self.errors = done.stderr.decode()
        return done.stdout

    def ctl_json(self, *arguments, **options):
        return json.loads(self.ctl(*arguments, '--json', **options))

    def spawn_ctl(self, name, *arguments, env=None, **options):
        return self.spawn(name, [ISTCTL, *arguments], {**self.ctl_env, **(env or {})}, **options)

    def open_command(self, *arguments, services='SSH'):
        """Of ist-proxy, to the device."""
        return [PROXY, '--open', '--thing', THING, '--service', services, *map(str, arguments)]

    # The service

    def call(self, method, *arguments, path=BUS_PATH, dest=BUS_NAME, user=None):
        """By gdbus; whether it was good, and what came."""
        command = ['gdbus', 'call', '--address', self.env['DBUS_SESSION_BUS_ADDRESS'], '--dest', dest,
                   '--object-path', path, '--timeout', '60', '--method',
                   method if '.' in method else f'{INTERFACE}.{method}', *map(str, arguments)]
        options = {'user': user, 'group': user, 'extra_groups': []} if user is not None else {}
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE * 2,
                              env={**os.environ, **self.env}, **options)
        return done.returncode == 0, done.stdout

    def operator_pid(self):
        """None if it does not run."""
        good, text = self.call('org.freedesktop.DBus.GetConnectionUnixProcessID', BUS_NAME,
                               path='/org/freedesktop/DBus', dest='org.freedesktop.DBus')
        return int(text.split()[1].rstrip(',)')) if good else None

    def wait_for_no_operator(self):
        wait_until(lambda: self.operator_pid() is None, 'the end of ist-operator')

    def signal_operator(self, number):
        """Waits until that one has gone."""
        if pid := self.operator_pid():
            os.kill(pid, number)
            wait_until(lambda: self.operator_pid() != pid, 'the end of ist-operator')

    def stop_operator(self):
        self.signal_operator(15)

    def options(self, **more):
        """Of a call, in GVariant's text."""
        options = {'endpoint-url': self.endpoint_url, 'ca-file': self.info['caFile'], **more}
        return '{' + ', '.join(f"'{key}': <{json.dumps(value)}>" for key, value in options.items()) + '}'

    # The tunnels

    def open_tunnels(self):
        """The ids of those that are open at the service."""
        answer = self.ask_emulator('ListTunnels')
        return [tunnel['tunnelId'] for tunnel in answer['tunnelSummaries'] if tunnel['status'] == 'OPEN']

    def count_opened(self):
        """How often one was opened, and paid for."""
        return self.log_of('emulator').count(': open\n')

    def wait_for_tunnels(self, number):
        return wait_until(lambda: len(ids := self.open_tunnels()) == number and (ids or True), f'{number} open tunnels')

    def list(self):
        return self.ctl_json('list')


class SshCase(SessionCase):
    """With a real sshd at the device, and ssh configured as a user has it, by one line."""

    def setUp(self):
        super().setUp()
        self.sshd = self.start_sshd()
        self.start_agent({'SSH': f'127.0.0.1:{self.sshd}'})
        self.ssh_config = self.write('ssh_config', '\n'.join([
            f'Include {os.environ["IST_SSH_CONFIG"]}', 'Host *', '    BatchMode yes', '    StrictHostKeyChecking no',
            '    LogLevel ERROR', f'    UserKnownHostsFile {self.path("known_hosts")}',
            f'    IdentityFile {self.path("user_key")}', f'    User {USER}', '']))
        self.user_env = {name: value for name, value in os.environ.items() if not name.startswith('AWS')}
        self.user_env |= self.ctl_env | {'AWS_EC2_METADATA_DISABLED': 'true',
                                         'PATH': f'{pathlib.Path(ISTCTL).parent}:{os.environ["PATH"]}'}
