# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""screen-reader.py PROGRAM: writes the role and the name of everything in a program's windows, as JSON."""

import json
import sys

import gi
gi.require_version('Atspi', '2.0')
from gi.repository import Atspi, GLib


def walk(node):
    yield node.get_role_name(), node.get_name()
    for index in range(node.get_child_count()):
        # Which may have gone meanwhile.
        child = node.get_child_at_index(index)
        if child:
            yield from walk(child)


def main():
    Atspi.init()
    desktop = Atspi.get_desktop(0)
    found = []
    for index in range(desktop.get_child_count()):
        program = desktop.get_child_at_index(index)
        try:
            if program and program.get_name() == sys.argv[1]:
                found += walk(program)
        except GLib.Error:
            # It is another one that has gone.
            continue
    print(json.dumps(found))


main()
