# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""gnome-keyring, on a session bus of the test."""

import os
import subprocess

from child import require

OWNED = ('gdbus', 'call', '--session', '--dest=org.freedesktop.DBus', '--object-path=/org/freedesktop/DBus',
         '--method=org.freedesktop.DBus.NameHasOwner', 'org.freedesktop.secrets')


def start_keyring(case, env):
    """Unlocked, so that nobody is asked for a password."""
    require('gnome-keyring-daemon', 'gdbus')
    keyring = case.spawn('keyring', ['gnome-keyring-daemon', '--foreground', '--components=secrets', '--unlock'], env,
                         stdin=subprocess.PIPE)
    keyring.stdin.write(b'the password')
    keyring.stdin.close()
    keyring.wait_until(lambda: subprocess.run(OWNED, env={**os.environ, **env}, stdout=subprocess.PIPE,
                                              check=True).stdout == b'(true,)\n', 'its place on the bus')
    return keyring
