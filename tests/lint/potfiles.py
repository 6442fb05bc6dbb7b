#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""po/POTFILES.in lists the files with messages to translate, all of them and
no other, in order."""

import pathlib
import re
import sys

# What marks messages, by how names of files end.
MARKED = {
    '.c': r'\b(?:N?_|C_|NC_|ngettext)\s*\(\s*"',
    '.h': r'\b(?:N?_|C_|NC_|ngettext)\s*\(\s*"',
    '.py': r'\b(?:_|ngettext)\(\s*[\'"]',
    '.ui': 'translatable="yes"',
    '.desktop.in': '^Name=',
    '.metainfo.xml.in': '<name>',
}


def main():
    top = pathlib.Path(sys.argv[1])
    listed = [line for line in (top / 'po' / 'POTFILES.in').read_text(encoding='utf-8').splitlines()
              if line and not line.startswith('#')]
    marked = {str(path.relative_to(top)) for ending, mark in MARKED.items() for path in (top / 'src').rglob('*' + ending)
              if re.search(mark, path.read_text(encoding='utf-8'), re.MULTILINE)}

    faults = [f'{name} is missing' for name in sorted(marked - set(listed))]
    faults += [f'{name} has nothing to translate' for name in sorted(set(listed) - marked)]
    if listed != sorted(set(listed)):
        faults.append('the list is not in order')

    print('\n'.join(faults))
    print(f'{len(listed)} files listed, {len(faults)} faults')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
