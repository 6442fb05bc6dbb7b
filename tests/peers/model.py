# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What all models share: a client that connects, and again when its WebSocket is lost."""

import asyncio
import os
import sys
import uuid

from . import local, websocket, wire

# Between two attempts to connect, in seconds. Short: tests wait for it.
RETRY_DELAY = 0.2

# The service has refused the token.
EXIT_REFUSED = 77


class Model:
    mode = None
    subprotocols = ['aws.iot.securetunneling-3.0']
    server_name = None
    ignorable = False
    # Forms of messages that it can be told to use, the first without being told.
    forms = ('V1',)

    def __init__(self, options):
        self.options = options
        self.form = options.form or self.forms[0]
        self.client_token = os.environ.get('IST_CLIENT_TOKEN') or str(uuid.uuid4())
        self.link = None
        self.buffer = bytearray()
        self.locals = set()
        self.congested = False
        self.tasks = []

    def log(self, text):
        print(text, file=sys.stderr, flush=True)

    async def prepare(self):
        """Listens, if it is a source; returns the ports by service."""
        return {}

    async def run(self):
        while True:
            try:
                self.link = await websocket.connect(self.options.endpoint, self.options.ca, self.mode,
                                                    os.environ['IST_TOKEN'], self.client_token, self.subprotocols,
                                                    self, self.server_name)
            except websocket.Refused as e:
                self.log(f'refused: {e}')
                if str(e).startswith('4'):
                    sys.exit(EXIT_REFUSED)
            except OSError as e:
                self.log(f'not connected: {e}')
            else:
                self.log('connected')
                self.connected()
                await self.link.closed
                self.log(f'disconnected: {self.link.close_text}')
                self.link = None
                self.buffer.clear()
                self.congested = False
                self.disconnected()
            await asyncio.sleep(RETRY_DELAY)

    def reconnect(self, why):
        self.log(f'reconnecting: {why}')
        self.link.drop()

    def set_congested(self, congested):
        self.congested = congested
        for end in self.locals:
            end.set_paused(congested)

    def frame(self, data):
        """Messages run through frames as through a stream of bytes."""
        self.buffer += data
        while self.link and (message := wire.take(self.buffer)):
            self.log(f'< {wire.describe(message)}')
            self.message(message)

    def send(self, message):
        """In a frame of its own: no peer in the field does otherwise."""
        message.ignorable = self.ignorable
        self.log(f'> {wire.describe(message)}')
        if self.link:
            self.link.send(wire.encode(message))

    def connect_local(self, service):
        return local.connect(self, service, self.options.services[service])

    # For models to fill in

    def connected(self):
        pass

    def disconnected(self):
        pass

    def message(self, message):
        raise NotImplementedError

    def local_made(self, end):
        pass

    def local_data(self, end, data):
        raise NotImplementedError

    def local_ended(self, end):
        raise NotImplementedError


class Listener(Model):
    """A source: listens for local programs."""

    mode = 'source'

    async def prepare(self):
        self.servers = {}
        for service, port in self.options.services.items():
            self.servers[service] = await local.listen(self, service, port)
        return {service: server.sockets[0].getsockname()[1] for service, server in self.servers.items()}
