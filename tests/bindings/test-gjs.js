#!/usr/bin/gjs -m
// SPDX-FileCopyrightText: 2026 The libist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// libist as JavaScript sees it, with both ends and the service in this process.

import GLib from 'gi://GLib';
import Gio from 'gi://Gio';
import GObject from 'gi://GObject';
import Ist from 'gi://Ist?version=1';
import IstAgent from 'gi://IstAgent?version=1';
import IstEmulator from 'gi://IstEmulator?version=1';
import IstOperator from 'gi://IstOperator?version=1';
import System from 'system';

const TIMEOUT = 30;
const {SOURCE, DESTINATION} = Ist.Mode;
const SIGNALS = ['connection-success', 'connection-failure', 'connection-shutdown', 'send-data-complete',
    'message-received', 'stream-started', 'stream-stopped', 'connection-started', 'connection-reset',
    'session-reset', 'stopped'];

function check(good, text = 'check') {
    if (!good)
        throw new Error(`${text} failed`);
}

function checkEqual(value, expected) {
    check(JSON.stringify(value) === JSON.stringify(expected),
        `${JSON.stringify(value)} is ${JSON.stringify(expected)}`);
}

function checkError(error, code) {
    check(error instanceof GLib.Error && error.matches(Ist.TunnelError, code), `${error} has code ${code}`);
}

function checkThrows(code, call) {
    let caught = null;
    try {
        call();
    } catch (error) {
        caught = error;
    }
    checkError(caught, code);
    return caught;
}

function waitFor(condition) {
    let late = false;
    const timeout = GLib.timeout_add_seconds(GLib.PRIORITY_DEFAULT, TIMEOUT, () => {
        late = true;
        return GLib.SOURCE_REMOVE;
    });
    for (;;) {
        const value = condition();
        if (value) {
            GLib.source_remove(timeout);
            return value;
        }
        check(!late, 'waiting');
        GLib.MainContext.default().iteration(true);
    }
}

function message(text, connection = 0) {
    return Ist.Message.new_for_connection('SSH', connection, new GLib.Bytes(new TextEncoder().encode(text)));
}

function textOf(aMessage) {
    return new TextDecoder().decode(aMessage.get_payload().toArray());
}

// What the signals of a tunnel told, each as [name, argument...].
function record(tunnel) {
    const events = [];
    for (const name of SIGNALS)
        tunnel.connect(name, (_tunnel, ...rest) => events.push([name, ...rest]));
    events.named = name => events.filter(event => event[0] === name).map(event => event.slice(1));
    return events;
}

class Fixture {
    constructor(...services) {
        this.service = new IstEmulator.Service({plain: true});
        this.service.start();
        this.tunnel = this.service.open_tunnel(services, null, 0);
        this.ends = [];
    }

    settings(mode) {
        return {
            mode,
            endpoint: this.service.get_endpoint(),
            accessToken: mode === SOURCE
                ? this.tunnel.get_source_access_token() : this.tunnel.get_destination_access_token(),
            reconnectDelayFloorMs: 1,
            reconnectDelayBaseMs: 1,
        };
    }

    start(mode) {
        const end = new Ist.SecureTunnel(this.settings(mode));
        const events = record(end);
        end.start();
        this.ends.push(end);
        return [end, events];
    }

    connectBoth() {
        [this.destination, this.seen] = this.start(DESTINATION);
        waitFor(() => this.seen.named('connection-success').length);
        [this.source, this.events] = this.start(SOURCE);
        waitFor(() => this.events.named('connection-success').length);
    }

    startStream() {
        const before = this.seen.named('stream-started').length;
        const info = this.source.start_stream('SSH');
        waitFor(() => this.seen.named('stream-started').length > before);
        return info;
    }

    finish() {
        for (const end of this.ends) {
            end.stop();
            waitFor(() => end.state === Ist.TunnelState.STOPPED);
        }
        this.service.stop();
    }
}

const tests = {
    'settings'(fixture) {
        const end = new Ist.SecureTunnel({...fixture.settings(SOURCE), pingInterval: 7});
        checkEqual([end.mode, end.pingInterval, end.state], [SOURCE, 7, Ist.TunnelState.STOPPED]);
        checkEqual([end.get_service_ids(), end.channelId, end.lastError], [null, null, null]);
        check(checkThrows(Ist.TunnelError.INVALID_SETTING, () => new Ist.SecureTunnel().start())
            .message.startsWith('access-token:'));
        checkThrows(Ist.TunnelError.INVALID_SETTING, () => Ist.SecureTunnel.new(SOURCE, 'token', '../region'));
        checkEqual(Ist.SecureTunnel.new(DESTINATION, 'token', 'eu-west-1').region, 'eu-west-1');
    },

    // The method knows "not named yet", which to the property is an empty list.
    'services'(fixture) {
        fixture.tunnel = fixture.service.open_tunnel([], null, 0);
        const end = new Ist.SecureTunnel(fixture.settings(SOURCE));
        checkEqual([end.get_service_ids(), end.serviceIds, end.serviceIdsKnown], [null, [], false]);
        end.start();
        fixture.ends.push(end);
        waitFor(() => end.state === Ist.TunnelState.CONNECTED);
        checkEqual([end.get_service_ids(), end.serviceIds, end.serviceIdsKnown], [[], [], true]);
    },

    'values'() {
        const [one, same] = [message('hello'), message('hello')];
        check(one.equal(same) && !one.equal(message('hallo')));
        checkEqual(one.hash(), same.hash());
        checkEqual(one.to_string(), 'data, service “SSH”, 5 bytes');
    },

    'nothing given'() {
        for (const name of ['Connection', 'SecureTunnel', 'SecureTunnelBuilder'])
            check(new Ist[name](), name);
        for (const name of ['Message', 'StreamInfo']) {
            let text = '';
            try {
                new Ist[name]();
            } catch (error) {
                text = error.message;
            }
            check(text.length > 20, name);
        }
    },

    'frozen'(fixture) {
        const end = new Ist.SecureTunnel(fixture.settings(SOURCE));
        const endpoint = end.endpoint;
        for (const spec of Ist.SecureTunnelBuilder.list_properties())
            check(end.constructor.find_property(spec.name).flags & GObject.ParamFlags.CONSTRUCT_ONLY, spec.name);
        // Some of these throw, of others GObject warns.
        for (const [name, value] of [['endpoint', 'elsewhere'], ['state', Ist.TunnelState.CONNECTED]]) {
            try {
                end[name] = value;
            } catch (error) {
                check(!(error instanceof ReferenceError), error);
            }
        }
        checkEqual(end.state, Ist.TunnelState.STOPPED);
        checkEqual(end.endpoint, endpoint);
    },

    'tokens are unreadable'(fixture) {
        const things = [new Ist.SecureTunnel(fixture.settings(SOURCE)), new Ist.SecureTunnelBuilder({accessToken: 'secret'})];
        for (const thing of things) {
            for (const name of ['accessToken', 'clientToken']) {
                let value;
                try {
                    value = thing[name];
                } catch (_error) {
                    value = undefined;
                }
                checkEqual(value, undefined);
            }
        }
    },

    'builder'(fixture) {
        const {endpoint, accessToken} = fixture.settings(DESTINATION);
        const builder = new Ist.SecureTunnelBuilder();
        checkThrows(Ist.TunnelError.INVALID_SETTING, () => builder.build());
        const end = builder.set_mode(DESTINATION).set_endpoint(endpoint).set_access_token(accessToken).build();
        builder.set_mode(SOURCE).set_endpoint('elsewhere');
        builder.maxAttempts = 3;
        checkEqual([end.mode, end.endpoint, end.maxAttempts], [DESTINATION, endpoint, 0]);
        checkEqual([builder.build().mode, builder.build().maxAttempts], [SOURCE, 3]);
    },

    'connection'(fixture) {
        fixture.connectBoth();
        checkEqual(fixture.events, [['connection-success', ['SSH']]]);
        checkEqual(fixture.source.get_service_ids(), ['SSH']);
        checkEqual(fixture.source.serviceIds, ['SSH']);
        fixture.source.stop();
        waitFor(() => fixture.events.named('stopped').length);
        checkEqual(fixture.events.slice(1), [['connection-shutdown', null], ['stopped']]);
    },

    'messages'(fixture) {
        fixture.connectBoth();
        const info = fixture.startStream();
        const [there] = fixture.seen.named('stream-started')[0];
        for (const one of [info, there]) {
            checkEqual([one.get_service_id(), one.get_stream_id(), one.get_connection_id(), one.get_version()],
                ['SSH', info.get_stream_id(), 1, Ist.ProtocolVersion.V3]);
        }
        const texts = [...Array(100).keys()].map(i => `number ${i}`);
        texts.forEach(text => fixture.source.send_message(message(text)));
        waitFor(() => fixture.seen.named('message-received').length === texts.length);
        waitFor(() => fixture.events.named('send-data-complete').length === texts.length);
        System.gc();
        // Kept after their signal, they stay what they were.
        checkEqual(fixture.seen.named('message-received').map(([got]) => textOf(got)), texts);
        checkEqual(fixture.events.named('send-data-complete').map(([sent, error]) => [textOf(sent), error]),
            texts.map(text => [text, null]));
        checkEqual([fixture.source.messagesOut, fixture.destination.messagesIn], [100, 100]);
        fixture.destination.send_message(message('back'));
        checkEqual(textOf(waitFor(() => fixture.events.named('message-received')[0])[0]), 'back');
    },

    'promises'(fixture) {
        fixture.connectBoth();
        fixture.startStream();
        const results = [];
        fixture.source.send_message_async(message('x'), null).then(result => results.push(result));
        fixture.source.send_message_async(message('x', 9), null).catch(error => results.push(error));
        waitFor(() => results.length === 2);
        checkError(results.find(result => result !== true), Ist.TunnelError.NO_SUCH_CONNECTION);
        check(results.includes(true));
    },

    'what can be awaited'() {
        const left = [];
        for (const namespace of [Ist, IstAgent, IstEmulator, IstOperator]) {
            for (const name of Object.getOwnPropertyNames(namespace)) {
                const methods = Object.getOwnPropertyNames(namespace[name]?.prototype ?? {});
                left.push(...methods.filter(method => /^[a-z].*_async$/.test(method) && !methods.includes(`_original_${method}`)));
            }
        }
        checkEqual(left, []);
    },

    'awaiting'(fixture) {
        const end = new Ist.SecureTunnel(fixture.settings(SOURCE));
        const seen = [];
        (async () => {
            fixture.tunnel.refuse_handshakes(SOURCE, 1, 403, 'go away');
            await end.start_async(null).catch(error => seen.push(error));
            seen.push(await end.start_async(null), end.state);
            seen.push(await end.stop_async(null), end.state, null);
        })();
        waitFor(() => seen.at(-1) === null);
        checkError(seen.shift(), Ist.TunnelError.TOKEN_REJECTED);
        checkEqual(seen, [true, Ist.TunnelState.CONNECTED, true, Ist.TunnelState.STOPPED, null]);
    },

    'awaiting the service'() {
        const {STOPPED, LISTENING} = IstEmulator.ServiceState;
        const service = new IstEmulator.Service({plain: true});
        const seen = [];
        (async () => {
            seen.push(await service.start_async(null), service.state);
            const tunnel = service.open_tunnel(['SSH'], null, 0);
            check(service.get_n_items() === 1 && service.get_item(0) === tunnel);
            await service.start_async(null).catch(error => checkError(error, Ist.TunnelError.INVALID_STATE));
            seen.push(await service.stop_async(null), service.state);
        })().catch(error => seen.push(error.message)).then(() => seen.push(null));
        waitFor(() => seen.at(-1) === null);
        checkEqual(seen, [true, LISTENING, true, STOPPED, null]);
    },

    'the control plane'(fixture) {
        const {ControlPlane, ControlPlaneError, Credentials} = IstOperator;
        GLib.setenv('AWS_CONFIG_FILE', '/nowhere', true);
        GLib.setenv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere', true);
        const service = new IstEmulator.Service({address: '127.0.0.1', plain: true});
        service.start();
        const plane = ControlPlane.new(Credentials.new_for_keys('AKID', 'secret', null), null,
            service.endpoint.replace('ws', 'http'));
        const seen = [];
        (async () => {
            const access = await plane.open_tunnel_async('pump-7', ['SSH'], 'mine', 30, {team: 'pumps'}, null);
            const description = await plane.describe_tunnel_async(access.tunnelId, null);
            seen.push(description.thingName, description.serviceIds, description.get_tags());
            seen.push((await plane.list_tunnels_async(null, null)).get_n_items());
            const [things, isCut] = await plane.list_things_async(null);
            seen.push(things.get_item(0).name, isCut);
            seen.push(await plane.close_tunnel_async(access.tunnelId, true, null));
            await plane.describe_tunnel_async(access.tunnelId, null).catch(
                error => seen.push(error.matches(ControlPlaneError, ControlPlaneError.NOT_FOUND)));
        })().catch(error => seen.push(error.message)).then(() => seen.push(null));
        waitFor(() => seen.at(-1) === null);
        checkEqual(seen, ['pump-7', ['SSH'], {team: 'pumps'}, 1, 'pump-7', false, true, true, null]);
        service.stop();
        waitFor(() => service.state === IstEmulator.ServiceState.STOPPED);
    },

    'streams end'(fixture) {
        fixture.connectBoth();
        const first = fixture.startStream();
        fixture.startStream();
        const [info, error] = waitFor(() => fixture.seen.named('stream-stopped')[0]);
        checkEqual(info.get_stream_id(), first.get_stream_id());
        checkError(error, Ist.TunnelError.STREAM_REPLACED);
        fixture.source.reset_stream(null);
        checkEqual(fixture.events.named('stream-stopped')[1][1], null);
        checkError(waitFor(() => fixture.seen.named('stream-stopped')[1])[1], Ist.TunnelError.STREAM_RESET);
        fixture.startStream();
        fixture.tunnel.reset_session();
        waitFor(() => fixture.events.named('session-reset').length && fixture.seen.named('session-reset').length);
        checkError(fixture.events.named('stream-stopped')[2][1], Ist.TunnelError.SESSION_RESET);
    },

    'connections'(fixture) {
        fixture.connectBoth();
        fixture.startStream();
        checkEqual(fixture.source.start_connection('SSH').get_connection_id(), 2);
        checkEqual(waitFor(() => fixture.seen.named('connection-started')[0])[0].get_connection_id(), 2);
        fixture.destination.reset_connection('SSH', 2);
        const [info, error] = waitFor(() => fixture.events.named('connection-reset')[0]);
        checkEqual(info.get_connection_id(), 2);
        checkError(error, Ist.TunnelError.CONNECTION_RESET);
    },

    'lost and back'(fixture) {
        fixture.connectBoth();
        fixture.tunnel.close_side(SOURCE, 1001, 'going away');
        checkError(waitFor(() => fixture.events.named('connection-shutdown')[0])[0], Ist.TunnelError.DISCONNECTED);
        waitFor(() => fixture.events.named('connection-success').length === 2);
        fixture.tunnel.close_side(SOURCE, 1008, 'replaced');
        waitFor(() => fixture.events.named('stopped').length);
        checkError(fixture.events.named('connection-shutdown')[1][0], Ist.TunnelError.CLIENT_REPLACED);
        checkError(fixture.source.lastError, Ist.TunnelError.CLIENT_REPLACED);
        check(Ist.TunnelError.is_final(fixture.source.get_last_error()));
    },

    'refused'(fixture) {
        fixture.tunnel.refuse_handshakes(SOURCE, 1, 503, 'busy');
        fixture.connectBoth();
        const [error, willRetry] = fixture.events.named('connection-failure')[0];
        checkError(error, Ist.TunnelError.SERVICE_UNAVAILABLE);
        checkEqual(willRetry, true);
        checkThrows(Ist.TunnelError.INVALID_STATE, () => fixture.source.start());
        checkThrows(Ist.TunnelError.NO_SUCH_SERVICE, () => fixture.source.start_stream('NONE'));
        checkThrows(Ist.TunnelError.NO_SUCH_STREAM, () => fixture.source.send_message(message('x')));
    },

    'no leak'(fixture) {
        // Nothing else ends the connection than the end of the object.
        (function () {
            const end = new Ist.SecureTunnel(fixture.settings(SOURCE));
            const events = record(end);
            end.start();
            waitFor(() => events.named('connection-success').length);
            end.start_stream('SSH');
            end.send_message(message('x'));
            waitFor(() => events.named('send-data-complete').length);
        })();
        check(fixture.tunnel.is_connected(SOURCE));
        const tick = GLib.timeout_add(GLib.PRIORITY_DEFAULT, 10, () => GLib.SOURCE_CONTINUE);
        waitFor(() => {
            System.gc();
            return !fixture.tunnel.is_connected(SOURCE);
        });
        GLib.source_remove(tick);
    },
};

const names = Object.keys(tests);
let failures = 0;
print(`1..${names.length}`);
names.forEach((name, i) => {
    const fixture = new Fixture('SSH');
    let verdict = 'ok';
    try {
        tests[name](fixture);
    } catch (error) {
        print(`# ${error}\n${error.stack}`.trimEnd().replaceAll('\n', '\n# '));
        verdict = 'not ok';
        failures++;
    } finally {
        fixture.finish();
    }
    print(`${verdict} ${i + 1} ${name}`);
});
System.exit(failures ? 1 : 0);
