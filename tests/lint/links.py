#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""links.py FOLDER: what the pages of the references there link to, among themselves, is there."""

import html.parser
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links = set()
        self.ids = set()
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.links |= {attributes[name] for name in ('href', 'src') if attributes.get(name)}
        self.ids |= {attributes[name] for name in ('id', 'name') if attributes.get(name)}


def faults(folder):
    pages = {path.resolve(): Page(path) for path in folder.glob('*/*.html')}
    for path, page in sorted(pages.items()):
        for link in sorted(page.links):
            url = urllib.parse.urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / urllib.parse.unquote(url.path)).resolve() if url.path else path
            if not target.exists():
                yield f'{path.relative_to(folder.resolve())}: there is no {link}'
            elif url.fragment and target in pages and urllib.parse.unquote(url.fragment) not in pages[target].ids:
                yield f'{path.relative_to(folder.resolve())}: {url.path or "the page"} has no {url.fragment}'
    if not pages:
        yield f'{folder} has no pages'


def main():
    found = list(faults(pathlib.Path(sys.argv[1])))
    print('\n'.join(found))
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
