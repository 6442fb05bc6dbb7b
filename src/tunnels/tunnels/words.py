# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What people read: figures with their units, states, and what to do about errors."""

import time
from gettext import gettext as _
from gettext import ngettext

from gi.repository import GLib

STATES = {
    'looking': _('Looking for a tunnel'),
    'opening': _('Opening a tunnel'),
    'waiting': _('Waiting for the device'),
    'connecting': _('Connecting to the tunnel'),
    'connected': _('Connected'),
    'closing': _('Closing'),
    'closed': _('Closed'),
}

# The way out, by the code of what went wrong. What went wrong itself, the service has said.
WAYS_OUT = {
    'NoCredentials': _('Add keys to the account in the preferences, or sign in with the AWS command line.'),
    'CredentialsExpired': _('Sign in again with the AWS command line, then try again.'),
    'AccessDenied': _('Ask whoever runs the account for the permission to open tunnels.'),
    'NoRegion': _('Choose a region for the account in the preferences.'),
    'NotFound': _('Look at the name of the device, and at the region of the account.'),
    'LimitExceeded': _('Close tunnels that nobody needs, then try again.'),
    'Unreachable': _('Look at the network, then try again.'),
    'DeviceNotConnected': _('Look whether the device is on, and whether its agent runs.'),
    'org.freedesktop.DBus.Error.UnknownMethod':
        _('Log out and in again: the session service that runs is older than this program.'),
    'ServiceNotAvailable': _('Look at the names of services in the settings of the device.'),
}


def state(name):
    return STATES.get(name, name)


def way_out(code):
    return WAYS_OUT.get(code, '')


def account(which):
    return which.name or which.profile or _('AWS Tools')


def size(number):
    return GLib.format_size(int(number))


def rate(number):
    """Of bytes a second."""
    # Translators: a rate, as in 12.3 kB/s.
    return _('%s/s') % size(number)


def span(seconds):
    """A time that is left, by its two greatest units."""
    minutes = max(0, int(seconds)) // 60
    hours, rest = divmod(minutes, 60)
    if hours:
        # Translators: hours and minutes.
        return _('{hours} h {minutes} min').format(hours=hours, minutes=rest)
    if minutes:
        return _('{minutes} min').format(minutes=minutes)
    return _('less than a minute')


def time_left(expires_at):
    """@expires_at: in microseconds since 1970."""
    return span(expires_at / 1e6 - time.time())


def round_trip(microseconds):
    if not microseconds:
        return _('unknown')
    # Translators: milliseconds.
    return _('%s ms') % f'{microseconds / 1000:.{0 if microseconds >= 10_000 else 1}f}'


def connections(number):
    return ngettext('%d connection', '%d connections', number) % number


def open_tunnels(number):
    return ngettext('%d tunnel', '%d tunnels', number) % number
