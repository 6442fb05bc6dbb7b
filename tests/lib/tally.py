#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Sums up test logs of meson: each test case of a program that speaks TAP
counts, any other program counts as one. Names what failed and what was
skipped, and ends with the line "N passed, N failed, N skipped"."""

import argparse
import json
import re
import sys

TAP_LINE = re.compile(r'^(not )?ok\b[ \t]*\d*[ \t]*(?:- )?([^#\n]*)(?:#[ \t]*(SKIP|TODO)\b[ \t]*(.*))?',
                      re.IGNORECASE)


class Tally:
    def __init__(self, failed, skipped):
        self.passed = 0
        self.failed = failed
        self.skipped = skipped

    def fail(self, name, reason):
        self.failed += 1
        print(f'FAIL: {name}: {reason}')

    def skip(self, name, reason):
        self.skipped += 1
        print(f'SKIP: {name}: {reason}')

    def add_cases(self, program, output):
        """Counts the TAP lines of output; returns how many there were, and
        how many of them failed."""
        cases = failures = 0
        for line in output.splitlines():
            match = TAP_LINE.match(line)
            if not match:
                continue
            cases += 1
            bad, name, directive, reason = match.groups()
            name = f'{program}: {name.strip()}'
            if directive and directive.upper() == 'SKIP':
                self.skip(name, reason or 'no reason given')
            elif bad and not directive:
                failures += 1
                self.fail(name, 'not ok')
            else:
                self.passed += 1
        return cases, failures

    def add(self, test):
        name = test['name']
        result = test['result']
        good = result in ('OK', 'EXPECTEDFAIL')
        output = test.get('stdout', '')
        cases = failures = 0

        # A plan marks TAP.
        if re.search(r'^1\.\.\d+', output, re.MULTILINE):
            cases, failures = self.add_cases(name, output)

        if result == 'SKIP':
            if cases == 0:
                words = (output + test.get('stderr', '')).strip().splitlines()
                self.skip(name, words[-1] if words else 'no reason given')
        elif not good and failures == 0:
            self.fail(name, f'{result.lower()}, status {test.get("returncode")}')
        elif good and cases == 0:
            self.passed += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--failed', type=int, default=0, help='failures to add')
    parser.add_argument('--skipped', type=int, default=0, help='skips to add')
    parser.add_argument('logs', nargs='*', help='testlog.json files of meson')
    args = parser.parse_args()

    tally = Tally(args.failed, args.skipped)
    for log in args.logs:
        with open(log, encoding='utf-8') as lines:
            for line in lines:
                tally.add(json.loads(line))

    if tally.passed + tally.failed == 0:
        print('FAIL: no test has run')
    print(f'{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped')
    return 1 if tally.failed or not tally.passed else 0


if __name__ == '__main__':
    sys.exit(main())
