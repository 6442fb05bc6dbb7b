#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The rules of public headers:
- the umbrella header includes each of them, and nothing else of ours;
- none includes a private header, or one of a library that is not GLib's;
- none can be included directly, and the error says what to include instead;
- each is complete by itself, in the order of anybody's includes;
- all of them are C++, too, and each type has its g_autoptr."""

import argparse
import pathlib
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
TYPE = re.compile(r'^(?:typedef struct _(\w+) \w+;|G_DECLARE_\w+ \((\w+),)', re.MULTILINE)
GLIB = re.compile(r'(glib|glib-object|gio/[a-z0-9]+)\.h')


class Checker:
    def __init__(self, args):
        self.args = args
        self.umbrella = args.umbrella
        self.folder = self.umbrella.rsplit('/', 1)[0]
        self.headers = {f'{self.folder}/{path.name}': path for path in args.headers}
        self.bad = 0

    def fault(self, text):
        print(text)
        self.bad += 1

    def compile(self, source, language='c'):
        compiler, standard = {'c': (self.args.cc, 'gnu11'), 'c++': (self.args.cxx, 'c++17')}[language]
        command = [*compiler.split(), f'-std={standard}', '-Wall', '-Wextra', '-Werror', '-fsyntax-only',
                   *self.args.cflags.split(), '-x', language, '-']
        return subprocess.run(command, input=source, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def expect_success(self, what, source, language='c'):
        result = self.compile(source, language)
        if result.returncode != 0:
            self.fault(f'{what} does not compile:\n{result.stdout}')

    def check_includes(self, name, path):
        for included in INCLUDE.findall(path.read_text(encoding='utf-8')):
            if included in self.headers or included in self.args.also or GLIB.fullmatch(included):
                continue
            self.fault(f'{name} includes {included}, which is not public')

    def check_umbrella(self):
        text = self.headers[self.umbrella].read_text(encoding='utf-8')
        ours = {name for name in INCLUDE.findall(text) if name.startswith(self.folder + '/')}
        for name in sorted(set(self.headers) - {self.umbrella} - ours):
            self.fault(f'{self.umbrella} does not include {name}')
        self.expect_success(self.umbrella, f'#include <{self.umbrella}>\n')
        if self.args.cxx:
            self.expect_success(f'{self.umbrella} in C++', f'#include <{self.umbrella}>\n', 'c++')

    def check_cleanup(self):
        """Of what can't be kept in an automatic variable, somebody forgets the end."""
        types = {name for path in self.headers.values() for pair in TYPE.findall(path.read_text(encoding='utf-8'))
                 for name in pair if name}
        for name in sorted(types):
            self.expect_success(f'g_autoptr ({name})', f'#include <{self.umbrella}>\n'
                                f'void f (void);\nvoid f (void)\n{{\n  g_autoptr ({name}) it = NULL;\n  (void) it;\n}}\n')
        if not types:
            self.fault('there are no types')

    def check_guard(self, name):
        result = self.compile(f'#include <{name}>\n')
        hint = f'Only <{self.umbrella}> can be included directly'
        if result.returncode == 0 or hint not in result.stdout:
            self.fault(f'{name} included directly does not end in "{hint}"')
        inside = self.args.inside
        self.expect_success(f'{name} by itself', f'#define {inside}\n#include <{name}>\n')

    def run(self):
        self.check_umbrella()
        self.check_cleanup()
        for name, path in sorted(self.headers.items()):
            self.check_includes(name, path)
            # What only has macros may be included from anywhere.
            if name != self.umbrella and not name.endswith('-version-macros.h'):
                self.check_guard(name)
        print(f'{len(self.headers)} headers, {self.bad} faults')
        return 1 if self.bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--cc', required=True)
    parser.add_argument('--cxx', help='where there is one')
    parser.add_argument('--cflags', required=True)
    parser.add_argument('--umbrella', required=True, help='as in an include: ist/ist.h')
    parser.add_argument('--inside', required=True, help='the macro that lets a header be included')
    parser.add_argument('--also', action='append', default=[], help='what else may be included')
    parser.add_argument('headers', nargs='+', type=pathlib.Path)
    return Checker(parser.parse_args()).run()


if __name__ == '__main__':
    sys.exit(main())
