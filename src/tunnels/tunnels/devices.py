# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Accounts, and the devices that somebody has used or marked, as they are kept in the settings."""

import time
import uuid

from gi.repository import Gio, GLib, GObject

# How many are remembered of those that nobody has marked.
RECENT = 20

# What a device's services are called where nobody has said otherwise.
SERVICES = {'terminal': 'SSH', 'web': 'HTTP', 'vnc': 'VNC', 'rdp': 'RDP'}


class Account(GObject.Object):
    """Where tunnels are opened: a profile of the AWS tools, and what is to be different from it."""

    __gtype_name__ = 'TunnelsAccount'

    id = GObject.Property(type=str, default='')
    name = GObject.Property(type=str, default='')
    profile = GObject.Property(type=str, default='')
    region = GObject.Property(type=str, default='')
    endpoint_url = GObject.Property(type=str, default='')
    ca_file = GObject.Property(type=str, default='')

    KEPT = ('id', 'name', 'profile', 'region', 'endpoint_url', 'ca_file')
    # What the session service and istctl call them.
    OPTIONS = {'profile': 'profile', 'region': 'region', 'endpoint_url': 'endpoint-url', 'ca_file': 'ca-file'}

    def chosen(self):
        """What differs from what the AWS tools would take, by its name in options."""
        return {option: value for name, option in self.OPTIONS.items() if (value := getattr(self, name))}

    def options(self):
        return {option: GLib.Variant('s', value) for option, value in self.chosen().items()}

    def has(self, remote):
        """Whether a tunnel or a forward is in this account, as far as the service tells."""
        return ((self.profile or 'default') == (remote.profile or 'default')
                and (not self.region or self.region == remote.region))


class Device(GObject.Object):
    __gtype_name__ = 'TunnelsDevice'

    account = GObject.Property(type=str, default='')
    thing = GObject.Property(type=str, default='')
    user = GObject.Property(type=str, default='')
    favourite = GObject.Property(type=bool, default=False)
    used = GObject.Property(type=GObject.TYPE_INT64)
    terminal = GObject.Property(type=str, default=SERVICES['terminal'])
    web = GObject.Property(type=str, default=SERVICES['web'])
    vnc = GObject.Property(type=str, default=SERVICES['vnc'])
    rdp = GObject.Property(type=str, default=SERVICES['rdp'])
    # Of the moment. The file is one of ssh's, in place of the user's own.
    ssh_config = GObject.Property(type=str, default='')
    tunnels = GObject.Property(type=GObject.TYPE_UINT)
    state = GObject.Property(type=str, default='')

    KEPT = ('account', 'thing', 'user', 'favourite', 'used', 'terminal', 'web', 'vnc', 'rdp')

    @property
    def key(self):
        return self.account, self.thing


def _pack(thing):
    values = {}
    for name in thing.KEPT:
        value = getattr(thing, name)
        kind = {bool: 'b', int: 'x', str: 's'}[type(value)]
        values[name] = GLib.Variant(kind, value)
    return values


def _load(kind, values):
    """Whatever is in the settings, of this version or of another."""
    made = kind()
    for name in kind.KEPT:
        if type(value := values.get(name)) is type(getattr(made, name)):
            setattr(made, name, value)
    return made


class Accounts:
    """There is always one, to begin with that of the AWS tools."""

    def __init__(self, settings):
        self.settings = settings
        self.model = Gio.ListStore(item_type=Account)
        for values in settings.get_value('accounts').unpack():
            self.model.append(_load(Account, values))
        if not self.model:
            self.model.append(Account())
        # Those that are not kept.
        self._others = {}

    def save(self):
        self.settings.set_value('accounts', GLib.Variant('aa{sv}', [_pack(account) for account in self.model]))

    def add(self, **values):
        account = Account(id=uuid.uuid4().hex[:8], **values)
        self.model.append(account)
        self.save()
        return account

    def add_for_now(self, **values):
        """One that is not kept, as where other programs have opened something."""
        ident = f'{values["profile"]}@{values["region"]}'
        account = self._others.setdefault(ident, Account(id=ident))
        for name, value in values.items():
            setattr(account, name, value)
        return account

    def remove(self, account):
        """The last one stays."""
        found, position = self.model.find(account)
        if found and len(self.model) > 1:
            self.model.remove(position)
            self.save()

    def everyone(self):
        """Also those that are not kept, at the end."""
        return [*self.model, *self._others.values()]

    def is_for_now(self, ident):
        return ident in self._others

    def get(self, ident):
        """The first where there is none of that name any more."""
        return self._others.get(ident) or next((account for account in self.model if account.id == ident),
                                               self.model[0])

    def find(self, remote):
        """Where a tunnel or a forward is, which may be an account that nobody has named here."""
        for account in self.everyone():
            if account.has(remote):
                return account
        return self.add_for_now(name=remote.profile, profile=remote.profile, region=remote.region)


class Devices:
    """Those that are kept, and those that have a tunnel now, whoever has opened it."""

    def __init__(self, settings, accounts, operator):
        self.settings = settings
        self.accounts = accounts
        self.operator = operator
        self.model = Gio.ListStore(item_type=Device)
        for values in settings.get_value('devices').unpack():
            if (device := _load(Device, values)).thing and not self.get(device.account, device.thing):
                self.model.append(device)
        self._watched = {}
        self._changed = []
        operator.tunnels.connect('items-changed', lambda *_: self._on_tunnels())
        self._on_tunnels()

    def get(self, account, thing):
        return next((device for device in self.model if device.key == (account, thing)), None)

    def add(self, account, thing):
        """One that may be there already."""
        device = self.get(account, thing)
        if not device:
            device = Device(account=account, thing=thing)
            self.model.append(device)
        return device

    def touch(self, device):
        """It is used now."""
        device.used = int(time.time())
        self.save()

    def forget(self, device):
        device.used = 0
        device.favourite = False
        self._drop_unused()
        self.save()

    def save(self):
        kept = [device for device in self.model if (device.favourite or device.used)
                and not self.accounts.is_for_now(device.account)]
        recent = sorted((device for device in kept if not device.favourite), key=lambda device: -device.used)
        for device in recent[RECENT:]:
            kept.remove(device)
        self.settings.set_value('devices', GLib.Variant('aa{sv}', [_pack(device) for device in kept]))

    def of(self, remote):
        """Whose tunnel or forward that is."""
        return self.add(self.accounts.find(remote).id, remote.thing)

    def tunnels_of(self, device):
        account = self.accounts.get(device.account)
        return [tunnel for tunnel in self.operator.tunnels if tunnel.thing == device.thing and account.has(tunnel)]

    def connect_changed(self, told):
        """told() when tunnels have come or gone, or are in another state."""
        self._changed.append(told)

    def _on_tunnels(self):
        now = {tunnel: self._watched.get(tunnel) or tunnel.connect('notify::state', lambda *_: self._count())
               for tunnel in self.operator.tunnels}
        for tunnel, handler in self._watched.items():
            if tunnel not in now:
                tunnel.disconnect(handler)
        self._watched = now
        for tunnel in now:
            self.of(tunnel)
        self._count()
        self._drop_unused()

    def _count(self):
        for device in self.model:
            tunnels = self.tunnels_of(device)
            device.tunnels = len(tunnels)
            device.state = next((tunnel.state for tunnel in tunnels if tunnel.is_connected),
                                tunnels[0].state if tunnels else '')
        for told in self._changed:
            told()

    def _drop_unused(self):
        for position in reversed(range(len(self.model))):
            device = self.model[position]
            if not (device.tunnels or device.favourite or device.used):
                self.model.remove(position)
