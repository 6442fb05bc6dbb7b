# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The programs that were built, by name."""

import os
import re
import subprocess

from waiting import PATIENCE

PROGRAMS = {name: os.environ[variable] for name, variable in (
    ('ist-proxy', 'IST_PROXY'), ('ist-agent', 'IST_AGENT'), ('ist-emulator', 'IST_EMULATOR'),
    ('ist-operator', 'IST_OPERATOR'), ('istctl', 'ISTCTL')) if variable in os.environ}


def ask(name, *words):
    """What it says, in English, to standard output."""
    done = subprocess.run([PROGRAMS[name], *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True,
                          text=True, timeout=PATIENCE, env={**os.environ, 'LC_ALL': 'C.UTF-8'})
    return done.stdout


def list_options(name, *command):
    """As its help has them, such as “-V” and “--version”; that on help is told there, too."""
    help_text = ask(name, *command, '--help-all' if name != 'istctl' or command else '--help')
    heads = re.findall(r'^  (-.*?)(?:  |$)', help_text, re.MULTILINE)
    return {option for head in heads for option in re.findall(r'(?:(?<=^)|(?<=, ))--?[\w-]+', head)}


def list_commands():
    """Those of istctl, as lists of words; the first one is the program without a command."""
    text = ask('istctl', '--help')
    return [[], *(line.split() for line in re.findall(r'^  ([a-z][a-z ]*?)  ', text, re.MULTILINE))]
