#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What a library exports is exactly what its GIR describes, each of it with
the version that brought it ("Since:"); with --secret-tokens, no property lets
a token be read."""

import argparse
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

CORE = '{http://www.gtk.org/introspection/core/1.0}'
C = '{http://www.gtk.org/introspection/c/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'

CALLABLES = {CORE + 'function', CORE + 'method', CORE + 'constructor'}
TYPES = {CORE + 'class', CORE + 'interface', CORE + 'record', CORE + 'enumeration', CORE + 'bitfield'}
DATED = CALLABLES | TYPES | {CORE + 'property', GLIB + 'signal'}


def exported(nm, library):
    output = subprocess.run([nm, '--dynamic', '--defined-only', library],
                            check=True, text=True, stdout=subprocess.PIPE).stdout
    return {line.split()[-1].split('@')[0] for line in output.splitlines()}


def is_class_struct(element):
    # A class structure is part of its class, which carries the version.
    return GLIB + 'is-gtype-struct-for' in element.attrib


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--nm', default='nm')
    parser.add_argument('--secret-tokens', action='store_true')
    parser.add_argument('gir')
    parser.add_argument('library')
    args = parser.parse_args()

    faults = []
    described = set()
    tokens = 0
    namespace = ElementTree.parse(args.gir).getroot().find(CORE + 'namespace')

    for element in namespace.iter():
        name = (element.get(C + 'identifier') or element.get(C + 'type') or element.get('name'))
        if element.tag in CALLABLES:
            described.add(element.get(C + 'identifier'))
        if element.tag in TYPES and element.get(GLIB + 'get-type', 'intern') != 'intern':
            described.add(element.get(GLIB + 'get-type'))
        if element.tag in DATED and not element.get('version') and not is_class_struct(element):
            faults.append(f'{name}: no "Since:"')
        if element.tag == CORE + 'property' and name.endswith('-token'):
            tokens += 1
            if args.secret_tokens and element.get('readable') != '0':
                faults.append(f'{name}: a token that can be read')

    if args.secret_tokens and not tokens:
        faults.append('no property ends in "-token"')
    symbols = exported(args.nm, args.library)
    faults += [f'{name}: exported, but not in the GIR' for name in sorted(symbols - described)]
    faults += [f'{name}: in the GIR, but not exported' for name in sorted(described - symbols)]

    print('\n'.join(faults))
    print(f'{len(symbols)} symbols, {len(faults)} faults')
    return 1 if faults or not symbols else 0


if __name__ == '__main__':
    sys.exit(main())
