# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The programs that a device is reached with, and what they are told."""

import os
import re
import shlex
import shutil
from gettext import gettext as _

from gi.repository import Gio, GLib

from . import flatpak

# ssh takes names of hosts that end so for devices (see ssh_config of istctl).
HOST_SUFFIX = '.thing'

# Seconds that ssh has to say what it would do.
PATIENCE = 5

# What to install where nothing opens that.
PROGRAMS = {
    **dict.fromkeys(('vnc', 'rdp'), _('No program is installed that shows screens. GNOME Connections does.')),
    'sftp': _('No program is installed that opens folders of devices. Files does, with gvfs.'),
}


def host(device):
    return device.thing + HOST_SUFFIX


def is_host(device):
    """Whether an address can have it for one: a thing's name may have a colon."""
    return bool(re.fullmatch('[A-Za-z0-9_.-]+', device.thing))


def destination(device):
    return f'{device.user}@{host(device)}' if device.user else host(device)


def proxy_command(device, account, program=('istctl',)):
    """What ssh goes through. Of a name, ssh has %n in it, which is as it was typed: things differ by case."""
    options = [word for name, value in account.chosen().items() for word in (f'--{name}', value)]
    # A word of ours may hold what ssh would take for a token.
    words = [shlex.quote(word).replace('%', '%%') for word in (*program, 'connect', *options)]
    return ' '.join([*words, '"%n"', shlex.quote(device.terminal).replace('%', '%%')])


def _ssh(device, proxy, *options):
    settings = [f'ProxyCommand={proxy}', 'ServerAliveInterval=30', *options]
    return ['ssh', *(['-F', device.ssh_config] if device.ssh_config else []),
            *(word for setting in settings for word in ('-o', setting)), '--', destination(device)]


def ssh_words(device, account):
    options = []
    if flatpak.INSIDE and not device.ssh_config:
        # The user's own file can be read from here, but new keys can't be written into it.
        own = os.path.join(GLib.get_user_data_dir(), 'known_hosts')
        options.append(f'UserKnownHostsFile="{own}" ~/.ssh/known_hosts')
    return _ssh(device, proxy_command(device, account), *options)


def web_uri(device, address):
    """A service that says so in its name is TLS's."""
    scheme = 'https' if device.web.casefold().startswith('https') else 'http'
    return f'{scheme}://{address}/'


def ssh_line(device, account):
    """For a shell."""
    program = flatpak.from_outside('istctl') if flatpak.INSIDE else ['istctl']
    return shlex.join(_ssh(device, proxy_command(device, account, program)))


def ask_ssh(device, done):
    """done(whether ssh by itself, as file managers call it, goes through a tunnel to a device)."""
    if flatpak.INSIDE or not shutil.which('ssh'):
        # The ssh in a Flatpak is not that of file managers.
        done(False)
        return
    try:
        process = Gio.Subprocess.new(['ssh', '-G', '--', host(device)],
                                     Gio.SubprocessFlags.STDOUT_PIPE | Gio.SubprocessFlags.STDERR_SILENCE)
    except GLib.Error:
        done(False)
        return
    # The user's settings may have it run what does not end.
    timer = GLib.timeout_add_seconds(PATIENCE, lambda: process.force_exit() or GLib.SOURCE_CONTINUE)

    def on_output(process, result):
        GLib.source_remove(timer)
        try:
            _good, output, _errors = process.communicate_utf8_finish(result)
        except GLib.Error:
            output = ''
        done(any(line.startswith('proxycommand ') and 'istctl' in line for line in (output or '').splitlines()))
    process.communicate_utf8_async(None, None, on_output)


def files_uri(device, address=None):
    """@address: where its ssh is reached; None for by its name."""
    user = GLib.uri_escape_string(device.user, None, True) + '@' if device.user else ''
    return f'sftp://{user}{address or host(device)}/'


def show(uri, window, done):
    """In the program that the desktop has for it; done(None, or what is wrong)."""
    scheme = uri.partition('://')[0]

    def on_launched(_source, result):
        try:
            Gio.AppInfo.launch_default_for_uri_finish(result)
        except GLib.Error as error:
            done(error.message)
            return
        done(None)
    # A Flatpak does not see them, and asks somebody who does.
    if not flatpak.INSIDE and not Gio.AppInfo.get_default_for_uri_scheme(scheme):
        done(PROGRAMS.get(scheme) or _('No program is installed that opens %s.') % uri)
        return
    context = window.get_display().get_app_launch_context()
    Gio.AppInfo.launch_default_for_uri_async(uri, context, None, on_launched)
