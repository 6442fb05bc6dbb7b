# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A device: what can be done with it, its tunnels, and the ports of this computer that lead to it."""

from gettext import gettext as _

from gi.repository import Adw, Gdk, GLib, GObject, Gtk

from . import RESOURCES, actions, dialogs, launch, words
from .accessible import mend
from .devices import SERVICES
from .tunnel_box import TunnelBox

# Rows that reach a service: action, icon, title, which of the device's services.
WAYS = (
    ('terminal', 'utilities-terminal-symbolic', _('Terminal'), 'terminal'),
    ('files', 'folder-remote-symbolic', _('Files'), 'terminal'),
    ('web', 'web-browser-symbolic', _('Web Page'), 'web'),
    ('vnc', 'video-display-symbolic', _('Screen (VNC)'), 'vnc'),
    ('rdp', 'computer-symbolic', _('Screen (RDP)'), 'rdp'),
)
# A free port, for this computer alone.
LOOPBACK = '127.0.0.1:0'


@Gtk.Template(resource_path=RESOURCES + '/device-page.ui')
class DevicePage(Adw.Bin):
    __gtype_name__ = 'TunnelsDevicePage'
    # A terminal is wanted, and something to say.
    __gsignals__ = {'terminal': (GObject.SignalFlags.RUN_FIRST, None, ()),
                    'say': (GObject.SignalFlags.RUN_FIRST, None, (str,)),
                    'tell-cost': (GObject.SignalFlags.RUN_FIRST, None, (str,)),
                    'forget': (GObject.SignalFlags.RUN_FIRST, None, ())}

    name_label = Gtk.Template.Child()
    account_label = Gtk.Template.Child()
    favourite_button = Gtk.Template.Child()
    reach_group = Gtk.Template.Child()
    tunnels_group = Gtk.Template.Child()
    none_row = Gtk.Template.Child()
    forwards_group = Gtk.Template.Child()

    def __init__(self, device, devices, operator, settings):
        super().__init__()
        self.device = device
        self.devices = devices
        self.operator = operator
        self.settings = settings
        self._boxes = {}
        self._forwards = {}
        # Who waits for a port of a service that is asked for, by the service.
        self._reaching = {}
        self._opening = None
        self._opening_row = None
        self._handler = device.connect('notify', lambda *_: self._show())
        self._unfollow = devices.connect_changed(self._show_all)
        for action, icon, title, which in WAYS:
            row = Adw.ActionRow(title=title, use_markup=False, activatable=True, action_name=f'device.{action}')
            row.add_prefix(Gtk.Image(icon_name=icon))
            row.add_suffix(Gtk.Image(icon_name='go-next-symbolic'))
            device.bind_property(which, row, 'subtitle', GObject.BindingFlags.SYNC_CREATE)
            self.reach_group.add(row)
        self._add_actions()
        mend(self)
        device.bind_property('favourite', self.favourite_button, 'active', GObject.BindingFlags.SYNC_CREATE)
        self.favourite_button.connect('toggled', self._on_favourite)
        self._show_all()

    @property
    def account(self):
        return self.devices.accounts.get(self.device.account)

    def close(self):
        self.device.disconnect(self._handler)
        self._unfollow()
        for box in self._boxes.values():
            box.close()
        if self._opening:
            self.operator.cancel(self._opening)

    def _add_actions(self):
        group = actions.group({
            'terminal': lambda: self.emit('terminal'), 'files': self._files, 'web': self._web,
            'vnc': lambda: self._screen('vnc'), 'rdp': lambda: self._screen('rdp'), 'connect': self.connect_tunnel,
            'forward': self._forward, 'settings': self._settings, 'copy-ssh': self._copy_ssh,
            'forget': lambda: self.emit('forget')})
        self.connect_action = group.lookup_action('connect')
        self.insert_action_group('device', group)

    def _show(self):
        self.name_label.set_label(self.device.thing)
        about = self.account.name or self.account.profile or _('Account of the AWS tools')
        self.account_label.set_label(f'{about} · {self.account.region}' if self.account.region else about)
        self.favourite_button.set_icon_name('starred-symbolic' if self.device.favourite else 'non-starred-symbolic')

    def _show_all(self):
        self._show()
        self._show_tunnels()
        self._show_forwards()

    def _on_favourite(self, button):
        self.device.favourite = button.get_active()
        self.devices.save()

    # Tunnels

    def _show_tunnels(self):
        now = {tunnel.path: tunnel for tunnel in self.devices.tunnels_of(self.device)}
        for path in list(self._boxes):
            if path not in now:
                box = self._boxes.pop(path)
                box.close()
                self.tunnels_group.remove(box)
        for path, tunnel in now.items():
            if path not in self._boxes:
                self._boxes[path] = box = TunnelBox(tunnel, self.operator.connections)
                box.connect('close', lambda box: self._close_tunnel(box.tunnel))
                box.connect('again', lambda box: self._open_again(box.tunnel))
                box.connect('end-connection', lambda _box, path: self._ask(self.operator.close_object, path))
                self.tunnels_group.add(box)
        self._show_none()

    def _show_none(self):
        # A hidden row would leave the frame of its list.
        wanted = not self._boxes and not self._opening_row
        if wanted and not self.none_row.get_parent():
            self.tunnels_group.add(self.none_row)
        elif not wanted and self.none_row.get_parent():
            self.tunnels_group.remove(self.none_row)

    def connect_tunnel(self, services=None, anew=False, instead_of=None):
        """With all of the device's services; @anew: though there is one; @instead_of: a tunnel that is let go then."""
        if self._opening:
            return
        options = self.account.options()
        if anew:
            options['reuse'] = GLib.Variant('s', 'never')
        wanted = services or sorted({getattr(self.device, name) for name in SERVICES} - {''})

        def on_open(_path, error):
            self._end_opening()
            if error:
                dialogs.tell_error(self, _('No Tunnel to %s') % self.device.thing, error,
                                   retry=lambda: self.connect_tunnel(services, anew, instead_of))
                return
            if instead_of:
                self.operator.let_go(instead_of.path)
            self._tell_cost()
        self._opening_row = row = OpeningRow()
        row.button.connect('clicked', lambda _button: self._stop_opening())
        self.tunnels_group.add(row)
        self._show_none()
        self.connect_action.set_enabled(False)
        self._opening = self.operator.open(self.device.thing, wanted, options, row.tell, on_open)
        self.devices.touch(self.device)

    def _stop_opening(self):
        # One that was opened meanwhile stays for others who may wait for it, and is closed when nothing uses it.
        self.operator.cancel(self._opening)
        self._end_opening()

    def _end_opening(self):
        self._opening = None
        self.tunnels_group.remove(self._opening_row)
        self._opening_row = None
        self.connect_action.set_enabled(True)
        self._show_none()

    def _tell_cost(self):
        if not self.settings.get_boolean('cost-told'):
            self.settings.set_boolean('cost-told', True)
            self.emit('tell-cost', _('AWS charges for each tunnel that is opened. All programs share this one.'))

    def _open_again(self, tunnel):
        """The old one stays for what uses it, and is closed when nothing does."""
        self.connect_tunnel(services=list(tunnel.services), anew=True, instead_of=tunnel)

    def _close_tunnel(self, tunnel):
        def close():
            self._ask(self.operator.close_object, tunnel.path)
        if not tunnel.connections:
            close()
            return
        dialogs.confirm(self, _('Close the Tunnel to %s?') % self.device.thing,
                        _('What uses it will end: %s.') % words.connections(tunnel.connections), _('_Close'), close)

    def _ask(self, method, *arguments):
        method(*arguments, lambda _value, error: error and dialogs.tell_error(self, _('That Did Not Work'), error))

    # What it is reached with

    def _reach(self, service, then):
        """then(address): at which a port of this computer leads to a service."""
        known = next((forward for forward in self.devices.forwards_of(self.device) if forward.service == service
                      and not forward.address.startswith('/')), None)
        if known:
            then(known.address)
            return
        if service in self._reaching:
            # It is asked for already, and who asks twice wants it once.
            self._reaching[service] = then
            return
        self._reaching[service] = then

        def on_forward(value, error):
            wanted = self._reaching.pop(service)
            if error:
                dialogs.tell_error(self, _('%s Can’t Be Reached') % self.device.thing, error)
            else:
                wanted(value[1])
        self.operator.forward(self.device.thing, service, LOOPBACK, self.account.options(), on_forward)
        self.devices.touch(self.device)

    def _show_uri(self, uri):
        launch.show(uri, self, lambda problem: problem and self.emit('say', problem))

    def _files(self):
        def on_ssh(goes_by_name):
            # Its account may be another one than that which ssh takes by itself.
            if goes_by_name and not self.account.chosen() and launch.is_host(self.device):
                self.devices.touch(self.device)
                self._show_uri(launch.files_uri(self.device))
            else:
                self._reach(self.device.terminal,
                            lambda address: self._show_uri(launch.files_uri(self.device, address)))
        launch.ask_ssh(self.device, on_ssh)

    def _web(self):
        self._reach(self.device.web, lambda address: self._show_uri(launch.web_uri(self.device, address)))

    def _screen(self, scheme):
        self._reach(getattr(self.device, scheme), lambda address: self._show_uri(f'{scheme}://{address}'))

    def _copy_ssh(self):
        self._copy(launch.ssh_line(self.device, self.account))

    def _copy(self, text):
        self.get_clipboard().set_content(Gdk.ContentProvider.new_for_value(text))
        self.emit('say', _('Copied'))

    # Ports

    def _show_forwards(self):
        now = {forward.path: forward for forward in self.devices.forwards_of(self.device)}
        for path in list(self._forwards):
            if path not in now:
                self.forwards_group.remove(self._forwards.pop(path))
        for path, forward in now.items():
            if path not in self._forwards:
                self._forwards[path] = row = ForwardRow(forward)
                row.copy_button.connect('clicked', lambda _button, row=row: self._copy(row.forward.address))
                row.stop_button.connect('clicked', lambda _button, path=path: self._ask(self.operator.unforward, path))
                self.forwards_group.add(row)

    def _forward(self):
        def on_chosen(service, address):
            self.operator.forward(self.device.thing, service, address, self.account.options(),
                                  lambda _value, error: error and dialogs.tell_error(
                                      self, _('Port %s Can’t Be Forwarded') % address, error))
            self.devices.touch(self.device)
        dialogs.ask_forward(self, self.device, on_chosen)

    def _settings(self):
        dialogs.ask_device(self, self.device, self.devices.save)


class OpeningRow(Adw.ActionRow):
    """A tunnel that is asked for."""

    __gtype_name__ = 'TunnelsOpeningRow'

    def __init__(self):
        super().__init__(title=_('Connecting'))
        self.add_prefix(Gtk.Spinner(spinning=True))
        self.button = Gtk.Button(label=_('C_ancel'), use_underline=True, valign=Gtk.Align.CENTER)
        self.add_suffix(mend(self.button))

    def tell(self, state):
        self.set_subtitle(words.state(state))


class ForwardRow(Adw.ActionRow):
    __gtype_name__ = 'TunnelsForwardRow'

    def __init__(self, forward):
        super().__init__(title=forward.address, use_markup=False, title_lines=1)
        self.forward = forward
        self.copy_button = self._add_button('edit-copy-symbolic', _('Copy Address'))
        self.stop_button = self._add_button('window-close-symbolic', _('Stop Forwarding'))
        forward.bind_property('connections', self, 'subtitle', GObject.BindingFlags.SYNC_CREATE, self._describe)

    def _describe(self, _binding, number):
        return f'{self.forward.service} · {words.connections(number)}'

    def _add_button(self, icon, text):
        button = Gtk.Button(icon_name=icon, tooltip_text=text, valign=Gtk.Align.CENTER, css_classes=['flat'])
        self.add_suffix(mend(button))
        return button
