/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A destination that sends back whatever comes, until Ctrl-C. What the source
 * does not read fast enough back is waited for: the tunnel is paused meanwhile. */

class Echo {
    const size_t ENOUGH = 512 * 1024;

    private Ist.SecureTunnel tunnel;
    private MainLoop loop = new MainLoop ();
    private size_t pending = 0;
    private bool interrupted = false;

    public Echo (Ist.SecureTunnel tunnel) {
        this.tunnel = tunnel;
        tunnel.connection_success.connect ((service_ids) => {
            print ("connected, services: %s\n", string.joinv (", ", service_ids));
        });
        tunnel.connection_failure.connect ((error, will_retry) => {
            print ("could not connect%s: %s\n", will_retry ? ", will try again" : "", error.message);
        });
        tunnel.connection_shutdown.connect ((error) => {
            print ("disconnected: %s\n", error != null ? error.message : "stopped");
        });
        tunnel.stream_started.connect ((info) => {
            print ("stream %d started\n", info.get_stream_id ());
        });
        tunnel.stream_stopped.connect ((info, error) => {
            print ("stream %d stopped: %s\n", info.get_stream_id (), error.message);
        });
        tunnel.message_received.connect ((message) => {
            send_back.begin (message);
        });
        tunnel.stopped.connect (() => {
            loop.quit ();
        });
    }

    private async void send_back (Ist.Message message) {
        var payload = message.get_payload ();
        var size = payload != null ? payload.get_size () : 0;

        pending += size;
        if (pending > ENOUGH)
            tunnel.pause ();
        try {
            yield tunnel.send_message_async (message, null);
        } catch (Error e) {
            print ("not sent back: %s\n", e.message);
        }
        pending -= size;
        if (pending <= ENOUGH)
            tunnel.resume ();
    }

    public bool run () throws Error {
        Unix.signal_add (Posix.Signal.INT, () => {
            interrupted = true;
            tunnel.stop ();
            return Source.CONTINUE;
        });
        tunnel.start ();
        loop.run ();
        return interrupted;
    }
}

int main (string[] args) {
    string? endpoint = null;
    string? ca_file = null;
    OptionEntry[] options = {
        { "endpoint", 0, 0, OptionArg.STRING, ref endpoint, "Where to connect", "HOST[:PORT]" },
        { "ca-file", 0, 0, OptionArg.FILENAME, ref ca_file, "Certificate authorities to trust", "FILE" },
        {}
    };
    var context = new OptionContext (null);

    context.set_summary ("The access token comes from AWSIOT_TUNNEL_ACCESS_TOKEN.");
    context.add_main_entries (options, null);
    try {
        context.parse (ref args);
        var tunnel = new Ist.SecureTunnelBuilder ()
            .set_mode (Ist.Mode.DESTINATION)
            .set_access_token (Environment.get_variable ("AWSIOT_TUNNEL_ACCESS_TOKEN"))
            .set_endpoint (endpoint)
            .set_ca_file (ca_file)
            .build ();
        return new Echo (tunnel).run () ? 0 : 1;
    } catch (Error e) {
        printerr ("%s\n", e.message);
        return 1;
    }
}
