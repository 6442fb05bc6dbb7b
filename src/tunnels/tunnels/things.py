# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The things of an account, of which one is chosen as a device. AWS is asked for them when this is shown, and not
before."""

from gettext import gettext as _
from gettext import ngettext

from gi.repository import Adw, Gio, GLib, Gtk

from . import RESOURCES, words
from .accessible import mend
from .operator import Thing

# More than that nobody reads; what is searched for is looked for in all of them.
SHOWN = 100


@Gtk.Template(resource_path=RESOURCES + '/things.ui')
class ThingsWindow(Adw.Window):
    """chosen(account, name)"""

    __gtype_name__ = 'TunnelsThingsWindow'

    account_list = Gtk.Template.Child()
    account_row = Gtk.Template.Child()
    search_entry = Gtk.Template.Child()
    stack = Gtk.Template.Child()
    spinner = Gtk.Template.Child()
    list = Gtk.Template.Child()
    rest_label = Gtk.Template.Child()
    error_page = Gtk.Template.Child()
    retry_button = Gtk.Template.Child()

    def __init__(self, parent, accounts, account, operator, chosen):
        super().__init__(transient_for=parent, modal=True)
        self.operator = operator
        self.chosen = chosen
        self._accounts = accounts.everyone()
        # Of the answer that is waited for; others come too late.
        self._asked = 0
        self._is_cut = False
        self._things = Gio.ListStore(item_type=Thing)
        self._filter = Gtk.CustomFilter.new(self._is_wanted)
        self._found = Gtk.FilterListModel(model=self._things, filter=self._filter)
        self._shown = Gtk.SliceListModel(model=self._found, size=SHOWN)
        self.list.bind_model(self._shown, self._make_row)
        self.list.connect('row-activated', lambda _list, row: self._choose(row.get_title()))
        self.search_entry.set_key_capture_widget(self)
        self.search_entry.connect('search-changed', lambda _entry: self._search())
        self.search_entry.connect('activate', lambda _entry: self._choose_first())
        self.search_entry.connect('stop-search', lambda _entry: self.close())
        self.retry_button.connect('clicked', lambda _button: self._ask())
        self.account_list.set_visible(len(self._accounts) > 1)
        self.account_row.set_model(Gtk.StringList.new([words.account(other) for other in self._accounts]))
        self.account_row.set_selected(self._accounts.index(account))
        self.account_row.connect('notify::selected', lambda *_: self._ask())
        self.connect('close-request', lambda _self: self._on_close_request())
        mend(self)
        self._ask()
        self.search_entry.grab_focus()

    def _on_close_request(self):
        self._asked += 1
        return False

    # Asking

    @property
    def _account(self):
        return self._accounts[self.account_row.get_selected()]

    def _ask(self):
        self._asked += 1
        number = self._asked
        self._things.remove_all()
        self._show_page('asking')
        self.operator.list_things(self._account.options(),
                                  lambda value, error: number == self._asked and self._on_answer(value, error))

    def _on_answer(self, value, error):
        if error:
            way_out = (_('Ask whoever runs the account for the permission iot:ListThings, or type the name of the device '
                         'instead.') if error.code == 'AccessDenied' else words.way_out(error.code))
            self.error_page.set_description(GLib.markup_escape_text('\n\n'.join(text for text in (str(error), way_out) if text)))
            self._show_page('error')
            return
        things, self._is_cut = value
        self._things.splice(0, 0, things)
        self._show_list()

    # What is shown

    def _show_page(self, name):
        self.spinner.set_spinning(name == 'asking')
        self.stack.set_visible_child_name(name)
        self.rest_label.set_visible(False)

    def _show_list(self):
        number = self._found.get_n_items()
        if not self._things.get_n_items():
            self._show_page('none')
        elif not number:
            self._show_page('not-found')
        else:
            self._show_page('some')
            self._tell_rest(number - self._shown.get_n_items())

    def _tell_rest(self, number):
        texts = []
        if number:
            texts.append(ngettext('%d more: search for it.', '%d more: search for them.', number) % number)
        if self._is_cut:
            texts.append(_('The account has more things than can be listed here.'))
        self.rest_label.set_label(' '.join(texts))
        self.rest_label.set_visible(bool(texts))

    def _is_wanted(self, thing):
        return thing.has(self.search_entry.get_text().split())

    def _search(self):
        self._filter.changed(Gtk.FilterChange.DIFFERENT)
        # Before there is an answer, or without one, there is nothing to be found.
        if self.stack.get_visible_child_name() in ('some', 'not-found'):
            self._show_list()

    @staticmethod
    def _make_row(thing):
        row = Adw.ActionRow(use_markup=False, title=thing.name, subtitle=thing.kind, activatable=True)
        return mend(row)

    # Choosing

    def _choose_first(self):
        if first := self._shown.get_item(0):
            self._choose(first.name)

    def _choose(self, name):
        account = self._account
        self.close()
        self.chosen(account, name)
