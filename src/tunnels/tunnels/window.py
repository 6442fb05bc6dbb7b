# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The window: the devices and the page of one, and terminals in tabs beside them."""

from gettext import gettext as _

from gi.repository import Adw, Gio, GObject, Gtk, Pango

from . import RESOURCES, actions, dialogs, words
from .accessible import mend
from .device_page import DevicePage
from .terminal import Terminal
from .things import ThingsWindow
from .welcome import Welcome  # noqa: F401  the template has one

# What is told once is told for longer.
# Of a line, at most; and what is beside it, in pixels, with something for heavy letters.
TOAST_CHARACTERS = 60
TOAST_MARGINS = 150
COST_SECONDS = 20
OPEN, FAVOURITE, RECENT = range(3)
SECTIONS = {OPEN: _('Connected'), FAVOURITE: _('Favourites'), RECENT: _('Recent')}


def section(device):
    if device.tunnels:
        return OPEN
    return FAVOURITE if device.favourite else RECENT


@Gtk.Template(resource_path=RESOURCES + '/window.ui')
class Window(Adw.ApplicationWindow):
    __gtype_name__ = 'TunnelsWindow'

    toasts = Gtk.Template.Child()
    title_widget = Gtk.Template.Child()
    back_button = Gtk.Template.Child()
    menu_button = Gtk.Template.Child()
    add_button = Gtk.Template.Child()
    search_button = Gtk.Template.Child()
    stack = Gtk.Template.Child()
    tab_bar = Gtk.Template.Child()
    tabs = Gtk.Template.Child()
    leaflet = Gtk.Template.Child()
    search_bar = Gtk.Template.Child()
    search_entry = Gtk.Template.Child()
    list_stack = Gtk.Template.Child()
    list = Gtk.Template.Child()
    pages = Gtk.Template.Child()

    def __init__(self, application, devices, operator, settings):
        super().__init__(application=application)
        self.devices = devices
        self.operator = operator
        self.settings = settings
        self._device_pages = {}
        for name in ('width', 'height'):
            settings.bind(f'window-{name}', self, f'default-{name}', Gio.SettingsBindFlags.DEFAULT)
        settings.bind('window-maximized', self, 'maximized', Gio.SettingsBindFlags.DEFAULT)
        self._add_actions()

        mend(self)
        mend(self.leaflet)
        self._home = self.tabs.append(self.leaflet)
        self._home.set_title(_('Devices'))
        self.tabs.set_page_pinned(self._home, True)
        # What runs in a terminal wants these.
        self.tabs.remove_shortcuts(Adw.TabViewShortcuts.CONTROL_HOME | Adw.TabViewShortcuts.CONTROL_END
                                   | Adw.TabViewShortcuts.CONTROL_PAGE_UP | Adw.TabViewShortcuts.CONTROL_PAGE_DOWN)
        self._home.set_icon(Gio.ThemedIcon.new('network-server-symbolic'))
        self.tabs.connect('notify::selected-page', lambda *_: self._show_title())
        # One page alone needs no tab.
        self.tabs.bind_property('n-pages', self.tab_bar, 'visible', GObject.BindingFlags.SYNC_CREATE,
                                lambda _binding, number: number > 1)
        self.tabs.connect('close-page', self._on_close_page)
        self.leaflet.connect('notify::folded', lambda *_: self._show_title())
        self.leaflet.connect('notify::visible-child', lambda *_: self._show_title())

        self._filter = Gtk.CustomFilter.new(self._is_wanted)
        self._sorter = Gtk.CustomSorter.new(self._compare)
        self._sorted = Gtk.SortListModel(model=Gtk.FilterListModel(model=devices.model, filter=self._filter),
                                         sorter=self._sorter)
        self.list.bind_model(self._sorted, self._make_row)
        self.list.set_header_func(self._make_header)
        self.list.connect('row-activated', lambda _list, row: self.show_device(row.device))
        self._sorted.connect('items-changed', lambda *_: self._show_list())
        self.search_bar.connect_entry(self.search_entry)
        self.search_bar.set_key_capture_widget(self.leaflet)
        self.search_entry.connect('search-changed', lambda _entry: self._filter.changed(Gtk.FilterChange.DIFFERENT))
        self.search_entry.connect('activate', lambda _entry: self._show_first())
        self._watched = {}
        self._model_handler = devices.model.connect('items-changed', lambda *_: self._watch())
        self._watch()
        self._show_list()
        self.stack.set_visible_child_name('main' if settings.get_boolean('welcomed') or devices.model.get_n_items()
                                          else 'welcome')
        self._show_title()
        self.connect('close-request', lambda _self: self._on_close_request())

    def _add_actions(self):
        acts = {'add-device': self._add_device, 'back': self._back, 'end-welcome': self.end_welcome,
                'search': self.search, 'close-tab': self._close_tab, 'show-help-overlay': self._show_shortcuts,
                'terminal': lambda: self._with_device(self.open_terminal),
                'connect': lambda: self._with_device(self.connect_device)}
        actions.add(self, acts)

    def _show_shortcuts(self):
        # Made when it is needed: over a window that is there and hidden, GTK 4.8 falls when a screen reader asks
        # for one that has just gone.
        shortcuts = Gtk.Builder.new_from_resource(RESOURCES + '/shortcuts.ui').get_object('shortcuts')
        shortcuts.set_transient_for(self)
        shortcuts.present()

    def _tell(self, text, **properties):
        # The title of a toast is one line, and cut in a narrow window, or where letters are large. One of several
        # lines is given the width that it would like, so it must not like more than there is.
        letter = self.get_pango_context().get_metrics().get_approximate_char_width() / Pango.SCALE
        space = int((self.get_width() - TOAST_MARGINS) / letter)
        title = Gtk.Label(label=text, wrap=True, xalign=0, max_width_chars=min(space, TOAST_CHARACTERS), margin_top=6,
                          margin_bottom=6)
        title.add_css_class('heading')
        toast = Adw.Toast(custom_title=title, **properties)
        self.toasts.add_toast(toast)
        return toast

    def say(self, text):
        """At once, which is about what somebody does now."""
        self._tell(text, priority=Adw.ToastPriority.HIGH)

    def tell_cost(self, text):
        self._tell(text, timeout=COST_SECONDS)

    def end_welcome(self):
        self.settings.set_boolean('welcomed', True)
        self.stack.set_visible_child_name('main')
        self._show_title()

    # The list

    def _is_wanted(self, device):
        return self.search_entry.get_text().strip().casefold() in device.thing.casefold()

    @staticmethod
    def _compare(one, other, *_data):
        def order(device):
            return section(device), -device.used if section(device) == RECENT else 0, device.thing.casefold()
        return (order(one) > order(other)) - (order(one) < order(other))

    def _watch(self):
        now = {device: self._watched.get(device) or [
            device.connect(f'notify::{name}', lambda *_: self._sort())
            for name in ('tunnels', 'favourite', 'used')] for device in self.devices.model}
        for device, handlers in self._watched.items():
            if device not in now:
                for handler in handlers:
                    device.disconnect(handler)
                if page := self._device_pages.pop(device, None):
                    if self.pages.get_visible_child() is page:
                        self._back()
                        self.pages.set_visible_child_name('nothing')
                    page.close()
                    self.pages.remove(page)
        self._watched = now

    def _sort(self):
        self._sorter.changed(Gtk.SorterChange.DIFFERENT)
        # It may be in another section at the same place.
        self.list.invalidate_headers()

    def _make_row(self, device):
        return DeviceRow(device)

    @staticmethod
    def _make_header(row, before):
        now = section(row.device)
        if before and section(before.device) == now:
            row.set_header(None)
        elif not row.get_header() or row.get_header().get_label() != SECTIONS[now]:
            row.set_header(Gtk.Label(label=SECTIONS[now], xalign=0, margin_top=12, margin_bottom=6, margin_start=12,
                                     css_classes=['heading', 'dim-label']))

    def _show_list(self):
        if self._sorted.get_n_items():
            name = 'some'
        else:
            name = 'not-found' if self.search_entry.get_text().strip() else 'none'
        self.list_stack.set_visible_child_name(name)
        self.list.invalidate_headers()
        # Rows that have moved are new ones.
        if shown := getattr(self.pages.get_visible_child(), 'device', None):
            self._select(shown)

    def _show_first(self):
        if first := self._sorted.get_item(0):
            self.show_device(first)

    def search(self, text=''):
        self.end_welcome()
        self.tabs.set_selected_page(self._home)
        self._back()
        self.search_bar.set_search_mode(True)
        self.search_entry.grab_focus()
        if text:
            self.search_entry.set_text(text)

    # Pages

    def _has_account(self, device):
        """It may have gone while there is something of the device: a terminal, or a way to undo."""
        if self.devices.accounts.get(device.account):
            return True
        self.say(_('The account of %s is not there any more.') % device.thing)
        return False

    def connect_device(self, device, anew=False):
        if page := self.show_device(device):
            page.connect_tunnel(anew=anew)

    def show_device(self, device):
        if not self._has_account(device):
            return None
        self.end_welcome()
        page = self._device_pages.get(device)
        if not page:
            page = DevicePage(device, self.devices, self.operator, self.settings)
            page.connect('terminal', lambda page: self.open_terminal(page.device))
            page.connect('say', lambda _page, text: self.say(text))
            page.connect('tell-cost', lambda _page, text: self.tell_cost(text))
            page.connect('forget', lambda page: self._forget(page.device))
            self._device_pages[device] = page
            self.pages.add_child(page)
        self.pages.set_visible_child(page)
        self._select(device)
        self.leaflet.set_visible_child_name('device')
        self.tabs.set_selected_page(self._home)
        self._show_title()
        return page

    def _select(self, device):
        position = next((position for position, found in enumerate(self._sorted) if found is device), None)
        self.list.select_row(None if position is None else self.list.get_row_at_index(position))

    def _with_device(self, act):
        """The one whose page or terminal is shown."""
        shown = self.tabs.get_selected_page().get_child()
        page = shown if isinstance(shown, Terminal) else self.pages.get_visible_child()
        if device := getattr(page, 'device', None):
            act(device)

    def _back(self):
        self.leaflet.set_visible_child_name('list')

    def _show_title(self):
        home = self.tabs.get_selected_page() == self._home
        main = self.stack.get_visible_child_name() == 'main'
        folded = self.leaflet.get_folded() and self.leaflet.get_visible_child_name() == 'device'
        self.back_button.set_visible(main and home and folded)
        # They are about the list.
        self.search_button.set_visible(main and home and not folded)
        self.add_button.set_visible(main and home and not folded)
        self.get_application().set_in_terminal(not home)
        # F10 is for what runs there.
        self.menu_button.set_primary(home)
        page = self.pages.get_visible_child()
        if not home and self.tabs.get_selected_page():
            title = self.tabs.get_selected_page().get_title()
        elif folded and isinstance(page, DevicePage):
            title = page.device.thing
        else:
            title = _('Tunnels')
        self.title_widget.set_title(title)
        self.set_title(title)

    def _add_device(self):
        def on_chosen(account, thing):
            device = self.devices.add(account.id, thing)
            self.devices.touch(device)
            self.show_device(device)

        def look(account):
            ThingsWindow(self, accounts, account, self.operator, on_chosen).present()
        accounts = self.devices.accounts
        shown = getattr(self.pages.get_visible_child(), 'device', None)
        account = accounts.get(shown.account) if shown else None
        dialogs.ask_new_device(self, accounts, account or accounts.model[0], on_chosen, look)

    def _forget(self, device):
        kept = device.copy_kept()

        def undo():
            if not self._has_account(device):
                return
            back = self.devices.add(device.account, device.thing)
            for name, value in kept.items():
                setattr(back, name, value)
            self.devices.save()
        self.devices.forget(device)
        toast = self._tell(_('%s is forgotten') % device.thing, button_label=_('_Undo'))
        toast.connect('button-clicked', lambda _toast: undo())

    # Terminals

    def open_terminal(self, device):
        if not self._has_account(device):
            return None
        self.end_welcome()
        self.devices.touch(device)
        terminal = Terminal(device, self.devices.accounts.get(device.account), self.settings)
        terminal.connect('say', lambda _terminal, text: self.say(text))
        page = self.tabs.append(terminal)
        page.set_icon(Gio.ThemedIcon.new('utilities-terminal-symbolic'))
        terminal.bind_property('title', page, 'title', GObject.BindingFlags.SYNC_CREATE)
        terminal.connect('notify::title', lambda *_: self._show_title())
        terminal.connect('bell', lambda _terminal: page.set_needs_attention(not page.get_selected()))
        page.connect('notify::selected', lambda page, _param: page.get_selected() and page.set_needs_attention(False))
        self.tabs.set_selected_page(page)
        terminal.vte.grab_focus()
        return terminal

    def _on_close_page(self, tabs, page):
        terminal = page.get_child()
        if page == self._home:
            tabs.close_page_finish(page, False)
            return True

        def close():
            terminal.close()
            tabs.close_page_finish(page, True)
        if not terminal.running:
            close()
            return True
        tabs.close_page_finish(page, False)
        dialogs.confirm(self, _('Close the Terminal at %s?') % terminal.device.thing,
                        _('What runs in it may end.'), _('_Close'), lambda: self._end(terminal))
        return True

    def _end(self, terminal):
        terminal.running = False
        self.tabs.close_page(self.tabs.get_page(terminal))

    def _close_tab(self):
        page = self.tabs.get_selected_page()
        if page == self._home:
            self.close()
        else:
            self.tabs.close_page(page)

    def _terminals_running(self):
        return [child for position in range(self.tabs.get_n_pages())
                if isinstance(child := self.tabs.get_nth_page(position).get_child(), Terminal) and child.running]

    def _on_close_request(self):
        running = self._terminals_running()
        if running:
            def close():
                for terminal in running:
                    terminal.running = False
                self.close()
            dialogs.confirm(self, _('Close the Window?'), _('Terminals are open, and what runs in them may end.'),
                            _('_Close'), close)
            return True
        for position in range(self.tabs.get_n_pages()):
            if isinstance(child := self.tabs.get_nth_page(position).get_child(), Terminal):
                child.close()
        for page in self._device_pages.values():
            page.close()
        # They may outlive this window.
        self.devices.model.disconnect(self._model_handler)
        for device, handlers in self._watched.items():
            for handler in handlers:
                device.disconnect(handler)
        return False


class DeviceRow(Gtk.ListBoxRow):
    __gtype_name__ = 'TunnelsDeviceRow'

    def __init__(self, device):
        super().__init__()
        self.device = device
        self._name = Gtk.Label(label=device.thing, xalign=0, ellipsize=3)
        self._state = Gtk.Label(xalign=0, ellipsize=3, css_classes=['dim-label', 'caption'])
        self._star = Gtk.Image(icon_name='starred-symbolic')
        column = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, hexpand=True, valign=Gtk.Align.CENTER)
        column.append(self._name)
        column.append(self._state)
        box = Gtk.Box(spacing=6, margin_top=6, margin_bottom=6)
        box.append(column)
        box.append(self._star)
        self.set_child(box)
        self._handler = 0
        mend(self)
        self.connect('map', lambda _self: self._follow(True))
        self.connect('unmap', lambda _self: self._follow(False))
        self._show()

    def _follow(self, yes):
        if yes and not self._handler:
            self._handler = self.device.connect('notify', lambda *_: self._show())
            self._show()
        elif not yes and self._handler:
            self.device.disconnect(self._handler)
            self._handler = 0

    def _show(self):
        device = self.device
        text = words.state(device.state)
        if device.tunnels > 1:
            text = f'{text} · {words.open_tunnels(device.tunnels)}'
        self._state.set_label(text)
        self._state.set_visible(bool(text))
        self._star.set_visible(device.favourite)
        self.update_property([Gtk.AccessibleProperty.LABEL], [f'{device.thing}, {text}' if text else device.thing])
