#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""asyncssh through a tunnel to a real sshd, with no port at the side of the client."""

import os
import pathlib
import pwd
import re
import subprocess
import sys
import unittest

import programs
import tap
import tunnels
from aio import live
from gi.repository import Ist
from mainloop import wait_for
from tunnels import DESTINATION, SOURCE

try:
    import asyncssh
except ImportError:
    asyncssh = None


@unittest.skipUnless(asyncssh, 'there is no asyncssh')
class Ssh(programs.Case, tunnels.Case):
    def setUp(self):
        programs.Case.setUp(self)
        tunnels.Case.setUp(self)

    def connect(self, source):
        return asyncssh.connect('SSH', tunnel=source, username=pwd.getpwuid(os.getuid()).pw_name, known_hosts=None,
                                client_keys=[self.path('user_key')], config=None)

    @live
    async def test_commands_and_files(self):
        port = self.start_sshd()
        data = os.urandom(3000000)
        self.write('there', '').write_bytes(data)
        async with self.make(DESTINATION) as destination, self.make(SOURCE) as source:
            forwarder = Ist.Forwarder.new(destination)
            forwarder.set_target('SSH', port)
            async with self.connect(source) as ssh:
                done = await ssh.run('cat; exit 3', input='hello')
                self.assertEqual((done.stdout, done.exit_status), ('hello', 3))
                async with ssh.start_sftp_client() as sftp:
                    await sftp.get(self.path('there'), self.path('here'))
                    await sftp.put(self.path('here'), self.path('back'))
            for name in 'here', 'back':
                self.assertEqual((self.folder / name).read_bytes(), data)
            # Another, and the tunnel ends below it.
            async with self.connect(source) as ssh:
                source.stop()
                with self.assertRaises(asyncssh.Error):
                    await ssh.run('cat', stdin=asyncssh.PIPE)
            forwarder.close()

    def test_document(self):
        """The program of the document does what it says, with a user's keys where ssh has them."""
        document = (pathlib.Path(__file__).resolve().parents[2] / 'doc' / 'python.md').read_text()
        program, = re.findall('^```python\n([^`]*asyncssh[^`]*)^```$', document, re.MULTILINE)
        self.write('program.py', program)
        port = self.start_sshd()
        for name, place in (('user_key', 'id_ed25519'), ('user_key.pub', 'id_ed25519.pub')):
            self.write(f'.ssh/{place}', (self.folder / name).read_text())
        self.write('.ssh/known_hosts', f'* {(self.folder / "host_key.pub").read_text()}')
        with self.make(DESTINATION) as destination, Ist.Forwarder.new(destination) as forwarder:
            forwarder.set_target('SSH', port)
            wait_for(lambda: self.tunnel.is_connected(DESTINATION), 'the destination')
            child = self.spawn('program', [sys.executable, self.path('program.py')], stdout=subprocess.PIPE, env={
                'HOME': str(self.folder), 'AWSIOT_TUNNEL_ACCESS_TOKEN': self.token(SOURCE),
                'AWSIOT_TUNNEL_ENDPOINT': self.settings['endpoint'], 'SSL_CERT_FILE': self.settings['ca_file']})
            wait_for(lambda: child.poll() is not None, 'the end of the program')
        self.assertEqual((child.stdout.read(), child.returncode), (os.uname().sysname.encode() + b'\n', 0), child.log())


if __name__ == '__main__':
    tap.main()
