#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What mypy says of programs that use the libraries, with the stubs where it finds those of installed packages."""

import ast
import importlib
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import venv

import gi

import tap
from child import require
from waiting import PATIENCE

TOP = pathlib.Path(__file__).resolve().parents[2]
STUBS = pathlib.Path(os.environ['IST_STUBS'])
NAMESPACES = [path.stem for path in STUBS.glob('repository/Ist*.pyi')]

# Programs of ours do not annotate their functions, call for an effect in a lambda, and import these.
CONFIG = '''[mypy]
strict = True
disallow_untyped_defs = False
disallow_incomplete_defs = False
disallow_untyped_calls = False
disable_error_code = func-returns-value
[mypy-boto3.*,gbulb.*,asyncssh.*]
ignore_missing_imports = True
'''

HEAD = '''import asyncio
import gi
gi.require_version('Ist', '1')
from gi.repository import Gio, GLib, IMPORTS

def on_message(tunnel: Ist.SecureTunnel, message: Ist.Message) -> None: ...
def on_other(tunnel: Ist.SecureTunnel, message: Ist.Message, data: str) -> None: ...
tunnel = Ist.SecureTunnel(mode=Ist.Mode.SOURCE, access_token='token', region='eu-west-1', tls_database=None)
forwarder = Ist.Forwarder.new(tunnel)
message = Ist.Message('SSH', b'x')
'''

GOOD = {
    'Ist': '''
tunnel.connect('message-received', on_message)
tunnel.connect('message-received', on_other, 'data')
tunnel.connect('message-received', lambda tunnel, message: print(message.payload.hex()))
tunnel.connect('connection-failure', lambda *_: None)
tunnel.connect('notify::state', lambda tunnel, pspec: print(pspec.name))
handler = tunnel.connect('incoming-connection', lambda tunnel, connection: connection.get_service_id() == 'SSH')
tunnel.disconnect(handler)
forwarder.connect('items-changed', lambda forwarder, position, removed, added: print(position + removed + added))
tunnel.send(b'x', service_id='SSH', connection_id=1)
tunnel.send('x')
tunnel.send(bytearray(b'x'))
tunnel.send(memoryview(b'x'))
tunnel.send(None)
Ist.Message(payload=GLib.Bytes.new(b'x'))
with tunnel, forwarder:
    reveal_type(tunnel.get_service_ids())  # list[builtins.str]
    reveal_type(tunnel.props.region)  # Union[builtins.str, None]
    reveal_type(tunnel.props.state.value_nick)  # builtins.str
    reveal_type(forwarder.listen('SSH', 0))  # Tuple[builtins.int, builtins.int]
    reveal_type([connection.get_state() for connection in forwarder])  # ForwarderConnectionState
forwarder.props.idle_timeout = 5
builder = Ist.SecureTunnelBuilder(region='eu-west-1').set_ping_interval(5).set_mode(Ist.Mode.SOURCE)
reveal_type(builder.build())  # Ist.SecureTunnel
reveal_type({message: 1}[message] if message == message else 0)  # builtins.int
try:
    tunnel.start()
except Ist.errors(Ist.TunnelError.TLS, Ist.TunnelError) as error:
    reveal_type(error.message)  # builtins.str
tunnel.start_async(None, lambda tunnel, result: tunnel.start_finish(result))
tunnel.start_async(callback=lambda tunnel, result: tunnel.start_finish(result))

async def main() -> None:
    async with tunnel as entered:
        reveal_type(entered)  # Ist.SecureTunnel
        reveal_type(await tunnel.start_async())  # builtins.bool
        connection = await asyncio.wait_for(tunnel.open_connection_async(), 5)
        reveal_type(connection)  # Ist.Connection
        reader, writer = await Ist.open_streams(connection)
        reveal_type(await reader.read())  # builtins.bytes
        transport, protocol = await tunnel.create_connection(asyncio.Protocol, 'SSH')
        reveal_type(transport)  # asyncio.transports.Transport
        reveal_type(protocol)  # asyncio.protocols.Protocol
        async for received in tunnel:
            reveal_type(received.service_id)  # Union[builtins.str, None]
''',
    'IstAgent': '''
async def serve() -> None:
    async with IstAgent.Device(thing_name='pump-7', broker='localhost') as device:
        device.set_services({'SSH': 22, 'WEB': 'localhost:80'})
        device.connect('broker-lost', lambda device, error, delay_ms: print(error.message, delay_ms + 1))
        reveal_type([opened.get_id() for opened in device])  # list[builtins.int]
''',
    'IstEmulator': '''
with IstEmulator.Service(plain=True) as service:
    opened = service.open_tunnel(['SSH'], None, 0)
    opened.send_bytes(Ist.Mode.SOURCE, 'x')
    reveal_type(IstEmulator.Sides.SOURCE | IstEmulator.Sides.DESTINATION)  # IstEmulator.Sides
    reveal_type(opened.get_source_access_token())  # builtins.str
''',
    'IstOperator': '''
async def operate() -> None:
    plane = IstOperator.ControlPlane.new(IstOperator.Credentials.new(None), None, None)
    reveal_type(await plane.list_tags_for_resource_async('arn'))  # dict[builtins.str, builtins.str]
    async with IstOperator.Client(control_plane=plane) as client:
        reveal_type(await client.connect_async('pump-7', 'SSH'))  # Ist.Connection
        async with await client.open_async('pump-7', ['SSH']) as shared:
            reveal_type([connection.get_bytes_in() for connection in shared])  # list[builtins.int]
        with IstOperator.Forward(client=client, thing_name='pump-7', service_id='SSH', address=0) as forward:
            reveal_type(forward.get_port())  # builtins.int
''',
}

BAD = {
    'Ist': '''
Ist.SecureTunnel(mode='source')  # incompatible type
Ist.SecureTunnel(acess_token='token')  # Unexpected keyword
Ist.SecureTunel()  # no attribute
Ist.TunnelError.NONSENSE  # no attribute
tunnel.sent(b'x')  # no attribute
tunnel.send(5)  # incompatible type
tunnel.send()  # Missing positional
tunnel.send_message(b'x')  # incompatible type
tunnel.send(b'x', 'SSH', 1, 2)  # Too many arguments
tunnel.props.region = 'eu-west-1'  # read-only
tunnel.props.access_token  # no attribute
tunnel.connect('mesage-received', on_message)  # No overload
tunnel.connect('message-received', lambda tunnel: None)  # No overload|Cannot infer
tunnel.connect('connection-started', on_message)  # No overload
tunnel.get_region().upper()  # has no attribute
for each in tunnel: pass  # no attribute "__iter__"
Ist.Message('SSH', 5)  # incompatible type
Ist.Message('SSH').payload = b'x'  # read-only
Ist.Message(service='SSH')  # Unexpected keyword
forwarder.listen('SSH')  # Missing positional
forwarder.set_target('SSH', 22.0)  # incompatible type
forwarder.props.idle_timeout = 'x'  # Incompatible types
Ist.Connection().get_input_strem()  # no attribute
async def wrong() -> None:
    text: str = await tunnel.start_async()  # Incompatible types
    await tunnel.send_message_async()  # require at least one argument
    await tunnel.start()  # Incompatible types in "await"
    await Ist.open_streams(tunnel)  # incompatible type
''',
    'IstAgent': '''
IstAgent.Device().set_services({'SSH': 22.0})  # incompatible type
IstAgent.Device(thing='pump-7')  # Unexpected keyword
''',
    'IstEmulator': '''
IstEmulator.Service().open_tunnel('SSH', None, 0)  # incompatible type
IstEmulator.Service(port='x')  # incompatible type
''',
    'IstOperator': '''
async def ask(client: IstOperator.Client) -> None:
    await client.connect_async('pump-7')  # No overload
    await client.open_async('pump-7', 'SSH')  # No overload
IstOperator.Forward.new(IstOperator.Client(), 'pump-7', 'SSH')  # Missing positional
''',
}


class Stubs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        require('mypy')
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / 'mypy.ini').write_text(CONFIG)
        # As if they were installed for this Python, which sees no other packages.
        venv.create(cls.folder / 'python')
        packages, = (cls.folder / 'python').glob('lib/python*/site-packages')
        (packages / 'gi-stubs').symlink_to(STUBS)

    def mypy(self, *files):
        """What it tells."""
        environment = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
        done = subprocess.run(
            ['mypy', '--config-file', self.folder / 'mypy.ini', '--cache-dir', self.folder / 'cache',
             '--no-error-summary', '--python-executable', self.folder / 'python' / 'bin' / 'python', *files],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=2 * PATIENCE, env=environment)
        return done.stdout

    def told(self, programs):
        """Each line of a program, with what is said of it."""
        path = self.folder / 'program.py'
        path.write_text(HEAD.replace('IMPORTS', ', '.join(NAMESPACES)) + ''.join(programs[name] for name in NAMESPACES))
        told = {}
        for number, words in re.findall(r'^.*program\.py:(\d+): (?:error|note): (.*)$', self.mypy(path), re.MULTILINE):
            told.setdefault(int(number), []).append(words)
        return [(line, told.pop(number, [])) for number, line in enumerate(path.read_text().splitlines(), 1)]

    def test_good(self):
        for line, told in self.told(GOOD):
            with self.subTest(line):
                if 'reveal_type' not in line:
                    self.assertEqual(told, [])
                else:
                    revealed, = told
                    self.assertIn('Revealed type', revealed)
                    self.assertIn(line.partition('  # ')[2], revealed.replace('gi.repository.', ''))

    def test_bad(self):
        for line, told in self.told(BAD):
            with self.subTest(line):
                expected = line.partition('  # ')[2]
                if expected:
                    self.assertRegex('; '.join(told), expected)
                else:
                    self.assertEqual(told, [])

    def test_programs(self):
        """Those of the documents, and the examples."""
        files = list((TOP / 'examples').glob('*.py'))
        for document in TOP / 'README.md', *(TOP / 'doc').glob('*.md'):
            blocks = re.findall('^```python\n(.*?)^```$', document.read_text(), re.MULTILINE | re.DOTALL)
            for number, block in enumerate(blocks):
                files.append(self.folder / f'{document.stem}-{number}.py')
                files[-1].write_text(block)
        self.assertGreater(len(files), 5)
        for file in files:
            with self.subTest(file.name):
                self.assertEqual(self.mypy(file), '')

    def test_stubs(self):
        """Ours themselves: where they stand as the package's own, mypy looks into them."""
        (self.folder / 'own').mkdir()
        (self.folder / 'own' / 'gi').symlink_to(STUBS)
        files = [self.folder / 'own' / 'gi' / 'repository' / f'{name}.pyi' for name in NAMESPACES]
        complaints = [line for line in self.mypy(*files).splitlines() if re.search(r'/Ist\w*\.pyi:.* error: ', line)]
        self.assertEqual(complaints, [])

    def test_names(self):
        """They have what there is, and nothing else."""
        for name in NAMESPACES:
            gi.require_version(name, '1')
            module = importlib.import_module(f'gi.repository.{name}')
            stubs = ast.parse((STUBS / 'repository' / f'{name}.pyi').read_text())
            names = {getattr(node, 'name', None) or node.target.id: node for node in stubs.body
                     if hasattr(node, 'name') or isinstance(node, ast.AnnAssign)}
            there = {thing for thing in dir(module) if not thing.startswith('_') and not thing.endswith('Class')}
            names = {name: node for name, node in names.items() if not name.startswith('_')}
            self.assertEqual(set(names), there)
            for node in names.values():
                if isinstance(node, ast.ClassDef):
                    self.check_members(getattr(module, node.name), node)

    def check_members(self, kind, node):
        members = {member.name for member in node.body if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef))}
        self.assertEqual([member for member in members if not hasattr(kind, member)], [], node.name)
        if hasattr(kind, '__info__'):
            methods = {info.get_name() for info in kind.__info__.get_methods()}
            self.assertEqual(methods - members, set(), node.name)


if __name__ == '__main__':
    tap.main()
