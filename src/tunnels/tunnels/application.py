# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The program: its actions, and what it tells of when nobody looks."""

import signal
import sys
import time
from gettext import gettext as _

from gi.repository import Adw, Gio, GLib, Gtk

from . import APP_ID, RESOURCES, actions, terminal, words
from .demo import Demo
from .devices import Accounts, Devices
from .operator import Operator
from .preferences import Preferences
from .search import SearchProvider
from .window import Window

# In a terminal with Shift: what runs there wants those without for itself.
ACCELERATORS = {
    'win.add-device': '<Control>n', 'win.search': '<Control>f', 'win.close-tab': '<Control>w',
    'win.terminal': '<Control>t', 'win.connect': '<Control>Return', 'win.show-help-overlay': '<Control>question',
    'app.preferences': '<Control>comma', 'app.quit': '<Control>q',
}
# Not in a terminal.
PAGE_ACCELERATORS = {'win.back': '<Alt>Left'}
# How often the time that tunnels have left is looked at, in seconds.
LOOK = 30
PARAMETER = GLib.VariantType('(ss)')


class Application(Adw.Application):
    __gtype_name__ = 'TunnelsApplication'

    def __init__(self, version):
        super().__init__(application_id=APP_ID, resource_base_path=RESOURCES)
        self.version = version
        self.window = None
        self.set_option_context_parameter_string('[DEVICE]')
        self.set_option_context_summary(_('Reaches devices through tunnels of AWS IoT, in windows.'))
        self.add_main_option('version', ord('V'), GLib.OptionFlags.NONE, GLib.OptionArg.NONE, _('Show the version'),
                             None)
        self.add_main_option('terminal', ord('t'), GLib.OptionFlags.NONE, GLib.OptionArg.NONE,
                             _('Open a terminal at the device'), None)
        self.set_flags(Gio.ApplicationFlags.HANDLES_COMMAND_LINE)

    def do_handle_local_options(self, options):
        if options.contains('version'):
            print(f'tunnels {self.version}')
            return 0
        try:
            # GApplication goes on without one.
            Gio.bus_get_sync(Gio.BusType.SESSION, None)
        except GLib.Error as error:
            print(_('tunnels: there is no session bus: %s') % error.message, file=sys.stderr)
            return 1
        return -1

    def do_command_line(self, command_line):
        words_given = command_line.get_arguments()[1:]
        if len(words_given) > 1:
            command_line.printerr_literal(_('One device at a time; see “tunnels --help”.') + '\n')
            return 64
        self.activate()
        if words_given:
            device = self._find_device(words_given[0])
            if command_line.get_options_dict().contains('terminal'):
                self.window.open_terminal(device)
            else:
                self.window.show_device(device)
        return 0

    def do_startup(self):
        Adw.Application.do_startup(self)
        Gtk.Window.set_default_icon_name(APP_ID)
        self.settings = Gio.Settings.new(APP_ID)
        self.accounts = Accounts(self.settings)
        self.operator = Operator(self.get_dbus_connection() or Gio.bus_get_sync(Gio.BusType.SESSION, None))
        self.devices = Devices(self.settings, self.accounts, self.operator)
        self.demo = Demo(self.accounts, self.devices, self._on_demo_ended)
        self._warned = set()
        self.operator.connect('appeared', lambda _operator: self._set_linger())
        self.operator.connect('tunnel-gone', self._on_tunnel_gone)
        self.devices.connect_changed(self._look_at_time)
        self.settings.connect('changed::linger', lambda *_: self._set_linger())
        GLib.timeout_add_seconds(LOOK, self._look_at_time)
        for number in (signal.SIGTERM, signal.SIGHUP):
            GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, self.quit)
        actions.add(self, {'quit': self._quit, 'preferences': self._show_preferences, 'about': self._show_about,
                           'demo': self._start_demo})
        # Of notifications and the shell's search, whose devices are named by account and thing.
        for name, act in {'show-device': lambda window, device: window.show_device(device),
                          'open-terminal': lambda window, device: window.open_terminal(device),
                          'open-anew': lambda window, device: window.connect_device(device, anew=True),
                          }.items():
            action = Gio.SimpleAction(name=name, parameter_type=PARAMETER)
            action.connect('activate', self._on_device_action, act)
            self.add_action(action)
        # For menus to show; they are the terminals' own.
        for action, keys in terminal.KEYS.items():
            self.set_accels_for_action(action, keys)
        self.set_in_terminal(False)

    def set_in_terminal(self, yes):
        for action, key in ACCELERATORS.items():
            self.set_accels_for_action(action, [key.replace('<Control>', '<Control><Shift>') if yes else key])
        for action, key in PAGE_ACCELERATORS.items():
            self.set_accels_for_action(action, [] if yes else [key])

    def do_shutdown(self):
        self.demo.stop()
        self.operator.close()
        Adw.Application.do_shutdown(self)

    def do_dbus_register(self, connection, path):
        self.search = SearchProvider(self, connection, path + '/SearchProvider')
        return Adw.Application.do_dbus_register(self, connection, path)

    def do_dbus_unregister(self, connection, path):
        self.search.close()
        Adw.Application.do_dbus_unregister(self, connection, path)

    def do_activate(self):
        if not self.window:
            self.window = Window(self, self.devices, self.operator, self.settings)
            self.window.connect('destroy', self._on_destroy)
        self.window.present()

    def _on_destroy(self, _window):
        self.window = None

    def _find_device(self, thing):
        """Of those that are known, or a new one in the first account."""
        device = (next((device for device in self.devices.model if device.thing == thing), None)
                  or self.devices.add(self.accounts.model[0].id, thing))
        # Somebody has asked for it: it does not go with the next tunnel that does.
        self.devices.touch(device)
        return device

    def _on_device_action(self, _action, parameter, act):
        ident, thing = parameter.unpack()
        self.activate()
        # Notifications outlive the program, and accounts don't have to.
        if not (account := self.accounts.recall(ident)):
            self.window.say(_('The account of %s is not there any more.') % thing)
            return
        device = self.devices.add(account.id, thing)
        self.devices.touch(device)
        act(self.window, device)

    # The program

    def _quit(self):
        if self.window:
            self.window.close()
        else:
            self.quit()

    def _show_preferences(self):
        Preferences(self.accounts, self.settings, transient_for=self.window, modal=True).present()

    def _show_about(self):
        Adw.AboutWindow(
            transient_for=self.window, application_name=_('Tunnels'), application_icon=APP_ID, version=self.version,
            developer_name=_('The libist authors'), license_type=Gtk.License.LGPL_2_1,
            website='https://github.com/libist/libist', issue_url='https://github.com/libist/libist/issues',
            comments=_('Reaches devices through tunnels of AWS IoT.'),
            # Translators: your names, one a line.
            translator_credits=_('translator-credits')).present()

    def _start_demo(self):
        def on_started(device, problem):
            self.activate()
            if problem:
                self.window.say(problem)
            else:
                self.window.show_device(device)
        self.demo.start(on_started)

    def _on_demo_ended(self):
        if self.window:
            self.window.say(_('The demonstration has ended. The menu starts it again.'))

    def _set_linger(self):
        """The service does not keep it; whoever wants the usual time says nothing."""
        linger = self.settings.get_user_value('linger')
        if linger is None or not self.operator.is_running:
            return
        self.operator.set_linger(linger.unpack())

    # What happens to tunnels

    def _notify(self, kind, tunnel, title, body):
        target = GLib.Variant('(ss)', (self.accounts.find(tunnel).id, tunnel.thing))
        told = Gio.Notification.new(title % tunnel.thing)
        told.set_body(body)
        told.set_default_action_and_target('app.show-device', target)
        told.add_button_with_target(_('Open Anew'), 'app.open-anew', target)
        self.send_notification(kind + tunnel.path, told)

    def _look_at_time(self):
        # Without a window it is a search that has started this, for the moment.
        warning = self.settings.get_int('expiry-warning') * 60 if self.window else 0
        for tunnel in self.operator.tunnels:
            left = tunnel.expires_at / 1e6 - time.time()
            if (warning and tunnel.expires_at and left <= warning and tunnel.is_connected
                    and tunnel.path not in self._warned):
                self._warned.add(tunnel.path)
                self._notify('expiry', tunnel, _('The tunnel to %s is about to end'),
                             _('It has %s left. What uses it ends with it.') % words.span(left))
        return GLib.SOURCE_CONTINUE

    def _on_tunnel_gone(self, _operator, tunnel, wanted):
        self.withdraw_notification(f'expiry{tunnel.path}')
        self._warned.discard(tunnel.path)
        if tunnel.last_error and not wanted:
            self._notify('failed', tunnel, _('The tunnel to %s has failed'), tunnel.last_error)
