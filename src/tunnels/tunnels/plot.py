# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""How fast a tunnel is, drawn over the last minute."""

from gettext import gettext as _

from gi.repository import Adw, Gdk, GLib, Graphene, Gtk

from . import words
from .history import SECONDS, History, scale

# In light and in dark: of GNOME's palette, told apart by those who see no red and green, too.
COLOURS = {False: ('#1a5fb4', '#c64600'), True: ('#78aeed', '#ffa348')}
HEIGHT = 96
# It moves by less than a pixel a frame, so more of them would only cost.
FRAMES = 20


class Plot(Gtk.Widget):
    """What comes in and what goes out. It moves while it is seen and there is something to see."""

    __gtype_name__ = 'TunnelsPlot'

    def __init__(self):
        super().__init__(hexpand=True, accessible_role=Gtk.AccessibleRole.IMG)
        self.history = History()
        self._timer = 0
        self.set_overflow(Gtk.Overflow.HIDDEN)
        self.connect('map', lambda _self: self.queue_draw())
        self.connect('unmap', lambda _self: self._rest())
        self._tell()

    def add(self, rate_in, rate_out):
        self.history.add(rate_in, rate_out)
        self._tell()
        self.queue_draw()

    def _tell(self):
        """What a screen reader says of it."""
        last = self.history.points[-1] if self.history.points else (0, 0, 0)
        text = _('Throughput: {rate_in} in, {rate_out} out').format(rate_in=words.rate(last[1]),
                                                                    rate_out=words.rate(last[2]))
        self.update_property([Gtk.AccessibleProperty.LABEL], [text])

    def _is_seen(self):
        surface = self.get_native().get_surface()
        return self.get_mapped() and not surface.get_state() & Gdk.ToplevelState.MINIMIZED

    def _move(self):
        """After each frame, so that where none is drawn, nothing moves: a window may be hidden in ways that it is not
        told of."""
        if not self._timer and self._is_seen() and not self.history.is_flat():
            animated = self.get_settings().get_property('gtk-enable-animations')
            self._timer = GLib.timeout_add(1000 // FRAMES if animated else 1000, self._on_time)

    def _rest(self):
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0

    def _on_time(self):
        self.queue_draw()
        # What was there has to leave at the left.
        if self.history.points and self.history.clock() - self.history.points[-1][0] > SECONDS:
            self.history.add(*self.history.points[-1][1:])
        self._timer = 0
        return GLib.SOURCE_REMOVE

    def do_measure(self, orientation, _for_size):
        return (HEIGHT, HEIGHT, -1, -1) if orientation == Gtk.Orientation.VERTICAL else (120, 240, -1, -1)

    def do_snapshot(self, snapshot):
        width, height = self.get_width(), self.get_height()
        context = snapshot.append_cairo(Graphene.Rect().init(0, 0, width, height))
        ink = self.get_style_context().get_color()
        top = scale(self.history.peak())
        context.set_line_width(1)
        for part in (0.0, 0.5, 1.0):
            y = round(part * (height - 1)) + 0.5
            context.set_source_rgba(ink.red, ink.green, ink.blue, 0.15)
            context.move_to(0, y)
            context.line_to(width, y)
            context.stroke()
        backwards = self.get_direction() == Gtk.TextDirection.RTL
        for which, colour in enumerate(COLOURS[Adw.StyleManager.get_default().get_dark()]):
            line = self.history.line(which)
            if not line:
                continue
            rgba = Gdk.RGBA()
            rgba.parse(colour)
            points = []
            for age, rate in line:
                x = width * age / SECONDS if backwards else width * (1 - age / SECONDS)
                y = (height - 1) * (1 - rate / top) + 0.5
                # The rate was that of before until it changed.
                if points:
                    points.append((x, points[-1][1]))
                points.append((x, y))
            context.move_to(*points[0])
            for point in points[1:]:
                context.line_to(*point)
            context.set_source_rgba(rgba.red, rgba.green, rgba.blue, 1)
            context.set_line_width(1.5)
            context.stroke_preserve()
            context.line_to(points[-1][0], height)
            context.line_to(points[0][0], height)
            context.set_source_rgba(rgba.red, rgba.green, rgba.blue, 0.15)
            context.fill()
        layout = self.create_pango_layout(words.rate(top))
        layout_width, _layout_height = layout.get_pixel_size()
        snapshot.translate(Graphene.Point().init(4 if not backwards else width - layout_width - 4, 2))
        ink.alpha = 0.7
        snapshot.append_layout(layout, ink)
        self._move()
