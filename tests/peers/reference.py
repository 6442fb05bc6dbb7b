# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The reference proxy. Without being told it speaks version 3, and falls back to version 2, for all services and for
good, as soon as a message has no connection id."""

import asyncio

from . import local, wire
from .model import Listener, Model


class Proxy:
    forms = ('V3', 'V2', 'V1')

    def __init__(self, options):
        super().__init__(options)
        # The active streams of the services, and the ids that they had: those outlive them.
        self.active = set()
        self.stream_ids = {}
        self.ends = {}
        # The fields of a message that are not set keep their value from the message before.
        self.last_connection = 0

    def make(self, message_type, service, connection=None, payload=b''):
        if connection is not None:
            self.last_connection = connection
        return wire.make(message_type, '' if self.form == 'V1' else service, self.stream_ids[service],
                         self.last_connection, payload)

    def service_of(self, message):
        return next(iter(self.options.services)) if self.form == 'V1' else message.serviceId

    def frame(self, data):
        """What follows a start or a reset of a stream in its frame is left until the next frame arrives."""
        self.buffer += data
        while self.link and (message := wire.take(self.buffer)):
            self.log(f'< {wire.describe(message)}')
            if not self.message(message):
                if self.buffer:
                    self.log(f'left until the next frame: {len(self.buffer)} bytes')
                return

    def disconnected(self):
        for end in self.ends.values():
            end.finish()
        self.ends.clear()
        self.active.clear()
        self.stream_ids.clear()

    def end_stream(self, service):
        for key in [key for key in self.ends if key[0] == service]:
            self.ends.pop(key).finish()
        self.active.discard(service)

    def is_stale(self, message, service):
        return (message.type in (wire.DATA, wire.STREAM_RESET, wire.CONNECTION_RESET)
                and self.stream_ids.get(service) != message.streamId)

    def message(self, message):
        """Whether what follows in the frame is looked at, too."""
        if message.type == wire.SERVICE_IDS:
            return True
        if message.type == wire.SESSION_RESET:
            for service in list(self.active):
                self.end_stream(service)
            return True

        service = self.service_of(message)
        if service not in self.options.services:
            # Without the option for version 1 a message without a service costs the whole WebSocket.
            self.reconnect('Invalid service id received')
            return False
        if self.is_stale(message, service):
            self.log('dropped as stale')
            return True
        if not message.connectionId and self.form == 'V3':
            self.log('reverting to V2')
            self.form = 'V2'
        return self.dispatch(message, service)

    def dispatch(self, message, service):
        if message.type == wire.DATA:
            if end := self.ends.get((service, message.connectionId)):
                end.write(message.payload)
            else:
                self.log('skipped: no such connection')
            return True
        if message.type == wire.CONNECTION_RESET:
            if end := self.ends.pop((service, message.connectionId), None):
                # What has not been written is lost, and the reset is answered with one.
                end.drop()
                self.send(self.make(wire.CONNECTION_RESET, service, message.connectionId))
            return True
        if message.type == wire.STREAM_RESET:
            self.end_stream(service)
            return False
        return self.started(message, service)

    def started(self, message, service):
        self.log('ignored')
        return True

    def local_data(self, end, data):
        for piece in wire.pieces(data):
            self.send(self.make(wire.DATA, end.service, end.connection, piece))

    def local_ended(self, end):
        """At its end-of-file a connection is closed: an answer to it is lost."""
        end.finish()
        if self.ends.get((end.service, end.connection)) is not end:
            return
        del self.ends[end.service, end.connection]
        if self.form == 'V3':
            self.send(self.make(wire.CONNECTION_RESET, end.service, end.connection))
        else:
            self.send(self.make(wire.STREAM_RESET, end.service, end.connection))
            self.stream_over(end.service)

    def stream_over(self, service):
        self.active.discard(service)


class Destination(Proxy, Model):
    mode = 'destination'

    def started(self, message, service):
        if service in self.active:
            if message.type == wire.CONNECTION_START:
                return self.connect(message, service)
            if message.streamId != self.stream_ids[service]:
                # The stream is closed for the new one, which is not served either.
                self.log('dropped: a stream is there')
                self.end_stream(service)
            else:
                self.log('ignored: the stream is active')
            return True
        # Either start begins a stream. It lives on when its last connection has ended.
        self.stream_ids[service] = message.streamId
        self.active.add(service)
        return self.connect(message, service)

    def connect(self, message, service):
        if end := self.connect_local(service):
            end.connection = message.connectionId
            if old := self.ends.pop((service, message.connectionId), None):
                old.drop()
            self.ends[service, message.connectionId] = end
        else:
            # All connections of the service go with the one that could not be made.
            self.log('could not connect: the stream is reset')
            self.send(self.make(wire.STREAM_RESET, service))
            self.end_stream(service)
        return False


class Source(Proxy, Listener):
    def __init__(self, options):
        super().__init__(options)
        self.last_connections = {}

    def local_made(self, end):
        service = end.service
        if self.form == 'V3':
            # Ids are never used again, not even by the next stream.
            end.connection = self.last_connections[service] = self.last_connections.get(service, 0) + 1
        elif old := self.ends.pop((service, 0), None):
            old.finish()
        self.ends[service, end.connection] = end
        if self.form == 'V3' and service in self.active:
            self.send(self.make(wire.CONNECTION_START, service, end.connection))
            return
        self.active.add(service)
        self.stream_ids[service] = self.stream_ids.get(service, 0) + 1
        self.send(self.make(wire.STREAM_START, service, end.connection))

    def end_stream(self, service):
        super().end_stream(service)
        self.stream_over(service)

    def stream_over(self, service):
        """The port is closed and opened again: who connects in between is refused or reset."""
        super().stream_over(service)
        server = self.servers[service]
        port = server.sockets[0].getsockname()[1] if server.sockets else None
        if port:
            server.close()
            self.tasks.append(asyncio.get_running_loop().create_task(self.listen_again(service, port)))

    async def listen_again(self, service, port):
        self.servers[service] = await local.listen(self, service, port)
