# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What shells complete: the options of a program's help and no other, and what may follow some of them. Each shell
is asked itself."""

import os
import pathlib
import pty
import select
import subprocess
import tempfile
import unittest

import tap
from built import PROGRAMS, list_commands, list_options
from child import require
from waiting import PATIENCE

TOOLS = pathlib.Path(__file__).parents[2] / 'src' / 'tools'
DATA = os.environ.get('XDG_DATA_DIRS', '/usr/local/share:/usr/share').split(':')
BASH = '''
. "$1"
. "$2"
read -r function < <(complete -p "$3" | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
shift 2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_TYPE=9 COMP_KEY=9
COMP_POINT=${#COMP_LINE}
compopt () { :; }
"$function" "$1" "${@:$#}" "${@:$#-1:1}"
printf '%s\\n' "${COMPREPLY[@]}"
'''
ZSH = '''
PS1="ready> "
unsetopt zle_bracketed_paste
fpath=("$ZDOTDIR" $fpath)
autoload -Uz compinit && compinit -u -d "$ZDOTDIR/dump"
# Tells what is added; with -O, -A and -D nothing is. The arrays of callers are seen here.
compadd () {
  local -a _test_found
  if [[ -z "${@[(r)-[OAD]]}" ]]; then
    builtin compadd -A _test_found "$@"
    (($#_test_found == 0)) || print -rl -- "${_test_found[@]}" >>"$ZDOTDIR/found"
  fi
  builtin compadd "$@"
}
'''


def find_data(name):
    for folder in DATA:
        if (path := pathlib.Path(folder, name)).exists():
            return path
    raise unittest.SkipTest(f'{name} is not installed')


def make_environment(**others):
    """A user's, to whom the programs are known by their names."""
    path = ':'.join([*{str(pathlib.Path(program).parent): None for program in PROGRAMS.values()}, os.environ['PATH']])
    return {**os.environ, 'PATH': path, 'LC_ALL': 'C.UTF-8', **others}


def run(command, *words, **environment):
    done = subprocess.run([*command, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=PATIENCE, env=make_environment(**environment))
    if done.stderr:
        raise AssertionError(done.stderr)
    return done.stdout.splitlines()


class Shell:
    """A mixin of the tests of each shell, which has complete(words): what the last of them may become."""

    def complete_options(self, *command):
        return {found.rstrip('=') for found in self.complete(*command, '--')}

    def test_options(self):
        for name in PROGRAMS:
            for command in list_commands() if name == 'istctl' else [[]]:
                with self.subTest(name, command=command):
                    told = {option for option in list_options(name, *command) if option.startswith('--')}
                    self.assertIn('--help', told)
                    self.assertEqual(self.complete_options(name, *command), told)

    def test_commands(self):
        first = {command[0] for command in list_commands() if command}
        self.assertGreater(len(first), 4)
        self.assertEqual(set(self.complete('istctl', '')), first)
        if 'agent' in first:
            self.assertEqual(set(self.complete('istctl', 'agent', '')),
                             {command[1] for command in list_commands() if command[:1] == ['agent']})

    def test_command_of_its_own(self):
        """What follows “--” has options of its own."""
        for name in 'ist-emulator', 'ist-proxy':
            if name in PROGRAMS:
                self.assertIn('istctl', self.complete(name, '--', 'istct'))
                self.assertFalse(self.complete_options(name, '--', 'istctl') & {'--open'})

    def test_values(self):
        for words, expected in ((('ist-proxy', '--mode', 's'), {'src', 'source'}),
                                (('ist-agent', '--bus', ''), {'system', 'session', 'none'}),
                                (('ist-operator', '-v', ''), set('0123456')),
                                (('istctl', 'open', '--reuse', ''), {'own', 'any', 'never'}),
                                (('ist-emulator', '--state-dir', '/et'), {'etc'})):
            if words[0] in PROGRAMS:
                self.assertEqual({found.strip('/') for found in self.complete(*words)}, expected)


class Bash(Shell, unittest.TestCase):
    def setUp(self):
        self.script = find_data('bash-completion/bash_completion')

    def complete(self, *words):
        completions, = TOOLS.glob(f'*/data/{words[0]}.bash')
        return run(['bash', '--norc', '-c', BASH, 'bash', self.script, completions], *words)


class Fish(Shell, unittest.TestCase):
    def setUp(self):
        require('fish')
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        completions = self.folder / 'fish' / 'vendor_completions.d'
        completions.mkdir(parents=True)
        for name in PROGRAMS:
            # As it is installed.
            (completions / f'{name}.fish').symlink_to(TOOLS / 'completions' / 'ist.fish')

    def complete(self, *words):
        lines = run(['fish', '-c', 'complete -C "$argv"'], *words, HOME=str(self.folder),
                    XDG_DATA_DIRS=f'{self.folder}:/usr/share')
        return [line.partition('\t')[0] for line in lines]


class Zsh(Shell, unittest.TestCase):
    def setUp(self):
        require('zsh')
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / '.zshrc').write_text(ZSH, encoding='ascii')
        (self.folder / '_ist').symlink_to(TOOLS / 'completions' / '_ist')

    def read_until(self, text):
        shown = b''
        while text not in shown:
            self.assertTrue(select.select([self.terminal], [], [], PATIENCE)[0], shown)
            shown += os.read(self.terminal, 4096)

    def complete(self, *words):
        """It completes nowhere but on a terminal."""
        found = self.folder / 'found'
        found.unlink(missing_ok=True)
        self.terminal, other = pty.openpty()
        shell = subprocess.Popen(['zsh', '--no-globalrcs', '-i'], stdin=other, stdout=other, stderr=other,
                                 start_new_session=True,
                                 env=make_environment(ZDOTDIR=str(self.folder), TERM='dumb', HOME=str(self.folder)))
        os.close(other)
        try:
            self.read_until(b'ready> ')
            # The line is cleared once it is completed, and the shell ended.
            os.write(self.terminal, ' '.join(words).encode() + b'\t\x15print do""ne\n')
            self.read_until(b'\ndone')
        finally:
            shell.kill()
            shell.wait()
            os.close(self.terminal)
        return found.read_text(encoding='utf-8').splitlines() if found.exists() else []


if __name__ == '__main__':
    tap.main()
