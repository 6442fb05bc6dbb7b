#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""packages.py TOP BUILD: each file that is installed is in one of Debian's packages, and in no
other; and what their lists name is there. packaging/test-packages.sh builds and tries them."""

import fnmatch
import json
import pathlib
import subprocess
import sys
import tempfile


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
    return [(line, path.name) for path in sorted(debian.glob('*.install'))
            for line in path.read_text(encoding='utf-8').split()]


def covers(pattern, path):
    parts = path.split('/')
    length = pattern.count('/') + 1
    # A star of debhelper's does not go beyond a folder.
    return len(parts) >= length and all(map(fnmatch.fnmatchcase, parts[:length], pattern.split('/')))


def main():
    top, build = sys.argv[1:]
    paths = installed(build)
    lists = patterns(pathlib.Path(top) / 'packaging' / 'debian')
    faults = []
    for path in sorted(paths):
        takers = [name for pattern, name in lists if covers(pattern, path)]
        if len(takers) != 1:
            faults.append(f'{path}: in {" and ".join(takers) or "no package"}')
    faults += [f'{name}: there is no {pattern}' for pattern, name in lists
               if not any(covers(pattern, path) for path in paths)]
    print(*faults, sep='\n')
    print(len(paths), 'files')
    return len(faults) > 0


if __name__ == '__main__':
    sys.exit(main())
