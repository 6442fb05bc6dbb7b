/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the programs in Vala do alike: the same options, a tunnel made of them, a word on how it fares, and
 * an end at Ctrl-C. */
public abstract class Example : Object {
    const int INTERRUPTED = 130;  // what shells make of it
    const uint PATIENCE = 30;

    protected Ist.SecureTunnel tunnel;
    protected string? service = null;
    protected string? argument = null;
    [CCode (array_length = false, array_null_terminated = true)]
    private string[]? rest = null;
    private MainLoop loop = new MainLoop ();
    private int status = 0;
    private uint64 told = uint64.MAX;

    /* What the program does while the tunnel is started. */
    protected abstract async void work () throws Error;

    protected Example (string[] args, string summary, string? parameter = null, string? by_default = null) {
        string? mode = null;
        string? endpoint = null;
        string? ca_file = null;
        OptionEntry[] options = {
            { "mode", 0, 0, OptionArg.STRING, ref mode, "destination or source (default: destination)", "MODE" },
            { "endpoint", 0, 0, OptionArg.STRING, ref endpoint, "Where to connect (default: AWSIOT_TUNNEL_ENDPOINT)",
              "HOST[:PORT]" },
            { "ca-file", 0, 0, OptionArg.FILENAME, ref ca_file,
              "Authorities to trust (default: SSL_CERT_FILE, or the system's)", "FILE" },
            { "service", 0, 0, OptionArg.STRING, ref service, "Service (default: the only one)", "ID" },
            { OPTION_REMAINING, 0, 0, OptionArg.FILENAME_ARRAY, ref rest, null, null },
            {}
        };
        var context = new OptionContext (parameter);
        var words = args;

        Intl.setlocale ();
        context.set_summary (summary);
        context.set_description ("The access token comes from AWSIOT_TUNNEL_ACCESS_TOKEN, a source's from\n" +
                                 "AWSIOT_TUNNEL_SOURCE_ACCESS_TOKEN if that is set.");
        context.add_main_entries (options, null);
        try {
            context.parse_strv (ref words);
        } catch (Error e) {
            fail (e.message);
        }
        argument = rest != null ? rest[0] : by_default;
        if (!(mode in new string?[] { null, "source", "destination" }) ||
            (rest != null && (parameter == null || rest[1] != null)) || (argument == null && parameter != null))
            fail ("That is not how it is used; see --help");

        var token = Environment.get_variable ("AWSIOT_TUNNEL_ACCESS_TOKEN");
        if (mode == "source")
            token = Environment.get_variable ("AWSIOT_TUNNEL_SOURCE_ACCESS_TOKEN") ?? token;
        tunnel = (Ist.SecureTunnel) Object.new (typeof (Ist.SecureTunnel),
            mode: mode == "source" ? Ist.Mode.SOURCE : Ist.Mode.DESTINATION,
            access_token: token,
            endpoint: endpoint ?? Environment.get_variable ("AWSIOT_TUNNEL_ENDPOINT"),
            ca_file: ca_file ?? Environment.get_variable ("SSL_CERT_FILE"));
        tunnel.connection_success.connect ((service_ids) => {
            print ("connected, services: %s\n", string.joinv (", ", service_ids));
        });
        tunnel.connection_failure.connect ((error, will_retry) => {
            if (will_retry)
                print ("could not connect, will try again: %s\n", error.message);
        });
        tunnel.connection_shutdown.connect ((error) => {
            print ("disconnected: %s\n", error != null ? error.message : "stopped");
        });
    }

    private static void fail (string text) {
        printerr ("%s\n", text);
        Process.exit (1);
    }

    private async void drive () {
        try {
            yield tunnel.start_async ();
            yield work ();
        } catch (Error e) {
            /* What was interrupted fails, too. */
            if (status == 0) {
                printerr ("%s\n", e.message);
                status = 1;
            }
        }
        tunnel.stop_async.begin (null, () => loop.quit ());
    }

    /* Returns what main() returns. */
    public int run () {
        Unix.signal_add (Posix.Signal.INT, () => {
            status = INTERRUPTED;
            /* Whatever has lost its connection by that clears away first. */
            tunnel.stop_async.begin (null, () => Idle.add (() => {
                loop.quit ();
                return Source.REMOVE;
            }, Priority.LOW));
            return Source.CONTINUE;
        });
        drive.begin ();
        loop.run ();
        return status;
    }

    /* For what has no end of its own. */
    protected async void until_stopped () {
        tunnel.stopped.connect (() => until_stopped.callback ());
        yield;
    }

    /* The first connection that the source opens. */
    protected async Ist.Connection accept () {
        Ist.Connection? taken = null;

        tunnel.incoming_connection.connect ((connection) => {
            if (taken != null)
                return false;
            taken = connection;
            accept.callback ();
            return true;
        });
        yield;
        return taken;
    }

    /* The peer's next line, which must come in time. */
    protected async string read_line (DataInputStream input) throws Error {
        var cancellable = new Cancellable ();
        var timeout = Timeout.add_seconds (PATIENCE, () => {
            cancellable.cancel ();
            return Source.CONTINUE;
        });
        try {
            var line = yield input.read_line_utf8_async (Priority.DEFAULT, cancellable, null);
            if (line == null)
                throw new IOError.CONNECTION_CLOSED ("the peer has closed the connection");
            return line;
        } catch (IOError.CANCELLED e) {
            throw new IOError.TIMED_OUT ("no answer in time: has the destination been started?");
        } finally {
            Source.remove (timeout);
        }
    }

    /* Each twentieth. */
    protected void tell_progress (string what, uint64 done, uint64 size) {
        var twentieth = done * 20 / size;

        if (twentieth != told)
            print ("%s %u %% of %.1f MB\n", what, (uint) twentieth * 5, size / 1e6);
        told = twentieth;
    }
}
