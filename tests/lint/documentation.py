#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What is written of the tree is so: building.md has each option of the build, with
its default, contributing.md each folder of sources, NEWS begins with the version,
the files, paths and pages that are named anywhere exist, and no example takes a
peer's bytes for text in Vala."""

import glob
import pathlib
import re
import sys

OPTION = re.compile(r"^option\('([\w-]+)', type: '(\w+)', value: ('\w*'|\w+)", re.MULTILINE)
ROW = re.compile(r'^\| `([\w-]+)` \| ([^|]*) \|', re.MULTILINE)

FOLDERS = ('doc', 'examples', 'packaging', 'po', 'proto', 'src', 'tests')
SUFFIXES = ('.1', '.8', '.bash', '.build', '.c', '.h', '.in', '.js', '.md', '.py', '.sh', '.toml', '.vala')
# Not where something else stands before it, as in "$build/src/".
PATH = re.compile(r'(?<![\w./$-])(?:%s)/[\w./*-]*[\w*/]' % '|'.join(FOLDERS))
# Without their folder, as the picture in contributing.md has them.
FILE = re.compile(r'(?<![\w./-])[a-z][\w-]*\.[ch]\b')
SOURCES = ('.c', '.h', '.js', '.py', '.sh', '.vala')
LINK = re.compile(r'\]\(([\w./-]+?)(?:#[\w-]+)?\)')


def check_options(top):
    told = dict(ROW.findall((top / 'doc' / 'building.md').read_text(encoding='utf-8')))
    options = {name: default.strip("'") for name, _, default
               in OPTION.findall((top / 'meson_options.txt').read_text(encoding='utf-8'))}

    for name in sorted(options.keys() | told.keys()):
        if name not in told:
            yield f'building.md: the option {name} is missing'
        elif name not in options:
            yield f'building.md: there is no option {name}'
        elif options[name] and told[name] != options[name]:
            yield f'building.md: the default of {name} is {options[name]}'


def check_news(top):
    version, = re.findall(r"^  version: '([\d.]+)',$", (top / 'meson.build').read_text(encoding='utf-8'), re.MULTILINE)
    first = (top / 'NEWS').read_text(encoding='utf-8').splitlines()[0]
    if first != f'libist {version}':
        yield f'NEWS: begins with “{first}”, not with libist {version}'


def check_paths(top, path, text):
    for name in PATH.findall(text):
        if not any(glob.glob(name, root_dir=root) for root in (top, path.parent)):
            yield f'{path.relative_to(top)}: there is no {name}'


def check_text(top, path, text):
    """What a peer has sent ends with its length, not with a zero."""
    if 'examples' in path.parts or path.suffix == '.md':
        for line in re.findall(r'^.*\(string\) .*$', text, re.MULTILINE):
            yield f'{path.relative_to(top)}: takes bytes for text: {line.strip()}'


def check_tree(top):
    text = (top / 'doc' / 'contributing.md').read_text(encoding='utf-8')
    sources = [path for folder in ('src', 'tests') for path in (top / folder).glob('*/**/*') if path.suffix in SOURCES]
    for folder in sorted({path.parent.relative_to(top) for path in sources}):
        if f'`{folder}/`' not in text:
            yield f'doc/contributing.md: {folder}/ is missing'
    for name in sorted(set(FILE.findall(text)) - {path.name for path in sources}):
        yield f'doc/contributing.md: there is no {name}'


def check_links(top, path, text):
    for name in LINK.findall(text):
        # The pages of classes and the like are gi-docgen's to check.
        page = re.sub(r'^([\w-]+)\.html$', r'\1.md', name)
        if not page.endswith('.html') and not (path.parent / page).exists():
            yield f'{path.relative_to(top)}: there is no {name}'


def main():
    top = pathlib.Path(sys.argv[1])
    files = [path for folder in FOLDERS for path in sorted((top / folder).rglob('*')) if path.suffix in SUFFIXES]
    files += [top / name for name in ('NEWS', 'README.md', 'REUSE.toml', 'SECURITY.md', 'meson.build', '.ci/run')]
    faults = [*check_options(top), *check_tree(top), *check_news(top)]

    for path in files:
        text = path.read_text(encoding='utf-8')
        faults += [*check_paths(top, path, text), *check_text(top, path, text)]
        if path.suffix == '.md':
            faults += check_links(top, path, text)

    print('\n'.join(faults))
    print(f'{len(files)} files, {len(faults)} faults')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
