# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A tunnel between real programs, with models and the scripted service in it."""

import concurrent.futures
import json
import pathlib
import socket
import subprocess
import sys
import time

import programs
from child import require
from sockets import read_all, read_exactly
from waiting import PATIENCE, wait_until

from . import service as scripted
from . import wire

# Go clients ask for a name with the port in it, which GnuTLS refuses; the browser client's subprotocol is misspelt.
NOT_FOR_THE_EMULATOR = ('browser', 'go')


def together(count, function):
    """Calls function(i) in as many threads at once; returns what they returned, in order."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(function, range(count)))


def pattern(size, seed=0):
    """Bytes whose every place shows."""
    block = b''.join(b'%07d%c' % (seed * 100_000 + i, 65 + seed % 26) for i in range((size + 7) // 8))
    return block[:size]


# What no program may leave in its log, nor a model in its.
FAULTS = r'Sanitizer|runtime error:|CRITICAL|Traceback'


class Case(programs.Case):
    def end_children(self):
        super().end_children()
        for log in pathlib.Path(self.folder).glob('*.log'):
            self.assertNotRegex(log.read_text(errors='replace'), FAULTS, log.name)

    # The peers

    def peer(self, name, model, *services, form=None):
        """Starts a model; returns the ports that it listens on."""
        mode = model.rpartition('-')[2]
        arguments = [sys.executable, '-m', 'peers', model, '--endpoint', self.info['endpoint'],
                     '--ca', self.info['caFile'], *services]
        if form:
            arguments += ['--form', form]
        # A model that is started again is the same client.
        child = self.spawn(name, arguments, {'IST_TOKEN': self.tunnel[mode + 'AccessToken'],
                                             'IST_CLIENT_TOKEN': f'the-client-token-of-the-{mode}-model'},
                           stdout=subprocess.PIPE)
        return json.loads(child.read_line())

    def peer_destination(self, model, targets, form=None, name='destination'):
        """A model that connects to the ports of @targets; waits until it is there."""
        self.peer(name, f'{model}-destination', *(f'{service}={port}' for service, port in targets.items()), form=form)
        self.destination = self.children[-1]
        # What a source sends before that is lost.
        self.destination.expect('^connected')
        return self.destination

    def peer_source(self, model, *services, form=None, name='source'):
        self.ports = self.peer(name, f'{model}-source', *(services or self.services), form=form)
        self.source = self.children[-1]
        self.source.expect('^connected')
        return self.ports

    # The scripted service

    def start_service(self, services=None, **options):
        services = self.services if services is None else services
        self.service = scripted.Service(self.folder, services, **options)
        self.addCleanup(self.service.stop)
        self.info = {'endpoint': self.service.endpoint, 'caFile': self.service.ca_file}
        self.tunnel = {'sourceAccessToken': 'a-source-token', 'destinationAccessToken': 'a-destination-token'}
        return self.service

    def wait_for_message(self, side, *types, count=1, connection=None, patience=PATIENCE):
        """The last of @count messages of @types that the service has got from a side."""
        def found():
            messages = self.service.messages(side, *types, connection=connection)
            return len(messages) >= count and messages
        names = ' or '.join(wire.Message.Type.Name(kind) for kind in types)
        return wait_until(found, f'{count} {names} from the {side}', patience)[count - 1]

    def wait_for_payload(self, side, size, service='', connection=None):
        """The data of a connection that the service has got from a side, once there is enough."""
        def data():
            return b''.join(message.payload for message in self.service.messages(side, wire.DATA)
                            if message.serviceId == service and connection in (None, message.connectionId))
        wait_until(lambda: len(data()) >= size, f'{size} bytes from the {side}', PATIENCE)
        return data()

    # Local programs

    def connect(self, port, patience=PATIENCE):
        client = socket.create_connection(('127.0.0.1', port), patience)
        self.addCleanup(client.close)
        return client

    def talk(self, port, data, patience=PATIENCE):
        """Sends, and reads as many bytes back; then the client closes."""
        with socket.create_connection(('127.0.0.1', port), patience) as client:
            try:
                client.sendall(data)
            except ConnectionError:
                return b''
            return read_exactly(client, len(data))

    def assert_closed(self, client, patience=10):
        """That the connection ends within @patience seconds."""
        client.settimeout(patience)
        try:
            read_all(client)
        except TimeoutError:
            self.fail(f'the connection was not closed in {patience} s')

    def assert_quiet(self, condition, seconds=1):
        """That @condition does not come true for so long. On a slow machine it shows less, never something wrong."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.assertFalse(condition())
            time.sleep(0.02)

    def curl(self, port, path='', patience=PATIENCE):
        require('curl')
        return subprocess.run(['curl', '--silent', '--show-error', '--fail', '--max-time', str(patience),
                               f'http://127.0.0.1:{port}/{path}'], capture_output=True, text=True,
                              timeout=2 * patience)
