# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A desktop for programs with windows: a display that nobody sees, a session bus, the eyes and hands of a screen
reader, and a keyboard."""

import json
import os
import pathlib
import subprocess

from child import require, run
from waiting import wait_until

READER = pathlib.Path(__file__).with_name('screen-reader.py')
ACCESSIBILITY = '/usr/libexec/at-spi-bus-launcher'


class Desktop:
    """Belongs to a case, and ends with its children."""

    def __init__(self, case, bus=None, size='1024x768'):
        """@bus: the address of a session bus with a folder “services” of the case; None for one of its own."""
        require('Xvfb', 'dbus-daemon', ACCESSIBILITY)
        self.case = case
        reading, writing = os.pipe()
        self.display = case.spawn('display', ['Xvfb', '-displayfd', str(writing), '-screen', '0', f'{size}x24',
                                              '-nolisten', 'tcp'], pass_fds=[writing])
        os.close(writing)
        with open(reading, encoding='ascii') as pipe:
            number = pipe.readline().strip()
        run_folder = case.folder / 'run'
        run_folder.mkdir(mode=0o700, exist_ok=True)
        address = bus or f'unix:path={run_folder}/bus'
        self.env = {'DISPLAY': f':{number}', 'GDK_BACKEND': 'x11', 'GSK_RENDERER': 'cairo',
                    'DBUS_SESSION_BUS_ADDRESS': address, 'XDG_RUNTIME_DIR': str(run_folder),
                    'HOME': str(case.folder), 'XAUTHORITY': '/dev/null'}
        if bus:
            case.write('services/org.a11y.Bus.service', f'[D-BUS Service]\nName=org.a11y.Bus\nExec={ACCESSIBILITY}\n')
        else:
            self.bus = case.spawn('session-bus', ['dbus-daemon', '--session', '--nofork', f'--address={address}'],
                                  self.env)
            self.bus.wait_until((run_folder / 'bus').exists, 'its socket')
        self._reader = None

    def ask(self, program, deed, **more):
        if not self._reader:
            self._reader = self.case.spawn('reader', [os.environ['IST_PYTHON'], READER], self.env,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._reader.stdin.write(json.dumps({'do': deed, 'program': program, **more}).encode() + b'\n')
        self._reader.stdin.flush()
        return json.loads(self._reader.read_line())

    def read(self, program):
        """What a screen reader would find of a program: (role, name) of everything in its windows, in order."""
        return [tuple(pair) for pair in self.ask(program, 'read') or ()]

    def wait_for(self, program, role, name):
        """Until the screen reader finds that; @name: a string, or a function that tells by it."""
        is_it = name if callable(name) else lambda found: found == name
        return wait_until(lambda: next((found for found in self.read(program) if found[0] == role and is_it(found[1])),
                                       None), f'{role} {name}')

    def wait_for_none(self, program, role, name):
        """Until the screen reader does not find that any more."""
        wait_until(lambda: (role, name) not in self.read(program), f'no {role} {name}')

    def press(self, program, role, name):
        wait_until(lambda: self.ask(program, 'press', role=role, name=name), f'{role} {name} to press')

    def write(self, program, name, text, role='text'):
        wait_until(lambda: self.ask(program, 'write', role=role, name=name, text=text), f'{role} {name} to write into')

    # The keyboard. There is no window manager: a window has it only when somebody gives it.

    def _keyboard(self, *words):
        run('xdotool', *words, env={**os.environ, **self.env})

    def focus(self, title):
        require('xdotool')
        self._keyboard('search', '--sync', '--onlyvisible', '--name', title, 'windowfocus', '--sync')

    def click(self, title, x, y, button, times=1):
        # What is there is looked at when the pointer comes.
        self._keyboard('search', '--sync', '--onlyvisible', '--name', title,
                       'mousemove', '--window', '%1', str(x + 20), str(y + 20), 'sleep', '0.2',
                       'mousemove', '--window', '%1', str(x), str(y), 'sleep', '0.2',
                       'click', '--repeat', str(times), str(button))

    def type(self, text):
        self._keyboard('type', '--delay', '20', text)

    def key(self, *names):
        self._keyboard('key', *names)
