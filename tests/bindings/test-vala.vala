/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* libist as Vala sees it, with both ends and the service in this process. */

const uint TIMEOUT = 30;

delegate bool Condition ();

void wait_for (Condition condition) {
    bool late = false;
    var id = Timeout.add_seconds (TIMEOUT, () => {
        late = true;
        return Source.REMOVE;
    });
    while (!condition ()) {
        assert (!late);
        MainContext.default ().iteration (true);
    }
    Source.remove (id);
}

Ist.Message make_message (string text) {
    return new Ist.Message ("SSH", new Bytes (text.data));
}

class Fixture {
    public IstEmulator.Service service;
    public IstEmulator.Tunnel tunnel;
    public Ist.SecureTunnel source;
    public Ist.SecureTunnel destination;

    public Fixture () throws Error {
        service = (IstEmulator.Service) Object.new (typeof (IstEmulator.Service), plain: true);
        service.start ();
        tunnel = service.open_tunnel ({ "SSH" }, null, 0);
        source = make (Ist.Mode.SOURCE, tunnel.get_source_access_token ());
        destination = make (Ist.Mode.DESTINATION, tunnel.get_destination_access_token ());
    }

    private Ist.SecureTunnel make (Ist.Mode mode, string token) throws Error {
        return new Ist.SecureTunnelBuilder ()
            .set_mode (mode)
            .set_access_token (token)
            .set_endpoint (service.get_endpoint ())
            .set_reconnect_delay_floor_ms (1)
            .set_reconnect_delay_base_ms (1)
            .build ();
    }

    public void connect_both () throws Error {
        string[] services = {};
        source.connection_success.connect ((service_ids) => {
            services = service_ids;
        });
        destination.start ();
        wait_for (() => destination.state == Ist.TunnelState.CONNECTED);
        source.start ();
        wait_for (() => services.length > 0);
        assert (services.length == 1);
        assert (services[0] == "SSH");
    }

    public void finish () {
        source.stop ();
        destination.stop ();
        wait_for (() => source.state == Ist.TunnelState.STOPPED && destination.state == Ist.TunnelState.STOPPED);
        service.stop ();
    }
}

void test_settings () {
    var tunnel = (Ist.SecureTunnel) Object.new (typeof (Ist.SecureTunnel), mode: Ist.Mode.DESTINATION,
                                                ping_interval: 7);
    assert (tunnel.mode == Ist.Mode.DESTINATION);
    assert (tunnel.ping_interval == 7);
    assert (tunnel.endpoint == null);
    try {
        tunnel.start ();
        assert_not_reached ();
    } catch (Ist.TunnelError.INVALID_SETTING e) {
        assert (e.message.has_prefix ("access-token:"));
    } catch (Error e) {
        assert_not_reached ();
    }
    try {
        new Ist.SecureTunnel (Ist.Mode.SOURCE, "token", "../region");
        assert_not_reached ();
    } catch (Error e) {
        assert (e is Ist.TunnelError.INVALID_SETTING);
        assert (Ist.TunnelError.is_final (e));
    }
}

void test_builder () throws Error {
    var builder = new Ist.SecureTunnelBuilder ();
    builder.region = "eu-west-1";
    builder.access_token = "token";
    var tunnel = builder.build ();
    builder.region = "us-east-1";
    assert (tunnel.region == "eu-west-1");
}

void test_services () throws Error {
    var fixture = new Fixture ();
    var tunnel = fixture.source;

    assert (tunnel.get_service_ids () == null);
    assert (!tunnel.service_ids_known);
    fixture.connect_both ();
    assert (tunnel.get_service_ids ()[0] == "SSH");
    assert (tunnel.get_service_ids_known ());
    fixture.finish ();
}

void test_values () throws Error {
    var message = make_message ("hello");
    var same = make_message ("hello");
    var seen = new GenericSet<Ist.Message> (Ist.Message.hash, Ist.Message.equal);

    assert (message.equal (same));
    assert (!message.equal (make_message ("hallo")));
    seen.add (message);
    assert (seen.contains (same));
    assert (message.to_string () == "data, service “SSH”, 5 bytes");
}

void test_messages () throws Error {
    var fixture = new Fixture ();
    Ist.StreamInfo? started = null;
    Ist.Message? received = null;
    Ist.Message? sent = null;
    bool done = false;

    fixture.connect_both ();
    fixture.destination.stream_started.connect ((info) => {
        started = info;
    });
    fixture.destination.message_received.connect ((message) => {
        received = message;
    });
    fixture.source.send_data_complete.connect ((message, error) => {
        assert (error == null);
        sent = message;
    });

    var stream = fixture.source.start_stream (null);
    fixture.source.send_message_async.begin (make_message ("hello"), null, (object, result) => {
        try {
            done = fixture.source.send_message_async.end (result);
        } catch (Error e) {
            assert_not_reached ();
        }
    });
    wait_for (() => done && received != null && sent != null);
    assert (started.get_service_id () == "SSH");
    assert (started.get_stream_id () == stream.get_stream_id ());
    assert (stream.get_version () == Ist.ProtocolVersion.V3);
    assert (received.get_payload ().compare (new Bytes ("hello".data)) == 0);
    assert (received.get_message_type () == Ist.MessageType.DATA);
    assert (sent.get_payload ().compare (received.get_payload ()) == 0);
    fixture.finish ();
}

void test_errors () throws Error {
    var fixture = new Fixture ();
    Error? stopped = null;
    Error? shutdown = null;
    bool reset = false;
    bool over = false;

    fixture.connect_both ();
    try {
        fixture.source.send_message (make_message ("x"));
        assert_not_reached ();
    } catch (Ist.TunnelError.NO_SUCH_STREAM e) {
    }

    fixture.source.stream_stopped.connect ((info, error) => {
        stopped = error;
    });
    fixture.source.session_reset.connect (() => {
        reset = true;
    });
    fixture.source.connection_shutdown.connect ((error) => {
        shutdown = error;
    });
    fixture.source.stopped.connect (() => {
        over = true;
    });
    fixture.source.start_stream ("SSH");
    fixture.tunnel.reset_session ();
    wait_for (() => reset);
    assert (stopped is Ist.TunnelError.SESSION_RESET);
    fixture.tunnel.close_side (Ist.Mode.SOURCE, 1008, "replaced");
    wait_for (() => over);
    assert (shutdown is Ist.TunnelError.CLIENT_REPLACED);
    assert (fixture.source.get_last_error () is Ist.TunnelError.CLIENT_REPLACED);
    fixture.finish ();
}

void test_lifetime () throws Error {
    var fixture = new Fixture ();
    weak Ist.SecureTunnel source = fixture.source;

    source.add_weak_pointer (&source);
    fixture.connect_both ();
    fixture.source = null;
    assert (source == null);
    wait_for (() => !fixture.tunnel.is_connected (Ist.Mode.SOURCE));
    fixture.destination.stop ();
    wait_for (() => fixture.destination.state == Ist.TunnelState.STOPPED);
    fixture.service.stop ();
}

async void live (Fixture fixture) throws Error {
    var tunnel = fixture.source;

    yield tunnel.start_async ();
    assert (tunnel.state == Ist.TunnelState.CONNECTED);
    yield tunnel.stop_async ();
    assert (tunnel.state == Ist.TunnelState.STOPPED);
    fixture.tunnel.refuse_handshakes (Ist.Mode.SOURCE, 1, 403, "go away");
    try {
        yield tunnel.start_async ();
        assert_not_reached ();
    } catch (Ist.TunnelError.TOKEN_REJECTED e) {
        assert (tunnel.state == Ist.TunnelState.STOPPED);
    }
}

void test_awaiting () throws Error {
    var fixture = new Fixture ();
    Error? error = null;
    bool done = false;

    live.begin (fixture, (source, result) => {
        try {
            live.end (result);
        } catch (Error e) {
            error = e;
        }
        done = true;
    });
    wait_for (() => done);
    assert (error == null);
    fixture.finish ();
}

async void live_service (IstEmulator.Service service) throws Error {
    yield service.start_async ();
    assert (service.state == IstEmulator.ServiceState.LISTENING);
    var tunnel = service.open_tunnel ({ "SSH" }, null, 0);
    ListModel tunnels = service;
    assert (tunnels.get_n_items () == 1 && tunnels.get_item (0) == tunnel);
    try {
        yield service.start_async ();
        assert_not_reached ();
    } catch (Ist.TunnelError.INVALID_STATE e) {
        assert (service.state == IstEmulator.ServiceState.LISTENING);
    }
    yield service.stop_async ();
    assert (service.state == IstEmulator.ServiceState.STOPPED);
}

void test_awaiting_service () throws Error {
    var service = (IstEmulator.Service) Object.new (typeof (IstEmulator.Service), plain: true);
    Error? error = null;
    bool done = false;

    live_service.begin (service, (source, result) => {
        try {
            live_service.end (result);
        } catch (Error e) {
            error = e;
        }
        done = true;
    });
    wait_for (() => done);
    assert (error == null);
}

delegate void Body () throws Error;

void add (string path, owned Body body) {
    Test.add_data_func (path, () => {
        try {
            body ();
        } catch (Error e) {
            Test.message ("%s", e.message);
            Test.fail ();
        }
    });
}

int main (string[] args) {
    Test.init (ref args);
    Test.add_func ("/vala/settings", test_settings);
    add ("/vala/builder", test_builder);
    add ("/vala/services", test_services);
    add ("/vala/values", test_values);
    add ("/vala/messages", test_messages);
    add ("/vala/awaiting", test_awaiting);
    add ("/vala/awaiting-service", test_awaiting_service);
    add ("/vala/errors", test_errors);
    add ("/vala/lifetime", test_lifetime);
    return Test.run ();
}
