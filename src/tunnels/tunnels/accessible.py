# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Names and actions for screen readers, where GTK 4.8 has none, or says names twice and with their underscores."""

from gi.repository import Gtk

from . import actions

LABEL = Gtk.AccessibleProperty.LABEL


def _call(widget, name):
    # PyGObject 3.42 falls over None.
    if name:
        widget.update_property([LABEL], [name])


def _mend(widget):
    if isinstance(widget, Gtk.Button) and widget.get_label():
        # There is a relation to the label in it, too, which is enough.
        widget.reset_property(LABEL)
    elif isinstance(widget, Gtk.MenuButton):
        # The one that is pressed is in the other.
        _call(widget.get_first_child(), widget.get_tooltip_text())
    elif isinstance(widget, Gtk.Button):
        _call(widget, widget.get_tooltip_text())
    elif isinstance(widget, Gtk.SearchEntry):
        _call(widget, widget.props.placeholder_text)
    elif isinstance(widget, Gtk.ListBoxRow) and widget.get_activatable():
        # What Enter does. Those of libadwaita have a method of that name that does less.
        widget.insert_action_group('row', actions.group({'activate': lambda: Gtk.Widget.activate(widget)}))


def mend(widget):
    """It and all that is in it: buttons go by what is written on them, or else by what their tooltip says."""
    _mend(widget)
    child = None if isinstance(widget, Gtk.MenuButton) else widget.get_first_child()
    while child:
        mend(child)
        child = child.get_next_sibling()
    return widget
