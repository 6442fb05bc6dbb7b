# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""VS Code's toolkit for AWS: a source that speaks version 3."""

from . import wire
from .model import Listener


class Source(Listener):
    forms = ('V3',)

    def __init__(self, options):
        super().__init__(options)
        self.ends = {}
        self.streams = {}
        # Ids of both kinds only grow, whatever happens in between.
        self.last_stream = 0
        self.last_connection = 0

    def disconnected(self):
        for end in self.ends.values():
            end.finish()
        self.ends.clear()
        self.streams.clear()

    def local_made(self, end):
        self.last_connection += 1
        end.connection = self.last_connection
        kind = wire.CONNECTION_START
        if end.service not in self.streams:
            self.last_stream += 1
            self.streams[end.service] = self.last_stream
            kind = wire.STREAM_START
        end.stream = self.streams[end.service]
        self.ends[end.service, end.connection] = end
        self.send(wire.make(kind, end.service, end.stream, end.connection))

    def message(self, message):
        if message.type == wire.SESSION_RESET:
            self.disconnected()
            return
        if self.streams.get(message.serviceId) != message.streamId:
            self.log('ignored')
            return
        if message.type == wire.STREAM_RESET:
            del self.streams[message.serviceId]
            for key in [key for key in self.ends if key[0] == message.serviceId]:
                self.ends.pop(key).finish()
            return
        end = self.ends.get((message.serviceId, message.connectionId))
        if end and message.type == wire.DATA:
            end.write(message.payload)
        elif end and message.type == wire.CONNECTION_RESET:
            del self.ends[end.service, end.connection]
            end.finish()
        else:
            self.log('ignored')

    def local_data(self, end, data):
        for piece in wire.pieces(data):
            self.send(wire.make(wire.DATA, end.service, end.stream, end.connection, piece))

    def local_ended(self, end):
        end.finish()
        if self.ends.pop((end.service, end.connection), None):
            # Each reset comes twice.
            for _ in range(2):
                self.send(wire.make(wire.CONNECTION_RESET, end.service, end.stream, end.connection))
