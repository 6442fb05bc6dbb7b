# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

from gi.module import get_introspection_module
from gi.overrides import override
from gi.overrides.Ist import Frozen, Running, address_text, awaitable, payload_bytes

IstAgent = get_introspection_module('IstAgent')


@override
@awaitable
class Device(Frozen, Running, IstAgent.Device):
    def set_services(self, services):
        return super().set_services({name: address_text(address) for name, address in services.items()})

    def handle_notification(self, notification):
        return super().handle_notification(payload_bytes(notification))


__all__ = ['Device']
