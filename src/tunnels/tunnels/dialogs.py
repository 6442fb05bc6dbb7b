# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What is asked in a window of its own."""

from gettext import gettext as _

from gi.repository import Adw, Gtk

from . import words
from .devices import SERVICES
from .accessible import mend


def _message(widget, heading, body, answers, chosen):
    """@answers: name, label and appearance of each; the first is what Escape does. Shows it and returns it."""
    dialog = Adw.MessageDialog(heading=heading, body=body, modal=True, transient_for=widget.get_root())
    for name, label, appearance in answers:
        dialog.add_response(name, label)
        dialog.set_response_appearance(name, appearance)
    dialog.set_close_response(answers[0][0])
    dialog.set_default_response(answers[-1][0])
    dialog.connect('response', lambda _dialog, answer: chosen(answer))
    return mend(dialog)


def tell(widget, heading, text):
    _message(widget, heading, text, [('close', _('_Close'), Adw.ResponseAppearance.DEFAULT)], lambda _answer: None).present()


def tell_error(widget, heading, error, retry=None):
    """A sentence of what was wrong, another of what to do about it."""
    if not widget.get_root():
        # The page has gone, and with it who wanted to know.
        return
    body = '\n\n'.join(text for text in (str(error), words.way_out(error.code)) if text)
    answers = [('close', _('_Close'), Adw.ResponseAppearance.DEFAULT)]
    if retry:
        answers.append(('retry', _('_Try Again'), Adw.ResponseAppearance.SUGGESTED))
    _message(widget, heading, body, answers, lambda answer: answer == 'retry' and retry()).present()


def confirm(widget, heading, body, label, act):
    """Before something that can't be undone."""
    _message(widget, heading, body, [('cancel', _('C_ancel'), Adw.ResponseAppearance.DEFAULT),
                                     ('act', label, Adw.ResponseAppearance.DESTRUCTIVE)],
             lambda answer: answer == 'act' and act()).present()


def _ask(widget, heading, body, rows, label, is_good, chosen):
    """Entries; what is good about all of them lets the answer be given. Returns the dialog."""
    dialog = _message(widget, heading, body, [('cancel', _('C_ancel'), Adw.ResponseAppearance.DEFAULT),
                                              ('act', label, Adw.ResponseAppearance.SUGGESTED)],
                      lambda answer: answer == 'act' and chosen())
    group = Gtk.ListBox(selection_mode=Gtk.SelectionMode.NONE, css_classes=['boxed-list'])
    for row in rows:
        group.append(row)
        if isinstance(row, Adw.EntryRow):
            row.set_activates_default(True)
            row.connect('changed', lambda _row: dialog.set_response_enabled('act', is_good()))
    dialog.set_extra_child(group)
    dialog.set_response_enabled('act', is_good())
    dialog.present()
    rows[0].grab_focus()
    return dialog


def _entry(title, text=''):
    return Adw.EntryRow(title=title, text=text)


def ask_new_device(widget, accounts, account, chosen, look):
    """chosen(account, thing), or look(account) for somebody who does not know the name. @account: the likely one"""
    everyone = accounts.everyone()
    thing = _entry(_('Name of the Thing'))
    rows = [thing]
    account_row = Adw.ComboRow(title=_('Account'), model=Gtk.StringList.new([words.account(one) for one in everyone]),
                               selected=everyone.index(account))
    if len(everyone) > 1:
        rows.append(account_row)
    look_row = Adw.ActionRow(title=_('Choose from the Account…'), activatable=True,
                             subtitle=_('AWS is asked for the things that it knows.'))
    look_row.add_suffix(Gtk.Image(icon_name='go-next-symbolic'))
    rows.append(mend(look_row))

    def selected():
        return everyone[account_row.get_selected()]
    dialog = _ask(widget, _('Add a Device'), _('The name that it has as a thing of AWS IoT.'), rows, _('_Add'),
                  lambda: bool(thing.get_text().strip()), lambda: chosen(selected(), thing.get_text().strip()))

    def on_look(_row):
        dialog.close()
        look(selected())
    look_row.connect('activated', on_look)


def _is_address(text):
    """A port, a port of an address, or the path of a socket."""
    if text.startswith('/'):
        return True
    _host, _colon, port = text.rpartition(':')
    return port.isascii() and port.isdigit() and int(port) < 65536


def ask_forward(widget, device, chosen):
    """chosen(service, address)"""
    service = _entry(_('Service of the Device'), device.web)
    address = _entry(_('Port of This Computer'), '0')
    _ask(widget, _('Forward a Port'),
         _('Programs that connect to the port reach the service. Port 0 is a free one; “ADDRESS:PORT” and the path of '
           'a socket will do, too.'),
         [service, address], _('_Forward'),
         lambda: bool(service.get_text().strip()) and _is_address(address.get_text().strip()),
         lambda: chosen(service.get_text().strip(), address.get_text().strip()))


def ask_device(widget, device, saved):
    rows = {'user': _entry(_('User Name for ssh'), device.user)}
    titles = {'terminal': _('Service for Terminal and Files'), 'web': _('Service for the Web Page'),
              'vnc': _('Service for the Screen (VNC)'), 'rdp': _('Service for the Screen (RDP)')}
    for name in SERVICES:
        rows[name] = _entry(titles[name], getattr(device, name))

    def save():
        for name, row in rows.items():
            setattr(device, name, row.get_text().strip())
        saved()

    def is_good():
        # ssh would take it for an option.
        return (not rows['user'].get_text().startswith('-')
                and all(rows[name].get_text().strip() for name in SERVICES))
    _ask(widget, device.thing, _('What its services are called in its agent.'),
         list(rows.values()), _('_Save'), is_good, save)
