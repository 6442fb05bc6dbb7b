/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-agent/ist-agent-device-private.h"

#include <ist-agent/ist-agent-device-error.h>

#include "common/ist-source-private.h"
#include "common/ist-waiting-tasks-private.h"
#include "ist-agent/ist-agent-broker-private.h"
#include "ist-agent/ist-agent-notification-private.h"
#include "ist-agent/ist-agent-notification-queue-private.h"
#include "ist-agent/ist-agent-targets-private.h"
#include "ist-agent/ist-agent-token-memory-private.h"
#include "ist-agent/ist-agent-tunnel-private.h"
#include "ist-mqtt/ist-mqtt-client-private.h"

G_DEFINE_ENUM_TYPE (IstAgentDeviceState,
                    ist_agent_device_state,
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_STATE_STOPPED, "stopped"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_STATE_CONNECTING, "connecting"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_STATE_SUBSCRIBED, "subscribed"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_STATE_WAITING, "waiting"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_STATE_STOPPING, "stopping"))

/* Tunnels that have not connected yet, at the same time. */
#define MAX_ATTEMPTS 64

/**
 * IstAgentDevice:
 *
 * The device's side of AWS IoT Secure Tunneling: waits for notifications that a
 * tunnel was opened to the device, and connects local services to it.
 *
 * The agent subscribes to its thing's topic `$aws/things/THING/tunnels/notify` at
 * an MQTT broker, AWS IoT Core as a rule, with the certificate of the device. For
 * each notification it starts an [class@Ist.SecureTunnel] in destination mode, and
 * an [class@Ist.Forwarder] for the services that
 * [method@IstAgent.Device.set_services] lists; others can't be reached. A tunnel
 * ends when the service says that it is closed or has expired.
 *
 * The agent connects to the broker again after any failure, for as long as it
 * runs, with delays that grow to two minutes, and at once when the network
 * comes back. Tunnels do not depend on the broker.
 *
 * It is a [iface@Gio.ListModel] of its [class@IstAgent.Tunnel]s, the oldest first.
 *
 * ```c
 * g_autoptr (IstAgentDevice) agent = NULL;
 *
 * agent = g_object_new (IST_AGENT_TYPE_DEVICE,
 *                       "thing-name", "pump-17",
 *                       "broker", "example-ats.iot.eu-central-1.amazonaws.com",
 *                       "certificate-file", "/etc/pump/device.pem",
 *                       "key-file", "/etc/pump/device.key",
 *                       NULL);
 * g_hash_table_insert (services, "SSH", "127.0.0.1:22");
 * if (!ist_agent_device_set_services (agent, services, &error) || !ist_agent_device_start (agent, &error))
 *   return FALSE;
 * ```
 *
 * A program that has an MQTT client of its own leaves `broker` out and passes
 * notifications to [method@IstAgent.Device.handle_notification].
 *
 * An agent belongs to the main context that was the thread-default one when it
 * was made: it and its tunnels are used from that context's thread only, and all
 * signals and callbacks come there. Any method may be called from any signal
 * handler. The files of TLS are read and the name of the broker is looked up in a
 * thread; there is no other.
 *
 * Since: 1.0
 */
struct _IstAgentDevice
{
  GObject parent_instance;

  GMainContext *context;
  IstAgentSettings settings;
  guint max_tunnels;
  guint max_connections;

  IstAgentDeviceState state;
  gboolean start_again;       /* start() was called while stopping */
  IstWaitingTasks *starting;  /* until it is subscribed */
  IstWaitingTasks *overtaken; /* of those, by stop(): until it has stopped */
  IstWaitingTasks *stopping;  /* until it has stopped */
  GSource *stopped;           /* nothing runs any more, which is still to be told */
  IstMqttSettings *mqtt;      /* NULL without a broker, and before the settings were checked */
  IstMqttClient *client;
  GHashTable *targets; /* GSocketConnectable by service */
  GPtrArray *tunnels;  /* the oldest first */
  guint last_id;
  IstAgentNotificationQueue *waiting;
  IstAgentTokenMemory *tokens; /* of notifications that were taken */
};

static void device_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (IstAgentDevice,
                               ist_agent_device,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, device_list_model_init))

enum
{
  PROP_MAX_TUNNELS = IST_AGENT_N_SETTINGS,
  PROP_MAX_CONNECTIONS,
  PROP_STATE,
  PROP_N_TUNNELS,
  PROP_N_CONNECTIONS,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  BROKER_LOST,
  NOTIFICATION_REFUSED,
  SERVICE_REFUSED,
  TUNNEL_OPENED,
  TUNNEL_CLOSED,
  STOPPED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
device_set_state (IstAgentDevice *self,
                  IstAgentDeviceState state)
{
  if (self->state == state)
    return;
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

static gboolean
device_is_running (IstAgentDevice *self)
{
  return self->state != IST_AGENT_DEVICE_STATE_STOPPED && self->state != IST_AGENT_DEVICE_STATE_STOPPING;
}

/* Tunnels */

static gboolean
on_authorize_connection (IstForwarder *forwarder,
                         IstForwarderConnection *connection,
                         gpointer user_data)
{
  IstAgentDevice *self = user_data;

  /* This one is counted already. */
  return self->max_connections == 0 || ist_agent_device_get_n_connections (self) <= self->max_connections;
}

/* What no forwarder has taken: a service that is not listed. */
static gboolean
on_incoming_connection (IstSecureTunnel *secure_tunnel,
                        IstConnection *connection,
                        gpointer user_data)
{
  IstAgentDevice *self = user_data;

  g_io_stream_close_async (G_IO_STREAM (connection), G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  g_signal_emit (self, signals[SERVICE_REFUSED], 0, ist_connection_get_service_id (connection));
  return TRUE;
}

static void
on_n_connections_changed (IstAgentDevice *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_CONNECTIONS]);
}

/* For calls to all of them, whose handlers may change the list. */
static GPtrArray *
device_copy_tunnels (IstAgentDevice *self)
{
  return g_ptr_array_copy (self->tunnels, (GCopyFunc) (GCallback) g_object_ref, NULL);
}

static void
device_add_tunnel (IstAgentDevice *self,
                   IstAgentTunnel *tunnel)
{
  g_ptr_array_add (self->tunnels, tunnel);
  g_list_model_items_changed (G_LIST_MODEL (self), self->tunnels->len - 1, 0, 1);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_TUNNELS]);
  g_signal_emit (self, signals[TUNNEL_OPENED], 0, tunnel);
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
static void device_check_stopped (IstAgentDevice *self);

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
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_TUNNELS]);
  g_signal_emit (self, signals[TUNNEL_CLOSED], 0, tunnel, error);
  device_serve_waiting (self);
  device_check_stopped (self);
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
        g_signal_emit (self, signals[SERVICE_REFUSED], 0, services[i]);
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
  else if (self->max_tunnels > 0 && self->tunnels->len >= self->max_tunnels)
    g_set_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_TOO_MANY_TUNNELS,
                 "There are %u tunnels, which is the limit", self->tunnels->len);
  else if (device_count_attempts (self) >= MAX_ATTEMPTS)
    g_set_error (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_TOO_MANY_TUNNELS,
                 "%d tunnels are being connected, which is the limit", MAX_ATTEMPTS);
  else if (!device_check_services (self, notification->services))
    g_set_error_literal (error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_NO_SERVICE,
                         "None of the notification's services is listed");
  /* At last, for a handler of the signal about services may have stopped it. */
  else if (!device_is_running (self))
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

/* The broker */

static void
device_set_subscribed (IstAgentDevice *self)
{
  device_set_state (self, IST_AGENT_DEVICE_STATE_SUBSCRIBED);
  ist_waiting_tasks_return (self->starting, NULL);
}

static void
on_connecting (gpointer user_data)
{
  device_set_state (user_data, IST_AGENT_DEVICE_STATE_CONNECTING);
}

static void
on_subscribed (gpointer user_data)
{
  g_autoptr (IstAgentDevice) self = g_object_ref (user_data);

  device_set_subscribed (self);
}

static void
on_lost (const GError *error,
         guint delay_ms,
         gpointer user_data)
{
  g_autoptr (IstAgentDevice) self = g_object_ref (user_data);

  device_set_state (self, IST_AGENT_DEVICE_STATE_WAITING);
  g_signal_emit (self, signals[BROKER_LOST], 0, error, delay_ms);
}

static void
device_refuse_notification (IstAgentDevice *self,
                            const GError *error)
{
  g_signal_emit (self, signals[NOTIFICATION_REFUSED], 0, error);
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

static void
on_waited_too_long (gpointer user_data)
{
  g_autoptr (IstAgentDevice) self = g_object_ref (user_data);
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
device_take_notification (IstAgentDevice *self,
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
    device_take_notification (self, payload);
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

static void
on_message (GBytes *payload,
            gboolean retained,
            gpointer user_data)
{
  g_autoptr (IstAgentDevice) self = g_object_ref (user_data);
  g_autoptr (GError) error = NULL;

  /* The service retains none: somebody would have every restart replay it. */
  if (!retained)
    {
      device_take_notification (self, payload);
      return;
    }
  g_set_error_literal (&error, IST_AGENT_DEVICE_ERROR, IST_AGENT_DEVICE_ERROR_INVALID_NOTIFICATION,
                       "The notification was retained by the broker");
  device_refuse_notification (self, error);
}

static const IstMqttClientEvents client_events = {
  .connecting = on_connecting,
  .subscribed = on_subscribed,
  .message = on_message,
  .lost = on_lost,
};

/* Starting and stopping */

static gboolean
device_check_startable (IstAgentDevice *self,
                        GError **error)
{
  if (!ist_agent_settings_check (&self->settings, error))
    return FALSE;
  if (self->settings.broker != NULL && self->mqtt == NULL)
    {
      self->mqtt = ist_agent_broker_make_settings (&self->settings, error);
      if (self->mqtt == NULL)
        return FALSE;
    }
  if (self->state == IST_AGENT_DEVICE_STATE_STOPPED ||
      (self->state == IST_AGENT_DEVICE_STATE_STOPPING && !self->start_again))
    return TRUE;
  g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_STATE, "The agent is already started");
  return FALSE;
}

/* Of an agent that can be started. */
static void
device_start (IstAgentDevice *self)
{
  if (self->state == IST_AGENT_DEVICE_STATE_STOPPING)
    {
      self->start_again = TRUE;
      return;
    }
  self->start_again = FALSE;
  if (self->mqtt == NULL)
    {
      device_set_subscribed (self);
      return;
    }
  self->client = ist_mqtt_client_new (self->context, self->mqtt, &client_events, self);
  device_set_state (self, IST_AGENT_DEVICE_STATE_CONNECTING);
}

/* Handlers and callbacks may start and stop it as they like. */
static gboolean
on_stopped (gpointer user_data)
{
  g_autoptr (IstAgentDevice) self = g_object_ref (user_data);
  g_autoptr (IstWaitingTasks) stopping = g_steal_pointer (&self->stopping);
  g_autoptr (GError) error = g_error_new_literal (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED, "The agent was stopped");

  ist_clear_source (&self->stopped);
  self->stopping = ist_waiting_tasks_new (self->context, NULL, NULL);
  device_set_state (self, IST_AGENT_DEVICE_STATE_STOPPED);
  g_signal_emit (self, signals[STOPPED], 0);
  if (self->start_again && self->state == IST_AGENT_DEVICE_STATE_STOPPED)
    device_start (self);
  ist_waiting_tasks_return (self->overtaken, error);
  ist_waiting_tasks_return (stopping, NULL);
  return G_SOURCE_REMOVE;
}

/* That it has stopped is told from the main loop, never from inside a call. */
static void
device_check_stopped (IstAgentDevice *self)
{
  if (self->state != IST_AGENT_DEVICE_STATE_STOPPING || self->tunnels->len > 0 || self->stopped != NULL)
    return;

  self->stopped = g_idle_source_new ();
  g_source_set_priority (self->stopped, G_PRIORITY_DEFAULT);
  g_source_set_static_name (self->stopped, "IstAgentDevice stopped");
  g_source_set_callback (self->stopped, on_stopped, self, NULL);
  g_source_attach (self->stopped, self->context);
}

/**
 * ist_agent_device_start:
 * @self: an agent
 * @error: return location for an error
 *
 * Takes notifications from now on. If the agent has a broker, begins to connect
 * to it, and keeps at it until [method@IstAgent.Device.stop].
 *
 * An agent that runs, in any state but stopped and stopping, is left as it is, and
 * the call fails with %IST_TUNNEL_ERROR_INVALID_STATE. One that is stopping is
 * started again as soon as it has stopped. %IST_TUNNEL_ERROR_INVALID_SETTING names
 * a property that can't work. That a file can't be read is not found here but by
 * each attempt to connect.
 *
 * Returns: %TRUE if the agent was started
 *
 * Since: 1.0
 */
gboolean
ist_agent_device_start (IstAgentDevice *self,
                        GError **error)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!device_check_startable (self, error))
    return FALSE;
  device_start (self);
  return TRUE;
}

static GTask *
device_create_task (IstAgentDevice *self,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer user_data,
                    gpointer source_tag)
{
  GTask *task;

  /* The callback comes in the agent's context, as everything else. */
  g_main_context_push_thread_default (self->context);
  task = g_task_new (self, cancellable, callback, user_data);
  g_main_context_pop_thread_default (self->context);
  g_task_set_source_tag (task, source_tag);
  /* What has happened is told, also to somebody who has cancelled just then. */
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

/**
 * ist_agent_device_start_async:
 * @self: an agent
 * @cancellable: (nullable): stops the agent, as long as it has not been subscribed
 * @callback: (scope async): called when the agent is subscribed, or won't be
 * @user_data: data for @callback
 *
 * Does what [method@IstAgent.Device.start] does, and waits until the agent is
 * subscribed at its broker for the first time; it is at once if it has none.
 * Attempts that fail are told by [signal@IstAgent.Device::broker-lost] only: there
 * is no end to them but [method@IstAgent.Device.stop] and @cancellable. The agent
 * lives at least until @callback.
 *
 * Since: 1.0
 */
void
ist_agent_device_start_async (IstAgentDevice *self,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (IST_AGENT_IS_DEVICE (self));

  task = device_create_task (self, cancellable, callback, user_data, ist_agent_device_start_async);
  if (g_cancellable_set_error_if_cancelled (cancellable, &error) || !device_check_startable (self, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  /* Before it is started: that it is may be heard of, and make somebody stop it. */
  ist_waiting_tasks_add (self->starting, g_steal_pointer (&task));
  device_start (self);
}

/**
 * ist_agent_device_start_finish:
 * @self: an agent
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@IstAgent.Device.start_async].
 *
 * Besides the errors of [method@IstAgent.Device.start] there are
 * %IST_TUNNEL_ERROR_STOPPED after [method@IstAgent.Device.stop], and
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE if the agent was subscribed
 *
 * Since: 1.0
 */
gboolean
ist_agent_device_start_finish (IstAgentDevice *self,
                               GAsyncResult *result,
                               GError **error)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_agent_device_start_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ist_agent_device_stop:
 * @self: an agent
 *
 * Leaves the broker and all tunnels. [signal@IstAgent.Device::tunnel-closed] follows
 * for each, and [signal@IstAgent.Device::stopped] when there are none, never before
 * this returns; at most about a second later, whatever the peers do.
 *
 * Does nothing when the agent is stopped already.
 *
 * Since: 1.0
 */
void
ist_agent_device_stop (IstAgentDevice *self)
{
  g_autoptr (IstAgentDevice) alive = NULL;
  g_autoptr (GPtrArray) tunnels = NULL;
  GTask *task;

  g_return_if_fail (IST_AGENT_IS_DEVICE (self));

  self->start_again = FALSE;
  while ((task = ist_waiting_tasks_take (self->starting)) != NULL)
    ist_waiting_tasks_add (self->overtaken, task);
  if (!device_is_running (self))
    return;

  alive = g_object_ref (self);
  ist_agent_notification_queue_clear (self->waiting);
  g_clear_pointer (&self->client, ist_mqtt_client_free);
  device_set_state (self, IST_AGENT_DEVICE_STATE_STOPPING);
  tunnels = device_copy_tunnels (self);
  for (guint i = 0; i < tunnels->len; i++)
    ist_agent_tunnel_stop (tunnels->pdata[i]);
  device_check_stopped (self);
}

/**
 * ist_agent_device_stop_async:
 * @self: an agent
 * @cancellable: (nullable): ends the waiting, not the stopping
 * @callback: (scope async): called when the agent has stopped
 * @user_data: data for @callback
 *
 * Does what [method@IstAgent.Device.stop] does, and waits until the agent has
 * stopped: the callback follows the signal [signal@IstAgent.Device::stopped], or
 * comes from the main loop if the agent is stopped already. That the agent is
 * started again meanwhile changes nothing.
 *
 * Since: 1.0
 */
void
ist_agent_device_stop_async (IstAgentDevice *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (IST_AGENT_IS_DEVICE (self));

  task = device_create_task (self, cancellable, callback, user_data, ist_agent_device_stop_async);
  ist_agent_device_stop (self);
  if (self->state == IST_AGENT_DEVICE_STATE_STOPPED)
    g_task_return_boolean (task, TRUE);
  else
    ist_waiting_tasks_add (self->stopping, g_steal_pointer (&task));
}

/**
 * ist_agent_device_stop_finish:
 * @self: an agent
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@IstAgent.Device.stop_async]. The only error is
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE if the agent has stopped
 *
 * Since: 1.0
 */
gboolean
ist_agent_device_stop_finish (IstAgentDevice *self,
                              GAsyncResult *result,
                              GError **error)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_agent_device_stop_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ist_agent_device_set_services:
 * @self: an agent
 * @services: (element-type utf8 utf8): names of services, and where each is:
 *   `host:port`, `[IPv6 address]:port`, `port` of the loopback interface,
 *   `/path` or `unix:path` of a Unix socket
 * @error: return location for an error
 *
 * Says which services can be reached, instead of those so far. May be called at
 * any time: connections that are open go on, new ones follow it, in the tunnels
 * that there are too.
 *
 * Fails with %IST_TUNNEL_ERROR_INVALID_SETTING, and changes nothing, if a name or an
 * address is not valid.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
ist_agent_device_set_services (IstAgentDevice *self,
                               GHashTable *services,
                               GError **error)
{
  GHashTable *targets;

  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), FALSE);
  g_return_val_if_fail (services != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  targets = ist_agent_targets_parse (services, error);
  if (targets == NULL)
    return FALSE;

  g_hash_table_unref (self->targets);
  self->targets = targets;
  for (guint i = 0; i < self->tunnels->len; i++)
    ist_agent_tunnel_set_targets (self->tunnels->pdata[i], self->targets);
  return TRUE;
}

const IstAgentSettings *
ist_agent_device_get_settings (IstAgentDevice *self)
{
  return &self->settings;
}

/* GListModel */

static GType
device_get_item_type (GListModel *model)
{
  return IST_AGENT_TYPE_TUNNEL;
}

static guint
device_get_n_items (GListModel *model)
{
  return IST_AGENT_DEVICE (model)->tunnels->len;
}

static gpointer
device_get_item (GListModel *model,
                 guint position)
{
  IstAgentDevice *self = IST_AGENT_DEVICE (model);

  return position < self->tunnels->len ? g_object_ref (self->tunnels->pdata[position]) : NULL;
}

static void
device_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = device_get_item_type;
  iface->get_n_items = device_get_n_items;
  iface->get_item = device_get_item;
}

/* GObject */

static void
ist_agent_device_dispose (GObject *object)
{
  IstAgentDevice *self = IST_AGENT_DEVICE (object);

  /* Tasks hold a reference to the agent, so nobody waits any more. */
  ist_clear_source (&self->stopped);
  ist_agent_notification_queue_clear (self->waiting);
  g_clear_pointer (&self->client, ist_mqtt_client_free);
  for (guint i = 0; i < self->tunnels->len; i++)
    ist_agent_tunnel_stop (self->tunnels->pdata[i]);
  g_ptr_array_set_size (self->tunnels, 0);

  G_OBJECT_CLASS (ist_agent_device_parent_class)->dispose (object);
}

static void
ist_agent_device_finalize (GObject *object)
{
  IstAgentDevice *self = IST_AGENT_DEVICE (object);

  ist_agent_settings_clear (&self->settings);
  g_clear_pointer (&self->mqtt, ist_mqtt_settings_unref);
  ist_waiting_tasks_free (self->starting);
  ist_waiting_tasks_free (self->overtaken);
  ist_waiting_tasks_free (self->stopping);
  g_hash_table_unref (self->targets);
  g_ptr_array_unref (self->tunnels);
  ist_agent_notification_queue_free (self->waiting);
  ist_agent_token_memory_free (self->tokens);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (ist_agent_device_parent_class)->finalize (object);
}

static void
ist_agent_device_get_property (GObject *object,
                               guint prop_id,
                               GValue *value,
                               GParamSpec *pspec)
{
  IstAgentDevice *self = IST_AGENT_DEVICE (object);

  if (prop_id < IST_AGENT_N_SETTINGS)
    {
      ist_agent_settings_get (&self->settings, prop_id, value);
      return;
    }

  switch (prop_id)
    {
    case PROP_MAX_TUNNELS:
      g_value_set_uint (value, self->max_tunnels);
      break;
    case PROP_MAX_CONNECTIONS:
      g_value_set_uint (value, self->max_connections);
      break;
    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;
    case PROP_N_TUNNELS:
      g_value_set_uint (value, ist_agent_device_get_n_tunnels (self));
      break;
    case PROP_N_CONNECTIONS:
      g_value_set_uint (value, ist_agent_device_get_n_connections (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_agent_device_set_property (GObject *object,
                               guint prop_id,
                               const GValue *value,
                               GParamSpec *pspec)
{
  IstAgentDevice *self = IST_AGENT_DEVICE (object);

  if (prop_id < IST_AGENT_N_SETTINGS)
    {
      ist_agent_settings_set (&self->settings, prop_id, value);
      return;
    }

  switch (prop_id)
    {
    case PROP_MAX_TUNNELS:
      ist_agent_device_set_max_tunnels (self, g_value_get_uint (value));
      break;
    case PROP_MAX_CONNECTIONS:
      ist_agent_device_set_max_connections (self, g_value_get_uint (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
device_install_limits (void)
{
  const GParamFlags flags =
    G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  /**
   * IstAgentDevice:max-tunnels: (getter get_max_tunnels) (setter set_max_tunnels)
   *
   * How many tunnels may be open at once, 0 for any number. Notifications beyond
   * are refused; those that come by MQTT wait for up to a minute while some of the
   * tunnels have not connected yet, the newest first.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_TUNNELS] = g_param_spec_uint ("max-tunnels", NULL, NULL, 0, G_MAXUINT, 16, flags);

  /**
   * IstAgentDevice:max-connections: (getter get_max_connections) (setter set_max_connections)
   *
   * How many connections may be open at once, in all tunnels together, 0 for any
   * number. Connections beyond are refused.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_CONNECTIONS] =
    g_param_spec_uint ("max-connections", NULL, NULL, 0, G_MAXUINT, 256, flags);
}

static void
device_install_counters (void)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  /**
   * IstAgentDevice:state: (getter get_state)
   *
   * What the agent is doing.
   *
   * Since: 1.0
   */
  properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, IST_AGENT_TYPE_DEVICE_STATE,
                                              IST_AGENT_DEVICE_STATE_STOPPED, readable);

  /**
   * IstAgentDevice:n-tunnels: (getter get_n_tunnels)
   *
   * How many tunnels there are: what the list model knows too, as a property that
   * can be bound.
   *
   * Since: 1.0
   */
  properties[PROP_N_TUNNELS] = g_param_spec_uint ("n-tunnels", NULL, NULL, 0, G_MAXUINT, 0, readable);

  /**
   * IstAgentDevice:n-connections: (getter get_n_connections)
   *
   * How many connections there are in all tunnels.
   *
   * Since: 1.0
   */
  properties[PROP_N_CONNECTIONS] = g_param_spec_uint ("n-connections", NULL, NULL, 0, G_MAXUINT, 0, readable);
}

static void
device_install_signals (GType type)
{
  /**
   * IstAgentDevice::broker-lost:
   * @self: the agent
   * @error: why: an [error@Ist.TunnelError]
   * @delay_ms: milliseconds until the next attempt
   *
   * Emitted when an attempt to connect to the broker and to subscribe there
   * has failed, and when the connection is lost.
   *
   * Since: 1.0
   */
  signals[BROKER_LOST] = g_signal_new ("broker-lost", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                       G_TYPE_NONE, 2, G_TYPE_ERROR, G_TYPE_UINT);

  /**
   * IstAgentDevice::notification-refused:
   * @self: the agent
   * @error: why: an [error@IstAgent.DeviceError] or an [error@Ist.TunnelError]
   *
   * Emitted when a notification from the broker does not lead to a tunnel.
   *
   * Since: 1.0
   */
  signals[NOTIFICATION_REFUSED] = g_signal_new ("notification-refused", type, G_SIGNAL_RUN_LAST, 0, NULL,
                                                NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);

  /**
   * IstAgentDevice::service-refused:
   * @self: the agent
   * @service_id: (nullable): the name of the service, if it has one
   *
   * Emitted when a notification names a service that is not listed, and when a
   * peer wants to connect to one.
   *
   * Since: 1.0
   */
  signals[SERVICE_REFUSED] = g_signal_new ("service-refused", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                           G_TYPE_NONE, 1, G_TYPE_STRING);

  /**
   * IstAgentDevice::tunnel-opened:
   * @self: the agent
   * @tunnel: the tunnel
   *
   * Emitted when a notification was accepted, before the tunnel is connected.
   *
   * Since: 1.0
   */
  signals[TUNNEL_OPENED] = g_signal_new ("tunnel-opened", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 1, IST_AGENT_TYPE_TUNNEL);

  /**
   * IstAgentDevice::tunnel-closed:
   * @self: the agent
   * @tunnel: the tunnel
   * @error: (nullable): why: an [error@Ist.TunnelError], %IST_TUNNEL_ERROR_TUNNEL_CLOSED as a
   *   rule; %NULL if it was stopped
   *
   * Emitted when a tunnel has ended, and is no longer listed.
   *
   * Since: 1.0
   */
  signals[TUNNEL_CLOSED] = g_signal_new ("tunnel-closed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 2, IST_AGENT_TYPE_TUNNEL, G_TYPE_ERROR);

  /**
   * IstAgentDevice::stopped:
   * @self: the agent
   *
   * Emitted when nothing is running any more.
   *
   * Since: 1.0
   */
  signals[STOPPED] = g_signal_new ("stopped", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ist_agent_device_class_init (IstAgentDeviceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ist_agent_device_dispose;
  object_class->finalize = ist_agent_device_finalize;
  object_class->get_property = ist_agent_device_get_property;
  object_class->set_property = ist_agent_device_set_property;
  ist_agent_settings_specify (properties);
  device_install_limits ();
  device_install_counters ();
  g_object_class_install_properties (object_class, N_PROPS, properties);
  device_install_signals (G_TYPE_FROM_CLASS (klass));
}

static void
on_start_cancelled (gpointer user_data)
{
  ist_agent_device_stop (user_data);
}

static void
ist_agent_device_init (IstAgentDevice *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->starting = ist_waiting_tasks_new (self->context, on_start_cancelled, self);
  self->overtaken = ist_waiting_tasks_new (self->context, NULL, NULL);
  self->stopping = ist_waiting_tasks_new (self->context, NULL, NULL);
  self->waiting = ist_agent_notification_queue_new (self->context, on_waited_too_long, self);
  self->targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->tunnels = g_ptr_array_new_with_free_func (g_object_unref);
  self->tokens = ist_agent_token_memory_new ();
}

/**
 * ist_agent_device_new:
 * @thing_name: the name of the device at AWS IoT
 * @broker: (nullable): the MQTT broker
 *
 * Makes an agent with the most necessary settings. A broker with TLS needs
 * more, see the properties.
 *
 * Returns: (transfer full): a new agent
 *
 * Since: 1.0
 */
IstAgentDevice *
ist_agent_device_new (const char *thing_name,
                      const char *broker)
{
  g_return_val_if_fail (thing_name != NULL, NULL);

  return g_object_new (IST_AGENT_TYPE_DEVICE, "thing-name", thing_name, "broker", broker, NULL);
}

/**
 * ist_agent_device_get_state: (get-property state)
 * @self: an agent
 *
 * Gets what the agent is doing.
 *
 * Returns: the state
 *
 * Since: 1.0
 */
IstAgentDeviceState
ist_agent_device_get_state (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), IST_AGENT_DEVICE_STATE_STOPPED);

  return self->state;
}

/**
 * ist_agent_device_get_n_tunnels: (get-property n-tunnels)
 * @self: an agent
 *
 * Gets how many tunnels there are.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
ist_agent_device_get_n_tunnels (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), 0);

  return self->tunnels->len;
}

/**
 * ist_agent_device_get_n_connections: (get-property n-connections)
 * @self: an agent
 *
 * Gets how many connections there are in all tunnels, those that are being
 * opened included.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
ist_agent_device_get_n_connections (IstAgentDevice *self)
{
  guint n = 0;

  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), 0);

  for (guint i = 0; i < self->tunnels->len; i++)
    n += ist_forwarder_get_n_connections (ist_agent_tunnel_get_forwarder (self->tunnels->pdata[i]));
  return n;
}

/**
 * ist_agent_device_get_max_tunnels: (get-property max-tunnels)
 * @self: an agent
 *
 * Gets how many tunnels may be open at once.
 *
 * Returns: the number, 0 for any
 *
 * Since: 1.0
 */
guint
ist_agent_device_get_max_tunnels (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), 0);

  return self->max_tunnels;
}

/**
 * ist_agent_device_set_max_tunnels: (set-property max-tunnels)
 * @self: an agent
 * @max_tunnels: the number, 0 for any
 *
 * Says how many tunnels may be open at once. More than that stay open if they
 * are.
 *
 * Since: 1.0
 */
void
ist_agent_device_set_max_tunnels (IstAgentDevice *self,
                                  guint max_tunnels)
{
  g_return_if_fail (IST_AGENT_IS_DEVICE (self));

  if (self->max_tunnels == max_tunnels)
    return;
  self->max_tunnels = max_tunnels;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAX_TUNNELS]);
}

/**
 * ist_agent_device_get_max_connections: (get-property max-connections)
 * @self: an agent
 *
 * Gets how many connections may be open at once, in all tunnels together.
 *
 * Returns: the number, 0 for any
 *
 * Since: 1.0
 */
guint
ist_agent_device_get_max_connections (IstAgentDevice *self)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), 0);

  return self->max_connections;
}

/**
 * ist_agent_device_set_max_connections: (set-property max-connections)
 * @self: an agent
 * @max_connections: the number, 0 for any
 *
 * Says how many connections may be open at once, in all tunnels together. More
 * than that stay open if they are.
 *
 * Since: 1.0
 */
void
ist_agent_device_set_max_connections (IstAgentDevice *self,
                                      guint max_connections)
{
  g_return_if_fail (IST_AGENT_IS_DEVICE (self));

  if (self->max_connections == max_connections)
    return;
  self->max_connections = max_connections;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAX_CONNECTIONS]);
}
