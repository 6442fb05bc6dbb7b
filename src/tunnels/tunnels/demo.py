# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Tunnels without AWS: a service and a device on this machine, while this program runs."""

import json
import os
from gettext import gettext as _

import tunnels
from gi.repository import Gio, GLib

from . import profiles

PROFILE = 'libist-demo'
REGION = 'us-east-1'
# What the emulator wants to see are keys; it has no secret to compare them with.
KEYS = {'aws_access_key_id': 'AKIADEMODEMODEMODEMO', 'aws_secret_access_key': 'demo'}


class Demo:
    """ended() when it has without being stopped."""

    def __init__(self, accounts, devices, ended):
        self.accounts = accounts
        self.devices = devices
        self.ended = ended
        self.process = None
        self.device = None
        # Of a program that could not say farewell.
        self._remove_profile()

    def start(self, done):
        """done(device, problem) once, of which one is None."""
        if self.device:
            done(self.device, None)
            return
        if self.process:
            # It is about to be there.
            return
        folder = os.path.join(GLib.get_user_data_dir(), 'tunnels', 'demo')
        command = os.path.join(tunnels.LIBEXECDIR, 'tunnels-demo')
        try:
            self.process = Gio.Subprocess.new([command, folder], Gio.SubprocessFlags.STDIN_PIPE
                                              | Gio.SubprocessFlags.STDOUT_PIPE)
        except GLib.Error as error:
            done(None, error.message)
            return
        lines = Gio.DataInputStream.new(self.process.get_stdout_pipe())
        lines.read_line_async(GLib.PRIORITY_DEFAULT, None, self._on_ready, done)

    def _on_ready(self, lines, result, done):
        try:
            line, _length = lines.read_line_finish_utf8(result)
            told = json.loads(line or '')
            profiles.add(PROFILE, {'region': REGION, **KEYS})
        except (GLib.Error, OSError, UnicodeError, ValueError) as error:
            self.stop()
            done(None, _('The demonstration could not be started: is the emulator (ist-emulator) installed? %s') % error)
            return
        account = self.accounts.add_for_now(
            name=_('Demonstration on this computer'), profile=PROFILE, region=REGION,
            endpoint_url=told['endpoint-url'], ca_file=told['ca-file'])
        self.device = self.devices.add(account.id, told['thing'])
        self.device.ssh_config = told['ssh-config']
        self.devices.touch(self.device)
        self.process.wait_async(None, self._on_ended)
        done(self.device, None)

    def _on_ended(self, process, result):
        process.wait_finish(result)
        if process is self.process:
            self.stop()
            self.ended()

    def stop(self):
        """Nothing of it is left, but its keys for the next time."""
        if self.device:
            # While there is somebody who can: the session service would go on trying.
            self.devices.operator.close_tunnels_now(self.devices.tunnels_of(self.device))
        if self.process:
            # Its own end of the pipe tells it.
            self.process.get_stdin_pipe().close(None)
            self.process = None
        if self.device:
            self.devices.forget(self.device)
            self.device = None
            self._remove_profile()

    @staticmethod
    def _remove_profile():
        try:
            profiles.remove(PROFILE)
        except (OSError, UnicodeError) as error:
            print(f'tunnels: the profile {PROFILE} may still be in {profiles.config_path()}: {error}')
