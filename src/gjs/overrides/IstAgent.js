// SPDX-FileCopyrightText: 2026 The libist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

/* exported _init */

function _init() {
    imports.overrides.Ist.promisify(this, 'Device');
}
