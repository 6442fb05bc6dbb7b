#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""asyncssh through a tunnel to a real sshd, with no port at the side of the client."""

import os
import pwd
import unittest

import programs
import tap
import tunnels
from aio import live
from gi.repository import Ist
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


if __name__ == '__main__':
    tap.main()
