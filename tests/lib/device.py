# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What a device's agent works with: a broker that knows it by its certificate, and
the notifications that come there."""

import json
import pathlib

from broker import Mosquitto
from certificates import Authority
from child import run
from sockets import free_port

THING = 'pump-17'
TOPIC = f'$aws/things/{THING}/tunnels/notify'


class Broker(Mosquitto):
    """With TLS; who a device is, its certificate says, and it may read its own topic only."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.authority = Authority(folder / 'ca')
        server, server_key = self.authority.issue('broker', host='DNS:localhost,IP:127.0.0.1')
        self.certificate, self.key = self.authority.issue(THING)
        self.backend, self.backend_key = self.authority.issue('backend')
        self.plain_port = free_port()
        acl = folder / 'acl'
        acl.write_text('user backend\ntopic readwrite #\ntopic readwrite $aws/#\n'
                       f'user {THING}\ntopic read {TOPIC}\n')
        super().__init__(folder,
                         ['per_listener_settings true', f'listener {self.plain_port} 127.0.0.1',
                          'allow_anonymous true'],
                         [f'cafile {self.authority.certificate}', f'certfile {server}', f'keyfile {server_key}',
                          'require_certificate true', 'use_identity_as_username true', f'acl_file {acl}'])

    def publish_with(self, arguments, payload):
        """As the service does, with QoS 1, and waits for the broker's word."""
        run('mosquitto_pub', '-h', 'localhost', '-p', self.port, '--cafile', self.authority.certificate,
            '--cert', self.backend, '--key', self.backend_key, '-q', '1', *arguments, input=payload)

    def publish(self, payload, topic=TOPIC, *options):
        if not isinstance(payload, bytes):
            payload = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
        self.publish_with(['-t', topic, '-s' if payload else '-n', *options], payload)

    def publish_lines(self, lines):
        """Publishes each line as one message, over one connection."""
        self.publish_with(['-t', TOPIC, '-l'], lines.encode())


def notification(token, services, **changes):
    return {'clientAccessToken': token, 'clientMode': 'destination', 'region': 'us-east-1',
            'services': services, **changes}
