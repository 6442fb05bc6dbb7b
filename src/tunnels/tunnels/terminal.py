# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A terminal at a device: ssh, in a tab."""

import os
import signal
from gettext import gettext as _

from gi.repository import Adw, Gdk, Gio, GLib, GObject, Gtk, Pango, Vte

from . import RESOURCES, actions, launch
from .accessible import mend

KEYS = {
    'terminal.copy': ['<Control><Shift>c'], 'terminal.paste': ['<Control><Shift>v'],
    'terminal.zoom-in': ['<Control>plus', '<Control>equal', '<Control>KP_Add'],
    'terminal.zoom-out': ['<Control>minus', '<Control>KP_Subtract'], 'terminal.zoom-normal': ['<Control>0'],
}
# Milliseconds: what was typed ahead for the shell is not for what comes when it has ended.
SETTLE = 1000
ZOOM = 1.2
SCALES = 0.25, 4.0

# GNOME's palette: what is drawn with the eight colours, and their bright ones.
PALETTE = ['#241f31', '#c01c28', '#2ec27e', '#f5c211', '#1e78e4', '#9841bb', '#0ab9dc', '#c0bfbc',
           '#5e5c64', '#ed333b', '#57e389', '#f8e45c', '#51a1ff', '#c061cb', '#4fd2fd', '#f6f5f4']
# Text and what is behind it, in light and in dark.
COLOURS = {False: ('#1e1e1e', '#ffffff'), True: ('#ffffff', '#1e1e1e')}


def rgba(text):
    colour = Gdk.RGBA()
    colour.parse(text)
    return colour


@Gtk.Template(resource_path=RESOURCES + '/terminal.ui')
class Terminal(Gtk.Box):
    """ssh runs while this is there; when it ends, what it said stays until somebody closes the tab."""

    __gtype_name__ = 'TunnelsTerminal'
    # Something is to be looked at, or to be said.
    __gsignals__ = {'bell': (GObject.SignalFlags.RUN_FIRST, None, ()),
                    'say': (GObject.SignalFlags.RUN_FIRST, None, (str,))}

    title = GObject.Property(type=str, default='')
    running = GObject.Property(type=bool, default=False)

    frame = Gtk.Template.Child()
    ended = Gtk.Template.Child()
    ended_label = Gtk.Template.Child()
    again = Gtk.Template.Child()
    menu = Gtk.Template.Child()

    def __init__(self, device, account, settings):
        super().__init__(title=device.thing)
        self.device = device
        self.account = account
        self.settings = settings
        self._cancellable = None
        self._pid = 0
        self._link = ''
        self.vte = Vte.Terminal(hexpand=True, vexpand=True, scroll_on_keystroke=True, allow_hyperlink=True)
        # VTE 0.70 tells screen readers nothing of what is in it; at least they know where they are.
        self.vte.update_property([Gtk.AccessibleProperty.LABEL], [_('Terminal at %s') % device.thing])
        self.frame.set_child(self.vte)
        self.vte.connect('child-exited', self._on_exited)
        self.vte.connect('window-title-changed', self._on_title)
        self.vte.connect('bell', lambda _vte: self.emit('bell'))
        settings.bind('terminal-scrollback', self.vte, 'scrollback-lines', Gio.SettingsBindFlags.GET)
        settings.bind('terminal-bell', self.vte, 'audible-bell', Gio.SettingsBindFlags.GET)
        settings.bind('terminal-scale', self.vte, 'font-scale', Gio.SettingsBindFlags.DEFAULT)
        self._handlers = [(settings, settings.connect('changed::terminal-font', lambda *_: self._dress())),
                          (settings, settings.connect('changed::terminal-colours', lambda *_: self._dress())),
                          (style := Adw.StyleManager.get_default(),
                           style.connect('notify::dark', lambda *_: self._dress()))]
        self._dress()
        self._actions = actions.group({
            'copy': self._copy, 'paste': self.vte.paste_clipboard, 'open-link': self._open_link,
            'zoom-in': lambda: self._zoom(ZOOM), 'zoom-out': lambda: self._zoom(1 / ZOOM),
            'zoom-normal': lambda: self._zoom(0)})
        self.insert_action_group('terminal', self._actions)
        self._add_keys()
        self._add_menu()
        mend(self)
        self.again.connect('clicked', lambda _button: self.start())
        # When somebody comes back to it.
        self.connect('map', lambda _self: GLib.timeout_add(SETTLE, self._offer_again))
        self.start()

    def _add_keys(self):
        # Before VTE, which takes every key; those of an application reach no actions but its windows'.
        keys = Gtk.ShortcutController(propagation_phase=Gtk.PropagationPhase.CAPTURE)
        for action, triggers in KEYS.items():
            for trigger in triggers:
                keys.add_shortcut(Gtk.Shortcut.new(Gtk.ShortcutTrigger.parse_string(trigger),
                                                   Gtk.NamedAction.new(action)))
        self.add_controller(keys)

    def _add_menu(self):
        self.popover = Gtk.PopoverMenu(menu_model=self.menu, has_arrow=False, halign=Gtk.Align.START)
        self.popover.set_parent(self)
        self.popover.connect('closed', lambda _popover: self.vte.grab_focus())
        click = Gtk.GestureClick(button=Gdk.BUTTON_SECONDARY)
        click.connect('pressed', lambda _click, _number, x, y: self._show_menu(x, y))
        touch = Gtk.GestureLongPress(touch_only=True)
        touch.connect('pressed', lambda _touch, x, y: self._show_menu(x, y))
        # Not before VTE: what runs there may have asked for the mouse.
        for gesture in (click, touch):
            self.frame.add_controller(gesture)

    def _show_menu(self, x, y):
        # VTE 0.70 knows it at the pointer only. A device says where it leads.
        link = self.vte.get_property('hyperlink-hover-uri') or ''
        self._link = link if link.startswith(('https://', 'http://')) else ''
        self._actions.lookup_action('open-link').set_enabled(bool(self._link))
        place = Gdk.Rectangle()
        place.x, place.y = map(int, self.frame.translate_coordinates(self, x, y))
        self.popover.set_pointing_to(place)
        self.popover.popup()

    def _open_link(self):
        launch.show(self._link, self, lambda problem: problem and self.emit('say', problem))

    def close(self):
        """ssh hears that its terminal has gone."""
        for where, handler in self._handlers:
            where.disconnect(handler)
        self._handlers = []
        if self.popover:
            self.popover.unparent()
            self.popover = None
        if self._cancellable:
            self._cancellable.cancel()
        # VTE 0.70 falls when its terminal is taken away where GTK is a newer one.
        if self._pid:
            os.kill(self._pid, signal.SIGHUP)

    def _dress(self):
        font = self.settings.get_string('terminal-font')
        self.vte.set_font(Pango.FontDescription.from_string(font) if font else None)
        colours = self.settings.get_string('terminal-colours')
        dark = Adw.StyleManager.get_default().get_dark() if colours == 'desktop' else colours == 'dark'
        text, behind = COLOURS[dark]
        self.vte.set_colors(rgba(text), rgba(behind), [rgba(colour) for colour in PALETTE])

    def start(self):
        if self.running:
            return
        self.ended.set_revealed(False)
        self.running = True
        self._cancellable = Gio.Cancellable()
        # The rest of the environment is that of this program.
        self.vte.spawn_async(Vte.PtyFlags.DEFAULT, None, launch.ssh_words(self.device, self.account),
                             ['TERM=xterm-256color', 'COLORTERM=truecolor'], GLib.SpawnFlags.SEARCH_PATH, None, None,
                             -1, self._cancellable, self._on_spawned)
        self.vte.grab_focus()

    def _on_spawned(self, _vte, pid, error, *_data):
        if error:
            self._end(_('ssh could not be started: %s') % error.message)
        elif self._cancellable.is_cancelled():
            os.kill(pid, signal.SIGHUP)
        else:
            self._pid = pid

    def _on_exited(self, _vte, status):
        self._pid = 0
        if self._handlers:
            # 255 is ssh's own word; others are those of the shell at the device.
            lost = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 255
            self._end(_('The connection to %s could not be made, or was lost.') % self.device.thing if lost
                      else _('The shell has ended.'))

    def _end(self, text):
        self.running = False
        self.ended_label.set_label(text)
        self.ended.set_revealed(True)
        if self.get_mapped():
            GLib.timeout_add(SETTLE, self._offer_again)
        else:
            # Somebody types elsewhere.
            self.emit('bell')

    def _offer_again(self):
        # Unless somebody has done something about it.
        if self.get_mapped() and self.ended.get_revealed() and self.vte.is_focus():
            self.again.grab_focus()
        return GLib.SOURCE_REMOVE

    def _on_title(self, vte):
        said = vte.get_window_title()
        # What a device says of itself does not hide which one it is.
        self.title = f'{self.device.thing}: {said}' if said else self.device.thing

    def _copy(self):
        if self.vte.get_has_selection():
            self.vte.copy_clipboard_format(Vte.Format.TEXT)

    def _zoom(self, factor):
        least, most = SCALES
        scale = min(most, max(least, self.vte.get_font_scale() * factor)) if factor else 1.0
        self.vte.set_font_scale(scale)
