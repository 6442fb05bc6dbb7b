# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Certificates, made by openssl."""

import pathlib

from child import require, run

NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']


def self_signed(folder, name='localhost', host='DNS:localhost,IP:127.0.0.1'):
    """The paths of a certificate that is its own authority, and of its key."""
    require('openssl')
    certificate, key = (pathlib.Path(folder) / f'{name}.{suffix}' for suffix in ('pem', 'key'))
    run('openssl', 'req', '-x509', *NEW_KEY, '-subj', f'/CN={name}', '-addext', f'subjectAltName={host}',
        '-days', '2', '-keyout', key, '-out', certificate)
    return certificate, key


class Authority:
    """Issues certificates in a folder."""

    def __init__(self, folder):
        require('openssl')
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.certificate = self.folder / 'ca.pem'
        self.key = self.folder / 'ca.key'
        run('openssl', 'req', '-x509', *NEW_KEY, '-subj', '/CN=test authority', '-days', '2', '-keyout', self.key,
            '-out', self.certificate)

    def issue(self, name, host=None, days=2):
        """The paths of a certificate and its key."""
        certificate, key, request = (self.folder / f'{name}.{suffix}' for suffix in ('pem', 'key', 'csr'))
        run('openssl', 'req', '-new', *NEW_KEY, '-subj', f'/CN={name}', '-keyout', key, '-out', request)
        extensions = self.folder / f'{name}.ext'
        extensions.write_text(f'subjectAltName={host}\n' if host else 'basicConstraints=CA:FALSE\n')
        run('openssl', 'x509', '-req', '-in', request, '-CA', self.certificate, '-CAkey', self.key,
            '-CAcreateserial', '-days', days, '-extfile', extensions, '-out', certificate)
        return certificate, key
