#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A destination that receives a file from tunnel-send-file.

On a stream of the tunnel's service
1. the source says "SIZE bytes", on a new stream each second until it is answered;
2. the destination answers "GO", for the service drops what it can't deliver;
3. the source sends the file;
4. the destination answers with the file's SHA-256 and is done; the source compares.
"SIZE", "GO" and the digest are lines of text. Whatever breaks in between, a
new stream starts all over. The access token comes from AWSIOT_TUNNEL_ACCESS_TOKEN.
"""

import argparse
import hashlib
import os
import signal
import sys

import gi
gi.require_version('Ist', '1')
from gi.repository import GLib, Ist


class Receiver:
    def __init__(self, tunnel, path):
        self.tunnel = tunnel
        self.path = path
        self.partial = path + '.part'
        self.loop = GLib.MainLoop()
        self.done = False
        self.start_over()
        for name in ('connection-success', 'connection-failure', 'connection-shutdown', 'stream-started',
                     'stream-stopped', 'message-received', 'stopped'):
            tunnel.connect(name, getattr(self, 'on_' + name.replace('-', '_')))

    def run(self):
        self.tunnel.start()
        self.loop.run()
        self.file.close()
        if os.path.exists(self.partial):
            os.unlink(self.partial)
        return self.done

    def start_over(self):
        self.header = b''
        self.missing = None
        self.digest = hashlib.sha256()
        self.file = open(self.partial, 'wb')

    def answer(self, text, callback):
        message = Ist.Message.new(self.service, GLib.Bytes.new(text.encode() + b'\n'))
        self.tunnel.send_message_async(message, None, callback)

    def on_connection_success(self, tunnel, service_ids):
        print('connected, services:', ', '.join(service_ids), flush=True)

    def on_connection_failure(self, tunnel, error, will_retry):
        print('could not connect:', error.message, '(will try again)' if will_retry else '', flush=True)

    def on_connection_shutdown(self, tunnel, error):
        print('disconnected:', error.message if error else 'stopped', flush=True)

    def on_stream_started(self, tunnel, info):
        print(f'stream {info.get_stream_id()} started', flush=True)
        self.service = info.get_service_id()
        self.start_over()

    def on_stream_stopped(self, tunnel, info, error):
        print(f'stream {info.get_stream_id()} stopped:', error.message, flush=True)

    def on_message_received(self, tunnel, message):
        try:
            self.take(message.get_payload().get_data())
        except (OSError, ValueError) as error:
            print(error, file=sys.stderr)
            tunnel.stop()

    def take(self, data):
        if self.missing is None:
            self.header += data
            if not self.header.endswith(b'\n'):
                return
            self.missing = int(self.header.removeprefix(b'SIZE '))
            print(f'receiving {self.missing / 1e6:.1f} MB', flush=True)
            self.answer('GO', None)
        else:
            self.file.write(data)
            self.digest.update(data)
            self.missing -= len(data)
        if self.missing == 0:
            self.finish()

    def finish(self):
        self.file.close()
        os.replace(self.partial, self.path)
        print('received, SHA-256', self.digest.hexdigest(), flush=True)
        self.answer(self.digest.hexdigest(), self.on_answered)

    def on_answered(self, tunnel, result):
        try:
            self.done = tunnel.send_message_finish(result)
            tunnel.stop()
        except GLib.Error as error:
            print('the source will ask again:', error.message, flush=True)

    def on_stopped(self, tunnel):
        self.loop.quit()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--endpoint', required=True, metavar='HOST[:PORT]', help='where to connect')
    parser.add_argument('--ca-file', help='certificate authorities to trust')
    parser.add_argument('file', help='where to write what comes; an existing file is replaced')
    args = parser.parse_args()
    tunnel = Ist.SecureTunnel(mode=Ist.Mode.DESTINATION, endpoint=args.endpoint, ca_file=args.ca_file,
                              access_token=os.environ.get('AWSIOT_TUNNEL_ACCESS_TOKEN'))
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, lambda: tunnel.stop() or True)
    try:
        return 0 if Receiver(tunnel, args.file).run() else 1
    except (GLib.Error, OSError) as error:
        print(getattr(error, 'message', error), file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
