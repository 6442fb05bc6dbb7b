# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The TCP connection of a local program, at either end of a tunnel."""

import asyncio
import socket


class Local(asyncio.Protocol):
    """Tells its model what happens, until the model has ended it."""

    def __init__(self, model, service):
        self.model = model
        self.service = service
        self.stream = 0
        self.connection = 0
        self.transport = None
        self.waiting = []
        self.ended = False
        model.locals.add(self)

    def connection_made(self, transport):
        self.transport = transport
        for data in self.waiting:
            transport.write(data)
        self.waiting.clear()
        if self.ended:
            transport.close()
            return
        self.set_paused(self.model.congested)
        self.model.local_made(self)

    def data_received(self, data):
        if not self.ended:
            self.model.local_data(self, data)

    def eof_received(self):
        self.tell_end()
        # Whether it is closed now is for the model to say.
        return True

    def connection_lost(self, error):
        self.tell_end()
        self.model.locals.discard(self)

    def tell_end(self):
        if not self.ended:
            self.model.local_ended(self)

    def write(self, data):
        if self.ended:
            return
        if self.transport:
            self.transport.write(data)
        else:
            self.waiting.append(data)

    def set_paused(self, paused):
        if not self.transport or self.transport.is_closing():
            return
        if paused:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def finish(self):
        """Closes when everything is written."""
        self.ended = True
        if self.transport:
            self.transport.close()

    def drop(self):
        """Closes at once; what is not written is lost."""
        self.ended = True
        self.waiting.clear()
        if self.transport:
            self.transport.abort()


def connect(model, service, port):
    """A Local, or None when nobody listens there."""
    try:
        sock = socket.create_connection(('127.0.0.1', port), 5)
    except OSError:
        return None
    sock.setblocking(False)
    local = Local(model, service)
    model.tasks.append(asyncio.get_running_loop().create_task(
        asyncio.get_running_loop().create_connection(lambda: local, sock=sock)))
    return local


async def listen(model, service, port=0):
    return await asyncio.get_running_loop().create_server(lambda: Local(model, service), '127.0.0.1', port,
                                                          reuse_address=True)
