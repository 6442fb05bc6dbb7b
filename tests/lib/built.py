# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The programs that were built, by name."""

import os

PROGRAMS = {name: os.environ[variable] for name, variable in (
    ('ist-proxy', 'IST_PROXY'), ('ist-agent', 'IST_AGENT'), ('ist-emulator', 'IST_EMULATOR'),
    ('ist-operator', 'IST_OPERATOR'), ('istctl', 'ISTCTL')) if variable in os.environ}
