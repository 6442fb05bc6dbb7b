# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The peers in the field, as test equipment: models that speak as the programs in use do,
faults included, and a service that does what the emulator is too well-behaved for.

A model is a client of the service. As a destination it connects to real local services, as a
source it listens for real local programs, so that curl, ssh or nc run through ist-proxy at one
end and through a model at the other. In "meson devenv":

    python3 -m peers MODEL --endpoint wss://localhost:8443 --ca ca.pem SERVICE[=PORT]...

with the token in $IST_TOKEN, and in $IST_CLIENT_TOKEN a client token if a later start is to use the same. On
standard output it says in one line of JSON where it listens; on standard error it logs each message and
what the model makes of it.

    wire.py        messages and their bytes; the protobuf module is made from proto/ when building
    websocket.py   one WebSocket, and how a client connects
    local.py       a local program's TCP connection
    model.py       what all models share
    older.py       one connection a stream, no connection ids: destination, source
    reference.py   the reference proxy: destination, source
    sdk.py         AWS's SDK: destination
    browser.py     the browser client: destination, source
    goclient.py    clients written in Go: destination, source
    vscode.py      VS Code's toolkit: source
    service.py     the scripted service: records frames, sends what a test says
    case.py        what the tests stand on

A model does what was seen of its program and no more; each habit stands in one place, with a
comment that says what was seen. test-models.py holds the models to it. The other tests hold
ist-proxy to the rules of the protocol with such peers at the other end.
"""
