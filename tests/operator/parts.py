# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The program that does with parts of libist-operator what a test tells it."""

import json
import os
import subprocess


class Parts:
    def __init__(self, environment=None):
        self.process = subprocess.Popen([os.environ['IST_OPERATOR_PARTS']], env={**os.environ, **(environment or {})},
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, part, **request):
        self.process.stdin.write(json.dumps({'do': part, **request}) + '\n')
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        """Returns its exit code."""
        self.process.stdin.close()
        code = self.process.wait()
        self.process.stdout.close()
        return code
