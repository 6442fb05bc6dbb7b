/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A source that sends a file; a destination that receives it, and is started first. On a connection of the
 * tunnel the destination says "READY", the source the size in bytes and then the file, the destination
 * "RECEIVED". All but the file are lines of text. */
class FileTransfer : Example {
    const size_t CHUNK = 1 << 18;

    public FileTransfer (string[] args) {
        base (args, "A source that sends a file; a destination that receives it.", "FILE");
    }

    protected override async void work () throws Error {
        if (tunnel.mode == Ist.Mode.SOURCE)
            yield send (yield tunnel.open_connection_async (service));
        else
            yield receive (yield accept ());
    }

    /* Of one stream to the other. Writing waits while the way is full. */
    private async void copy (InputStream from, OutputStream to, uint64 size, string what) throws Error {
        for (uint64 done = 0; done < size;) {
            var bytes = yield from.read_bytes_async ((size_t) uint64.min (CHUNK, size - done));
            if (bytes.get_size () == 0)
                throw new IOError.FAILED (@"ended after $done bytes");
            yield to.write_all_async (bytes.get_data (), Priority.DEFAULT, null, null);
            done += bytes.get_size ();
            tell_progress (what, done, size);
        }
    }

    private async void send (Ist.Connection connection) throws Error {
        var input = new DataInputStream (connection.input_stream);
        var content = yield File.new_for_path (argument).read_async ();
        var size = content.query_info (FileAttribute.STANDARD_SIZE).get_size ();
        yield read_line (input);
        yield connection.output_stream.write_all_async (@"$size\n".data, Priority.DEFAULT, null, null);
        yield copy (content, connection.output_stream, size, "sent");
        yield read_line (input);
        print ("delivered\n");
    }

    private async void receive (Ist.Connection connection) throws Error {
        var input = new DataInputStream (connection.input_stream);
        var part = File.new_for_path (argument + ".part");
        var content = yield part.replace_async (null, false, FileCreateFlags.REPLACE_DESTINATION);
        uint64 size;

        try {
            yield connection.output_stream.write_all_async ("READY\n".data, Priority.DEFAULT, null, null);
            if (!uint64.try_parse (yield read_line (input), out size))
                throw new IOError.INVALID_DATA ("that is no size");
            yield copy (input, content, size, "received");
            content.close ();
            part.move (File.new_for_path (argument), FileCopyFlags.OVERWRITE);
        } catch (Error e) {
            part.delete ();
            throw e;
        }
        yield connection.output_stream.write_all_async ("RECEIVED\n".data, Priority.DEFAULT, null, null);
        yield connection.close_async ();
        print ("received %s\n", argument);
    }
}

int main (string[] args) {
    return new FileTransfer (args).run ();
}
