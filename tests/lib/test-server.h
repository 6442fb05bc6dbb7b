/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include "test-util.h"

G_BEGIN_DECLS

/* For localhost and @address. @ca_pem: (out) */
GTlsCertificate *test_certificate_new (GInetAddress *address,
                                       char **ca_pem);

/* The largest frame that the service sends or takes. */
#define TEST_MAX_FRAME 131076

enum
{
  TEST_CONTINUATION = 0x0,
  TEST_TEXT = 0x1,
  TEST_BINARY = 0x2,
  TEST_CLOSE = 0x8,
  TEST_PING = 0x9,
  TEST_PONG = 0xa,
  TEST_FIN = 0x80,
};

/* One end of a byte stream, spoken by hand: blocking, and with a notion of
 * WebSocket and tunnel messages of its own, so that what it says can differ from
 * what the library would. */
typedef struct
{
  GIOStream *stream;
  GSocket *socket;
  GCancellable *cancellable;
  guint number;   /* which connection of the server this is, from 0 */
  gboolean masks; /* it plays a client */
  gboolean closing; /* it has sent a close frame */
  char *request;  /* the head of the request that test_peer_read_request() read */
} TestPeer;

TestPeer *test_peer_new (GIOStream *stream,
                         GSocket *socket);
void test_peer_free (TestPeer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestPeer, test_peer_free)

/* These return FALSE (or NULL) when the other side has gone. */
gboolean test_peer_write (TestPeer *self,
                          gconstpointer data,
                          gsize length);
gboolean test_peer_say (TestPeer *self,
                        const char *text);
gboolean test_peer_read (TestPeer *self,
                         gpointer data,
                         gsize length);
gboolean test_peer_read_request (TestPeer *self);
/* The value of a header of the request, NULL if there is none. */
char *test_peer_dup_header (TestPeer *self,
                            const char *name);
/* Reads the request and answers 101. @extra: (nullable): header lines */
gboolean test_peer_upgrade (TestPeer *self,
                            const char *extra);
/* The answer alone, to the request that was read last. */
gboolean test_peer_accept (TestPeer *self,
                           const char *extra);

/* @head: TEST_FIN and an opcode. */
gboolean test_peer_send_frame (TestPeer *self,
                               guint head,
                               gconstpointer data,
                               gsize length);
gboolean test_peer_send_close (TestPeer *self,
                               guint code,
                               const char *reason);
/* Of a frame with FIN; checks the mask. */
GBytes *test_peer_read_frame (TestPeer *self,
                              guint *opcode);
/* Answers close, skips everything else, until the other side has gone. */
void test_peer_linger (TestPeer *self);
/* Waits, without reading, until the other side or the server has gone. */
void test_peer_sleep (TestPeer *self,
                      guint milliseconds);
/* Ends the connection with a TCP reset. */
void test_peer_abort (TestPeer *self);

/* A server on a free port of 127.0.0.1, in a thread of its own, that serves one
 * connection at a time by a script. */
typedef struct _TestServer TestServer;

typedef void (*TestScript) (TestServer *server,
                            TestPeer *peer,
                            gpointer user_data);

typedef enum
{
  TEST_SERVER_PLAIN,
  TEST_SERVER_TLS,
  TEST_SERVER_TLS_OTHER_HOST, /* on 127.0.0.2, for which its certificate is not */
  TEST_SERVER_SILENT,         /* listens, but never accepts */
} TestServerKind;

TestServer *test_server_new (TestServerKind kind,
                             TestScript script,
                             gpointer user_data);
void test_server_free (TestServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestServer, test_server_free)

guint test_server_get_port (TestServer *self);
/* ws://127.0.0.1:PORT or wss://localhost:PORT */
const char *test_server_get_endpoint (TestServer *self);
/* With the certificate of the authority, as long as the server lives. */
const char *test_server_get_ca_file (TestServer *self);
guint test_server_get_connections (TestServer *self);
/* Scripts say how far they are, tests wait for it. */
void test_server_set_step (TestServer *self,
                           guint step);
guint test_server_get_step (TestServer *self);
/* Waits, in a script, until the test has said so; FALSE when the server is freed. */
gboolean test_server_await_step (TestServer *self,
                                 guint step);
/* Scripts hand over whatever they like; the test frees it. */
void test_server_push (TestServer *self,
                       gpointer item);
gpointer test_server_pop (TestServer *self); /* (nullable) */

/* Tunnel messages, coded without the library's help. */
typedef struct
{
  guint type;
  int stream;
  gboolean ignorable;
  GBytes *payload; /* nullable */
  char *service;   /* nullable */
  GPtrArray *services;
  guint connection;
} TestMessage;

GBytes *test_message_encode (guint type,
                             int stream,
                             const char *service,
                             guint connection,
                             gconstpointer payload,
                             gsize length);
GBytes *test_services_encode (const char *const *services);
/* Decodes the first message of a byte stream and removes it; NULL if there is none yet. */
TestMessage *test_message_decode (GByteArray *stream);
void test_message_free (TestMessage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestMessage, test_message_free)

/* In a frame of its own. */
gboolean test_peer_send_bytes (TestPeer *self,
                               GBytes *bytes);
gboolean test_peer_send_message (TestPeer *self,
                                 guint type,
                                 int stream,
                                 const char *service,
                                 guint connection,
                                 const char *payload);
gboolean test_peer_send_services (TestPeer *self,
                                  const char *const *services);
/* The next tunnel message; answers pings on the way. @stream: what was read before */
TestMessage *test_peer_read_message (TestPeer *self,
                                     GByteArray *stream);

G_END_DECLS
