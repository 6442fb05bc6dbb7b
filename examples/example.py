# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What the programs in Python do alike: the same options, a tunnel made of them, a word on how it fares, and
an end at Ctrl-C."""

import argparse
import asyncio
import os
import signal
import sys

# asyncio has to run GLib's main loop: what is signalled, and what is awaited, happens in there.
import gbulb
import gi
gi.require_version('Ist', '1')
from gi.repository import GLib, Ist


def parse(description, argument=None, default=None):
    parser = argparse.ArgumentParser(
        description=description,
        epilog="The access token comes from AWSIOT_TUNNEL_ACCESS_TOKEN, a source's from "
               "AWSIOT_TUNNEL_SOURCE_ACCESS_TOKEN if that is set.")
    parser.add_argument('--mode', choices=['destination', 'source'], default='destination',
                        help='the end of the tunnel (default: destination)')
    parser.add_argument('--endpoint', metavar='HOST[:PORT]', default=os.environ.get('AWSIOT_TUNNEL_ENDPOINT'),
                        help='where to connect (default: AWSIOT_TUNNEL_ENDPOINT)')
    parser.add_argument('--ca-file', metavar='FILE', default=os.environ.get('SSL_CERT_FILE'),
                        help="authorities to trust (default: SSL_CERT_FILE, or the system's)")
    parser.add_argument('--service', metavar='ID', help='service (default: the only one)')
    if default:
        parser.add_argument('argument', metavar=argument, nargs='?', default=default)
    elif argument:
        parser.add_argument('argument', metavar=argument)
    return parser.parse_args()


def make_tunnel(args):
    token = os.environ.get('AWSIOT_TUNNEL_ACCESS_TOKEN')
    if args.mode == 'source':
        token = os.environ.get('AWSIOT_TUNNEL_SOURCE_ACCESS_TOKEN', token)
    tunnel = Ist.SecureTunnel(mode=Ist.Mode.SOURCE if args.mode == 'source' else Ist.Mode.DESTINATION,
                              access_token=token, endpoint=args.endpoint, ca_file=args.ca_file)
    tunnel.connect('connection-success', lambda _, service_ids: tell('connected, services:', ', '.join(service_ids)))
    tunnel.connect('connection-failure', lambda _, error, will_retry:
                   will_retry and tell('could not connect, will try again:', error.message))
    tunnel.connect('connection-shutdown', lambda _, error: tell('disconnected:', error.message if error else 'stopped'))
    return tunnel


def tell(*words):
    print(*words, flush=True)


told = None


def tell_progress(what, done, size):
    """Each twentieth."""
    global told
    twentieth = done * 20 // size
    if twentieth != told:
        tell(what, twentieth * 5, '% of', f'{size / 1e6:.1f} MB')
    told = twentieth


def run(work):
    """Runs a coroutine to its end, or to Ctrl-C, and ends the program."""
    async def main():
        task = asyncio.ensure_future(work)
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, lambda: task.cancel() or True)
        await task

    gbulb.install()
    try:
        asyncio.run(main())
    except asyncio.CancelledError:
        sys.exit(130)
    except (GLib.Error, OSError, EOFError, ValueError) as error:
        sys.exit(error.message if isinstance(error, GLib.Error) else str(error))
