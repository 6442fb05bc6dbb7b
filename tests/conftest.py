# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""For those who run tests with pytest: what tap.main() does before them."""

import process

# It starts itself again, in a network of its own.
collect_ignore = ['tunnel/test-network.py']


def pytest_sessionstart(session):
    process.set_signals()
    process.set_environment()
    process.keep()
