# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""How fast a tunnel has been lately."""

import collections
import time

SECONDS = 60


class History:
    """Rates of the last minute, in bytes a second. The service tells of changes only: in between it is what it was."""

    def __init__(self, clock=time.monotonic):
        self.clock = clock
        self.points = collections.deque()

    def add(self, rate_in, rate_out):
        now = self.clock()
        self.points.append((now, rate_in, rate_out))
        # The last that is older says how it was at the left edge.
        while len(self.points) > 1 and self.points[1][0] < now - SECONDS:
            self.points.popleft()

    def line(self, which):
        """(seconds before now, rate), oldest first; @which: 0 for in, 1 for out."""
        now = self.clock()
        line = [(now - point[0], point[1 + which]) for point in self.points]
        if line:
            line.append((0, line[-1][1]))
        return line

    def peak(self):
        return max((max(point[1:]) for point in self.points), default=0)

    def is_flat(self):
        """Whether nothing has moved for as long as is shown."""
        return self.peak() == 0


def scale(peak):
    """The top of a plot, at or above @peak: 1, 2 or 5 times a power of ten, and 1 kB/s at least."""
    top = 1000
    factors = (2, 2.5, 2)
    step = 0
    while top < peak:
        top *= factors[step % 3]
        step += 1
    return top
