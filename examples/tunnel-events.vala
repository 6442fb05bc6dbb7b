/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Shows everything that happens in a tunnel, until Ctrl-C. */
class Events : Example {
    public Events (string[] args) {
        base (args, "Shows everything that happens in a tunnel, until Ctrl-C.");

        /* Each event is a signal; Example has those that tell whether the tunnel is connected. */
        tunnel.stream_started.connect ((info) => print ("stream started: %s\n", info.to_string ()));
        tunnel.stream_stopped.connect ((info, error) => {
            print ("stream stopped: %s: %s\n", info.to_string (), error.message);
        });
        tunnel.connection_started.connect ((info) => print ("connection started: %s\n", info.to_string ()));
        tunnel.connection_reset.connect ((info, error) => {
            print ("connection reset: %s: %s\n", info.to_string (), error != null ? error.message : "by the peer");
        });
        tunnel.session_reset.connect (() => print ("session reset\n"));
        tunnel.message_received.connect ((message) => print ("received %s\n", message.to_string ()));
        tunnel.send_data_complete.connect ((message) => print ("sent %s\n", message.to_string ()));
        /* What changes is a property. */
        tunnel.notify["state"].connect (() => print ("state: %s\n", tunnel.state.to_string ()));
        tunnel.notify["round-trip-time-us"].connect (() => {
            print ("round trip: %s us\n", tunnel.round_trip_time_us.to_string ());
        });
    }

    protected override async void work () throws Error {
        yield until_stopped ();
    }
}

int main (string[] args) {
    return new Events (args).run ();
}
