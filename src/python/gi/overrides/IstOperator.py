# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

from gi.module import get_introspection_module
from gi.overrides import override
from gi.overrides.Ist import Frozen

IstOperator = get_introspection_module('IstOperator')


@override
class Client(Frozen, IstOperator.Client):
    pass


@override
class ControlPlane(Frozen, IstOperator.ControlPlane):
    pass


@override
class Credentials(Frozen, IstOperator.Credentials):
    pass


@override
class Forward(Frozen, IstOperator.Forward):
    pass


__all__ = ['Client', 'ControlPlane', 'Credentials', 'Forward']
