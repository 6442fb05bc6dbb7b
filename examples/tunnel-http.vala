/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A destination that is a web server, until Ctrl-C; a source that asks it for a path. Nobody else can: there
 * is no port. */
class Http : Example {
    const uint PATIENCE = 10;

    public Http (string[] args) {
        base (args, "A destination that is a web server; a source that asks it for a path.", "[PATH]", "/");
    }

    protected override async void work () throws Error {
        if (tunnel.mode == Ist.Mode.SOURCE)
            yield ask ();
        else
            yield serve ();
    }

    private async void serve () {
        var server = new Soup.Server ("server-header", "tunnel-http");

        server.add_handler (null, (server, message, path) => {
            print ("%s %s\n", message.get_method (), path);
            message.set_status (Soup.Status.OK, null);
            message.set_response ("text/plain", Soup.MemoryUse.COPY, @"You asked for $path\n".data);
        });
        /* A connection is a stream, and that is all that a server needs, but for addresses to show. */
        var nowhere = new InetSocketAddress.from_string ("0.0.0.0", 0);
        tunnel.incoming_connection.connect ((connection) => {
            try {
                /* True: it was taken. */
                return server.accept_iostream (connection, nowhere, nowhere);
            } catch (Error e) {
                return false;
            }
        });
        yield until_stopped ();
    }

    private async void ask () throws Error {
        /* Clients of libsoup connect by themselves. In a folder that is ours alone, they can, with a forwarder. */
        var folder = DirUtils.make_tmp ("tunnel-http-XXXXXX");
        var address = Path.build_filename (folder, "http");
        var forwarder = new Ist.Forwarder (tunnel);

        try {
            forwarder.listen (service, address, null);
            var session = new Soup.Session.with_options ("remote-connectable", new UnixSocketAddress (address),
                                                         "timeout", PATIENCE);
            var message = new Soup.Message ("GET", "http://device" + argument);
            var body = yield session.send_and_read_async (message, Priority.DEFAULT, null);
            print ("%u %s\n", message.status_code, message.reason_phrase);
            stdout.write (body.get_data ());
        } finally {
            forwarder.close ();
            DirUtils.remove (folder);
        }
    }
}

int main (string[] args) {
    return new Http (args).run ();
}
