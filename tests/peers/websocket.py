# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""One WebSocket in an event loop, at either end. The protocol is that of the websockets library, without
its I/O: what is a frame here is a frame on the wire."""

import asyncio
import socket
import ssl
import urllib.parse

import websockets.client
import websockets.frames
import websockets.uri

# The largest frame of the service.
MAX_FRAME = 131076


class Link(asyncio.Protocol):
    """Subclasses take what arrives: handshake() and received()."""

    def __init__(self, protocol):
        self.protocol = protocol
        self.transport = None
        self.message = bytearray()
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.protocol.receive_data(data)
        self.take_events()

    def eof_received(self):
        self.protocol.receive_eof()
        self.take_events()

    def connection_lost(self, error):
        if not self.closed.done():
            self.closed.set_result(None)

    def take_events(self):
        for event in self.protocol.events_received():
            if not isinstance(event, websockets.frames.Frame):
                self.handshake(event)
            elif event.opcode in (websockets.frames.OP_BINARY, websockets.frames.OP_CONT):
                self.message += event.data
                if event.fin:
                    message = bytes(self.message)
                    self.message.clear()
                    self.received(message)
        self.flush()

    def flush(self):
        for data in self.protocol.data_to_send():
            if data:
                self.transport.write(data)
            else:
                self.transport.close()

    @property
    def is_open(self):
        return self.protocol.state is websockets.connection.State.OPEN and not self.transport.is_closing()

    def send(self, data):
        """One binary frame."""
        if self.is_open:
            self.protocol.send_binary(data)
            self.flush()

    def send_frame(self, opcode, data):
        """Any frame, also one that the library would not send."""
        if self.is_open:
            self.protocol.send_frame(websockets.frames.Frame(opcode, data))
            self.flush()

    def drop(self):
        """Breaks the connection."""
        self.transport.abort()

    def handshake(self, event):
        raise NotImplementedError

    def received(self, message):
        raise NotImplementedError

    @property
    def close_text(self):
        received = self.protocol.close_rcvd
        return f'{received.code} {received.reason}'.strip() if received else 'broken'


class Refused(Exception):
    """The service has answered with another status than 101."""


class ClientLink(Link):
    def __init__(self, protocol, headers, owner):
        super().__init__(protocol)
        self.headers = headers
        self.owner = owner
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        super().connection_made(transport)
        request = self.protocol.connect()
        for name, value in self.headers.items():
            request.headers[name] = value
        self.protocol.send_request(request)
        self.flush()

    def connection_lost(self, error):
        super().connection_lost(error)
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionError('closed during the handshake'))

    def handshake(self, event):
        if self.ready.done():
            return
        if event.status_code == 101 and self.protocol.handshake_exc is None:
            self.ready.set_result(None)
        else:
            self.ready.set_exception(Refused(f'{event.status_code} {(event.body or b"").decode(errors="replace")}'))
            self.transport.close()

    def received(self, message):
        self.owner.frame(message)

    def pause_writing(self):
        self.owner.set_congested(True)

    def resume_writing(self):
        self.owner.set_congested(False)


async def connect(endpoint, ca_file, mode, token, client_token, subprotocols, owner, server_name=None):
    """A ClientLink that gives its messages to owner.frame()."""
    uri = websockets.uri.parse_uri(f'{endpoint}/tunnel?local-proxy-mode={mode}')
    protocol = websockets.client.ClientConnection(uri, subprotocols=subprotocols, max_size=MAX_FRAME)
    headers = {'access-token': token, 'client-token': client_token}
    context = None
    if urllib.parse.urlsplit(endpoint).scheme == 'wss':
        context = ssl.create_default_context(cafile=ca_file)
        # The name that is asked for is not always the one that must be in the certificate.
        context.check_hostname = server_name is None
    _, link = await asyncio.get_running_loop().create_connection(
        lambda: ClientLink(protocol, headers, owner), uri.host, uri.port, ssl=context,
        # Services listen on 127.0.0.1: another test's program may have the same port on ::1.
        server_hostname=(server_name or uri.host) if context else None, family=socket.AF_INET)
    await link.ready
    return link
