# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What a test's process passes on to its children, and what it leaves behind."""

import atexit
import contextlib
import ctypes
import os
import signal
import time

PR_SET_CHILD_SUBREAPER = 36

# Who ignores or blocks a signal has its children do so: nohup, a shell that runs in the background.
INHERITED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)

# What a machine's own settings would change.
VARIABLES = ('ALL_PROXY', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'CREDENTIALS_DIRECTORY',
             'NOTIFY_SOCKET', 'LANGUAGE')


def set_signals():
    for number in INHERITED:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def set_environment():
    for name in list(os.environ):
        if name.upper() in VARIABLES or name.startswith(('AWS_', 'AWSIOT_')):
            del os.environ[name]
    os.environ['LC_ALL'] = 'C.UTF-8'
    # Programs would share the tunnels of whoever runs the tests.
    os.environ['DBUS_SESSION_BUS_ADDRESS'] = ''


def parents():
    """The parent of each process of the machine."""
    found = {}
    for name in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError), open(f'/proc/{name}/stat') as f:
            found[int(name)] = int(f.read().rpartition(')')[2].split()[1])
    return found


def descendants():
    found = parents()
    family = {os.getpid()}
    while more := {pid for pid, parent in found.items() if parent in family} - family:
        family |= more
    return family - {os.getpid()}


def end_descendants():
    """Also those whose own parents are gone."""
    end = time.monotonic() + 5
    while (family := descendants()) and time.monotonic() < end:
        for pid in family:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        # Those of subprocess are waited for there, if anybody does.
        with contextlib.suppress(OSError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.02)


def on_end(number, frame):
    signal.signal(number, signal.SIG_DFL)
    end_descendants()
    os.kill(os.getpid(), number)


def keep():
    """From now on nothing that the test starts outlives it, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, on_end)
    atexit.register(end_descendants)
