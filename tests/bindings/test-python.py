#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""libist as Python sees it, with both ends and the service in this process."""

import gc
import tempfile
import unittest
import weakref

import gi
gi.require_version('Ist', '1')
gi.require_version('IstEmulator', '1')
from gi.repository import Gio, GLib, GObject, Ist, IstEmulator

import tap
import tunnels
from mainloop import wait_for
from tunnels import DESTINATION, SOURCE

SIGNALS = ('connection-success', 'connection-failure', 'connection-shutdown', 'send-data-complete',
           'message-received', 'stream-started', 'stream-stopped', 'connection-started', 'connection-reset',
           'session-reset', 'stopped')


def message(text, service='SSH', connection=0):
    return Ist.Message.new_for_connection(service, connection, GLib.Bytes.new(text.encode()))


def text_of(a_message):
    return a_message.get_payload().get_data().decode()


class Events(list):
    """What the signals of a tunnel told, each as (name, argument...)."""

    def __init__(self, tunnel):
        super().__init__()
        for name in SIGNALS:
            tunnel.connect(name, lambda _tunnel, *arguments, name=name: self.append((name, *arguments)))

    def named(self, name):
        return [event[1:] for event in self if event[0] == name]


class Call:
    """A call of GIO's kind, to be awaited in what run() runs."""

    def __init__(self, begin, finish):
        self.begin, self.finish = begin, finish

    def __await__(self):
        results = []
        self.begin(None, lambda _source, result: results.append(result))
        while not results:
            yield results
        return self.finish(results[0])


def run(coroutine):
    try:
        while True:
            wait_for(lambda results=coroutine.send(None): results)
    except StopIteration as end:
        return end.value


class TestCase(tunnels.Case):
    plain = True

    def make(self, mode, **settings):
        return super().make(mode, **{'reconnect_delay_floor_ms': 1, 'reconnect_delay_base_ms': 1, **settings})

    def start(self, mode, **settings):
        end = self.make(mode, **settings)
        events = Events(end)
        end.start()
        self.addCleanup(self.stop, end)
        return end, events

    def stop(self, end):
        end.stop()
        wait_for(lambda: end.props.state == Ist.TunnelState.STOPPED)

    def connect_both(self):
        self.destination, self.seen = self.start(DESTINATION)
        wait_for(lambda: self.seen.named('connection-success'))
        self.source, self.events = self.start(SOURCE)
        wait_for(lambda: self.events.named('connection-success'))

    def start_stream(self, service='SSH'):
        before = len(self.seen.named('stream-started'))
        info = self.source.start_stream(service)
        wait_for(lambda: len(self.seen.named('stream-started')) > before)
        return info

    def assert_error(self, error, code):
        self.assertIsInstance(error, GLib.Error)
        self.assertEqual(error.domain, 'ist-tunnel-error-quark')
        self.assertTrue(error.matches(Ist.tunnel_error_quark(), code), error)

    def fails(self, code, function, *arguments):
        with self.assertRaises(GLib.Error) as caught:
            function(*arguments)
        self.assert_error(caught.exception, code)
        return caught.exception


class Making(TestCase):
    def test_by_keywords(self):
        end = self.make(SOURCE, ping_interval=7, protocol_version=Ist.ProtocolVersion.V2)
        self.assertEqual(end.props.mode, SOURCE)
        self.assertEqual(end.props.endpoint, self.service.get_endpoint())
        self.assertEqual(end.props.ping_interval, 7)
        self.assertEqual(end.props.protocol_version, Ist.ProtocolVersion.V2)
        self.assertEqual(end.props.state, Ist.TunnelState.STOPPED)
        self.assertEqual(end.get_service_ids(), [])
        self.assertIsNone(end.get_channel_id())
        self.assertIsNone(end.get_last_error())
        self.assertEqual(end.props.round_trip_time_us, -1)

    def test_by_constructor(self):
        end = Ist.SecureTunnel.new(DESTINATION, 'token', 'eu-central-1')
        self.assertEqual((end.props.mode, end.props.region), (DESTINATION, 'eu-central-1'))
        self.assertIn('region', self.fails(Ist.TunnelError.INVALID_SETTING, Ist.SecureTunnel.new,
                                           SOURCE, 'token', 'not a region').message)

    def test_by_builder(self):
        builder = Ist.SecureTunnelBuilder()
        builder.set_mode(DESTINATION).set_access_token(self.token(DESTINATION)) \
            .set_endpoint(self.service.get_endpoint()).set_max_attempts(3)
        end = builder.build()
        self.assertEqual((end.props.mode, end.props.max_attempts), (DESTINATION, 3))
        events = Events(end)
        end.start()
        wait_for(lambda: events.named('connection-success'))
        self.stop(end)

    def test_builder_has_properties(self):
        builder = Ist.SecureTunnelBuilder(region='eu-west-1', access_token='token')
        builder.props.connect_timeout = 5
        self.assertEqual(builder.build().props.connect_timeout, 5)

    def test_builder_later_changes_nothing(self):
        builder = Ist.SecureTunnelBuilder(region='eu-west-1', access_token='token')
        end = builder.build()
        for spec in GObject.list_properties(builder):
            if spec.flags & GObject.ParamFlags.READABLE:
                self.assertEqual(end.get_property(spec.name), builder.get_property(spec.name), spec.name)
        builder.set_region('us-east-1').set_mode(DESTINATION).set_ping_interval(1)
        self.assertEqual((end.props.region, end.props.mode, end.props.ping_interval), ('eu-west-1', SOURCE, 20))
        self.assertEqual(builder.build().props.region, 'us-east-1')

    def test_builder_names_what_is_wrong(self):
        good = {'region': 'eu-west-1', 'access_token': 'token'}
        for name, value in (('access-token', None), ('access-token', 'to ken'), ('client-token', 'short'),
                            ('region', None), ('region', '../etc'), ('endpoint', 'localhost'),
                            ('ca-file', '/nonexistent'), ('reconnect-delay-floor-ms', 1000000),
                            ('reconnect-delay-base-ms', 1000000)):
            builder = Ist.SecureTunnelBuilder(**good)
            builder.set_property(name, value)
            error = self.fails(Ist.TunnelError.INVALID_SETTING, builder.build)
            self.assertTrue(error.message.startswith(name + ':'), error.message)

    def test_start_names_what_is_wrong(self):
        end = Ist.SecureTunnel(region='eu-west-1')
        self.assertTrue(self.fails(Ist.TunnelError.INVALID_SETTING, end.start).message.startswith('access-token:'))
        self.assertEqual(end.props.state, Ist.TunnelState.STOPPED)

    def test_frozen(self):
        end = self.make(SOURCE)
        settings = {spec.name for spec in GObject.list_properties(Ist.SecureTunnelBuilder)}
        self.assertGreater(len(settings), 15)
        for spec in GObject.list_properties(end):
            if spec.name in settings:
                self.assertTrue(spec.flags & GObject.ParamFlags.CONSTRUCT_ONLY, spec.name)
            else:
                self.assertFalse(spec.flags & GObject.ParamFlags.WRITABLE, spec.name)
                with self.assertRaises(TypeError):
                    end.set_property(spec.name, None)
        for name, value in ('endpoint', 'elsewhere'), ('mode', DESTINATION), ('access-token', 'another'):
            with self.assertRaisesRegex(TypeError, f'{name}.*when the object is made'):
                end.set_property(name, value)
            with self.assertRaisesRegex(TypeError, 'when the object is made'):
                setattr(end.props, name.replace('-', '_'), value)
        with self.assertRaises(TypeError):
            end.set_properties(region='eu-west-1', endpoint='elsewhere')
        self.assertEqual((end.props.endpoint, end.props.mode), (self.service.get_endpoint(), SOURCE))

    def test_tokens_are_unreadable(self):
        for thing in self.make(SOURCE), Ist.SecureTunnelBuilder(access_token='token'):
            for name in 'access-token', 'client-token':
                with self.assertRaises(TypeError):
                    thing.get_property(name)


    def test_services(self):
        """An empty list is all that Python sees until the service has named them, and also if there are none."""
        for services in (), ('SSH', 'WEB'):
            self.open_tunnel(*services)
            end, events = self.start(SOURCE)
            self.assertEqual((end.get_service_ids(), end.props.service_ids), ([], []))
            self.assertFalse(end.get_service_ids_known())
            wait_for(lambda: events.named('connection-success'))
            self.assertEqual((end.get_service_ids(), end.props.service_ids), (list(services), list(services)))
            self.assertTrue(end.get_service_ids_known())
            self.stop(end)
            self.assertEqual(end.get_service_ids(), list(services))
            self.assertFalse(end.get_service_ids_known())


class Signals(TestCase):
    def test_connection(self):
        self.open_tunnel('A', 'B')
        self.connect_both()
        self.assertEqual(self.events, [('connection-success', ['A', 'B'])])
        self.assertEqual(self.source.get_service_ids(), ['A', 'B'])
        self.assertTrue(self.source.props.channel_id)
        self.stop(self.source)
        self.assertEqual(self.events[1:], [('connection-shutdown', None), ('stopped',)])

    def test_messages(self):
        self.connect_both()
        info = self.start_stream()
        self.assertEqual((info.get_service_id(), info.get_connection_id(), info.get_version()),
                         ('SSH', 1, Ist.ProtocolVersion.V3))
        self.assertGreater(info.get_stream_id(), 0)
        there, = self.seen.named('stream-started')[0]
        self.assertEqual((there.get_service_id(), there.get_stream_id(), there.get_connection_id()),
                         ('SSH', info.get_stream_id(), 1))
        for i in range(100):
            self.source.send_message(message(f'number {i}'))
        received = wait_for(lambda: len(self.seen.named('message-received')) == 100
                            and self.seen.named('message-received'))
        wait_for(lambda: len(self.events.named('send-data-complete')) == 100)
        gc.collect()
        # Kept after their signal, they stay what they were.
        self.assertEqual([text_of(got) for got, in received], [f'number {i}' for i in range(100)])
        self.assertEqual([(text_of(sent), error) for sent, error in self.events.named('send-data-complete')],
                         [(f'number {i}', None) for i in range(100)])
        got, = received[0]
        self.assertEqual((got.get_message_type(), got.get_service_id(), got.get_stream_id(), got.get_connection_id()),
                         (Ist.MessageType.DATA, 'SSH', info.get_stream_id(), 1))
        self.assertEqual((self.source.props.messages_out, self.destination.props.messages_in), (100, 100))
        self.assertEqual(self.source.props.bytes_out, self.destination.props.bytes_in)

    def test_send_async(self):
        self.connect_both()
        self.start_stream()
        results = []
        whole = bytes(range(256)) * 2048
        self.source.send_message_async(Ist.Message.new(None, GLib.Bytes.new(whole)), None,
                                       lambda tunnel, result: results.append(tunnel.send_message_finish(result)))
        wait_for(lambda: results)
        self.assertEqual(results, [True])
        wait_for(lambda: self.destination.props.bytes_in == len(whole))
        received = self.seen.named('message-received')
        self.assertGreater(len(received), 1)
        self.assertEqual(b''.join(got.get_payload().get_data() for got, in received), whole)
        self.assertEqual(len(self.events.named('send-data-complete')), 1)

    def test_send_async_fails(self):
        def send(a_message, cancellable):
            errors = []

            def done(tunnel, result):
                with self.assertRaises(GLib.Error) as caught:
                    tunnel.send_message_finish(result)
                errors.append(caught.exception)

            self.source.send_message_async(a_message, cancellable, done)
            return wait_for(lambda: errors)[0]

        self.connect_both()
        self.start_stream()
        self.assert_error(send(message('x', 'NONE'), None), Ist.TunnelError.NO_SUCH_SERVICE)
        cancelled = Gio.Cancellable()
        cancelled.cancel()
        self.assertTrue(send(message('x'), cancelled).matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED))
        self.assertEqual(self.events.named('send-data-complete'), [])

    def test_stream_replaced(self):
        self.connect_both()
        first = self.start_stream()
        second = self.start_stream()
        self.assertGreater(second.get_stream_id(), first.get_stream_id())
        for events in self.events, self.seen:
            info, error = wait_for(lambda: events.named('stream-stopped'))[0]
            self.assertEqual(info.get_stream_id(), first.get_stream_id())
            self.assert_error(error, Ist.TunnelError.STREAM_REPLACED)
        names = [name for name, *_ in self.seen]
        self.assertEqual(names, ['connection-success', 'stream-started', 'connection-reset', 'stream-stopped',
                                 'stream-started'])

    def test_stream_reset(self):
        self.connect_both()
        self.start_stream()
        self.source.reset_stream('SSH')
        self.assertIsNone(self.events.named('stream-stopped')[0][1])
        _info, error = wait_for(lambda: self.seen.named('stream-stopped'))[0]
        self.assert_error(error, Ist.TunnelError.STREAM_RESET)

    def test_connections(self):
        self.connect_both()
        self.start_stream()
        info = self.source.start_connection(None)
        self.assertEqual(info.get_connection_id(), 2)
        there, = wait_for(lambda: self.seen.named('connection-started'))[0]
        self.assertEqual((there.get_service_id(), there.get_connection_id()), ('SSH', 2))
        self.destination.send_message(message('on two', connection=2))
        got, = wait_for(lambda: self.events.named('message-received'))[0]
        self.assertEqual((text_of(got), got.get_connection_id()), ('on two', 2))
        self.destination.reset_connection('SSH', 2)
        info, error = wait_for(lambda: self.events.named('connection-reset'))[0]
        self.assertEqual(info.get_connection_id(), 2)
        self.assert_error(error, Ist.TunnelError.CONNECTION_RESET)
        self.assertIsNone(self.seen.named('connection-reset')[0][1])
        self.fails(Ist.TunnelError.NO_SUCH_CONNECTION, self.source.send_message, message('late', connection=2))
        self.source.send_message(message('on one', connection=1))
        wait_for(lambda: self.seen.named('message-received'))

    def test_session_reset(self):
        self.connect_both()
        self.start_stream()
        self.tunnel.reset_session()
        for events in self.events, self.seen:
            wait_for(lambda: events.named('session-reset'))
            _info, error = events.named('stream-stopped')[0]
            self.assert_error(error, Ist.TunnelError.SESSION_RESET)
        self.start_stream()

    def test_lost_and_back(self):
        self.connect_both()
        self.start_stream()
        for lose in (lambda: self.tunnel.close_side(SOURCE, 1001, 'going away'),
                     lambda: self.tunnel.drop_side(SOURCE)):
            del self.events[:]
            self.assertTrue(lose())
            error, = wait_for(lambda: self.events.named('connection-shutdown'))[0]
            self.assert_error(error, Ist.TunnelError.DISCONNECTED)
            self.assertFalse(Ist.TunnelError.is_final(error))
            wait_for(lambda: self.events.named('connection-success'))
        self.assertEqual(self.source.props.n_reconnects, 2)
        self.assert_error(self.source.get_last_error(), Ist.TunnelError.DISCONNECTED)
        self.assert_error(self.source.props.last_error, Ist.TunnelError.DISCONNECTED)
        self.start_stream()

    def test_replaced_by_another_client(self):
        self.connect_both()
        self.tunnel.close_side(SOURCE, 1008, 'replaced')
        wait_for(lambda: self.events.named('stopped'))
        error, = self.events.named('connection-shutdown')[0]
        self.assert_error(error, Ist.TunnelError.CLIENT_REPLACED)
        self.assertTrue(Ist.TunnelError.is_final(error))
        self.assertEqual(self.source.props.state, Ist.TunnelState.STOPPED)

    def test_refused(self):
        for status, code, final in ((403, Ist.TunnelError.TOKEN_REJECTED, True), (503, Ist.TunnelError.SERVICE_UNAVAILABLE, False)):
            self.open_tunnel('SSH')
            self.tunnel.refuse_handshakes(SOURCE, 1, status, 'Invalid access token: for the test')
            _end, events = self.start(SOURCE)
            error, will_retry = wait_for(lambda: events.named('connection-failure'))[0]
            self.assert_error(error, code)
            self.assertIn(str(status), error.message)
            self.assertNotIn(self.token(SOURCE), error.message)
            self.assertIs(will_retry, not final)
            wait_for(lambda: events.named('stopped' if final else 'connection-success'))
            self.assertEqual(len(events.named('connection-failure')), 1)

    def test_untrusted_certificate(self):
        service = IstEmulator.Service()
        service.start()
        self.addCleanup(service.stop)
        tunnel = service.open_tunnel(None, None, 0)
        settings = {'access_token': tunnel.get_source_access_token(), 'endpoint': service.get_endpoint()}
        _end, events = self.start(SOURCE, reconnect_policy=Ist.ReconnectPolicy.NEVER, **settings)
        error, _will_retry = wait_for(lambda: events.named('connection-failure'))[0]
        self.assert_error(error, Ist.TunnelError.TLS)
        with tempfile.NamedTemporaryFile() as ca_file:
            service.write_ca_file(ca_file.name)
            _end, events = self.start(SOURCE, ca_file=ca_file.name, **settings)
            self.assertEqual(wait_for(lambda: events.named('connection-success')), [([],)])


class Awaiting(TestCase):
    """Without asyncio, which this PyGObject knows nothing of."""

    def test_start_and_stop(self):
        end = self.make(SOURCE)
        events = Events(end)

        async def live():
            self.assertTrue(await Call(end.start_async, end.start_finish))
            self.assertEqual((end.props.state, events.named('connection-success')),
                             (Ist.TunnelState.CONNECTED, [(['SSH'],)]))
            self.assertTrue(await Call(end.stop_async, end.stop_finish))
            self.assertEqual((end.props.state, events[-1]), (Ist.TunnelState.STOPPED, ('stopped',)))

        run(live())

    def test_failure(self):
        self.tunnel.refuse_handshakes(SOURCE, 1, 403, 'go away')
        end = self.make(SOURCE)

        async def live():
            with self.assertRaises(GLib.Error) as raised:
                await Call(end.start_async, end.start_finish)
            self.assertTrue(raised.exception.matches(Ist.tunnel_error_quark(), Ist.TunnelError.TOKEN_REJECTED))
            await Call(end.start_async, end.start_finish)
            await Call(end.stop_async, end.stop_finish)

        run(live())

    def test_cancelled(self):
        end = self.make(SOURCE)
        cancellable = Gio.Cancellable()
        results = []
        end.start_async(cancellable, lambda _source, result: results.append(result))
        cancellable.cancel()
        with self.assertRaises(GLib.Error) as raised:
            end.start_finish(wait_for(lambda: results)[0])
        self.assertTrue(raised.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED))
        wait_for(lambda: end.props.state == Ist.TunnelState.STOPPED)


class Service(unittest.TestCase):
    def setUp(self):
        self.service = IstEmulator.Service(plain=True)
        self.addCleanup(self.service.stop)

    def test_start_and_stop(self):
        service = self.service

        async def live():
            self.assertTrue(await Call(service.start_async, service.start_finish))
            self.assertEqual(service.props.state, IstEmulator.ServiceState.LISTENING)
            with self.assertRaises(GLib.Error) as raised:
                await Call(service.start_async, service.start_finish)
            self.assertTrue(raised.exception.matches(Ist.tunnel_error_quark(), Ist.TunnelError.INVALID_STATE))
            self.assertTrue(await Call(service.stop_async, service.stop_finish))
            self.assertEqual(service.props.state, IstEmulator.ServiceState.STOPPED)

        run(live())

    def test_list(self):
        self.assertEqual(len(self.service), 0)
        tunnels = [self.service.open_tunnel(['SSH'], None, 0) for _ in range(3)]
        self.assertEqual(list(self.service), tunnels)
        self.service.close_tunnel(tunnels[1].props.id)
        self.assertEqual(list(self.service), [tunnels[0], tunnels[2]])


class Errors(TestCase):
    def test_not_connected(self):
        end = self.make(SOURCE)
        self.fails(Ist.TunnelError.NOT_CONNECTED, end.send_message, message('x'))
        self.fails(Ist.TunnelError.NOT_CONNECTED, end.start_stream, None)

    def test_of_calls(self):
        self.connect_both()
        self.fails(Ist.TunnelError.INVALID_STATE, self.source.start)
        self.fails(Ist.TunnelError.INVALID_STATE, self.destination.start_stream, 'SSH')
        self.fails(Ist.TunnelError.NO_SUCH_SERVICE, self.source.start_stream, 'NONE')
        self.fails(Ist.TunnelError.NO_SUCH_STREAM, self.source.send_message, message('x'))
        self.fails(Ist.TunnelError.NO_SUCH_STREAM, self.source.reset_stream, None)
        self.start_stream()
        big = Ist.Message.new('SSH', GLib.Bytes.new(bytes(2 * self.source.props.send_buffer_size)))
        self.fails(Ist.TunnelError.TOO_LARGE, self.source.send_message, big)
        control = Ist.Message.new_full(Ist.MessageType.STREAM_RESET, 'SSH', 1, 1, False, None)
        self.fails(Ist.TunnelError.INVALID_SETTING, self.source.send_message, control)

    def test_queue_full_and_cut_off(self):
        self.connect_both()
        self.start_stream()
        self.tunnel.set_stalled(SOURCE, True)
        block = Ist.Message.new('SSH', GLib.Bytes.new(bytes(60000)))
        accepted = 0
        try:
            while accepted < 100000:
                self.source.send_message(block)
                accepted += 1
        except GLib.Error as error:
            self.assert_error(error, Ist.TunnelError.WOULD_BLOCK)
        self.assertGreater(self.source.props.queued_bytes, 60000)
        self.stop(self.source)
        completed = self.events.named('send-data-complete')
        self.assertEqual(len(completed), accepted)
        self.assert_error(completed[-1][1], Ist.TunnelError.STOPPED)


class Lifetime(TestCase):
    def gone(self, reference):
        def collected():
            gc.collect()
            return reference() is None
        wait_for(collected)

    def test_never_started(self):
        end = self.make(SOURCE)
        reference = weakref.ref(end)
        del end
        self.gone(reference)

    def test_used(self):
        ends = self.make(DESTINATION), self.make(SOURCE)
        finalized = []
        for end in ends:
            end.weak_ref(finalized.append, True)
        events = [Events(end) for end in ends]
        for end, told in zip(ends, events):
            end.start()
            wait_for(lambda: told.named('connection-success'))
        ends[1].start_stream('SSH')
        done = []
        ends[1].send_message_async(message('x'), None, lambda *_: done.append(True))
        wait_for(lambda: done and events[0].named('message-received'))
        for end in ends:
            end.stop()
        wait_for(lambda: all(told.named('stopped') for told in events))
        del ends, end, events, told
        gc.collect()
        wait_for(lambda: gc.collect() is not None and len(finalized) == 2)

    def test_dropped_while_connected(self):
        end = self.make(SOURCE)
        events = Events(end)
        end.start()
        wait_for(lambda: events.named('connection-success'))
        finalized = []
        end.weak_ref(finalized.append, True)
        del end
        gc.collect()
        self.assertEqual(finalized, [True])
        wait_for(lambda: not self.tunnel.is_connected(SOURCE))
        self.assertEqual(len(events), 1)

    def test_dropped_in_a_handler(self):
        end = self.make(SOURCE)
        holder = [end]
        finalized = []
        end.weak_ref(finalized.append, True)
        end.connect('connection-success', lambda *_: holder.clear())
        end.start()
        del end
        wait_for(lambda: not holder)
        wait_for(lambda: gc.collect() is not None and finalized)

    def test_kept_error(self):
        """It has the frames of its way here, and they have the tunnel, unless they are taken off."""
        def fail():
            end = Ist.SecureTunnel(region='eu-west-1')
            try:
                end.start()
            except GLib.Error as error:
                return weakref.ref(end), error

        reference, error = fail()
        gc.collect()
        self.assertIsNotNone(reference())
        error.with_traceback(None)
        self.gone(reference)
        self.assertIn('access-token', error.message)

    def test_builder(self):
        builder = Ist.SecureTunnelBuilder(region='eu-west-1', access_token='token')
        references = weakref.ref(builder), weakref.ref(builder.build())
        del builder
        for reference in references:
            self.gone(reference)


if __name__ == '__main__':
    tap.main()
