# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What is different in a Flatpak, where neither the computer's programs are seen from here nor these from there."""

import os

from . import APP_ID

INSIDE = os.path.exists('/.flatpak-info')


def from_outside(program):
    """The words by which a program that is in here is run from elsewhere."""
    return ['flatpak', 'run', f'--command={program}', APP_ID]
