# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""How cost grows with what one process holds: tunnels, services, connections, and messages that wait.

Measured with one message at a time, which takes its turn through all there are, and costs what finding it among them
takes; and with one in each at the same time, where that is shared."""

import contextlib
import math
import statistics

import picture
import report
from rigs import ECHO, Carrier, Messages
from sockets import read_exactly

SIZE = 64
# The library knows no more than 256 services of a tunnel.
COUNTS = {'tunnels': (1, 10, 100, 1000), 'services': (1, 10, 100, 256), 'connections': (1, 10, 100, 1000),
          'queued messages': (1, 10, 100, 1000)}
PROCESSES = {'source': picture.BLUE, 'destination': picture.ORANGE, 'between': picture.RED}
ALONE, TOGETHER, MEMORY = 'one at a time', 'all at once', 'MiB at most'
DASHES = {ALONE: '', TOGETHER: '4 3'}


def cost(used, count, how):
    """In us a message."""
    return {f'{name} {how}': seconds / count * 1e6 for name, seconds in used.items()}


def memory(rig):
    return {f'{name} {MEMORY}': size for name, size in rig.memory('VmHWM').items()}


def with_messages(count, tunnels=1, services=0, bursts=None):
    lanes = tunnels * max(services, 1)
    result = {}
    with Messages() as rig:
        rig.services = [f's{i}' for i in range(services)]
        rig.start_ends(tunnels=tunnels)
        # The first through each sets things up.
        rig.send(max(lanes, 100), SIZE, 1)
        for how, burst in (bursts or {ALONE: 1, TOGETHER: lanes}).items():
            total = max(count // burst, 1) * burst
            result |= cost(rig.send(total, SIZE, burst)[1], total, how)
        return result | memory(rig)


def with_connections(count, width):
    """A message is one there, and one back."""
    result = {}
    with Carrier() as rig, contextlib.ExitStack() as stack:
        rig.start_proxies()
        clients = [stack.enter_context(rig.connect(ECHO)) for _ in range(width)]

        def exchange(some):
            for client in some:
                client.sendall(bytes(SIZE))
            for client in some:
                if len(read_exactly(client, SIZE)) < SIZE:
                    raise ConnectionError('a connection ended')

        exchange(clients)
        for how, size in {ALONE: 1, TOGETHER: width}.items():
            total = max(count // size, 1) * size
            before = rig.cpu()
            for i in range(0, total, size):
                exchange(clients[i % width:i % width + size])
            result |= cost(rig.cpu_since(before), total, how)
        return result | memory(rig)


MEASURES = {'tunnels': lambda count, n: with_messages(count, tunnels=n),
            'services': lambda count, n: with_messages(count, services=n),
            'connections': with_connections,
            'queued messages': lambda count, n: with_messages(count, bursts={TOGETHER: n})}


def points(turns, count):
    """Rows, a turn after the other."""
    for turn in range(turns):
        for kind, numbers in COUNTS.items():
            for n in numbers:
                yield {'part': 'growth', 'turn': turn, 'kind': kind, 'n': n, 'figures': MEASURES[kind](count, n)}


def median(rows, kind, n, key):
    values = [row['figures'][key] for row in rows if row['kind'] == kind and row['n'] == n and key in row['figures']]
    return statistics.median(values) if values else None


def lines(rows):
    """A table, and what each further one takes."""
    keys = [(f'{name} {what}') for what in (ALONE, TOGETHER, MEMORY) for name in PROCESSES]
    yield from report.lines_of([['How cost grows: us a message', *keys],
                                *([f'{kind}: {n:,}', *(report.number(median(rows, kind, n, key)) for key in keys)]
                                  for kind, numbers in COUNTS.items() for n in numbers)])
    yield ''
    further = []
    for kind, (*_, few, many) in COUNTS.items():
        grown = [median(rows, kind, many, f'{name} {MEMORY}') - median(rows, kind, few, f'{name} {MEMORY}')
                 for name in PROCESSES]
        further.append([f'{kind}: {few:,} to {many:,}', *(f'{size * 1024 / (many - few):.1f}' for size in grown)])
    yield from report.lines_of([['Memory for each further one, KiB', *PROCESSES], *further])


def curves(rows, kind, dashes):
    for key, dash in dashes.items():
        for name, colour in PROCESSES.items():
            line = [(n, median(rows, kind, n, f'{name} {key}')) for n in COUNTS[kind]]
            if line[0][1] is not None:
                yield line, colour, dash


def draw(rows, path):
    image = picture.Picture()
    panels = []
    for unit, dashes in (('us', DASHES), ('MiB', {MEMORY: ''})):
        highest = max(y for kind in COUNTS for line, _, _ in curves(rows, kind, dashes) for _, y in line)
        panels.append((picture.Logarithmic(1, 10 ** math.ceil(math.log10(highest))), f'{{:,}} {unit}'.format, dashes))
    for kind in COUNTS:
        image.column(kind, picture.Logarithmic(1, 1000), '{:,}'.format,
                     [(axis, unit, curves(rows, kind, dashes)) for axis, unit, dashes in panels])
    image.write(path, [*((colour, 2, '', name) for name, colour in PROCESSES.items()),
                       *(('#444', 1.3, dash, how) for how, dash in DASHES.items())])
