/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-agent/ist-agent-device-private.h"

#include "common/ist-source-private.h"
#include "ist-agent/ist-agent-broker-private.h"
#include "ist-agent/ist-agent-targets-private.h"
#include "ist-agent/ist-agent-tunnel-private.h"

G_DEFINE_ENUM_TYPE (IstAgentDeviceState,
                    ist_agent_device_state,
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_STATE_STOPPED, "stopped"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_STATE_CONNECTING, "connecting"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_STATE_SUBSCRIBED, "subscribed"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_STATE_WAITING, "waiting"),
                    G_DEFINE_ENUM_VALUE (IST_AGENT_DEVICE_STATE_STOPPING, "stopping"))

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

static void device_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (IstAgentDevice,
                               ist_agent_device,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, device_list_model_init))

enum
{
  PROP_STATE = IST_AGENT_N_SETTINGS,
  PROP_N_TUNNELS,
  PROP_N_CONNECTIONS,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

guint ist_agent_signals[IST_AGENT_N_SIGNALS];

static void
device_set_state (IstAgentDevice *self,
                  IstAgentDeviceState state)
{
  if (self->state == state)
    return;
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

gboolean
ist_agent_device_is_running (IstAgentDevice *self)
{
  return self->state != IST_AGENT_DEVICE_STATE_STOPPED && self->state != IST_AGENT_DEVICE_STATE_STOPPING;
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
  g_signal_emit (self, ist_agent_signals[IST_AGENT_SIGNAL_BROKER_LOST], 0, error, delay_ms);
}

static void
on_message (GBytes *payload,
            gboolean retained,
            gpointer user_data)
{
  g_autoptr (IstAgentDevice) self = g_object_ref (user_data);

  ist_agent_device_take_notification (self, payload, retained);
}

static const IstMqttClientEvents client_events = {
  .connecting = on_connecting,
  .subscribed = on_subscribed,
  .message = on_message,
  .lost = on_lost,
};

/* Starting and stopping */

/**
 * ist_agent_device_check_settings:
 * @self: an agent
 * @error: return location for an error
 *
 * Looks whether [method@IstAgent.Device.start] could work with the agent's
 * properties, and connects to nothing.
 *
 * The error is %IST_TUNNEL_ERROR_INVALID_SETTING. Its message begins with the name of
 * the property that can't work. Whether files can be read is not looked at, but for
 * [property@IstAgent.Device:endpoint-ca-file].
 *
 * Returns: %TRUE if nothing is wrong with them
 *
 * Since: 1.0
 */
gboolean
ist_agent_device_check_settings (IstAgentDevice *self,
                                 GError **error)
{
  g_return_val_if_fail (IST_AGENT_IS_DEVICE (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ist_agent_settings_check (&self->settings, error))
    return FALSE;
  if (self->settings.broker != NULL && self->mqtt == NULL)
    self->mqtt = ist_agent_broker_make_settings (&self->settings, error);
  return self->settings.broker == NULL || self->mqtt != NULL;
}

static gboolean
device_check_startable (IstAgentDevice *self,
                        GError **error)
{
  if (!ist_agent_device_check_settings (self, error))
    return FALSE;
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
  g_signal_emit (self, ist_agent_signals[IST_AGENT_SIGNAL_STOPPED], 0);
  if (self->start_again && self->state == IST_AGENT_DEVICE_STATE_STOPPED)
    device_start (self);
  ist_waiting_tasks_return (self->overtaken, error);
  ist_waiting_tasks_return (stopping, NULL);
  return G_SOURCE_REMOVE;
}

/* That it has stopped is told from the main loop, never from inside a call. */
void
ist_agent_device_check_stopped (IstAgentDevice *self)
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
  GTask *task;

  g_return_if_fail (IST_AGENT_IS_DEVICE (self));

  self->start_again = FALSE;
  while ((task = ist_waiting_tasks_take (self->starting)) != NULL)
    ist_waiting_tasks_add (self->overtaken, task);
  if (!ist_agent_device_is_running (self))
    return;

  alive = g_object_ref (self);
  ist_agent_notification_queue_clear (self->waiting);
  g_clear_pointer (&self->client, ist_mqtt_client_free);
  device_set_state (self, IST_AGENT_DEVICE_STATE_STOPPING);
  ist_agent_device_stop_tunnels (self);
  ist_agent_device_check_stopped (self);
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
  ist_agent_device_stop_tunnels (self);
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

/* Only settings can be set. */
static void
ist_agent_device_set_property (GObject *object,
                               guint prop_id,
                               const GValue *value,
                               GParamSpec *pspec)
{
  IstAgentDevice *self = IST_AGENT_DEVICE (object);

  switch (prop_id)
    {
    case IST_AGENT_SETTING_MAX_TUNNELS:
      ist_agent_device_set_max_tunnels (self, g_value_get_uint (value));
      break;
    case IST_AGENT_SETTING_MAX_CONNECTIONS:
      ist_agent_device_set_max_connections (self, g_value_get_uint (value));
      break;
    default:
      ist_agent_settings_set (&self->settings, prop_id, value);
    }
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
  ist_agent_signals[IST_AGENT_SIGNAL_BROKER_LOST] =
    g_signal_new ("broker-lost", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_ERROR,
                  G_TYPE_UINT);

  /**
   * IstAgentDevice::notification-refused:
   * @self: the agent
   * @error: why: an [error@IstAgent.DeviceError] or an [error@Ist.TunnelError]
   *
   * Emitted when a notification from the broker does not lead to a tunnel.
   *
   * Since: 1.0
   */
  ist_agent_signals[IST_AGENT_SIGNAL_NOTIFICATION_REFUSED] =
    g_signal_new ("notification-refused", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);

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
  ist_agent_signals[IST_AGENT_SIGNAL_SERVICE_REFUSED] =
    g_signal_new ("service-refused", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);

  /**
   * IstAgentDevice::tunnel-opened:
   * @self: the agent
   * @tunnel: the tunnel
   *
   * Emitted when a notification was accepted, before the tunnel is connected.
   *
   * Since: 1.0
   */
  ist_agent_signals[IST_AGENT_SIGNAL_TUNNEL_OPENED] =
    g_signal_new ("tunnel-opened", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, IST_AGENT_TYPE_TUNNEL);

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
  ist_agent_signals[IST_AGENT_SIGNAL_TUNNEL_CLOSED] =
    g_signal_new ("tunnel-closed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, IST_AGENT_TYPE_TUNNEL,
                  G_TYPE_ERROR);

  /**
   * IstAgentDevice::stopped:
   * @self: the agent
   *
   * Emitted when nothing is running any more.
   *
   * Since: 1.0
   */
  ist_agent_signals[IST_AGENT_SIGNAL_STOPPED] =
    g_signal_new ("stopped", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
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
  self->waiting = ist_agent_notification_queue_new (self->context, ist_agent_device_expire_notifications, self);
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
