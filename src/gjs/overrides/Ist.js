// SPDX-FileCopyrightText: 2026 The libist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

// GJS loads this with its namespace: what returns a promise of what it finishes with, where it is not given
// a callback. The overrides of the other libraries use it, too.

const {Gio} = imports.gi;

/* exported _init, promisify */

function promisify(namespace, ...names) {
    for (const name of names) {
        const {prototype} = namespace[name];
        for (const method of Object.getOwnPropertyNames(prototype)) {
            if (method.endsWith('_async'))
                Gio._promisify(prototype, method);
        }
    }
}

function _init() {
    promisify(this, 'Forwarder', 'SecureTunnel');
}
