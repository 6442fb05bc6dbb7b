#!/usr/bin/gjs -m
// SPDX-FileCopyrightText: 2026 The libist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// By the name of a thing to a service of its device, with promises.

import GLib from 'gi://GLib';
import Gio from 'gi://Gio';
import Ist from 'gi://Ist?version=1';
import IstEmulator from 'gi://IstEmulator?version=1';
import IstOperator from 'gi://IstOperator?version=1';
import System from 'system';

const THING = 'pump-7';
const TIMEOUT = 60;

Gio._promisify(Gio.OutputStream.prototype, 'write_bytes_async', 'write_bytes_finish');
Gio._promisify(Gio.OutputStream.prototype, 'splice_async', 'splice_finish');
Gio._promisify(Gio.InputStream.prototype, 'read_bytes_async', 'read_bytes_finish');

function check(good, text) {
    if (!good)
        throw new Error(`${text} failed`);
}

// The device's end: whatever comes goes back.
function serve(service, payload, destinations) {
    const {clientAccessToken} = JSON.parse(new TextDecoder().decode(payload.toArray()));
    const tunnel = new Ist.SecureTunnel({
        mode: Ist.Mode.DESTINATION, access_token: clientAccessToken, endpoint: service.get_endpoint(),
    });
    tunnel.connect('incoming-connection', (_tunnel, connection) => {
        connection.output_stream.splice_async(connection.input_stream, Gio.OutputStreamSpliceFlags.NONE,
            GLib.PRIORITY_DEFAULT, null).catch(() => {});
        tunnel.connections = [...tunnel.connections ?? [], connection];
        return true;
    });
    tunnel.start();
    destinations.push(tunnel);
}

async function connectAndEcho(client) {
    const options = new IstOperator.Options({reuse: IstOperator.Reuse.ANY, deviceTimeout: 10});
    const connection = await client.connect_async(THING, 'SSH', options, null);
    await connection.output_stream.write_bytes_async(new GLib.Bytes('hello'), GLib.PRIORITY_DEFAULT, null);
    const answer = await connection.input_stream.read_bytes_async(5, GLib.PRIORITY_DEFAULT, null);
    check(new TextDecoder().decode(answer.toArray()) === 'hello', 'echo');
    const tunnel = client.get_item(0);
    check(tunnel.thingName === THING && tunnel.serviceIds[0] === 'SSH', 'tunnel');
    check(tunnel.get_item(0).bytesIn === 5, 'connection');
}

async function refuse(client) {
    let caught = null;
    try {
        await client.open_async('not a name', ['SSH'], null, null);
    } catch (error) {
        caught = error;
    }
    check(caught?.matches(IstOperator.ClientError, IstOperator.ClientError.INVALID_ARGUMENT), `${caught}`);
}

async function run() {
    const destinations = [];
    const service = new IstEmulator.Service({plain: true});
    service.start();
    service.connect('notification', (_service, _thing, payload) => serve(service, payload, destinations));
    const credentials = IstOperator.Credentials.new_for_keys('AKID', 'secret', null);
    const client = IstOperator.Client.new(
        IstOperator.ControlPlane.new(credentials, 'us-east-1', `http://127.0.0.1:${service.get_port()}`));
    try {
        await connectAndEcho(client);
        print('ok 1 connect');
        await refuse(client);
        print('ok 2 refuse');
        check(await client.close_async(null), 'closing');
        check(client.get_n_items() === 0, 'empty list');
        print('ok 3 close');
    } finally {
        await Promise.all(destinations.map(tunnel => tunnel.stop_async(null)));
        service.stop();
    }
}

const loop = new GLib.MainLoop(null, false);
let status = 1;
print('1..3');
GLib.timeout_add_seconds(GLib.PRIORITY_DEFAULT, TIMEOUT, () => {
    print('Bail out! It takes for ever');
    System.exit(1);
});
run().then(() => {
    status = 0;
}).catch(error => {
    print(`Bail out! ${error}`);
}).finally(() => loop.quit());
loop.run();
System.exit(status);
