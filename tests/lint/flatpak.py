#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""flatpak.py TOP: the Flatpak's manifest is about this tree: its names are those of the program, its options are
there, and none is left to what the Sdk happens to have; nothing is fetched that has no checksum. What comes of it,
packaging/test-flatpak.sh tries."""

import pathlib
import re
import sys

import yaml

APP_ID = 'io.github.libist.Tunnels'
OPTION = re.compile(r"^option\('([\w-]+)', type: '(\w+)', value: '?(\w*)'?", re.MULTILINE)
VALUES = {'feature': ('enabled', 'disabled', 'auto'), 'boolean': ('true', 'false')}
SHA256 = re.compile(r'[0-9a-f]{64}')


def check_names(top, manifest):
    data = top / 'src/tunnels/data'
    desktop = (data / f'{manifest["id"]}.desktop.in')
    if not desktop.exists():
        yield f'there is no {desktop.relative_to(top)}'
    elif not re.search(rf'^Exec={manifest["command"]}$', desktop.read_text(encoding='utf-8'), re.MULTILINE):
        yield f'the program is not {manifest["command"]} in {desktop.relative_to(top)}'
    program = '\n'.join(path.read_text(encoding='utf-8') for path in sorted((top / 'src/tunnels').rglob('*.py')))
    for argument in manifest['finish-args']:
        name, _, value = argument.removeprefix('--').partition('=')
        if name.endswith('-name') and f"'{value}'" not in program:
            yield f'{argument}: nothing in src/tunnels has that name'


def check_sources(top, here, module):
    for source in module['sources']:
        kind = source['type']
        if kind == 'dir':
            if (here / source['path']).resolve() != top.resolve():
                yield f'{module["name"]}: {source["path"]} is not the top of the tree'
        elif kind in ('archive', 'file'):
            if not source.get('url', '').startswith('https://') or not SHA256.fullmatch(str(source.get('sha256'))):
                yield f'{module["name"]}: a source has no https:// address, or no checksum'
        elif kind not in ('shell', 'script'):
            yield f'{module["name"]}: can’t tell whether a source “{kind}” is what it was'


def check_options(top, module):
    known = {name: (kind, default) for name, kind, default
             in OPTION.findall((top / 'meson_options.txt').read_text(encoding='utf-8'))}
    chosen = dict(word.removeprefix('-D').split('=', 1) for word in module['config-opts'] if word.startswith('-D'))
    for name, value in chosen.items():
        kind, _default = known.get(name, ('', ''))
        if not kind:
            yield f'there is no option {name}'
        elif value not in VALUES.get(kind, (value,)):
            yield f'{name} can’t be {value}'
    for name, (_kind, default) in known.items():
        if chosen.get(name, default) == 'auto':
            yield f'{name} would be what the Sdk happens to have'


def main():
    top = pathlib.Path(sys.argv[1])
    path = top / 'packaging/flatpak' / f'{APP_ID}.yml'
    manifest = yaml.safe_load(path.read_text(encoding='utf-8'))
    faults = [*check_names(top, manifest)]
    for module in manifest['modules']:
        faults += check_sources(top, path.parent, module)
    faults += check_options(top, manifest['modules'][-1])
    print(*(f'{path.name}: {fault}' for fault in faults), sep='\n')
    return len(faults) > 0


if __name__ == '__main__':
    sys.exit(main())
