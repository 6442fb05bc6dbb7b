/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator.h>
#include <ist/ist.h>
#include <libsoup/soup.h>

#include "ist/protocol/ist-wire-private.h"
#include "test-server.h"

G_BEGIN_DECLS

/* A bare client of the emulator, made of a socket and libsoup's WebSocket, so
 * that it can also say what libist never would. */
typedef struct
{
  GIOStream *stream;
  char *answer; /* to the handshake: status line and headers */
  SoupWebsocketConnection *websocket;
  IstWireDecoder *decoder;
  GPtrArray *messages;  /* of IstMessage */
  GArray *frames;       /* of gsize: the sizes of the frames that came */
  gsize n_payload;      /* bytes in all DATA messages */
  gboolean keep_messages;
  gboolean closed;
  guint16 close_code;
  char *close_reason;
} Client;

/* Long enough for what is under way on loopback, in milliseconds. */
#define SETTLE_TIME 20

GIOStream *client_connect (IstEmulatorService *service,
                           GTlsDatabase *database,
                           const char *host,
                           GError **error);

/* Sends @request and returns status line and headers of the answer, and the
 * body if there is one. */
char *client_exchange (GIOStream *stream,
                       const char *request);

/* @tunnel's token and whatever else is needed; @headers: further ones, nullable. */
char *client_make_request (IstEmulatorTunnel *tunnel,
                           IstMode mode,
                           const char *headers);

/* A WebSocket without TLS. */
Client *client_new (IstEmulatorService *service,
                    IstEmulatorTunnel *tunnel,
                    IstMode mode,
                    const char *client_token);
void client_free (Client *self);

void client_send_bytes (Client *self,
                        gconstpointer data,
                        gsize length);
void client_send (Client *self,
                  IstMessageType type,
                  const char *service_id,
                  int stream_id,
                  guint connection_id,
                  const char *payload);

/* Waits for the next message and takes it. */
IstMessage *client_take (Client *self);
void client_expect (Client *self,
                    IstMessageType type,
                    const char *service_id,
                    int stream_id,
                    guint connection_id,
                    const char *payload);
void client_expect_services (Client *self,
                             const char *const *services);
void client_expect_closed (Client *self,
                           guint16 code,
                           const char *reason);

GBytes *client_encode (IstMessageType type,
                       const char *service_id,
                       int stream_id,
                       guint connection_id,
                       GBytes *payload);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Client, client_free)

G_END_DECLS
