# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Servers of a test's own, and what their clients do."""

import contextlib
import socket
import sys
import threading

from waiting import PATIENCE


given_ports = set()


def free_port(address='127.0.0.1'):
    """Another one each time, also where the kernel has few left."""
    with contextlib.ExitStack() as held:
        while True:
            port = held.enter_context(socket.create_server((address, 0))).getsockname()[1]
            if port not in given_ports:
                given_ports.add(port)
                return port


def is_listening(port, address='127.0.0.1'):
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


def read_exactly(connection, size):
    """Or less, if the other side closes before; a reset counts as that."""
    if connection.gettimeout() is None:
        connection.settimeout(PATIENCE)
    data = bytearray()
    with contextlib.suppress(ConnectionError):
        while len(data) < size and (piece := connection.recv(min(1 << 20, size - len(data)))):
            data += piece
    return bytes(data)


def read_all(connection):
    """Until the other side closes; a reset counts as that."""
    return read_exactly(connection, sys.maxsize)


def echo(connection):
    while data := connection.recv(65536):
        connection.sendall(data)


class Server:
    """Listens, on a free port if it is not told where; @serve gets each connection in
    a thread."""

    def __init__(self, serve, address='127.0.0.1', port=0, path=None):
        self.serve = serve
        self.accepted = 0
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(path))
            self.listener.listen()
            self.address = str(path)
        else:
            family = socket.AF_INET6 if ':' in address else socket.AF_INET
            self.listener = socket.create_server((address, port), family=family, backlog=1024)
            self.port = self.listener.getsockname()[1]
            self.address = f'[{address}]:{self.port}' if ':' in address else f'{address}:{self.port}'
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                self.accepted += 1
                threading.Thread(target=self.handle, args=(connection,), daemon=True).start()

    def handle(self, connection):
        with connection, contextlib.suppress(OSError):
            self.serve(connection)

    def close(self):
        # A thread that accepts would keep it open.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Echo(Server):
    """Returns what it gets, connection by connection, with a greeting before it."""

    def __init__(self, greeting=b'', **where):
        self.greeting = greeting
        super().__init__(self.answer, **where)

    def answer(self, connection):
        connection.sendall(self.greeting)
        echo(connection)
