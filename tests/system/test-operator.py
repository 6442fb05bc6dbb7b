# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""ssh pump-17.thing, and all that runs over ssh, through tunnels that are shared: a
real sshd behind ist-agent, mosquitto for its notifications, a session bus that starts
ist-operator, and clients that know nothing of tunnels."""

import concurrent.futures
import filecmp
import json
import os
import pathlib
import signal
import subprocess
import textwrap
import time
import unittest

import tap
from child import require
from device import THING
from session import HOST, ISTCTL, USER, SshCase
from waiting import PATIENCE, wait_until

EXAMPLES = pathlib.Path(__file__).parents[2] / 'examples'


class OperatorCase(SshCase):
    def setUp(self):
        super().setUp()
        self.user_env['GIT_SSH_COMMAND'] = f'ssh -F {self.ssh_config}'

    def start_emulator(self, *arguments, **options):
        return super().start_emulator(*arguments, '--commands', stdin=subprocess.PIPE, **options)

    def command_emulator(self, command):
        """What it answers."""
        self.emulator.stdin.write(command.encode() + b'\n')
        self.emulator.stdin.flush()
        answer = json.loads(self.emulator.read_line())
        self.assertNotIn('error', answer)
        return answer

    def kill_operator(self):
        """As the kernel does when there is no memory left."""
        self.signal_operator(signal.SIGKILL)

    def run_as_user(self, *command, patience=PATIENCE, env=None, **options):
        """To its end, whatever that is."""
        return subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=patience, env={**self.user_env, **(env or {})},
                              **{} if 'input' in options else {'stdin': subprocess.DEVNULL}, **options)

    def ssh(self, *words, **options):
        return self.run_as_user('ssh', '-F', self.ssh_config, HOST, *words, **{'text': True, **options})

    def check_ssh(self, word='hello', **options):
        result = self.ssh(f'echo {word} $((6 * 7))', **options)
        self.assertEqual((result.stdout, result.returncode), (f'{word} 42\n', 0), result.stderr)


class Clients(OperatorCase):
    """One after another, over one tunnel."""

    def test_at_once(self):
        """20 times ssh, and scp beside it."""
        data = os.urandom(3_000_000)
        pathlib.Path(self.path('there')).write_bytes(data)

        def ssh(i):
            result = self.ssh(f'cat; echo answer {i}; exit {i}', input=f'question {i}\n')
            return result.stdout, result.returncode

        def scp(i):
            self.run_as_user('scp', '-F', self.ssh_config, f'{HOST}:{self.path("there")}', self.path(f'back-{i}'),
                             check=True)
            return pathlib.Path(self.path(f'back-{i}')).read_bytes() == data

        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            copies = pool.map(scp, range(4))
            answers = pool.map(ssh, range(20))
            self.assertEqual(list(answers), [(f'question {i}\nanswer {i}\n', i) for i in range(20)])
            self.assertEqual(list(copies), [True] * 4)
        self.assertEqual(self.count_opened(), 1)
        self.assertEqual(len(self.open_tunnels()), 1)

    def test_proxy_shares(self):
        """ist-proxy --open and ssh by istctl at the same moment; alone it pays for itself."""
        ssh = f'ssh -F {self.path("ssh_config")} -p {{port}} -o ProxyCommand=none 127.0.0.1 cat'.split()

        def open(*arguments):
            result = self.run_as_user(*self.open_command(*arguments, '--', *ssh), input=b'by a port')
            return result.stdout, result.returncode

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            by_port = [pool.submit(open) for _ in range(4)]
            by_name = [pool.submit(self.check_ssh, f'number{i}') for i in range(4)]
            self.assertEqual([one.result() for one in by_port], [(b'by a port', 0)] * 4)
            for one in by_name:
                one.result()
        self.assertEqual(self.count_opened(), 1)
        self.assertEqual(len(tunnels := self.open_tunnels()), 1)
        self.assertEqual(open('--no-share'), (b'by a port', 0))
        self.assertEqual(self.count_opened(), 2)
        self.assertEqual(self.open_tunnels(), tunnels)

    def test_programs(self):
        """What people run over ssh."""
        self.check_rsync()
        self.check_sftp()
        self.check_git()
        self.check_ansible()
        self.check_paramiko()
        self.assertEqual(self.count_opened(), 1)

    def make_tree(self):
        root = pathlib.Path(self.path('tree'))
        for i in range(20):
            (root / f'folder {i % 4}').mkdir(parents=True, exist_ok=True)
            (root / f'folder {i % 4}' / f'file {i} äöü').write_bytes(os.urandom(i * 10_000))
        return root

    def assert_same_tree(self, a, b):
        comparison = filecmp.dircmp(a, b, ignore=[], hide=[])
        self.assertEqual((comparison.left_only, comparison.right_only), ([], []))
        self.assertEqual(filecmp.cmpfiles(a, b, comparison.common_files, shallow=False)[1:], ([], []))
        for name in comparison.common_dirs:
            self.assert_same_tree(os.path.join(a, name), os.path.join(b, name))

    def check_rsync(self):
        require('rsync')
        tree = self.make_tree()
        self.run_as_user('rsync', '-a', '-e', f'ssh -F {self.ssh_config}', f'{tree}/',
                         f'{HOST}:{self.path("rsync there")}/', check=True)
        self.assert_same_tree(tree, self.path('rsync there'))

    def check_sftp(self):
        tree = self.path('tree')
        self.run_as_user('sftp', '-q', '-F', self.ssh_config, '-b', '-', HOST, check=True,
                         input=f'get -r "{tree}" "{self.path("sftp back")}"\n'.encode())
        self.assert_same_tree(tree, self.path('sftp back'))

    def check_git(self):
        require('git')
        tree = self.path('tree')
        for arguments in (('init', '-q'), ('add', '-A'),
                          ('-c', 'user.name=a', '-c', 'user.email=a@localhost', 'commit', '-q', '-m', 'all')):
            self.run_as_user('git', '-C', tree, *arguments, check=True)
        # As the owner sees it, who may be root under another's folder.
        self.run_as_user('git', 'clone', '-q', f'ssh://{HOST}{tree}', self.path('clone'), check=True)
        self.assertEqual(*[self.run_as_user('git', '-C', path, 'rev-parse', 'HEAD^{tree}', check=True).stdout
                           for path in (tree, self.path('clone'))])

    def check_ansible(self):
        require('ansible')
        result = self.run_as_user('ansible', 'all', '-i', f'{HOST},', '-m', 'ping', patience=2 * PATIENCE, text=True,
                                  env={'ANSIBLE_SSH_ARGS': f'-F {self.ssh_config}', 'ANSIBLE_NOCOLOR': '1',
                                       'ANSIBLE_PYTHON_INTERPRETER': '/usr/bin/python3'})
        self.assertIn(f'{HOST} | SUCCESS', result.stdout, result.stderr)
        self.assertIn('"ping": "pong"', result.stdout)

    def check_paramiko(self):
        program = textwrap.dedent('''
            import sys
            try:
                import paramiko
            except ImportError:
                sys.exit(77)
            thing, user, key = sys.argv[1:]
            client = paramiko.SSHClient()
            client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            client.connect(thing, username=user, key_filename=key, allow_agent=False, look_for_keys=False,
                           sock=paramiko.ProxyCommand(f'istctl connect {thing} SSH'))
            print(client.exec_command('echo hello paramiko')[1].read().decode(), end='')
            client.close()
            ''')
        result = self.run_as_user('/usr/bin/python3', '-c', program, THING, USER,
                                  self.path('user_key'), text=True)
        if result.returncode == 77:
            raise unittest.SkipTest('paramiko is not installed')
        self.assertEqual((result.stdout, result.returncode), ('hello paramiko\n', 0), result.stderr)


class Linger(OperatorCase):
    operator_arguments = ('--linger', '1', '--idle-timeout', '1')

    def test_closed_and_opened_again(self):
        for number in range(1, 3):
            self.check_ssh()
            self.assertEqual(self.count_opened(), number)
            self.wait_for_tunnels(0)
            self.wait_for_no_operator()

    def test_used_is_not_closed(self):
        with self.start_used_ssh() as process:
            time.sleep(3)
            self.assertEqual(len(self.open_tunnels()), 1)
            process.stdin.write('still here\n')
            process.stdin.close()
            self.assertEqual(process.stdout.read(), 'still here\n')
        self.wait_for_tunnels(0)
        self.assertEqual(self.count_opened(), 1)

    def start_used_ssh(self):
        return subprocess.Popen(['ssh', '-F', self.ssh_config, HOST, 'cat'], env=self.user_env, text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)


class Mishaps(OperatorCase):
    def start_cat(self):
        """An ssh that is in use."""
        cat = self.spawn('cat', ['ssh', '-F', self.ssh_config, HOST, 'cat'], self.user_env,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.say_to(cat, b'first\n')
        return cat

    def say_to(self, cat, line):
        cat.stdin.write(line)
        cat.stdin.flush()
        self.assertEqual(cat.read_line(), line.decode())

    def check_gone(self, cat):
        """It ends by itself, and not well."""
        self.assertNotEqual(cat.wait(PATIENCE), 0)
        self.end_child(cat)

    def test_service_killed(self):
        cat = self.start_cat()
        self.kill_operator()
        self.check_gone(cat)
        self.check_ssh()
        self.wait_for_tunnels(1)

    def test_killed_while_opening(self):
        """Whatever the moment, one tunnel is opened, and the next connection takes it."""
        for number, delay in enumerate((0.05, 0.1, 0.2, 0.4), 1):
            with self.spawn('early', ['ssh', '-F', self.ssh_config, HOST, 'true'], self.user_env) as early:
                wait_until(self.operator_pid, 'the service')
                time.sleep(delay)
                self.kill_operator()
                early.wait(PATIENCE)
            self.check_ssh()
            self.assertEqual((len(self.open_tunnels()), self.count_opened()), (1, number), delay)
            self.ask_emulator('CloseTunnel', tunnelId=self.open_tunnels()[0])
            self.kill_operator()

    def test_device_gone_and_back(self):
        cat = self.start_cat()
        self.agent.kill()
        self.end_child(self.agent)
        self.check_gone(cat)
        self.start_agent({'SSH': f'127.0.0.1:{self.sshd}'})
        self.check_ssh(patience=2 * PATIENCE)
        self.assertEqual(len(self.open_tunnels()), 1)

    def test_closed_by_somebody_else(self):
        cat = self.start_cat()
        self.ask_emulator('CloseTunnel', tunnelId=self.open_tunnels()[0])
        self.check_gone(cat)
        self.check_ssh()
        self.assertEqual(self.count_opened(), 2)

    def test_expired(self):
        self.ctl('open', '--lifetime', '1', THING, 'SSH')
        self.check_ssh()
        self.assertEqual(self.count_opened(), 1)
        wait_until(lambda: not self.open_tunnels(), 'the expiry', 90)
        self.check_ssh()
        self.assertEqual(self.count_opened(), 2)

    def test_broker_gone(self):
        """A tunnel that is up needs none."""
        self.check_ssh()
        self.broker.stop(kill=True)
        self.check_ssh()

    def test_service_fails_for_a_while(self):
        """It is asked again."""
        for error in ('ThrottlingException', 'InternalFailure', 'ExpiredTokenException'):
            count = 1 if error == 'ExpiredTokenException' else 2
            self.command_emulator(f'fail OpenTunnel={error}:{count}')
            self.command_emulator(f'fail DescribeTunnel={error}:{count}')
            self.check_ssh(patience=2 * PATIENCE)
            for tunnel in self.open_tunnels():
                self.ask_emulator('CloseTunnel', tunnelId=tunnel)
            self.wait_for_tunnels(0)

    def test_opening_is_not_told_of(self):
        """What was opened is found, and nothing is paid for twice."""
        for error in ('InternalFailure', 'disconnect'):
            before = self.count_opened()
            self.command_emulator(f'lose OpenTunnel={error}:1')
            self.command_emulator(f'lose CloseTunnel={error}:1')
            self.check_ssh()
            self.assertEqual(self.count_opened(), before + 1)
            self.assertEqual(len(self.open_tunnels()), 1)
            self.ctl('close', THING)
            self.wait_for_tunnels(0)

    def test_cancelled_while_opening(self):
        """The tunnel comes when nobody waits any more."""
        self.command_emulator('delay OpenTunnel=2000:1')
        waiting = self.spawn_ctl('waiting', 'connect', THING, 'SSH', stdin=subprocess.PIPE)
        wait_until(lambda: self.count_opened() == 1, 'the call')
        self.end_child(waiting)
        tunnels = self.open_tunnels()
        self.assertEqual(self.ctl_json('close', THING), {'closed': tunnels})
        self.wait_for_tunnels(0)
        self.assertEqual(self.count_opened(), 1)

    def test_limit(self):
        """Waiting does not mend that."""
        self.command_emulator('fail OpenTunnel=LimitExceededException')
        result = self.ssh('true')
        self.assertEqual(result.returncode, 255)
        self.assertIn('LimitExceeded', result.stderr)
        self.command_emulator('fail OpenTunnel=none')
        self.check_ssh()

    def test_credentials_that_expire(self):
        """What a program gives for a while is asked for anew."""
        (self.home / '.aws' / 'credentials').unlink()
        script = self.write('give-credentials', textwrap.dedent(f'''
            #!/bin/sh
            echo >>{self.path('given')}
            date=$(date -u -d "+3 seconds" +%Y-%m-%dT%H:%M:%SZ)
            echo "{{\\"Version\\": 1, \\"AccessKeyId\\": \\"AKIDEXAMPLE\\", \\"SecretAccessKey\\": \\"s\\","
            echo "\\"SessionToken\\": \\"t\\", \\"Expiration\\": \\"$date\\"}}"
            ''').lstrip(), 0o700)
        with (self.home / '.aws' / 'config').open('a') as f:
            f.write(f'credential_process = {script}\n')
        self.check_ssh()
        before = os.path.getsize(self.path('given'))
        self.ask_emulator('CloseTunnel', tunnelId=self.open_tunnels()[0])
        time.sleep(3)
        self.check_ssh()
        self.assertGreater(os.path.getsize(self.path('given')), before)


class Examples(OperatorCase):
    """Those that open a tunnel by the name of a device, and talk to it."""

    def check(self, *command):
        result = self.run_as_user(*command, THING, 'SSH', 'SSH-2.0-example', text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r'^SSH-2\.0-OpenSSH')
        self.assertEqual(self.open_tunnels(), [])

    def test_c(self):
        if 'IST_EXAMPLES' not in os.environ:
            self.skipTest('the examples were not built')
        self.check(os.path.join(os.environ['IST_EXAMPLES'], 'thing-ask'))

    def test_python(self):
        if 'IST_PYTHON' not in os.environ:
            self.skipTest('needs PyGObject and introspection')
        self.check(os.environ['IST_PYTHON'], EXAMPLES / 'thing-ask.py')

    def test_gjs(self):
        if 'IST_GJS' not in os.environ:
            self.skipTest('needs gjs and introspection')
        self.check(os.environ['IST_GJS'], '-m', EXAMPLES / 'thing-ask.js')


class BadInput(OperatorCase):
    """Each fails with words that say what to do, and none hangs."""

    operator_arguments = ('--linger', '2', '--idle-timeout', '60')

    def check_failure(self, *words, arguments=(), thing=THING, service='SSH'):
        started = time.monotonic()
        result = self.run_as_user(ISTCTL, 'connect', *arguments, thing, service, text=True)
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(result.stdout, '')
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertNotIn('EXAMPLEKEY', result.stderr)
        self.assertLess(time.monotonic() - started, PATIENCE)
        self.note(result.stderr.strip())

    def test_unknown_thing(self):
        self.check_failure('pump-18', arguments=['--timeout', '2'], thing='pump-18')
        self.wait_for_tunnels(0)

    def test_name_that_is_none(self):
        self.check_failure('pump 18', thing='pump 18')

    def test_service_that_the_device_lacks(self):
        self.check_failure('VNC', service='VNC', arguments=['--timeout', '2'])

    def test_no_credentials(self):
        (self.home / '.aws' / 'credentials').unlink()
        self.check_failure('credentials')

    def test_no_such_profile(self):
        self.check_failure('nobody', arguments=['--profile', 'nobody'])

    def test_no_region(self):
        (self.home / '.aws' / 'config').unlink()
        del self.user_env['AWS_ENDPOINT_URL']
        self.check_failure('region')

    def test_wrong_region(self):
        del self.user_env['AWS_ENDPOINT_URL']
        self.check_failure('us-nowhere-1', arguments=['--region', 'us-nowhere-1'])

    def test_endpoint_that_is_no_aws(self):
        port = self.start_nginx(self.folder)
        self.check_failure(f'127.0.0.1:{port}', arguments=['--endpoint-url', f'http://127.0.0.1:{port}'])

    def test_endpoint_that_is_not_there(self):
        self.check_failure('127.0.0.1:1', arguments=['--endpoint-url', 'https://127.0.0.1:1'])

    def test_authority_that_is_not_trusted(self):
        self.check_failure('ertificate', arguments=['--ca-file', self.broker.authority.certificate])


if __name__ == '__main__':
    tap.main()
