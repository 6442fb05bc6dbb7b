#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Sums up test logs of meson: each test case of a program that speaks TAP
counts, any other program counts as one. Names what failed, with what it said
at last, and what was skipped, and ends with the line "N passed, N failed, N
skipped"."""

import argparse
import json
import re
import signal
import sys

TAP_LINE = re.compile(r'^(not )?ok\b[ \t]*\d*[ \t]*(?:- )?([^#\n]*)(?:#[ \t]*(SKIP|TODO)\b[ \t]*(.*))?',
                      re.IGNORECASE)

# What a program says last is why it failed; a sanitizer says it first, and then much more.
SANITIZER_LINE = re.compile(r'==\d+==\s*ERROR: |: runtime error: ')
# GLib's tests tell all that is logged.
NOISE_LINE = re.compile(r'^(?:# )?(?:\S+-DEBUG: |\(\S+:\d+\): \S+-DEBUG: )|^\s*$')
MAX_WORDS = 20
MAX_WIDTH = 400


def describe_status(status):
    """A program that was killed has the signal's number, negated, for a status;
    a shell says 128 and the number."""
    if isinstance(status, int):
        number = -status if status < 0 else status - 128
        try:
            return f'status {status} ({signal.Signals(number).name})'
        except ValueError:
            pass
    return f'status {status}'


def find_words(text):
    """The lines of an output that tell most of why it came to an end."""
    lines = [line.rstrip()[:MAX_WIDTH] for line in text.splitlines() if not NOISE_LINE.match(line)]
    for i, line in enumerate(lines):
        if SANITIZER_LINE.search(line):
            return lines[i:i + MAX_WORDS]
    return lines[-MAX_WORDS:]


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

    def quote(self, text):
        for line in find_words(text):
            print(f'    {line}')

    def add_cases(self, program, output):
        """Counts the TAP lines of output; returns how many there were, and
        how many of them failed."""
        cases = failures = 0
        remarks = []
        for line in output.splitlines():
            match = TAP_LINE.match(line)
            if not match:
                remarks.append(line)
                continue
            cases += 1
            bad, name, directive, reason = match.groups()
            name = f'{program}: {name.strip()}'
            if directive and directive.upper() == 'SKIP':
                self.skip(name, reason or 'no reason given')
            elif bad and not directive:
                failures += 1
                self.fail(name, 'not ok')
                # A case is explained before it is over.
                self.quote('\n'.join(remarks))
            else:
                self.passed += 1
            remarks = []
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
        elif not good:
            if failures == 0:
                self.fail(name, f'{result.lower()}, {describe_status(test.get("returncode"))}')
                self.quote(output)
            self.quote(test.get('stderr', ''))
        elif cases == 0:
            self.passed += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--failed', type=int, default=0, help='failures to add')
    parser.add_argument('--skipped', type=int, default=0, help='skips to add')
    parser.add_argument('--tap', action='append', default=[], help='what a program has written by itself, as NAME=FILE')
    parser.add_argument('logs', nargs='*', help='testlog.json files of meson')
    args = parser.parse_args()

    tally = Tally(args.failed, args.skipped)
    for log in args.logs:
        with open(log, encoding='utf-8') as lines:
            for line in lines:
                tally.add(json.loads(line))
    for name, _, file in (tap.partition('=') for tap in args.tap):
        with open(file, encoding='utf-8', errors='replace') as output:
            tally.add_cases(name, output.read())

    if tally.passed + tally.failed == 0:
        print('FAIL: no test has run')
    print(f'{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped')
    return 1 if tally.failed or not tally.passed else 0


if __name__ == '__main__':
    sys.exit(main())
