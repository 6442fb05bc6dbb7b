# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The main loop of tests that have the libraries in their own process."""

import time

from gi.repository import GLib

from waiting import PATIENCE


def wait_for(condition, what='what the test waits for'):
    """Runs the main loop until there is something, and returns it."""
    end = time.monotonic() + PATIENCE
    # It may come from another thread.
    tick = GLib.timeout_add(5, lambda: GLib.SOURCE_CONTINUE)
    try:
        while not (value := condition()):
            if time.monotonic() > end:
                raise AssertionError(f'waited in vain for {what}')
            GLib.MainContext.default().iteration(True)
        return value
    finally:
        GLib.source_remove(tick)


def call(function, finish, *arguments):
    """Calls an asynchronous function, and waits for what it returns."""
    results = []
    function(*arguments, lambda _source, result: results.append(result))
    return finish(wait_for(lambda: results)[0])
