# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

from typing import Any

# Other namespaces may be anything.
def __getattr__(name: str) -> Any: ...
