# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Messages, and the stream of bytes that they are sent as."""

import struct

from securetunneling_pb2 import Message

DATA = Message.DATA
STREAM_START = Message.STREAM_START
STREAM_RESET = Message.STREAM_RESET
SESSION_RESET = Message.SESSION_RESET
SERVICE_IDS = Message.SERVICE_IDS
CONNECTION_START = Message.CONNECTION_START
CONNECTION_RESET = Message.CONNECTION_RESET

STARTS = (STREAM_START, CONNECTION_START)
RESETS = (STREAM_RESET, CONNECTION_RESET)

MAX_PAYLOAD = 64512


def make(message_type, service='', stream=0, connection=0, payload=b'', ignorable=False):
    return Message(type=message_type, serviceId=service, streamId=stream, connectionId=connection, payload=payload,
                   ignorable=ignorable)


def service_ids(services):
    return Message(type=SERVICE_IDS, availableServiceIds=services)


def encode(*messages):
    """For one frame."""
    bodies = (message.SerializeToString() for message in messages)
    return b''.join(struct.pack('>H', len(body)) + body for body in bodies)


def take(buffer):
    """The first message of a bytearray, which loses it; None while it is not whole."""
    if len(buffer) < 2:
        return None
    end = 2 + struct.unpack_from('>H', buffer)[0]
    if len(buffer) < end:
        return None
    message = Message.FromString(bytes(buffer[2:end]))
    del buffer[:end]
    return message


def pieces(data):
    for start in range(0, len(data), MAX_PAYLOAD):
        yield data[start:start + MAX_PAYLOAD]


def type_name(message):
    return Message.Type.Name(message.type) if message.type in Message.Type.values() else f'type {message.type}'


def describe(message):
    text = f'{type_name(message)} {message.serviceId or "-"} {message.streamId}/{message.connectionId}'
    return f'{text} {len(message.payload)} bytes' if message.type == DATA else text
