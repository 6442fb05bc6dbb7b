/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-agent/ist-agent-device-private.h"

#include <ist-agent/ist-agent-device-error.h>

#include "ist-agent/ist-agent-notification-private.h"
#include "ist-agent/ist-agent-tunnel-private.h"

/* Tunnels that have not connected yet, at the same time. */
#define MAX_ATTEMPTS 64

static gboolean
on_authorize_connection (IstForwarder *forwarder,
                         IstForwarderConnection *connection,
                         gpointer user_data)
{
  IstAgentDevice *self = user_data;

  /* This one is counted already. */
  return self->settings.max_connections == 0 ||
         ist_agent_device_get_n_connections (self) <= self->settings.max_connections;
}

/* What no forwarder has taken: a service that is not listed. */
static gboolean
on_incoming_connection (IstSecureTunnel *secure_tunnel,
                        IstConnection *connection,
                        gpointer user_data)
{
  IstAgentDevice *self = user_data;

  g_io_stream_close_async (G_IO_STREAM (connection), G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  g_signal_emit (self, ist_agent_signals[IST_AGENT_SIGNAL_SERVICE_REFUSED], 0,
                 ist_connection_get_service_id (connection));
  return TRUE;
}

static void
on_n_connections_changed (IstAgentDevice *self)
{
  g_object_notify (G_OBJECT (self), "n-connections");
}

static void
device_add_tunnel (IstAgentDevice *self,
                   IstAgentTunnel *tunnel)
{
  g_ptr_array_add (self->tunnels, tunnel);
  g_list_model_items_changed (G_LIST_MODEL (self), self->tunnels->len - 1, 0, 1);
  g_object_notify (G_OBJECT (self), "n-tunnels");
  g_signal_emit (self, ist_agent_signals[IST_AGENT_SIGNAL_TUNNEL_OPENED], 0, tunnel);
}

static IstAgentTunnel *
device_dup_tunnel_of (IstAgentDevice *self,
                      IstSecureTunnel *secure_tunnel)
{
  for (guint i = 0; i < self->tunnels->len; i++)
    {
      if (ist_agent_tunnel_get_secure_tunnel (self->tunnels->pdata[i]) == secure_tunnel)
        return g_object_ref (self->tunnels->pdata[i]);
    }
  return NULL;
}

static void on_tunnel_connected (IstSecureTunnel *secure_tunnel,
                                 char **services,
                                 gpointer user_data);
static void device_serve_waiting (IstAgentDevice *self);

static void
on_tunnel_stopped (IstSecureTunnel *secure_tunnel,
                   gpointer user_data)
{
  g_autoptr (IstAgentDevice) self = g_object_ref (user_data);
  g_autoptr (IstAgentTunnel) tunnel = device_dup_tunnel_of (self, secure_tunnel);
  g_autoptr (GError) error = NULL;
  guint position;

  if (tunnel == NULL)
    return;

  error = ist_agent_tunnel_dup_error (tunnel);
  ist_forwarder_close (ist_agent_tunnel_get_forwarder (tunnel));
  if (!g_ptr_array_find (self->tunnels, tunnel, &position))
    return;
  g_ptr_array_remove_index (self->tunnels, position);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
  g_object_notify (G_OBJECT (self), "n-tunnels");
  g_signal_emit (self, ist_agent_signals[IST_AGENT_SIGNAL_TUNNEL_CLOSED], 0, tunnel, error);
  device_serve_waiting (self);
  ist_agent_device_check_stopped (self);
}

/* Tells of the services that can't be reached. */
static gboolean
device_check_services (IstAgentDevice *self,
                       char **services)
{
  gboolean any = FALSE;

  for (gsize i = 0; services[i] != NULL; i++)
    {
      if (g_hash_table_contains (self->targets, services[i]))
        any = TRUE;
      else
        g_signal_emit (self, ist_agent_signals[IST_AGENT_SIGNAL_SERVICE_REFUSED], 0, services[i]);
    }
  return any;
}

static guint
device_count_attempts (IstAgentDevice *self)
{
  guint n = 0;

  for (guint i = 0; i < self->tunnels->len; i++)
    {
      IstSecureTunnel *tunnel = ist_agent_tunnel_get_secure_tunnel (self->tunnels->pdata[i]);
      IstTunnelState state = ist_secure_tunnel_get_state (tunnel);

      if (state == IST_TUNNEL_STATE_CONNECTING || state == IST_TUNNEL_STATE_WAITING)
        n++;
    }
  return n;
}

static gboolean
device_check_notification (IstAgentDevice *self,
                           const IstAgentNotification *notification,
                           GError **error)
{
  if (ist_agent_token_memory_contains (self->tokens, notification->access_token))
    g_set_error_literal (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_DUPLICATE,
                         "The notification was seen before");
  else if (self->settings.max_tunnels > 0 && self->tunnels->len >= self->settings.max_tunnels)
    g_set_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_TOO_MANY_TUNNELS,
                 "There are %u tunnels, which is the limit", self->tunnels->len);
  else if (device_count_attempts (self) >= MAX_ATTEMPTS)
    g_set_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_TOO_MANY_TUNNELS,
                 "%d tunnels are being connected, which is the limit", MAX_ATTEMPTS);
  else if (!device_check_services (self, notification->services))
    g_set_error_literal (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_NO_SERVICE,
                         "None of the notification's services is listed");
  /* At last, for a handler of the signal about services may have stopped it. */
  else if (!ist_agent_device_is_running (self))
    g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE, "The agent is not running");
  else
    return TRUE;

  return FALSE;
}

static IstAgentTunnel *
device_create_tunnel (IstAgentDevice *self,
                      const IstAgentNotification *notification,
                      GError **error)
{
  g_autoptr (IstSecureTunnel) secure_tunnel = NULL;
  g_autoptr (IstAgentTunnel) tunnel = NULL;
  IstForwarder *forwarder;

  secure_tunnel = ist_agent_settings_make_tunnel (&self->settings, notification->access_token, notification->region,
                                                  error);
  if (secure_tunnel == NULL)
    return NULL;

  self->last_id = MAX (self->last_id + 1, 1);
  tunnel = ist_agent_tunnel_new (self->context, self->last_id, notification->region,
                                 (const char *const *) notification->services, self->settings.max_lifetime,
                                 secure_tunnel);
  forwarder = ist_agent_tunnel_get_forwarder (tunnel);
  ist_agent_tunnel_set_targets (tunnel, self->targets);
  g_signal_connect_object (forwarder, "authorize-connection", G_CALLBACK (on_authorize_connection), self, 0);
  g_signal_connect_object (forwarder, "notify::n-connections", G_CALLBACK (on_n_connections_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (secure_tunnel, "incoming-connection", G_CALLBACK (on_incoming_connection), self,
                           G_CONNECT_AFTER);
  g_signal_connect_object (secure_tunnel, "connection-success", G_CALLBACK (on_tunnel_connected), self, 0);
  g_signal_connect_object (secure_tunnel, "stopped", G_CALLBACK (on_tunnel_stopped), self, 0);
  return ist_secure_tunnel_start (secure_tunnel, error) ? g_steal_pointer (&tunnel) : NULL;
}

/**
 * ist_agent_device_handle_notification:
 * @self: an agent
 * @notification: the payload of an MQTT message
 * @error: return location for an error
 *
 * Does what the agent does with a notification from its broker.
 *
 * It is not taken with an [error@IstAgent.DeviceError]: if it is not what the service
 * would send (%IST_AGENT_DEVICE_ERROR_INVALID_NOTIFICATION: a JSON object of at most
 * 128 KiB with a printable `clientAccessToken`, the `clientMode` "destination", a
 * `region` and an array of `services` with valid names), if its token was seen before
 * (%IST_AGENT_DEVICE_ERROR_DUPLICATE), if none of its services is listed
 * (%IST_AGENT_DEVICE_ERROR_NO_SERVICE) or if there are too many tunnels
 * (%IST_AGENT_DEVICE_ERROR_TOO_MANY_TUNNELS); and with %IST_TUNNEL_ERROR_INVALID_STATE if the
 * agent was not started. No error says anything of the token.
 *
 * Returns: (transfer none) (nullable): the tunnel, which has begun to connect, or %NULL with @error set
 *
 * Since: 1.0
 */
IstAgentTunnel *
ist_agent_device_handle_notification (IstAgentDevice *self,
                                      GBytes *notification,
                                      GError **error)
{
  g_autoptr (IstAgentNotification) parsed = NULL;
  IstAgentTunnel *tunnel;

  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), NULL);
  g_return_val_if_fail (notification != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  parsed = ist_agent_notification_parse (notification, error);
  if (parsed == NULL || !device_check_notification (self, parsed, error))
    return NULL;

  /* The tunnel keeps to the thread-default context in which it is made. */
  g_main_context_push_thread_default (self->context);
  tunnel = device_create_tunnel (self, parsed, error);
  g_main_context_pop_thread_default (self->context);
  if (tunnel == NULL)
    return NULL;

  ist_agent_token_memory_add (self->tokens, parsed->access_token);
  device_add_tunnel (self, tunnel);
  return tunnel;
}

static void
device_refuse_notification (IstAgentDevice *self,
                            const GError *error)
{
  g_signal_emit (self, ist_agent_signals[IST_AGENT_SIGNAL_NOTIFICATION_REFUSED], 0, error);
}

/* Those that wait for tunnels that have not connected yet, and may never. */

static void
device_refuse_waiting (IstAgentDevice *self,
                       GBytes *payload,
                       const char *why)
{
  g_autoptr (GError) error = g_error_new_literal (IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_TOO_MANY_TUNNELS, why);

  g_bytes_unref (payload);
  device_refuse_notification (self, error);
}

void
ist_agent_device_expire_notifications (gpointer device)
{
  g_autoptr (IstAgentDevice) self = g_object_ref (device);
  GBytes *payload;

  while ((payload = ist_agent_notification_queue_pop_oldest (self->waiting)) != NULL)
    device_refuse_waiting (self, payload, "The notification waited in vain for other tunnels to connect or to fail");
}

static void
device_let_wait (IstAgentDevice *self,
                 GBytes *payload)
{
  GBytes *excess;

  ist_agent_notification_queue_push (self->waiting, payload);
  while ((excess = ist_agent_notification_queue_pop_excess (self->waiting)) != NULL)
    device_refuse_waiting (self, excess, "The notification had to give way to newer ones");
}

static void
device_serve_notification (IstAgentDevice *self,
                           GBytes *payload)
{
  g_autoptr (GError) error = NULL;

  ist_agent_device_handle_notification (self, payload, &error);
  if (g_error_matches (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_TOO_MANY_TUNNELS) &&
      device_count_attempts (self) > 0)
    device_let_wait (self, payload);
  else if (error != NULL)
    device_refuse_notification (self, error);
}

static void
device_serve_waiting (IstAgentDevice *self)
{
  g_autoptr (GBytes) payload = ist_agent_notification_queue_pop_newest (self->waiting);

  if (payload != NULL)
    device_serve_notification (self, payload);
}

/* One that has connected is no attempt any more. */
static void
on_tunnel_connected (IstSecureTunnel *secure_tunnel,
                     char **services,
                     gpointer user_data)
{
  g_autoptr (IstAgentDevice) self = g_object_ref (user_data);

  device_serve_waiting (self);
}

void
ist_agent_device_take_notification (IstAgentDevice *self,
                                    GBytes *payload,
                                    gboolean retained)
{
  g_autoptr (GError) error = NULL;

  /* The service retains none: somebody would have every restart replay it. */
  if (!retained)
    {
      device_serve_notification (self, payload);
      return;
    }
  g_set_error_literal (&error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_INVALID_NOTIFICATION,
                       "The notification was retained by the broker");
  device_refuse_notification (self, error);
}

void
ist_agent_device_stop_tunnels (IstAgentDevice *self)
{
  /* Handlers may change the list. */
  g_autoptr (GPtrArray) tunnels = g_ptr_array_copy (self->tunnels, (GCopyFunc) (GCallback) g_object_ref, NULL);

  for (guint i = 0; i < tunnels->len; i++)
    ist_agent_tunnel_stop (tunnels->pdata[i]);
}
