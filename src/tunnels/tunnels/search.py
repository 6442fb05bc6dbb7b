# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Devices in the search of GNOME's shell (org.gnome.Shell.SearchProvider2): choosing one opens a terminal there."""

import json
from gettext import gettext as _

from gi.repository import Gio, GLib

from . import APP_ID

INTERFACE = '''<node><interface name="org.gnome.Shell.SearchProvider2">
<method name="GetInitialResultSet">
  <arg type="as" direction="in"/><arg type="as" direction="out"/></method>
<method name="GetSubsearchResultSet">
  <arg type="as" direction="in"/><arg type="as" direction="in"/><arg type="as" direction="out"/></method>
<method name="GetResultMetas"><arg type="as" direction="in"/><arg type="aa{sv}" direction="out"/></method>
<method name="ActivateResult">
  <arg type="s" direction="in"/><arg type="as" direction="in"/><arg type="u" direction="in"/></method>
<method name="LaunchSearch"><arg type="as" direction="in"/><arg type="u" direction="in"/></method>
</interface></node>'''


class SearchProvider:
    def __init__(self, application, connection, path):
        self.application = application
        self.connection = connection
        self.number = connection.register_object(path, Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0],
                                                 self._on_call, None, None)

    def close(self):
        self.connection.unregister_object(self.number)

    def _find(self, terms):
        wanted = [term.casefold() for term in terms]
        return [json.dumps(device.key) for device in self.application.devices.model
                if all(term in device.thing.casefold() for term in wanted)]

    def _on_call(self, _connection, _sender, _path, _interface, method, parameters, invocation):
        try:
            reply = self._answer(method, parameters.unpack())
        except (ValueError, TypeError) as error:
            # Nothing that has come from here.
            invocation.return_dbus_error('org.freedesktop.DBus.Error.InvalidArgs', str(error))
        else:
            invocation.return_value(reply)

    def _answer(self, method, given):
        if method == 'GetInitialResultSet':
            return GLib.Variant('(as)', (self._find(given[0]),))
        if method == 'GetSubsearchResultSet':
            before = set(given[0])
            return GLib.Variant('(as)', ([found for found in self._find(given[1]) if found in before],))
        if method == 'GetResultMetas':
            return GLib.Variant('(aa{sv})', ([self._describe(ident) for ident in given[0]],))
        if method == 'ActivateResult':
            self.application.activate_action('open-terminal', GLib.Variant('(ss)', self._read(given[0])))
        else:
            self.application.activate()
            self.application.window.search(' '.join(given[0]))
        return None

    @staticmethod
    def _read(ident):
        account, thing = json.loads(ident)
        if not isinstance(account, str) or not isinstance(thing, str):
            raise TypeError('no device')
        return account, thing

    def _describe(self, ident):
        _account, thing = self._read(ident)
        return {'id': GLib.Variant('s', ident), 'name': GLib.Variant('s', thing),
                'description': GLib.Variant('s', _('Open a terminal at the device')),
                'gicon': GLib.Variant('s', APP_ID)}
