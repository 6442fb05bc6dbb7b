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
        given = parameters.unpack()
        if method == 'GetInitialResultSet':
            reply = GLib.Variant('(as)', (self._find(given[0]),))
        elif method == 'GetSubsearchResultSet':
            before = set(given[0])
            reply = GLib.Variant('(as)', ([found for found in self._find(given[1]) if found in before],))
        elif method == 'GetResultMetas':
            reply = GLib.Variant('(aa{sv})', ([self._describe(ident) for ident in given[0]],))
        elif method == 'ActivateResult':
            account, thing = json.loads(given[0])
            self.application.activate_action('open-terminal', GLib.Variant('(ss)', (account, thing)))
            reply = None
        else:
            self.application.activate()
            reply = None
        invocation.return_value(reply)

    @staticmethod
    def _describe(ident):
        _account, thing = json.loads(ident)
        return {'id': GLib.Variant('s', ident), 'name': GLib.Variant('s', thing),
                'description': GLib.Variant('s', _('Open a terminal at the device')),
                'gicon': GLib.Variant('s', APP_ID)}
