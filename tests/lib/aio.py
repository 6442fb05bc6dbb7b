# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Tests in asyncio, with the loop of gbulb."""

import asyncio
import functools
import unittest

from waiting import PATIENCE

try:
    import gbulb
    gbulb.install()
except ImportError:
    gbulb = None


def live(test):
    """A test that is a coroutine."""
    @functools.wraps(test)
    def run(self):
        if not gbulb:
            raise unittest.SkipTest('there is no gbulb')
        # Not asyncio.run(), which closes the one loop that gbulb has for the default main context.
        loop = asyncio.get_event_loop_policy().get_event_loop()
        loop.run_until_complete(asyncio.wait_for(test(self), PATIENCE))
    return run
