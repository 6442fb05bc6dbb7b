# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""AWS's SDK, with a program around it that connects to local services: a destination. It keeps one version of
the protocol for the tunnel, and where the program would crash it exits with a status of its own."""

import sys

from . import wire
from .model import Model

# What its decoder can read.
MAX_CONNECTION_ID = (1 << 28) - 1

EXIT_AFTER_RESET = 91
EXIT_GREAT_ID = 92
EXIT_UNKNOWN_FIELD = 93

LENGTH_DELIMITED = 2


class Destination(Model):
    mode = 'destination'
    forms = ('V3', 'V2', 'V1')

    def __init__(self, options):
        super().__init__(options)
        self.version = 0
        self.streams = {}
        self.ends = {}
        self.reset_by_peer = set()
        self.restore = None
        self.services = []

    def die(self, status, why):
        self.log(f'dies: {why}')
        sys.exit(status)

    def version_of(self, message):
        return 3 if message.connectionId else 2 if message.serviceId else 1

    def disconnected(self):
        self.forget()

    def forget(self):
        for end in self.ends.values():
            end.finish()
        self.version = 0
        self.ends.clear()
        self.streams.clear()
        self.reset_by_peer.clear()

    def message(self, message):
        if any(field.wire_type == LENGTH_DELIMITED for field in message.UnknownFields()):
            self.die(EXIT_UNKNOWN_FIELD, 'an unknown length-delimited field')
        if message.connectionId > MAX_CONNECTION_ID:
            self.die(EXIT_GREAT_ID, f'connection id {message.connectionId}')
        handlers = {
            wire.SERVICE_IDS: self.service_ids,
            wire.SESSION_RESET: lambda message: self.forget(),
            wire.STREAM_START: self.stream_start,
            wire.STREAM_RESET: self.stream_reset,
            wire.CONNECTION_START: self.connection_start,
            wire.CONNECTION_RESET: self.connection_reset,
            wire.DATA: self.data,
        }
        handlers.get(message.type, self.ignored)(message)

    def ignored(self, message):
        self.log('ignored')

    def service_ids(self, message):
        self.services = list(message.availableServiceIds)
        if restored := self.restore:
            self.restore = None
            self.log('restored the stream that it reconnected for')
            self.message(restored)

    def matches(self, message):
        """Another form than the tunnel's is another version, for which it connects anew."""
        if self.version_of(message) == self.version:
            return True
        if self.version == 0:
            # It has just connected: nothing wakes it but a STREAM_START.
            self.log('ignored')
            return False
        self.reconnect(f'V{self.version_of(message)} in a tunnel of V{self.version}')
        return False

    def is_current(self, message):
        return self.streams.get(message.serviceId) == message.streamId

    def check_reset(self, message):
        """A message after a reset: without services, which it can't name in its log then, it crashes. Where it would
        not, a message that follows its sender's own reset is as wrong."""
        key = (message.serviceId, message.streamId, message.connectionId or 1)
        whole = (message.serviceId, message.streamId, None)
        if key in self.reset_by_peer or whole in self.reset_by_peer:
            self.die(EXIT_AFTER_RESET, f'{wire.describe(message)} after a reset')
        if not self.services and not message.serviceId:
            self.die(EXIT_AFTER_RESET, f'{wire.describe(message)} for nothing that is active')
        self.log('ignored')

    def stream_start(self, message):
        if self.version == 0:
            self.version = self.version_of(message)
        elif not self.matches(message):
            self.restore = message
            return
        for key in [key for key in self.ends if key[0] == message.serviceId]:
            self.ends.pop(key).finish()
        if message.serviceId and message.serviceId not in self.services:
            self.log('ignored')
            return
        self.streams[message.serviceId] = message.streamId
        self.connect(message)

    def connection_start(self, message):
        if not self.is_current(message):
            # Nothing is what it answers, also when it has never heard of the stream.
            self.log('ignored')
            return
        self.connect(message)

    def connect(self, message):
        key = (message.serviceId, message.connectionId or 1)
        if key in self.ends:
            self.reset(message.serviceId, message.connectionId)
            self.ends.pop(key).finish()
            return
        service = message.serviceId or next(iter(self.options.services))
        if service in self.options.services and (end := self.connect_local(service)):
            end.stream = message.streamId
            end.connection = message.connectionId
            # Answers are in the form of the start.
            end.service = message.serviceId
            self.ends[key] = end
        else:
            self.reset(message.serviceId, message.connectionId)

    def reset(self, service, connection):
        kind = wire.CONNECTION_RESET if self.version == 3 else wire.STREAM_RESET
        self.send(wire.make(kind, service, self.streams[service], connection))

    def stream_reset(self, message):
        if not self.matches(message):
            return
        if not self.is_current(message):
            self.check_reset(message)
            return
        del self.streams[message.serviceId]
        self.reset_by_peer.add((message.serviceId, message.streamId, None))
        for key in [key for key in self.ends if key[0] == message.serviceId]:
            self.ends.pop(key).finish()

    def connection_reset(self, message):
        end = self.ends.pop((message.serviceId, message.connectionId or 1), None)
        if end is None or not self.is_current(message):
            # A reset that crosses its own is of no consequence.
            self.log('ignored')
            return
        self.reset_by_peer.add((message.serviceId, message.streamId, message.connectionId or 1))
        end.finish()

    def data(self, message):
        if not self.matches(message):
            return
        end = self.ends.get((message.serviceId, message.connectionId or 1))
        if end is None or not self.is_current(message):
            self.check_reset(message)
            return
        end.write(message.payload)

    def local_data(self, end, data):
        for piece in wire.pieces(data):
            self.send(wire.make(wire.DATA, end.service, end.stream, end.connection, piece))

    def local_ended(self, end):
        end.finish()
        key = (end.service, end.connection or 1)
        if self.ends.get(key) is end:
            del self.ends[key]
            self.reset(end.service, end.connection)
