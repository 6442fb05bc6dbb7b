/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-tunnel-private.h"

#include <ist-operator/ist-operator-client-error.h>
#include <ist-operator/ist-operator-control-plane-error.h>

#include "common/ist-source-private.h"
#include "ist-operator/ist-operator-closing-private.h"
#include "ist-operator/ist-operator-control-plane-error-private.h"
#include "ist-operator/ist-operator-control-plane-private.h"
#include "ist-operator/ist-operator-search-private.h"

/* The service does not tell when the device has gone: what was known of it for so long is
 * asked for anew before another connection is opened. Microseconds. */
#define DEVICE_FRESH_FOR (10 * G_TIME_SPAN_SECOND)

/* Before it is opened again, in milliseconds. */
#define DELAY_FLOOR 50
#define DELAY_BASE 500
#define DELAY_CAP 20000

/* The state */

static IstOperatorTunnelState
tunnel_get_state_now (IstOperatorTunnel *self)
{
  switch (self->phase)
    {
    case IST_OPERATOR_PHASE_LOOKING:
      return IST_OPERATOR_TUNNEL_STATE_LOOKING;
    case IST_OPERATOR_PHASE_OPENING:
      return IST_OPERATOR_TUNNEL_STATE_OPENING;
    case IST_OPERATOR_PHASE_CLOSING:
      return IST_OPERATOR_TUNNEL_STATE_CLOSING;
    case IST_OPERATOR_PHASE_CLOSED:
      return IST_OPERATOR_TUNNEL_STATE_CLOSED;
    case IST_OPERATOR_PHASE_OPEN:
    default:
      break;
    }
  if (!self->device_connected)
    return IST_OPERATOR_TUNNEL_STATE_WAITING;
  if (ist_secure_tunnel_get_state (self->secure_tunnel) == IST_TUNNEL_STATE_CONNECTED)
    return IST_OPERATOR_TUNNEL_STATE_CONNECTED;
  return IST_OPERATOR_TUNNEL_STATE_CONNECTING;
}

static void
tunnel_tell_state (IstOperatorTunnel *self)
{
  IstOperatorTunnelState state = tunnel_get_state_now (self);

  if (self->state == state)
    return;
  self->state = state;
  ist_operator_tunnel_notify_state (self);
  if (self->funcs != NULL)
    self->funcs->state_changed (self, self->client);
}

/* The tunnel is no more, or is somebody else's now: it is to be left alone, and others
 * take its place. */
static gboolean
is_gone (const GError *error)
{
  return g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED) ||
         g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOKEN_REJECTED) ||
         g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CLIENT_REPLACED) ||
         g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND);
}

/* Requests */

static void
tunnel_release (IstOperatorTunnel *self,
                GTask *request,
                const GError *why,
                gboolean is_new)
{
  if (self->funcs != NULL)
    {
      self->funcs->released (self, request, why, is_new, self->client);
      return;
    }
  g_task_return_error (request, g_error_copy (why));
  g_object_unref (request);
}

/* Those who wait at this moment. */
static void
tunnel_release_waiting (IstOperatorTunnel *self,
                        const GError *why,
                        gboolean is_new)
{
  g_autoptr (GPtrArray) requests = g_ptr_array_new ();
  GTask *request;

  while ((request = ist_waiting_tasks_take (self->waiting)) != NULL)
    g_ptr_array_add (requests, request);
  for (guint i = 0; i < requests->len; i++)
    tunnel_release (self, requests->pdata[i], why, is_new);
}

static void
tunnel_fail_waiting (IstOperatorTunnel *self,
                     const GError *error)
{
  ist_waiting_tasks_return (self->adopting, error);
  ist_waiting_tasks_return (self->waiting, error);
}

static gboolean
tunnel_is_awaited (IstOperatorTunnel *self)
{
  return !ist_waiting_tasks_is_empty (self->waiting) || !ist_waiting_tasks_is_empty (self->adopting);
}

/* A connection that is being opened, or a stream that is about to be carried. */
typedef struct
{
  IstOperatorTunnel *tunnel;
  GTask *request;
} Serving;

static Serving *
serving_new (IstOperatorTunnel *tunnel,
             GTask *request)
{
  Serving *serving = g_new0 (Serving, 1);

  serving->tunnel = g_object_ref (tunnel);
  serving->request = request;
  return serving;
}

static void
serving_free (Serving *serving)
{
  g_object_unref (serving->tunnel);
  g_clear_object (&serving->request);
  g_free (serving);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Serving, serving_free)

/* In the client's terms. */
static GError *
serving_explain (Serving *serving,
                 const GError *error)
{
  if (g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NO_SUCH_SERVICE))
    return g_error_new (IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_SERVICE_NOT_AVAILABLE, "Tunnel %s: %s",
                        serving->tunnel->tunnel_id, error->message);
  return g_error_copy (error);
}

static gboolean
is_loss (const GError *error)
{
  return g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED) ||
         g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED) ||
         g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED);
}

/* With what the connection would have been in. */
static void
serving_start_again (Serving *serving,
                     const GError *error)
{
  IstOperatorTunnel *tunnel = serving->tunnel;

  if (tunnel->phase < IST_OPERATOR_PHASE_CLOSING)
    tunnel_release (tunnel, g_steal_pointer (&serving->request), error, FALSE);
  else if (is_gone (tunnel->last_error))
    tunnel_release (tunnel, g_steal_pointer (&serving->request), tunnel->last_error, FALSE);
  else
    g_task_return_new_error (serving->request, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_CLOSED,
                             "The tunnel was closed");
}

static void
on_connection (GObject *object,
               GAsyncResult *result,
               gpointer user_data)
{
  g_autoptr (Serving) serving = user_data;
  g_autoptr (GError) error = NULL;
  IstConnection *connection = ist_forwarder_open_connection_finish (IST_FORWARDER (object), result, &error);

  if (connection != NULL)
    g_task_return_pointer (serving->request, connection, g_object_unref);
  else if (is_loss (error))
    serving_start_again (serving, error);
  else
    g_task_return_error (serving->request, serving_explain (serving, error));
}

/* The forwarder has closed the stream if this has failed. */
static void
on_forwarded (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (Serving) serving = user_data;
  g_autoptr (GError) error = NULL;
  IstForwarderConnection *connection = ist_forwarder_forward_finish (IST_FORWARDER (object), result, &error);

  if (connection != NULL)
    g_task_return_pointer (serving->request, connection, g_object_unref);
  else
    g_task_return_error (serving->request, serving_explain (serving, error));
}

static void
tunnel_serve_now (IstOperatorTunnel *self,
                  GTask *task)
{
  IstOperatorRequest *request = ist_operator_request_get (task);
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autoptr (GIOStream) stream = NULL;

  switch (request->kind)
    {
    case IST_OPERATOR_REQUEST_CONNECT:
      ist_forwarder_open_connection_async (self->forwarder, request->service_ids[0], cancellable, on_connection,
                                           serving_new (self, task));
      break;
    case IST_OPERATOR_REQUEST_FORWARD:
      stream = g_steal_pointer (&request->stream);
      ist_forwarder_forward_async (self->forwarder, request->service_ids[0], stream, cancellable, on_forwarded,
                                   serving_new (self, task));
      break;
    case IST_OPERATOR_REQUEST_OPEN:
    case IST_OPERATOR_REQUEST_ADOPT:
    default:
      if (request->kind == IST_OPERATOR_REQUEST_OPEN)
        ist_operator_tunnel_set_kept (self, TRUE);
      else
        self->is_foreign = FALSE;
      g_task_return_pointer (task, g_object_ref (self), g_object_unref);
      g_object_unref (task);
      break;
    }
}

static void
tunnel_serve_waiting (IstOperatorTunnel *self,
                      IstWaitingTasks *waiting)
{
  GTask *task;

  g_main_context_push_thread_default (self->context);
  /* Handlers of what that leads to may end the tunnel. */
  while (self->phase == IST_OPERATOR_PHASE_OPEN && (task = ist_waiting_tasks_take (waiting)) != NULL)
    tunnel_serve_now (self, task);
  g_main_context_pop_thread_default (self->context);
}

/* In vain: the device has not come, or the tunnel could not be connected to. */
static GError *
tunnel_explain_timeout (IstOperatorTunnel *self,
                        guint seconds)
{
  g_autofree char *services = g_strjoinv (", ", self->service_ids);
  const GError *why = ist_secure_tunnel_get_last_error (self->secure_tunnel);
  const char *advice = "";

  if (g_error_matches (why, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TLS))
    advice = " (AWS_CA_BUNDLE names the authorities that are trusted)";
  if (ist_secure_tunnel_get_state (self->secure_tunnel) != IST_TUNNEL_STATE_CONNECTED)
    return g_error_new (IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_TUNNEL_NOT_CONNECTED,
                        "Tunnel %s could not be connected to within %u seconds: %s%s", self->tunnel_id, seconds,
                        why != NULL ? why->message : "the service does not answer", advice);
  return g_error_new (IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_DEVICE_NOT_CONNECTED,
                      "“%s” has not connected to tunnel %s within %u seconds: is it switched on and online, and does "
                      "an agent run there that offers %s?",
                      self->thing_name != NULL ? self->thing_name : "The device", self->tunnel_id, seconds,
                      *services != '\0' ? services : "what is asked for");
}

static void
on_expired (GTask *task,
            gpointer user_data)
{
  g_autoptr (IstOperatorTunnel) self = g_object_ref (user_data);
  g_autoptr (GTask) request = task;
  g_autoptr (GError) error = tunnel_explain_timeout (self, ist_operator_request_get (request)->device_timeout);

  ist_operator_tunnel_set_last_error (self, error);
  g_task_return_error (request, g_steal_pointer (&error));
  ist_operator_tunnel_advance (self);
}

static guint
request_get_timeout (GTask *task)
{
  return ist_operator_request_get (task)->device_timeout;
}

/* The device */

static gboolean
tunnel_knows_device (IstOperatorTunnel *self)
{
  return self->device_connected && !self->device_in_doubt &&
         g_get_monotonic_time () - self->device_seen_at < DEVICE_FRESH_FOR;
}

static void
tunnel_saw_device (IstOperatorTunnel *self)
{
  self->device_connected = TRUE;
  self->device_was_connected = TRUE;
  self->device_in_doubt = FALSE;
  self->device_seen_at = g_get_monotonic_time ();
  /* That one has served its purpose: if the device goes, it takes another. */
  self->device_notified_at = 0;
}

static void
tunnel_stop_watch (IstOperatorTunnel *self)
{
  if (self->watch == NULL)
    return;
  self->device_notified_at = ist_operator_device_watch_get_notified_at (self->watch);
  g_clear_pointer (&self->watch, ist_operator_device_watch_free);
}

static void
on_device (gboolean connected,
           const GError *error,
           gpointer user_data)
{
  g_autoptr (IstOperatorTunnel) self = g_object_ref (user_data);

  if (!connected && error == NULL)
    {
      self->device_connected = FALSE;
      tunnel_tell_state (self);
      return;
    }
  tunnel_stop_watch (self);
  if (connected)
    {
      tunnel_saw_device (self);
      if (ist_secure_tunnel_get_state (self->secure_tunnel) == IST_TUNNEL_STATE_CONNECTED)
        ist_operator_tunnel_set_last_error (self, NULL);
    }
  else if (is_gone (error))
    {
      ist_operator_tunnel_end (self, error);
      return;
    }
  else
    {
      ist_operator_tunnel_set_last_error (self, error);
      tunnel_fail_waiting (self, error);
    }
  ist_operator_tunnel_advance (self);
}

static void
tunnel_start_watch (IstOperatorTunnel *self)
{
  const IstOperatorDeviceWatchSettings settings = {
    .tunnel_id = self->tunnel_id,
    .thing_name = self->thing_name,
    .service_ids = (const char *const *) self->service_ids,
    .notified_at = self->device_notified_at,
    .was_connected = self->device_was_connected,
    .is_new = !self->device_was_connected && !self->reused,
    .patience = self->patience,
  };

  if (self->watch == NULL)
    self->watch = ist_operator_device_watch_new (self->control_plane, self->context, &settings, on_device, self);
  else
    ist_operator_device_watch_set_patience (self->watch, self->patience);
}

/* What is to be done */

static gboolean
on_linger_over (gpointer user_data)
{
  g_autoptr (IstOperatorTunnel) self = g_object_ref (user_data);

  ist_operator_tunnel_end (self, NULL);
  return G_SOURCE_REMOVE;
}

static void
tunnel_linger (IstOperatorTunnel *self,
               guint seconds)
{
  self->lingering = seconds > 0 ? g_timeout_source_new_seconds (seconds) : g_timeout_source_new (0);
  g_source_set_static_name (self->lingering, "IstOperator lingers");
  g_source_set_callback (self->lingering, on_linger_over, self, NULL);
  g_source_attach (self->lingering, self->context);
}

static void
tunnel_rest (IstOperatorTunnel *self)
{
  tunnel_stop_watch (self);
  self->patience = 0;
  if (self->kept || ist_forwarder_get_n_connections (self->forwarder) > 0)
    ist_clear_source (&self->lingering);
  else if (self->lingering == NULL)
    tunnel_linger (self, self->is_exclusive ? 0 : self->linger);
}

static void
tunnel_work (IstOperatorTunnel *self)
{
  gboolean connected = ist_secure_tunnel_get_state (self->secure_tunnel) == IST_TUNNEL_STATE_CONNECTED;

  ist_clear_source (&self->lingering);
  ist_waiting_tasks_limit (self->adopting, request_get_timeout, on_expired);
  ist_waiting_tasks_limit (self->waiting, request_get_timeout, on_expired);
  if (connected && !ist_waiting_tasks_is_empty (self->adopting))
    tunnel_serve_waiting (self, self->adopting);
  if (self->phase != IST_OPERATOR_PHASE_OPEN || ist_waiting_tasks_is_empty (self->waiting))
    return;
  if (!tunnel_knows_device (self))
    tunnel_start_watch (self);
  else if (connected)
    tunnel_serve_waiting (self, self->waiting);
}

void
ist_operator_tunnel_advance (IstOperatorTunnel *self)
{
  g_autoptr (IstOperatorTunnel) alive G_GNUC_UNUSED = g_object_ref (self);

  if (self->phase == IST_OPERATOR_PHASE_OPEN && tunnel_is_awaited (self))
    tunnel_work (self);
  if (self->phase == IST_OPERATOR_PHASE_OPEN && !tunnel_is_awaited (self))
    tunnel_rest (self);
  tunnel_tell_state (self);
}

/* Closing */

static void
tunnel_check_closed (IstOperatorTunnel *self)
{
  g_autoptr (IstOperatorTunnel) alive G_GNUC_UNUSED = g_object_ref (self);

  if (self->phase != IST_OPERATOR_PHASE_CLOSING || !self->closed_at_service ||
      (self->secure_tunnel != NULL && ist_secure_tunnel_get_state (self->secure_tunnel) != IST_TUNNEL_STATE_STOPPED))
    return;
  self->phase = IST_OPERATOR_PHASE_CLOSED;
  tunnel_tell_state (self);
  if (self->funcs != NULL)
    self->funcs->closed (self, self->close_error != NULL ? self->close_error : self->last_error, self->client);
  ist_waiting_tasks_return (self->closing, self->close_error);
}

static void
on_closed_at_service (GObject *object,
                      GAsyncResult *result,
                      gpointer user_data)
{
  g_autoptr (IstOperatorTunnel) self = user_data;

  if (!ist_operator_close_at_service_finish (result, &self->close_error))
    {
      g_prefix_error (&self->close_error, "Tunnel %s may stay open, and cost money, until its lifetime is over: ",
                      self->tunnel_id);
      ist_operator_tunnel_set_last_error (self, self->close_error);
    }
  self->closed_at_service = TRUE;
  tunnel_check_closed (self);
}

static void
tunnel_close_at_service (IstOperatorTunnel *self)
{
  if (self->tunnel_id != NULL && !self->is_left)
    {
      ist_operator_close_at_service_async (self->control_plane, self->tunnel_id, self->context, on_closed_at_service,
                                           g_object_ref (self));
      return;
    }
  self->closed_at_service = TRUE;
  tunnel_check_closed (self);
}

static void
on_secure_tunnel_stopped (GObject *object,
                          GAsyncResult *result,
                          gpointer user_data)
{
  g_autoptr (IstOperatorTunnel) self = user_data;

  tunnel_check_closed (self);
}

static void
tunnel_leave (IstOperatorTunnel *self)
{
  if (self->secure_tunnel == NULL)
    return;
  ist_forwarder_close (self->forwarder);
  g_main_context_push_thread_default (self->context);
  ist_secure_tunnel_stop_async (self->secure_tunnel, NULL, on_secure_tunnel_stopped, g_object_ref (self));
  g_main_context_pop_thread_default (self->context);
}

static void
tunnel_end_requests (IstOperatorTunnel *self,
                     const GError *reason,
                     gboolean is_new)
{
  g_autoptr (GError) error = NULL;

  if (reason != NULL)
    error = g_error_copy (reason);
  else
    error = g_error_new_literal (IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_CLOSED, "The tunnel was closed");
  ist_waiting_tasks_return (self->adopting, error);
  if (is_new || is_gone (error))
    tunnel_release_waiting (self, error, is_new);
  else
    ist_waiting_tasks_return (self->waiting, error);
}

static void
tunnel_end (IstOperatorTunnel *self,
            const GError *reason,
            gboolean is_left,
            gboolean is_new)
{
  g_autoptr (IstOperatorTunnel) alive G_GNUC_UNUSED = g_object_ref (self);

  if (self->phase >= IST_OPERATOR_PHASE_CLOSING)
    return;
  self->phase = IST_OPERATOR_PHASE_CLOSING;
  self->is_left = is_left;
  ist_clear_source (&self->lingering);
  ist_clear_source (&self->opening_again);
  tunnel_stop_watch (self);
  g_cancellable_cancel (self->cancellable);
  if (reason != NULL)
    ist_operator_tunnel_set_last_error (self, reason);
  tunnel_tell_state (self);
  tunnel_end_requests (self, reason, is_new);
  tunnel_leave (self);
  /* Only when it is known what was opened can it be closed. */
  if (!self->is_opening)
    tunnel_close_at_service (self);
}

void
ist_operator_tunnel_end (IstOperatorTunnel *self,
                         const GError *reason)
{
  tunnel_end (self, reason, self->is_foreign || is_gone (reason), FALSE);
}

/* There is none, and never was. */
static void
tunnel_fail (IstOperatorTunnel *self,
             const GError *error)
{
  tunnel_end (self, error, TRUE, TRUE);
}

void
ist_operator_tunnel_end_at_service (IstOperatorTunnel *self)
{
  tunnel_end (self, NULL, FALSE, FALSE);
}

/* Being connected */

static void
on_secure_tunnel_state (IstOperatorTunnel *self)
{
  IstTunnelState state = ist_secure_tunnel_get_state (self->secure_tunnel);

  if (state == IST_TUNNEL_STATE_CONNECTED)
    {
      self->was_connected = TRUE;
      ist_operator_tunnel_set_last_error (self, NULL);
    }
  ist_operator_tunnel_advance (self);
}

static void
on_connection_failure (IstSecureTunnel *secure_tunnel,
                       const GError *error,
                       gboolean will_retry,
                       IstOperatorTunnel *self)
{
  ist_operator_tunnel_set_last_error (self, error);
}

static void
on_connection_shutdown (IstSecureTunnel *secure_tunnel,
                        const GError *error,
                        IstOperatorTunnel *self)
{
  self->device_in_doubt = TRUE;
  if (error != NULL)
    ist_operator_tunnel_set_last_error (self, error);
}

/* The service resets the streams of a device that has gone. */
static void
on_stream_stopped (IstSecureTunnel *secure_tunnel,
                   IstStreamInfo *info,
                   const GError *error,
                   IstOperatorTunnel *self)
{
  if (error != NULL)
    self->device_in_doubt = TRUE;
}

static void
on_bytes_in (IstOperatorTunnel *self)
{
  if (!self->device_in_doubt)
    self->device_seen_at = g_get_monotonic_time ();
}

/* Only who has taken the tunnel over could be connected. If nobody is, it is no other one
 * that is wanted: that would be refused as well, and each costs money. */
static void
on_source_described (GObject *object,
                     GAsyncResult *result,
                     gpointer user_data)
{
  g_autoptr (IstOperatorTunnel) self = user_data;
  const GError *refusal = ist_secure_tunnel_get_last_error (self->secure_tunnel);
  g_autoptr (IstOperatorTunnelDescription) description = NULL;
  g_autoptr (GError) error = NULL;

  description = ist_operator_control_plane_describe_tunnel_finish (IST_OPERATOR_CONTROL_PLANE (object), result, NULL);
  if (description != NULL && ist_operator_tunnel_description_get_source_connected (description))
    {
      ist_operator_tunnel_end (self, refusal);
      return;
    }
  error = g_error_new (IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_TUNNEL_NOT_CONNECTED,
                       "Tunnel %s was opened, but can't be connected to: %s", self->tunnel_id, refusal->message);
  ist_operator_tunnel_end (self, error);
}

/* For good; a stop by the tunnel itself comes after its end. */
static void
on_stopped (IstOperatorTunnel *self)
{
  const GError *error = ist_secure_tunnel_get_last_error (self->secure_tunnel);
  g_autoptr (GError) reason = error != NULL ? g_error_copy (error) : NULL;

  if (self->phase == IST_OPERATOR_PHASE_OPEN && !self->reused && !self->was_connected &&
      g_error_matches (reason, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOKEN_REJECTED))
    {
      g_main_context_push_thread_default (self->context);
      ist_operator_control_plane_describe_tunnel_async (self->control_plane, self->tunnel_id, NULL,
                                                        on_source_described, g_object_ref (self));
      g_main_context_pop_thread_default (self->context);
      return;
    }
  ist_operator_tunnel_end (self, reason);
}

static IstSecureTunnel *
tunnel_make_secure_tunnel (IstOperatorTunnel *self,
                           const char *access_token,
                           GError **error)
{
  g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
  IstOperatorControlPlane *control_plane = self->control_plane;
  GTlsDatabase *database = ist_operator_control_plane_get_tls_database (control_plane);

  ist_secure_tunnel_builder_set_mode (builder, IST_MODE_SOURCE);
  ist_secure_tunnel_builder_set_access_token (builder, access_token);
  ist_secure_tunnel_builder_set_protocol_version (builder, self->protocol_version);
  ist_secure_tunnel_builder_set_endpoint (builder, ist_operator_control_plane_get_tunnel_endpoint (control_plane));
  /* One of them, which has been made of the other if need be. */
  if (database != NULL)
    ist_secure_tunnel_builder_set_tls_database (builder, database);
  else
    ist_secure_tunnel_builder_set_ca_file (builder, ist_operator_control_plane_get_ca_file (control_plane));
  ist_secure_tunnel_builder_set_verify_certificate (builder,
                                                    ist_operator_control_plane_get_verify_certificate (control_plane));
  ist_secure_tunnel_builder_set_proxy_resolver (builder,
                                                ist_operator_control_plane_get_proxy_resolver (control_plane));
  return ist_secure_tunnel_builder_build (builder, error);
}

static gboolean
tunnel_connect (IstOperatorTunnel *self,
                const char *access_token,
                GError **error)
{
  g_autoptr (IstForwarder) forwarder = NULL;

  self->secure_tunnel = tunnel_make_secure_tunnel (self, access_token, error);
  if (self->secure_tunnel == NULL)
    return FALSE;
  g_signal_connect_object (self->secure_tunnel, "notify::state", G_CALLBACK (on_secure_tunnel_state), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->secure_tunnel, "connection-failure", G_CALLBACK (on_connection_failure), self, 0);
  g_signal_connect_object (self->secure_tunnel, "connection-shutdown", G_CALLBACK (on_connection_shutdown), self, 0);
  g_signal_connect_object (self->secure_tunnel, "stream-stopped", G_CALLBACK (on_stream_stopped), self, 0);
  g_signal_connect_object (self->secure_tunnel, "stopped", G_CALLBACK (on_stopped), self, G_CONNECT_SWAPPED);
  forwarder = ist_forwarder_new (self->secure_tunnel);
  g_signal_connect_object (forwarder, "notify::bytes-in", G_CALLBACK (on_bytes_in), self, G_CONNECT_SWAPPED);
  ist_operator_tunnel_set_forwarder (self, forwarder);
  return ist_secure_tunnel_start (self->secure_tunnel, error);
}

/* It is known what to connect to, unless nobody wants that any more. */
static void
tunnel_begin (IstOperatorTunnel *self,
              const char *access_token)
{
  g_autoptr (GError) error = NULL;
  gboolean connects;

  if (self->phase == IST_OPERATOR_PHASE_CLOSING)
    {
      ist_operator_tunnel_notify_identity (self);
      tunnel_close_at_service (self);
      return;
    }
  g_main_context_push_thread_default (self->context);
  connects = tunnel_connect (self, access_token, &error);
  g_main_context_pop_thread_default (self->context);
  self->phase = IST_OPERATOR_PHASE_OPEN;
  ist_operator_tunnel_notify_identity (self);
  if (connects)
    ist_operator_tunnel_advance (self);
  else
    ist_operator_tunnel_end (self, error);
}

/* Opening */

static void
tunnel_set_times (IstOperatorTunnel *self,
                  gint64 opened_at,
                  guint lifetime)
{
  self->opened_at = opened_at;
  self->lifetime = lifetime != 0 ? lifetime : IST_OPERATOR_MAX_LIFETIME;
  self->expires_at = opened_at + self->lifetime * G_TIME_SPAN_MINUTE;
}

static gboolean
tunnel_has_services (IstOperatorTunnel *self,
                     GTask *task)
{
  return ist_operator_services_contain ((const char *const *) self->service_ids,
                                        (const char *const *) ist_operator_request_get (task)->service_ids);
}

/* Those who came while it was looked for may want what this one lacks. */
static void
tunnel_release_unserved (IstOperatorTunnel *self)
{
  g_autoptr (GPtrArray) fitting = g_ptr_array_new ();
  g_autoptr (GPtrArray) others = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  GTask *task;

  while ((task = ist_waiting_tasks_take (self->waiting)) != NULL)
    g_ptr_array_add (tunnel_has_services (self, task) ? fitting : others, task);
  for (guint i = 0; i < fitting->len; i++)
    ist_waiting_tasks_add (self->waiting, fitting->pdata[i]);
  error = g_error_new (IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_SERVICE_NOT_AVAILABLE,
                       "Tunnel %s lacks the service", self->tunnel_id);
  for (guint i = 0; i < others->len; i++)
    tunnel_release (self, others->pdata[i], error, FALSE);
  ist_operator_tunnel_advance (self);
}

static void
tunnel_take_found (IstOperatorTunnel *self,
                   IstOperatorOffer *found)
{
  g_free (self->tunnel_id);
  self->tunnel_id = g_steal_pointer (&found->tunnel_id);
  g_free (self->thing_name);
  self->thing_name = g_steal_pointer (&found->thing_name);
  g_strfreev (self->service_ids);
  self->service_ids = g_steal_pointer (&found->service_ids);
  g_free (self->description);
  self->description = g_steal_pointer (&found->description);
  tunnel_set_times (self, found->opened_at, found->lifetime);
  if (found->device_notified)
    self->device_notified_at = g_get_monotonic_time ();
  if (found->device_connected)
    tunnel_saw_device (self);
  tunnel_begin (self, found->access_token);
  if (self->phase == IST_OPERATOR_PHASE_OPEN)
    tunnel_release_unserved (self);
}

static void tunnel_open (IstOperatorTunnel *self);

static gboolean
on_pause_over (gpointer user_data)
{
  g_autoptr (IstOperatorTunnel) self = g_object_ref (user_data);

  ist_clear_source (&self->opening_again);
  tunnel_open (self);
  return G_SOURCE_REMOVE;
}

/* If it was the service itself that has failed: what else was in the way may still get
 * there. */
static gboolean
tunnel_may_open_again (IstOperatorTunnel *self,
                       const GError *why)
{
  return tunnel_is_awaited (self) && ist_operator_control_plane_error_get_aws_type (why) != NULL &&
         self->backoff.failures + 1 < self->control_plane->caller->max_attempts;
}

static void
tunnel_open_again_later (IstOperatorTunnel *self)
{
  self->opening_again = g_timeout_source_new (ist_backoff_fail (&self->backoff));
  g_source_set_static_name (self->opening_again, "IstOperator opens again");
  g_source_set_callback (self->opening_again, on_pause_over, self, NULL);
  g_source_attach (self->opening_again, self->context);
}

/* @error: (nullable): why nobody could look */
static GError *
tunnel_explain_loss (IstOperatorTunnel *self,
                     const GError *error)
{
  GError *why = g_error_copy (self->last_error);
  g_autofree char *message = NULL;

  if (error == NULL)
    return why;
  message = g_steal_pointer (&why->message);
  why->message = g_strdup_printf ("%s; a tunnel may be open that nobody uses, but it could not be looked for: %s",
                                  message, error->message);
  return why;
}

/* The service may have opened it, though no answer came: then it is there, is paid for, and
 * is known by what is said of it. */
static void
on_recovered (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (IstOperatorTunnel) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (IstOperatorOffer) found = ist_operator_search_finish (result, &error);
  g_autoptr (GError) why = NULL;

  self->is_opening = FALSE;
  if (found != NULL)
    {
      tunnel_take_found (self, found);
    }
  else if (self->phase == IST_OPERATOR_PHASE_CLOSING)
    {
      tunnel_close_at_service (self);
    }
  else if (error == NULL && tunnel_may_open_again (self, self->last_error))
    {
      tunnel_open_again_later (self);
    }
  else
    {
      why = tunnel_explain_loss (self, error);
      tunnel_fail (self, why);
    }
}

static void
tunnel_recover (IstOperatorTunnel *self,
                const GError *error)
{
  static const char *const none[] = { NULL };

  ist_operator_tunnel_set_last_error (self, error);
  ist_operator_search_async (self->control_plane, self->context, self->thing_name,
                             (const char *const *) self->service_ids, self->description, none, NULL, on_recovered,
                             g_object_ref (self));
}

static void
on_opened (GObject *object,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (IstOperatorTunnel) self = user_data;
  g_autoptr (IstOperatorTunnelAccess) access = NULL;
  g_autoptr (GError) error = NULL;

  access = ist_operator_control_plane_open_tunnel_finish (IST_OPERATOR_CONTROL_PLANE (object), result, &error);
  if (access == NULL && ist_operator_control_plane_error_get_may_be_done (error))
    {
      tunnel_recover (self, error);
      return;
    }
  self->is_opening = FALSE;
  if (access != NULL)
    {
      self->tunnel_id = g_strdup (ist_operator_tunnel_access_get_tunnel_id (access));
      tunnel_set_times (self, g_get_real_time (), self->lifetime);
      self->device_notified_at = g_get_monotonic_time ();
      tunnel_begin (self, ist_operator_tunnel_access_get_source_access_token (access));
    }
  else if (self->phase == IST_OPERATOR_PHASE_CLOSING)
    {
      tunnel_close_at_service (self);
    }
  else
    {
      tunnel_fail (self, error);
    }
}

/* Not to be cancelled: a tunnel that nobody knows of could not be closed. */
static void
tunnel_open (IstOperatorTunnel *self)
{
  self->phase = IST_OPERATOR_PHASE_OPENING;
  self->is_opening = TRUE;
  g_main_context_push_thread_default (self->context);
  ist_operator_control_plane_open_traced_tunnel_async (self->control_plane, self->thing_name,
                                                       (const char *const *) self->service_ids, self->description,
                                                       self->lifetime, on_opened, g_object_ref (self));
  g_main_context_pop_thread_default (self->context);
  ist_operator_tunnel_advance (self);
}

/* Finding */

static void
on_adopted (GObject *object,
            GAsyncResult *result,
            gpointer user_data)
{
  g_autoptr (IstOperatorTunnel) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (IstOperatorOffer) found = ist_operator_search_finish (result, &error);

  if (self->phase != IST_OPERATOR_PHASE_LOOKING)
    return;
  if (found == NULL)
    {
      tunnel_fail (self, error);
      return;
    }
  self->is_foreign = FALSE;
  self->reused = TRUE;
  tunnel_take_found (self, found);
}

static void
on_found (GObject *object,
          GAsyncResult *result,
          gpointer user_data)
{
  g_autoptr (IstOperatorTunnel) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (IstOperatorOffer) found = ist_operator_search_finish (result, &error);

  if (self->phase != IST_OPERATOR_PHASE_LOOKING)
    return;
  if (found != NULL)
    {
      self->is_foreign = TRUE;
      self->reused = TRUE;
      tunnel_take_found (self, found);
    }
  /* Some may open tunnels, and nothing else. */
  else if (error == NULL || g_error_matches (error, IST_OPERATOR_CONTROL_PLANE_ERROR,
                                             IST_OPERATOR_CONTROL_PLANE_ERROR_ACCESS_DENIED))
    {
      tunnel_open (self);
    }
  else
    {
      tunnel_fail (self, error);
    }
}

/* For the client */

static void
on_request_cancelled (gpointer user_data)
{
  g_autoptr (IstOperatorTunnel) self = g_object_ref (user_data);

  /* One that is opened already is paid for: it lingers for the next who wants it. */
  if ((self->phase == IST_OPERATOR_PHASE_LOOKING || self->opening_again != NULL) && !tunnel_is_awaited (self))
    ist_operator_tunnel_end (self, NULL);
  else
    ist_operator_tunnel_advance (self);
}

IstOperatorTunnel *
ist_operator_tunnel_new (GMainContext *context,
                         IstOperatorControlPlane *control_plane,
                         const char *thing_name,
                         const char *const *service_ids,
                         const IstOperatorTunnelFuncs *funcs,
                         gpointer client)
{
  IstOperatorTunnel *self = g_object_new (IST_OPERATOR_TYPE_TUNNEL, NULL);

  self->context = g_main_context_ref (context);
  self->control_plane = g_object_ref (control_plane);
  self->thing_name = g_strdup (thing_name);
  g_strfreev (self->service_ids);
  self->service_ids = g_strdupv ((char **) service_ids);
  self->funcs = funcs;
  self->client = client;
  self->phase = IST_OPERATOR_PHASE_LOOKING;
  self->state = IST_OPERATOR_TUNNEL_STATE_LOOKING;
  self->cancellable = g_cancellable_new ();
  self->backoff = (IstBackoff){ .floor = DELAY_FLOOR, .base = DELAY_BASE, .cap = DELAY_CAP };
  self->adopting = ist_waiting_tasks_new (context, on_request_cancelled, self);
  self->waiting = ist_waiting_tasks_new (context, on_request_cancelled, self);
  self->closing = ist_waiting_tasks_new (context, NULL, NULL);
  return self;
}

void
ist_operator_tunnel_disown (IstOperatorTunnel *self)
{
  self->funcs = NULL;
}

void
ist_operator_tunnel_start (IstOperatorTunnel *self,
                           const char *const *wanted,
                           const char *const *excluded)
{
  if (wanted != NULL)
    ist_operator_search_async (self->control_plane, self->context, self->thing_name, wanted, NULL, excluded,
                               self->cancellable, on_found, g_object_ref (self));
  else
    tunnel_open (self);
}

void
ist_operator_tunnel_start_adopting (IstOperatorTunnel *self,
                                    const char *tunnel_id)
{
  self->tunnel_id = g_strdup (tunnel_id);
  /* It is not closed before it is known to be taken. */
  self->is_foreign = TRUE;
  ist_operator_take_over_async (self->control_plane, self->context, tunnel_id, self->cancellable, on_adopted,
                                g_object_ref (self));
}

gboolean
ist_operator_tunnel_suits (IstOperatorTunnel *self,
                           const char *thing_name,
                           const char *const *service_ids,
                           gboolean even_if_expiring)
{
  return self->phase < IST_OPERATOR_PHASE_CLOSING && !self->is_exclusive &&
         g_strcmp0 (self->thing_name, thing_name) == 0 &&
         ist_operator_services_contain ((const char *const *) self->service_ids, service_ids) &&
         (even_if_expiring || !ist_operator_is_expiring (self->expires_at, self->lifetime));
}

void
ist_operator_tunnel_take_request (IstOperatorTunnel *self,
                                  GTask *task)
{
  const IstOperatorRequest *request = ist_operator_request_get (task);

  self->patience = self->patience > 0 ? MIN (self->patience, request->device_timeout) : request->device_timeout;
  ist_waiting_tasks_add (request->kind == IST_OPERATOR_REQUEST_ADOPT ? self->adopting : self->waiting, task);
}

void
ist_operator_tunnel_serve (IstOperatorTunnel *self,
                           GTask *request)
{
  ist_operator_tunnel_take_request (self, request);
  ist_operator_tunnel_advance (self);
}

void
ist_operator_tunnel_set_linger (IstOperatorTunnel *self,
                                guint seconds)
{
  if (self->linger == seconds)
    return;
  self->linger = seconds;
  ist_clear_source (&self->lingering);
  ist_operator_tunnel_advance (self);
}
