# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What the kernel counts of a program."""

import contextlib
import os
import pathlib
import time


def frugal():
    """The environment of a program whose memory is measured: neither AddressSanitizer nor meson's malloc() may
    hold on to what it has freed, or touch what it has not used."""
    options = [os.environ.get('ASAN_OPTIONS', ''), 'quarantine_size_mb=0', 'thread_local_quarantine_size_kb=0',
               'malloc_context_size=0', 'max_malloc_fill_size=0', 'allocator_release_to_os_interval_ms=0']
    return {'ASAN_OPTIONS': ':'.join(filter(None, options)), 'MALLOC_PERTURB_': '0'}


def memory(pid, key='VmRSS'):
    """In MiB."""
    with open(f'/proc/{pid}/status') as f:
        for line in f:
            if line.startswith(key + ':'):
                return int(line.split()[1]) / 1024
    raise KeyError(key)


def cpu(pid):
    """Seconds of all its threads, also of those that have ended, as the scheduler accounts for them: the ticks in
    /proc/PID/stat are too coarse for what takes less than seconds."""
    # The id that clock_getcpuclockid() makes.
    return time.clock_gettime(~pid << 3 | 2)


def descriptors(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


def switches_of(pid):
    """How often each thread of a process went to sleep so far: it was awake before."""
    switches = {}
    for task in os.listdir(f'/proc/{pid}/task'):
        # It may have ended since it was listed.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in pathlib.Path(f'/proc/{pid}/task/{task}/status').read_text().splitlines():
                if line.startswith('voluntary_ctxt_switches:'):
                    switches[task] = int(line.split()[1])
    return switches


def wakeups_between(before, after):
    """Of two counts; threads that have ended meanwhile were not woken for work."""
    return sum(count - before.get(task, 0) for task, count in after.items())
