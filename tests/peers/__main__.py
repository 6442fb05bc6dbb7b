# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Runs a model until a signal ends it."""

import argparse
import asyncio
import json
import signal
import sys

from . import browser, goclient, older, reference, sdk, vscode

MODELS = {
    'browser-destination': browser.Destination,
    'browser-source': browser.Source,
    'go-destination': goclient.Destination,
    'go-source': goclient.Source,
    'older-destination': older.Destination,
    'older-source': older.Source,
    'reference-destination': reference.Destination,
    'reference-source': reference.Source,
    'sdk-destination': sdk.Destination,
    'vscode-source': vscode.Source,
}


def service(text):
    name, _, port = text.partition('=')
    return name, int(port or 0)


async def run(model):
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    # A fault of the model must not pass for a habit of its program.
    loop.set_exception_handler(lambda loop, context: (loop.default_exception_handler(context), sys.exit(1)))
    print(json.dumps(await model.prepare()), flush=True)
    await model.run()


def main():
    parser = argparse.ArgumentParser(prog='peers', description=__doc__)
    parser.add_argument('model', choices=sorted(MODELS))
    parser.add_argument('services', nargs='+', type=service, metavar='SERVICE[=PORT]',
                        help="where the service is; a source's port, without one a free one")
    parser.add_argument('--endpoint', required=True)
    parser.add_argument('--ca', metavar='FILE')
    parser.add_argument('--form', choices=['V1', 'V2', 'V3'])
    options = parser.parse_args()
    model = MODELS[options.model]
    if options.form and options.form not in model.forms:
        parser.error(f'{options.model} speaks {", ".join(model.forms)}')
    options.services = dict(options.services)
    try:
        asyncio.run(run(model(options)))
    except asyncio.CancelledError:
        pass


main()
