# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What Python expects of libist beyond what introspection can give. PyGObject
loads this with its namespace."""

import sys

from gi.module import get_introspection_module
from gi.overrides import override
from gi.repository import GLib, GObject

Ist = get_introspection_module('Ist')


def payload_bytes(payload):
    """GLib.Bytes of what a program has: text, or anything with a buffer."""
    if payload is None or isinstance(payload, GLib.Bytes):
        return payload
    if isinstance(payload, str):
        return GLib.Bytes.new(payload.encode())
    return GLib.Bytes.new(bytes(memoryview(payload)))


def address_text(address):
    """An address as the library takes it; a number is a port."""
    return str(address) if isinstance(address, int) else address


class Props:
    """The props of an object whose set_property() is in Python."""

    def __init__(self, owner, props):
        self.__dict__.update(_owner=owner, _props=props)

    def __getattr__(self, name):
        return getattr(self._props, name)

    def __setattr__(self, name, value):
        self._owner.set_property(name, value)

    def __iter__(self):
        return iter(self._props)

    def __dir__(self):
        return dir(self._props)


class PropsDescriptor:
    def __get__(self, owner, kind):
        if owner is None:
            return super(Frozen, kind).props
        return Props(owner, super(Frozen, owner).props)


class Frozen:
    """Settings that are fixed when an object is made: GObject only warns when they are set later."""

    props = PropsDescriptor()

    def set_property(self, name, value):
        self.set_properties(**{name: value})

    def set_properties(self, **values):
        fixed = {spec.name for spec in GObject.list_properties(self) if spec.flags & GObject.ParamFlags.CONSTRUCT_ONLY}
        for name in values:
            if name.replace('_', '-') in fixed:
                raise TypeError(f"property '{name}' can only be set when the object is made")
        super().set_properties(**values)


class Running:
    """What a with statement starts and stops."""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()
        context = GLib.MainContext.get_thread_default() or GLib.MainContext.default()
        # Stopping ends in the main loop, and what follows may be the end of the program.
        if context.acquire():
            try:
                while self.get_state().value_nick != 'stopped':
                    context.iteration(True)
            finally:
                context.release()


class Value:
    """A boxed type with the usual methods: what is equal is what says the same."""

    def __eq__(self, other):
        return self.equal(other) if isinstance(other, type(self)) else NotImplemented

    def __hash__(self):
        return self.hash()

    def __repr__(self):
        return f'<Ist.{type(self).__name__} {self.to_string()}>'


@override
class Message(Value, Ist.Message):
    def __new__(cls, service_id=None, payload=None):
        return cls.new(service_id, payload)

    @classmethod
    def new(cls, service_id=None, payload=None):
        return Ist.Message.new(service_id, payload_bytes(payload))

    @classmethod
    def new_for_connection(cls, service_id, connection_id, payload=None):
        return Ist.Message.new_for_connection(service_id, connection_id, payload_bytes(payload))

    @classmethod
    def new_for_stream(cls, info, payload=None):
        return Ist.Message.new_for_stream(info, payload_bytes(payload))

    @classmethod
    def new_full(cls, type, service_id, stream_id, connection_id, ignorable, payload=None):
        return Ist.Message.new_full(type, service_id, stream_id, connection_id, ignorable, payload_bytes(payload))

    payload = property(lambda self: self.get_payload().get_data() or b'')
    message_type = property(lambda self: self.get_message_type())
    service_id = property(lambda self: self.get_service_id())
    stream_id = property(lambda self: self.get_stream_id())
    connection_id = property(lambda self: self.get_connection_id())
    service_ids = property(lambda self: self.get_service_ids())
    ignorable = property(lambda self: self.get_ignorable())


@override
class StreamInfo(Value, Ist.StreamInfo):
    service_id = property(lambda self: self.get_service_id())
    stream_id = property(lambda self: self.get_stream_id())
    connection_id = property(lambda self: self.get_connection_id())
    version = property(lambda self: self.get_version())


def is_awaited(arguments, least):
    """Whether a call of GIO's kind is without a callback and in asyncio: then its value is to be awaited."""
    asyncio = sys.modules.get('asyncio')
    return len(arguments) == least and asyncio is not None and asyncio._get_running_loop() is not None


def awaitable(begin, finish, *arguments):
    from gi.overrides import IstAsyncio
    return IstAsyncio.complete(begin, finish, *arguments)


@override
class SecureTunnel(Frozen, Running, Ist.SecureTunnel):
    _inbox = None

    def start_async(self, *arguments):
        if is_awaited(arguments, 0):
            return awaitable(super().start_async, self.start_finish)
        return super().start_async(*arguments)

    def stop(self):
        if self._inbox:
            self._inbox.asked = True
        super().stop()

    def stop_async(self, *arguments):
        if self._inbox:
            self._inbox.asked = True
        if is_awaited(arguments, 0):
            return awaitable(super().stop_async, self.stop_finish)
        return super().stop_async(*arguments)

    def send_message_async(self, *arguments):
        if is_awaited(arguments, 1):
            return awaitable(super().send_message_async, self.send_message_finish, *arguments)
        return super().send_message_async(*arguments)

    def open_connection_async(self, *arguments):
        if is_awaited(arguments, 1):
            return awaitable(super().open_connection_async, self.open_connection_finish, *arguments)
        return super().open_connection_async(*arguments)

    async def __aenter__(self):
        from gi.overrides import IstAsyncio
        if self._inbox:
            raise RuntimeError('the tunnel is in use by another async with')
        self._inbox = IstAsyncio.Inbox(self)
        try:
            await self.start_async()
        except BaseException:
            self._close_inbox()
            raise
        return self

    async def __aexit__(self, *_exception):
        try:
            await self.stop_async()
        finally:
            self._close_inbox()

    def _close_inbox(self):
        self._inbox.close()
        self._inbox = None

    def __aiter__(self):
        if not self._inbox:
            raise RuntimeError('async for needs async with')
        return self

    async def __anext__(self):
        if not self._inbox:
            raise StopAsyncIteration
        return await self._inbox.take()

    def send(self, payload, service_id=None, connection_id=0):
        """Sends bytes, a buffer or text, as send_message() does a message."""
        self.send_message(Message.new_for_connection(service_id, connection_id, payload))

    def __repr__(self):
        return f'<Ist.SecureTunnel {self.get_mode().value_nick}, {self.get_state().value_nick}>'


@override
class Forwarder(Frozen, Ist.Forwarder):
    def set_target(self, service_id, address):
        return super().set_target(service_id, address_text(address))

    def listen(self, service_id, address):
        return super().listen(service_id, address_text(address))

    def listen_async(self, service_id, address, *arguments):
        super().listen_async(service_id, address_text(address), *arguments)


async def open_streams(connection, limit=65536):
    """An asyncio.StreamReader and StreamWriter of a connection, or whatever else is a Gio.IOStream."""
    from gi.overrides import IstAsyncio
    return IstAsyncio.open_streams(connection, limit)


def errors(*codes):
    """For an except clause: catches errors of Ist.TunnelError, those with one of the codes or, without any, all."""
    error = sys.exc_info()[1]
    if error is None:
        raise RuntimeError('Ist.errors() is for except clauses')
    quark = Ist.tunnel_error_quark()
    if isinstance(error, GLib.Error) and any(error.matches(quark, code) for code in codes or [error.code]):
        return GLib.Error
    return ()


__all__ = ['Forwarder', 'Message', 'SecureTunnel', 'StreamInfo', 'errors', 'open_streams']
