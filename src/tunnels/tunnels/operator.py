# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The session service (ist-operator) as models: its tunnels, connections and forwards, and what can be asked of it."""

from gi.repository import Gio, GLib, GObject

from . import processes

NAME = 'io.github.libist.Operator1'
PATH = '/io/github/libist/Operator'
ERRORS = NAME + '.Error.'

# A device has a minute to connect, and AWS may take its time before; the service itself bounds both.
NO_TIMEOUT = GLib.MAXINT
# What the service does by itself, it does at once.
SHORT = 10_000

# At the end of this program nobody wants to wait.
FAREWELL = 3_000

# Where a service ends just when it is called, the next call starts it again.
ATTEMPTS = 3


class Remote(GObject.Object):
    """An object of the service. Its properties follow those on the bus that are of use here."""

    __gtype_name__ = 'TunnelsRemote'

    # Names on the bus, by those of the properties.
    NAMES = {}

    @GObject.Signal
    def updated(self):
        """Once for all that has changed together."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def update(self, values):
        """All of it first: who is told of one sees the others as they are, too."""
        changed = []
        for name, on_bus in self.NAMES.items():
            if on_bus in values and (value := values[on_bus]) != getattr(self, name):
                self.freeze_notify()
                setattr(self, name, value)
                changed.append(name)
        for _ in changed:
            self.thaw_notify()
        if changed:
            self.emit('updated')


class Tunnel(Remote):
    __gtype_name__ = 'TunnelsTunnel'

    thing = GObject.Property(type=str, default='')
    state = GObject.Property(type=str, default='')
    services = GObject.Property(type=object)
    expires_at = GObject.Property(type=GObject.TYPE_UINT64)
    connections = GObject.Property(type=GObject.TYPE_UINT)
    last_error = GObject.Property(type=str, default='')
    profile = GObject.Property(type=str, default='')
    region = GObject.Property(type=str, default='')
    bytes_in = GObject.Property(type=GObject.TYPE_UINT64)
    bytes_out = GObject.Property(type=GObject.TYPE_UINT64)
    rate_in = GObject.Property(type=float)
    rate_out = GObject.Property(type=float)
    round_trip = GObject.Property(type=GObject.TYPE_UINT64)

    NAMES = {'thing': 'ThingName', 'state': 'State', 'services': 'Services', 'expires_at': 'ExpiresAt',
             'connections': 'Connections', 'last_error': 'LastError', 'profile': 'Profile', 'region': 'Region',
             'bytes_in': 'BytesIn', 'bytes_out': 'BytesOut', 'rate_in': 'RateIn', 'rate_out': 'RateOut',
             'round_trip': 'RoundTrip'}

    @property
    def is_connected(self):
        return self.state == 'connected'

    @property
    def is_coming(self):
        return self.state in ('looking', 'opening', 'waiting', 'connecting')


class Connection(Remote):
    __gtype_name__ = 'TunnelsConnection'

    tunnel = GObject.Property(type=str, default='')
    service = GObject.Property(type=str, default='')
    client = GObject.Property(type=str, default='')
    # Of the client, for people: a program's name, or an address.
    program = GObject.Property(type=str, default='')
    bytes_in = GObject.Property(type=GObject.TYPE_UINT64)
    bytes_out = GObject.Property(type=GObject.TYPE_UINT64)

    NAMES = {'tunnel': 'Tunnel', 'service': 'Service', 'client': 'Client', 'bytes_in': 'BytesIn', 'bytes_out': 'BytesOut'}


class Forward(Remote):
    __gtype_name__ = 'TunnelsForward'

    thing = GObject.Property(type=str, default='')
    service = GObject.Property(type=str, default='')
    address = GObject.Property(type=str, default='')
    connections = GObject.Property(type=GObject.TYPE_UINT)
    profile = GObject.Property(type=str, default='')
    region = GObject.Property(type=str, default='')

    NAMES = {'thing': 'ThingName', 'service': 'Service', 'address': 'Address', 'connections': 'Connections',
             'profile': 'Profile', 'region': 'Region'}


KINDS = {NAME + '.Tunnel': Tunnel, NAME + '.Connection': Connection, NAME + '.Forward': Forward}


class Thing(GObject.Object):
    """What AWS knows of a device: its name, and the name of its type, if it has one."""

    __gtype_name__ = 'TunnelsThing'

    def __init__(self, name, kind):
        super().__init__()
        self.name = name
        self.kind = kind

    def has(self, terms):
        text = f'{self.name} {self.kind}'.casefold()
        return all(term.casefold() in text for term in terms)


class OperatorError(Exception):
    """What the service has said: a code, as “DeviceNotConnected”, and a sentence for people."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code

    @classmethod
    def from_gerror(cls, error):
        name = Gio.DBusError.get_remote_error(error) or ''
        # What GIO has for this takes it off a copy.
        return cls(name.removeprefix(ERRORS), error.message.removeprefix(f'GDBus.Error:{name}: '))


def call(bus, method, parameters, reply, timeout, done, attempt=1):
    def on_answer(bus, result):
        try:
            value = bus.call_finish(result).unpack()
        except GLib.Error as error:
            problem = OperatorError.from_gerror(error)
            if problem.code == 'Leaving' and attempt < ATTEMPTS:
                call(bus, method, parameters, reply, timeout, done, attempt + 1)
            else:
                done(None, problem)
            return
        done(value, None)
    bus.call(NAME, PATH, NAME, method, parameters, GLib.VariantType(reply), Gio.DBusCallFlags.NONE, timeout, None,
             on_answer)


class Opening:
    """A tunnel that is kept open as long as this is not let go.

    The service goes by who is on the bus: who has left wants no tunnel any more, and no answer. So each has a
    connection to the bus of its own."""

    MARK = 'tunnels'

    def __init__(self, thing, services, options, told, done):
        self.told = told
        self.done = done
        self.path = ''
        self.released = False
        self.bus = None
        options = {**options, 'keep': GLib.Variant('b', False), 'progress': GLib.Variant('s', self.MARK)}
        self.request = GLib.Variant('(sasa{sv})', (thing, services, options))
        try:
            address = Gio.dbus_address_get_for_bus_sync(Gio.BusType.SESSION, None)
        except GLib.Error as error:
            # Not before whoever has asked has this.
            GLib.idle_add(self._finish, None, OperatorError.from_gerror(error))
            return
        Gio.DBusConnection.new_for_address(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION,
            None, None, self._on_bus)

    def release(self):
        """Is cancelled if it is under way; the tunnel stays as long as somebody else uses it."""
        self.released = True
        if self.bus:
            self.bus.close(None, None)
            self.bus = None

    def _on_bus(self, _source, result):
        try:
            bus = Gio.DBusConnection.new_for_address_finish(result)
        except GLib.Error as error:
            self._finish(None, OperatorError.from_gerror(error))
            return
        bus.set_exit_on_close(False)
        self.bus = bus
        if self.released:
            self.release()
            return
        bus.signal_subscribe(NAME, NAME, 'Progress', PATH, None, Gio.DBusSignalFlags.NONE, self._on_progress)
        call(bus, 'Open', self.request, '(o)', NO_TIMEOUT, lambda value, error: self._finish(value and value[0], error))

    def _on_progress(self, _bus, _sender, _path, _interface, _signal, parameters):
        _mark, state, self.path = parameters.unpack()
        if not self.released:
            self.told(state)

    def _finish(self, path, error):
        if not self.released:
            if error:
                self.release()
            else:
                self.path = path
            self.done(path, error)
        return GLib.SOURCE_REMOVE


class Operator(GObject.Object):
    """Nothing here starts the service, but for what needs a tunnel: where it does not run, none is open."""

    __gtype_name__ = 'TunnelsOperator'
    __gsignals__ = {'appeared': (GObject.SignalFlags.RUN_FIRST, None, ()),
                    # And whether somebody here wanted that.
                    'tunnel-gone': (GObject.SignalFlags.RUN_FIRST, None, (Tunnel, bool))}

    def __init__(self, bus):
        super().__init__()
        self.bus = bus
        self.tunnels = Gio.ListStore(item_type=Tunnel)
        self.connections = Gio.ListStore(item_type=Connection)
        self.forwards = Gio.ListStore(item_type=Forward)
        self._stores = {Tunnel: self.tunnels, Connection: self.connections, Forward: self.forwards}
        self._objects = {}
        # Tunnels that this program keeps open, by their paths.
        self._kept = {}
        # Those that somebody here has closed, or does not want any more.
        self._unwanted = set()
        self._manager = None
        self._asks = False
        self._watch = Gio.bus_watch_name_on_connection(bus, NAME, Gio.BusNameWatcherFlags.NONE,
                                                       lambda *_: self._ask_for_objects(), None)
        self._ask_for_objects()

    def close(self):
        Gio.bus_unwatch_name(self._watch)
        if self._manager:
            for handler in self._handlers:
                self._manager.disconnect(handler)
            self._manager = None
        for path in list(self._kept):
            self.let_go(path)

    # What there is

    def _ask_for_objects(self):
        """Where that has failed, it is tried again when there is another service."""
        if not self._manager and not self._asks:
            self._asks = True
            Gio.DBusObjectManagerClient.new(self.bus, Gio.DBusObjectManagerClientFlags.DO_NOT_AUTO_START, NAME, PATH,
                                            None, None, None, self._on_manager)

    def _on_manager(self, _source, result):
        self._asks = False
        try:
            manager = Gio.DBusObjectManagerClient.new_finish(result)
        except GLib.Error as error:
            # Without it nothing is shown that others have opened; what is asked for tells why.
            print(f'tunnels: {error.message}')
            return
        self._manager = manager
        self._handlers = [
            manager.connect('object-added', lambda _manager, entry: self._add(entry)),
            manager.connect('object-removed', lambda _manager, entry: self._remove(entry)),
            manager.connect('interface-proxy-properties-changed', self._on_changed),
            manager.connect('notify::name-owner', lambda *_: self._on_owner()),
        ]
        for entry in manager.get_objects():
            self._add(entry)
        self._on_owner()

    def _on_owner(self):
        if self._manager.get_name_owner():
            self.emit('appeared')

    @property
    def is_running(self):
        return bool(self._manager and self._manager.get_name_owner())

    def _add(self, entry):
        for proxy in entry.get_interfaces():
            kind = KINDS.get(proxy.get_interface_name())
            if kind and entry.get_object_path() not in self._objects:
                found = kind(entry.get_object_path())
                found.update({name: proxy.get_cached_property(name).unpack()
                              for name in proxy.get_cached_property_names() or []})
                self._objects[found.path] = found
                if isinstance(found, Connection):
                    found.connect('notify::client', lambda found, _param: self._name_program(found))
                    self._name_program(found)
                self._stores[kind].append(found)

    def _remove(self, entry):
        if gone := self._objects.pop(entry.get_object_path(), None):
            store = self._stores[type(gone)]
            found, position = store.find(gone)
            if found:
                store.remove(position)
            unwanted = gone.path in self._unwanted
            self._unwanted.discard(gone.path)
            if isinstance(gone, Tunnel):
                self.let_go(gone.path)
                self.emit('tunnel-gone', gone, unwanted)

    def _on_changed(self, _manager, entry, _proxy, changed, _invalidated):
        if known := self._objects.get(entry.get_object_path()):
            known.update(changed.unpack())

    def _name_program(self, connection):
        if connection.client.startswith(':'):
            processes.ask(self.bus, connection.client, lambda name: connection.set_property('program', name))
        else:
            connection.program = connection.client

    # What can be asked. Each calls done(value, error), of which one is None.

    def _call(self, method, parameters, reply, timeout, done):
        call(self.bus, method, parameters, reply, timeout, done)

    def open(self, thing, services, options, told, done):
        """Opens a tunnel, or finds one, and keeps it while this program runs; told(state) of each step, done(path,
        error) at the end. What is returned can be released before."""
        def finish(path, error):
            if path:
                self.let_go(path)
                self._kept[path] = opening
            done(path, error)
        opening = Opening(thing, services, options, told, finish)
        return opening

    def cancel(self, opening):
        """One that open() has returned, and that is under way."""
        if opening.path:
            self._unwanted.add(opening.path)
        opening.release()

    def let_go(self, path):
        """It stays as long as somebody uses it."""
        if opening := self._kept.pop(path, None):
            opening.release()

    def forward(self, thing, service, address, options, done):
        """Of the path of the forward and the address that it got. It stays while this program does."""
        self._call('Forward', GLib.Variant('(sssa{sv})', (thing, service, address, options)), '(os)', SHORT, done)

    def unforward(self, path, done):
        self._call('Unforward', GLib.Variant('(o)', (path,)), '()', SHORT, done)

    def close_tunnels_now(self, tunnels):
        """As the last thing that a program does: waits, but not for long."""
        for tunnel in tunnels:
            try:
                self.bus.call_sync(NAME, PATH, NAME, 'Close', GLib.Variant('(o)', (tunnel.path,)), None,
                                   Gio.DBusCallFlags.NO_AUTO_START, FAREWELL, None)
            except GLib.Error as error:
                print(f'tunnels: {OperatorError.from_gerror(error)}')

    def list_things(self, options, done):
        """Of the things of an account by their names, and whether there are more. AWS has to say it."""
        def on_answer(value, error):
            if error:
                done(None, error)
                return
            things, is_cut = value
            things.sort(key=lambda thing: thing[0].casefold())
            done(([Thing(*thing) for thing in things], is_cut), None)
        self._call('ListThings', GLib.Variant('(a{sv})', (options,)), '(a(ss)b)', NO_TIMEOUT, on_answer)

    def set_linger(self, seconds):
        """For how long a tunnel stays that nothing uses; the service may be too old to be told."""
        self.bus.call(NAME, PATH, NAME, 'SetLinger', GLib.Variant('(u)', (seconds,)), None,
                      Gio.DBusCallFlags.NO_AUTO_START, SHORT, None, None)

    def close_object(self, path, done):
        """A tunnel, or a connection. AWS has to say that a tunnel is closed."""
        self._unwanted.add(path)
        self._call('Close', GLib.Variant('(o)', (path,)), '()', NO_TIMEOUT, done)
