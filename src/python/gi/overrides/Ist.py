# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What Python expects of libist beyond what introspection can give. PyGObject
loads this with its namespace."""

import functools
import os
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


def main_context():
    return GLib.MainContext.get_thread_default() or GLib.MainContext.default()


class Running:
    """What a with statement starts and stops."""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()
        context = main_context()
        # Stopping ends in the main loop, and what follows may be the end of the program.
        if context.acquire():
            try:
                while self.get_state().value_nick != 'stopped':
                    context.iteration(True)
            finally:
                context.release()

    async def __aenter__(self):
        await self.start_async()
        return self

    async def __aexit__(self, *_exception):
        await self.stop_async()


def is_in_asyncio():
    """Whether calls of GIO's kind can be awaited."""
    asyncio = sys.modules.get('asyncio')
    if asyncio is None or asyncio._get_running_loop() is None:
        return False
    if not main_context().is_owner():
        raise RuntimeError("asyncio's loop does not run GLib's, so that nothing of GLib can be awaited")
    return True


def make_awaitable(name, begin, n_arguments):
    @functools.wraps(begin)
    def call(self, *arguments, **named):
        if len(arguments) > n_arguments + 1 or 'callback' in named or not is_in_asyncio():
            return begin(self, *arguments, **named)
        from gi.overrides import IstAsyncio
        named.update(zip(['cancellable'], arguments[n_arguments:]))
        finish = getattr(self, name.replace('_async', '_finish'))
        return IstAsyncio.Call(functools.partial(begin, self, *arguments[:n_arguments]), finish, **named)

    return call


def awaitable(kind):
    """Has the asynchronous calls of a class return what can be awaited where they are not given a callback."""
    methods = {info.get_name(): info for info in kind.__info__.get_methods()}
    for name, info in methods.items():
        if name.endswith('_async') and name.replace('_async', '_finish') in methods:
            names = [argument.get_name() for argument in info.get_arguments()]
            setattr(kind, name, make_awaitable(name, getattr(kind, name), names.index('cancellable')))
    return kind


class Value:
    """A boxed type with the usual methods: what is equal is what says the same."""

    def __eq__(self, other):
        return self.equal(other) if isinstance(other, type(self)) else NotImplemented

    def __hash__(self):
        return self.hash()

    def __copy__(self):
        """It can't be changed."""
        return self

    def __deepcopy__(self, _memo):
        return self

    def compare(self, _other):
        return NotImplemented

    # PyGObject compares addresses.
    __lt__ = __le__ = __gt__ = __ge__ = compare

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


@override
@awaitable
class SecureTunnel(Frozen, Running, Ist.SecureTunnel):
    _inbox = None

    def stop(self):
        self._tell_inbox()
        super().stop()

    def stop_async(self, *arguments, **named):
        self._tell_inbox()
        super().stop_async(*arguments, **named)

    def _tell_inbox(self):
        if self._inbox:
            self._inbox.asked = True

    async def __aenter__(self):
        from gi.overrides import IstAsyncio
        if self._inbox:
            raise RuntimeError('the tunnel is in use by another async with')
        self._inbox = IstAsyncio.Inbox(self)
        try:
            return await super().__aenter__()
        except BaseException:
            self._close_inbox()
            raise

    async def __aexit__(self, *_exception):
        try:
            await super().__aexit__()
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

    async def create_connection(self, protocol_factory, service_id=None, port=None):
        """As asyncio's loops have it, with a service in place of the host. There are no ports."""
        connection = await self.open_connection_async(service_id)
        return await create_connection(protocol_factory, connection)

    def __repr__(self):
        return f'<Ist.SecureTunnel {self.get_mode().value_nick}, {self.get_state().value_nick}>'


@override
class SecureTunnelBuilder(Ist.SecureTunnelBuilder):
    def set_ca_file(self, ca_file):
        return super().set_ca_file(ca_file and os.fspath(ca_file))


@override
@awaitable
class Forwarder(Frozen, Ist.Forwarder):
    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def set_target(self, service_id, address):
        return super().set_target(service_id, address_text(address))

    def listen(self, service_id, address):
        return super().listen(service_id, address_text(address))

    def listen_async(self, service_id, address, *arguments, **named):
        super().listen_async(service_id, address_text(address), *arguments, **named)


async def create_connection(protocol_factory, connection):
    """The transport and the protocol of a connection, or whatever else is a Gio.IOStream, as asyncio's loops make
    them of sockets."""
    from gi.overrides import IstAsyncio
    protocol = protocol_factory()
    return IstAsyncio.Transport(connection, protocol), protocol


async def open_streams(connection, limit=65536):
    """An asyncio.StreamReader and StreamWriter of a connection, or whatever else is a Gio.IOStream."""
    from gi.overrides import IstAsyncio
    return IstAsyncio.open_streams(connection, limit)


def is_of(error, kind):
    """Whether an error has a code, or any code of an enumeration of errors."""
    if isinstance(kind, type):
        return error.matches(kind.quark(), error.code)
    return error.matches(type(kind).quark(), kind)


def errors(*kinds):
    """For an except clause: catches errors with one of these codes, or any code of these enumerations; without
    arguments, those of Ist.TunnelError."""
    error = sys.exc_info()[1]
    if error is None:
        raise RuntimeError('Ist.errors() is for except clauses')
    if isinstance(error, GLib.Error) and any(is_of(error, kind) for kind in kinds or [Ist.TunnelError]):
        return GLib.Error
    return ()


__all__ = ['Forwarder', 'Message', 'SecureTunnel', 'SecureTunnelBuilder', 'StreamInfo', 'create_connection', 'errors',
           'open_streams']
