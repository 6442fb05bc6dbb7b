# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Accounts, the terminal, and how long tunnels stay."""

import os
from gettext import gettext as _

from gi.repository import Adw, Gio, GObject, Gtk

from . import RESOURCES, dialogs, profiles
from .accessible import mend

COLOURS = ('desktop', 'light', 'dark')
KEYS_GO = _('Keys that were typed in here are taken out of the keyring, and their profile goes.')


@Gtk.Template(resource_path=RESOURCES + '/preferences.ui')
class Preferences(Adw.PreferencesWindow):
    __gtype_name__ = 'TunnelsPreferences'

    accounts_group = Gtk.Template.Child()
    add_button = Gtk.Template.Child()
    colours_row = Gtk.Template.Child()
    font_button = Gtk.Template.Child()
    scrollback_button = Gtk.Template.Child()
    bell_switch = Gtk.Template.Child()
    linger_button = Gtk.Template.Child()
    warning_button = Gtk.Template.Child()

    def __init__(self, accounts, settings, **properties):
        super().__init__(**properties)
        self.accounts = accounts
        self._rows = []
        flags = Gio.SettingsBindFlags.DEFAULT
        settings.bind('terminal-font', self.font_button, 'font', flags)
        settings.bind('terminal-scrollback', self.scrollback_button, 'value', flags)
        settings.bind('terminal-bell', self.bell_switch, 'active', flags)
        settings.bind('linger', self.linger_button, 'value', flags)
        settings.bind('expiry-warning', self.warning_button, 'value', flags)
        self.colours_row.set_selected(COLOURS.index(settings.get_string('terminal-colours')))
        self.colours_row.connect('notify::selected', lambda row, _param: settings.set_string(
            'terminal-colours', COLOURS[row.get_selected()]))
        self.add_button.connect('clicked', lambda _button: self._edit(None))
        handler = accounts.model.connect('items-changed', lambda *_: self._show_accounts())
        self.connect('unrealize', lambda _self: accounts.model.disconnect(handler))
        mend(self)
        self._show_accounts()

    def _edit(self, account):
        window = AccountWindow(self, self.accounts, account)
        window.connect('unrealize', lambda _window: self._show_accounts())
        window.present()

    def _show_accounts(self):
        for row in self._rows:
            self.accounts_group.remove(row)
        self._rows = []
        for account in self.accounts.model:
            row = Adw.ActionRow(activatable=True, use_markup=False)
            account.bind_property('name', row, 'title', GObject.BindingFlags.SYNC_CREATE,
                                  lambda _binding, name, account=account: name or account.profile or _('AWS tools'))
            account.bind_property('region', row, 'subtitle', GObject.BindingFlags.SYNC_CREATE)
            row.add_suffix(Gtk.Image(icon_name='go-next-symbolic'))
            row.connect('activated', lambda _row, account=account: self._edit(account))
            self.accounts_group.add(mend(row))
            self._rows.append(row)


@Gtk.Template(resource_path=RESOURCES + '/account.ui')
class AccountWindow(Adw.Window):
    """One account; changes nothing before somebody says so."""

    __gtype_name__ = 'TunnelsAccountWindow'

    name_row = Gtk.Template.Child()
    profile_row = Gtk.Template.Child()
    region_row = Gtk.Template.Child()
    endpoint_row = Gtk.Template.Child()
    ca_row = Gtk.Template.Child()
    key_id_row = Gtk.Template.Child()
    secret_row = Gtk.Template.Child()
    fault_label = Gtk.Template.Child()
    save_button = Gtk.Template.Child()
    cancel_button = Gtk.Template.Child()
    remove_button = Gtk.Template.Child()

    def __init__(self, parent, accounts, account):
        super().__init__(transient_for=parent, modal=True)
        self.accounts = accounts
        self.account = account
        self._storing = None
        self.rows = {'name': self.name_row, 'region': self.region_row, 'endpoint_url': self.endpoint_row,
                     'ca_file': self.ca_row, 'profile': self.profile_row}
        for name, row in self.rows.items():
            row.set_text(getattr(account, name) if account else '')
            row.connect('changed', lambda _row: self._check())
        for row in (self.key_id_row, self.secret_row):
            row.connect('changed', lambda _row: self._check())
        # There is always one.
        self._is_last = accounts.model.get_n_items() == 1
        self.remove_button.set_visible(bool(account) and (not self._is_last or profiles.is_own(account.profile)))
        if self._is_last:
            self.remove_button.set_label(_('_Remove Keys'))
        self.save_button.connect('clicked', lambda _button: self._save())
        self.cancel_button.connect('clicked', lambda _button: self.close())
        self.remove_button.connect('clicked', lambda _button: self._remove())
        self.connect('close-request', lambda _self: self._on_close_request())
        mend(self)
        self._check()

    def _fault(self):
        """What is wrong with what was typed, and what would be right."""
        endpoint, ca_file = self.endpoint_row.get_text().strip(), self.ca_row.get_text().strip()
        key_id, secret = self.key_id_row.get_text().strip(), self.secret_row.get_text().strip()
        if endpoint and not endpoint.startswith(('https://', 'http://')):
            return _('The endpoint has to begin with https://')
        if ca_file and not os.path.isabs(ca_file):
            return _('The file with authorities has to begin with /')
        if bool(key_id) != bool(secret):
            return _('A key has an id and a secret.')
        if key_id and not self.profile_row.get_text().strip():
            return _('Keys need a profile, by whose name other programs find them.')
        profile = self.profile_row.get_text().strip()
        try:
            if key_id and not profiles.is_own(profile) and profiles.exists(profile):
                return _('The AWS tools have a profile of that name already. Leave out the keys, or choose another '
                         'name.')
        except ValueError as error:
            return str(error)
        return ''

    def _show_fault(self, fault):
        self.fault_label.set_label(fault)
        self.fault_label.set_visible(bool(fault))

    def _check(self):
        fault = self._fault()
        self._show_fault(fault)
        self.save_button.set_sensitive(not fault)

    def _save(self):
        values = {name: row.get_text().strip() for name, row in self.rows.items()}
        before = self.account.profile if self.account else ''
        if before != values['profile'] and profiles.is_own(before) and not self._is_shared(before):
            # They can't be typed in again by somebody who has not kept them.
            dialogs.confirm(self, _('Remove the Keys?'), KEYS_GO, _('_Remove'), lambda: self._store(values))
        else:
            self._store(values)

    def _store(self, values):
        key_id, secret = self.key_id_row.get_text().strip(), self.secret_row.get_text().strip()
        if not key_id:
            self._keep(values)
            return

        def on_stored(problem):
            self._set_storing(None)
            if problem:
                self._show_fault(problem)
            else:
                self._keep(values)
        # The keyring may ask for its password.
        self._set_storing(Gio.Cancellable())
        profiles.store_keys(values['profile'], values['region'], key_id, secret, self._storing, on_stored)

    def _set_storing(self, cancellable):
        self._storing = cancellable
        for widget in (*self.rows.values(), self.key_id_row, self.secret_row, self.save_button, self.remove_button):
            widget.set_sensitive(not cancellable)
        self.save_button.set_label(_('_Saving…') if cancellable else _('_Save'))

    def _on_close_request(self):
        if self._storing:
            self._storing.cancel()

    def _keep(self, values):
        before = self.account.profile if self.account else ''
        if self.account:
            for name, value in values.items():
                setattr(self.account, name, value)
            self.accounts.save()
        else:
            self.accounts.add(**values)
        self._forget_keys(before)

    def _is_shared(self, profile):
        return any(account.profile == profile for account in self.accounts.model if account is not self.account)

    def _forget_keys(self, profile):
        """Of an account that does without them now."""
        def on_forgotten(problem):
            if problem:
                dialogs.tell(self.get_transient_for(), _('Not All of the Account Is Removed'), problem)
            self.close()
        if profile and all(account.profile != profile for account in self.accounts.model):
            profiles.forget_keys(profile, on_forgotten)
        else:
            self.close()

    def _remove(self):
        if self._is_last:
            dialogs.confirm(self, _('Remove the Keys?'), KEYS_GO, _('_Remove'), self._remove_now)
        else:
            dialogs.confirm(self, _('Remove the Account?'), KEYS_GO + ' ' + _('Its devices are forgotten.'), _('_Remove'),
                            self._remove_now)

    def _remove_now(self):
        profile = self.account.profile
        if self._is_last:
            self.account.profile = ''
            self.accounts.save()
        else:
            self.accounts.remove(self.account)
        self._forget_keys(profile)
