# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""What there is to know before the first device, in three steps."""

from gettext import gettext as _

from gi.repository import Gtk

from . import RESOURCES
from .accessible import mend


@Gtk.Template(resource_path=RESOURCES + '/welcome.ui')
class Welcome(Gtk.Box):
    __gtype_name__ = 'TunnelsWelcome'

    carousel = Gtk.Template.Child()
    next_button = Gtk.Template.Child()

    def __init__(self, **properties):
        super().__init__(**properties)
        self.carousel.connect('page-changed', lambda _carousel, page: self._on_page(page))
        self.next_button.connect('clicked', lambda _button: self._next())
        self._on_page(0)

    def _on_page(self, page):
        """Who can't see what is on the other pages does not get there by keyboard either."""
        self.page = page
        for index in range(self.carousel.get_n_pages()):
            self.carousel.get_nth_page(index).set_can_focus(index == page)
        last = page == self.carousel.get_n_pages() - 1
        self.next_button.set_label(_('_Done') if last else _('_Next'))
        mend(self)

    def _next(self):
        if self.page + 1 == self.carousel.get_n_pages():
            self.activate_action('win.end-welcome', None)
            return
        # At once, not when it has scrolled: who presses twice means two pages.
        self._on_page(self.page + 1)
        self.carousel.scroll_to(self.carousel.get_nth_page(self.page), True)
