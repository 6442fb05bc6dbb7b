# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

class Client(Ist._With, Ist._AsyncWith):
    def __iter__(self) -> Iterator[Tunnel]: ...

class Tunnel(Ist._AsyncWith):
    def __iter__(self) -> Iterator[Ist.ForwarderConnection]: ...

class Forward(Ist._With):
    def __init__(self, address: str | int | None = ..., *, client: Client | None = ..., options: Options | None = ...,
                 service_id: str | None = ..., thing_name: str | None = ...) -> None: ...
    @classmethod
    def new(cls, client: Client, thing_name: str, service_id: str, address: str | int,
            options: Options | None = ...) -> Forward: ...
