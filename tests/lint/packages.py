#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""packages.py TOP BUILD: each file that is installed is in one of Debian's packages, and in no
other; and what their lists name is there. They are of this version, and built with what
tests/lib/install.sh has. packaging/test-packages.sh builds and tries them."""

import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import tempfile

# Of build-essential, which each package is built with; and what is not for building, but to run.
IMPLIED = {'ca-certificates', 'gcc', 'glib-networking', 'libc6-dev'}
DEBHELPER = ('debhelper-', 'dh-')


def installed(build):
    """Where files go, as the lists have it. What meson tells of that by itself lacks links, and
    files that are installed twice."""
    options = json.loads(subprocess.run(['meson', 'introspect', '--buildoptions', build], check=True,
                                        stdout=subprocess.PIPE, text=True).stdout)
    prefix = next(option['value'] for option in options if option['name'] == 'prefix')
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(['meson', 'install', '-C', build, '--no-rebuild', '--quiet', '--destdir', folder], check=True)
        root = pathlib.Path(folder, prefix.lstrip('/'))
        return {f'usr/{path.relative_to(root)}' for path in root.rglob('*') if path.is_symlink() or not path.is_dir()}


def patterns(debian):
    """Of the files in each package; what is behind one is where they go there."""
    for path in sorted([*debian.glob('*.install'), debian / 'not-installed']):
        for line in path.read_text(encoding='utf-8').splitlines():
            if not line.startswith('#'):
                yield line.split()[0], path.name


def covers(pattern, path):
    parts = path.split('/')
    length = pattern.count('/') + 1
    # A star of debhelper's does not go beyond a folder.
    return len(parts) >= length and all(map(fnmatch.fnmatchcase, parts[:length], pattern.split('/')))


def check_files(debian, build):
    paths = installed(build)
    lists = list(patterns(debian))
    for path in sorted(paths):
        takers = [name for pattern, name in lists if covers(pattern, path)]
        if len(takers) != 1:
            yield f'{path}: in {" and ".join(takers) or "no package"}'
    for pattern, name in lists:
        if not any(covers(pattern, path) for path in paths):
            yield f'{name}: there is no {pattern}'
    print(len(paths), 'files')


def check_version(top, debian):
    version, = re.findall(r"^  version: '([\d.]+)',$", (top / 'meson.build').read_text(encoding='utf-8'), re.MULTILINE)
    first = (debian / 'changelog').read_text(encoding='utf-8').splitlines()[0]
    if not first.startswith(f'libist ({version}-'):
        yield f'changelog: begins with “{first}”, not with libist {version}'


def check_dependencies(top, debian):
    """The fields of a package can't come from elsewhere."""
    control = (debian / 'control').read_text(encoding='utf-8')
    field, = re.findall(r'^Build-Depends:\n((?: .*\n)+)', control, re.MULTILINE)
    fields = set(re.findall(r'^ ([\w.+-]+)', field, re.MULTILINE))
    install = (top / 'tests' / 'lib' / 'install.sh').read_text(encoding='utf-8')
    listed, = re.findall(r'^packages_build="\n(.*?)^"$', install, re.MULTILINE | re.DOTALL)
    built_with = set(listed.split())
    for name in sorted(built_with - fields - IMPLIED):
        yield f'control: Build-Depends lacks {name}'
    for name in sorted(fields - built_with):
        if not name.startswith(DEBHELPER):
            yield f'tests/lib/install.sh: packages_build lacks {name}'


def main():
    top, build = sys.argv[1:]
    top = pathlib.Path(top)
    debian = top / 'packaging' / 'debian'
    faults = [*check_files(debian, build), *check_version(top, debian), *check_dependencies(top, debian)]
    print(*faults, sep='\n')
    return len(faults) > 0


if __name__ == '__main__':
    sys.exit(main())
