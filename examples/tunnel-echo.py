#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A destination that sends back whatever comes, until Ctrl-C; a source that sends a text, and shows what comes back."""

import asyncio

import example
from example import tell
from gi.repository import Ist


async def send_back(tunnel):
    async with tunnel:
        # While one message waits for room on its way back, few more are taken: the tunnel is paused until then,
        # and so is a source that does not read what comes back.
        async for message in tunnel:
            try:
                await tunnel.send_message_async(message)
            except Ist.errors() as error:
                # Its stream has ended meanwhile, for example. The next one may fare better.
                tell('not sent back:', error.message)


async def ask(tunnel, service, text):
    """The service drops what comes while the destination is absent. So asks until there is an answer."""
    while True:
        try:
            tunnel.start_stream(service)
            tunnel.send(text, service)
        except Ist.errors() as error:
            tell('not sent:', error.message)
        await asyncio.sleep(1)


async def show_answer(tunnel, service, text):
    async with tunnel:
        asking = asyncio.ensure_future(ask(tunnel, service, text))
        async for message in tunnel:
            # Its payload is bytes; what the peer calls text may be anything.
            tell('came back:', message.payload.decode(errors='replace'))
            break
        asking.cancel()


args = example.parse(__doc__, 'TEXT', 'hello')
tunnel = example.make_tunnel(args)
if args.mode == 'destination':
    example.run(send_back(tunnel))
else:
    example.run(show_answer(tunnel, args.service, args.argument))
