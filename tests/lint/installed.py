#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""An installed libist is all that programs need, found by its pkg-config file
alone; and the programs in README and documents do what their text says, as
they stand there: the source of each language against the destination of the
same language, through an emulator; and likewise the two that use connections as
streams, a source in C and a forwarder in Python, and those in Python's own ways. A
program that is not let in says why. What the first chapter of README, and examples.md,
have somebody type is typed. It is installed from a build folder, or is what the system has."""

import argparse
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

BLOCK = '^```{}\n(.*?)^```$'
FIRST_CHAPTER = '## Try it in 60 seconds'
TIMEOUT = 60
SANITIZE = ['-g', '-fsanitize=address,undefined']


def run(command, **options):
    print('+', ' '.join(map(str, command)), flush=True)
    return subprocess.run(command, check=True, text=True, timeout=TIMEOUT, **options)


def output_of(command):
    return run(command, stdout=subprocess.PIPE).stdout.strip()


class Installed:
    """An installed tree, and the environment that finds it."""

    def __init__(self, args, work):
        self.args = args
        self.work = work
        self.overrides = True
        os.environ['ASAN_OPTIONS'] = f'detect_leaks=1:intercept_tls_get_addr=0:log_path={work}/sanitizer'
        os.environ['UBSAN_OPTIONS'] = f'halt_on_error=1:print_stacktrace=1:log_path={work}/sanitizer'
        if args.build:
            self.install(work / 'root')
        self.prefix = pathlib.Path(output_of(['pkg-config', '--variable=prefix', 'ist-1']))

    def install(self, root):
        run(['meson', 'install', '-C', self.args.build, '--quiet', '--destdir', root])

        # The tree was made for another prefix; nothing else about it is changed.
        pc, = root.rglob('ist-1.pc')
        text = pc.read_text(encoding='utf-8')
        prefix = re.search('^prefix=(.*)$', text, re.MULTILINE).group(1)
        there = root / prefix.lstrip('/')
        pc.write_text(text.replace(f'prefix={prefix}', f'prefix={there}', 1), encoding='utf-8')

        os.environ['PKG_CONFIG_PATH'] = str(pc.parent)
        libdir = output_of(['pkg-config', '--variable=libdir', 'ist-1'])
        os.environ['LD_LIBRARY_PATH'] = libdir
        # For valac.
        os.environ['XDG_DATA_DIRS'] = f'{there / "share"}:/usr/local/share:/usr/share'
        overrides = [path.parents[2] for path in root.rglob('gi/overrides/Ist.py')]
        self.overrides = len(overrides) > 0
        os.environ['PYTHONPATH'] = os.pathsep.join(map(str, overrides))
        os.environ['GI_TYPELIB_PATH'] = output_of(['pkg-config', '--variable=typelibdir', 'ist-1'])

    def check_pkg_config(self):
        requires = output_of(['pkg-config', '--print-requires', 'ist-1']).split('\n')
        if [line.split()[0] for line in requires] != ['gio-2.0']:
            sys.exit(f'ist-1.pc requires {requires}')
        libs = output_of(['pkg-config', '--libs', 'ist-1'])
        if 'soup' in libs or 'protobuf' in libs:
            sys.exit(f'ist-1.pc makes programs link what only libist uses: {libs}')

    def complaints(self):
        """Of the sanitizers, which look at what is in C and Vala."""
        return [path.read_text(encoding='utf-8') for path in self.work.glob('sanitizer.*')]

    # Each of these makes a program of a source file, and returns its command.

    def c(self, source):
        program = source.with_suffix('.c.out')
        flags = output_of(['pkg-config', '--cflags', '--libs', 'ist-1']).split()
        run([*self.args.cc.split(), '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror',
             *SANITIZE, source, '-o', program, *flags])
        return [program]

    def vala(self, source):
        program = source.with_suffix('.vala.out')
        # What comes of it is C without a warning, but for what valac leaves unused, and for const, which Vala has not.
        flags = [*SANITIZE, '-Wall', '-Werror', '-Wno-unused', '-Wno-discarded-qualifiers', '-Wno-incompatible-pointer-types']
        warnings = [word for flag in flags for word in ('-X', flag)]
        run(['valac', '--quiet', '--debug', '--fatal-warnings', *warnings, '--pkg', 'ist-1', '--directory',
             source.parent, '-o', program.name, source])
        return [program]

    def python(self, source):
        return [self.args.python, source]

    def js(self, source):
        return [self.args.gjs, '-m', source]


def extract(document, language, *files):
    """Writes the programs in a language that a document has to files."""
    programs = re.findall(BLOCK.format(language), document.read_text(encoding='utf-8'), re.MULTILINE | re.DOTALL)
    if len(programs) != len(files):
        sys.exit(f'{document.name} has {len(programs)} programs in {language}, not {len(files)}')
    for program, file in zip(programs, files):
        file.write_text(program, encoding='utf-8')


def check_fragments(installed, top):
    """What documents have in C besides programs compiles: functions, and what stands in one."""
    for document in sorted((top / 'doc').glob('*.md')):
        blocks = re.findall(BLOCK.format('c'), document.read_text(encoding='utf-8'), re.MULTILINE | re.DOTALL)
        fragments = [block for block in blocks if '\nmain (' not in block]
        functions = [block for block in fragments if block.startswith('static ')]
        statements = [f'{{\n{block}}}\n' for block in fragments if not block.startswith('static ')]
        if fragments:
            source = installed.work / f'{document.stem}.c'
            source.write_text('#include <ist/ist.h>\n' + ''.join(functions) +
                              f'void f (IstSecureTunnel *tunnel)\n{{\n{"".join(statements)}}}\n', encoding='utf-8')
            flags = output_of(['pkg-config', '--cflags', 'ist-1']).split()
            run([*installed.args.cc.split(), '-Wall', '-Wextra', '-Wno-unused', '-Werror', '-fsyntax-only', source, *flags])


class Emulator:
    def __init__(self, program):
        self.process = subprocess.Popen([program, '--open', 'SSH'], stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.endpoint = ready['endpoint']
        self.ca_file = ready['caFile']
        self.tunnel = ready['tunnels'][0]

    def environment(self, side, **others):
        return {**os.environ,
                'AWSIOT_TUNNEL_ENDPOINT': self.endpoint,
                'AWSIOT_TUNNEL_ACCESS_TOKEN': self.tunnel[f'{side}AccessToken'],
                'SSL_CERT_FILE': self.ca_file,
                **others}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=TIMEOUT)


def answer_of(source, emulator):
    return run(source, stdout=subprocess.PIPE, env=emulator.environment('source')).stdout


def answer_through(forwarder, emulator):
    """What a program hears that connects to where the forwarder listens."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as client:
        path = os.path.join(folder, 'socket')
        process = subprocess.Popen([*forwarder, path], env=emulator.environment('source'))
        try:
            end = time.monotonic() + TIMEOUT
            while not os.path.exists(path) and process.poll() is None and time.monotonic() < end:
                time.sleep(0.02)
            client.settimeout(TIMEOUT)
            client.connect(path)
            client.sendall(b'hello\n')
            return client.makefile().readline()
        finally:
            process.terminate()
            process.wait(timeout=TIMEOUT)


def check_complaint(program, emulator, words, **wrong):
    """It says what it is not let in for."""
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env=emulator.environment('destination', **wrong))
    watch = threading.Timer(TIMEOUT, process.kill)
    watch.start()
    try:
        line = process.stdout.readline()
        if not re.search(words, line):
            sys.exit(f'{program} said {line!r}, not {words}')
    finally:
        watch.cancel()
        process.terminate()
        process.communicate(timeout=TIMEOUT)


def check_complaints(program, emulator_program):
    # The system's, which no emulator's certificate is of.
    with Emulator(emulator_program) as emulator:
        check_complaint(program, emulator, '[Cc]ertificate', SSL_CERT_FILE='/etc/ssl/certs/ca-certificates.crt')
        check_complaint(program, emulator, '403', AWSIOT_TUNNEL_ACCESS_TOKEN='no-such-token')


def check_documents(emulator_program, destination, ask, source):
    with Emulator(emulator_program) as emulator:
        echo = subprocess.Popen(destination, stdout=subprocess.PIPE, text=True,
                                env=emulator.environment('destination'))
        try:
            if echo.stdout.readline() != 'connected\n':
                sys.exit('the destination did not say that it is connected')
            answer = ask(source, emulator)
            if answer != 'hello\n':
                sys.exit(f'the source printed {answer!r}')
        finally:
            echo.terminate()
            echo.wait(timeout=TIMEOUT)


def has_gbulb(installed):
    return subprocess.run([installed.args.python, '-c', 'import gbulb'], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


def check_language(installed, language, top, emulator_program):
    make = getattr(installed, language)
    suffix = {'python': 'py'}.get(language, language)
    tutorial = {'js': 'gjs'}.get(language, language)
    destination, stream, source = (installed.work / f'{name}.{suffix}' for name in ('destination', 'stream', 'source'))
    has_stream = language in ('c', 'python')

    extract(top / ('README.md' if language == 'python' else 'doc/destination.md'), language, destination)
    if has_stream:
        extract(top / 'doc' / 'connections.md', language, stream)
    extract(top / 'doc' / f'tutorial-{tutorial}.md', language, source)
    echo = make(destination)
    source = make(source)
    check_documents(emulator_program, echo, answer_of, source)
    for program in echo, source:
        check_complaints(program, emulator_program)
    if language == 'python' and installed.overrides:
        # bindings-python-asyncssh runs the last one, with an sshd.
        short, errors, *in_asyncio, _ssh = sources = [
            installed.work / f'{name}.py' for name in ('short', 'errors', 'messages', 'streams', 'ssh')]
        extract(top / 'doc' / 'python.md', language, *sources)
        run(make(errors))
        unit_test = installed.work / 'testing.py'
        extract(top / 'doc' / 'testing.md', language, unit_test)
        run(make(unit_test))
        for program in [short, *in_asyncio] if has_gbulb(installed) else [short]:
            check_documents(emulator_program, echo, answer_of, make(program))
    if has_stream:
        ask = answer_of if language == 'c' else answer_through
        stream = make(stream)
        check_documents(emulator_program, echo, ask, stream)
        check_complaints([*stream, installed.work / 'unused'] if ask is answer_through else stream, emulator_program)


def check_typed(installed, document, heading, answers, folder):
    """Types a chapter's lines, each once the one before it has said what it says."""
    text = document.read_text(encoding='utf-8')
    chapter = text[text.index(heading):].partition('\n## ')[0]
    # Not those of a program, which is indented, too.
    lines = re.findall('^    (.*)$', re.sub('^```.*?^```$', '', chapter, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    if not answers.keys() < set(lines):
        sys.exit(f'“{heading}” has the lines {lines}')

    tools = installed.work / 'tools'
    tools.mkdir(exist_ok=True)
    for name, program in ('python3', installed.args.python), ('gjs', installed.args.gjs):
        if program and not (tools / name).exists():
            (tools / name).symlink_to(shutil.which(program))
    path = f'{tools}:{installed.prefix / "bin"}:{os.environ["PATH"]}'
    process = subprocess.Popen(lines[0].split(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder,
                               env={**os.environ, 'PATH': path})
    watch = threading.Timer(TIMEOUT, process.kill)
    watch.start()
    try:
        for line in lines[1:]:
            process.stdin.write(line + '\n')
            process.stdin.flush()
            for answer in answers.get(line, []):
                if (said := process.stdout.readline()) != answer:
                    sys.exit(f'“{line}” did not say {answer!r}, but {said!r}')
        status = process.wait(timeout=TIMEOUT)
        if status != 0 or process.stdout.read():
            sys.exit(f'“{heading}” ended with status {status}, and said more than it should')
    finally:
        watch.cancel()
        process.kill()
        process.wait(timeout=TIMEOUT)


def check_first_chapter(installed, top):
    folder = installed.work / 'first-chapter'
    folder.mkdir()
    extract(top / 'README.md', 'python', folder / 'destination.py')
    check_typed(installed, top / 'README.md', FIRST_CHAPTER,
                {'python3 destination.py &': ['connected\n'], 'echo hello | ist-proxy --stdio': ['hello\n']}, folder)


def check_examples(installed, top):
    connected = 'connected, services: SSH\n'
    check_typed(installed, top / 'doc' / 'examples.md', '## Trying them',
                {'python3 tunnel-echo.py &': [connected],
                 "gjs -m tunnel-echo.js --mode source 'a few words'":
                     [connected, 'came back: a few words\n', 'disconnected: stopped\n']}, top / 'examples')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--top', required=True, type=pathlib.Path)
    parser.add_argument('--build', help='to install from, if it is not to be what the system has')
    parser.add_argument('--cc', required=True)
    parser.add_argument('--vala', action='store_true')
    parser.add_argument('--python', help='a Python with PyGObject')
    parser.add_argument('--gjs')
    parser.add_argument('--emulator', action='store_true')
    args = parser.parse_args()

    languages = ['c']
    languages += ['vala'] if args.vala else []
    languages += ['python'] if args.python else []
    languages += ['js'] if args.gjs else []

    here = pathlib.Path(__file__).parent
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        installed = Installed(args, work)
        installed.check_pkg_config()

        check_fragments(installed, args.top)
        for language in {'c', 'vala'} & set(languages):
            copy = work / f'installed.{language}'
            copy.write_bytes((here / copy.name).read_bytes())
            run(getattr(installed, language)(copy))

        if args.emulator:
            for language in languages:
                check_language(installed, language, args.top, installed.prefix / 'bin' / 'ist-emulator')
            if 'python' in languages:
                check_first_chapter(installed, args.top)
            if {'python', 'js'} < set(languages) and installed.overrides and has_gbulb(installed):
                check_examples(installed, args.top)
        complaints = installed.complaints()
        if complaints:
            sys.exit('\n'.join(complaints))

    print('good:', ', '.join(languages))
    return 0


if __name__ == '__main__':
    sys.exit(main())
