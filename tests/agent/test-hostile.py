# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Brokers and notifications that mean no good: the device goes on, and takes no
more memory than it has to. The brokers are spoken by hand, for mosquitto is too
honest."""

import json
import os
import struct
import threading
import time

import device
import figures
import programs
import tap
from sockets import read_exactly
from waiting import PATIENCE

AGENT = os.environ['IST_AGENT']


def packet(kind, body):
    """An MQTT control packet (3.1.1, 2.2)."""
    length = b''
    n = len(body)
    while True:
        n, digit = divmod(n, 128)
        length += bytes([digit | (128 if n else 0)])
        if not n:
            return bytes([kind]) + length + body


def publish(payload, qos=1, number=1):
    topic = device.TOPIC.encode()
    return packet(0x30 | qos << 1, struct.pack('>H', len(topic)) + topic + struct.pack('>H', number) + payload)


def read_packet(connection):
    kind = connection.recv(1)
    if not kind:
        raise ConnectionError
    length = shift = 0
    while True:
        digit = connection.recv(1)[0]
        length |= (digit & 127) << shift
        shift += 7
        if digit < 128:
            break
    return kind[0], read_exactly(connection, length)


class Hostile(programs.Case):
    def start_broker(self, script):
        """Calls script(connection) in a thread when a client has subscribed."""
        self.ended = threading.Event()

        def serve(connection):
            try:
                read_packet(connection)
                connection.sendall(packet(0x20, b'\0\0'))
                _, body = read_packet(connection)
                connection.sendall(packet(0x90, body[:2] + b'\1'))
                script(connection)
            except OSError:
                self.ended.set()

        return self.serve_tcp(serve)

    def start_agent(self, port, *lines, wait=True, **options):
        with open(self.path('agent.conf'), 'w') as f:
            f.write('\n'.join(['[agent]', f'thing={device.THING}', f'broker=mqtt://127.0.0.1:{port}', *lines,
                               '[services]', 'SSH=127.0.0.1:9', '']))
        self.agent = self.spawn('agent', [AGENT, '--config', self.path('agent.conf')], figures.frugal(),
                                **options)
        if wait:
            self.agent.expect('Subscribed')

    def expect_disconnect(self):
        self.assertTrue(self.ended.wait(PATIENCE), 'the agent goes on listening')
        self.assertIsNone(self.agent.poll())
        self.assertLess(figures.memory(self.agent.pid, 'VmHWM'), 60)
        self.agent.expect('Subscribed')

    def send_for_ever(self, data):
        def script(connection):
            connection.settimeout(PATIENCE)
            while True:
                connection.sendall(data)
        return script

    def test_endless_packet(self):
        """As fast as networks are: libmosquitto reads as long as there is something."""
        def script(connection):
            connection.settimeout(PATIENCE)
            connection.sendall(publish(b'')[:1] + b'\xff\xff\xff\x7f')
            while True:
                connection.sendall(bytes(65536))
                time.sleep(0.001)
        self.start_agent(self.start_broker(script))
        self.expect_disconnect()

    def test_accepted_again_and_again(self):
        self.start_agent(self.start_broker(self.send_for_ever(packet(0x20, b'\0\0') * 1000)))
        self.expect_disconnect()

    def test_what_is_never_finished(self):
        """QoS 2, without the word that releases it."""
        number = iter(range(1, 60000))

        def script(connection):
            while True:
                connection.sendall(publish(bytes(100000), 2, next(number)))
        self.start_agent(self.start_broker(script))
        self.expect_disconnect()

    def test_other_topics(self):
        message = packet(0x30, struct.pack('>H', 5) + b'other' + bytes(60000))
        self.start_agent(self.start_broker(self.send_for_ever(message)))
        self.expect_disconnect()

    def test_tokens_that_nobody_takes(self):
        """A good notification behind thousands of bad ones is served."""
        self.start_emulator()
        token = self.tunnel['destinationAccessToken']

        def script(connection):
            for i in range(20000):
                bad = device.notification(f'no-such-token-{i}', ['SSH'], padding='x' * 300)
                connection.sendall(publish(json.dumps(bad).encode(), 1, i % 60000 + 1))
            connection.sendall(publish(json.dumps(device.notification(token, ['SSH'])).encode()))
            while True:
                read_packet(connection)
        port = self.start_broker(script)
        self.start_agent(port, f'endpoint={self.info["endpoint"]}', f'endpoint-ca={self.info["caFile"]}')
        self.agent.expect(': connected')
        self.assertLess(figures.memory(self.agent.pid, 'VmHWM'), 80)

    def test_a_token_with_a_nul_is_none(self):
        def script(connection):
            connection.sendall(publish(json.dumps(device.notification('half\0of it', ['SSH'])).encode()))
            time.sleep(PATIENCE)
        self.start_agent(self.start_broker(script))
        self.agent.expect('is not JSON')
        self.assertNotIn('half', self.log_of('agent'))

    def test_no_descriptors_at_the_start(self):
        """What opens first must not get the number of standard error, and the log with it."""
        def script(connection):
            connection.settimeout(2)
            try:
                while data := connection.recv(65536):
                    received.append(data)
            except TimeoutError:
                done.set()
        received = []
        done = threading.Event()
        port = self.start_broker(script)
        self.start_agent(port, wait=False, preexec_fn=lambda: os.closerange(0, 3))
        self.assertTrue(done.wait(PATIENCE))
        self.assertEqual(received, [])
        self.assertEqual(os.readlink(f'/proc/{self.agent.pid}/fd/2'), '/dev/null')

    def test_nobody_reads_the_log(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, writer)
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, bytes(4096))
        except BlockingIOError:
            os.set_blocking(writer, True)
        subscribed = threading.Event()

        def script(connection):
            subscribed.set()
            while True:
                read_packet(connection)
        self.start_agent(self.start_broker(script), wait=False, stderr=writer)
        self.assertTrue(subscribed.wait(PATIENCE))
        self.agent.terminate()
        self.assertEqual(self.agent.wait(20), 0)

    def test_files_that_are_none(self):
        os.mkfifo(self.path('fifo'))
        child = self.spawn('fifo', [AGENT, '--config', self.path('fifo')])
        self.assertEqual(child.wait(PATIENCE), 66)
        self.assertIn('not a regular file', self.log_of('fifo'))
        child = self.spawn('zero', [AGENT, '--config', '/dev/zero'])
        self.assertEqual(child.wait(PATIENCE), 66)


if __name__ == '__main__':
    tap.main()
