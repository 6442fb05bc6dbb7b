// SPDX-FileCopyrightText: 2026 The libist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// What the programs in JavaScript do alike: the same options, a tunnel made of them, a word on how it
// fares, and an end at Ctrl-C.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Ist from 'gi://Ist?version=1';
import System from 'system';

const SIGINT = 2;

const OPTIONS = {
    mode: ['destination or source (default: destination)', 'MODE'],
    endpoint: ['where to connect (default: AWSIOT_TUNNEL_ENDPOINT)', 'HOST[:PORT]'],
    'ca-file': ["authorities to trust (default: SSL_CERT_FILE, or the system's)", 'FILE'],
    service: ['service (default: the only one)', 'ID'],
};

export function fail(text) {
    printerr(text);
    System.exit(1);
}

// GLib's parser of options is reached from JavaScript through Gio.Application only.
export function parse(summary, parameter = null, argument = null) {
    const app = new Gio.Application({flags: Gio.ApplicationFlags.NON_UNIQUE});
    let found = null;
    app.set_option_context_summary(summary);
    app.set_option_context_description('The access token comes from AWSIOT_TUNNEL_ACCESS_TOKEN, ' +
        "a source's from\nAWSIOT_TUNNEL_SOURCE_ACCESS_TOKEN if that is set.");
    app.set_option_context_parameter_string(parameter ? `[${parameter}]` : null);
    for (const [name, [help, value]] of Object.entries(OPTIONS))
        app.add_main_option(name, 0, 0, GLib.OptionArg.STRING, help, value);
    app.add_main_option(GLib.OPTION_REMAINING, 0, 0, GLib.OptionArg.STRING_ARRAY, '', null);
    app.connect('handle-local-options', (_app, values) => {
        found = values.end().deepUnpack();
        return 0;
    });
    const status = app.run([System.programInvocationName, ...ARGV]);
    if (!found)
        System.exit(status);

    const get = (name, other) => found[name]?.unpack() ?? other;
    const rest = found[GLib.OPTION_REMAINING]?.deepUnpack() ?? (argument === null ? [] : [argument]);
    const mode = get('mode', 'destination');
    if (rest.length !== (parameter ? 1 : 0) || !['destination', 'source'].includes(mode))
        fail('That is not how it is used; see --help');
    return {
        isSource: mode === 'source',
        endpoint: get('endpoint', GLib.getenv('AWSIOT_TUNNEL_ENDPOINT')),
        caFile: get('ca-file', GLib.getenv('SSL_CERT_FILE')),
        service: get('service', null),
        argument: rest[0],
    };
}

export function makeTunnel({isSource, endpoint, caFile}) {
    const token = GLib.getenv('AWSIOT_TUNNEL_ACCESS_TOKEN');
    const tunnel = new Ist.SecureTunnel({
        mode: isSource ? Ist.Mode.SOURCE : Ist.Mode.DESTINATION,
        accessToken: isSource ? GLib.getenv('AWSIOT_TUNNEL_SOURCE_ACCESS_TOKEN') ?? token : token,
        endpoint,
        caFile,
    });
    tunnel.connect('connection-success', (_tunnel, serviceIds) =>
        print(`connected, services: ${serviceIds.join(', ')}`));
    tunnel.connect('connection-failure', (_tunnel, error, willRetry) =>
        willRetry && print(`could not connect, will try again: ${error.message}`));
    tunnel.connect('connection-shutdown', (_tunnel, error) => print(`disconnected: ${error?.message ?? 'stopped'}`));
    return tunnel;
}

// Starts the tunnel, does what an asynchronous function does, and stops it; also at Ctrl-C, and when it has failed.
export async function run(tunnel, work) {
    const interrupted = new Promise(resolve => GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, SIGINT, () => {
        resolve(true);
        return GLib.SOURCE_CONTINUE;
    }));
    const failed = new Promise((_resolve, reject) =>
        tunnel.connect('stopped', () => reject(tunnel.get_last_error() ?? new Error('stopped'))));
    try {
        const early = await Promise.race([interrupted, failed, tunnel.start_async(null).then(work)]);
        await tunnel.stop_async(null);
        // Whatever has lost its connection by that clears away first.
        await new Promise(resolve => GLib.idle_add(GLib.PRIORITY_LOW, () => resolve() ?? GLib.SOURCE_REMOVE));
        System.exit(early ? 130 : 0);
    } catch (error) {
        fail(error.message);
    }
}

// For what has no end of its own.
export function forever() {
    return new Promise(() => {});
}

export function toText(bytes) {
    return new TextDecoder().decode(bytes.toArray());
}

// What a call gives, unless that takes too long: it is given a Gio.Cancellable.
export async function within(seconds, call) {
    const cancellable = new Gio.Cancellable();
    const timeout = GLib.timeout_add_seconds(GLib.PRIORITY_DEFAULT, seconds, () => {
        cancellable.cancel();
        return GLib.SOURCE_CONTINUE;
    });
    try {
        return await call(cancellable);
    } catch (error) {
        throw cancellable.is_cancelled() ? new Error('no answer in time: has the destination been started?') : error;
    } finally {
        GLib.source_remove(timeout);
    }
}

let told = -1;

// Each twentieth.
export function tellProgress(what, done, size) {
    const twentieth = Math.floor(done * 20 / size);
    if (twentieth !== told)
        print(`${what} ${twentieth * 5} % of ${(size / 1e6).toFixed(1)} MB`);
    told = twentieth;
}
