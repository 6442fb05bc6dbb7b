# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Figures as Markdown, and where they come from."""

import ctypes
import datetime
import os
import platform
import statistics
import subprocess

import programs

BEGIN, END = '<!-- What follows, bench.py writes. -->', '<!-- Up to here. -->'


def processor():
    with open('/proc/cpuinfo') as f:
        for line in f:
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    return platform.machine()


def version_of(library, prefix):
    loaded = ctypes.CDLL(library)
    return '.'.join(str(getattr(loaded, f'{prefix}_get_{part}_version')()) for part in ('major', 'minor', 'micro'))


def glib_version():
    loaded = ctypes.CDLL('libglib-2.0.so.0')
    return '.'.join(str(ctypes.c_uint.in_dll(loaded, f'glib_{part}_version').value)
                    for part in ('major', 'minor', 'micro'))


def gnutls_version():
    check = ctypes.CDLL('libgnutls.so.30').gnutls_check_version
    check.restype = ctypes.c_char_p
    return check(None).decode()


def machine():
    """What the figures depend on, by name."""
    libist = subprocess.run([programs.PROXY, '--version'], stdout=subprocess.PIPE, check=True, text=True).stdout
    return {'date': datetime.date.today().isoformat(), 'processor': processor(), 'cores': os.cpu_count(),
            'kernel': f'{platform.system()} {platform.release()}', 'libist': libist.split()[-1],
            'glib': glib_version(), 'libsoup': version_of('libsoup-3.0.so.0', 'soup'), 'gnutls': gnutls_version()}


def describe(machine, turns, size):
    return (f'{machine["date"]}, {machine["processor"]}, {machine["cores"]} cores, {machine["kernel"]}; '
            f'libist {machine["libist"]}, GLib {machine["glib"]}, libsoup {machine["libsoup"]}, '
            f'GnuTLS {machine["gnutls"]}. Medians of {turns} turns, with the least and the most; '
            f'{size / 1e6:,.0f} MB each way in each.')


def number(value):
    if value is None:
        return '-'
    if value >= 100:
        return f'{value:,.0f}'
    return f'{value:.1f}' if value >= 10 else f'{value:.2f}'


def cell(values):
    if not values:
        return '-'
    if len(values) == 1:
        return number(values[0])
    return f'{number(statistics.median(values))} ({number(min(values))} to {number(max(values))})'


def ratio(values, others):
    return f'{statistics.median(values) / statistics.median(others):.2f}' if values and others else '-'


def lines_of(cells):
    yield '| ' + ' | '.join(cells[0]) + ' |'
    yield '|---' * len(cells[0]) + '|'
    for row in cells[1:]:
        yield '| ' + ' | '.join(row) + ' |'


def table(title, labels, ways, rows, ratios):
    """@labels: what a figure is called; @rows: of all turns; @ratios: pairs of ways."""
    def values(way, key):
        return [row['figures'][key] for row in rows if row['way'] == way and key in row['figures']]

    return lines_of([[title, *ways, *(f'{way} / {other}' for way, other in ratios)],
                     *([label, *(cell(values(way, key)) for way in ways),
                        *(ratio(values(way, key), values(other, key)) for way, other in ratios)]
                       for key, label in labels.items())])


def insert(path, lines):
    """In place of what stands between the marks."""
    with open(path, encoding='utf-8') as f:
        before, _, rest = f.read().partition(BEGIN)
    between, _, after = rest.partition(END)
    if not rest or not between:
        raise SystemExit(f'{path}: nowhere to write between “{BEGIN}” and “{END}”')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(f'{before}{BEGIN}\n\n' + '\n'.join(lines) + f'\n\n{END}{after}')
