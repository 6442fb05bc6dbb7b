# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A service that does as a test says. It takes any token, checks nothing, passes frames on as their sender made
them, and keeps them. What the emulator never does is set by attributes, at any time; methods may be called from
the test's thread. Runs in a thread of its own."""

import asyncio
import dataclasses
import ssl
import struct
import threading
import time
import urllib.parse

import websockets.frames
import websockets.server

import certificates

from . import websocket, wire

SUBPROTOCOLS = [f'aws.iot.{name}-{version}.0' for name in ('securetunneling', 'securedtunneling')
                for version in (3, 2, 1)]

# How long frames wait for others when they are merged, in seconds.
MERGE_TIME = 0.02


@dataclasses.dataclass
class Frame:
    """A frame that a client has sent."""
    side: str
    connection: int  # the how-manieth WebSocket of its side, from 0
    time: float
    size: int
    messages: list   # those that end in it
    whole: bool      # it begins and ends with a message


class Connection(websockets.server.ServerConnection):
    """The library answers pings by itself; this one only while the service wants it."""

    def __init__(self, service):
        super().__init__(subprotocols=SUBPROTOCOLS, max_size=websocket.MAX_FRAME)
        self.service = service

    def send_frame(self, frame):
        if frame.opcode is not websockets.frames.OP_PONG or self.service.pongs:
            super().send_frame(frame)


class ServerLink(websocket.Link):
    def __init__(self, service):
        super().__init__(Connection(service))
        self.service = service
        self.side = None
        self.number = 0
        self.buffer = bytearray()
        self.held = bytearray()
        # Takes what comes, answers nothing and says nothing, while the connection stays open.
        self.silent = False
        service.links.add(self)

    def data_received(self, data):
        if not self.silent:
            super().data_received(data)

    def hush(self):
        self.silent = True

    def send(self, data):
        if not self.silent:
            super().send(data)

    def handshake(self, event):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(event.path).query)
        self.side = query['local-proxy-mode'][0]
        response = self.protocol.accept(event)
        response.headers['channel-id'] = 'scripted'
        self.protocol.send_response(response)
        self.flush()
        if response.status_code == 101:
            self.service.joined(self, event.headers)

    def received(self, message):
        self.buffer += message
        clean = len(self.buffer) == len(message)
        messages = []
        while taken := wire.take(self.buffer):
            messages.append(taken)
        frame = Frame(self.side, self.number, time.monotonic(), len(message), messages, clean and not self.buffer)
        self.service.arrived(self, frame, message)

    def connection_lost(self, error):
        super().connection_lost(error)
        self.service.links.discard(self)
        self.service.left(self)


class Service:
    def __init__(self, folder, services=('SSH',), service_ids_after=0, relay=True, tell_of_lost=True, pongs=True,
                 reframe=None):
        self.folder = folder
        self.services = list(services)
        # Seconds after the handshake; None for never.
        self.service_ids_after = service_ids_after
        # Whether frames are passed on to the other side.
        self.relay = relay
        # Whether the other side gets a STREAM_RESET for streams whose destination is lost or replaced.
        self.tell_of_lost = tell_of_lost
        self.pongs = pongs
        # None, 'merge', or the size of the frames that frames are cut into.
        self.reframe = reframe
        # Handshakes, as (side, headers), and frames, in the order they came.
        self.handshakes = []
        self.frames = []
        self.sides = {}
        self.links = set()
        self.starts = {}
        self.port = 0
        self.make_certificate()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.call(self.listen())

    def make_certificate(self):
        certificate, key = certificates.self_signed(self.folder)
        self.ca_file = str(certificate)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)

    @property
    def endpoint(self):
        return f'wss://localhost:{self.port}'

    # In the service's thread

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    async def listen(self):
        self.server = await self.loop.create_server(lambda: ServerLink(self), '127.0.0.1', self.port,
                                                    ssl=self.context, reuse_address=True)
        self.port = self.server.sockets[0].getsockname()[1]

    def other(self, link):
        other = self.sides.get('source' if link.side == 'destination' else 'destination')
        return other if other and other.is_open else None

    def joined(self, link, headers):
        link.number = self.count(link.side)
        replaced = self.sides.get(link.side)
        self.sides[link.side] = link
        self.handshakes.append((link.side, headers))
        if replaced:
            self.reset_streams(link)
            replaced.send_frame(websockets.frames.OP_CLOSE, struct.pack('>H', 1008) + b'Replaced')
        if self.service_ids_after is not None:
            self.loop.call_later(self.service_ids_after, link.send, wire.encode(wire.service_ids(self.services)))

    def left(self, link):
        if self.sides.get(link.side) is link:
            del self.sides[link.side]
            self.reset_streams(link)

    def reset_streams(self, link):
        """Tells the other side that the streams are over, in the form in which they were started."""
        other = self.other(link)
        if other and self.tell_of_lost:
            for start in self.starts.values():
                other.send(wire.encode(wire.make(wire.STREAM_RESET, start.serviceId, start.streamId,
                                                 1 if start.connectionId else 0)))
        if self.tell_of_lost:
            self.starts.clear()

    def arrived(self, link, frame, data):
        self.frames.append(frame)
        for message in frame.messages:
            if message.type == wire.STREAM_START:
                self.starts[message.serviceId] = message
            elif message.type == wire.STREAM_RESET:
                self.starts.pop(message.serviceId, None)
        if self.relay:
            self.pass_on(link, data)

    def pass_on(self, link, data):
        other = self.other(link)
        if other is None:
            return
        if self.reframe is None:
            other.send(data)
        elif self.reframe == 'merge':
            if not other.held:
                self.loop.call_later(MERGE_TIME, self.release, other)
            elif len(other.held) + len(data) > websocket.MAX_FRAME:
                other.send(bytes(other.held))
                other.held.clear()
            other.held += data
        else:
            for start in range(0, len(data), self.reframe):
                other.send(data[start:start + self.reframe])

    def release(self, link):
        if link.held:
            link.send(bytes(link.held))
            link.held.clear()

    # For tests

    def on(self, side, function, *arguments):
        async def run():
            return getattr(self.sides[side], function)(*arguments)
        return self.call(run())

    def has(self, side):
        return side in self.sides

    def count(self, side):
        """How often a client of this side has connected."""
        return sum(handshake_side == side for handshake_side, _ in self.handshakes)

    def send(self, side, *messages):
        """In one frame."""
        self.on(side, 'send', wire.encode(*messages))

    def send_bytes(self, side, data):
        self.on(side, 'send', data)

    def send_text(self, side, text):
        self.on(side, 'send_frame', websockets.frames.OP_TEXT, text.encode())

    def close(self, side, code, reason=''):
        self.on(side, 'send_frame', websockets.frames.OP_CLOSE, struct.pack('>H', code) + reason.encode())

    def drop(self, side):
        self.on(side, 'drop')

    def messages(self, side, *types, connection=None):
        """Those of these types (or of all) that a side has sent."""
        return [message for frame in list(self.frames) for message in frame.messages
                if frame.side == side and (not types or message.type in types)
                and connection in (None, frame.connection)]

    def hush(self, side):
        """The WebSocket of this side goes silent; the next one does not."""
        self.on(side, 'hush')

    def restart(self):
        """Breaks all connections, and is there again at once, on the same port and without a memory."""
        async def run():
            self.server.close()
            for link in list(self.links):
                link.drop()
            self.sides.clear()
            self.starts.clear()
            await self.listen()
        self.call(run())

    def stop(self):
        async def run():
            self.server.close()
            for link in list(self.links):
                link.drop()
            # What was aborted is told of it in the loop's next turns.
            for _ in range(3):
                await asyncio.sleep(0)
        self.call(run())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
