#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Every type that introspection knows, made with nothing given: that works, or
fails and says why, and whatever can be called then can be called. A critical
warning ends this program."""

import os
import re
import unittest
import xml.etree.ElementTree

import gi
gi.require_version('Ist', '1')
gi.require_version('IstEmulator', '1')
from gi.repository import Gio, GLib, GObject, Ist, IstEmulator

import tap

NAMESPACES = [Ist, IstEmulator]
try:
    gi.require_version('IstAgent', '1')
    from gi.repository import IstAgent
    NAMESPACES.append(IstAgent)
except ValueError:
    pass  # it is not built everywhere

# What is handed to a parameter that can't be without.
SAMPLES = {
    'utf8': lambda: 'text',
    'filename': lambda: '/nonexistent/file',
    'gboolean': lambda: False,
    'gint32': lambda: 1000,
    'guint32': lambda: 1000,
    'ghash': dict,
    'GLib.Bytes': lambda: GLib.Bytes.new(b'bytes'),
    'Gio.IOStream': lambda: Gio.SimpleIOStream.new(Gio.MemoryInputStream(), Gio.MemoryOutputStream.new_resizable()),
    'Gio.Socket': lambda: Gio.Socket.new(Gio.SocketFamily.IPV4, Gio.SocketType.STREAM, Gio.SocketProtocol.DEFAULT),
    'Gio.SocketConnectable': lambda: Gio.NetworkAddress.new('localhost', 1),
    'Ist.Message': Ist.Message,
    'Ist.SecureTunnel': Ist.SecureTunnel,
    'Ist.StreamInfo': lambda: Ist.Connection().get_stream_info(),
}

# Likewise, where not every number will do.
NAMED_SAMPLES = {'status': 503}


def name_of(info):
    return f'{info.get_namespace()}.{info.get_name()}'


def sample(argument):
    """Something for a parameter, none where there may be none."""
    if argument.may_be_null():
        return None
    if argument.get_name() in NAMED_SAMPLES:
        return NAMED_SAMPLES[argument.get_name()]
    interface = argument.get_type().get_interface()
    if interface is None:
        return SAMPLES[argument.get_type().get_tag_as_string()]()
    if isinstance(interface, gi._gi.EnumInfo):
        return 0
    return SAMPLES[name_of(interface)]()


def arguments(method):
    """What to call it with: not what it returns, nor the data of a callback, which goes with the callback."""
    return [sample(argument) for argument in method.get_arguments()
            if argument.get_direction() != gi._gi.Direction.OUT and argument.get_type().get_tag_as_string() != 'void']


def kinds():
    for namespace in NAMESPACES:
        for name in dir(namespace):
            kind = getattr(namespace, name)
            if isinstance(kind, type) and issubclass(kind, (GObject.Object, gi._gi.Boxed)):
                yield kind


class Bare(unittest.TestCase):
    def make(self, kind):
        """With nothing given; none if that can't be, and the reason is told."""
        try:
            return kind()
        except (TypeError, GLib.Error) as error:
            self.assertGreater(len(str(error)), 20)
            return None

    def methods(self, kind):
        """Those that can be called alone: no reference is dropped, and nothing finished that was not begun."""
        return [method for method in kind.__info__.get_methods()
                if method.is_method() and method.get_name() != 'unref' and not method.get_name().endswith('_finish')]

    def check(self, kind):
        for method in self.methods(kind):
            thing = self.make(kind)
            if thing is None:
                return
            try:
                getattr(thing, method.get_name())(*arguments(method))
            except GLib.Error as error:
                self.assertGreater(len(error.message), 10, method.get_name())

    def check_properties(self, kind):
        """Each that can be read has a getter that says the same."""
        thing = self.make(kind)
        if thing is None:
            return
        for spec in GObject.list_properties(kind):
            if spec.owner_type != kind.__gtype__ or not spec.flags & GObject.ParamFlags.READABLE:
                continue
            name = spec.name.replace('-', '_')
            getter = getattr(thing, 'get_' + name, None) or getattr(thing, 'is_' + name)
            self.assertEqual(repr(getter()), repr(thing.get_property(spec.name)), spec.name)


for a_kind in kinds():
    a_name = name_of(a_kind.__info__).replace('.', '_')
    setattr(Bare, f'test_{a_name}', lambda self, kind=a_kind: self.check(kind))
    if issubclass(a_kind, GObject.Object):
        setattr(Bare, f'test_{a_name}_properties', lambda self, kind=a_kind: self.check_properties(kind))


class Settings(unittest.TestCase):
    def numbers(self):
        """Name, least, largest and default of each number, as the reference tells."""
        core = '{http://www.gtk.org/introspection/core/1.0}'
        tree = xml.etree.ElementTree.parse(os.environ['IST_GIR'])
        for spec in tree.find(f".//{core}class[@name='SecureTunnel']").findall(f'{core}property'):
            text = spec.findtext(f'{core}doc')
            if match := re.search(r'^From (\d+) to (\d+), by default (\d+)\.$', text, re.MULTILINE):
                yield spec.get('name'), *match.groups()

    def test_numbers_are_as_documented(self):
        numbers = list(self.numbers())
        self.assertGreater(len(numbers), 10)
        for name, least, largest, default in numbers:
            builder = Ist.SecureTunnelBuilder(region='eu-west-1', access_token='token')
            self.assertEqual(builder.get_property(name), int(default), name)
            builder.set_property(name, GLib.MAXUINT32)
            with self.assertRaises(GLib.Error) as caught:
                builder.build()
            self.assertRegex(caught.exception.message, f'^{name}: .* from {least} to {largest}$')


class Values(unittest.TestCase):
    def test_messages(self):
        def make(text, connection=1):
            return Ist.Message.new_for_connection('SSH', connection, GLib.Bytes.new(text))

        message, same, other = make(b'secret'), make(b'secret'), make(b'secret', 2)
        self.assertTrue(message.equal(same))
        self.assertFalse(message.equal(other))
        self.assertEqual(message.hash(), same.hash())
        self.assertEqual(message.to_string(), 'data, service “SSH”, connection 1, 6 bytes')
        with self.assertRaises(TypeError):
            message.equal(None)

    def test_stream_infos(self):
        info, same = (Ist.Connection().get_stream_info() for _i in range(2))
        self.assertTrue(info.equal(same))
        self.assertEqual(info.hash(), same.hash())
        self.assertEqual(info.to_string(), 'version 1')


if __name__ == '__main__':
    tap.main()
