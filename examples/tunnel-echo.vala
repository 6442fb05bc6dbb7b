/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A destination that sends back whatever comes, until Ctrl-C; a source that sends a text, and shows what
 * comes back. */
class Echo : Example {
    const size_t ENOUGH = 512 * 1024;

    private size_t pending = 0;  // bytes on their way back

    public Echo (string[] args) {
        base (args, "A destination that sends back whatever comes; a source that sends a text.", "[TEXT]", "hello");
    }

    protected override async void work () throws Error {
        if (tunnel.mode == Ist.Mode.SOURCE) {
            yield show_answer ();
        } else {
            tunnel.message_received.connect ((message) => send_back.begin (message));
            yield until_stopped ();
        }
    }

    private async void send_back (Ist.Message message) {
        var size = message.get_payload ().get_size ();

        pending += size;
        /* A source that does not read what comes back has to wait. */
        if (pending > ENOUGH)
            tunnel.pause ();
        try {
            yield tunnel.send_message_async (message);
        } catch (Error e) {
            /* Its stream has ended meanwhile, for example. The next one may fare better. */
            print ("not sent back: %s\n", e.message);
        }
        pending -= size;
        if (pending <= ENOUGH)
            tunnel.resume ();
    }

    /* The service drops what comes while the destination is absent. So asks until there is an answer. */
    private bool ask () {
        try {
            tunnel.start_stream (service);
            tunnel.send_message (new Ist.Message (service, new Bytes (argument.data)));
        } catch (Error e) {
            print ("not sent: %s\n", e.message);
        }
        return Source.CONTINUE;
    }

    private async void show_answer () {
        Ist.Message? answer = null;

        ask ();
        var asking = Timeout.add_seconds (1, ask);
        var waiting = tunnel.message_received.connect ((message) => {
            var first = answer == null;
            answer = message;
            if (first)
                show_answer.callback ();
        });
        yield;
        tunnel.disconnect (waiting);
        Source.remove (asking);
        /* Bytes, without a zero at the end. */
        print ("came back: ");
        stdout.write (answer.get_payload ().get_data ());
        print ("\n");
    }
}

int main (string[] args) {
    return new Echo (args).run ();
}
