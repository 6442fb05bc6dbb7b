# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Accounts, and the devices that somebody has used or marked, as they are kept in the settings."""

import os
import time
import types
import uuid

from gi.repository import Gio, GLib, GObject

# How many are remembered of those that nobody has marked, or said anything of.
RECENT = 20

# What a device's services are called where nobody has said otherwise.
SERVICES = {'terminal': 'SSH', 'web': 'HTTP', 'vnc': 'VNC', 'rdp': 'RDP'}


def profile_of_environment():
    """What the AWS tools take in this session. The session service may know another one, or none, so it is told."""
    return os.environ.get('AWS_DEFAULT_PROFILE') or os.environ.get('AWS_PROFILE') or ''


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

    @property
    def actual_profile(self):
        return self.profile or profile_of_environment()

    def chosen(self):
        """What differs from what the AWS tools would take, by its name in options."""
        values = {option: getattr(self, name) for name, option in self.OPTIONS.items()}
        values['profile'] = self.actual_profile
        return {option: value for option, value in values.items() if value}

    def options(self):
        return {option: GLib.Variant('s', value) for option, value in self.chosen().items()}

    def has(self, remote):
        """Whether a tunnel or a forward is in this account, as far as the service tells."""
        return ((self.actual_profile or 'default') == (remote.profile or 'default')
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
    forwards = GObject.Property(type=GObject.TYPE_UINT)
    state = GObject.Property(type=str, default='')

    # What somebody has said of it.
    SET = {'user': '', 'favourite': False, **SERVICES}
    KEPT = ('account', 'thing', 'used', *SET)

    @property
    def key(self):
        return self.account, self.thing

    @property
    def is_set(self):
        return any(getattr(self, name) != usual for name, usual in self.SET.items())

    def copy_kept(self):
        """What forgetting it takes away."""
        return {name: getattr(self, name) for name in ('used', *self.SET)}


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
        self._changed = []

    def connect_changed(self, told):
        """told() when accounts have gone, or are about something else."""
        self._changed.append(told)

    def save(self):
        self._save()
        for told in self._changed:
            told()

    def _save(self):
        self.settings.set_value('accounts', GLib.Variant('aa{sv}', [_pack(account) for account in self.model]))

    def add(self, **values):
        account = Account(id=self._make_id(), **values)
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

    def keep(self, ident):
        """One of those, which is about to be of use for longer, and may become about something else."""
        account = self._others.pop(ident)
        account.id = self._make_id()
        self.model.append(account)
        self._save()
        return account

    @staticmethod
    def _make_id():
        return uuid.uuid4().hex[:8]

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
        """None where there is none of that name any more."""
        return next((account for account in self.everyone() if account.id == ident), None)

    def recall(self, ident):
        """Likewise, of one that may not have been kept since somebody was told of it: its name tells what it was."""
        profile, found, region = ident.rpartition('@')
        return self.get(ident) or (self.find(types.SimpleNamespace(profile=profile, region=region)) if found else None)

    def has(self, ident, remote):
        """Whether a tunnel or a forward is in an account. Several may have it, one for now only if no other does."""
        account = self.get(ident)
        return bool(account) and account.has(remote) and (not self.is_for_now(ident) or self.find(remote) is account)

    def find(self, remote):
        """Where a tunnel or a forward is, which may be an account that nobody has named here."""
        for account in self.everyone():
            if account.has(remote):
                return account
        return self.add_for_now(name=remote.profile, profile=remote.profile, region=remote.region)


class Devices:
    """Those that are kept, and those that have a tunnel or a port now, whoever has opened it."""

    def __init__(self, settings, accounts, operator):
        self.settings = settings
        self.accounts = accounts
        self.operator = operator
        self.model = Gio.ListStore(item_type=Device)
        for values in settings.get_value('devices').unpack():
            if ((device := _load(Device, values)).thing and accounts.get(device.account)
                    and not self.get(device.account, device.thing)):
                self.model.append(device)
        self._watched = {}
        self._changed = []
        for remotes in (operator.tunnels, operator.forwards):
            remotes.connect('items-changed', lambda *_: self._on_remotes())
        accounts.connect_changed(self._on_accounts)
        self._on_remotes()

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
        """Also what was set for it."""
        device.used = 0
        for name, usual in device.SET.items():
            setattr(device, name, usual)
        self._drop_unused()
        self.save()

    def save(self):
        kept = []
        for device in self.model:
            # Where somebody has set something, the account is no more one for now; but that of a demonstration is.
            if device.is_set and self.accounts.is_for_now(device.account) and not device.ssh_config:
                self._move(device.account, self.accounts.keep(device.account))
            if (device.used or device.is_set) and not self.accounts.is_for_now(device.account):
                kept.append(device)
        for device in sorted((device for device in kept if not device.is_set), key=lambda device: -device.used)[RECENT:]:
            kept.remove(device)
        self.settings.set_value('devices', GLib.Variant('aa{sv}', [_pack(device) for device in kept]))

    def _move(self, ident, account):
        """All devices of an account into another, or out of the way of those that it has."""
        for position in reversed(range(len(self.model))):
            device = self.model[position]
            if device.account == ident:
                if self.get(account.id, device.thing):
                    self.model.remove(position)
                else:
                    device.account = account.id

    def tunnels_of(self, device):
        return self._of(device, self.operator.tunnels)

    def forwards_of(self, device):
        return self._of(device, self.operator.forwards)

    def _of(self, device, remotes):
        return [remote for remote in remotes if remote.thing == device.thing
                and self.accounts.has(device.account, remote)]

    def connect_changed(self, told):
        """told() when tunnels or ports have come or gone, or are in another state or account. What is returned ends
        that."""
        self._changed.append(told)
        return lambda: self._changed.remove(told)

    def _on_accounts(self):
        # What there was of an account for now is in another one that was made for it, or is about it now.
        for ident in {device.account for device in self.model
                      if self.accounts.is_for_now(device.account) and not device.ssh_config}:
            here = self.accounts.get(ident)
            if (account := self.accounts.find(here)) is not here:
                self._move(ident, account)
        for position in reversed(range(len(self.model))):
            if not self.accounts.get(self.model[position].account):
                self.model.remove(position)
        self._on_remotes()
        self.save()

    def _on_remotes(self):
        now = {tunnel: self._watched.get(tunnel) or tunnel.connect('notify::state', lambda *_: self._count())
               for tunnel in self.operator.tunnels}
        for tunnel, handler in self._watched.items():
            if tunnel not in now:
                tunnel.disconnect(handler)
        self._watched = now
        for remote in (*self.operator.tunnels, *self.operator.forwards):
            self.add(self.accounts.find(remote).id, remote.thing)
        self._count()
        self._drop_unused()

    def _count(self):
        for device in self.model:
            tunnels = self.tunnels_of(device)
            device.tunnels = len(tunnels)
            device.forwards = len(self.forwards_of(device))
            device.state = next((tunnel.state for tunnel in tunnels if tunnel.is_connected),
                                tunnels[0].state if tunnels else '')
        for told in list(self._changed):
            told()

    def _drop_unused(self):
        for position in reversed(range(len(self.model))):
            device = self.model[position]
            if not (device.tunnels or device.forwards or device.used or device.is_set):
                self.model.remove(position)
