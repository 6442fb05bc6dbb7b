#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Every source file names its copyright holder and licence in its first lines."""

import pathlib
import sys

FOLDERS = ('doc', 'examples', 'packaging', 'proto', 'src', 'tests')
SUFFIXES = ('.c', '.h', '.in', '.js', '.proto', '.py', '.sh', '.supp', '.vala')
# Templates of things that can't carry comments.
EXCEPTIONS = ('POTFILES.in',)
TAGS = ('SPDX-FileCopyrightText: ', 'SPDX-License-Identifier: LGPL-2.1-or-later')


def main():
    top = pathlib.Path(sys.argv[1])
    files = [path for folder in FOLDERS for path in sorted((top / folder).rglob('*'))
             if path.suffix in SUFFIXES and path.name not in EXCEPTIONS]
    files.append(top / '.ci' / 'run')
    bad = 0
    for path in files:
        head = ''.join(path.read_text(encoding='utf-8').splitlines(keepends=True)[:5])
        for tag in TAGS:
            if tag not in head:
                print(f'{path.relative_to(top)}: no "{tag.strip()}" in the first five lines')
                bad += 1
    print(f'{len(files)} files, {bad} faults')
    return 1 if bad or len(files) < 10 else 0


if __name__ == '__main__':
    sys.exit(main())
