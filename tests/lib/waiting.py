# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Waiting, with an end."""

import time

# Generous, in seconds: for a machine that does much else.
PATIENCE = 60


def wait_until(condition, what, patience=PATIENCE):
    """Returns what @condition does once that is something."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise TimeoutError(f'waited in vain for {what}')
