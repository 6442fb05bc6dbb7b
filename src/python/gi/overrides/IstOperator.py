# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

from gi.module import get_introspection_module
from gi.overrides import override
from gi.overrides.Ist import Frozen, address_text, awaitable

IstOperator = get_introspection_module('IstOperator')


class Closed:
    """What an async with statement closes."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_exception):
        await self.close_async()


@override
@awaitable
class Client(Frozen, Closed, IstOperator.Client):
    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close_sync()


@override
@awaitable
class ControlPlane(Frozen, IstOperator.ControlPlane):
    def __init__(self, **properties):
        super().__init__(**properties)
        # PyGObject leaves it to whoever makes a Gio.Initable, and without it nothing works.
        self.init()


@override
@awaitable
class Credentials(Frozen, IstOperator.Credentials):
    pass


@override
class Forward(Frozen, IstOperator.Forward):
    def __init__(self, address=None, **properties):
        super().__init__(address=address_text(address), **properties)

    @classmethod
    def new(cls, client, thing_name, service_id, address, options=None):
        return IstOperator.Forward.new(client, thing_name, service_id, address_text(address), options)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()


@override
@awaitable
class Tunnel(Closed, IstOperator.Tunnel):
    pass


__all__ = ['Client', 'ControlPlane', 'Credentials', 'Forward', 'Tunnel']
