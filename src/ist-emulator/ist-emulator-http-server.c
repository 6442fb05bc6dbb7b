/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-http-server-private.h"

#include <string.h>

#include <libsoup/soup.h>

#include "common/ist-names-private.h"
#include "ist-emulator/ist-emulator-handshake-private.h"
#include "ist-emulator/ist-emulator-listener-private.h"
#include "ist-emulator/ist-emulator-operation-private.h"
#include "ist-emulator/ist-emulator-tunnel-private.h"

#define BODY_KEY "ist-emulator-body"
#define TIMER_KEY "ist-emulator-timer"

struct _IstEmulatorHttpServer
{
  grefcount ref_count; /* the owner's, and one for each WebSocket, from its handshake on */
  GMainContext *context;
  const IstEmulatorHttpServerDelegate *delegate;
  GObject *owner; /* NULL once it has freed the server */
  IstEmulatorRegistry *registry;
  IstEmulatorControl *control;
  GTlsCertificate *certificate;  /* nullable */
  IstEmulatorListener *listener; /* NULL once it is closed */
  SoupServer *soup_server;
  guint n_websockets;
};

/* An accepted handshake whose answer is being written. */
typedef struct
{
  IstEmulatorHttpServer *server;
  IstEmulatorTunnel *tunnel;
  IstMode mode;
  guint generation; /* of the tunnel's side */
} Upgrade;

/* What has come of a request's body. */
typedef struct
{
  GByteArray *bytes;
  gboolean too_long;
} Body;

static IstEmulatorHttpServer *
http_server_ref (IstEmulatorHttpServer *self)
{
  g_ref_count_inc (&self->ref_count);
  return self;
}

static void
http_server_unref (IstEmulatorHttpServer *self)
{
  if (!g_ref_count_dec (&self->ref_count))
    return;

  g_clear_object (&self->soup_server);
  g_clear_object (&self->certificate);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstEmulatorHttpServer, http_server_unref)

/* Handshakes */

static void
upgrade_free (gpointer data,
              GClosure *closure)
{
  Upgrade *upgrade = data;

  http_server_unref (upgrade->server);
  g_object_unref (upgrade->tunnel);
  g_free (upgrade);
}

static void
on_websocket_gone (gpointer user_data)
{
  IstEmulatorHttpServer *self = user_data;

  self->n_websockets--;
  if (self->n_websockets == 0 && self->owner != NULL)
    self->delegate->emptied (self->owner);
  http_server_unref (self);
}

static void
on_answer_written (SoupServerMessage *message,
                   gpointer user_data)
{
  Upgrade *upgrade = user_data;
  IstEmulatorHttpServer *self = upgrade->server;
  g_autoptr (GUri) uri = g_uri_ref (soup_server_message_get_uri (message));
  GSocketAddress *remote = soup_server_message_get_remote_address (message);
  g_autoptr (GIOStream) stream = NULL;

  if (self->listener == NULL)
    return;

  ist_emulator_listener_note_upgrade (self->listener, remote);
  stream = soup_server_message_steal_connection (message);
  self->n_websockets++;
  ist_emulator_tunnel_attach (upgrade->tunnel, upgrade->mode, upgrade->generation, stream, uri,
                              on_websocket_gone, http_server_ref (self));
}

static void
http_server_refuse (IstEmulatorHttpServer *self,
                    SoupServerMessage *message,
                    guint status,
                    const char *reason)
{
  ist_emulator_handshake_refuse (message, status, reason);
  g_debug ("Handshake refused with %u: %s", status, reason);
  self->delegate->refused (status, reason, self->owner);
}

static void
http_server_handle_tunnel (IstEmulatorHttpServer *self,
                           SoupServerMessage *message)
{
  g_auto (IstEmulatorHandshake) handshake = { IST_MODE_SOURCE, NULL, NULL };
  g_autoptr (GError) error = NULL;
  IstEmulatorTunnel *tunnel;
  IstMode side;
  Upgrade *upgrade;

  if (!ist_emulator_handshake_parse (&handshake, message, &error))
    {
      http_server_refuse (self, message, SOUP_STATUS_BAD_REQUEST, error->message);
      return;
    }

  tunnel = ist_emulator_registry_find (self->registry, handshake.access_token, &side);
  if (tunnel != NULL)
    {
      g_autofree char *reason = NULL;
      guint status;

      if (ist_emulator_tunnel_take_refusal (tunnel, side, &status, &reason))
        {
          http_server_refuse (self, message, status, reason);
          return;
        }
    }

  if (!ist_emulator_registry_admit (self->registry, handshake.mode, handshake.access_token,
                                    handshake.client_token, &error))
    {
      http_server_refuse (self, message, SOUP_STATUS_FORBIDDEN, error->message);
      return;
    }

  if (!ist_emulator_handshake_accept (message, ist_emulator_tunnel_get_omit_subprotocol (tunnel, side)))
    return;

  upgrade = g_new0 (Upgrade, 1);
  upgrade->server = http_server_ref (self);
  upgrade->tunnel = g_object_ref (tunnel);
  upgrade->mode = handshake.mode;
  upgrade->generation = ist_emulator_tunnel_get_generation (tunnel, handshake.mode);
  g_signal_connect_data (message, "wrote-informational", G_CALLBACK (on_answer_written),
                         upgrade, upgrade_free, 0);
}

/* The control plane */

static void
body_free (gpointer data)
{
  Body *body = data;

  g_byte_array_unref (body->bytes);
  g_free (body);
}

static void
on_chunk (SoupServerMessage *message,
          GBytes *chunk,
          gpointer user_data)
{
  Body *body = user_data;
  gsize size;
  const guint8 *data = g_bytes_get_data (chunk, &size);

  if (body->bytes->len + size > IST_EMULATOR_CONTROL_MAX_REQUEST)
    body->too_long = TRUE;
  else if (!body->too_long)
    g_byte_array_append (body->bytes, data, size);
}

/* Before the body comes: libsoup would keep all of it. */
static void
on_headers (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer user_data)
{
  Body *body = g_new0 (Body, 1);

  body->bytes = g_byte_array_new ();
  g_object_set_data_full (G_OBJECT (message), BODY_KEY, body, body_free);
  soup_message_body_set_accumulate (soup_server_message_get_request_body (message), FALSE);
  g_signal_connect (message, "got-chunk", G_CALLBACK (on_chunk), body);
}

static void
timer_free (gpointer timer)
{
  g_source_destroy (timer);
  g_source_unref (timer);
}

static void
stop_timer (SoupServerMessage *message)
{
  g_object_set_data (G_OBJECT (message), TIMER_KEY, NULL);
}

static gboolean
on_answer_due (gpointer user_data)
{
  g_autoptr (SoupServerMessage) message = g_object_ref (user_data);

  stop_timer (message);
  soup_server_message_unpause (message);
  return G_SOURCE_REMOVE;
}

static gboolean
on_loss_due (gpointer user_data)
{
  g_autoptr (SoupServerMessage) message = g_object_ref (user_data);
  g_autoptr (GIOStream) stream = NULL;

  stop_timer (message);
  stream = soup_server_message_steal_connection (message);
  g_io_stream_close_async (stream, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  return G_SOURCE_REMOVE;
}

/* Not from inside libsoup, even if it is at once. */
static void
http_server_postpone (IstEmulatorHttpServer *self,
                      SoupServerMessage *message,
                      const IstEmulatorDelivery *delivery)
{
  GSource *timer = g_timeout_source_new (delivery->delay);

  soup_server_message_pause (message);
  g_source_set_callback (timer, delivery->is_lost ? on_loss_due : on_answer_due, message, NULL);
  g_source_attach (timer, self->context);
  g_object_set_data_full (G_OBJECT (message), TIMER_KEY, timer, timer_free);
  g_signal_connect (message, "disconnected", G_CALLBACK (stop_timer), NULL);
}

static void
http_server_handle_control (IstEmulatorHttpServer *self,
                            SoupServerMessage *message)
{
  Body *body = g_object_get_data (G_OBJECT (message), BODY_KEY);
  g_autoptr (GBytes) bytes = NULL;
  IstEmulatorDelivery delivery;

  if (!body->too_long)
    bytes = g_bytes_new_static (body->bytes->data, body->bytes->len);
  delivery = ist_emulator_control_handle (self->control, message, bytes);
  /* Whoever is told of a call may close the server. */
  if (self->listener != NULL && (delivery.is_lost || delivery.delay > 0))
    http_server_postpone (self, message, &delivery);
  /* libsoup keeps the message until the client's next one. */
  g_clear_pointer (&bytes, g_bytes_unref);
  g_object_set_data (G_OBJECT (message), BODY_KEY, NULL);
}

/* The server */

static gboolean
is_for_control (SoupServerMessage *message,
                const char *path)
{
  const char *method = soup_server_message_get_method (message);

  return (method == SOUP_METHOD_POST && strcmp (path, "/") == 0) ||
         (method == SOUP_METHOD_GET && ist_emulator_operation_lookup_path (path) != NULL);
}

/* Whoever hears of a tunnel or a refusal may drop the owner. */
static void
on_request (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer user_data)
{
  IstEmulatorHttpServer *self = user_data;
  GObject *owner = g_object_ref (self->owner);

  ist_emulator_listener_note_request (self->listener, soup_server_message_get_remote_address (message));
  if (strcmp (path, IST_TUNNEL_PATH) == 0)
    http_server_handle_tunnel (self, message);
  else if (is_for_control (message, path))
    http_server_handle_control (self, message);
  else
    http_server_refuse (self, message, SOUP_STATUS_BAD_REQUEST, "Invalid path");
  g_object_unref (owner);
}

static void
on_request_finished (SoupServer *server,
                     SoupServerMessage *message,
                     gpointer user_data)
{
  IstEmulatorHttpServer *self = user_data;

  ist_emulator_listener_note_answer (self->listener, soup_server_message_get_remote_address (message));
}

/* Nobody asks clients for certificates: without the authorities of the system,
 * which GTlsConnection loads if it is not told otherwise when it is made, the
 * process is half as large. */
static GIOStream *
http_server_make_tls_connection (IstEmulatorHttpServer *self,
                                 GSocketConnection *base,
                                 GError **error)
{
  GType type = g_tls_backend_get_server_connection_type (g_tls_backend_get_default ());

  return g_initable_new (type, NULL, error,
                         "base-io-stream", base,
                         "certificate", self->certificate,
                         "database", NULL,
                         NULL);
}

/* Accepted by us, since SoupServer's own listening leaks in libsoup 3.2 (each socket
 * has a reference to itself), and knows no bounds. */
static void
on_incoming (GSocketConnection *connection,
             GSocketAddress *local,
             GSocketAddress *remote,
             gpointer user_data)
{
  /* A request that is there already is dealt with inside. */
  g_autoptr (IstEmulatorHttpServer) self = http_server_ref (user_data);
  g_autoptr (GIOStream) stream = NULL;
  g_autoptr (GError) error = NULL;

  if (self->certificate == NULL)
    stream = G_IO_STREAM (g_object_ref (connection));
  else
    stream = http_server_make_tls_connection (self, connection, &error);
  /* libsoup goes on in the thread-default context of the moment. */
  g_main_context_push_thread_default (self->context);
  if (stream == NULL || !soup_server_accept_iostream (self->soup_server, stream, local, remote, &error))
    g_warning ("Could not serve a connection: %s", error->message);
  g_main_context_pop_thread_default (self->context);
}

IstEmulatorHttpServer *
ist_emulator_http_server_new (GSocketAddress *address,
                              GTlsCertificate *certificate,
                              guint max_per_address,
                              IstEmulatorRegistry *registry,
                              IstEmulatorControl *control,
                              const IstEmulatorHttpServerDelegate *delegate,
                              gpointer owner,
                              GError **error)
{
  IstEmulatorHttpServer *self = g_new0 (IstEmulatorHttpServer, 1);

  g_ref_count_init (&self->ref_count);
  self->listener = ist_emulator_listener_new (address, certificate != NULL, max_per_address, on_incoming, self,
                                              error);
  if (self->listener == NULL)
    {
      http_server_unref (self);
      return NULL;
    }

  self->context = g_main_context_ref_thread_default ();
  self->delegate = delegate;
  self->owner = owner;
  self->registry = registry;
  self->control = control;
  g_set_object (&self->certificate, certificate);
  self->soup_server = g_object_new (SOUP_TYPE_SERVER, "server-header", "ist-emulator", NULL);
  soup_server_add_early_handler (self->soup_server, NULL, on_headers, NULL, NULL);
  soup_server_add_handler (self->soup_server, NULL, on_request, self, NULL);
  g_signal_connect (self->soup_server, "request-finished", G_CALLBACK (on_request_finished), self);
  return self;
}

void
ist_emulator_http_server_accept (IstEmulatorHttpServer *self)
{
  ist_emulator_listener_accept (self->listener);
}

void
ist_emulator_http_server_close (IstEmulatorHttpServer *self)
{
  if (self->listener == NULL)
    return;

  g_clear_pointer (&self->listener, ist_emulator_listener_free);
  soup_server_remove_handler (self->soup_server, NULL);
  g_signal_handlers_disconnect_by_data (self->soup_server, self);
  soup_server_disconnect (self->soup_server);
}

gboolean
ist_emulator_http_server_is_empty (IstEmulatorHttpServer *self)
{
  return self->n_websockets == 0;
}

void
ist_emulator_http_server_free (IstEmulatorHttpServer *self)
{
  ist_emulator_http_server_close (self);
  self->owner = NULL;
  http_server_unref (self);
}

guint
ist_emulator_http_server_get_port (IstEmulatorHttpServer *self)
{
  return ist_emulator_listener_get_port (self->listener);
}
