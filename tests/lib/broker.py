# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""mosquitto, Debian's MQTT broker."""

import os
import pathlib
import pwd
import shutil

from child import Child, require
from sockets import free_port, is_listening

# Debian keeps daemons out of users' paths.
MOSQUITTO = shutil.which('mosquitto') or '/usr/sbin/mosquitto'


class Mosquitto:
    """On a free port, with further lines of its configuration."""

    def __init__(self, folder, before=(), after=()):
        """@before: what comes before its listener, @after: what is said of that."""
        require(MOSQUITTO, 'mosquitto_pub')
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.port = free_port()
        lines = [f'user {pwd.getpwuid(0).pw_name}'] if os.getuid() == 0 else []
        self.config = self.folder / 'broker.conf'
        self.config.write_text('\n'.join([*lines, *before, f'listener {self.port} 127.0.0.1', *after, '']))
        self.process = None

    @property
    def address(self):
        return f'localhost:{self.port}'

    def start(self):
        self.process = Child('mosquitto', [MOSQUITTO, '-v', '-c', self.config], self.folder / 'broker.log')
        self.process.wait_until(lambda: is_listening(self.port), 'its port')

    def stop(self, kill=False):
        if self.process is None:
            return
        if kill:
            self.process.kill()
        self.process.end()
        self.process = None
