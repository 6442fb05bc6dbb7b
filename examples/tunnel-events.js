#!/usr/bin/env -S gjs -m
// SPDX-FileCopyrightText: 2026 The libist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// A destination that shows everything that happens in a tunnel, until Ctrl-C.
// The access token comes from AWSIOT_TUNNEL_ACCESS_TOKEN.

import GLib from 'gi://GLib';
import Ist from 'gi://Ist?version=1';
import System from 'system';

const SIGINT = 2;

const [endpoint, caFile, ...rest] = ARGV;
if (!endpoint || rest.length > 0) {
    printerr('Usage: tunnel-events.js HOST[:PORT] [CA-FILE]');
    System.exit(2);
}

const loop = new GLib.MainLoop(null, false);
const tunnel = new Ist.SecureTunnel({
    mode: Ist.Mode.DESTINATION,
    accessToken: GLib.getenv('AWSIOT_TUNNEL_ACCESS_TOKEN'),
    endpoint,
    caFile: caFile ?? null,
});

function why(error) {
    return error ? `: ${error.message}` : '';
}

tunnel.connect('connection-success', (_tunnel, serviceIds) =>
    print(`connected, services: ${serviceIds.join(', ')}`));
tunnel.connect('connection-failure', (_tunnel, error, willRetry) =>
    print(`could not connect${why(error)}${willRetry ? '; will try again' : ''}`));
tunnel.connect('connection-shutdown', (_tunnel, error) => print(`disconnected${why(error)}`));
tunnel.connect('stream-started', (_tunnel, info) => print(`stream started: ${info.to_string()}`));
tunnel.connect('stream-stopped', (_tunnel, info, error) => print(`stream stopped: ${info.to_string()}${why(error)}`));
tunnel.connect('connection-started', (_tunnel, info) => print(`connection started: ${info.to_string()}`));
tunnel.connect('connection-reset', (_tunnel, info, error) =>
    print(`connection reset: ${info.to_string()}${why(error)}`));
tunnel.connect('session-reset', () => print('session reset'));
tunnel.connect('message-received', (_tunnel, message) => print(`received ${message.to_string()}`));
tunnel.connect('notify::state', () => print(`state ${tunnel.state}`));
tunnel.connect('notify::round-trip-time-us', () => print(`round trip ${tunnel.roundTripTimeUs} µs`));
tunnel.connect('stopped', () => loop.quit());

let interrupted = false;
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, SIGINT, () => {
    interrupted = true;
    tunnel.stop();
    return GLib.SOURCE_CONTINUE;
});

try {
    tunnel.start();
} catch (error) {
    printerr(error.message);
    System.exit(1);
}
loop.run();
print(`${tunnel.messagesIn} messages, ${tunnel.bytesIn} bytes in`);
System.exit(interrupted ? 0 : 1);
