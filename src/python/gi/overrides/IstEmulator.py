# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

from gi.module import get_introspection_module
from gi.overrides import override
from gi.overrides.Ist import Frozen, Running

IstEmulator = get_introspection_module('IstEmulator')


@override
class Service(Frozen, Running, IstEmulator.Service):
    pass


__all__ = ['Service']
