# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

import os

from gi.module import get_introspection_module
from gi.overrides import override
from gi.overrides.Ist import Frozen, Running, awaitable, payload_bytes

IstEmulator = get_introspection_module('IstEmulator')


@override
@awaitable
class Service(Frozen, Running, IstEmulator.Service):
    def write_ca_file(self, path):
        return super().write_ca_file(os.fspath(path))


@override
class Tunnel(IstEmulator.Tunnel):
    def send_bytes(self, side, payload):
        return super().send_bytes(side, payload_bytes(payload))


__all__ = ['Service', 'Tunnel']
