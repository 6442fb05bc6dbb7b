# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Clients from before connection ids: each stream is one connection. As the destination such a client looks at
neither connection ids nor CONNECTION_START, so the data of all connections goes into the one that it has."""

from . import wire
from .model import Listener, Model


class Streams:
    """One stream for each service (form V2), or one in all (V1), and its local connection."""

    forms = ('V1', 'V2')

    def __init__(self, options):
        super().__init__(options)
        self.ends = {}

    def make(self, message_type, end, payload=b''):
        return wire.make(message_type, end.service if self.form == 'V2' else '', end.stream, payload=payload)

    def service_of(self, message):
        return message.serviceId if self.form == 'V2' else next(iter(self.options.services))

    def current(self, message):
        """What the message is for; None if its stream is not the active one."""
        end = self.ends.get(self.service_of(message))
        return end if end and end.stream == message.streamId else None

    def disconnected(self):
        for end in self.ends.values():
            end.finish()
        self.ends.clear()

    def message(self, message):
        if message.type == wire.SESSION_RESET:
            self.disconnected()
        elif message.type == wire.STREAM_START:
            self.started(message)
        elif end := self.current(message):
            if message.type == wire.DATA:
                end.write(message.payload)
            elif message.type == wire.STREAM_RESET:
                del self.ends[end.service]
                end.finish()
            else:
                self.log('ignored')
        else:
            self.log('ignored')

    def started(self, message):
        self.log('ignored')

    def local_data(self, end, data):
        for piece in wire.pieces(data):
            self.send(self.make(wire.DATA, end, piece))

    def local_ended(self, end):
        end.finish()
        if self.ends.get(end.service) is end:
            del self.ends[end.service]
            self.send(self.make(wire.STREAM_RESET, end))


class Destination(Streams, Model):
    mode = 'destination'

    def started(self, message):
        service = self.service_of(message)
        if service not in self.options.services:
            self.log('ignored')
            return
        if old := self.ends.pop(service, None):
            old.finish()
        if end := self.connect_local(service):
            end.stream = message.streamId
            self.ends[service] = end
        else:
            self.send(wire.make(wire.STREAM_RESET, message.serviceId if self.form == 'V2' else '', message.streamId))


class Source(Streams, Listener):
    def __init__(self, options):
        super().__init__(options)
        self.last_stream = 0

    def local_made(self, end):
        if old := self.ends.pop(end.service, None):
            old.finish()
        self.last_stream += 1
        end.stream = self.last_stream
        self.ends[end.service] = end
        self.send(self.make(wire.STREAM_START, end))
