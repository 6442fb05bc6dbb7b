#!/usr/bin/gjs -m
// SPDX-FileCopyrightText: 2026 The libist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A destination that sends back whatever comes, until Ctrl-C; a source that sends a text, and shows what
// comes back.

import GLib from 'gi://GLib';
import Ist from 'gi://Ist?version=1';
import * as Example from './example.js';

const ENOUGH = 512 * 1024;

function sendBack(tunnel) {
    let pending = 0;

    tunnel.connect('message-received', async (_tunnel, message) => {
        const size = message.get_payload().get_size();
        pending += size;
        // A source that does not read what comes back has to wait.
        if (pending > ENOUGH)
            tunnel.pause();
        try {
            await tunnel.send_message_async(message, null);
        } catch (error) {
            // Its stream has ended meanwhile, for example. The next one may fare better.
            print(`not sent back: ${error.message}`);
        }
        pending -= size;
        if (pending <= ENOUGH)
            tunnel.resume();
    });
    return Example.forever();
}

async function showAnswer(tunnel, service, text) {
    const answer = new Promise(resolve => tunnel.connect('message-received', (_tunnel, message) => resolve(message)));
    const message = Ist.Message.new(service, new GLib.Bytes(new TextEncoder().encode(text)));

    // The service drops what comes while the destination is absent. So asks until there is an answer.
    function ask() {
        try {
            tunnel.start_stream(service);
            tunnel.send_message(message);
        } catch (error) {
            print(`not sent: ${error.message}`);
        }
        return GLib.SOURCE_CONTINUE;
    }

    ask();
    const asking = GLib.timeout_add_seconds(GLib.PRIORITY_DEFAULT, 1, ask);
    // A payload is bytes; what the peer calls text may be anything.
    print(`came back: ${Example.toText((await answer).get_payload())}`);
    GLib.source_remove(asking);
}

const args = Example.parse('A destination that sends back whatever comes; a source that sends a text.', 'TEXT', 'hello');
const tunnel = Example.makeTunnel(args);

await Example.run(tunnel, () => args.isSource ? showAnswer(tunnel, args.service, args.argument) : sendBack(tunnel));
