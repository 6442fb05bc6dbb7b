// SPDX-FileCopyrightText: 2026 The libist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

int main () {
    var message = new Ist.Message ("SSH", new Bytes ("hello".data));
    var builder = new Ist.SecureTunnelBuilder ();

    assert (message.get_service_id () == "SSH");

    try {
        builder.build ();
        assert_not_reached ();
    } catch (Ist.TunnelError.INVALID_SETTING e) {
        return 0;
    } catch (Error e) {
        assert_not_reached ();
    }
}
