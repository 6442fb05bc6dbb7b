# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

class Service(Ist._With, Ist._AsyncWith):
    def __iter__(self) -> Iterator[Tunnel]: ...

class Tunnel:
    def send_bytes(self, side: Ist.Mode, payload: Ist._Payload) -> bool: ...
