/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/ist-connection.h"

#include "ist/connection/ist-connection-core-private.h"
#include "ist/ist-stream-info-private.h"
#include "ist/ist-tunnel-error.h"

/**
 * IstConnection:
 *
 * One connection through a tunnel, as a stream of bytes.
 *
 * On the source [method@Ist.SecureTunnel.open_connection_async] opens one; on
 * the destination [signal@Ist.SecureTunnel::incoming-connection] brings them.
 * Its streams are pollable and can be used with everything that takes a
 * [class@Gio.IOStream]: splicing, [class@Gio.DataInputStream],
 * [iface@Gio.TlsClientConnection], [class@Gio.DBusConnection] and so on.
 *
 * Both directions are buffered within bounds (the tunnel's
 * `connection-buffer-size`): writing would block while the send queue of the
 * connection is full, and while its receive buffer is full, because nobody
 * reads, the whole tunnel stops reading, since the protocol has no way to hold
 * back a single connection. See `stall-timeout` of the tunnel.
 *
 * When the peer ends the connection, what had been received can still be read;
 * then reading gives the end of the stream. When the connection ends otherwise,
 * with its stream, the session or the WebSocket, reading fails after what had been
 * received. Writing, flushing and waiting for the close to be sent fail in both
 * cases. [method@Ist.Connection.dup_error] says why in the tunnel's terms; the
 * streams say it in those of GIO, with the same text, for whatever is on top of them:
 *
 * - %G_IO_ERROR_CONNECTION_CLOSED, also named %G_IO_ERROR_BROKEN_PIPE: the peer, the
 *   service or the network has ended the connection;
 * - %G_IO_ERROR_TIMED_OUT: it was not read for the tunnel's `stall-timeout`, or the
 *   service did not answer any more;
 * - %G_IO_ERROR_CLOSED: this side has closed the stream or stopped the tunnel;
 * - %G_IO_ERROR_NOT_CONNECTED: no handler of
 *   [signal@Ist.SecureTunnel::incoming-connection] took it, or no tunnel has made it,
 *   for a binding can: it has ended then from the beginning, and belongs to stream 0;
 * - %G_IO_ERROR_CANCELLED, %G_IO_ERROR_WOULD_BLOCK and so on as ever.
 *
 * The protocol has no half-close: closing only the output stream ends writing
 * on this side, and the peer is not told. Closing the connection, or both of its
 * streams, sends what was written and then resets the connection.
 * [method@Gio.IOStream.close_async] returns when that was sent;
 * [method@Gio.IOStream.close] does not wait for it. Cancelling the closing ends
 * the waiting only.
 *
 * The streams may be used in any thread, one reader and one writer at a time.
 * Blocking calls work in any thread but the tunnel's own, where they fail with
 * %G_IO_ERROR_NOT_SUPPORTED if they would have to wait: it is that thread that
 * would bring the data.
 *
 * Since: 1.0
 */
struct _IstConnection
{
  GIOStream parent_instance;

  IstConnectionCore *core; /* NULL before the first use, in one that no tunnel has made */
  GInputStream *in;
  GOutputStream *out;
};

typedef struct
{
  GInputStream parent_instance;
  IstConnectionCore *core;
} IstConnectionInputStream;

typedef struct
{
  GOutputStream parent_instance;
  IstConnectionCore *core;
} IstConnectionOutputStream;

typedef GInputStreamClass IstConnectionInputStreamClass;
typedef GOutputStreamClass IstConnectionOutputStreamClass;

enum
{
  PROP_STREAM_INFO = 1,
  PROP_SERVICE_ID,
  PROP_BYTES_IN,
  PROP_BYTES_OUT,
  N_PROPS,
};

static GParamSpec *properties[N_PROPS];

static void ist_connection_input_stream_pollable_init (GPollableInputStreamInterface *iface);
static void ist_connection_output_stream_pollable_init (GPollableOutputStreamInterface *iface);

static GType ist_connection_input_stream_get_type (void);
static GType ist_connection_output_stream_get_type (void);

G_DEFINE_FINAL_TYPE (IstConnection, ist_connection, G_TYPE_IO_STREAM)

G_DEFINE_FINAL_TYPE_WITH_CODE (IstConnectionInputStream,
                               ist_connection_input_stream,
                               G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                      ist_connection_input_stream_pollable_init))

G_DEFINE_FINAL_TYPE_WITH_CODE (IstConnectionOutputStream,
                               ist_connection_output_stream,
                               G_TYPE_OUTPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM,
                                                      ist_connection_output_stream_pollable_init))

/* Errors */

static GIOErrorEnum
get_io_code (IstTunnelError code)
{
  switch (code)
    {
    case IST_TUNNEL_ERROR_TIMED_OUT:
      return G_IO_ERROR_TIMED_OUT;
    case IST_TUNNEL_ERROR_STOPPED:
      return G_IO_ERROR_CLOSED;
    /* Nobody took the connection, or nobody has made it. */
    case IST_TUNNEL_ERROR_INVALID_STATE:
    case IST_TUNNEL_ERROR_NOT_CONNECTED:
      return G_IO_ERROR_NOT_CONNECTED;
    case IST_TUNNEL_ERROR_CONNECTION_RESET:
    case IST_TUNNEL_ERROR_STREAM_RESET:
    case IST_TUNNEL_ERROR_STREAM_REPLACED:
    case IST_TUNNEL_ERROR_SESSION_RESET:
    case IST_TUNNEL_ERROR_DISCONNECTED:
    case IST_TUNNEL_ERROR_CLIENT_REPLACED:
    case IST_TUNNEL_ERROR_TUNNEL_CLOSED:
    case IST_TUNNEL_ERROR_PROTOCOL:
    case IST_TUNNEL_ERROR_NOT_SUPPORTED:
      return G_IO_ERROR_CONNECTION_CLOSED;
    /* No connection ends with these. */
    case IST_TUNNEL_ERROR_FAILED:
    case IST_TUNNEL_ERROR_INVALID_SETTING:
    case IST_TUNNEL_ERROR_NO_SUCH_SERVICE:
    case IST_TUNNEL_ERROR_NO_SUCH_STREAM:
    case IST_TUNNEL_ERROR_NO_SUCH_CONNECTION:
    case IST_TUNNEL_ERROR_TOO_LARGE:
    case IST_TUNNEL_ERROR_WOULD_BLOCK:
    case IST_TUNNEL_ERROR_TOKEN_REJECTED:
    case IST_TUNNEL_ERROR_REFUSED:
    case IST_TUNNEL_ERROR_SERVICE_UNAVAILABLE:
    case IST_TUNNEL_ERROR_UNREACHABLE:
    case IST_TUNNEL_ERROR_TLS:
    default:
      return G_IO_ERROR_FAILED;
    }
}

/* What is on top of the streams looks for the codes of GIO. */
static void
translate_error (GError **error)
{
  GError *translated;

  if (error == NULL || *error == NULL || (*error)->domain != IST_TUNNEL_ERROR)
    return;
  translated = g_error_new_literal (G_IO_ERROR, get_io_code ((*error)->code), (*error)->message);
  g_error_free (*error);
  *error = translated;
}

/* GIO would run the blocking variants in threads where the asynchronous ones are not given. */
static gboolean
finish_boolean (gpointer source,
                GAsyncResult *result,
                GError **error)
{
  gboolean done = g_task_propagate_boolean (G_TASK (result), error);

  translate_error (error);
  return done;
}

/* Input */

static gssize
input_stream_read (gpointer stream,
                   void *buffer,
                   gsize count,
                   gboolean blocking,
                   GCancellable *cancellable,
                   GError **error)
{
  IstConnectionCore *core = ((IstConnectionInputStream *) stream)->core;
  gssize n = ist_connection_core_read (core, buffer, count, blocking, cancellable, error);

  translate_error (error);
  return n;
}

static gssize
ist_connection_input_stream_read (GInputStream *stream,
                                  void *buffer,
                                  gsize count,
                                  GCancellable *cancellable,
                                  GError **error)
{
  return input_stream_read (stream, buffer, count, TRUE, cancellable, error);
}

static gssize
ist_connection_input_stream_read_nonblocking (GPollableInputStream *stream,
                                              void *buffer,
                                              gsize count,
                                              GError **error)
{
  return input_stream_read (stream, buffer, count, FALSE, NULL, error);
}

static gboolean
ist_connection_input_stream_is_readable (GPollableInputStream *stream)
{
  return ist_connection_core_is_ready (((IstConnectionInputStream *) stream)->core, IST_CONNECTION_IN);
}

static GSource *
ist_connection_input_stream_create_source (GPollableInputStream *stream,
                                           GCancellable *cancellable)
{
  return ist_connection_core_create_source (((IstConnectionInputStream *) stream)->core, IST_CONNECTION_IN,
                                            G_OBJECT (stream), cancellable);
}

static gboolean
ist_connection_input_stream_close (GInputStream *stream,
                                   GCancellable *cancellable,
                                   GError **error)
{
  ist_connection_core_shut (((IstConnectionInputStream *) stream)->core, IST_CONNECTION_IN);
  return TRUE;
}

static void
ist_connection_input_stream_close_async (GInputStream *stream,
                                         int io_priority,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, ist_connection_input_stream_close_async);
  ist_connection_input_stream_close (stream, NULL, NULL);
  g_task_return_boolean (task, TRUE);
}

static gboolean
ist_connection_input_stream_close_finish (GInputStream *stream,
                                          GAsyncResult *result,
                                          GError **error)
{
  return finish_boolean (stream, result, error);
}

static void
ist_connection_input_stream_finalize (GObject *object)
{
  ist_connection_core_unref (((IstConnectionInputStream *) object)->core);
  G_OBJECT_CLASS (ist_connection_input_stream_parent_class)->finalize (object);
}

static void
ist_connection_input_stream_class_init (IstConnectionInputStreamClass *klass)
{
  GInputStreamClass *stream_class = G_INPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = ist_connection_input_stream_finalize;
  stream_class->read_fn = ist_connection_input_stream_read;
  stream_class->close_fn = ist_connection_input_stream_close;
  stream_class->close_async = ist_connection_input_stream_close_async;
  stream_class->close_finish = ist_connection_input_stream_close_finish;
}

static void
ist_connection_input_stream_pollable_init (GPollableInputStreamInterface *iface)
{
  iface->read_nonblocking = ist_connection_input_stream_read_nonblocking;
  iface->is_readable = ist_connection_input_stream_is_readable;
  iface->create_source = ist_connection_input_stream_create_source;
}

static void
ist_connection_input_stream_init (IstConnectionInputStream *self)
{
}

/* Output */

static gssize
output_stream_write (gpointer stream,
                     const void *buffer,
                     gsize count,
                     gboolean blocking,
                     GCancellable *cancellable,
                     GError **error)
{
  IstConnectionCore *core = ((IstConnectionOutputStream *) stream)->core;
  gssize n = ist_connection_core_write (core, buffer, count, blocking, cancellable, error);

  translate_error (error);
  return n;
}

static gssize
ist_connection_output_stream_write (GOutputStream *stream,
                                    const void *buffer,
                                    gsize count,
                                    GCancellable *cancellable,
                                    GError **error)
{
  return output_stream_write (stream, buffer, count, TRUE, cancellable, error);
}

static gssize
ist_connection_output_stream_write_nonblocking (GPollableOutputStream *stream,
                                                const void *buffer,
                                                gsize count,
                                                GError **error)
{
  return output_stream_write (stream, buffer, count, FALSE, NULL, error);
}

static gboolean
ist_connection_output_stream_is_writable (GPollableOutputStream *stream)
{
  return ist_connection_core_is_ready (((IstConnectionOutputStream *) stream)->core, IST_CONNECTION_OUT);
}

static GSource *
ist_connection_output_stream_create_source (GPollableOutputStream *stream,
                                            GCancellable *cancellable)
{
  return ist_connection_core_create_source (((IstConnectionOutputStream *) stream)->core, IST_CONNECTION_OUT,
                                            G_OBJECT (stream), cancellable);
}

static void
ist_connection_output_stream_flush_async (GOutputStream *stream,
                                          int io_priority,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, ist_connection_output_stream_flush_async);
  ist_connection_core_flush (((IstConnectionOutputStream *) stream)->core, task);
}

static gboolean
ist_connection_output_stream_flush_finish (GOutputStream *stream,
                                           GAsyncResult *result,
                                           GError **error)
{
  return finish_boolean (stream, result, error);
}

static gboolean
ist_connection_output_stream_close (GOutputStream *stream,
                                    GCancellable *cancellable,
                                    GError **error)
{
  ist_connection_core_shut (((IstConnectionOutputStream *) stream)->core, IST_CONNECTION_OUT);
  return TRUE;
}

static void
ist_connection_output_stream_close_async (GOutputStream *stream,
                                          int io_priority,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, ist_connection_output_stream_close_async);
  ist_connection_output_stream_close (stream, NULL, NULL);
  ist_connection_core_flush (((IstConnectionOutputStream *) stream)->core, task);
}

static gboolean
ist_connection_output_stream_close_finish (GOutputStream *stream,
                                           GAsyncResult *result,
                                           GError **error)
{
  return finish_boolean (stream, result, error);
}

static void
ist_connection_output_stream_finalize (GObject *object)
{
  ist_connection_core_unref (((IstConnectionOutputStream *) object)->core);
  G_OBJECT_CLASS (ist_connection_output_stream_parent_class)->finalize (object);
}

static void
ist_connection_output_stream_class_init (IstConnectionOutputStreamClass *klass)
{
  GOutputStreamClass *stream_class = G_OUTPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = ist_connection_output_stream_finalize;
  stream_class->write_fn = ist_connection_output_stream_write;
  stream_class->flush_async = ist_connection_output_stream_flush_async;
  stream_class->flush_finish = ist_connection_output_stream_flush_finish;
  stream_class->close_fn = ist_connection_output_stream_close;
  stream_class->close_async = ist_connection_output_stream_close_async;
  stream_class->close_finish = ist_connection_output_stream_close_finish;
}

static void
ist_connection_output_stream_pollable_init (GPollableOutputStreamInterface *iface)
{
  iface->write_nonblocking = ist_connection_output_stream_write_nonblocking;
  iface->is_writable = ist_connection_output_stream_is_writable;
  iface->create_source = ist_connection_output_stream_create_source;
}

static void
ist_connection_output_stream_init (IstConnectionOutputStream *self)
{
}

/* The stream */

static void
connection_set_core (IstConnection *self,
                     IstConnectionCore *core)
{
  self->core = ist_connection_core_ref (core);
  self->in = g_object_new (ist_connection_input_stream_get_type (), NULL);
  ((IstConnectionInputStream *) self->in)->core = ist_connection_core_ref (core);
  self->out = g_object_new (ist_connection_output_stream_get_type (), NULL);
  ((IstConnectionOutputStream *) self->out)->core = ist_connection_core_ref (core);
}

/* Of a connection that has ended before it began. */
static IstConnectionCore *
make_ended_core (void)
{
  g_autoptr (IstStreamInfo) info = ist_stream_info_new (NULL, 0, 0, IST_PROTOCOL_VERSION_V1);
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (GError) error = NULL;
  IstConnectionBudget *budget = ist_connection_budget_new (0);
  IstConnectionCore *core;

  core = ist_connection_core_new (info, (IstLane){ 0 }, 0, budget, 0, context, NULL, NULL);
  ist_connection_budget_unref (budget);
  g_set_error_literal (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED,
                       "No tunnel has made this connection; open_connection_async() of a tunnel makes one");
  ist_connection_core_end (core, error);
  return core;
}

IstConnectionCore *
ist_connection_get_core (IstConnection *self)
{
  if (self->core == NULL)
    {
      g_autoptr (IstConnectionCore) core = make_ended_core ();

      connection_set_core (self, core);
    }
  return self->core;
}

IstConnection *
ist_connection_new (IstConnectionCore *core)
{
  IstConnection *self = g_object_new (IST_TYPE_CONNECTION, NULL);

  connection_set_core (self, core);
  return self;
}

static GInputStream *
ist_connection_get_input_stream (GIOStream *stream)
{
  IstConnection *self = IST_CONNECTION (stream);

  ist_connection_get_core (self);
  return self->in;
}

static GOutputStream *
ist_connection_get_output_stream (GIOStream *stream)
{
  IstConnection *self = IST_CONNECTION (stream);

  ist_connection_get_core (self);
  return self->out;
}

static gboolean
ist_connection_close (GIOStream *stream,
                      GCancellable *cancellable,
                      GError **error)
{
  IstConnection *self = IST_CONNECTION (stream);

  if (self->core != NULL)
    ist_connection_core_close (self->core);
  return TRUE;
}

static void
ist_connection_close_async (GIOStream *stream,
                            int io_priority,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_set_source_tag (task, ist_connection_close_async);
  ist_connection_close (stream, NULL, NULL);
  ist_connection_core_flush (ist_connection_get_core (IST_CONNECTION (stream)), task);
}

static gboolean
ist_connection_close_finish (GIOStream *stream,
                             GAsyncResult *result,
                             GError **error)
{
  return finish_boolean (stream, result, error);
}

static void
ist_connection_finalize (GObject *object)
{
  IstConnection *self = IST_CONNECTION (object);

  g_clear_object (&self->in);
  g_clear_object (&self->out);
  g_clear_pointer (&self->core, ist_connection_core_unref);
  G_OBJECT_CLASS (ist_connection_parent_class)->finalize (object);
}

static void
ist_connection_get_property (GObject *object,
                             guint prop_id,
                             GValue *value,
                             GParamSpec *pspec)
{
  IstConnection *self = IST_CONNECTION (object);

  switch (prop_id)
    {
    case PROP_STREAM_INFO:
      g_value_set_boxed (value, ist_connection_get_stream_info (self));
      break;
    case PROP_SERVICE_ID:
      g_value_set_string (value, ist_connection_get_service_id (self));
      break;
    case PROP_BYTES_IN:
      g_value_set_uint64 (value, ist_connection_get_bytes_in (self));
      break;
    case PROP_BYTES_OUT:
      g_value_set_uint64 (value, ist_connection_get_bytes_out (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_connection_class_init (IstConnectionClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  object_class->finalize = ist_connection_finalize;
  object_class->get_property = ist_connection_get_property;
  stream_class->get_input_stream = ist_connection_get_input_stream;
  stream_class->get_output_stream = ist_connection_get_output_stream;
  stream_class->close_fn = ist_connection_close;
  stream_class->close_async = ist_connection_close_async;
  stream_class->close_finish = ist_connection_close_finish;

  /**
   * IstConnection:stream-info: (getter get_stream_info)
   *
   * The stream that the connection is part of, and its number there.
   *
   * Since: 1.0
   */
  properties[PROP_STREAM_INFO] = g_param_spec_boxed ("stream-info", NULL, NULL, IST_TYPE_STREAM_INFO, flags);

  /**
   * IstConnection:service-id: (getter get_service_id)
   *
   * The service that the connection is for; %NULL where the tunnel has none.
   *
   * Since: 1.0
   */
  properties[PROP_SERVICE_ID] = g_param_spec_string ("service-id", NULL, NULL, NULL, flags);

  /**
   * IstConnection:bytes-in: (getter get_bytes_in)
   *
   * Bytes received from the peer. Changes are not notified.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_IN] = g_param_spec_uint64 ("bytes-in", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * IstConnection:bytes-out: (getter get_bytes_out)
   *
   * Bytes written to the socket. Changes are not notified.
   *
   * Since: 1.0
   */
  properties[PROP_BYTES_OUT] = g_param_spec_uint64 ("bytes-out", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ist_connection_init (IstConnection *self)
{
}

/**
 * ist_connection_get_stream_info: (get-property stream-info)
 * @self: a connection
 *
 * Gets [property@Ist.Connection:stream-info].
 *
 * Returns: (transfer none): the stream of the connection
 *
 * Since: 1.0
 */
IstStreamInfo *
ist_connection_get_stream_info (IstConnection *self)
{
  g_return_val_if_fail (IST_IS_CONNECTION (self), NULL);

  return ist_connection_core_get_info (ist_connection_get_core (self));
}

/**
 * ist_connection_get_service_id: (get-property service-id)
 * @self: a connection
 *
 * Gets [property@Ist.Connection:service-id].
 *
 * Returns: (transfer none) (nullable): the service of the connection
 *
 * Since: 1.0
 */
const char *
ist_connection_get_service_id (IstConnection *self)
{
  g_return_val_if_fail (IST_IS_CONNECTION (self), NULL);

  return ist_stream_info_get_service_id (ist_connection_core_get_info (ist_connection_get_core (self)));
}

/**
 * ist_connection_get_bytes_in: (get-property bytes-in)
 * @self: a connection
 *
 * Gets [property@Ist.Connection:bytes-in].
 *
 * Returns: bytes received from the peer
 *
 * Since: 1.0
 */
guint64
ist_connection_get_bytes_in (IstConnection *self)
{
  g_return_val_if_fail (IST_IS_CONNECTION (self), 0);

  return ist_connection_core_get_bytes_in (ist_connection_get_core (self));
}

/**
 * ist_connection_get_bytes_out: (get-property bytes-out)
 * @self: a connection
 *
 * Gets [property@Ist.Connection:bytes-out].
 *
 * Returns: bytes written to the socket
 *
 * Since: 1.0
 */
guint64
ist_connection_get_bytes_out (IstConnection *self)
{
  g_return_val_if_fail (IST_IS_CONNECTION (self), 0);

  return ist_connection_core_get_bytes_out (ist_connection_get_core (self));
}

/**
 * ist_connection_dup_error:
 * @self: a connection
 *
 * Tells why the connection has ended, in terms of the tunnel, where the streams
 * have the codes of GIO. What was received may not all be read yet.
 *
 * Returns: (transfer full) (nullable): an [error@Ist.TunnelError], which is
 *   %IST_TUNNEL_ERROR_CONNECTION_RESET if the connection alone was ended; %NULL while
 *   it has not ended, or if this side has closed it
 *
 * Since: 1.0
 */
GError *
ist_connection_dup_error (IstConnection *self)
{
  g_return_val_if_fail (IST_IS_CONNECTION (self), NULL);

  return ist_connection_core_dup_error (ist_connection_get_core (self));
}
