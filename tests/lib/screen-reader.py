# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Finds and presses what a screen reader would: takes a request a line, as JSON, and answers likewise.

    {"do": "read", "program": P}                    -> [[role, name], ...] of everything in its windows, in order
    {"do": "press", "program": P, "role": R, "name": N} -> whether there was one, and it could be pressed
    {"do": "write", ..., "text": T}                 -> likewise, into an entry
"""

import json
import sys
import warnings

import gi
gi.require_version('Atspi', '2.0')
from gi.repository import Atspi, GLib

# They are GObject's interfaces by now, but Debian's library tells of the old way to have them, too.
warnings.simplefilter('ignore', DeprecationWarning)


def children(node):
    """Of which some may have gone meanwhile."""
    try:
        for index in range(node.get_child_count()):
            try:
                if child := node.get_child_at_index(index):
                    yield child
            except GLib.Error:
                continue
    except GLib.Error:
        return


def walk(node):
    yield node
    for child in children(node):
        yield from walk(child)


def nodes(program):
    for found in children(Atspi.get_desktop(0)):
        if found.get_name() == program:
            # GTK 4.8 does not tell of all that has come while it was looked at.
            found.clear_cache()
            yield from walk(found)


def is_there(node):
    """And can be used: what a program keeps for a narrower window, say, has never had a size."""
    states = node.get_state_set()
    place = node.get_component_iface()
    size = place and place.get_extents(Atspi.CoordType.WINDOW)
    return (states.contains(Atspi.StateType.VISIBLE) and states.contains(Atspi.StateType.SENSITIVE)
            and bool(size) and size.width > 0 and size.height > 0)


def describe(node):
    return [node.get_role_name(), node.get_name()]


def find(request):
    wanted = [request['role'], request['name']]
    return [node for node in nodes(request['program']) if describe(node) == wanted and is_there(node)]


def press(request):
    """The last: what has opened last lies above all others."""
    for node in reversed(find(request)):
        if (actions := node.get_action_iface()) and actions.get_n_actions():
            return actions.do_action(0)
    return False


def write(request):
    for node in reversed(find(request)):
        if entry := node.get_editable_text_iface():
            return entry.set_text_contents(request['text'])
    return False


DEEDS = {'read': lambda request: [describe(node) for node in nodes(request['program'])],
         'press': press, 'write': write}


def main():
    Atspi.init()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = DEEDS[request['do']](request)
        except GLib.Error:
            # It has changed while it was looked at.
            answer = None
        print(json.dumps(answer), flush=True)


main()
