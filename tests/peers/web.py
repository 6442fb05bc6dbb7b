# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""A real web server behind a tunnel that has ist-proxy at one end and a model at the other."""

import os

from . import case


class Web(case.Case):
    def start_web(self):
        self.text = 'what the server has to say\n'
        os.mkdir(self.path('www'))
        with open(self.path('www') + '/file', 'w') as f:
            f.write(self.text)
        self.web = self.start_nginx(self.path('www'))

    def assert_curl(self, patience=case.PATIENCE):
        result = self.curl(self.port, 'file', patience)
        self.assertEqual((result.returncode, result.stdout), (0, self.text), result.stderr)

    def assert_curls(self, count=5):
        """At once."""
        results = case.together(count, lambda i: self.curl(self.port, 'file').stdout)
        self.assertEqual(results, [self.text] * count)

    def start_middle(self, model, scripted, tell_of_lost):
        """The emulator, but for models whose handshakes it does not take."""
        if scripted or model in case.NOT_FOR_THE_EMULATOR:
            self.start_service(tell_of_lost=tell_of_lost)
        else:
            self.start_emulator()


class ToModel(Web):
    """ist-proxy is the source; a model is the destination."""

    def start(self, model, scripted=False, tell_of_lost=True):
        self.start_web()
        self.start_middle(model, scripted, tell_of_lost)
        self.model = model
        self.peer_destination(model, {'SSH': self.web})
        self.port = self.start_source('SSH')['SSH']

    def restart_destination(self):
        self.destination.kill()
        self.end_child(self.destination)
        self.peer_destination(self.model, {'SSH': self.web})


class FromModel(Web):
    """ist-proxy is the destination; a model is the source."""

    def start(self, model, form=None, scripted=False, tell_of_lost=True):
        self.start_web()
        self.start_middle(model, scripted, tell_of_lost)
        self.start_proxy()
        self.port = self.peer_source(model, 'SSH', form=form)['SSH']

    def start_proxy(self):
        # One that is started again is the same client.
        self.start_destination(f'SSH=127.0.0.1:{self.web}', arguments=['-i', 'the-client-token-of-this-destination'])

    def restart_destination(self):
        self.destination.kill()
        self.end_child(self.destination)
        os.unlink(self.path('destination.log'))
        self.start_proxy()
