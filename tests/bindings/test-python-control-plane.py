#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The operator's control plane from Python, with the service in this process."""

import os
import unittest

import gi
import tap
from mainloop import call, wait_for

gi.require_version('Ist', '1')
gi.require_version('IstEmulator', '1')
gi.require_version('IstOperator', '1')
from gi.repository import Gio, GLib, GObject, Ist, IstEmulator, IstOperator

Error = IstOperator.ControlPlaneError


class Case(unittest.TestCase):
    def setUp(self):
        for name in list(os.environ):
            if name.startswith('AWS_'):
                GLib.unsetenv(name)
        for name in ('AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'):
            GLib.setenv(name, '/nowhere', True)
        self.credentials = IstOperator.Credentials.new_for_keys('AKID', 'secret', None)

    def check_error(self, code, function, *arguments):
        with self.assertRaises(GLib.Error) as raised:
            function(*arguments)
        self.assertTrue(raised.exception.matches(IstOperator.control_plane_error_quark(), code), raised.exception)
        return raised.exception


class Bare(Case):
    """Objects that are made with nothing given."""

    def test_answers(self):
        for answer in IstOperator.Thing(), IstOperator.TunnelAccess(), IstOperator.TunnelDescription():
            for pspec in answer.list_properties():
                if pspec.value_type.name != 'GHashTable':
                    answer.get_property(pspec.name)
            for name in dir(answer):
                if name.startswith('get_') and not hasattr(GObject.Object, name):
                    getattr(answer, name)()

    def test_settings(self):
        plane = IstOperator.ControlPlane.new(self.credentials, 'eu-central-1', None)
        self.assertEqual({name: plane.get_property(name) for name in (
            'credentials', 'region', 'endpoint-url', 'tunnel-endpoint', 'ca-file', 'tls-database', 'verify-certificate',
            'use-fips', 'use-dualstack', 'max-attempts', 'timeout', 'n-calls')}, {
                'credentials': self.credentials, 'region': 'eu-central-1',
                'endpoint-url': 'https://api.tunneling.iot.eu-central-1.amazonaws.com/',
                'tunnel-endpoint': 'data.tunneling.iot.eu-central-1.amazonaws.com', 'ca-file': None,
                'tls-database': None, 'verify-certificate': True, 'use-fips': IstOperator.Choice.NO,
                'use-dualstack': IstOperator.Choice.NO, 'max-attempts': 3, 'timeout': 30, 'n-calls': 0})
        self.assertIsInstance(plane.get_proxy_resolver(), Gio.ProxyResolver)

    def test_refused(self):
        make = IstOperator.ControlPlane.new
        self.check_error(Error.NO_REGION, make, self.credentials, None, None)
        error = self.check_error(Error.INVALID_SETTING, make, self.credentials, None, 'http://example.com')
        self.assertIn('endpoint-url', error.message)


class Calls(Case):
    def setUp(self):
        super().setUp()
        self.service = IstEmulator.Service(address='127.0.0.1', plain=True)
        self.service.start()
        url = 'http' + self.service.props.endpoint.removeprefix('ws')
        self.plane = IstOperator.ControlPlane.new(self.credentials, None, url)

    def tearDown(self):
        wait_for(lambda: self.plane.props.n_calls == 0)
        self.service.stop()
        wait_for(lambda: self.service.props.state == IstEmulator.ServiceState.STOPPED)

    def ask(self, name, *arguments):
        return call(getattr(self.plane, name + '_async'), getattr(self.plane, name + '_finish'), *arguments, None)

    def test_all(self):
        access = self.ask('open_tunnel', 'pump-7', ['SSH'], 'mine', 30, {'team': 'pumps'})
        tunnel = self.service.lookup_tunnel(access.props.tunnel_id)
        self.assertEqual(access.get_source_access_token(), tunnel.get_source_access_token())

        description = self.ask('describe_tunnel', access.props.tunnel_id)
        self.assertEqual((description.props.thing_name, description.props.service_ids, description.props.lifetime,
                          description.get_tags()), ('pump-7', ['SSH'], 30, {'team': 'pumps'}))
        self.assertEqual([tunnel.props.tunnel_id for tunnel in self.ask('list_tunnels', None)],
                         [access.props.tunnel_id])

        both = IstOperator.ClientMode.SOURCE | IstOperator.ClientMode.DESTINATION
        rotated = self.ask('rotate_tunnel_access_token', access.props.tunnel_id, both, None, None)
        self.assertNotEqual(rotated.get_source_access_token(), access.get_source_access_token())

        self.assertTrue(self.ask('tag_resource', access.props.arn, {'floor': '3'}))
        self.assertTrue(self.ask('untag_resource', access.props.arn, ['team']))
        self.assertEqual(self.ask('list_tags_for_resource', access.props.arn), {'floor': '3'})

        self.assertTrue(self.ask('close_tunnel', access.props.tunnel_id, True))
        self.assertIsNone(self.service.lookup_tunnel(access.props.tunnel_id))

    def test_things(self):
        self.service.add_thing('fan-3', 'fan')
        self.ask('open_tunnel', 'pump-7', ['SSH'], None, 0, None)
        things, is_cut = self.ask('list_things')
        self.assertEqual([(thing.get_name(), thing.props.type_name) for thing in things],
                         [('fan-3', 'fan'), ('pump-7', None)])
        self.assertFalse(is_cut)
        with self.assertRaises(GLib.Error):
            self.service.add_thing('no name', None)

    def test_error(self):
        error = self.check_error(Error.NOT_FOUND, self.ask, 'describe_tunnel', 'none')
        self.assertIn('ResourceNotFoundException', error.message)

    def test_cancelled(self):
        cancellable = Gio.Cancellable()
        results = []
        self.plane.open_tunnel_async(None, ['SSH'], None, 0, None, cancellable,
                                     lambda plane, result: results.append(result))
        cancellable.cancel()
        wait_for(lambda: results)
        with self.assertRaises(GLib.Error) as raised:
            self.plane.open_tunnel_finish(results[0])
        self.assertTrue(raised.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED))


if __name__ == '__main__':
    tap.main()
