# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What menus, keys and screen readers can have done, by its name."""

from gi.repository import Gio


def add(where, acts):
    """To a Gio.ActionMap; @acts: what is called, by name."""
    for name, act in acts.items():
        action = Gio.SimpleAction(name=name)
        action.connect('activate', lambda _action, _parameter, act=act: act())
        where.add_action(action)


def group(acts):
    made = Gio.SimpleActionGroup()
    add(made, acts)
    return made
