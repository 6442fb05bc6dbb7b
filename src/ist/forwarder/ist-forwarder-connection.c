/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/ist-forwarder-connection.h"

#include "common/ist-counter-private.h"
#include "common/ist-source-private.h"
#include "ist/connection/ist-connection-core-private.h"
#include "ist/forwarder/ist-connect-with-retries-private.h"
#include "ist/forwarder/ist-forwarder-connection-private.h"
#include "ist/forwarder/ist-local-end-private.h"
#include "ist/forwarder/ist-open-when-connected-private.h"
#include "ist/ist-tunnel-error.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

/**
 * IstForwarderConnection:
 *
 * One connection that an [class@Ist.Forwarder] carries.
 *
 * The forwarder's signals bring these, and the forwarder itself is a list of those
 * that have not ended.
 *
 * Since: 1.0
 */
struct _IstForwarderConnection
{
  GObject parent_instance;

  char *service_id;
  GSocketAddress *address;
  IstConnection *tunnelled;
  GIOStream *local;
  IstForwarderConnectionState state;
  GError *error; /* why it is closed, or NULL */
  gint64 opened_at;
  GMainContext *context;
  IstForwarderConnectionSettings settings;
  const IstForwarderConnectionFuncs *funcs; /* NULL when nobody listens */
  gpointer user_data;

  /* While it is being opened */
  GCancellable *cancellable;
  GSocketClient *client;
  GSocketConnectable *target;
  GSource *peer_gone;
  GTask *task;
  GSource *task_cancelled;

  /* Once it is open */
  IstPump *pump;
  IstConnectionCore *core; /* instead, of one that the program uses itself */
  guint64 bytes_in_told;
  guint64 bytes_out_told;
};

enum
{
  PROP_SERVICE_ID = 1,
  PROP_STATE,
  PROP_ERROR,
  PROP_OPENED_AT,
  PROP_ADDRESS,
  PROP_CONNECTION,
  PROP_BYTES_IN,
  PROP_BYTES_OUT,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (IstForwarderConnection, ist_forwarder_connection, G_TYPE_OBJECT)

static gboolean
connection_is_direct (IstForwarderConnection *self)
{
  return self->local == NULL && self->tunnelled == NULL;
}

/* @object: (transfer full) (nullable) */
static void
connection_return (IstForwarderConnection *self,
                   gpointer object,
                   const GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  ist_clear_source (&self->task_cancelled);
  if (task == NULL)
    g_clear_object (&object);
  else if (object != NULL)
    g_task_return_pointer (task, object, g_object_unref);
  else
    g_task_return_error (task, g_error_copy (error));
}

static void
connection_stop_opening (IstForwarderConnection *self)
{
  if (self->peer_gone != NULL)
    {
      g_source_destroy (self->peer_gone);
      ist_connection_core_cancel_at_end (ist_connection_get_core (self->tunnelled), NULL);
    }
  g_clear_pointer (&self->peer_gone, g_source_unref);
  g_clear_object (&self->client);
  g_clear_object (&self->target);
}

static void
connection_set_state (IstForwarderConnection *self,
                      IstForwarderConnectionState state)
{
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

/* @error: (nullable) */
static void
connection_set_closed (IstForwarderConnection *self,
                       const GError *error)
{
  g_object_freeze_notify (G_OBJECT (self));
  if (error != NULL)
    {
      self->error = g_error_copy (error);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
    }
  connection_set_state (self, IST_FORWARDER_CONNECTION_STATE_CLOSED);
  g_object_thaw_notify (G_OBJECT (self));
}

static void
connection_fail (IstForwarderConnection *self,
                 IstLocalEnd how,
                 const GError *error)
{
  if (self->state != IST_FORWARDER_CONNECTION_STATE_CONNECTING)
    return;
  connection_stop_opening (self);
  g_cancellable_cancel (self->cancellable);
  if (self->tunnelled != NULL)
    g_io_stream_close_async (G_IO_STREAM (self->tunnelled), G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  if (self->local != NULL)
    ist_local_end_async (self->local, how, NULL, NULL, NULL);
  connection_set_closed (self, error);
  if (self->funcs != NULL)
    self->funcs->failed (self, error, self->user_data);
  connection_return (self, NULL, error);
}

static void
on_pump_moved (IstPump *pump,
               gpointer user_data)
{
  IstForwarderConnection *self = user_data;

  if (self->funcs != NULL)
    self->funcs->moved (self, self->user_data);
}

static void
on_pump_ending (IstPump *pump,
                gpointer user_data)
{
  connection_set_state (user_data, IST_FORWARDER_CONNECTION_STATE_CLOSING);
}

static void
on_pump_done (IstPump *pump,
              const GError *error,
              gpointer user_data)
{
  g_autoptr (IstForwarderConnection) self = user_data;

  ist_forwarder_connection_tell_bytes (self);
  connection_set_closed (self, error);
  if (self->funcs != NULL)
    self->funcs->closed (self, error, self->user_data);
}

static const IstPumpFuncs pump_funcs = {
  .moved = on_pump_moved,
  .ending = on_pump_ending,
  .done = on_pump_done,
};

/* What the program uses itself */

static void
on_direct_moved (gpointer user_data)
{
  IstForwarderConnection *self = user_data;

  if (self->funcs != NULL)
    self->funcs->moved (self, self->user_data);
}

static void
connection_unwatch (IstForwarderConnection *self)
{
  ist_clear_source (&self->peer_gone);
  ist_connection_core_cancel_at_end (self->core, NULL);
  ist_connection_core_watch (self->core, NULL, NULL);
}

/* The stream stays the program's, who may still read what had been received. */
static void
connection_end_direct (IstForwarderConnection *self,
                       const GError *error)
{
  if (self->state != IST_FORWARDER_CONNECTION_STATE_OPEN)
    return;
  connection_unwatch (self);
  ist_forwarder_connection_tell_bytes (self);
  connection_set_closed (self, error);
  if (self->funcs != NULL)
    self->funcs->closed (self, error, self->user_data);
  /* Held since it was opened. */
  g_object_unref (self);
}

static gboolean
on_direct_end (GCancellable *cancellable,
               gpointer user_data)
{
  g_autoptr (IstForwarderConnection) self = g_object_ref (user_data);
  g_autoptr (GError) error = ist_connection_core_dup_error (self->core);

  /* That is how connections end. */
  if (g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CONNECTION_RESET))
    g_clear_error (&error);
  connection_end_direct (self, error);
  return G_SOURCE_REMOVE;
}

static void
connection_opened_direct (IstForwarderConnection *self,
                          IstConnection *tunnelled)
{
  self->core = ist_connection_core_ref (ist_connection_get_core (tunnelled));
  g_object_ref (self);
  self->peer_gone = g_cancellable_source_new (self->cancellable);
  g_source_set_static_name (self->peer_gone, "IstForwarderConnection end");
  g_source_set_callback (self->peer_gone, G_SOURCE_FUNC (on_direct_end), self, NULL);
  g_source_attach (self->peer_gone, self->context);
  ist_connection_core_watch (self->core, on_direct_moved, self);
  ist_connection_core_cancel_at_end (self->core, self->cancellable);

  g_object_freeze_notify (G_OBJECT (self));
  self->opened_at = g_get_real_time ();
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_OPENED_AT]);
  connection_set_state (self, IST_FORWARDER_CONNECTION_STATE_OPEN);
  if (self->funcs != NULL)
    self->funcs->opened (self, self->user_data);
  g_object_thaw_notify (G_OBJECT (self));
  connection_return (self, g_object_ref (tunnelled), NULL);
}

/* Closes what there is. */
static void
connection_close (IstForwarderConnection *self,
                  IstLocalEnd how,
                  const GError *error)
{
  if (self->pump != NULL)
    {
      ist_pump_end (self->pump, error, how == IST_LOCAL_END_CLOSE);
    }
  else if (self->core != NULL)
    {
      ist_connection_core_close (self->core);
      connection_end_direct (self, error);
    }
  else
    {
      connection_fail (self, how, error);
    }
}

/* Both ends */

static void
connection_set_tunnelled (IstForwarderConnection *self,
                          IstConnection *tunnelled)
{
  self->tunnelled = g_object_ref (tunnelled);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONNECTION]);
}

static void
connection_set_local (IstForwarderConnection *self,
                      GIOStream *local)
{
  GSocket *socket;

  self->local = g_object_ref (local);
  if (!G_IS_SOCKET_CONNECTION (local))
    return;

  self->address = g_socket_connection_get_remote_address (G_SOCKET_CONNECTION (local), NULL);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ADDRESS]);
  socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (local));
  /* The client's timeout for connecting would stay for ever. */
  g_socket_set_timeout (socket, 0);
  if (G_IS_TCP_CONNECTION (local))
    {
      g_socket_set_keepalive (socket, TRUE);
      g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
    }
}

/* The end that was missing is there. */
static void
connection_opened (IstForwarderConnection *self,
                   IstConnection *tunnelled,
                   GIOStream *local)
{
  g_object_ref (self);
  connection_stop_opening (self);

  /* A handler that closes the connection must not be told of its end before
   * everybody is told of its beginning. */
  g_object_freeze_notify (G_OBJECT (self));
  if (tunnelled != NULL)
    connection_set_tunnelled (self, tunnelled);
  if (local != NULL)
    connection_set_local (self, local);
  /* The pump keeps the connection until it is done. */
  self->pump = ist_pump_new (G_IO_STREAM (self->tunnelled), self->local, &self->settings.pump, self->context,
                             &pump_funcs, g_object_ref (self));
  self->opened_at = g_get_real_time ();
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_OPENED_AT]);
  connection_set_state (self, IST_FORWARDER_CONNECTION_STATE_OPEN);
  if (self->funcs != NULL)
    self->funcs->opened (self, self->user_data);
  g_object_thaw_notify (G_OBJECT (self));

  ist_pump_start (self->pump);
  connection_return (self, g_object_ref (self), NULL);
  g_object_unref (self);
}

/* The end that is not there yet */

static void
on_tunnelled (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (IstForwarderConnection) self = user_data;
  g_autoptr (IstConnection) tunnelled = NULL;
  g_autoptr (GError) error = NULL;

  tunnelled = ist_open_when_connected_finish (IST_SECURE_TUNNEL (object), result, &error);
  if (self->state != IST_FORWARDER_CONNECTION_STATE_CONNECTING)
    return;
  if (tunnelled == NULL)
    connection_fail (self, IST_LOCAL_END_ABORT, error);
  else if (connection_is_direct (self))
    connection_opened_direct (self, tunnelled);
  else
    connection_opened (self, tunnelled, NULL);
}

static void
on_connected (GObject *object,
              GAsyncResult *result,
              gpointer user_data)
{
  g_autoptr (IstForwarderConnection) self = user_data;
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  connection = ist_connect_with_retries_finish (G_SOCKET_CLIENT (object), result, &error);
  /* If it was cancelled, the source that waits for the peer's end says why. */
  if (self->state != IST_FORWARDER_CONNECTION_STATE_CONNECTING ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (connection != NULL)
    connection_opened (self, NULL, G_IO_STREAM (connection));
  else
    connection_fail (self, IST_LOCAL_END_CLOSE, error);
}

/* Nobody is there any more for whom the service would be. */
static gboolean
on_peer_gone (GCancellable *cancellable,
              gpointer user_data)
{
  g_autoptr (IstForwarderConnection) self = g_object_ref (user_data);
  g_autoptr (GError) error = NULL;

  g_set_error_literal (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_CONNECTION_RESET,
                       "The other end has ended the connection before there was one to the service");
  connection_fail (self, IST_LOCAL_END_CLOSE, error);
  return G_SOURCE_REMOVE;
}

/* The class */

static void
ist_forwarder_connection_dispose (GObject *object)
{
  IstForwarderConnection *self = IST_FORWARDER_CONNECTION (object);

  connection_stop_opening (self);
  ist_clear_source (&self->task_cancelled);
  g_clear_object (&self->task);
  g_clear_pointer (&self->pump, ist_pump_unref);
  g_clear_pointer (&self->core, ist_connection_core_unref);
  g_clear_object (&self->address);
  g_clear_object (&self->tunnelled);
  g_clear_object (&self->local);
  G_OBJECT_CLASS (ist_forwarder_connection_parent_class)->dispose (object);
}

static void
ist_forwarder_connection_finalize (GObject *object)
{
  IstForwarderConnection *self = IST_FORWARDER_CONNECTION (object);

  g_free (self->service_id);
  g_clear_error (&self->error);
  g_object_unref (self->cancellable);
  g_clear_pointer (&self->context, g_main_context_unref);
  G_OBJECT_CLASS (ist_forwarder_connection_parent_class)->finalize (object);
}

static void
ist_forwarder_connection_get_property (GObject *object,
                                       guint prop_id,
                                       GValue *value,
                                       GParamSpec *pspec)
{
  IstForwarderConnection *self = IST_FORWARDER_CONNECTION (object);

  switch (prop_id)
    {
    case PROP_SERVICE_ID:
      g_value_set_string (value, self->service_id);
      break;
    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, self->error);
      break;
    case PROP_OPENED_AT:
      g_value_set_int64 (value, self->opened_at);
      break;
    case PROP_ADDRESS:
      g_value_set_object (value, self->address);
      break;
    case PROP_CONNECTION:
      g_value_set_object (value, self->tunnelled);
      break;
    case PROP_BYTES_IN:
      g_value_set_uint64 (value, ist_forwarder_connection_get_bytes_in (self));
      break;
    case PROP_BYTES_OUT:
      g_value_set_uint64 (value, ist_forwarder_connection_get_bytes_out (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_forwarder_connection_class_init (IstForwarderConnectionClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ist_forwarder_connection_dispose;
  object_class->finalize = ist_forwarder_connection_finalize;
  object_class->get_property = ist_forwarder_connection_get_property;

  /**
   * IstForwarderConnection:service-id: (getter get_service_id)
   *
   * The service, %NULL on a tunnel without services.
   *
   * Since: 1.0
   */
  properties[PROP_SERVICE_ID] = g_param_spec_string ("service-id", NULL, NULL, NULL, flags);

  /**
   * IstForwarderConnection:state: (getter get_state)
   *
   * What the connection is doing.
   *
   * Since: 1.0
   */
  properties[PROP_STATE] =
    g_param_spec_enum ("state", NULL, NULL, IST_TYPE_FORWARDER_CONNECTION_STATE,
                       IST_FORWARDER_CONNECTION_STATE_CLOSED, flags);

  /**
   * IstForwarderConnection:error: (getter get_error)
   *
   * Why the connection was closed, or could not be opened; %NULL before that, and if
   * one of the two programs has closed it.
   *
   * Since: 1.0
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, flags);

  /**
   * IstForwarderConnection:opened-at: (getter get_opened_at)
   *
   * When both ends were there, in microseconds since the beginning of 1970, UTC; 0
   * until then.
   *
   * Since: 1.0
   */
  properties[PROP_OPENED_AT] = g_param_spec_int64 ("opened-at", NULL, NULL, 0, G_MAXINT64, 0, flags);

  /**
   * IstForwarderConnection:address: (getter get_address)
   *
   * The address at the other end of the local socket: the program that has
   * connected, or what was connected to. %NULL until that is done, and for
   * streams that are no sockets.
   *
   * Since: 1.0
   */
  properties[PROP_ADDRESS] = g_param_spec_object ("address", NULL, NULL, G_TYPE_SOCKET_ADDRESS, flags);

  /**
   * IstForwarderConnection:connection: (getter get_connection)
   *
   * The connection through the tunnel; %NULL on the source until it is open, and if
   * it is one that the program has opened for itself.
   *
   * Its streams belong to the forwarder: they are not to be read, written or closed.
   *
   * Since: 1.0
   */
  properties[PROP_CONNECTION] = g_param_spec_object ("connection", NULL, NULL, IST_TYPE_CONNECTION, flags);

  /**
   * IstForwarderConnection:bytes-in: (getter get_bytes_in)
   *
   * Bytes that came out of the tunnel. Changes are notified at most once a second,
   * and in the end.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_IN] = g_param_spec_uint64 ("bytes-in", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * IstForwarderConnection:bytes-out: (getter get_bytes_out)
   *
   * Bytes that went into the tunnel. Changes are notified at most once a second,
   * and in the end.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_OUT] = g_param_spec_uint64 ("bytes-out", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ist_forwarder_connection_init (IstForwarderConnection *self)
{
  /* One that no forwarder has made: a binding can do that. */
  self->state = IST_FORWARDER_CONNECTION_STATE_CLOSED;
  self->cancellable = g_cancellable_new ();
}

/* For the forwarder */

IstForwarderConnection *
ist_forwarder_connection_new (const char *service_id,
                              IstConnection *tunnelled,
                              GIOStream *local,
                              const IstForwarderConnectionSettings *settings,
                              GMainContext *context,
                              const IstForwarderConnectionFuncs *funcs,
                              gpointer user_data)
{
  IstForwarderConnection *self = g_object_new (IST_TYPE_FORWARDER_CONNECTION, NULL);

  self->service_id = g_strdup (service_id);
  self->state = IST_FORWARDER_CONNECTION_STATE_CONNECTING;
  self->settings = *settings;
  self->context = g_main_context_ref (context);
  self->funcs = funcs;
  self->user_data = user_data;
  if (tunnelled != NULL)
    connection_set_tunnelled (self, tunnelled);
  if (local != NULL)
    connection_set_local (self, local);
  return self;
}

void
ist_forwarder_connection_set_shared (IstForwarderConnection *self)
{
  self->settings.pump.is_shared = TRUE;
}

void
ist_forwarder_connection_open (IstForwarderConnection *self,
                               IstSecureTunnel *tunnel)
{
  g_main_context_push_thread_default (self->context);
  ist_open_when_connected_async (tunnel, self->service_id, self->settings.tunnel_timeout, self->cancellable,
                                 on_tunnelled, g_object_ref (self));
  g_main_context_pop_thread_default (self->context);
}

static gboolean
on_task_cancelled (GCancellable *cancellable,
                   gpointer user_data)
{
  g_autoptr (IstForwarderConnection) self = g_object_ref (user_data);
  g_autoptr (GError) error = NULL;

  g_cancellable_set_error_if_cancelled (cancellable, &error);
  connection_close (self, IST_LOCAL_END_ABORT, error);
  return G_SOURCE_REMOVE;
}

void
ist_forwarder_connection_set_task (IstForwarderConnection *self,
                                   GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);

  self->task = task;
  if (cancellable == NULL)
    return;
  self->task_cancelled = g_cancellable_source_new (cancellable);
  g_source_set_static_name (self->task_cancelled, "IstForwarderConnection cancelled");
  g_source_set_callback (self->task_cancelled, G_SOURCE_FUNC (on_task_cancelled), self, NULL);
  g_source_attach (self->task_cancelled, self->context);
}

void
ist_forwarder_connection_prepare (IstForwarderConnection *self,
                                  GSocketClient *client,
                                  GSocketConnectable *target)
{
  self->client = g_object_ref (client);
  self->target = g_object_ref (target);
  self->peer_gone = g_cancellable_source_new (self->cancellable);
  g_source_set_callback (self->peer_gone, G_SOURCE_FUNC (on_peer_gone), self, NULL);
  g_source_attach (self->peer_gone, self->context);
  ist_connection_core_cancel_at_end (ist_connection_get_core (self->tunnelled), self->cancellable);
}

void
ist_forwarder_connection_connect (IstForwarderConnection *self)
{
  g_main_context_push_thread_default (self->context);
  ist_connect_with_retries_async (self->client, self->target, self->settings.connect_retries,
                                  self->settings.connect_retry_delay_ms, self->cancellable, on_connected,
                                  g_object_ref (self));
  g_main_context_pop_thread_default (self->context);
}

void
ist_forwarder_connection_end (IstForwarderConnection *self,
                              const GError *error)
{
  connection_close (self, IST_LOCAL_END_CLOSE, error);
}

void
ist_forwarder_connection_tell_bytes (IstForwarderConnection *self)
{
  ist_counter_tell (&self->bytes_in_told, ist_forwarder_connection_get_bytes_in (self), self,
                    properties[PROP_BYTES_IN]);
  ist_counter_tell (&self->bytes_out_told, ist_forwarder_connection_get_bytes_out (self), self,
                    properties[PROP_BYTES_OUT]);
}

void
ist_forwarder_connection_disown (IstForwarderConnection *self)
{
  self->funcs = NULL;
}

/* For everybody */

/**
 * ist_forwarder_connection_get_service_id: (get-property service-id)
 * @self: a connection
 *
 * Gets the service that the connection belongs to.
 *
 * Returns: (nullable) (transfer none): the service id; %NULL on a tunnel without services
 *
 * Since: 1.0
 */
const char *
ist_forwarder_connection_get_service_id (IstForwarderConnection *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER_CONNECTION (self), NULL);
  return self->service_id;
}

/**
 * ist_forwarder_connection_get_state: (get-property state)
 * @self: a connection
 *
 * Gets what the connection is doing.
 *
 * Returns: the state
 *
 * Since: 1.0
 */
IstForwarderConnectionState
ist_forwarder_connection_get_state (IstForwarderConnection *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER_CONNECTION (self), IST_FORWARDER_CONNECTION_STATE_CLOSED);
  return self->state;
}

/**
 * ist_forwarder_connection_get_error: (get-property error)
 * @self: a connection
 *
 * Gets why the connection was closed, or could not be opened.
 *
 * Returns: (nullable) (transfer none): the error of
 *   [signal@Ist.Forwarder::connection-closed] or
 *   [signal@Ist.Forwarder::connection-failed]; %NULL before that, and if one of the two
 *   programs has closed it
 *
 * Since: 1.0
 */
const GError *
ist_forwarder_connection_get_error (IstForwarderConnection *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER_CONNECTION (self), NULL);
  return self->error;
}

/**
 * ist_forwarder_connection_get_opened_at: (get-property opened-at)
 * @self: a connection
 *
 * Gets when both ends of the connection were there.
 *
 * Returns: microseconds since the beginning of 1970, UTC; 0 until then
 *
 * Since: 1.0
 */
gint64
ist_forwarder_connection_get_opened_at (IstForwarderConnection *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER_CONNECTION (self), 0);
  return self->opened_at;
}

/**
 * ist_forwarder_connection_get_address: (get-property address)
 * @self: a connection
 *
 * Gets the address at the other end of the local socket.
 *
 * Returns: (nullable) (transfer none): the address; %NULL while connecting,
 *   and for streams that are no sockets
 *
 * Since: 1.0
 */
GSocketAddress *
ist_forwarder_connection_get_address (IstForwarderConnection *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER_CONNECTION (self), NULL);
  return self->address;
}

/**
 * ist_forwarder_connection_get_connection: (get-property connection)
 * @self: a connection
 *
 * Gets the connection through the tunnel, which tells its ids.
 *
 * Returns: (nullable) (transfer none): the connection; %NULL on the source
 *   until it is open, and if the program has opened it for itself
 *
 * Since: 1.0
 */
IstConnection *
ist_forwarder_connection_get_connection (IstForwarderConnection *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER_CONNECTION (self), NULL);
  return self->tunnelled;
}

/**
 * ist_forwarder_connection_get_bytes_in: (get-property bytes-in)
 * @self: a connection
 *
 * Gets how many bytes came out of the tunnel.
 *
 * Returns: bytes
 *
 * Since: 1.0
 */
guint64
ist_forwarder_connection_get_bytes_in (IstForwarderConnection *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER_CONNECTION (self), 0);
  if (self->core != NULL)
    return ist_connection_core_get_bytes_in (self->core);
  return self->pump != NULL ? ist_pump_get_bytes_in (self->pump) : 0;
}

/**
 * ist_forwarder_connection_get_bytes_out: (get-property bytes-out)
 * @self: a connection
 *
 * Gets how many bytes went into the tunnel.
 *
 * Returns: bytes
 *
 * Since: 1.0
 */
guint64
ist_forwarder_connection_get_bytes_out (IstForwarderConnection *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER_CONNECTION (self), 0);
  if (self->core != NULL)
    return ist_connection_core_get_bytes_out (self->core);
  return self->pump != NULL ? ist_pump_get_bytes_out (self->pump) : 0;
}

/**
 * ist_forwarder_connection_close:
 * @self: a connection
 *
 * Closes the connection, and only this one: what was read from the local stream
 * is sent, then the peer is told, and the local socket is closed.
 *
 * [signal@Ist.Forwarder::connection-closed] follows, with %IST_TUNNEL_ERROR_STOPPED;
 * or [signal@Ist.Forwarder::connection-failed] if the connection was not open
 * yet. One that has ended already stays as it is.
 *
 * Since: 1.0
 */
void
ist_forwarder_connection_close (IstForwarderConnection *self)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (IST_IS_FORWARDER_CONNECTION (self));

  if (self->state == IST_FORWARDER_CONNECTION_STATE_CLOSED)
    return;
  g_set_error_literal (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_STOPPED, "The connection was closed on this side");
  g_object_ref (self);
  g_main_context_push_thread_default (self->context);
  connection_close (self, IST_LOCAL_END_ABORT, error);
  g_main_context_pop_thread_default (self->context);
  g_object_unref (self);
}
