# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""tunnels-credentials PROFILE: the keys of a profile, out of the keyring, as the AWS tools want them of what a
profile names as its credential_process."""

import json
import sys

import gi

from . import profiles


def main():
    if len(sys.argv) != 2:
        print('usage: tunnels-credentials PROFILE', file=sys.stderr)
        return 64
    library, kind = profiles.schema()
    if not library:
        print('tunnels-credentials: libsecret is not installed', file=sys.stderr)
        return 69
    try:
        kept = library.password_lookup_sync(kind, {profiles.KEY_ATTRIBUTE: sys.argv[1]}, None)
    except gi.repository.GLib.Error as error:
        print(f'tunnels-credentials: the keyring can’t be asked: {error.message}', file=sys.stderr)
        return 69
    if not kept:
        print(f'tunnels-credentials: the keyring has no keys for “{sys.argv[1]}”: add them in Tunnels', file=sys.stderr)
        return 66
    key_id, _newline, secret = kept.partition('\n')
    print(json.dumps({'Version': 1, 'AccessKeyId': key_id, 'SecretAccessKey': secret}))
    return 0
