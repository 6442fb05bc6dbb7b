#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The figures of a tunnel, beside what its bytes would cost without one.

In turns, with fresh processes in each: two ist-proxy, and two programs that use
libist, through ist-emulator and through a relay that is not ours, if one is given;
and two haproxy that only copy bytes over TLS, which is the limit to come close to.
Then how cost grows with what one process holds. Prints tables; judges nothing.

    bench.py [--turns N] [--bytes N] [--relay COMMAND] [--part PART]...
             [--baseline-proxy FILE] [--baseline-library FOLDER]
             [--json FILE] [--markdown FILE] [--svg FILE]

The head of rigs.py tells what a relay must do."""

import argparse
import functools
import json
import os
import shutil
import sys

import growth
import programs
import report
from rigs import Carrier, Messages

PARTS = ('proxies', 'messages', 'growth')
LIMIT = 'haproxy'
BEFORE = 'before'

ENDS = ('source', 'destination')

PROXY_LABELS = {
    'to: MB/s': 'bulk to the device, MB/s',
    'from: MB/s': 'bulk from the device, MB/s',
    'to: sending': 'CPU of the sending end, to the device, s/GB',
    'from: sending': 'CPU of the sending end, from the device, s/GB',
    'to: receiving': 'CPU of the receiving end, to the device, s/GB',
    'from: receiving': 'CPU of the receiving end, from the device, s/GB',
    'to: between': 'CPU of what is between, to the device, s/GB',
    'trip p50': 'round trip of a byte, p50, us',
    'trip p99': 'round trip of a byte, p99, us',
    'key p50': 'keystroke beside bulk, p50, ms',
    'key p99': 'keystroke beside bulk, p99, ms',
    'in sequence': 'connections one after the other, a second',
    'at once': '300 connections at once, all answered after, ms',
    **{f'{end} {when}': f'memory of the {end}, {text}, MiB' for when, text in (
        ('idle', 'idle'), ('peak', 'at most'), ('stalled', 'at most, with a reader that stalls')) for end in ENDS}}

MESSAGE_LABELS = {
    '15000: a second': '15,000-byte messages a second',
    '15000: source s/GB': 'CPU of the sending end, s/GB',
    '15000: destination s/GB': 'CPU of the receiving end, s/GB',
    '64: a second': '64-byte messages a second',
    '64: source us': 'CPU of the sending end, us a message',
    '64: destination us': 'CPU of the receiving end, us a message',
    'trip p50': 'round trip of a byte, p50, us',
    'trip p99': 'round trip of a byte, p99, us',
    'source peak': 'memory of the sending end at most, MiB',
    'destination peak': 'memory of the receiving end at most, MiB'}


def ways_of(name, baseline, relay):
    """By what they are called: the relay's command, and the baseline if that is measured."""
    betweens = {**({'relay': relay} if relay else {}), 'emulator': None}
    ages = {name: None, **({BEFORE: baseline} if baseline else {})}
    return {f'{age}, {between}': (command, old) for between, command in betweens.items() for age, old in ages.items()}


def proxies(args):
    """Ways by name, each a rig and how to start it."""
    ways = {name: (Carrier, functools.partial(Carrier.start_proxies, relay=relay, proxy=old or programs.PROXY))
            for name, (relay, old) in ways_of('ist-proxy', args.baseline_proxy, args.relay).items()}
    if shutil.which('haproxy'):
        ways[LIMIT] = (Carrier, Carrier.start_haproxy)
    else:
        print('haproxy is not installed, so there is nothing to compare with', file=sys.stderr)
    return ways


def messages(args):
    return {name: (Messages, functools.partial(Messages.start_ends, relay=relay, library=old))
            for name, (relay, old) in ways_of('libist', args.baseline_library, args.relay).items()}


def tables(title, labels, ways, rows):
    """What there is now beside the limit, then beside what was before."""
    now = [way for way in ways if not way.startswith(BEFORE)]
    limits = [(way, LIMIT) for way in now if LIMIT in ways and way != LIMIT]
    yield from ('', *report.table(title, labels, now, rows, limits))
    pairs = [(way, before) for way in now for before in ways
             if before.startswith(BEFORE) and before.partition(',')[2] == way.partition(',')[2]]
    if pairs:
        shown = [way for now, before in pairs for way in (before, now)]
        yield from ('', *report.table(f'{title}, before and now', labels, shown, rows, pairs))


def run_turns(part, ways, args):
    for turn in range(args.turns):
        # Each goes first now and then.
        names = list(ways)
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            kind, start = ways[name]
            with kind() as rig:
                start(rig)
                yield {'part': part, 'turn': turn, 'way': name, 'figures': rig.measure(args.bytes)}


def told(rows):
    """Passes them on; who waits sees that something happens."""
    for row in rows:
        name = row.get('way') or f'{row["n"]} {row["kind"]}'
        print(f'turn {row["turn"] + 1}: {name}', file=sys.stderr, flush=True)
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--turns', type=int, default=5)
    parser.add_argument('--bytes', type=int, default=500_000_000, help='size of one transfer')
    parser.add_argument('--relay', metavar='COMMAND', default=os.environ.get('IST_BENCH_RELAY'),
                        help='go through this, too, with {port}, {cert} and {key} in it (default: $IST_BENCH_RELAY)')
    parser.add_argument('--part', choices=PARTS, action='append', help='only this; may be repeated')
    parser.add_argument('--baseline-proxy', metavar='FILE', help='another ist-proxy to compare with')
    parser.add_argument('--baseline-library', metavar='FOLDER', help='the folder of another libist to compare with')
    parser.add_argument('--json', metavar='FILE', help='keep all figures of all turns')
    parser.add_argument('--markdown', metavar='FILE', help='write the tables into this document')
    parser.add_argument('--svg', metavar='FILE', help='draw how cost grows')
    args = parser.parse_args()
    parts = args.part or PARTS
    machine = report.machine()

    rows = []
    lines = [report.describe(machine, args.turns, args.bytes)]
    for part, title, find, labels in (('proxies', 'Programs', proxies, PROXY_LABELS),
                                      ('messages', 'Messages', messages, MESSAGE_LABELS)):
        if part in parts:
            ways = find(args)
            found = list(told(run_turns(part, ways, args)))
            rows += found
            lines += tables(title, labels, list(ways), found)
    if 'growth' in parts:
        found = list(told(growth.points(args.turns, max(args.bytes // 25_000, 1))))
        rows += found
        lines += ['', *growth.lines(found)]
        if args.svg:
            growth.draw(found, args.svg)

    print('\n'.join(lines))
    if args.json:
        with open(args.json, 'w', encoding='utf-8') as f:
            json.dump({'machine': machine, 'rows': rows}, f, indent=1)
    if args.markdown:
        report.insert(args.markdown, lines)


if __name__ == '__main__':
    main()
