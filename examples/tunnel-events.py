#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Shows everything that happens in a tunnel, until Ctrl-C."""

import example
from example import tell


async def show(tunnel):
    # Each event is a signal; example.py has those that tell whether the tunnel is connected.
    tunnel.connect('stream-started', lambda _, info: tell('stream started:', info.to_string()))
    tunnel.connect('stream-stopped', lambda _, info, error: tell(f'stream stopped: {info.to_string()}:', error.message))
    tunnel.connect('connection-started', lambda _, info: tell('connection started:', info.to_string()))
    tunnel.connect('connection-reset', lambda _, info, error:
                   tell(f'connection reset: {info.to_string()}:', error.message if error else 'by the peer'))
    tunnel.connect('session-reset', lambda _: tell('session reset'))
    tunnel.connect('send-data-complete', lambda _, message, error: tell('sent', message.to_string()))
    # What changes is a property.
    tunnel.connect('notify::state', lambda *_: tell('state:', tunnel.get_state().value_nick))
    tunnel.connect('notify::round-trip-time-us', lambda *_: tell('round trip:', tunnel.get_round_trip_time_us(), 'us'))

    try:
        # Stops the tunnel in the end, however that comes.
        async with tunnel:
            # Messages, too, are a signal; this waits for one after the other. It ends with the tunnel.
            async for message in tunnel:
                tell('received', message.to_string())
    finally:
        tell(tunnel.get_messages_in(), 'messages,', tunnel.get_bytes_in(), 'bytes in')


args = example.parse(__doc__)
example.run(show(example.make_tunnel(args)))
