# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Runs unittest's tests and tells in TAP."""

import sys
import traceback
import unittest

import process


class Result(unittest.TestResult):
    """A line for each test, when it is over, and before that what went wrong."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.failed = False

    def tell(self, good, test, remark=''):
        self.count += 1
        print('ok' if good else 'not ok', self.count, test.id().removeprefix('__main__.') + remark, flush=True)

    def comment(self, text):
        print(''.join(f'# {line}\n' for line in text.splitlines()), end='', flush=True)

    def explain(self, test, error):
        self.failed = True
        self.comment(''.join(traceback.format_exception(*error)))
        if hasattr(test, 'describe_children'):
            self.comment(test.describe_children())

    def startTest(self, test):
        super().startTest(test)
        self.failed = False

    def stopTest(self, test):
        super().stopTest(test)
        if self.failed:
            self.tell(False, test)

    def addSuccess(self, test):
        self.tell(True, test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.tell(True, test, f' # SKIP {reason}')

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.explain(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self.explain(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            self.comment(str(subtest))
            self.explain(test, error)


def main(module='__main__'):
    """Runs the tests that are named on the command line, as CLASS or CLASS.TEST, or all."""
    process.set_signals()
    process.set_environment()
    process.keep()
    names = [f'{module}.{name}' for name in sys.argv[1:]] or [module]
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    print(f'1..{suite.countTestCases()}', flush=True)
    result = Result()
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
