#!/usr/bin/gjs -m
// SPDX-FileCopyrightText: 2026 The libist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// Shows everything that happens in a tunnel, until Ctrl-C.

import * as Example from './example.js';

const tunnel = Example.makeTunnel(Example.parse('Shows everything that happens in a tunnel, until Ctrl-C.'));

// Each event is a signal; example.js has those that tell whether the tunnel is connected.
tunnel.connect('stream-started', (_tunnel, info) => print(`stream started: ${info.to_string()}`));
tunnel.connect('stream-stopped', (_tunnel, info, error) =>
    print(`stream stopped: ${info.to_string()}: ${error.message}`));
tunnel.connect('connection-started', (_tunnel, info) => print(`connection started: ${info.to_string()}`));
tunnel.connect('connection-reset', (_tunnel, info, error) =>
    print(`connection reset: ${info.to_string()}: ${error?.message ?? 'by the peer'}`));
tunnel.connect('session-reset', () => print('session reset'));
tunnel.connect('message-received', (_tunnel, message) => print(`received ${message.to_string()}`));
tunnel.connect('send-data-complete', (_tunnel, message) => print(`sent ${message.to_string()}`));
tunnel.connect('stopped', () => print(`${tunnel.messagesIn} messages, ${tunnel.bytesIn} bytes in`));
// What changes is a property.
tunnel.connect('notify::state', () => print(`state: ${tunnel.state}`));
tunnel.connect('notify::round-trip-time-us', () => print(`round trip: ${tunnel.roundTripTimeUs} us`));

await Example.run(tunnel, Example.forever);
