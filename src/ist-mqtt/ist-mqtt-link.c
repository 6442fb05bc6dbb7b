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

#include <ist/ist.h>

#include "common/ist-source-private.h"

#define SUBSCRIPTION_REFUSED 0x80

/* libmosquitto takes packets of 256 MB and keeps all that a broker begins to deliver
 * and does not finish. So nobody may send more than this without a message that
 * was subscribed to, in bytes, within a time, in microseconds. */
#define MAX_UNASKED (1024 * 1024)
#define UNASKED_TIME (60 * G_USEC_PER_SEC)

/* Packets that are read in one turn of the main loop. */
#define MAX_AT_ONCE 16

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
  gboolean asked;    /* for the topic */
  gboolean answered;
  gboolean closed; /* nobody wants to hear of it any more */

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
link_set_error (IstMqttLink *self,
                IstTunnelError code,
                const char *text)
{
  if (self->error == NULL)
    self->error = g_error_new_literal (IST_TUNNEL_ERROR, code, text);
}

/* AWS IoT hangs up, without an answer, on whom a policy does not allow what it asks for. */
static void
link_set_hang_up (IstMqttLink *self)
{
  const char *id = self->settings->client_id != NULL ? self->settings->client_id : "";
  g_autofree char *text = NULL;

  if (!self->accepted)
    text = g_strdup_printf ("The broker hung up instead of accepting the client “%s”: look whether the policy of its "
                            "certificate allows it to connect with that id, and whether the certificate is active",
                            id);
  else if (self->asked && !self->answered)
    text = g_strdup_printf ("The broker hung up when the client “%s” asked for “%s”: look whether the policy of its "
                            "certificate allows it to subscribe to that topic",
                            id, self->settings->topic);
  if (text != NULL)
    link_set_error (self, IST_TUNNEL_ERROR_REFUSED, text);
  else
    link_set_error (self, IST_TUNNEL_ERROR_DISCONNECTED, "The connection to the broker was lost");
}

static void
link_set_error_from_result (IstMqttLink *self,
                            int result,
                            int saved_errno)
{
  g_autofree char *text = NULL;

  switch (result)
    {
    case MOSQ_ERR_EAI:
      link_set_error (self, IST_TUNNEL_ERROR_UNREACHABLE, "The broker's host was not found");
      break;
    case MOSQ_ERR_ERRNO:
      link_set_error (self, IST_TUNNEL_ERROR_UNREACHABLE, g_strerror (saved_errno));
      break;
    case MOSQ_ERR_TLS:
    case MOSQ_ERR_TLS_HANDSHAKE:
      text = g_strdup_printf ("TLS failed: %s", self->tls_detail != NULL ? self->tls_detail : "no details");
      link_set_error (self, IST_TUNNEL_ERROR_TLS, text);
      break;
    case MOSQ_ERR_KEEPALIVE:
      link_set_error (self, IST_TUNNEL_ERROR_TIMED_OUT, "The broker did not answer in time");
      break;
    case MOSQ_ERR_CONN_LOST:
      link_set_hang_up (self);
      break;
    default:
      text = g_strdup_printf ("The connection to the broker failed: %s", mosquitto_strerror (result));
      link_set_error (self, IST_TUNNEL_ERROR_DISCONNECTED, text);
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
link_subscribe (IstMqttLink *self)
{
  int result = mosquitto_subscribe (self->mosquitto, NULL, self->settings->topic, 1);

  self->asked = TRUE;
  if (result != MOSQ_ERR_SUCCESS)
    link_set_error_from_result (self, result, errno);
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
      link_set_error (self, IST_TUNNEL_ERROR_PROTOCOL, "The broker broke the protocol: it accepted the client twice");
      return;
    }
  if (code == 0)
    {
      self->accepted = TRUE;
      if (self->settings->topic != NULL)
        link_subscribe (self);
      else
        self->subscribed = TRUE;
      return;
    }
  text = g_strdup_printf ("The broker refused the client: %s", mosquitto_connack_string (code));
  link_set_error (self, IST_TUNNEL_ERROR_REFUSED, text);
}

static void
on_subscribe (struct mosquitto *mosquitto,
              void *user_data,
              int id,
              int n_granted,
              const int *granted)
{
  IstMqttLink *self = user_data;

  g_autofree char *text = NULL;

  self->answered = TRUE;
  if (n_granted > 0 && granted[0] < SUBSCRIPTION_REFUSED)
    {
      self->subscribed = TRUE;
      return;
    }
  text = g_strdup_printf ("The broker refused the client “%s” the subscription to “%s”: look whether the policy of its "
                          "certificate allows it to subscribe to that topic",
                          self->settings->client_id, self->settings->topic);
  link_set_error (self, IST_TUNNEL_ERROR_REFUSED, text);
}

static guint64
link_get_bytes_received (IstMqttLink *self)
{
  struct tcp_info info = { 0 };
  socklen_t size = sizeof info;

  if (getsockopt (mosquitto_socket (self->mosquitto), IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
    return self->bytes_at_sign;
  return info.tcpi_bytes_received;
}

static void
link_note_sign (IstMqttLink *self)
{
  self->bytes_at_sign = link_get_bytes_received (self);
  self->sign_time = g_get_monotonic_time ();
}

static void
link_check_unasked (IstMqttLink *self)
{
  if (link_get_bytes_received (self) - self->bytes_at_sign > MAX_UNASKED)
    link_set_error (self, IST_TUNNEL_ERROR_PROTOCOL, "The broker sent more than 1 MiB that nobody asked for");
  else if (g_get_monotonic_time () - self->sign_time > UNASKED_TIME)
    link_note_sign (self);
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
  link_note_sign (self);
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

/* Passes on what the callbacks have left. The user may end the link at any point. */
static void
link_deliver (IstMqttLink *self)
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
      ist_clear_source (&self->source);
      self->closed = TRUE;
      self->events->lost (self->error, self->user_data);
      link_unref (self);
    }
}

/* Until TLS stands libmosquitto may want to write all the time, what it never
 * has to wait for: a handshake fits in the socket's buffer. */
static gboolean
link_is_shaking_hands (IstMqttLink *self)
{
  return self->settings->tls && !self->accepted;
}

/* A broker's patience is half as long again as the keep-alive, and libmosquitto
 * counts whole seconds: look one second after each, from the last traffic on. */
static void
link_schedule (IstMqttLink *self)
{
  LinkSource *source = (LinkSource *) self->source;
  GIOCondition condition = G_IO_IN;

  if (!self->reached || (mosquitto_want_write (self->mosquitto) && !link_is_shaking_hands (self)))
    condition |= G_IO_OUT;
  g_source_modify_unix_fd (self->source, source->tag, condition);
  g_source_set_ready_time (self->source,
                           g_get_monotonic_time () + (self->settings->keepalive + 1) * G_USEC_PER_SEC);
}

/* libmosquitto takes any failure of the socket for a connection that is still
 * being made, until TLS and MQTT stand. */
static void
link_check_socket (IstMqttLink *self)
{
  int code = 0;
  socklen_t size = sizeof code;

  getsockopt (mosquitto_socket (self->mosquitto), SOL_SOCKET, SO_ERROR, &code, &size);
  link_set_error (self, IST_TUNNEL_ERROR_UNREACHABLE, code != 0 ? g_strerror (code) : "The broker can't be reached");
}

/* As many as have come, within reason: a good notification may be behind others. */
static int
link_read_packets (IstMqttLink *self)
{
  int available = 1;
  int result = MOSQ_ERR_SUCCESS;

  for (guint i = 0; i < MAX_AT_ONCE && result == MOSQ_ERR_SUCCESS && available > 0 && self->error == NULL; i++)
    {
      result = mosquitto_loop_read (self->mosquitto, 1);
      if (ioctl (mosquitto_socket (self->mosquitto), FIONREAD, &available) != 0)
        available = 0;
      link_check_unasked (self);
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
    result = link_read_packets (self);
  if (result == MOSQ_ERR_SUCCESS && mosquitto_want_write (self->mosquitto))
    result = mosquitto_loop_write (self->mosquitto, 1);
  if (result == MOSQ_ERR_SUCCESS)
    result = mosquitto_loop_misc (self->mosquitto);
  if (result != MOSQ_ERR_SUCCESS)
    link_set_error_from_result (self, result, errno);
  else if (condition & (G_IO_HUP | G_IO_ERR) && !self->accepted)
    link_check_socket (self);
  if (condition & G_IO_OUT)
    self->reached = TRUE;

  link_deliver (self);
  if (!self->closed)
    link_schedule (self);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs link_source_funcs = {
  .dispatch = link_source_dispatch,
};

static void
link_watch (IstMqttLink *self)
{
  LinkSource *source;

  self->source = g_source_new (&link_source_funcs, sizeof (LinkSource));
  g_source_set_static_name (self->source, "IstMqttLink");
  source = (LinkSource *) self->source;
  source->link = self;
  source->tag = g_source_add_unix_fd (self->source, mosquitto_socket (self->mosquitto), G_IO_IN);
  link_schedule (self);
  g_source_attach (self->source, self->context);
}

/* In a thread: it reads the files of TLS and looks up the host's name. Nothing
 * else touches the link meanwhile, but for its mark that it is closed. */
static void
link_connect_thread (GTask *task,
                     gpointer source_object,
                     gpointer task_data,
                     GCancellable *cancellable)
{
  IstMqttLink *self = task_data;
  const IstMqttSettings *settings = self->settings;
  int result;

  if (ist_mqtt_settings_check_files (settings, &self->error))
    {
      result = ist_mqtt_settings_apply (settings, self->mosquitto);
      if (result == MOSQ_ERR_SUCCESS)
        result = mosquitto_connect_async (self->mosquitto, settings->host, settings->port, settings->keepalive);
      if (result != MOSQ_ERR_SUCCESS)
        link_set_error_from_result (self, result, errno);
    }
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
    link_watch (self);
  link_deliver (self);
}

static void
link_connect (IstMqttLink *self)
{
  g_autoptr (GTask) task = NULL;

  /* Tasks come back to the thread-default context of the moment. */
  g_main_context_push_thread_default (self->context);
  task = g_task_new (NULL, NULL, on_connecting, link_ref (self));
  g_main_context_pop_thread_default (self->context);
  g_task_set_source_tag (task, link_connect);
  g_task_set_task_data (task, self, NULL);
  g_task_run_in_thread (task, link_connect_thread);
}

IstMqttLink *
ist_mqtt_link_open (GMainContext *context,
                    IstMqttSettings *settings,
                    const IstMqttLinkEvents *events,
                    gpointer user_data)
{
  static gsize initialized;
  IstMqttLink *self = g_new0 (IstMqttLink, 1);

  if (g_once_init_enter (&initialized))
    {
      mosquitto_lib_init ();
      /* So that SIGPIPE is ignored, which libmosquitto leaves to its users. */
      g_type_class_unref (g_type_class_ref (G_TYPE_SOCKET));
      g_once_init_leave (&initialized, 1);
    }

  g_ref_count_init (&self->references);
  self->settings = ist_mqtt_settings_ref (settings);
  self->events = events;
  self->user_data = user_data;
  self->context = g_main_context_ref (context);
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
  link_connect (self);
  return self;
}

/* After something was sent outside of the source's dispatch. */
static void
link_after_sending (IstMqttLink *self)
{
  if (self->error == NULL)
    link_schedule (self);
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
    link_set_error_from_result (self, result, errno);
  link_after_sending (self);
  return result == MOSQ_ERR_SUCCESS;
}

void
ist_mqtt_link_probe (IstMqttLink *self)
{
  if (self->source == NULL)
    return;

  link_subscribe (self);
  link_after_sending (self);
}

void
ist_mqtt_link_close (IstMqttLink *self)
{
  if (self->source != NULL)
    mosquitto_disconnect (self->mosquitto);
  ist_clear_source (&self->source);
  self->closed = TRUE;
  link_unref (self);
}
