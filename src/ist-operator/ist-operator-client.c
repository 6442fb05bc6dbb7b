/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-client-private.h"

#include <ist-operator/ist-operator-client-error.h>

#include "common/ist-names-private.h"
#include "common/ist-waiting-tasks-private.h"
#include "ist-operator/ist-operator-request-private.h"
#include "ist-operator/ist-operator-search-private.h"
#include "ist-operator/ist-operator-tunnel-private.h"

/* How many tunnels may be lost under a request before it fails. */
#define MAX_ATTEMPTS 3

/* Seconds */
#define DEFAULT_LINGER 300
#define MAX_LINGER 86400

/* Of a tunnel among those of the same description, before that: for when it was opened,
 * but no answer came. */
#define ID_FORMAT "%08x"

/**
 * IstOperatorClient:
 *
 * The operator's side of AWS IoT Secure Tunneling: connects to services of devices by the
 * devices' names, as often and as parallel as is wanted, over one tunnel for each device.
 *
 * A tunnel costs money each time one is opened, and takes seconds to come up. So the
 * client opens one when the first connection to a device is asked for, shares it among all
 * connections, and closes it when nothing has used it for [property@IstOperator.Client:linger]
 * seconds. Calls that come while it is being opened wait for it together. It is for the
 * services that were asked for and those of [property@IstOperator.Client:services]; another
 * service needs a tunnel of its own, for the services of a tunnel can't be changed. One
 * that ends while it is in use ends its connections, and the next one gets a new one.
 *
 * ```python
 * control_plane = IstOperator.ControlPlane.new(IstOperator.Credentials.new(), 'eu-central-1')
 * client = IstOperator.Client.new(control_plane)
 * client.connect_async('pump-7', 'SSH', None, None, on_connected)
 * ```
 *
 * What a call wants of its tunnel, it may say with [class@IstOperator.Options]; else those
 * of [property@IstOperator.Client:options] count.
 *
 * With [property@IstOperator.Options:reuse] the client looks for an open tunnel of the
 * device that nobody uses, before it opens one, and takes it over. If somebody else takes
 * that again, it is left to them. One that was taken over is not closed when it is no
 * longer used: it is somebody else's.
 *
 * When the service does not answer, or says that it has failed to open a tunnel, the
 * client looks whether one was opened all the same, and uses that, before it asks for
 * another.
 *
 * The device has [property@IstOperator.Options:device-timeout] seconds to connect. It is
 * notified again if it does not come, and when a tunnel is used whose device has gone.
 * When it does not come in time, or the callers give up, the tunnel stays for the next
 * attempt, as one that is no longer used.
 *
 * The client is a [iface@Gio.ListModel] of its [class@IstOperator.Tunnel]s, the oldest
 * first. One leaves the list when it is closed at the service, too.
 *
 * A program that does one thing after the other waits with
 * [method@IstOperator.Client.connect_sync] and [method@IstOperator.Client.close_sync].
 *
 * A client belongs to the main context that was the thread-default one when it was made:
 * it and its tunnels are used from that context's thread only, and all signals and
 * callbacks come there. Any method may be called from any of them.
 *
 * When the last reference to a client is dropped, all connections end, and the service is
 * asked to close the tunnels. The calls go on for as long as somebody runs the main
 * context: a program that ends should wait for [method@IstOperator.Client.close_async], or
 * tunnels may stay open until their lifetime is over.
 *
 * Since: 1.0
 */
struct _IstOperatorClient
{
  GObject parent_instance;

  GMainContext *context;
  IstOperatorControlPlane *control_plane;
  IstOperatorOptions *options; /* of calls that have none of their own */
  guint linger;
  IstProtocolVersion protocol_version;
  char **services; /* (nullable) */
  char *description;

  GPtrArray *tunnels; /* the oldest first */
  gboolean closed;
  IstWaitingTasks *closing;
  GError *close_error; /* the first */
};

enum
{
  PROP_CONTROL_PLANE = 1,
  PROP_OPTIONS,
  PROP_LINGER,
  PROP_PROTOCOL_VERSION,
  PROP_SERVICES,
  PROP_DESCRIPTION,
  PROP_N_TUNNELS,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

enum
{
  PROGRESS,
  TUNNEL_CLOSED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void client_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (IstOperatorClient,
                               ist_operator_client,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, client_list_model_init))

static void client_dispatch (IstOperatorClient *self,
                             GTask *request);

/* Tunnels */

/* For those who call what may change the list. */
static GPtrArray *
client_copy_tunnels (IstOperatorClient *self)
{
  return g_ptr_array_copy (self->tunnels, (GCopyFunc) (GCallback) g_object_ref, NULL);
}

static void
client_check_closed (IstOperatorClient *self)
{
  if (self->closed && self->tunnels->len == 0)
    ist_waiting_tasks_return (self->closing, self->close_error);
}

static void
on_state_changed (IstOperatorTunnel *tunnel,
                  gpointer client)
{
  g_autoptr (IstOperatorClient) self = g_object_ref (client);

  g_signal_emit (self, signals[PROGRESS], 0, tunnel, ist_operator_tunnel_get_state (tunnel));
}

static void
on_closed (IstOperatorTunnel *tunnel,
           const GError *error,
           gpointer client)
{
  g_autoptr (IstOperatorClient) self = g_object_ref (client);
  g_autoptr (IstOperatorTunnel) alive G_GNUC_UNUSED = g_object_ref (tunnel);
  guint position;

  if (!g_ptr_array_find (self->tunnels, tunnel, &position))
    return;
  ist_operator_tunnel_disown (tunnel);
  if (tunnel->close_error != NULL && self->close_error == NULL)
    self->close_error = g_error_copy (tunnel->close_error);
  g_ptr_array_remove_index (self->tunnels, position);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_TUNNELS]);
  g_signal_emit (self, signals[TUNNEL_CLOSED], 0, tunnel, error);
  client_check_closed (self);
}

/* One that can be used at once is better than one that is still to come. */
static IstOperatorTunnel *
client_find_tunnel (IstOperatorClient *self,
                    const IstOperatorRequest *request,
                    gboolean even_if_expiring)
{
  IstOperatorTunnel *best = NULL;

  for (guint i = 0; i < self->tunnels->len; i++)
    {
      IstOperatorTunnel *tunnel = self->tunnels->pdata[i];

      if (!ist_operator_tunnel_suits (tunnel, request->thing_name, (const char *const *) request->service_ids,
                                      even_if_expiring))
        continue;
      if (ist_operator_tunnel_get_state (tunnel) == IST_OPERATOR_TUNNEL_STATE_CONNECTED)
        return tunnel;
      if (best == NULL)
        best = tunnel;
    }
  return best;
}

static IstOperatorTunnel *
client_find_by_id (IstOperatorClient *self,
                   const char *tunnel_id)
{
  for (guint i = 0; i < self->tunnels->len; i++)
    {
      IstOperatorTunnel *tunnel = self->tunnels->pdata[i];

      if (tunnel->phase < IST_OPERATOR_PHASE_CLOSING && g_strcmp0 (tunnel->tunnel_id, tunnel_id) == 0)
        return tunnel;
    }
  return NULL;
}

/* It could not serve the request: another may, once or twice. None is opened in the place
 * of one that could not be. */
static void
on_released (IstOperatorTunnel *tunnel,
             GTask *task,
             const GError *why,
             gboolean is_new,
             gpointer client)
{
  IstOperatorClient *self = client;
  IstOperatorRequest *request = ist_operator_request_get (task);
  gboolean may_go_on = ++request->n_attempts < MAX_ATTEMPTS;
  IstOperatorTunnel *other = NULL;

  if (may_go_on && !is_new)
    {
      client_dispatch (self, task);
      return;
    }
  if (may_go_on && request->reuse != IST_OPERATOR_REUSE_NEVER)
    other = client_find_tunnel (self, request, TRUE);
  if (other != NULL)
    {
      ist_operator_tunnel_serve (other, task);
      return;
    }
  g_task_return_error (task, g_error_copy (why));
  g_object_unref (task);
}

static const IstOperatorTunnelFuncs tunnel_funcs = {
  .state_changed = on_state_changed,
  .released = on_released,
  .closed = on_closed,
};

static IstOperatorTunnel *
client_add_tunnel (IstOperatorClient *self,
                   const char *thing_name,
                   const char *const *service_ids)
{
  IstOperatorTunnel *tunnel = ist_operator_tunnel_new (self->context, self->control_plane, thing_name, service_ids,
                                                       &tunnel_funcs, self);

  tunnel->linger = self->linger;
  tunnel->protocol_version = self->protocol_version;
  g_ptr_array_add (self->tunnels, tunnel);
  return tunnel;
}

static void
client_tell_added (IstOperatorClient *self,
                   IstOperatorTunnel *tunnel)
{
  g_autoptr (IstOperatorClient) alive G_GNUC_UNUSED = g_object_ref (self);
  guint position;

  if (!g_ptr_array_find (self->tunnels, tunnel, &position))
    return;
  g_list_model_items_changed (G_LIST_MODEL (self), position, 0, 1);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_TUNNELS]);
  g_signal_emit (self, signals[PROGRESS], 0, tunnel, ist_operator_tunnel_get_state (tunnel));
}

static char **
client_list_services (IstOperatorClient *self,
                      const IstOperatorRequest *request)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_addv (builder, (const char **) request->service_ids);
  for (gsize i = 0; self->services != NULL && self->services[i] != NULL; i++)
    {
      if (!g_strv_contains ((const char *const *) request->service_ids, self->services[i]))
        g_strv_builder_add (builder, self->services[i]);
    }
  return g_strv_builder_end (builder);
}

static char **
client_list_ids (IstOperatorClient *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < self->tunnels->len; i++)
    {
      const char *id = ist_operator_tunnel_get_tunnel_id (self->tunnels->pdata[i]);

      if (id != NULL)
        g_strv_builder_add (builder, id);
    }
  return g_strv_builder_end (builder);
}

/* Requests */

/* The request is with the tunnel before anybody hears of it. */
static void
client_serve_anew (IstOperatorClient *self,
                   GTask *task)
{
  IstOperatorRequest *request = ist_operator_request_get (task);
  g_auto (GStrv) services = client_list_services (self, request);
  g_auto (GStrv) excluded = client_list_ids (self);
  gboolean looks = request->reuse == IST_OPERATOR_REUSE_ANY;
  g_autoptr (IstOperatorTunnel) tunnel = NULL;

  tunnel = g_object_ref (client_add_tunnel (self, request->thing_name, (const char *const *) services));
  tunnel->description = g_strdup_printf (ID_FORMAT " %s", g_random_int (), self->description);
  tunnel->lifetime = request->lifetime;
  tunnel->is_exclusive = request->reuse == IST_OPERATOR_REUSE_NEVER && request->kind != IST_OPERATOR_REQUEST_OPEN;
  ist_operator_tunnel_take_request (tunnel, task);
  client_tell_added (self, tunnel);
  /* A handler may have closed it. */
  if (tunnel->phase == IST_OPERATOR_PHASE_LOOKING)
    ist_operator_tunnel_start (tunnel, looks ? (const char *const *) request->service_ids : NULL,
                               (const char *const *) excluded);
}

static void
client_adopt (IstOperatorClient *self,
              GTask *task,
              const char *tunnel_id)
{
  static const char *const none[] = { NULL };
  IstOperatorTunnel *known = client_find_by_id (self, tunnel_id);
  g_autoptr (IstOperatorTunnel) tunnel = NULL;

  if (known != NULL)
    {
      ist_operator_tunnel_serve (known, task);
      return;
    }
  tunnel = g_object_ref (client_add_tunnel (self, NULL, none));
  ist_operator_tunnel_take_request (tunnel, task);
  client_tell_added (self, tunnel);
  if (tunnel->phase == IST_OPERATOR_PHASE_LOOKING)
    ist_operator_tunnel_start_adopting (tunnel, tunnel_id);
}

static gboolean
client_check_usable (IstOperatorClient *self,
                     GError **error)
{
  if (self->closed)
    g_set_error_literal (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_CLOSED, "The client was closed");
  else if (self->control_plane == NULL)
    g_set_error_literal (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_INVALID_ARGUMENT,
                         "The client was made without a control plane");
  else
    return TRUE;
  return FALSE;
}

/* Takes the task. */
static void
client_dispatch (IstOperatorClient *self,
                 GTask *request)
{
  const IstOperatorRequest *wanted = ist_operator_request_get (request);
  IstOperatorTunnel *tunnel = NULL;
  GError *error = NULL;

  if (!client_check_usable (self, &error))
    {
      g_task_return_error (request, error);
      g_object_unref (request);
      return;
    }
  if (wanted->reuse != IST_OPERATOR_REUSE_NEVER)
    tunnel = client_find_tunnel (self, wanted, FALSE);
  if (tunnel != NULL)
    ist_operator_tunnel_serve (tunnel, request);
  else
    client_serve_anew (self, request);
}

static GTask *
client_create_task (IstOperatorClient *self,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer user_data,
                    gpointer source_tag)
{
  GTask *task;

  /* The callback comes in the client's context, as everything else. */
  g_main_context_push_thread_default (self->context);
  task = g_task_new (self, cancellable, callback, user_data);
  g_main_context_pop_thread_default (self->context);
  g_task_set_source_tag (task, source_tag);
  /* What has been opened is not to be hidden from somebody who has cancelled just then. */
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

static gboolean
check_name (const char *what,
            const char *name,
            GError **error)
{
  if (ist_name_is_valid (name))
    return TRUE;
  g_set_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_INVALID_ARGUMENT,
               "That is no name of a %s, which is " IST_NAME_RULE, what);
  return FALSE;
}

static gboolean
check_names (const char *thing_name,
             const char *const *service_ids,
             GError **error)
{
  if (!check_name ("thing", thing_name, error))
    return FALSE;
  if (service_ids[0] == NULL)
    {
      g_set_error_literal (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_INVALID_ARGUMENT,
                           "A tunnel needs a service at least");
      return FALSE;
    }
  for (gsize i = 0; service_ids[i] != NULL; i++)
    {
      if (!check_name ("service", service_ids[i], error))
        return FALSE;
    }
  return TRUE;
}

static void
client_request (IstOperatorClient *self,
                IstOperatorRequestKind kind,
                const char *thing_name,
                const char *const *service_ids,
                GIOStream *stream,
                IstOperatorOptions *options,
                GTask *task)
{
  GError *error = NULL;

  ist_operator_request_attach (task, kind, thing_name, service_ids, stream,
                               options != NULL ? options : self->options);
  if (!g_cancellable_set_error_if_cancelled (g_task_get_cancellable (task), &error) &&
      check_names (thing_name, service_ids, &error))
    {
      client_dispatch (self, task);
      return;
    }
  g_task_return_error (task, error);
  g_object_unref (task);
}

/**
 * ist_operator_client_connect_async:
 * @self: a client
 * @thing_name: the device's name at AWS IoT
 * @service_id: the service
 * @options: (nullable): what the call wants of its tunnel; %NULL for those of the client
 * @cancellable: (nullable): to give up
 * @callback: (scope async): called when the connection is open, or can't be opened
 * @user_data: data for @callback
 *
 * Opens a connection to a service of a device, and a tunnel if there is none that can be
 * used. [signal@IstOperator.Client::progress] tells what is waited for.
 *
 * Since: 1.0
 */
void
ist_operator_client_connect_async (IstOperatorClient *self,
                                   const char *thing_name,
                                   const char *service_id,
                                   IstOperatorOptions *options,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  const char *const service_ids[] = { service_id, NULL };

  g_return_if_fail (IST_OPERATOR_IS_CLIENT (self));
  g_return_if_fail (thing_name != NULL);
  g_return_if_fail (service_id != NULL);
  g_return_if_fail (options == NULL || IST_OPERATOR_IS_OPTIONS (options));

  client_request (self, IST_OPERATOR_REQUEST_CONNECT, thing_name, service_ids, NULL, options,
                  client_create_task (self, cancellable, callback, user_data, ist_operator_client_connect_async));
}

/**
 * ist_operator_client_connect_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@IstOperator.Client.connect_async].
 *
 * Fails with an [error@IstOperator.ClientError], with the
 * [error@IstOperator.ControlPlaneError] of a call that was necessary, with the
 * [error@Ist.TunnelError] of the tunnel, or with %G_IO_ERROR_CANCELLED. That the device
 * can't reach the service shows as the end of the connection.
 *
 * Returns: (transfer full): the connection, which ends when its last reference is
 *   dropped; %NULL with @error set
 *
 * Since: 1.0
 */
IstConnection *
ist_operator_client_connect_finish (IstOperatorClient *self,
                                    GAsyncResult *result,
                                    GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_client_connect_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * ist_operator_client_forward_async:
 * @self: a client
 * @thing_name: the device's name at AWS IoT
 * @service_id: the service
 * @stream: a stream, such as a socket's or one made of standard input and standard output
 * @options: (nullable): what the call wants of its tunnel; %NULL for those of the client
 * @cancellable: (nullable): to give up, as long as there is no connection
 * @callback: (scope async): called when the connection is open, or can't be opened
 * @user_data: data for @callback
 *
 * Connects as [method@IstOperator.Client.connect_async] does, and carries a stream over the
 * connection. The stream is closed in the end, also if there never is a connection.
 *
 * Since: 1.0
 */
void
ist_operator_client_forward_async (IstOperatorClient *self,
                                   const char *thing_name,
                                   const char *service_id,
                                   GIOStream *stream,
                                   IstOperatorOptions *options,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  const char *const service_ids[] = { service_id, NULL };

  g_return_if_fail (IST_OPERATOR_IS_CLIENT (self));
  g_return_if_fail (thing_name != NULL);
  g_return_if_fail (service_id != NULL);
  g_return_if_fail (G_IS_IO_STREAM (stream));
  g_return_if_fail (options == NULL || IST_OPERATOR_IS_OPTIONS (options));

  client_request (self, IST_OPERATOR_REQUEST_FORWARD, thing_name, service_ids, stream, options,
                  client_create_task (self, cancellable, callback, user_data, ist_operator_client_forward_async));
}

/**
 * ist_operator_client_forward_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@IstOperator.Client.forward_async], and fails as
 * [method@IstOperator.Client.connect_finish] does.
 *
 * Returns: (transfer full): the connection, which is one of those of a tunnel and tells
 *   the rest; %NULL with @error set
 *
 * Since: 1.0
 */
IstForwarderConnection *
ist_operator_client_forward_finish (IstOperatorClient *self,
                                    GAsyncResult *result,
                                    GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_client_forward_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * ist_operator_client_open_async:
 * @self: a client
 * @thing_name: the device's name at AWS IoT
 * @service_ids: (array zero-terminated=1): the services
 * @options: (nullable): what the call wants of its tunnel; %NULL for those of the client
 * @cancellable: (nullable): to give up
 * @callback: (scope async): called when the device is connected to the tunnel, or is not
 * @user_data: data for @callback
 *
 * Opens a tunnel ahead of connections, or takes one that can be used and has the
 * services, and waits for the device. The tunnel is kept until it is closed, or
 * [method@IstOperator.Tunnel.set_kept] says otherwise.
 *
 * Since: 1.0
 */
void
ist_operator_client_open_async (IstOperatorClient *self,
                                const char *thing_name,
                                const char *const *service_ids,
                                IstOperatorOptions *options,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (IST_OPERATOR_IS_CLIENT (self));
  g_return_if_fail (thing_name != NULL);
  g_return_if_fail (service_ids != NULL);
  g_return_if_fail (options == NULL || IST_OPERATOR_IS_OPTIONS (options));

  client_request (self, IST_OPERATOR_REQUEST_OPEN, thing_name, service_ids, NULL, options,
                  client_create_task (self, cancellable, callback, user_data, ist_operator_client_open_async));
}

/**
 * ist_operator_client_open_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@IstOperator.Client.open_async], and fails as
 * [method@IstOperator.Client.connect_finish] does.
 *
 * Returns: (transfer full): the tunnel; %NULL with @error set
 *
 * Since: 1.0
 */
IstOperatorTunnel *
ist_operator_client_open_finish (IstOperatorClient *self,
                                 GAsyncResult *result,
                                 GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_client_open_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * ist_operator_client_adopt_async:
 * @self: a client
 * @tunnel_id: the id of a tunnel
 * @cancellable: (nullable): to give up
 * @callback: (scope async): called when the client is connected to the tunnel, or can't be
 * @user_data: data for @callback
 *
 * Takes up a tunnel that an earlier run of the program has left behind. Whoever is
 * connected to it as the source is replaced. The device is not waited for; it is notified
 * if it is not connected.
 *
 * From then on the tunnel is one of the client's: it serves connections, and is closed when
 * nothing has used it for a while.
 *
 * Since: 1.0
 */
void
ist_operator_client_adopt_async (IstOperatorClient *self,
                                 const char *tunnel_id,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  static const char *const none[] = { NULL };
  GTask *task;
  GError *error = NULL;

  g_return_if_fail (IST_OPERATOR_IS_CLIENT (self));
  g_return_if_fail (tunnel_id != NULL);

  task = client_create_task (self, cancellable, callback, user_data, ist_operator_client_adopt_async);
  ist_operator_request_attach (task, IST_OPERATOR_REQUEST_ADOPT, NULL, none, NULL, self->options);
  if (g_cancellable_set_error_if_cancelled (cancellable, &error) || !client_check_usable (self, &error))
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  client_adopt (self, task, tunnel_id);
}

/**
 * ist_operator_client_adopt_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@IstOperator.Client.adopt_async].
 *
 * Fails with %IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND if there is no such tunnel any
 * more, with %IST_OPERATOR_CLIENT_ERROR_CLOSED if it was closed or has expired, and else as
 * [method@IstOperator.Client.connect_finish] does.
 *
 * Returns: (transfer full): the tunnel; %NULL with @error set
 *
 * Since: 1.0
 */
IstOperatorTunnel *
ist_operator_client_adopt_finish (IstOperatorClient *self,
                                  GAsyncResult *result,
                                  GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_client_adopt_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

GMainContext *
ist_operator_client_get_context (IstOperatorClient *self)
{
  return self->context;
}

/* Closing */

static void
client_end_tunnels (IstOperatorClient *self)
{
  g_autoptr (GPtrArray) tunnels = client_copy_tunnels (self);

  for (guint i = 0; i < tunnels->len; i++)
    ist_operator_tunnel_end (tunnels->pdata[i], NULL);
}

/**
 * ist_operator_client_close_async:
 * @self: a client
 * @cancellable: (nullable): ends the waiting, not the closing
 * @callback: (scope async): called when there are no tunnels any more
 * @user_data: data for @callback
 *
 * Ends all connections, and closes all tunnels, at the service too unless they were taken
 * over. Whoever waits for a connection, or asks for one from now on, gets
 * %IST_OPERATOR_CLIENT_ERROR_CLOSED.
 *
 * Since: 1.0
 */
void
ist_operator_client_close_async (IstOperatorClient *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (IstOperatorClient) alive = NULL;

  g_return_if_fail (IST_OPERATOR_IS_CLIENT (self));

  alive = g_object_ref (self);
  ist_waiting_tasks_add (self->closing, client_create_task (self, cancellable, callback, user_data,
                                                            ist_operator_client_close_async));
  self->closed = TRUE;
  client_end_tunnels (self);
  client_check_closed (self);
}

/**
 * ist_operator_client_close_finish:
 * @self: a client
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Finishes [method@IstOperator.Client.close_async].
 *
 * Fails with the [error@IstOperator.ControlPlaneError] for which the first of the tunnels
 * that could not be closed was not, during the client's whole life; or with
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE if nothing is left
 *
 * Since: 1.0
 */
gboolean
ist_operator_client_close_finish (IstOperatorClient *self,
                                  GAsyncResult *result,
                                  GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_client_close_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* GListModel */

static GType
client_get_item_type (GListModel *model)
{
  return IST_OPERATOR_TYPE_TUNNEL;
}

static guint
client_get_n_items (GListModel *model)
{
  return IST_OPERATOR_CLIENT (model)->tunnels->len;
}

static gpointer
client_get_item (GListModel *model,
                 guint position)
{
  IstOperatorClient *self = IST_OPERATOR_CLIENT (model);

  return position < self->tunnels->len ? g_object_ref (self->tunnels->pdata[position]) : NULL;
}

static void
client_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = client_get_item_type;
  iface->get_n_items = client_get_n_items;
  iface->get_item = client_get_item;
}

/* GObject */

static void
ist_operator_client_dispose (GObject *object)
{
  IstOperatorClient *self = IST_OPERATOR_CLIENT (object);
  g_autoptr (GPtrArray) tunnels = client_copy_tunnels (self);

  /* Requests hold a reference to the client, so nobody waits. The tunnels go on closing. */
  self->closed = TRUE;
  for (guint i = 0; i < tunnels->len; i++)
    ist_operator_tunnel_disown (tunnels->pdata[i]);
  g_ptr_array_set_size (self->tunnels, 0);
  for (guint i = 0; i < tunnels->len; i++)
    ist_operator_tunnel_end (tunnels->pdata[i], NULL);

  G_OBJECT_CLASS (ist_operator_client_parent_class)->dispose (object);
}

static void
ist_operator_client_finalize (GObject *object)
{
  IstOperatorClient *self = IST_OPERATOR_CLIENT (object);

  g_ptr_array_unref (self->tunnels);
  ist_waiting_tasks_free (self->closing);
  g_clear_error (&self->close_error);
  g_strfreev (self->services);
  g_free (self->description);
  g_clear_object (&self->options);
  g_clear_object (&self->control_plane);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (ist_operator_client_parent_class)->finalize (object);
}

static void
ist_operator_client_get_property (GObject *object,
                                  guint prop_id,
                                  GValue *value,
                                  GParamSpec *pspec)
{
  IstOperatorClient *self = IST_OPERATOR_CLIENT (object);

  switch (prop_id)
    {
    case PROP_CONTROL_PLANE:
      g_value_set_object (value, self->control_plane);
      break;
    case PROP_OPTIONS:
      g_value_set_object (value, self->options);
      break;
    case PROP_LINGER:
      g_value_set_uint (value, self->linger);
      break;
    case PROP_PROTOCOL_VERSION:
      g_value_set_enum (value, self->protocol_version);
      break;
    case PROP_SERVICES:
      g_value_set_boxed (value, self->services);
      break;
    case PROP_DESCRIPTION:
      g_value_set_string (value, self->description);
      break;
    case PROP_N_TUNNELS:
      g_value_set_uint (value, self->tunnels->len);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_operator_client_set_property (GObject *object,
                                  guint prop_id,
                                  const GValue *value,
                                  GParamSpec *pspec)
{
  IstOperatorClient *self = IST_OPERATOR_CLIENT (object);

  switch (prop_id)
    {
    case PROP_CONTROL_PLANE:
      self->control_plane = g_value_dup_object (value);
      break;
    case PROP_OPTIONS:
      self->options = g_value_get_object (value) != NULL ? g_value_dup_object (value) : ist_operator_options_new ();
      break;
    case PROP_LINGER:
      ist_operator_client_set_linger (self, g_value_get_uint (value));
      break;
    case PROP_PROTOCOL_VERSION:
      ist_operator_client_set_protocol_version (self, g_value_get_enum (value));
      break;
    case PROP_SERVICES:
      ist_operator_client_set_services (self, g_value_get_boxed (value));
      break;
    case PROP_DESCRIPTION:
      ist_operator_client_set_description (self, g_value_get_string (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
client_specify (GParamFlags flags)
{
  const GParamFlags writable = flags | G_PARAM_WRITABLE | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * IstOperatorClient:control-plane: (getter get_control_plane)
   *
   * What the service is asked through; necessary.
   *
   * Since: 1.0
   */
  properties[PROP_CONTROL_PLANE] =
    g_param_spec_object ("control-plane", NULL, NULL, IST_OPERATOR_TYPE_CONTROL_PLANE,
                         flags | G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY);

  /**
   * IstOperatorClient:options: (getter get_options)
   *
   * What those calls want that are made without options of their own. There always are
   * some, which can be changed: that counts for calls from then on.
   *
   * Since: 1.0
   */
  properties[PROP_OPTIONS] = g_param_spec_object ("options", NULL, NULL, IST_OPERATOR_TYPE_OPTIONS,
                                                  flags | G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY);

  /**
   * IstOperatorClient:linger: (getter get_linger) (setter set_linger)
   *
   * How many seconds a tunnel stays though nothing uses it, of those that there are, too.
   * With 0 it is closed at once.
   *
   * Since: 1.0
   */
  properties[PROP_LINGER] = g_param_spec_uint ("linger", NULL, NULL, 0, MAX_LINGER, DEFAULT_LINGER, writable);

  /**
   * IstOperatorClient:protocol-version: (getter get_protocol_version) (setter set_protocol_version)
   *
   * The version of the protocol that devices speak, for tunnels that begin from now on. If
   * it is not known, a device shows it by its first answer; until then a service has one
   * connection, for which others wait for up to five seconds. Most services speak at once,
   * and nobody notices. Where they don't, set %IST_PROTOCOL_VERSION_V3 if all devices speak
   * that.
   *
   * Since: 1.0
   */
  properties[PROP_PROTOCOL_VERSION] = g_param_spec_enum ("protocol-version", NULL, NULL, IST_TYPE_PROTOCOL_VERSION,
                                                         IST_PROTOCOL_VERSION_AUTO, writable);

  /**
   * IstOperatorClient:services: (getter get_services) (setter set_services)
   *
   * What tunnels are opened for from now on, besides the services that are asked for. One
   * tunnel then serves them all; AWS takes three services for each at most.
   *
   * Since: 1.0
   */
  properties[PROP_SERVICES] = g_param_spec_boxed ("services", NULL, NULL, G_TYPE_STRV, writable);

  /**
   * IstOperatorClient:description: (getter get_description) (setter set_description)
   *
   * What is said at the service of tunnels that are opened from now on, for those who look
   * at them there, after an id of each tunnel: at most 119 characters.
   *
   * Since: 1.0
   */
  properties[PROP_DESCRIPTION] =
    g_param_spec_string ("description", NULL, NULL, IST_OPERATOR_DESCRIPTION, writable);

  /**
   * IstOperatorClient:n-tunnels: (getter get_n_tunnels)
   *
   * How many tunnels there are: what the list model knows too, as a property that can be
   * bound.
   *
   * Since: 1.0
   */
  properties[PROP_N_TUNNELS] =
    g_param_spec_uint ("n-tunnels", NULL, NULL, 0, G_MAXUINT, 0, flags | G_PARAM_EXPLICIT_NOTIFY);
}

static void
client_install_signals (GType type)
{
  /**
   * IstOperatorClient::progress:
   * @self: the client
   * @tunnel: one of its tunnels
   * @state: what it is doing from now on
   *
   * Emitted when there is a new tunnel, and when the state of one has changed.
   *
   * Since: 1.0
   */
  signals[PROGRESS] = g_signal_new ("progress", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                                    IST_OPERATOR_TYPE_TUNNEL, IST_OPERATOR_TYPE_TUNNEL_STATE);

  /**
   * IstOperatorClient::tunnel-closed:
   * @self: the client
   * @tunnel: the tunnel
   * @error: (nullable): why; %NULL if it was closed because somebody wanted that, or because
   *   nothing has used it. An [error@IstOperator.ControlPlaneError] if it was to be
   *   closed at the service, and could not be.
   *
   * Emitted when a tunnel has ended, and is no longer listed.
   *
   * Since: 1.0
   */
  signals[TUNNEL_CLOSED] = g_signal_new ("tunnel-closed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                         2, IST_OPERATOR_TYPE_TUNNEL, G_TYPE_ERROR);
}

static void
ist_operator_client_class_init (IstOperatorClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ist_operator_client_dispose;
  object_class->finalize = ist_operator_client_finalize;
  object_class->get_property = ist_operator_client_get_property;
  object_class->set_property = ist_operator_client_set_property;
  client_specify (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  client_install_signals (G_TYPE_FROM_CLASS (klass));
}

static void
ist_operator_client_init (IstOperatorClient *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->description = g_strdup (IST_OPERATOR_DESCRIPTION);
  self->linger = DEFAULT_LINGER;
  self->tunnels = g_ptr_array_new_with_free_func (g_object_unref);
  self->closing = ist_waiting_tasks_new (self->context, NULL, NULL);
}

/**
 * ist_operator_client_new:
 * @control_plane: what the service is asked through
 *
 * Makes a client, which does nothing yet.
 *
 * Returns: (transfer full): a new client
 *
 * Since: 1.0
 */
IstOperatorClient *
ist_operator_client_new (IstOperatorControlPlane *control_plane)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CONTROL_PLANE (control_plane), NULL);

  return g_object_new (IST_OPERATOR_TYPE_CLIENT, "control-plane", control_plane, NULL);
}

/**
 * ist_operator_client_get_control_plane: (get-property control-plane)
 * @self: a client
 *
 * Gets what the service is asked through.
 *
 * Returns: (transfer none) (nullable): the control plane; %NULL in a client that was
 *   constructed without
 *
 * Since: 1.0
 */
IstOperatorControlPlane *
ist_operator_client_get_control_plane (IstOperatorClient *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), NULL);

  return self->control_plane;
}

/**
 * ist_operator_client_get_options: (get-property options)
 * @self: a client
 *
 * Gets the options of calls that are made without.
 *
 * Returns: (transfer none): the options
 *
 * Since: 1.0
 */
IstOperatorOptions *
ist_operator_client_get_options (IstOperatorClient *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), NULL);

  return self->options;
}

/**
 * ist_operator_client_get_linger: (get-property linger)
 * @self: a client
 *
 * Gets how long a tunnel stays though nothing uses it.
 *
 * Returns: seconds
 *
 * Since: 1.0
 */
guint
ist_operator_client_get_linger (IstOperatorClient *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), 0);

  return self->linger;
}

/**
 * ist_operator_client_set_linger: (set-property linger)
 * @self: a client
 * @seconds: how long a tunnel stays though nothing uses it
 *
 * Sets [property@IstOperator.Client:linger]. Those that are unused are given that time
 * anew.
 *
 * Since: 1.0
 */
void
ist_operator_client_set_linger (IstOperatorClient *self,
                                guint seconds)
{
  g_autoptr (GPtrArray) tunnels = NULL;

  g_return_if_fail (IST_OPERATOR_IS_CLIENT (self));
  g_return_if_fail (seconds <= MAX_LINGER);

  tunnels = client_copy_tunnels (self);
  if (self->linger == seconds)
    return;
  self->linger = seconds;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LINGER]);
  for (guint i = 0; i < tunnels->len; i++)
    ist_operator_tunnel_set_linger (tunnels->pdata[i], seconds);
}

/**
 * ist_operator_client_get_protocol_version: (get-property protocol-version)
 * @self: a client
 *
 * Gets the version of the protocol that devices speak.
 *
 * Returns: the version
 *
 * Since: 1.0
 */
IstProtocolVersion
ist_operator_client_get_protocol_version (IstOperatorClient *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), IST_PROTOCOL_VERSION_AUTO);

  return self->protocol_version;
}

/**
 * ist_operator_client_set_protocol_version: (set-property protocol-version)
 * @self: a client
 * @protocol_version: the version that devices speak
 *
 * Sets [property@IstOperator.Client:protocol-version].
 *
 * Since: 1.0
 */
void
ist_operator_client_set_protocol_version (IstOperatorClient *self,
                                          IstProtocolVersion protocol_version)
{
  g_return_if_fail (IST_OPERATOR_IS_CLIENT (self));

  if (self->protocol_version == protocol_version)
    return;
  self->protocol_version = protocol_version;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROTOCOL_VERSION]);
}

/**
 * ist_operator_client_get_description: (get-property description)
 * @self: a client
 *
 * Gets what is said of tunnels at the service.
 *
 * Returns: the description
 *
 * Since: 1.0
 */
const char *
ist_operator_client_get_description (IstOperatorClient *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), NULL);

  return self->description;
}

/**
 * ist_operator_client_set_description: (set-property description)
 * @self: a client
 * @description: (nullable): the description; %NULL for the default
 *
 * Sets [property@IstOperator.Client:description].
 *
 * Since: 1.0
 */
void
ist_operator_client_set_description (IstOperatorClient *self,
                                     const char *description)
{
  g_return_if_fail (IST_OPERATOR_IS_CLIENT (self));

  if (description == NULL)
    description = IST_OPERATOR_DESCRIPTION;
  if (g_str_equal (self->description, description))
    return;
  g_free (self->description);
  self->description = g_strdup (description);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_DESCRIPTION]);
}

/**
 * ist_operator_client_get_services: (get-property services)
 * @self: a client
 *
 * Gets what tunnels are opened for, besides the services that are asked for.
 *
 * Returns: (nullable) (transfer none) (array zero-terminated=1): the services
 *
 * Since: 1.0
 */
const char *const *
ist_operator_client_get_services (IstOperatorClient *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), NULL);

  return (const char *const *) self->services;
}

/**
 * ist_operator_client_set_services: (set-property services)
 * @self: a client
 * @service_ids: (nullable) (array zero-terminated=1): services
 *
 * Sets [property@IstOperator.Client:services]. A name that is none is refused by the
 * service when a tunnel is opened.
 *
 * Since: 1.0
 */
void
ist_operator_client_set_services (IstOperatorClient *self,
                                  const char *const *service_ids)
{
  const char *const *services;

  g_return_if_fail (IST_OPERATOR_IS_CLIENT (self));

  services = (const char *const *) self->services;
  if (service_ids == services ||
      (service_ids != NULL && services != NULL && g_strv_equal (service_ids, services)))
    return;
  g_strfreev (self->services);
  self->services = g_strdupv ((char **) service_ids);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SERVICES]);
}

/**
 * ist_operator_client_get_n_tunnels: (get-property n-tunnels)
 * @self: a client
 *
 * Gets how many tunnels there are.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
ist_operator_client_get_n_tunnels (IstOperatorClient *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), 0);

  return self->tunnels->len;
}
