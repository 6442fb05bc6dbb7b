# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Curves as SVG, for the documentation: on white, so that dark pages don't swallow them."""

import math

WIDTH, HEIGHT, MARGIN = 250, 190, 56
BLUE, ORANGE, RED = '#1b6ca8', '#d1781c', '#a3295c'


class Linear:
    def __init__(self, low, high, marks):
        self.low, self.high, self.marks = low, high, marks

    def share(self, value):
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


class Logarithmic:
    def __init__(self, low, high):
        self.low, self.high = low, high
        self.marks = [10 ** n for n in range(-1, 12) if low <= 10 ** n <= high]

    def share(self, value):
        value = min(max(value, self.low), self.high)
        return (math.log10(value) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))


class Picture:
    """Columns of two panels, one above the other."""

    def __init__(self):
        self.parts, self.columns = [], 0

    def text(self, x, y, text, anchor='middle', size=11):
        self.parts.append(f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}">{text}</text>')

    def line(self, points, colour, width=1.3, dash=''):
        path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"'
                          f'{dash and f" stroke-dasharray={chr(34)}{dash}{chr(34)}"}/>')

    def panel(self, top, across, up, across_unit, up_unit, curves):
        """@curves: (points, colour, dash)."""
        left = MARGIN + self.columns * (WIDTH + MARGIN)

        def place(x, y):
            return left + WIDTH * across.share(x), top + HEIGHT * (1 - up.share(y))

        for value in up.marks:
            height = place(across.low, value)[1]
            self.line([(left, height), (left + WIDTH, height)], '#ddd', 1)
            self.text(left - 5, height + 4, up_unit(value), 'end', 10)
        for value in across.marks:
            self.text(place(value, up.low)[0], top + HEIGHT + 14, across_unit(value), size=10)
        self.line([(left, top), (left, top + HEIGHT), (left + WIDTH, top + HEIGHT)], '#444', 1)
        for points, colour, dash in curves:
            self.line([place(x, y) for x, y in points], colour, dash=dash)

    def column(self, title, across, across_unit, panels):
        """@panels: the upper and the lower: (axis, unit, curves)."""
        left = MARGIN + self.columns * (WIDTH + MARGIN)
        self.text(left + WIDTH / 2, 18, title, size=13)
        for index, (up, up_unit, curves) in enumerate(panels):
            self.panel(28 + index * (HEIGHT + 34), across, up, across_unit, up_unit, curves)
        self.columns += 1

    def write(self, path, legend):
        """@legend: (colour, width, dash, text)."""
        width, height = MARGIN + self.columns * (WIDTH + MARGIN), 2 * HEIGHT + 120
        for index, (colour, stroke, dash, text) in enumerate(legend):
            x, y = MARGIN + index * 190, height - 14
            self.line([(x, y - 4), (x + 24, y - 4)], colour, stroke, dash)
            self.text(x + 30, y, text, 'start')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                    f'font-family="sans-serif" fill="#222">\n'
                    f'<!-- SPDX-FileCopyrightText: 2026 The libist authors -->\n'
                    f'<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->\n'
                    f'<rect width="{width}" height="{height}" fill="#fff"/>\n' + '\n'.join(self.parts) + '\n</svg>\n')
