# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""One tunnel, as the page of its device shows it."""

from gettext import gettext as _

from gi.repository import Adw, GLib, GObject, Gtk

from . import RESOURCES, words
from .accessible import mend
from .plot import Plot

# What is left of its time is told by the minute.
REFRESH = 15


@Gtk.Template(resource_path=RESOURCES + '/tunnel-box.ui')
class TunnelBox(Adw.Bin):
    __gtype_name__ = 'TunnelsTunnelBox'
    __gsignals__ = {'close': (GObject.SignalFlags.RUN_FIRST, None, ()),
                    'again': (GObject.SignalFlags.RUN_FIRST, None, ()),
                    'end-connection': (GObject.SignalFlags.RUN_FIRST, None, (str,))}

    spinner = Gtk.Template.Child()
    state_label = Gtk.Template.Child()
    reason_label = Gtk.Template.Child()
    services_label = Gtk.Template.Child()
    rate_in_label = Gtk.Template.Child()
    rate_out_label = Gtk.Template.Child()
    total_label = Gtk.Template.Child()
    time_label = Gtk.Template.Child()
    plot_box = Gtk.Template.Child()
    connections_list = Gtk.Template.Child()
    again_button = Gtk.Template.Child()
    close_button = Gtk.Template.Child()

    def __init__(self, tunnel, connections):
        super().__init__()
        self.tunnel = tunnel
        self.plot = Plot()
        self.plot_box.append(self.plot)
        self._timer = 0
        self._handlers = [(tunnel, tunnel.connect('updated', lambda *_: self._on_updated())),
                          (connections, connections.connect('items-changed', lambda *_: self._show_connections()))]
        self.connections = connections
        self._rows = {}
        mend(self)
        self.again_button.connect('clicked', lambda _button: self.emit('again'))
        self.close_button.connect('clicked', lambda _button: self.emit('close'))
        self.connect('map', lambda _self: self._on_map())
        self.connect('unmap', lambda _self: self._on_unmap())
        self.plot.add(tunnel.rate_in, tunnel.rate_out)
        self._show()
        self._show_connections()

    def close(self):
        """It is not followed any more."""
        for where, handler in self._handlers:
            where.disconnect(handler)
        self._handlers = []
        for row in list(self._rows.values()):
            self._drop(row)
        self._on_unmap()

    def _on_map(self):
        self._show()
        if not self._timer:
            self._timer = GLib.timeout_add_seconds(REFRESH, self._on_time)

    def _on_unmap(self):
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0

    def _on_time(self):
        self._show()
        return GLib.SOURCE_CONTINUE

    def _on_updated(self):
        self.plot.add(self.tunnel.rate_in, self.tunnel.rate_out)
        if self.get_mapped():
            self._show()

    def _show(self):
        tunnel = self.tunnel
        self.spinner.set_visible(tunnel.is_coming)
        self.spinner.set_spinning(tunnel.is_coming)
        self.state_label.set_label(words.state(tunnel.state))
        self.reason_label.set_label(tunnel.last_error)
        self.reason_label.set_visible(bool(tunnel.last_error) and not tunnel.is_connected)
        services = _('Services: %s') % ', '.join(tunnel.services or [])
        self.services_label.set_label(services)
        self.rate_in_label.set_label(_('In: %s') % words.rate(tunnel.rate_in))
        self.rate_out_label.set_label(_('Out: %s') % words.rate(tunnel.rate_out))
        self.total_label.set_label(_('{size_in} in, {size_out} out so far').format(
            size_in=words.size(tunnel.bytes_in), size_out=words.size(tunnel.bytes_out)))
        self.plot_box.set_visible(tunnel.is_connected)
        parts = []
        if tunnel.expires_at:
            parts.append(_('Time left: %s') % words.time_left(tunnel.expires_at))
        if tunnel.is_connected:
            parts.append(_('Round trip: %s') % words.round_trip(tunnel.round_trip))
        self.time_label.set_label(' · '.join(parts))
        self.time_label.set_visible(bool(parts))
        # One that is still coming has all of its time.
        self.again_button.set_visible(bool(tunnel.expires_at) and not tunnel.is_coming)
        self.close_button.set_sensitive(tunnel.state not in ('closing', 'closed'))

    def _show_connections(self):
        now = {connection.path: connection for connection in self.connections if connection.tunnel == self.tunnel.path}
        for path in list(self._rows):
            if path not in now:
                self._drop(self._rows.pop(path))
        for path, connection in now.items():
            if path not in self._rows:
                self._rows[path] = row = ConnectionRow(connection)
                row.button.connect('clicked', lambda _button, path=path: self.emit('end-connection', path))
                self.connections_list.append(row)
        self.connections_list.set_visible(bool(self._rows))

    def _drop(self, row):
        row.close()
        self.connections_list.remove(row)


class ConnectionRow(Adw.ActionRow):
    __gtype_name__ = 'TunnelsConnectionRow'

    def __init__(self, connection):
        super().__init__(title=connection.service, use_markup=False, title_lines=1)
        self.connection = connection
        self.button = Gtk.Button(icon_name='window-close-symbolic', valign=Gtk.Align.CENTER,
                                 tooltip_text=_('End Connection'), css_classes=['flat'])
        self.add_suffix(mend(self.button))
        self._handler = connection.connect('notify', lambda *_: self._show())
        self._show()

    def close(self):
        self.connection.disconnect(self._handler)

    def _show(self):
        connection = self.connection
        moved = _('{size_in} in, {size_out} out so far').format(
            size_in=words.size(connection.bytes_in), size_out=words.size(connection.bytes_out))
        self.set_subtitle(f'{connection.program} · {moved}' if connection.program else moved)
