/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-mqtt/ist-mqtt-link-private.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <glib/gstdio.h>
#include <mosquitto.h>

#include <ist/ist.h>

#include "common/ist-file-private.h"

/* AWS serves MQTT on the port of HTTPS too, to clients that ask for it by this name. */
#define HTTPS_PORT 443
#define HTTPS_PORT_ALPN "x-amzn-mqtt-ca"

#define SUBSCRIPTION_REFUSED 0x80

/* libmosquitto takes packets of 256 MB and keeps all that a broker begins to deliver
 * and does not finish. So nobody may send more than this without a message that
 * was subscribed to, in bytes, within a time, in microseconds. */
#define MAX_UNASKED (1024 * 1024)
#define UNASKED_TIME (60 * G_USEC_PER_SEC)

/* Packets that are read in one turn of the main loop. */
#define MAX_AT_ONCE 16

/* A certificate or a key is smaller by far. */
#define MAX_FILE (1024 * 1024)

/* libmosquitto takes no certificate of ours unless it is also told of a place
 * of authorities; this one is theirs anyway, where it exists. */
#define SYSTEM_AUTHORITIES "/etc/ssl/certs"

struct _IstMqttLink
{
  grefcount references; /* the owner's, and one for each call that is under way */
  IstMqttSettings *settings;
  const IstMqttLinkEvents *events;
  gpointer user_data;

  struct mosquitto *mosquitto;
  GMainContext *context;
  GSource *source;
  guint64 bytes_at_sign; /* received when the last message, or a new time, began */
  gint64 sign_time;
  gboolean reached;  /* by TCP */
  gboolean accepted; /* by the broker */
  gboolean closed;   /* nobody wants to hear of it any more */

  /* What libmosquitto's callbacks tell: they must not be interrupted by a user
   * who ends the link, so it is passed on when they are over. */
  GError *error;
  gboolean subscribed;
  GQueue messages;
  GArray *published; /* of int */
  char *tls_detail;
};

/* Watches the socket and the time of the next keep-alive. */
typedef struct
{
  GSource source;
  IstMqttLink *link;
  gpointer tag;
} LinkSource;

typedef struct
{
  GBytes *payload;
  gboolean retained;
} Message;

static void
message_free (Message *message)
{
  g_bytes_unref (message->payload);
  g_free (message);
}

static void
link_unref (IstMqttLink *self)
{
  if (!g_ref_count_dec (&self->references))
    return;

  mosquitto_destroy (self->mosquitto);
  g_queue_clear_full (&self->messages, (GDestroyNotify) message_free);
  g_array_unref (self->published);
  g_clear_error (&self->error);
  g_free (self->tls_detail);
  g_main_context_unref (self->context);
  ist_mqtt_settings_unref (self->settings);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstMqttLink, link_unref)

static IstMqttLink *
link_ref (IstMqttLink *self)
{
  g_ref_count_inc (&self->references);
  return self;
}

/* The first error is the cause of those that follow. */
static void
set_error (IstMqttLink *self,
           IstTunnelError code,
           const char *text)
{
  if (self->error == NULL)
    self->error = g_error_new_literal (IST_TUNNEL_ERROR, code, text);
}

static void
set_error_from_result (IstMqttLink *self,
                       int result,
                       int saved_errno)
{
  g_autofree char *text = NULL;

  switch (result)
    {
    case MOSQ_ERR_EAI:
      set_error (self, IST_TUNNEL_ERROR_UNREACHABLE, "The broker's host was not found");
      break;
    case MOSQ_ERR_ERRNO:
      set_error (self, IST_TUNNEL_ERROR_UNREACHABLE, g_strerror (saved_errno));
      break;
    case MOSQ_ERR_TLS:
    case MOSQ_ERR_TLS_HANDSHAKE:
      text = g_strdup_printf ("TLS failed: %s", self->tls_detail != NULL ? self->tls_detail : "no details");
      set_error (self, IST_TUNNEL_ERROR_TLS, text);
      break;
    case MOSQ_ERR_KEEPALIVE:
      set_error (self, IST_TUNNEL_ERROR_TIMED_OUT, "The broker did not answer in time");
      break;
    case MOSQ_ERR_CONN_LOST:
      set_error (self, IST_TUNNEL_ERROR_DISCONNECTED, "The connection to the broker was lost");
      break;
    default:
      text = g_strdup_printf ("The connection to the broker failed: %s", mosquitto_strerror (result));
      set_error (self, IST_TUNNEL_ERROR_DISCONNECTED, text);
      break;
    }
}

static void
on_log (struct mosquitto *mosquitto,
        void *user_data,
        int level,
        const char *text)
{
  IstMqttLink *self = user_data;

  /* The only place that says why TLS fails, last what went wrong first. */
  if (level != MOSQ_LOG_ERR)
    return;
  g_free (self->tls_detail);
  self->tls_detail = g_strdup (text);
}

static void
subscribe (IstMqttLink *self)
{
  int result = mosquitto_subscribe (self->mosquitto, NULL, self->settings->topic, 1);

  if (result != MOSQ_ERR_SUCCESS)
    set_error_from_result (self, result, errno);
}

static void
on_connect (struct mosquitto *mosquitto,
            void *user_data,
            int code)
{
  IstMqttLink *self = user_data;
  g_autofree char *text = NULL;

  if (self->accepted)
    {
      set_error (self, IST_TUNNEL_ERROR_PROTOCOL, "The broker broke the protocol: it accepted the client twice");
      return;
    }
  if (code == 0)
    {
      self->accepted = TRUE;
      if (self->settings->topic != NULL)
        subscribe (self);
      else
        self->subscribed = TRUE;
      return;
    }
  text = g_strdup_printf ("The broker refused the client: %s", mosquitto_connack_string (code));
  set_error (self, IST_TUNNEL_ERROR_REFUSED, text);
}

static void
on_subscribe (struct mosquitto *mosquitto,
              void *user_data,
              int id,
              int n_granted,
              const int *granted)
{
  IstMqttLink *self = user_data;

  if (n_granted > 0 && granted[0] < SUBSCRIPTION_REFUSED)
    self->subscribed = TRUE;
  else
    set_error (self, IST_TUNNEL_ERROR_REFUSED, "The broker refused the subscription");
}

static guint64
get_bytes_received (IstMqttLink *self)
{
  struct tcp_info info = { 0 };
  socklen_t size = sizeof info;

  if (getsockopt (mosquitto_socket (self->mosquitto), IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
    return self->bytes_at_sign;
  return info.tcpi_bytes_received;
}

static void
note_sign (IstMqttLink *self)
{
  self->bytes_at_sign = get_bytes_received (self);
  self->sign_time = g_get_monotonic_time ();
}

static void
check_unasked (IstMqttLink *self)
{
  if (get_bytes_received (self) - self->bytes_at_sign > MAX_UNASKED)
    set_error (self, IST_TUNNEL_ERROR_PROTOCOL, "The broker sent more than 1 MiB that nobody asked for");
  else if (g_get_monotonic_time () - self->sign_time > UNASKED_TIME)
    note_sign (self);
}

static void
on_message (struct mosquitto *mosquitto,
            void *user_data,
            const struct mosquitto_message *received)
{
  IstMqttLink *self = user_data;
  Message *message;

  if (g_strcmp0 (received->topic, self->settings->topic) != 0)
    return;
  note_sign (self);
  message = g_new0 (Message, 1);
  message->payload = g_bytes_new (received->payload, received->payloadlen);
  message->retained = received->retain;
  g_queue_push_tail (&self->messages, message);
}

static void
on_publish (struct mosquitto *mosquitto,
            void *user_data,
            int id)
{
  IstMqttLink *self = user_data;

  g_array_append_val (self->published, id);
}

static void
link_destroy_source (IstMqttLink *self)
{
  if (self->source == NULL)
    return;

  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}

/* Passes on what the callbacks have left. The user may end the link at any point. */
static void
deliver (IstMqttLink *self)
{
  Message *message;

  if (self->subscribed && !self->closed)
    {
      self->subscribed = FALSE;
      self->events->subscribed (self->user_data);
    }
  while (!self->closed && self->published->len > 0)
    {
      int id = g_array_index (self->published, int, 0);

      g_array_remove_index (self->published, 0);
      if (self->events->published != NULL)
        self->events->published (id, self->user_data);
    }
  while (!self->closed && (message = g_queue_pop_head (&self->messages)) != NULL)
    {
      self->events->message (message->payload, message->retained, self->user_data);
      message_free (message);
    }
  if (self->error != NULL && !self->closed)
    {
      link_destroy_source (self);
      self->closed = TRUE;
      self->events->lost (self->error, self->user_data);
      link_unref (self);
    }
}

/* Until TLS stands libmosquitto may want to write all the time, what it never
 * has to wait for: a handshake fits in the socket's buffer. */
static gboolean
is_shaking_hands (IstMqttLink *self)
{
  return self->settings->tls && !self->accepted;
}

/* A broker's patience is half as long again as the keep-alive, and libmosquitto
 * counts whole seconds: look one second after each, from the last traffic on. */
static void
schedule (IstMqttLink *self)
{
  LinkSource *source = (LinkSource *) self->source;
  GIOCondition condition = G_IO_IN;

  if (!self->reached || (mosquitto_want_write (self->mosquitto) && !is_shaking_hands (self)))
    condition |= G_IO_OUT;
  g_source_modify_unix_fd (self->source, source->tag, condition);
  g_source_set_ready_time (self->source,
                           g_get_monotonic_time () + (self->settings->keepalive + 1) * G_USEC_PER_SEC);
}

/* libmosquitto takes any failure of the socket for a connection that is still
 * being made, until TLS and MQTT stand. */
static void
check_socket (IstMqttLink *self)
{
  int code = 0;
  socklen_t size = sizeof code;

  getsockopt (mosquitto_socket (self->mosquitto), SOL_SOCKET, SO_ERROR, &code, &size);
  set_error (self, IST_TUNNEL_ERROR_UNREACHABLE, code != 0 ? g_strerror (code) : "The broker can't be reached");
}

/* As many as have come, within reason: a good notification may be behind others. */
static int
read_packets (IstMqttLink *self)
{
  int available = 1;
  int result = MOSQ_ERR_SUCCESS;

  for (guint i = 0; i < MAX_AT_ONCE && result == MOSQ_ERR_SUCCESS && available > 0 && self->error == NULL; i++)
    {
      result = mosquitto_loop_read (self->mosquitto, 1);
      if (ioctl (mosquitto_socket (self->mosquitto), FIONREAD, &available) != 0)
        available = 0;
      check_unasked (self);
    }
  return result;
}

static gboolean
link_source_dispatch (GSource *base,
                      GSourceFunc callback,
                      gpointer user_data)
{
  LinkSource *source = (LinkSource *) base;
  g_autoptr (IstMqttLink) self = link_ref (source->link);
  GIOCondition condition = g_source_query_unix_fd (base, source->tag);
  int result = MOSQ_ERR_SUCCESS;

  errno = 0;
  /* When TCP stands, reading begins TLS. */
  if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR) || (!self->reached && condition & G_IO_OUT))
    result = read_packets (self);
  if (result == MOSQ_ERR_SUCCESS && mosquitto_want_write (self->mosquitto))
    result = mosquitto_loop_write (self->mosquitto, 1);
  if (result == MOSQ_ERR_SUCCESS)
    result = mosquitto_loop_misc (self->mosquitto);
  if (result != MOSQ_ERR_SUCCESS)
    set_error_from_result (self, result, errno);
  else if (condition & (G_IO_HUP | G_IO_ERR) && !self->accepted)
    check_socket (self);
  if (condition & G_IO_OUT)
    self->reached = TRUE;

  deliver (self);
  if (!self->closed)
    schedule (self);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs link_source_funcs = {
  .dispatch = link_source_dispatch,
};

static void
watch (IstMqttLink *self)
{
  LinkSource *source;

  self->source = g_source_new (&link_source_funcs, sizeof (LinkSource));
  g_source_set_static_name (self->source, "IstMqttLink");
  source = (LinkSource *) self->source;
  source->link = self;
  source->tag = g_source_add_unix_fd (self->source, mosquitto_socket (self->mosquitto), G_IO_IN);
  schedule (self);
  g_source_attach (self->source, self->context);
}

/* libmosquitto's errors don't say which, and it waits for what is no file. */
static gboolean
check_files (IstMqttLink *self)
{
  const char *const files[] = { self->settings->ca_file, self->settings->certificate_file,
                                self->settings->key_file };

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *contents = NULL;
      g_autoptr (GError) error = NULL;

      if (files[i] == NULL || ist_file_read (files[i], MAX_FILE, &contents, NULL, &error))
        continue;
      set_error (self, IST_TUNNEL_ERROR_TLS, error->message);
      return FALSE;
    }
  return TRUE;
}

static int
set_up_tls (IstMqttLink *self)
{
  const IstMqttSettings *settings = self->settings;
  int result = MOSQ_ERR_SUCCESS;

  if (!settings->tls)
    return result;
  if (!check_files (self))
    return MOSQ_ERR_TLS;

  if (settings->ca_file == NULL)
    result = mosquitto_int_option (self->mosquitto, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
  if (result == MOSQ_ERR_SUCCESS)
    result = mosquitto_tls_set (self->mosquitto, settings->ca_file,
                                settings->ca_file == NULL ? SYSTEM_AUTHORITIES : NULL,
                                settings->certificate_file, settings->key_file, NULL);
  if (result == MOSQ_ERR_SUCCESS && settings->port == HTTPS_PORT)
    result = mosquitto_string_option (self->mosquitto, MOSQ_OPT_TLS_ALPN, HTTPS_PORT_ALPN);
  return result;
}

/* In a thread: it looks up the host's name and reads the files of TLS. Nothing
 * else touches the link meanwhile, but for its mark that it is closed. */
static void
connect_thread (GTask *task,
                gpointer source_object,
                gpointer task_data,
                GCancellable *cancellable)
{
  IstMqttLink *self = task_data;
  const IstMqttSettings *settings = self->settings;
  int result = mosquitto_connect_async (self->mosquitto, settings->host, settings->port, settings->keepalive);

  if (result != MOSQ_ERR_SUCCESS)
    set_error_from_result (self, result, errno);
  g_task_return_boolean (task, TRUE);
}

static void
on_connecting (GObject *source_object,
               GAsyncResult *result,
               gpointer user_data)
{
  g_autoptr (IstMqttLink) self = user_data;

  if (self->closed)
    return;
  if (self->error == NULL)
    watch (self);
  deliver (self);
}

IstMqttLink *
ist_mqtt_link_open (IstMqttSettings *settings,
                    const IstMqttLinkEvents *events,
                    gpointer user_data)
{
  static gsize initialized;
  IstMqttLink *self = g_new0 (IstMqttLink, 1);
  g_autoptr (GTask) task = NULL;
  int result;

  if (g_once_init_enter (&initialized))
    {
      mosquitto_lib_init ();
      g_once_init_leave (&initialized, 1);
    }

  g_ref_count_init (&self->references);
  self->settings = ist_mqtt_settings_ref (settings);
  self->events = events;
  self->user_data = user_data;
  self->context = g_main_context_ref_thread_default ();
  self->sign_time = g_get_monotonic_time ();
  g_queue_init (&self->messages);
  self->published = g_array_new (FALSE, FALSE, sizeof (int));
  /* The session of a subscriber outlives connections, so that the broker keeps what
   * comes meanwhile. */
  self->mosquitto = mosquitto_new (settings->client_id, settings->topic == NULL, self);
  if (self->mosquitto == NULL)
    g_error ("libmosquitto is out of memory");

  mosquitto_log_callback_set (self->mosquitto, on_log);
  mosquitto_connect_callback_set (self->mosquitto, on_connect);
  mosquitto_subscribe_callback_set (self->mosquitto, on_subscribe);
  mosquitto_message_callback_set (self->mosquitto, on_message);
  mosquitto_publish_callback_set (self->mosquitto, on_publish);

  task = g_task_new (NULL, NULL, on_connecting, link_ref (self));
  g_task_set_source_tag (task, ist_mqtt_link_open);
  g_task_set_task_data (task, self, NULL);
  result = mosquitto_username_pw_set (self->mosquitto, settings->user, settings->password);
  if (result == MOSQ_ERR_SUCCESS)
    result = set_up_tls (self);
  if (result != MOSQ_ERR_SUCCESS)
    {
      set_error_from_result (self, result, errno);
      g_task_return_boolean (task, TRUE);
    }
  else
    {
      g_task_run_in_thread (task, connect_thread);
    }
  return self;
}

/* After something was sent outside of the source's dispatch. */
static void
sent (IstMqttLink *self)
{
  if (self->error == NULL)
    schedule (self);
  else
    g_source_set_ready_time (self->source, 0);
}

gboolean
ist_mqtt_link_publish (IstMqttLink *self,
                       const char *topic,
                       GBytes *payload,
                       int *id)
{
  gsize size;
  const void *data = g_bytes_get_data (payload, &size);
  int result;

  if (self->source == NULL)
    return FALSE;

  errno = 0;
  result = mosquitto_publish (self->mosquitto, id, topic, size, data, 1, FALSE);
  if (result != MOSQ_ERR_SUCCESS)
    set_error_from_result (self, result, errno);
  sent (self);
  return result == MOSQ_ERR_SUCCESS;
}

void
ist_mqtt_link_probe (IstMqttLink *self)
{
  if (self->source == NULL)
    return;

  subscribe (self);
  sent (self);
}

void
ist_mqtt_link_close (IstMqttLink *self)
{
  if (self->source != NULL)
    mosquitto_disconnect (self->mosquitto);
  link_destroy_source (self);
  self->closed = TRUE;
  link_unref (self);
}
