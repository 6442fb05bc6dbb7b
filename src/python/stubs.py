#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Writes what type checkers want to know of a namespace, as PyGObject shows it: a .pyi file out of a GIR file, and of
one by hand with what only Python has.

There is a package for this, pygobject-stubs, but not in Debian 12, and it knows nothing of overrides of others."""

import argparse
import ast
import keyword
import os
import pathlib
import xml.etree.ElementTree

CORE = '{http://www.gtk.org/introspection/core/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'

HEADER = '''# Made from a GIR file: changes are lost.

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal, TypeVar, overload

from typing_extensions import Self
'''

INTEGERS = '''gint guint gint8 guint8 gint16 guint16 gint32 guint32 gint64 guint64 glong gulong gshort gushort gsize
gssize gunichar goffset gintptr guintptr pid_t uid_t gid_t time_t off_t dev_t socklen_t GLib.Quark GLib.Pid
GLib.TimeSpan GLib.Time GLib.DateDay GLib.DateYear'''.split()
TYPES = {'none': 'None', 'gboolean': 'bool', 'utf8': 'str', 'filename': 'str', 'gdouble': 'float', 'gfloat': 'float',
         'GType': 'Any', 'gpointer': 'Any', 'gconstpointer': 'Any', 'gchar': 'int', 'GLib.HashTable': 'dict',
         'GLib.ByteArray': 'bytes', 'GObject.Value': 'Any', 'GObject.Closure': 'Callable[..., Any]',
         **dict.fromkeys(INTEGERS, 'int')}
LISTS = 'GLib.List', 'GLib.SList', 'GLib.PtrArray', 'GLib.Array'


def child(element, *names):
    return next((found for name in names if (found := element.find(CORE + name)) is not None), None)


def flag(element, name):
    return element.get(name) == '1'


def is_public(element):
    return element.get('introspectable') != '0' and not element.get('shadowed-by')


def name_of(element):
    name = element.get('shadows') or element.get('name')
    return name + '_' if keyword.iskeyword(name) else name


class Namespace:
    """One, and those that it includes, for what they say of its names."""

    def __init__(self, path, folders, known=None):
        self.known = {} if known is None else known
        repository = xml.etree.ElementTree.parse(path).getroot()
        self.element = child(repository, 'namespace')
        self.name = self.element.get('name')
        self.known[self.name] = self
        self.kinds = {kind.get('name'): kind for kind in self.element}
        self.includes = [include.get('name') for include in repository.findall(CORE + 'include')]
        for include in repository.findall(CORE + 'include'):
            if include.get('name') not in self.known:
                file = f'{include.get("name")}-{include.get("version")}.gir'
                found = next((folder / file for folder in folders if (folder / file).exists()), None)
                if found is None:
                    raise SystemExit(f'{file} is in none of {", ".join(map(str, folders))}')
                Namespace(found, folders, self.known)

    def full(self, name):
        return name if '.' in name or name not in self.kinds else f'{self.name}.{name}'

    def look_up(self, name):
        """The element of a name, and the namespace it is of."""
        namespace, _, short = self.full(name).rpartition('.')
        space = self.known.get(namespace)
        return (space.kinds.get(short), space) if space else (None, None)

    def ancestors(self, kind):
        """A class and what it derives from, with the namespace of each."""
        space = self
        while kind is not None:
            yield kind, space
            kind, space = space.look_up(kind.get('parent', ''))


class Types:
    """Types as annotations say them in the file of one namespace."""

    def __init__(self, space, is_ours):
        self.space = space
        self.is_ours = is_ours

    def name(self, name, space):
        full = space.full(name)
        if full in TYPES:
            return TYPES[full]
        kind, of = space.look_up(name)
        if kind is None:
            return 'Any'
        if kind.tag == CORE + 'alias':
            return self.of(kind, of)
        if kind.tag == CORE + 'callback':
            return 'Callable[..., Any]'
        return self.short(full)

    def short(self, full):
        return full.removeprefix(self.space.name + '.')

    def of(self, element, space, given=False):
        """Of a parameter, property or what is returned; what is given may be less exact than what is got."""
        array = child(element, 'array')
        if array is not None and array.get('name') is None:
            item = child(array, 'type')
            if item is not None and item.get('name') in ('guint8', 'gchar'):
                return 'bytes | bytearray | memoryview' if given else 'bytes'
            return self.list(array, space, given)
        kind = array if array is not None else child(element, 'type')
        if kind is None:
            return 'Any'
        full = space.full(kind.get('name', 'gpointer'))
        if full in LISTS:
            return self.list(kind, space, given)
        if full == 'GLib.HashTable':
            key, value = [self.of_type(item, space) for item in kind] or ['Any', 'Any']
            return f'dict[{key}, {value}]'
        if given and full == 'filename' and self.is_ours:
            return 'str | os.PathLike[str]'
        return self.name(full, space)

    def of_type(self, kind, space):
        wrapped = xml.etree.ElementTree.Element('item')
        wrapped.append(kind)
        return self.of(wrapped, space)

    def list(self, kind, space, given):
        items = [self.of_type(item, space) for item in kind if item.tag in (CORE + 'type', CORE + 'array')] or ['Any']
        # Not any sequence: text is one of texts.
        return f'list[{items[0]}] | tuple[{items[0]}, ...]' if given else f'list[{items[0]}]'

    def nullable(self, text, is_nullable):
        return f'{text} | None' if is_nullable and text not in ('None', 'Any') else text


class Function:
    """A function or method of C, as Python sees it."""

    def __init__(self, element, types, space):
        self.element, self.types, self.space = element, types, space
        self.name = name_of(element)
        parameters = child(element, 'parameters')
        self.parameters = [] if parameters is None else parameters.findall(CORE + 'parameter')
        self.takes = []
        self.gives = []
        self.sort()

    def hidden(self):
        """The numbers of parameters that PyGObject fills in: lengths, and the data of callbacks and what frees it."""
        numbers = set()
        for element in [*self.parameters, child(self.element, 'return-value')]:
            array = child(element, 'array')
            if array is not None and array.get('length'):
                numbers.add(int(array.get('length')))
            numbers.update(int(element.get(name)) for name in ('closure', 'destroy') if element.get(name)
                           and int(element.get(name)) < len(self.parameters)
                           and self.parameters[int(element.get(name))] is not element)
        return numbers

    def is_callback(self, parameter):
        kind = child(parameter, 'type')
        return kind is not None and parameter.get('scope') and self.space.look_up(kind.get('name', ''))[0] is not None

    def sort(self):
        hidden = self.hidden()
        returned = child(self.element, 'return-value')
        if child(returned, 'type') is None or child(returned, 'type').get('name') != 'none':
            if not flag(returned, 'skip'):
                self.gives.append(self.given(returned))
        for number, parameter in enumerate(self.parameters):
            if number in hidden:
                continue
            if child(parameter, 'varargs') is not None:
                continue
            if parameter.get('direction', 'in') != 'in':
                self.gives.append(self.given(parameter))
            if parameter.get('direction', 'in') != 'out':
                self.takes.append(parameter)

    def given(self, element):
        """What Python gets: where C has no list, an empty one."""
        text = self.types.of(element, self.space)
        return self.types.nullable(text, flag(element, 'nullable') and not text.startswith('list['))

    def returns(self):
        if len(self.gives) < 2:
            return self.gives[0] if self.gives else 'None'
        return f'tuple[{", ".join(self.gives)}]'

    def arguments(self):
        """Each as text. Those at the end that may be none may be left out."""
        texts = []
        optional = True
        for parameter in reversed(self.takes):
            may_be_null = flag(parameter, 'nullable') or flag(parameter, 'allow-none')
            optional = optional and may_be_null
            text = self.types.nullable(self.types.of(parameter, self.space, given=True), may_be_null)
            texts.insert(0, f'{name_of(parameter)}: {text}{" = ..." if optional else ""}')
        has_callback = any(self.is_callback(parameter) for parameter in self.takes)
        if has_callback and 'user_data' not in map(name_of, self.takes):
            texts.append('*user_data: Any')
        return texts

    def text(self, first='self', decorator=None):
        arguments = ', '.join(filter(None, [first, *self.arguments()]))
        lines = [f'@{decorator}'] if decorator else []
        return [*lines, f'def {self.name}({arguments}) -> {self.returns()}: ...']


def asynchronous(method, finish):
    """Awaited without a callback, and otherwise one of GIO's kind."""
    before = [f'{name_of(parameter)}: {method.types.of(parameter, method.space, given=True)}'
              + (' | None' if flag(parameter, 'nullable') else '')
              for parameter in method.takes if name_of(parameter) not in ('cancellable', 'callback')]
    # As PyGObject has it, only where all that follow may be none, too.
    for number in range(len(before) - 1, -1, -1):
        if not before[number].endswith('| None'):
            break
        before[number] += ' = ...'
    required = [text.removesuffix(' = ...') for text in before]
    cancellable = 'cancellable: Gio.Cancellable | None'
    callback = 'callback: Callable[..., object]'
    variants = [
        ([*before, cancellable + ' = ...'], f'asyncio.Future[{finish.returns()}]'),
        ([*required, cancellable, callback, '*user_data: Any'], 'None'),
        ([*before, cancellable + ' = ...', '*', callback], 'None'),
    ]
    return [line for arguments, returned in variants
            for line in ('@overload', f'def {method.name}({", ".join(["self", *arguments])}) -> {returned}: ...')]


class Kind:
    """A class, as its bases and its members by their names."""

    def __init__(self, name, bases):
        self.name, self.bases = name, bases
        self.members = {}

    def lines(self):
        bases = f'({", ".join(self.bases)})' if self.bases else ''
        lines = [line for member in self.members.values() for line in member]
        return [f'class {self.name}{bases}:', *indent(lines or ['pass'])]


def indent(lines):
    return ['    ' + line for line in lines]


class Module:
    def __init__(self, space, is_ours):
        self.space = space
        self.types = Types(space, is_ours)
        # Kinds, and lines of others, by their names.
        self.things = {}
        makers = {'class': self.add_class, 'interface': self.add_class, 'record': self.add_record,
                  'union': self.add_record, 'enumeration': self.add_enumeration, 'bitfield': self.add_enumeration,
                  'function': self.add_function, 'constant': self.add_constant, 'callback': self.add_callback}
        for element in space.element:
            make = makers.get(element.tag.removeprefix(CORE))
            if make and is_public(element):
                make(element)

    def function(self, element):
        return Function(element, self.types, self.space)

    def add_function(self, element):
        function = self.function(element)
        self.things[function.name] = function.text(first=None)

    def add_constant(self, element):
        self.things[element.get('name')] = [f'{element.get("name")}: {self.types.of(element, self.space)}']

    def add_callback(self, element):
        self.things[element.get('name')] = [f'{element.get("name")} = Callable[..., Any]']

    def add_enumeration(self, element):
        is_flags = element.tag == CORE + 'bitfield'
        kind = Kind(element.get('name'), [self.types.short('GObject.GFlags' if is_flags else 'GObject.GEnum')])
        for member in element.findall(CORE + 'member'):
            name = member.get('name').upper()
            if name.isidentifier():
                kind.members[name] = [f'{name}: ClassVar[{kind.name}]']
        self.add_functions(kind, element)
        self.things[kind.name] = kind

    def add_record(self, element):
        if element.get(GLIB + 'is-gtype-struct-for') or element.get('name', '').endswith('Private'):
            return
        kind = Kind(element.get('name'), [])
        for field in element.findall(CORE + 'field'):
            is_type_known = child(field, 'type', 'array') is not None
            if field.get('readable') != '0' and not flag(field, 'private') and is_type_known:
                kind.members[name_of(field)] = [f'{name_of(field)}: {self.types.of(field, self.space)}']
        self.add_functions(kind, element)
        self.things[kind.name] = kind

    def add_functions(self, kind, element):
        for constructor in filter(is_public, element.findall(CORE + 'constructor')):
            if constructor.get('name') == 'newv':
                continue  # deprecated, and Gio.Initable has another of this name
            function = self.function(constructor)
            # Those of widgets and the like are of another type in C.
            function.gives = [kind.name]
            kind.members[function.name] = function.text('cls', 'classmethod')
        for static in filter(is_public, element.findall(CORE + 'function')):
            kind.members[name_of(static)] = self.function(static).text(None, 'staticmethod')
        methods = {name_of(method): self.function(method)
                   for method in filter(is_public, element.findall(CORE + 'method'))}
        for name, method in methods.items():
            finish = methods.get(name.replace('_async', '_finish'))
            if name.endswith('_async') and finish and self.types.is_ours:
                kind.members[name] = asynchronous(method, finish)
            else:
                kind.members[name] = method.text()

    def add_class(self, element):
        name = element.get('name')
        parent = element.get('parent')
        parents = [parent] if parent else []
        inherited = {space.full(interface.get('name')) for ancestor, space in self.space.ancestors(element)
                     if ancestor is not element for interface in ancestor.findall(CORE + 'implements')}
        parents += [interface.get('name') for interface in element.findall(CORE + 'implements')
                    if self.space.full(interface.get('name')) not in inherited]
        if element.tag == CORE + 'interface':
            parents.append('GObject.GInterface')
        kind = Kind(name, [self.types.short(self.space.full(parent)) for parent in parents])
        self.things[name] = kind
        if element.tag == CORE + 'class' and not flag(element, GLIB + 'fundamental'):
            self.add_properties(kind, element)
        self.add_functions(kind, element)
        if self.types.is_ours:
            self.add_signals(kind, element)

    def properties(self, element):
        """With those of its ancestors and their interfaces, and the namespace of each."""
        for ancestor, space in self.space.ancestors(element):
            sources = [(ancestor, space)] + [space.look_up(interface.get('name'))
                                             for interface in ancestor.findall(CORE + 'implements')]
            for source, of in sources:
                if source is not None:
                    for spec in filter(is_public, source.findall(CORE + 'property')):
                        yield spec, of, source

    def property_type(self, spec, space, source, given):
        """What it can be set to, or what is got, which the getter says better."""
        methods = {method.get('name'): method for method in source.findall(CORE + 'method')}
        getter = methods.get(spec.get('getter'))
        if getter is not None and not given:
            return Function(getter, self.types, space).returns()
        text = self.types.of(spec, space, given)
        kind = space.look_up(child(spec, 'type', 'array').get('name', ''))[0]
        is_enumeration = kind is not None and kind.tag in (CORE + 'enumeration', CORE + 'bitfield')
        return self.types.nullable(text, not is_enumeration and text not in ('int', 'bool', 'float'))

    def add_properties(self, kind, element):
        specs = {found[0].get('name').replace('-', '_'): found for found in self.properties(element)}
        settings = []
        props = Kind('Props', [])
        for name, (spec, space, source) in specs.items():
            if keyword.iskeyword(name):
                continue
            if flag(spec, 'writable'):
                settings.append(f'{name}: {self.property_type(spec, space, source, given=True)} = ...')
            if spec.get('readable') != '0':
                got = self.property_type(spec, space, source, given=False)
                props.members[name] = ['@property', f'def {name}(self) -> {got}: ...']
            if flag(spec, 'writable') and not flag(spec, 'construct-only'):
                given = self.property_type(spec, space, source, given=True)
                props.members.setdefault(name, ['@property', f'def {name}(self) -> Any: ...'])
                props.members[name] += [f'@{name}.setter', f'def {name}(self, value: {given}) -> None: ...']
        arguments = ['self', '*', *settings] if settings else ['self']
        kind.members['__init__'] = [f'def __init__({", ".join(arguments)}) -> None: ...']
        if props.members:
            kind.members['Props'] = props.lines()
            # Those of the parent have less.
            remark = '' if element.get('parent') == 'GObject.Object' else '  # type: ignore[override]'
            kind.members['props'] = ['@property' + remark, 'def props(self) -> Props: ...']

    def add_signals(self, kind, element):
        """For connect(): their names, and what handlers take. A name that is none of them is a mistake."""
        handlers = {f"Literal['{signal.get('name')}']": self.handler(kind, signal)
                    for signal in element.findall(GLIB + 'signal')}
        names = [f'notify::{spec.get("name")}' for spec, *_ in self.properties(element) if spec.get('readable') != '0']
        of_notify = ', '.join(f"'{name}'" for name in ['notify', *names])
        handlers[f'Literal[{of_notify}]'] = f'Callable[[{kind.name}, GObject.ParamSpec], object]'
        if 'Gio.ListModel' in kind.bases:
            handlers["Literal['items-changed']"] = f'Callable[[{kind.name}, int, int, int], object]'
        any_name = ', '.join(literal.removeprefix('Literal[').removesuffix(']') for literal in handlers)
        for name in 'connect', 'connect_after':
            lines = []
            for literal, handler in handlers.items():
                lines += ['@overload  # type: ignore[override]' if not lines else '@overload',
                          f'def {name}(self, detailed_signal: {literal}, handler: {handler}) -> int: ...']
            kind.members[name] = lines + [
                '@overload', f'def {name}(self, detailed_signal: Literal[{any_name}], handler: Callable[..., object], '
                'data: Any, *more: Any) -> int: ...']

    def handler(self, kind, signal):
        takes = [self.types.nullable(self.types.of(parameter, self.space), flag(parameter, 'nullable'))
                 for parameter in signal.findall(f'{CORE}parameters/{CORE}parameter')]
        returned = self.types.of(child(signal, 'return-value'), self.space)
        return f'Callable[[{", ".join([kind.name, *takes])}], {"object" if returned == "None" else returned}]'

    def amend(self, text):
        """Adds what only Python has; what both have is as it says."""
        for node in ast.parse(text).body:
            name = getattr(node, 'name', None) or ast.unparse(getattr(node, 'target', None) or node.targets[0])
            if not isinstance(node, ast.ClassDef):
                self.things[name] = ast.unparse(node).splitlines()
                continue
            kind = self.things.get(name)
            if not isinstance(kind, Kind):
                kind = self.things[name] = Kind(name, [])
            kind.bases = [ast.unparse(base) for base in node.bases] + kind.bases
            kind.members.update(members_of(node))

    def text(self):
        lines = [HEADER]
        others = [name for name in self.space.known if name != self.space.name and name in imported(self.space)]
        if others:
            lines += [f'from gi.repository import {", ".join(sorted(others))}', '']
        for thing in self.things.values():
            lines += ['', *(thing.lines() if isinstance(thing, Kind) else thing)]
        return '\n'.join(lines) + '\n'


def imported(space):
    """What the annotations of a namespace may be of."""
    names = {'GLib', 'GObject'} | set(space.includes)
    for include in space.includes:
        names |= imported(space.known[include])
    # They would be in each other's way.
    return names if space.name != 'GLib' else {'GObject'}


def members_of(node):
    """Of a class by hand; several of one name are overloads."""
    members = {}
    for statement in node.body:
        target = getattr(statement, 'target', None)
        name = getattr(statement, 'name', None) or (target and target.id)
        if name:
            members.setdefault(name, []).extend(ast.unparse(statement).splitlines())
    return members


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--include-dir', action='append', default=[], type=pathlib.Path, help='where GIR files are')
    parser.add_argument('--additions', type=pathlib.Path, help='what only Python has')
    parser.add_argument('--ours', action='store_true',
                        help='asynchronous calls can be awaited, signals are known, and paths are any that Python has')
    parser.add_argument('gir', type=pathlib.Path)
    parser.add_argument('output', type=pathlib.Path)
    args = parser.parse_args()

    module = Module(Namespace(args.gir, [args.gir.parent, *args.include_dir]), args.ours)
    if args.additions:
        module.amend(args.additions.read_text(encoding='utf-8'))
    args.output.write_text(module.text(), encoding='utf-8')


if __name__ == '__main__':
    main()
