#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""How long ssh to a device takes, and what the session service costs meanwhile.

In alternation: ssh without a tunnel; ssh by the device's name, first and second;
and the way without it, first and second: the AWS CLI opens a tunnel, a proxy
gets its token, ssh goes to the proxy's port. From the start of all that to the
first output of the shell. Everything is on this machine, so what AWS and the
network take comes on top, of each call of the service alike. Prints figures;
judges nothing.

    bench-operator.py [--repeat N] [--idle SECONDS]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import figures
from device import THING
from session import HOST, SshCase
from sockets import free_port
from waiting import PATIENCE

# Seconds, after which rates that are shown have come to rest.
REST = 45


class Bench(SshCase):
    def runTest(self):
        pass

    def ssh(self, *arguments):
        """Seconds to the first output."""
        started = time.monotonic()
        with subprocess.Popen(['ssh', '-F', self.ssh_config, *arguments, 'echo ready; cat'], env=self.user_env,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            if process.stdout.readline() != b'ready\n':
                raise RuntimeError(f'ssh {arguments} failed')
            return time.monotonic() - started

    def by_name(self):
        first, second = self.ssh(HOST), self.ssh(HOST)
        self.stop_operator()
        return first, second

    def by_hand(self):
        """What has a tunnel opened already still has to start the proxy and ssh."""
        started = time.monotonic()
        done = subprocess.run(['aws', 'iotsecuretunneling', '--endpoint-url', self.endpoint_url,
                               'open-tunnel', '--destination-config',
                               f'thingName={THING},services=SSH'], env=self.user_env, stdout=subprocess.PIPE,
                              check=True, timeout=PATIENCE)
        answer = json.loads(done.stdout)
        port = free_port()
        proxy = self.spawn('proxy', [os.environ['IST_PROXY'], '-e', self.info['endpoint'], '-c', self.info['caFile'],
                                     '-s', f'SSH=127.0.0.1:{port}'],
                           {'AWSIOT_TUNNEL_ACCESS_TOKEN': answer['sourceAccessToken']})
        proxy.expect('Listening')
        # Whoever connects before the device is there is refused, and tries again.
        while True:
            try:
                self.ssh('-p', str(port), '127.0.0.1')
                break
            except RuntimeError:
                time.sleep(0.1)
        first = time.monotonic() - started
        second = self.ssh('-p', str(port), '127.0.0.1')
        self.end_child(proxy)
        self.ask_emulator('CloseTunnel', tunnelId=answer['tunnelId'])
        return first, second

    def idle(self, seconds):
        """Of the service, with a tunnel that is up and unused."""
        self.ssh(HOST)
        time.sleep(REST)
        pid = self.operator_pid()
        before, cpu = figures.switches_of(pid), figures.cpu(pid)
        time.sleep(seconds)
        wakeups = figures.wakeups_between(before, figures.switches_of(pid))
        return {'RSS MiB': round(figures.memory(pid), 1), 'wake-ups a minute': round(60 * wakeups / seconds, 1),
                'CPU s': round(figures.cpu(pid) - cpu, 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--repeat', type=int, default=5)
    parser.add_argument('--idle', type=int, default=60, help='seconds')
    args = parser.parse_args()

    if not shutil.which('aws'):
        sys.exit('bench-operator: needs the AWS CLI')
    times = {}
    rig = Bench()
    rig.operator_arguments = ('--linger', '600', '--idle-timeout', '600')
    rig.setUp()
    try:
        for _ in range(args.repeat):
            for name, seconds in (('no tunnel', [rig.ssh('-p', str(rig.sshd), '127.0.0.1')]),
                                  ('by name', rig.by_name()),
                                  ('AWS CLI and a proxy', rig.by_hand())):
                for which, one in zip(('first', 'second'), seconds):
                    times.setdefault(f'{name}, {which}', []).append(one)
        for name, all_of_them in times.items():
            print(f'{name:28} median {statistics.median(all_of_them):.2f} s '
                  f'({min(all_of_them):.2f} to {max(all_of_them):.2f})')
        print('service, idle               ', json.dumps(rig.idle(args.idle)))
    finally:
        rig.tearDown()
        rig.doCleanups()


if __name__ == '__main__':
    main()
