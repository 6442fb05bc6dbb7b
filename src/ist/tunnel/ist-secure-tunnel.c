/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/ist-secure-tunnel.h"

#include "common/ist-backoff-private.h"
#include "common/ist-network-watch-private.h"
#include "common/ist-redact-private.h"
#include "common/ist-source-private.h"
#include "common/ist-waiting-tasks-private.h"
#include "ist/ist-marshallers.h"
#include "ist/ist-tunnel-error.h"
#include "ist/protocol/ist-stream-table-private.h"
#include "ist/protocol/ist-wire-private.h"
#include "ist/transport/ist-channel-private.h"
#include "ist/transport/ist-handshake-private.h"
#include "ist/tunnel/ist-connection-set-private.h"
#include "ist/tunnel/ist-news-queue-private.h"
#include "ist/tunnel/ist-opening-queue-private.h"
#include "ist/tunnel/ist-secure-tunnel-private.h"
#include "ist/tunnel/ist-send-queue-private.h"
#include "ist/tunnel/ist-tunnel-link-private.h"
#include "ist/tunnel/ist-tunnel-settings-private.h"
#include "ist/tunnel/ist-tunnel-status-private.h"

/* A connection that was up for so long counts as a success, in microseconds. */
#define STABLE_AFTER (10 * G_USEC_PER_SEC)

/* A network that changes all the time does not keep an attempt from its end more
 * often than this, in microseconds. */
#define RENEW_AFTER (5 * G_USEC_PER_SEC)

/* Some servers name no services. After so many seconds of silence the tunnel
 * is taken to have none, since a source would wait for ever. */
#define SERVICES_GRACE 5

/* A peer that makes us answer (with resets) and reads no answers is not
 * listened to beyond so many. */
#define MAX_ANSWERS_QUEUED 1024

/**
 * IstSecureTunnel:
 *
 * One end of a tunnel of AWS IoT Secure Tunneling.
 *
 * Both ends of a tunnel, the source (the operator) and the destination (the
 * device), connect to the service with an access token of their own; the
 * service passes streams of messages between them. A tunnel has zero or more
 * named services; each service has at most one active stream at a time, and a
 * stream carries one or, with peers of protocol version 3, many connections.
 *
 * A tunnel is made with all its settings, as construct-only properties or with
 * an [class@Ist.SecureTunnelBuilder], and never changes afterwards.
 * [method@Ist.SecureTunnel.start] connects it and keeps it connected until
 * [method@Ist.SecureTunnel.stop]; signals tell what happens.
 *
 * ```c
 * static void
 * on_message (IstSecureTunnel *tunnel,
 *             IstMessage      *message,
 *             gpointer         user_data)
 * {
 *   GBytes *payload = ist_message_get_payload (message);
 *
 *   g_print ("%" G_GSIZE_FORMAT " bytes\n", g_bytes_get_size (payload));
 * }
 *
 * int
 * main (void)
 * {
 *   g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
 *   g_autoptr (IstSecureTunnel) tunnel = NULL;
 *   g_autoptr (GError) error = NULL;
 *
 *   tunnel = ist_secure_tunnel_new (IST_MODE_DESTINATION, g_getenv ("ACCESS_TOKEN"),
 *                                   "eu-central-1", &error);
 *   if (tunnel == NULL || !ist_secure_tunnel_start (tunnel, &error))
 *     g_error ("%s", error->message);
 *   g_signal_connect (tunnel, "message-received", G_CALLBACK (on_message), NULL);
 *   g_signal_connect_swapped (tunnel, "stopped", G_CALLBACK (g_main_loop_quit), loop);
 *   g_main_loop_run (loop);
 *   return 0;
 * }
 * ```
 *
 * A tunnel belongs to the main context that was the thread-default one when it
 * was made: it is used from that context's thread only, and all its signals
 * are emitted there. Any method may be called from any signal handler, and
 * the last reference may be dropped there.
 *
 * Since: 1.0
 */
struct _IstSecureTunnel
{
  GObject parent_instance;

  IstTunnelSettings settings;
  IstTunnelStatus status;

  gboolean start_again;       /* start() was called while stopping */
  IstWaitingTasks *starting;  /* until it is connected */
  IstWaitingTasks *overtaken; /* those of them that stop() came before, until it has stopped */
  IstWaitingTasks *stopping;  /* until it has stopped */
  GCancellable *connecting;
  GSource *timer; /* what the state waits for: reconnecting, the grace for services, the end of stopping */
  IstBackoff backoff;
  IstNetworkWatch *network;
  GTlsDatabase *authorities; /* of the last attempt: had by one, they are loaded for no other tunnel */
  gint64 attempt_renewed_at;
  gint64 connected_at;
  gboolean was_connected; /* at least once since start() */

  IstTunnelLink link;
  IstNewsQueue *news;
  IstSendQueue *sends;
  IstConnectionSet *connections;
  IstOpeningQueue *openings;
  IstWireDecoder *decoder;
  GArray *events; /* spare, for received messages */
  guint answers_queued;
  IstOutgoing answer; /* all that the tunnel itself sends: nobody is told of one among them */
};

enum
{
  CONNECTION_SUCCESS,
  CONNECTION_FAILURE,
  CONNECTION_SHUTDOWN,
  SEND_DATA_COMPLETE,
  MESSAGE_RECEIVED,
  STREAM_STARTED,
  STREAM_STOPPED,
  CONNECTION_STARTED,
  CONNECTION_RESET,
  SESSION_RESET,
  STOPPED,
  INCOMING_CONNECTION,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (IstSecureTunnel, ist_secure_tunnel, G_TYPE_OBJECT)

static void tunnel_begin_attempt (IstSecureTunnel *self);
static void tunnel_receive_data (IstSecureTunnel *self,
                                 IstStreamEvent *event);
static void tunnel_apply_events (IstSecureTunnel *self,
                                 GArray *events);
static void tunnel_carry_out (IstSecureTunnel *self,
                              GArray *events);

/* What is told */

static void
tunnel_add_signal (IstSecureTunnel *self,
                   IstNewsType type,
                   guint signal,
                   IstStreamInfo *info,
                   const GError *error)
{
  IstNews *news = ist_news_queue_add (self->news, type);

  news->signal = signal;
  news->info = info != NULL ? ist_stream_info_ref (info) : NULL;
  news->error = error != NULL ? g_error_copy (error) : NULL;
}

static void tunnel_offer_connection (IstSecureTunnel *self,
                                     const IstNews *news);
static void tunnel_set_stopped (IstSecureTunnel *self);

static void
tunnel_tell (const IstNews *news,
             gpointer user_data)
{
  IstSecureTunnel *self = user_data;

  switch (news->type)
    {
    case IST_NEWS_SIGNAL:
      g_signal_emit (self, signals[news->signal], 0);
      break;
    case IST_NEWS_CONNECTION_SUCCESS:
      g_signal_emit (self, signals[CONNECTION_SUCCESS], 0, self->status.service_ids);
      break;
    case IST_NEWS_CONNECTION_FAILURE:
      /* Whoever heard of it before, by a property, may have stopped the tunnel. */
      g_signal_emit (self, signals[CONNECTION_FAILURE], 0, news->error,
                     news->will_retry && self->status.state != IST_TUNNEL_STATE_STOPPING);
      break;
    case IST_NEWS_CONNECTION_SHUTDOWN:
      g_signal_emit (self, signals[CONNECTION_SHUTDOWN], 0, news->error);
      break;
    case IST_NEWS_SENT:
      g_signal_emit (self, signals[SEND_DATA_COMPLETE], 0, news->message, news->error);
      break;
    case IST_NEWS_WRITTEN:
      ist_connection_core_written (news->connection, news->size, news->error);
      break;
    case IST_NEWS_MESSAGE:
      g_signal_emit (self, signals[MESSAGE_RECEIVED], 0, news->message);
      break;
    case IST_NEWS_BEGIN:
      g_signal_emit (self, signals[news->signal], 0, news->info);
      break;
    case IST_NEWS_INCOMING:
      tunnel_offer_connection (self, news);
      break;
    case IST_NEWS_END:
      g_signal_emit (self, signals[news->signal], 0, news->info, news->error);
      break;
    case IST_NEWS_STOPPED:
      tunnel_set_stopped (self);
      break;
    case IST_NEWS_TASK:
    default:
      g_assert_not_reached ();
    }
}

static void
tunnel_set_state (IstSecureTunnel *self,
                  IstTunnelState state)
{
  self->link.connected = state == IST_TUNNEL_STATE_CONNECTED;
  ist_tunnel_status_set_state (&self->status, state);
}

static void
tunnel_update_service_ids_known (IstSecureTunnel *self)
{
  ist_tunnel_status_set_service_ids_known (&self->status, ist_stream_table_are_services_named (self->link.table));
}

/* They are notified once for all that happens in one turn of the main loop. */
static void
tunnel_notify_counters (IstSecureTunnel *self)
{
  ist_tunnel_status_notify_counters (&self->status, ist_send_queue_take_changed (self->sends));
}

/* The timer */

static void
tunnel_stop_timer (IstSecureTunnel *self)
{
  ist_clear_source (&self->timer);
}

static void
tunnel_start_timer (IstSecureTunnel *self,
                    guint milliseconds,
                    GSourceFunc callback)
{
  tunnel_stop_timer (self);
  self->timer = g_timeout_source_new (milliseconds);
  g_source_set_callback (self->timer, callback, self, NULL);
  g_source_attach (self->timer, self->link.context);
}

/* Ending and beginning again */

static void
tunnel_drop_channel (IstSecureTunnel *self)
{
  if (self->link.channel != NULL)
    ist_channel_disown (self->link.channel);
  g_clear_pointer (&self->link.channel, ist_channel_unref);
  self->answers_queued = 0;
}

/* Those who wait for the tunnel to be connected hear, after what was told before,
 * that it is, or why it won't be. */
static void
tunnel_end_starting (IstSecureTunnel *self,
                     const GError *error)
{
  GTask *task;

  while ((task = ist_waiting_tasks_take (self->starting)) != NULL)
    ist_news_queue_add_task (self->news, task, error, NULL);
}

static gboolean on_reconnect (gpointer user_data);

/* Of a tunnel that can be started. */
static void
tunnel_start (IstSecureTunnel *self)
{
  if (self->status.state == IST_TUNNEL_STATE_STOPPING)
    {
      self->start_again = TRUE;
      return;
    }
  self->start_again = FALSE;
  self->was_connected = FALSE;
  ist_tunnel_status_set_n_reconnects (&self->status, 0);
  ist_backoff_reset (&self->backoff);
  /* From the main loop, so that even a failure at once is told after this. */
  tunnel_start_timer (self, 0, on_reconnect);
  tunnel_set_state (self, IST_TUNNEL_STATE_CONNECTING);
}

static GError *
tunnel_make_stopped_error (void)
{
  return g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED, "The tunnel was stopped");
}

static void
tunnel_set_stopped (IstSecureTunnel *self)
{
  g_autoptr (GError) error = tunnel_make_stopped_error ();

  tunnel_stop_timer (self);
  tunnel_set_state (self, IST_TUNNEL_STATE_STOPPED);
  g_signal_emit (self, signals[STOPPED], 0);
  ist_waiting_tasks_return (self->overtaken, error);
  ist_waiting_tasks_return (self->stopping, NULL);

  if (self->start_again && self->status.state == IST_TUNNEL_STATE_STOPPED)
    tunnel_start (self);
}

static gboolean
on_reconnect (gpointer user_data)
{
  g_autoptr (IstSecureTunnel) self = g_object_ref (user_data);

  tunnel_stop_timer (self);
  tunnel_begin_attempt (self);
  return G_SOURCE_REMOVE;
}

static gboolean
tunnel_wants_retry (IstSecureTunnel *self,
                    const GError *error)
{
  guint max = ist_tunnel_settings_get_uint (&self->settings, IST_SETTING_MAX_ATTEMPTS);

  if (max > 0 && self->backoff.failures >= max)
    return FALSE;
  switch ((IstReconnectPolicy) ist_tunnel_settings_get_enum (&self->settings, IST_SETTING_RECONNECT_POLICY))
    {
    case IST_RECONNECT_POLICY_ALWAYS:
      return TRUE;
    case IST_RECONNECT_POLICY_TRANSIENT:
      return !ist_tunnel_error_is_final (error);
    case IST_RECONNECT_POLICY_NEVER:
    default:
      return FALSE;
    }
}

/* After a failure: decides, and enters the next state. */
static void
tunnel_fail (IstSecureTunnel *self,
             const GError *error,
             IstNewsType type)
{
  guint delay = ist_backoff_fail (&self->backoff);
  gboolean will_retry = tunnel_wants_retry (self, error);
  IstNews *news;

  ist_tunnel_status_set_last_error (&self->status, error);
  if (will_retry)
    {
      g_info ("Reconnecting in %u ms: %s", delay, error->message);
      tunnel_start_timer (self, delay, on_reconnect);
      tunnel_set_state (self, IST_TUNNEL_STATE_WAITING);
    }
  else
    {
      g_info ("Giving up: %s", error->message);
      tunnel_set_state (self, IST_TUNNEL_STATE_STOPPING);
    }
  news = ist_news_queue_add (self->news, type);
  news->error = g_error_copy (error);
  news->will_retry = will_retry;
  if (!will_retry)
    {
      ist_news_queue_add (self->news, IST_NEWS_STOPPED);
      tunnel_end_starting (self, error);
    }
}

/* The streams' side of a WebSocket that is gone: @error says why, NULL after stop(). */
static void
tunnel_end_streams (IstSecureTunnel *self,
                    const GError *error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (GArray) events = ist_stream_events_new ();

  why = error != NULL ? g_error_copy (error) : tunnel_make_stopped_error ();
  ist_send_queue_fail (self->sends, why);
  ist_opening_queue_fail (self->openings, why);
  ist_stream_table_disconnect (self->link.table, why, events);
  tunnel_update_service_ids_known (self);
  tunnel_apply_events (self, events);
}

/* The channel */

/* The services are still read, and the farewell is awaited, also while paused. */
static void
tunnel_update_paused (IstSecureTunnel *self)
{
  if (self->link.channel != NULL)
    ist_channel_set_paused (self->link.channel, (self->status.paused && self->link.connected) ||
                                                  ist_connection_set_is_stalled (self->connections) ||
                                                  self->answers_queued > MAX_ANSWERS_QUEUED);
}

static void
tunnel_answer_sent (IstOutgoing *outgoing,
                    const GError *error,
                    gpointer owner)
{
  IstSecureTunnel *self = owner;

  self->answers_queued--;
  if (self->answers_queued == MAX_ANSWERS_QUEUED)
    tunnel_update_paused (self);
}

/* The peer's reason for closing may quote a token. */
static GError *
tunnel_redact_error (IstSecureTunnel *self,
                     const GError *error)
{
  g_autoptr (GString) text = g_string_new (error->message);

  ist_redact (text, ist_tunnel_settings_get_string (&self->settings, IST_SETTING_ACCESS_TOKEN));
  ist_redact (text, ist_tunnel_settings_get_string (&self->settings, IST_SETTING_CLIENT_TOKEN));
  return g_error_new_literal (error->domain, error->code, text->str);
}

/* on_channel_drained() or on_channel_closed() follows, which tells. */
static void
on_channel_sent (IstChannel *channel,
                 gpointer tag,
                 const GError *error,
                 gpointer user_data)
{
  IstSecureTunnel *self = user_data;
  g_autoptr (GError) redacted = error != NULL ? tunnel_redact_error (self, error) : NULL;
  IstOutgoing *outgoing = tag;

  outgoing->done (outgoing, redacted, outgoing->owner);
}

static void
on_channel_drained (IstChannel *channel,
                    gpointer user_data)
{
  g_autoptr (IstSecureTunnel) self = g_object_ref (user_data);

  if (self->link.channel == channel)
    ist_send_queue_serve (self->sends);
  ist_news_queue_tell (self->news);
  tunnel_notify_counters (self);
}

static void
on_channel_pong (IstChannel *channel,
                 gint64 round_trip,
                 gpointer user_data)
{
  IstSecureTunnel *self = user_data;

  ist_tunnel_status_set_round_trip_time (&self->status, round_trip);
}

static void
tunnel_receive (IstSecureTunnel *self,
                IstMessage *message)
{
  g_autoptr (GArray) events = g_steal_pointer (&self->events);

  if (events == NULL)
    events = ist_stream_events_new ();
  ist_stream_table_receive (self->link.table, message, events);
  if (events->len == 1 && g_array_index (events, IstStreamEvent, 0).type == IST_STREAM_EVENT_DATA &&
      ist_opening_queue_is_empty (self->openings))
    tunnel_receive_data (self, &g_array_index (events, IstStreamEvent, 0)); /* most of them by far */
  else
    tunnel_apply_events (self, events);

  g_array_set_size (events, 0);
  self->events = g_steal_pointer (&events);
  ist_news_queue_tell (self->news);
}

/* Ends the WebSocket; what it carried ends here and now, and is told when it is closed. */
static void
tunnel_close_channel (IstSecureTunnel *self,
                      gushort code,
                      const char *reason,
                      const GError *error)
{
  ist_connection_set_end (self->connections, error);
  ist_channel_close (self->link.channel, code, reason, error);
}

static void
on_channel_received (IstChannel *channel,
                     GBytes *data,
                     gpointer user_data)
{
  g_autoptr (IstSecureTunnel) self = g_object_ref (user_data);
  g_autoptr (GError) error = NULL;

  ist_wire_decoder_feed (self->decoder, data);
  /* Whatever a handler does to the tunnel, the rest of a WebSocket that it has
   * left is of no interest. */
  while (self->link.channel == channel && self->status.state != IST_TUNNEL_STATE_STOPPING)
    {
      g_autoptr (IstMessage) message = NULL;

      if (!ist_wire_decoder_next (self->decoder, &message, NULL, &error))
        {
          tunnel_close_channel (self, SOUP_WEBSOCKET_CLOSE_PROTOCOL_ERROR, "not a tunnel message", error);
          break;
        }
      if (message == NULL)
        break;
      tunnel_receive (self, message);
    }
  tunnel_notify_counters (self);
}

static void
on_channel_closed (IstChannel *channel,
                   const GError *channel_error,
                   gpointer user_data)
{
  g_autoptr (IstSecureTunnel) self = g_object_ref (user_data);
  g_autoptr (GError) error = channel_error != NULL ? tunnel_redact_error (self, channel_error) : NULL;
  gboolean was_connected = self->connected_at != 0;

  if (was_connected && g_get_monotonic_time () - self->connected_at >= STABLE_AFTER)
    ist_backoff_reset (&self->backoff);
  self->connected_at = 0;
  tunnel_stop_timer (self);
  tunnel_drop_channel (self);

  g_object_freeze_notify (G_OBJECT (self));
  if (self->status.state == IST_TUNNEL_STATE_STOPPING)
    {
      tunnel_end_streams (self, NULL);
      if (was_connected)
        ist_news_queue_add (self->news, IST_NEWS_CONNECTION_SHUTDOWN);
      ist_news_queue_add (self->news, IST_NEWS_STOPPED);
    }
  else
    {
      tunnel_end_streams (self, error);
      tunnel_fail (self, error, was_connected ? IST_NEWS_CONNECTION_SHUTDOWN : IST_NEWS_CONNECTION_FAILURE);
    }
  g_object_thaw_notify (G_OBJECT (self));
  ist_news_queue_tell (self->news);
  tunnel_notify_counters (self);
}

static const IstChannelDelegate channel_delegate = {
  .received = on_channel_received,
  .sent = on_channel_sent,
  .drained = on_channel_drained,
  .pong = on_channel_pong,
  .closed = on_channel_closed,
};

/* Connecting */

static void
tunnel_set_connected (IstSecureTunnel *self)
{
  gboolean is_again;

  tunnel_stop_timer (self);
  self->connected_at = g_get_monotonic_time ();
  is_again = self->was_connected;
  self->was_connected = TRUE;
  g_info ("Connected, channel %s", self->status.channel_id != NULL ? self->status.channel_id : "unknown");
  tunnel_set_state (self, IST_TUNNEL_STATE_CONNECTED);
  tunnel_update_paused (self);
  if (is_again)
    ist_tunnel_status_set_n_reconnects (&self->status, self->status.n_reconnects + 1);
  ist_news_queue_add (self->news, IST_NEWS_CONNECTION_SUCCESS);
  tunnel_end_starting (self, NULL);
}

static gboolean
on_services_grace (gpointer user_data)
{
  g_autoptr (IstSecureTunnel) self = g_object_ref (user_data);
  g_autoptr (GArray) events = ist_stream_events_new ();

  ist_stream_table_assume_no_services (self->link.table, events);
  tunnel_apply_events (self, events);
  ist_news_queue_tell (self->news);
  return G_SOURCE_REMOVE;
}

static void
tunnel_take_stream (IstSecureTunnel *self,
                    IstMeteredStream *stream)
{
  g_autoptr (GUri) uri = ist_tunnel_settings_make_uri (&self->settings);

  g_main_context_push_thread_default (self->link.context);
  self->link.channel = ist_channel_new (stream, uri, SOUP_WEBSOCKET_CONNECTION_CLIENT, &channel_delegate, self);
  g_main_context_pop_thread_default (self->link.context);
  ist_channel_bound_delay (self->link.channel);
  ist_channel_set_keepalive (self->link.channel,
                             ist_tunnel_settings_get_uint (&self->settings, IST_SETTING_PING_INTERVAL),
                             ist_tunnel_settings_get_uint (&self->settings, IST_SETTING_PONG_TIMEOUT));
  ist_wire_decoder_reset (self->decoder);
  tunnel_update_paused (self);
  tunnel_start_timer (self, SERVICES_GRACE * 1000, on_services_grace);
}

static void
on_handshake_done (GObject *source,
                   GAsyncResult *result,
                   gpointer user_data)
{
  GWeakRef *weak = user_data;
  g_autoptr (IstSecureTunnel) self = g_weak_ref_get (weak);
  g_autoptr (IstMeteredStream) stream = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *channel_id = NULL;

  g_weak_ref_clear (weak);
  g_free (weak);

  stream = ist_handshake_finish (result, &channel_id, &error);
  if (self == NULL)
    return;

  g_clear_object (&self->connecting);
  if (self->status.state == IST_TUNNEL_STATE_CONNECTING && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      tunnel_begin_attempt (self);
      return;
    }
  g_object_freeze_notify (G_OBJECT (self));
  if (self->status.state == IST_TUNNEL_STATE_STOPPING)
    {
      ist_news_queue_add (self->news, IST_NEWS_STOPPED);
    }
  else
    {
      ist_tunnel_status_set_channel_id (&self->status, channel_id);
      if (stream != NULL)
        tunnel_take_stream (self, stream);
      else
        tunnel_fail (self, error, IST_NEWS_CONNECTION_FAILURE);
    }
  g_object_thaw_notify (G_OBJECT (self));
  ist_news_queue_tell (self->news);
}

/* Whether a failure says more of the network than of the service. */
static gboolean
tunnel_is_error_of_network (const GError *error)
{
  return g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_UNREACHABLE) ||
         g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TIMED_OUT) ||
         g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED);
}

static void
on_network_changed (gpointer user_data)
{
  g_autoptr (IstSecureTunnel) self = g_object_ref (user_data);
  gint64 now = g_get_monotonic_time ();

  if (self->link.channel != NULL)
    {
      ist_channel_network_changed (self->link.channel);
    }
  else if (self->status.state == IST_TUNNEL_STATE_CONNECTING && self->connecting != NULL &&
           now - self->attempt_renewed_at >= RENEW_AFTER)
    {
      /* It may be on its way by what is no longer there: on_handshake_done() begins anew. */
      self->attempt_renewed_at = now;
      g_cancellable_cancel (self->connecting);
    }
  else if (self->status.state == IST_TUNNEL_STATE_WAITING && self->timer != NULL &&
           tunnel_is_error_of_network (self->status.last_error))
    {
      ist_backoff_forgive (&self->backoff);
      tunnel_start_timer (self, self->backoff.floor, on_reconnect);
    }
}

static void
tunnel_begin_attempt (IstSecureTunnel *self)
{
  g_autoptr (GUri) uri = ist_tunnel_settings_make_uri (&self->settings);
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GError) error = NULL;
  IstHandshakeParams params = { 0 };
  GWeakRef *weak;

  if (self->network == NULL)
    self->network = ist_network_watch_new (self->link.context, on_network_changed, self);
  database = ist_tunnel_settings_make_tls_database (&self->settings, &error);
  if (error != NULL)
    {
      g_object_freeze_notify (G_OBJECT (self));
      tunnel_fail (self, error, IST_NEWS_CONNECTION_FAILURE);
      g_object_thaw_notify (G_OBJECT (self));
      ist_news_queue_tell (self->news);
      return;
    }

  params.uri = uri;
  params.access_token = ist_tunnel_settings_get_string (&self->settings, IST_SETTING_ACCESS_TOKEN);
  params.client_token = ist_tunnel_settings_get_string (&self->settings, IST_SETTING_CLIENT_TOKEN);
  g_set_object (&self->authorities, database);
  params.tls_database = database;
  params.skip_verification = !ist_tunnel_settings_get_boolean (&self->settings,
                                                               IST_SETTING_VERIFY_CERTIFICATE);
  params.proxy_resolver = ist_tunnel_settings_get_object (&self->settings, IST_SETTING_PROXY_RESOLVER);
  params.timeout = ist_tunnel_settings_get_uint (&self->settings, IST_SETTING_CONNECT_TIMEOUT);

  g_info ("Connecting to %s", g_uri_get_host (uri));
  self->connecting = g_cancellable_new ();
  weak = g_new0 (GWeakRef, 1);
  g_weak_ref_init (weak, self);
  g_main_context_push_thread_default (self->link.context);
  ist_handshake_async (&params, self->connecting, on_handshake_done, weak);
  g_main_context_pop_thread_default (self->link.context);
  tunnel_set_state (self, IST_TUNNEL_STATE_CONNECTING);
}

/* What follows from messages and calls */

static gboolean
tunnel_is_barrier (IstMessage *message)
{
  IstMessageType type = ist_message_get_message_type (message);

  return type == IST_MESSAGE_TYPE_STREAM_START || type == IST_MESSAGE_TYPE_STREAM_RESET;
}

/* What is queued for a stream or connection that the other side has ended is not
 * sent. When we replace a stream ourselves, what was written to connections
 * that were closed before still is. */
static void
tunnel_cancel_ended (IstSecureTunnel *self,
                     GArray *events)
{
  gboolean is_source = ist_tunnel_settings_get_enum (&self->settings, IST_SETTING_MODE) == IST_MODE_SOURCE;
  guint i;

  if (self->link.channel == NULL)
    return;
  for (i = 0; i < events->len; i++)
    {
      IstStreamEvent *event = &g_array_index (events, IstStreamEvent, i);
      gboolean by_us = is_source && g_error_matches (event->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STREAM_REPLACED);

      if (event->error == NULL)
        continue;
      if (event->type == IST_STREAM_EVENT_CONNECTION_RESET)
        ist_channel_cancel_lane (self->link.channel, event->lane, event->error);
      else if (event->type == IST_STREAM_EVENT_STREAM_STOPPED && !by_us)
        ist_channel_cancel_stream (self->link.channel, event->lane, event->error);
      else if (event->type == IST_STREAM_EVENT_STREAM_STOPPED &&
               ist_stream_info_get_version (event->info) != IST_PROTOCOL_VERSION_V3)
        ist_channel_cancel_lane (self->link.channel, event->lane, event->error);
    }
}

static void
tunnel_send_own (IstSecureTunnel *self,
                 IstLane lane,
                 IstMessage *message)
{
  if (self->link.channel == NULL)
    return;
  self->answers_queued++;
  if (self->answers_queued == MAX_ANSWERS_QUEUED + 1)
    tunnel_update_paused (self);
  ist_channel_send (self->link.channel, lane, tunnel_is_barrier (message), ist_message_ref (message),
                    ist_wire_get_encoded_size (message), &self->answer);
}

/* Asks whether anybody wants to have the peer's connection as a stream. */
static void
tunnel_offer_connection (IstSecureTunnel *self,
                         const IstNews *news)
{
  g_autoptr (IstConnectionCore) core = NULL;
  g_autoptr (IstConnection) connection = NULL;
  gboolean taken = FALSE;

  /* A handler of what was told before may have ended it. */
  if (!g_signal_has_handler_pending (self, signals[INCOMING_CONNECTION], 0, TRUE) ||
      ist_stream_table_find (self->link.table, &news->lane) == NULL)
    return;

  core = ist_connection_core_ref (ist_connection_set_add (self->connections, news->info, news->lane));
  connection = ist_connection_new (core);
  g_signal_emit (self, signals[INCOMING_CONNECTION], 0, connection, &taken);
  if (!taken)
    ist_connection_set_refuse (self->connections, core);
}

static void
on_stalled_changed (gpointer tunnel)
{
  tunnel_update_paused (tunnel);
}

static void
on_connection_closed (GArray *events,
                      gpointer tunnel)
{
  tunnel_carry_out (tunnel, events);
}

static const IstConnectionSetDelegate connection_set_delegate = {
  .stalled_changed = on_stalled_changed,
  .closed = on_connection_closed,
};

/* What follows is carried out */

static void
tunnel_add_start (IstSecureTunnel *self,
                  guint signal,
                  IstStreamEvent *event)
{
  IstNews *news;

  tunnel_add_signal (self, IST_NEWS_BEGIN, signal, event->info, NULL);
  news = ist_news_queue_add (self->news, IST_NEWS_INCOMING);
  news->info = ist_stream_info_ref (event->info);
  news->lane = event->lane;
}

static void
tunnel_receive_data (IstSecureTunnel *self,
                     IstStreamEvent *event)
{
  GBytes *payload = ist_message_get_payload (event->message);

  self->link.messages_in++;
  self->link.bytes_in += g_bytes_get_size (payload);
  if (!ist_connection_set_receive (self->connections, &event->lane, payload))
    ist_news_queue_add (self->news, IST_NEWS_MESSAGE)->message = ist_message_ref (event->message);
}

static void
tunnel_apply_event (IstSecureTunnel *self,
                    IstStreamEvent *event)
{
  switch (event->type)
    {
    case IST_STREAM_EVENT_SERVICES:
      ist_tunnel_status_set_service_ids (&self->status, ist_stream_table_get_services (self->link.table));
      tunnel_update_service_ids_known (self);
      if (self->status.state == IST_TUNNEL_STATE_CONNECTING)
        tunnel_set_connected (self);
      break;
    case IST_STREAM_EVENT_SEND:
      tunnel_send_own (self, event->lane, event->message);
      break;
    case IST_STREAM_EVENT_DATA:
      tunnel_receive_data (self, event);
      break;
    case IST_STREAM_EVENT_STREAM_STARTED:
      tunnel_add_start (self, STREAM_STARTED, event);
      break;
    case IST_STREAM_EVENT_CONNECTION_STARTED:
      tunnel_add_start (self, CONNECTION_STARTED, event);
      break;
    case IST_STREAM_EVENT_CONNECTION_RESET:
      ist_connection_set_connection_reset (self->connections, event);
      tunnel_add_signal (self, IST_NEWS_END, CONNECTION_RESET, event->info, event->error);
      break;
    case IST_STREAM_EVENT_STREAM_STOPPED:
      ist_connection_set_stream_stopped (self->connections, event);
      tunnel_add_signal (self, IST_NEWS_END, STREAM_STOPPED, event->info, event->error);
      break;
    case IST_STREAM_EVENT_SESSION_RESET:
      tunnel_add_signal (self, IST_NEWS_SIGNAL, SESSION_RESET, NULL, NULL);
      break;
    case IST_STREAM_EVENT_PROTOCOL_ERROR:
      g_info ("%s", event->error->message);
      ist_tunnel_status_set_last_error (&self->status, event->error);
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
tunnel_apply_each_event (IstSecureTunnel *self,
                         GArray *events)
{
  guint i;

  tunnel_cancel_ended (self, events);
  for (i = 0; i < events->len; i++)
    tunnel_apply_event (self, &g_array_index (events, IstStreamEvent, i));
}

static void
tunnel_apply_opening (GArray *events,
                      gpointer user_data)
{
  tunnel_apply_each_event (user_data, events);
}

/* Calls no code of the user's; what is to be told is added to the news, and
 * properties are notified in the end. */
static void
tunnel_apply_events (IstSecureTunnel *self,
                     GArray *events)
{
  g_object_freeze_notify (G_OBJECT (self));
  tunnel_apply_each_event (self, events);
  ist_opening_queue_serve (self->openings, tunnel_apply_opening);
  g_object_thaw_notify (G_OBJECT (self));
}

/* What follows from a call of the stream table: applied, then told. */
static void
tunnel_carry_out (IstSecureTunnel *self,
                  GArray *events)
{
  g_autoptr (IstSecureTunnel) alive = g_object_ref (self);

  tunnel_apply_events (alive, events);
  ist_news_queue_tell (alive->news);
}

static void
tunnel_carry_out_opening (GArray *events,
                          gpointer user_data)
{
  tunnel_carry_out (user_data, events);
}

/* The object */

static void
on_start_cancelled (gpointer user_data)
{
  ist_secure_tunnel_stop (user_data);
}

static void
ist_secure_tunnel_constructed (GObject *object)
{
  IstSecureTunnel *self = IST_SECURE_TUNNEL (object);

  G_OBJECT_CLASS (ist_secure_tunnel_parent_class)->constructed (object);

  self->link.context = g_main_context_ref_thread_default ();
  self->starting = ist_waiting_tasks_new (self->link.context, on_start_cancelled, self);
  self->overtaken = ist_waiting_tasks_new (self->link.context, NULL, NULL);
  self->stopping = ist_waiting_tasks_new (self->link.context, NULL, NULL);
  if (ist_tunnel_settings_get_string (&self->settings, IST_SETTING_CLIENT_TOKEN) == NULL)
    g_value_take_string (&self->settings.values[IST_SETTING_CLIENT_TOKEN], g_uuid_string_random ());
  self->backoff.floor = ist_tunnel_settings_get_uint (&self->settings, IST_SETTING_RECONNECT_DELAY_FLOOR_MS);
  self->backoff.base = ist_tunnel_settings_get_uint (&self->settings, IST_SETTING_RECONNECT_DELAY_BASE_MS);
  self->backoff.cap = ist_tunnel_settings_get_uint (&self->settings, IST_SETTING_RECONNECT_DELAY_CAP_MS);

  self->link.table =
    ist_stream_table_new (ist_tunnel_settings_get_enum (&self->settings, IST_SETTING_MODE),
                          ist_tunnel_settings_get_enum (&self->settings, IST_SETTING_PROTOCOL_VERSION));
  self->sends = ist_send_queue_new (&self->link, self->news,
                                    ist_tunnel_settings_get_uint (&self->settings, IST_SETTING_SEND_BUFFER_SIZE));
  self->connections =
    ist_connection_set_new (&self->link, self->news,
                            ist_tunnel_settings_get_uint (&self->settings, IST_SETTING_CONNECTION_BUFFER_SIZE),
                            ist_tunnel_settings_get_uint (&self->settings, IST_SETTING_TOTAL_BUFFER_SIZE),
                            ist_tunnel_settings_get_uint (&self->settings, IST_SETTING_STALL_TIMEOUT),
                            &connection_set_delegate, self);
  self->openings =
    ist_opening_queue_new (&self->link, self->news, self->connections,
                           ist_tunnel_settings_get_uint (&self->settings, IST_SETTING_CONNECTION_WAIT_TIMEOUT_MS),
                           tunnel_carry_out_opening, self);
}

static void
ist_secure_tunnel_dispose (GObject *object)
{
  IstSecureTunnel *self = IST_SECURE_TUNNEL (object);
  g_autoptr (GError) gone = NULL;

  if (self->connecting != NULL)
    g_cancellable_cancel (self->connecting);
  g_clear_object (&self->connecting);
  g_clear_pointer (&self->network, ist_network_watch_free);
  g_clear_object (&self->authorities);
  tunnel_stop_timer (self);
  tunnel_drop_channel (self);
  g_set_error_literal (&gone, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED, "The tunnel is gone");
  ist_connection_set_drop (self->connections, gone);
  ist_news_queue_tell_waiting (self->news);
  G_OBJECT_CLASS (ist_secure_tunnel_parent_class)->dispose (object);
}

static void
ist_secure_tunnel_finalize (GObject *object)
{
  IstSecureTunnel *self = IST_SECURE_TUNNEL (object);

  ist_tunnel_settings_clear (&self->settings);
  g_clear_pointer (&self->starting, ist_waiting_tasks_free);
  g_clear_pointer (&self->overtaken, ist_waiting_tasks_free);
  g_clear_pointer (&self->stopping, ist_waiting_tasks_free);
  g_clear_pointer (&self->openings, ist_opening_queue_free);
  g_clear_pointer (&self->sends, ist_send_queue_free);
  g_clear_pointer (&self->connections, ist_connection_set_free);
  g_clear_pointer (&self->news, ist_news_queue_free);
  g_clear_pointer (&self->link.table, ist_stream_table_free);
  g_clear_pointer (&self->decoder, ist_wire_decoder_free);
  g_clear_pointer (&self->events, g_array_unref);
  ist_tunnel_status_clear (&self->status);
  g_clear_pointer (&self->link.context, g_main_context_unref);
  G_OBJECT_CLASS (ist_secure_tunnel_parent_class)->finalize (object);
}

static void
ist_secure_tunnel_get_property (GObject *object,
                                guint prop_id,
                                GValue *value,
                                GParamSpec *pspec)
{
  IstSecureTunnel *self = IST_SECURE_TUNNEL (object);

  if (prop_id < IST_N_SETTINGS)
    ist_tunnel_settings_get (&self->settings, prop_id, value);
  else
    ist_tunnel_status_get (&self->status, prop_id, value);
}

static void
ist_secure_tunnel_set_property (GObject *object,
                                guint prop_id,
                                const GValue *value,
                                GParamSpec *pspec)
{
  ist_tunnel_settings_set (&IST_SECURE_TUNNEL (object)->settings, prop_id, value);
}

static void
tunnel_install_signals (GType type)
{
  /**
   * IstSecureTunnel::connection-success:
   * @self: the tunnel
   * @service_ids: (array zero-terminated=1): the services of the tunnel, empty if it has none
   *
   * Emitted each time the tunnel has connected: the service has named the
   * tunnel's services.
   *
   * Since: 1.0
   */
  signals[CONNECTION_SUCCESS] = g_signal_new ("connection-success", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                              NULL, G_TYPE_NONE, 1, G_TYPE_STRV);

  /**
   * IstSecureTunnel::connection-failure:
   * @self: the tunnel
   * @error: why: an [error@Ist.TunnelError]
   * @will_retry: whether another attempt follows
   *
   * Emitted for each attempt to connect that fails before
   * [signal@Ist.SecureTunnel::connection-success]. Without another attempt
   * [signal@Ist.SecureTunnel::stopped] follows.
   *
   * Since: 1.0
   */
  signals[CONNECTION_FAILURE] = g_signal_new ("connection-failure", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                              NULL, G_TYPE_NONE, 2, G_TYPE_ERROR, G_TYPE_BOOLEAN);

  /**
   * IstSecureTunnel::connection-shutdown:
   * @self: the tunnel
   * @error: (nullable): why: an [error@Ist.TunnelError]; %NULL after [method@Ist.SecureTunnel.stop]
   *
   * Emitted each time the WebSocket of a connected tunnel has ended, after the
   * signals about its messages and streams. The state tells whether the tunnel
   * reconnects.
   *
   * Since: 1.0
   */
  signals[CONNECTION_SHUTDOWN] = g_signal_new ("connection-shutdown", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                               NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);

  /**
   * IstSecureTunnel::send-data-complete:
   * @self: the tunnel
   * @message: the message, as it was given to the tunnel
   * @error: (nullable): %NULL if the message was written to the socket, else why it never will be
   *
   * Emitted exactly once for every message that was accepted for sending. That
   * a message was written does not say that the peer has received it.
   *
   * Since: 1.0
   */
  signals[SEND_DATA_COMPLETE] = g_signal_new ("send-data-complete", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                              ist_marshal_VOID__BOXED_BOXED, G_TYPE_NONE, 2, IST_TYPE_MESSAGE,
                                              G_TYPE_ERROR);
  g_signal_set_va_marshaller (signals[SEND_DATA_COMPLETE], type, ist_marshal_VOID__BOXED_BOXEDv);

  /**
   * IstSecureTunnel::message-received:
   * @self: the tunnel
   * @message: the message
   *
   * Emitted for each DATA message that arrives on an active stream and connection.
   *
   * Since: 1.0
   */
  signals[MESSAGE_RECEIVED] = g_signal_new ("message-received", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                            G_TYPE_NONE, 1, IST_TYPE_MESSAGE);

  /**
   * IstSecureTunnel::stream-started:
   * @self: the tunnel
   * @info: the stream and its first connection
   *
   * Emitted on the destination when the peer starts a stream.
   *
   * Since: 1.0
   */
  signals[STREAM_STARTED] = g_signal_new ("stream-started", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 1, IST_TYPE_STREAM_INFO);

  /**
   * IstSecureTunnel::stream-stopped:
   * @self: the tunnel
   * @info: the stream
   * @error: (nullable): why, an [error@Ist.TunnelError]; %NULL if this end reset it
   *
   * Emitted when an active stream has ended: reset, replaced by a new one, by a
   * session reset, or with the WebSocket.
   *
   * Since: 1.0
   */
  signals[STREAM_STOPPED] = g_signal_new ("stream-stopped", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 2, IST_TYPE_STREAM_INFO, G_TYPE_ERROR);

  /**
   * IstSecureTunnel::connection-started:
   * @self: the tunnel
   * @info: the stream and the connection
   *
   * Emitted on the destination when the peer starts a further connection in an
   * active stream. The first one comes with
   * [signal@Ist.SecureTunnel::stream-started].
   *
   * Since: 1.0
   */
  signals[CONNECTION_STARTED] = g_signal_new ("connection-started", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                              NULL, G_TYPE_NONE, 1, IST_TYPE_STREAM_INFO);

  /**
   * IstSecureTunnel::connection-reset:
   * @self: the tunnel
   * @info: the stream and the connection
   * @error: (nullable): why, an [error@Ist.TunnelError]; %NULL if this end reset it
   *
   * Emitted when an active connection has ended, alone or with its stream, in
   * a stream of protocol version 3; the earlier versions know streams only.
   *
   * Since: 1.0
   */
  signals[CONNECTION_RESET] = g_signal_new ("connection-reset", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                            G_TYPE_NONE, 2, IST_TYPE_STREAM_INFO, G_TYPE_ERROR);

  /**
   * IstSecureTunnel::session-reset:
   * @self: the tunnel
   *
   * Emitted when the service has ended all streams. The WebSocket stays, and new
   * streams can be started.
   *
   * Since: 1.0
   */
  signals[SESSION_RESET] = g_signal_new ("session-reset", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 0);

  /**
   * IstSecureTunnel::stopped:
   * @self: the tunnel
   *
   * Emitted when nothing is running any more: after
   * [method@Ist.SecureTunnel.stop], and after a failure that is not retried.
   *
   * Since: 1.0
   */
  signals[STOPPED] = g_signal_new ("stopped", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);

  /**
   * IstSecureTunnel::incoming-connection:
   * @self: the tunnel
   * @connection: the connection as a stream
   *
   * Emitted on the destination when the peer starts a connection, after
   * [signal@Ist.SecureTunnel::stream-started] or
   * [signal@Ist.SecureTunnel::connection-started].
   *
   * A handler that returns %TRUE takes the connection: its data goes to the
   * stream and is not told by [signal@Ist.SecureTunnel::message-received], and
   * the handler keeps a reference to @connection for as long as it is wanted.
   * The first that returns %TRUE is the last that is asked. If none does, the
   * connection stays with the signals about messages, and @connection ends with
   * %IST_TUNNEL_ERROR_INVALID_STATE.
   *
   * Returns: %TRUE to take the connection
   *
   * Since: 1.0
   */
  signals[INCOMING_CONNECTION] = g_signal_new ("incoming-connection", type, G_SIGNAL_RUN_LAST, 0,
                                               g_signal_accumulator_true_handled, NULL, NULL,
                                               G_TYPE_BOOLEAN, 1, IST_TYPE_CONNECTION);
}

static void
ist_secure_tunnel_class_init (IstSecureTunnelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ist_secure_tunnel_constructed;
  object_class->dispose = ist_secure_tunnel_dispose;
  object_class->finalize = ist_secure_tunnel_finalize;
  object_class->get_property = ist_secure_tunnel_get_property;
  object_class->set_property = ist_secure_tunnel_set_property;
  ist_tunnel_settings_install (object_class, G_PARAM_CONSTRUCT_ONLY);
  ist_tunnel_status_install (object_class);
  tunnel_install_signals (G_TYPE_FROM_CLASS (klass));
}

static void
ist_secure_tunnel_init (IstSecureTunnel *self)
{
  ist_tunnel_settings_init (&self->settings);
  self->answer.done = tunnel_answer_sent;
  self->answer.owner = self;
  self->news = ist_news_queue_new (tunnel_tell, self);
  self->decoder = ist_wire_decoder_new (FALSE);
  ist_tunnel_status_init (&self->status, self, &self->link);
}

/**
 * ist_secure_tunnel_new:
 * @mode: which end of the tunnel to be
 * @access_token: the access token of that end
 * @region: the AWS region of the tunnel
 * @error: return location for an error
 *
 * Makes a tunnel with the default settings. For others see
 * [class@Ist.SecureTunnelBuilder], or give them as construct properties.
 *
 * %IST_TUNNEL_ERROR_INVALID_SETTING names the property that has no value or one that
 * can't work.
 *
 * Returns: (transfer full): a new tunnel, not started
 *
 * Since: 1.0
 */
IstSecureTunnel *
ist_secure_tunnel_new (IstMode mode,
                       const char *access_token,
                       const char *region,
                       GError **error)
{
  g_autoptr (IstSecureTunnel) self = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  self = g_object_new (IST_TYPE_SECURE_TUNNEL, "mode", mode, "access-token", access_token, "region", region,
                       NULL);
  if (!ist_tunnel_settings_validate (&self->settings, error))
    return NULL;
  return g_steal_pointer (&self);
}

static gboolean
tunnel_check_startable (IstSecureTunnel *self,
                        GError **error)
{
  if (!ist_tunnel_settings_validate (&self->settings, error))
    return FALSE;
  if (self->status.state == IST_TUNNEL_STATE_STOPPED ||
      (self->status.state == IST_TUNNEL_STATE_STOPPING && !self->start_again))
    return TRUE;
  g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE, "The tunnel is already started");
  return FALSE;
}

/**
 * ist_secure_tunnel_start:
 * @self: a tunnel
 * @error: return location for an error
 *
 * Connects the tunnel, and keeps it connected as `reconnect-policy` says.
 *
 * A tunnel that runs, in any state but stopped and stopping, is left as it is, and
 * the call fails with %IST_TUNNEL_ERROR_INVALID_STATE. One that is stopping is
 * started again as soon as it has stopped. %IST_TUNNEL_ERROR_INVALID_SETTING names
 * a property that can't work, where the tunnel was made without a check of its
 * settings.
 *
 * Whether it succeeds is told by [signal@Ist.SecureTunnel::connection-success]
 * and [signal@Ist.SecureTunnel::connection-failure], never before this returns.
 *
 * Returns: %TRUE if the tunnel was started
 *
 * Since: 1.0
 */
gboolean
ist_secure_tunnel_start (IstSecureTunnel *self,
                         GError **error)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!tunnel_check_startable (self, error))
    return FALSE;
  tunnel_start (self);
  return TRUE;
}

/**
 * ist_secure_tunnel_start_async:
 * @self: a tunnel
 * @cancellable: (nullable): stops the tunnel, as long as it has not been connected
 * @callback: (scope async): called when the tunnel is connected, or won't be
 * @user_data: data for @callback
 *
 * Does what [method@Ist.SecureTunnel.start] does, and waits until the tunnel is
 * connected for the first time: the callback follows the signal
 * [signal@Ist.SecureTunnel::connection-success]. Attempts that fail and are made
 * again are told by [signal@Ist.SecureTunnel::connection-failure] only; by default
 * there is no end to them, which `max-attempts` and @cancellable can make.
 *
 * Since: 1.0
 */
void
ist_secure_tunnel_start_async (IstSecureTunnel *self,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (IST_IS_SECURE_TUNNEL (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ist_secure_tunnel_start_async);
  /* A tunnel that was connected is so, also if it was cancelled just then. */
  g_task_set_check_cancellable (task, FALSE);

  if (g_cancellable_set_error_if_cancelled (cancellable, &error) || !tunnel_check_startable (self, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  /* Before it is started: that it is may be heard of, and make somebody stop it. */
  ist_waiting_tasks_add (self->starting, g_steal_pointer (&task));
  tunnel_start (self);
}

/**
 * ist_secure_tunnel_start_finish:
 * @self: a tunnel
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ist.SecureTunnel.start_async].
 *
 * Besides the errors of [method@Ist.SecureTunnel.start] there is the reason of the
 * last failure, when the tunnel stops because of it, such as
 * %IST_TUNNEL_ERROR_TOKEN_REJECTED, %IST_TUNNEL_ERROR_STOPPED after
 * [method@Ist.SecureTunnel.stop], and %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE if the tunnel was connected
 *
 * Since: 1.0
 */
gboolean
ist_secure_tunnel_start_finish (IstSecureTunnel *self,
                                GAsyncResult *result,
                                GError **error)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_secure_tunnel_start_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
on_stopped (gpointer user_data)
{
  g_autoptr (IstSecureTunnel) self = g_object_ref (user_data);

  ist_news_queue_add (self->news, IST_NEWS_STOPPED);
  ist_news_queue_tell (self->news);
  return G_SOURCE_REMOVE;
}

/**
 * ist_secure_tunnel_stop:
 * @self: a tunnel
 *
 * Ends the connection, if there is one, or the attempts to make one.
 * [signal@Ist.SecureTunnel::stopped] is emitted when nothing is running any
 * more, never before this returns; at most about a second later, whatever the
 * peer does. Messages that are still queued fail.
 *
 * Does nothing when the tunnel is stopped already.
 *
 * Since: 1.0
 */
void
ist_secure_tunnel_stop (IstSecureTunnel *self)
{
  g_autoptr (IstSecureTunnel) alive = NULL;
  g_autoptr (GError) error = NULL;
  GTask *task;

  g_return_if_fail (IST_IS_SECURE_TUNNEL (self));

  self->start_again = FALSE;
  if (self->status.state == IST_TUNNEL_STATE_STOPPED)
    return;

  while ((task = ist_waiting_tasks_take (self->starting)) != NULL)
    ist_waiting_tasks_add (self->overtaken, task);
  if (self->status.state == IST_TUNNEL_STATE_STOPPING)
    return;

  error = tunnel_make_stopped_error ();
  alive = g_object_ref (self);
  if (self->link.channel != NULL)
    {
      tunnel_stop_timer (self);
      tunnel_close_channel (self, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL, error);
    }
  else if (self->connecting != NULL)
    {
      g_cancellable_cancel (self->connecting);
    }
  else
    {
      tunnel_start_timer (self, 0, on_stopped);
    }
  tunnel_set_state (self, IST_TUNNEL_STATE_STOPPING);
}

/**
 * ist_secure_tunnel_stop_async:
 * @self: a tunnel
 * @cancellable: (nullable): ends the waiting, not the stopping
 * @callback: (scope async): called when the tunnel has stopped
 * @user_data: data for @callback
 *
 * Does what [method@Ist.SecureTunnel.stop] does, and waits until the tunnel has
 * stopped: the callback follows the signal [signal@Ist.SecureTunnel::stopped], or
 * comes from the main loop if the tunnel is stopped already. That the tunnel is
 * started again meanwhile changes nothing.
 *
 * Since: 1.0
 */
void
ist_secure_tunnel_stop_async (IstSecureTunnel *self,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (IST_IS_SECURE_TUNNEL (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ist_secure_tunnel_stop_async);

  ist_secure_tunnel_stop (self);
  if (self->status.state == IST_TUNNEL_STATE_STOPPED)
    g_task_return_boolean (task, TRUE);
  else
    ist_waiting_tasks_add (self->stopping, g_steal_pointer (&task));
}

/**
 * ist_secure_tunnel_stop_finish:
 * @self: a tunnel
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ist.SecureTunnel.stop_async]. The only error is
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE if the tunnel has stopped
 *
 * Since: 1.0
 */
gboolean
ist_secure_tunnel_stop_finish (IstSecureTunnel *self,
                               GAsyncResult *result,
                               GError **error)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_secure_tunnel_stop_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ist_secure_tunnel_send_message:
 * @self: a tunnel
 * @message: a DATA message: a payload, and the service and connection it is for
 * @error: return location for an error
 *
 * Queues a message to be sent on the active stream of its service.
 *
 * The service may be left out where the tunnel has at most one. Connection 0 is
 * connection 1. A message with a stream id goes out on that stream only, one
 * without on the active one: see [ctor@Ist.Message.new_for_stream]. A
 * payload of more than 63 KiB is sent in several DATA messages, as a stream of
 * bytes allows; its peer sees those.
 *
 * [signal@Ist.SecureTunnel::send-data-complete] follows exactly once, if and
 * only if the message was accepted, and never before this returns. It is not
 * accepted with %IST_TUNNEL_ERROR_NOT_CONNECTED, %IST_TUNNEL_ERROR_NO_SUCH_SERVICE,
 * %IST_TUNNEL_ERROR_NO_SUCH_STREAM, %IST_TUNNEL_ERROR_NO_SUCH_CONNECTION,
 * %IST_TUNNEL_ERROR_TOO_LARGE (larger than `send-buffer-size`),
 * %IST_TUNNEL_ERROR_WOULD_BLOCK (the queue is full; `notify::queued-bytes` tells when
 * it has drained) or %IST_TUNNEL_ERROR_INVALID_SETTING (not a DATA message).
 *
 * Returns: %TRUE if the message was accepted
 *
 * Since: 1.0
 */
gboolean
ist_secure_tunnel_send_message (IstSecureTunnel *self,
                                IstMessage *message,
                                GError **error)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), FALSE);
  g_return_val_if_fail (message != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return ist_send_queue_send (self->sends, message, error);
}

/**
 * ist_secure_tunnel_send_message_async:
 * @self: a tunnel
 * @message: a DATA message: a payload, and the service and connection it is for
 * @cancellable: (nullable): ends the waiting for room, but does not call back a
 *   message that was accepted
 * @callback: (scope async): called when the message has been written
 * @user_data: data for @callback
 *
 * Sends a message as [method@Ist.SecureTunnel.send_message] does, but waits for
 * room while the queue is full, and for the message to be written to the
 * socket. Messages that wait are sent in order.
 *
 * Since: 1.0
 */
void
ist_secure_tunnel_send_message_async (IstSecureTunnel *self,
                                      IstMessage *message,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data)
{
  GTask *task;

  g_return_if_fail (IST_IS_SECURE_TUNNEL (self));
  g_return_if_fail (message != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ist_secure_tunnel_send_message_async);
  /* It is for the message's fate to say how it ended. */
  g_task_set_check_cancellable (task, FALSE);
  ist_send_queue_send_async (self->sends, message, task);
}

/**
 * ist_secure_tunnel_send_message_finish:
 * @self: a tunnel
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ist.SecureTunnel.send_message_async]. Besides the errors of
 * [method@Ist.SecureTunnel.send_message] there is the reason for which an
 * accepted message could not be written, such as %IST_TUNNEL_ERROR_DISCONNECTED.
 *
 * Returns: %TRUE if the message was written to the socket
 *
 * Since: 1.0
 */
gboolean
ist_secure_tunnel_send_message_finish (IstSecureTunnel *self,
                                       GAsyncResult *result,
                                       GError **error)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_secure_tunnel_send_message_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ist_secure_tunnel_start_stream:
 * @self: a tunnel in source mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @error: return location for an error
 *
 * Starts a stream of a service, replacing the active one if there is one. The
 * stream comes with its first connection; data can be sent at once. That the
 * peer refuses it is told by [signal@Ist.SecureTunnel::stream-stopped].
 *
 * Fails with %IST_TUNNEL_ERROR_NOT_CONNECTED, %IST_TUNNEL_ERROR_NO_SUCH_SERVICE, or
 * %IST_TUNNEL_ERROR_INVALID_STATE on a destination.
 *
 * Returns: (transfer full): the new stream
 *
 * Since: 1.0
 */
IstStreamInfo *
ist_secure_tunnel_start_stream (IstSecureTunnel *self,
                                const char *service_id,
                                GError **error)
{
  g_autoptr (GArray) events = ist_stream_events_new ();
  IstStreamInfo *info;

  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ist_tunnel_link_check (&self->link, error))
    return NULL;
  info = ist_stream_table_start_stream (self->link.table, service_id, events, error);
  if (info != NULL)
    tunnel_carry_out (self, events);
  return info;
}

/**
 * ist_secure_tunnel_start_connection:
 * @self: a tunnel in source mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @error: return location for an error
 *
 * Starts a further connection in the active stream of a service, at once.
 *
 * A peer that has not shown yet which version of the protocol it speaks may take
 * what is sent on it for data of the first connection, as those of version 1 and
 * 2 do. [method@Ist.SecureTunnel.open_connection_async] waits until that is known.
 *
 * Fails with %IST_TUNNEL_ERROR_NOT_CONNECTED, %IST_TUNNEL_ERROR_NO_SUCH_SERVICE,
 * %IST_TUNNEL_ERROR_NO_SUCH_STREAM, %IST_TUNNEL_ERROR_INVALID_STATE on a destination, or
 * %IST_TUNNEL_ERROR_NOT_SUPPORTED where the peer is known to speak version 1 or 2 of
 * the protocol, which have one connection per stream.
 *
 * Returns: (transfer full): the stream with the new connection
 *
 * Since: 1.0
 */
IstStreamInfo *
ist_secure_tunnel_start_connection (IstSecureTunnel *self,
                                    const char *service_id,
                                    GError **error)
{
  g_autoptr (GArray) events = ist_stream_events_new ();
  IstStreamInfo *info;

  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ist_tunnel_link_check (&self->link, error))
    return NULL;
  info = ist_stream_table_start_connection (self->link.table, service_id, events, error);
  if (info != NULL)
    tunnel_carry_out (self, events);
  return info;
}

/**
 * ist_secure_tunnel_reset_stream:
 * @self: a tunnel
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @error: return location for an error
 *
 * Ends the active stream of a service with all its connections. What was
 * accepted for sending before goes out first.
 * [signal@Ist.SecureTunnel::stream-stopped] is emitted before this returns.
 *
 * Fails with %IST_TUNNEL_ERROR_NOT_CONNECTED, %IST_TUNNEL_ERROR_NO_SUCH_SERVICE or
 * %IST_TUNNEL_ERROR_NO_SUCH_STREAM.
 *
 * Returns: %TRUE if there was a stream to end
 *
 * Since: 1.0
 */
gboolean
ist_secure_tunnel_reset_stream (IstSecureTunnel *self,
                                const char *service_id,
                                GError **error)
{
  g_autoptr (GArray) events = ist_stream_events_new ();

  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ist_tunnel_link_check (&self->link, error) ||
      !ist_stream_table_reset_stream (self->link.table, service_id, events, error))
    return FALSE;
  tunnel_carry_out (self, events);
  return TRUE;
}

/**
 * ist_secure_tunnel_reset_connection:
 * @self: a tunnel
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @connection_id: the connection; 0 or 1 with a peer of version 1 or 2, where
 *   the stream ends with it
 * @error: return location for an error
 *
 * Ends one connection of the active stream of a service. What was accepted for
 * sending on it before goes out first.
 * [signal@Ist.SecureTunnel::connection-reset] is emitted before this returns,
 * or [signal@Ist.SecureTunnel::stream-stopped] with a peer of version 1 or 2.
 *
 * Fails with %IST_TUNNEL_ERROR_NOT_CONNECTED, %IST_TUNNEL_ERROR_NO_SUCH_SERVICE,
 * %IST_TUNNEL_ERROR_NO_SUCH_STREAM or %IST_TUNNEL_ERROR_NO_SUCH_CONNECTION.
 *
 * Returns: %TRUE if there was a connection to end
 *
 * Since: 1.0
 */
gboolean
ist_secure_tunnel_reset_connection (IstSecureTunnel *self,
                                    const char *service_id,
                                    guint connection_id,
                                    GError **error)
{
  g_autoptr (GArray) events = ist_stream_events_new ();

  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ist_tunnel_link_check (&self->link, error) ||
      !ist_stream_table_reset_connection (self->link.table, service_id, connection_id, events, error))
    return FALSE;
  tunnel_carry_out (self, events);
  return TRUE;
}

/**
 * ist_secure_tunnel_open_connection_async:
 * @self: a tunnel in source mode
 * @service_id: (nullable): the service; %NULL where the tunnel has at most one
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when the connection is open
 * @user_data: data for @callback
 *
 * Opens a connection of a service as a stream: a further one in the active
 * stream, else the first one of a new stream.
 *
 * The protocol has no answer to the start of a connection. What is written
 * waits at the peer until it has connected to its service, and that it could
 * not shows as the end of the connection.
 *
 * Versions 1 and 2 of the protocol have one connection per stream, and a peer
 * that speaks them puts the data of a second one into the first. So where a
 * service has a connection, another one waits until the peer has shown that it
 * speaks version 3, or until the one there is has ended, for up to
 * `connection-wait-timeout-ms`. Nothing waits when `protocol-version` says what the
 * peer speaks and that is version 3.
 *
 * Fails with %IST_TUNNEL_ERROR_NOT_CONNECTED, %IST_TUNNEL_ERROR_NO_SUCH_SERVICE,
 * %IST_TUNNEL_ERROR_INVALID_STATE on a destination, or %IST_TUNNEL_ERROR_NOT_SUPPORTED after
 * waiting in vain.
 *
 * Since: 1.0
 */
void
ist_secure_tunnel_open_connection_async (IstSecureTunnel *self,
                                         const char *service_id,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (IST_IS_SECURE_TUNNEL (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ist_secure_tunnel_open_connection_async);
  if (!g_task_return_error_if_cancelled (task))
    ist_opening_queue_open (self->openings, service_id, g_steal_pointer (&task));
}

/**
 * ist_secure_tunnel_open_connection_finish:
 * @self: a tunnel in source mode
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ist.SecureTunnel.open_connection_async].
 *
 * Returns: (transfer full): the connection as a stream
 *
 * Since: 1.0
 */
IstConnection *
ist_secure_tunnel_open_connection_finish (IstSecureTunnel *self,
                                          GAsyncResult *result,
                                          GError **error)
{
  g_return_val_if_fail (IST_IS_SECURE_TUNNEL (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_secure_tunnel_open_connection_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
tunnel_set_paused (IstSecureTunnel *self,
                   gboolean paused)
{
  g_object_freeze_notify (G_OBJECT (self));
  ist_tunnel_status_set_paused (&self->status, paused);
  tunnel_update_paused (self);
  g_object_thaw_notify (G_OBJECT (self));
}

/**
 * ist_secure_tunnel_pause:
 * @self: a tunnel
 *
 * Stops reading from the service, for a consumer that can't keep up: what the
 * peer sends then waits in the network, and the peer is slowed down. What was
 * read already is still delivered, at most a few hundred kilobytes.
 *
 * All streams of the tunnel are paused, and nothing else is noticed either: a
 * lost connection is noticed after [method@Ist.SecureTunnel.resume]. A tunnel
 * that connects again stays paused.
 *
 * Since: 1.0
 */
void
ist_secure_tunnel_pause (IstSecureTunnel *self)
{
  g_return_if_fail (IST_IS_SECURE_TUNNEL (self));

  tunnel_set_paused (self, TRUE);
}

/**
 * ist_secure_tunnel_resume:
 * @self: a tunnel
 *
 * Goes on reading after [method@Ist.SecureTunnel.pause].
 *
 * Since: 1.0
 */
void
ist_secure_tunnel_resume (IstSecureTunnel *self)
{
  g_return_if_fail (IST_IS_SECURE_TUNNEL (self));

  tunnel_set_paused (self, FALSE);
}

const IstTunnelStatus *
ist_secure_tunnel_get_status (IstSecureTunnel *self)
{
  return &self->status;
}

const IstTunnelSettings *
ist_secure_tunnel_get_settings (IstSecureTunnel *self)
{
  return &self->settings;
}
