# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A desktop for programs with windows: a display that nobody sees, a session bus, and the eyes of a screen reader."""

import json
import os
import pathlib
import subprocess

from child import require, run
from waiting import PATIENCE

READER = pathlib.Path(__file__).with_name('screen-reader.py')


class Desktop:
    """Belongs to a case, and ends with its children."""

    def __init__(self, case):
        require('Xvfb', 'dbus-daemon', '/usr/libexec/at-spi-bus-launcher')
        reading, writing = os.pipe()
        self.display = case.spawn('display', ['Xvfb', '-displayfd', str(writing), '-screen', '0', '1024x768x24',
                                              '-nolisten', 'tcp'], pass_fds=[writing])
        os.close(writing)
        with open(reading, encoding='ascii') as pipe:
            number = pipe.readline().strip()
        run_folder = case.folder / 'run'
        run_folder.mkdir(mode=0o700)
        address = f'unix:path={run_folder}/bus'
        self.env = {'DISPLAY': f':{number}', 'GDK_BACKEND': 'x11', 'GSK_RENDERER': 'cairo',
                    'DBUS_SESSION_BUS_ADDRESS': address, 'XDG_RUNTIME_DIR': str(run_folder),
                    'HOME': str(case.folder), 'XAUTHORITY': '/dev/null'}
        self.bus = case.spawn('session-bus', ['dbus-daemon', '--session', '--nofork', f'--address={address}'], self.env)
        self.bus.wait_until((run_folder / 'bus').exists, 'its socket')

    def read(self, program):
        """What a screen reader would find of a program: (role, name) of everything in its windows, in order."""
        words = run(os.environ['IST_PYTHON'], READER, program, env={**os.environ, **self.env}, patience=PATIENCE)
        return [tuple(pair) for pair in json.loads(words)]
