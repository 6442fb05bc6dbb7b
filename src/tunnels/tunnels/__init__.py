# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Tunnels to devices, in windows. What is known of tunnels, the session service knows: this shows it, and asks."""

APP_ID = 'io.github.libist.Tunnels'
RESOURCES = '/io/github/libist/Tunnels'

# The launcher knows: where the programs are that this one starts, and so on.
LIBEXECDIR = ''
VERSION = ''
RESOURCE_FILE = ''
