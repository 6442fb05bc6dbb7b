/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-call-private.h"

#include <string.h>

#include "common/ist-backoff-private.h"
#include "common/ist-source-private.h"
#include "common/ist-text-private.h"
#include "ist-operator/ist-operator-control-plane-error-private.h"
#include "ist-operator/ist-operator-json-private.h"
#include "ist-operator/ist-operator-refusal-private.h"
#include "ist-operator/ist-operator-signer-private.h"

#define SERVICE "IoTSecuredTunneling"
#define REGISTRY_SERVICE "iot"

/* Answers have a few kilobytes, a page of a list some dozens; things may have attributes. */
#define MAX_ANSWER (1024 * 1024)
#define MAX_REGISTRY_ANSWER (4 * MAX_ANSWER)
#define CHUNK (64 * 1024)

#define MAX_REASON 300

/* Between attempts, in milliseconds. */
#define DELAY_FLOOR 50
#define DELAY_BASE 500
#define DELAY_CAP 20000

/* What the service may ask to wait; who is told more than that is told so, in seconds. */
#define MAX_RETRY_AFTER 30

/* What signatures forgive is five minutes; less can't be why one is refused, in seconds. */
#define MAX_SKEW (4 * 60)

/* One call: its attempts, one after the other, and what is between them. Each step that
 * is under way has a reference. */
typedef struct
{
  grefcount ref_count;
  IstOperatorCaller *caller;
  const IstOperatorOperation *operation;
  GUri *uri;
  GBytes *request; /* NULL if it is all in the URI */
  GMainContext *context;
  GTask *task; /* NULL once it has returned */
  GSource *cancelled;
  GCancellable *cancellable; /* of the steps */
  GSource *timer;            /* the pause between attempts, or the end of an attempt's patience */
  IstBackoff backoff;
  guint n_attempts;
  gboolean has_new_credentials;
  gboolean has_new_time;
  gboolean may_be_done; /* an answer was lost */

  /* The attempt */
  SoupMessage *message;
  GInputStream *body;
  GString *answer;
  gboolean is_sent;
  gboolean is_late;
} Call;

static void call_begin (Call *self);

static void
place_init (IstOperatorPlace *self,
            const char *service,
            GUri *uri)
{
  self->service = service;
  self->uri = g_uri_ref (uri);
  self->url = g_uri_to_string (uri);
}

static void
place_clear (IstOperatorPlace *self)
{
  g_uri_unref (self->uri);
  g_free (self->url);
}

static const IstOperatorPlace *
caller_get_place (IstOperatorCaller *self,
                  const IstOperatorOperation *operation)
{
  return operation->path != NULL ? &self->registry : &self->tunneling;
}

IstOperatorCaller *
ist_operator_caller_new (IstOperatorCredentials *credentials,
                         GUri *uri,
                         GUri *registry_uri)
{
  IstOperatorCaller *self = g_new0 (IstOperatorCaller, 1);

  g_ref_count_init (&self->ref_count);
  self->credentials = g_object_ref (credentials);
  self->session = soup_session_new ();
  /* Nothing is asked for compressed, and nothing may grow on the way. */
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_CONTENT_DECODER);
  place_init (&self->tunneling, SERVICE, uri);
  place_init (&self->registry, REGISTRY_SERVICE, registry_uri);
  return self;
}

IstOperatorCaller *
ist_operator_caller_ref (IstOperatorCaller *self)
{
  g_ref_count_inc (&self->ref_count);
  return self;
}

void
ist_operator_caller_unref (IstOperatorCaller *self)
{
  if (!g_ref_count_dec (&self->ref_count))
    return;

  g_object_unref (self->credentials);
  g_object_unref (self->session);
  place_clear (&self->tunneling);
  place_clear (&self->registry);
  g_free (self->region);
  g_free (self);
}

static void
caller_count (IstOperatorCaller *self,
              int difference)
{
  self->n_calls += difference;
  if (self->n_calls_changed != NULL)
    self->n_calls_changed (self->user_data);
}

/* The end */

static Call *
call_ref (Call *self)
{
  g_ref_count_inc (&self->ref_count);
  return self;
}

static void
call_unref (Call *self)
{
  if (!g_ref_count_dec (&self->ref_count))
    return;

  g_assert (self->task == NULL && self->timer == NULL && self->cancelled == NULL);
  caller_count (self->caller, -1);
  g_clear_object (&self->message);
  g_clear_object (&self->body);
  g_string_free (self->answer, TRUE);
  g_object_unref (self->cancellable);
  g_uri_unref (self->uri);
  g_clear_pointer (&self->request, g_bytes_unref);
  g_main_context_unref (self->context);
  ist_operator_caller_unref (self->caller);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_unref)

/* Nobody waits any more. */
static GTask *
call_take_task (Call *self)
{
  ist_clear_source (&self->cancelled);
  return g_steal_pointer (&self->task);
}

static void
call_fail (Call *self,
           GError *error)
{
  g_autoptr (GTask) task = call_take_task (self);

  if (self->may_be_done && error->domain == IST_OPERATOR_CONTROL_PLANE_ERROR)
    ist_operator_control_plane_error_set_may_be_done (error);
  if (task != NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (self->may_be_done && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_warning ("%s", error->message);
  g_error_free (error);
}

static void
call_succeed (Call *self,
              JsonObject *answer)
{
  g_autoptr (GTask) task = call_take_task (self);

  if (task != NULL)
    g_task_return_pointer (task, json_object_ref (answer), (GDestroyNotify) json_object_unref);
  else if (self->operation->undo != NULL)
    self->operation->undo (self->caller, answer);
}

/* Whether what is sent has to be awaited, for it may have to be undone. */
static gboolean
call_is_binding (Call *self)
{
  return self->is_sent && self->operation->undo != NULL;
}

static gboolean
on_cancelled (GCancellable *cancellable,
              gpointer user_data)
{
  g_autoptr (Call) self = call_ref (user_data);
  g_autoptr (GTask) task = call_take_task (self);

  if (!call_is_binding (self))
    {
      gboolean is_pausing = self->message == NULL && self->timer != NULL;

      ist_clear_source (&self->timer);
      if (is_pausing)
        call_unref (self);
      g_cancellable_cancel (self->cancellable);
    }
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The operation was cancelled");
  return G_SOURCE_REMOVE;
}

/* One after the other */

static void
call_set_timer (Call *self,
                guint milliseconds,
                GSourceFunc callback)
{
  ist_clear_source (&self->timer);
  self->timer = g_timeout_source_new (milliseconds);
  g_source_set_static_name (self->timer, "IstOperatorCall");
  g_source_set_callback (self->timer, callback, self, NULL);
  g_source_attach (self->timer, self->context);
}

static gboolean
on_pause_over (gpointer user_data)
{
  g_autoptr (Call) self = user_data;

  ist_clear_source (&self->timer);
  call_begin (self);
  return G_SOURCE_REMOVE;
}

/* @seconds: what the service wants at least. */
static void
call_pause (Call *self,
            guint seconds)
{
  guint delay = ist_backoff_fail (&self->backoff);

  delay = MAX (delay, seconds * 1000);
  g_debug ("%s: attempt %u has failed, the next one comes in %u ms", self->operation->name, self->n_attempts, delay);
  call_set_timer (call_ref (self), delay, on_pause_over);
}

/* Nobody waits for more attempts once the call was cancelled. */
static gboolean
call_may_try_again (Call *self)
{
  return self->task != NULL && self->n_attempts < self->caller->max_attempts;
}

static void
call_end_attempt (Call *self)
{
  ist_clear_source (&self->timer);
  g_clear_object (&self->message);
  g_clear_object (&self->body);
  g_string_truncate (self->answer, 0);
  self->is_sent = FALSE;
}

/* No answer */

static const char *
describe_certificate (GTlsCertificateFlags flags)
{
  if (flags & G_TLS_CERTIFICATE_UNKNOWN_CA)
    return "; its certificate is of an authority that is not trusted here: AWS_CA_BUNDLE names others";
  if (flags & G_TLS_CERTIFICATE_BAD_IDENTITY)
    return "; its certificate is for another host";
  if (flags & (G_TLS_CERTIFICATE_EXPIRED | G_TLS_CERTIFICATE_NOT_ACTIVATED))
    return "; its certificate is not valid today: check this machine's clock";
  return "";
}

static GError *
call_make_unreachable_error (Call *self,
                             const GError *error)
{
  GTlsCertificateFlags flags = soup_message_get_tls_peer_certificate_errors (self->message);
  g_autofree char *reason = ist_text_make_safe (error->message, -1, MAX_REASON);
  const char *consequence = "";

  if (self->is_late)
    {
      g_free (reason);
      reason = g_strdup_printf ("there was no answer within %u seconds", self->caller->timeout);
    }
  if (self->may_be_done && !self->operation->is_repeatable)
    consequence = ". It was not asked again, as it may have been done already: see whether there is a tunnel that "
                  "nobody uses, and close it";
  else if (g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND))
    consequence = " (check the region, and whether this machine is online)";
  return ist_operator_control_plane_error_new (IST_OPERATOR_CONTROL_PLANE_ERROR_UNREACHABLE, NULL, NULL, NULL,
                                               "%s: can't reach %s: %s%s%s", self->operation->name,
                                               caller_get_place (self->caller, self->operation)->url, reason,
                                               describe_certificate (flags), consequence);
}

/* What will be the same the next time. */
static gboolean
is_lasting (const GError *error)
{
  return error->domain == G_TLS_ERROR || g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PROXY_AUTH_FAILED) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PROXY_NEED_AUTH) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PROXY_NOT_ALLOWED);
}

static void
call_lose_attempt (Call *self,
                   const GError *error)
{
  gboolean was_cancelled = self->task == NULL && !call_is_binding (self);
  gboolean may_repeat = !self->is_sent || self->operation->is_repeatable;
  g_autoptr (GError) shown = NULL;

  if (was_cancelled)
    {
      call_end_attempt (self);
      return;
    }
  self->may_be_done |= self->is_sent;
  shown = call_make_unreachable_error (self, error);
  call_end_attempt (self);
  if (may_repeat && !is_lasting (error) && call_may_try_again (self))
    call_pause (self, 0);
  else
    call_fail (self, g_steal_pointer (&shown));
}

/* An answer */

GError *
ist_operator_call_make_foreign_error (IstOperatorCaller *caller,
                                      const IstOperatorOperation *operation)
{
  return ist_operator_control_plane_error_new (IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_THE_SERVICE, NULL, NULL, NULL,
                                               "%s: %s does not answer like the service (check the endpoint URL and "
                                               "the region, and whether a proxy answers in its place)",
                                               operation->name, caller_get_place (caller, operation)->url);
}

/* Of the service's clock from this machine's, as the answer says; FALSE if it doesn't. */
static gboolean
call_read_clock (Call *self,
                 gint64 *offset)
{
  const char *text = soup_message_headers_get_one (soup_message_get_response_headers (self->message), "Date");
  g_autoptr (GDateTime) date = text != NULL ? soup_date_time_new_from_http_string (text) : NULL;

  if (date == NULL)
    return FALSE;
  *offset = g_date_time_to_unix (date) - g_get_real_time () / G_USEC_PER_SEC;
  return TRUE;
}

/* Whether the signature had a time that the service can't have taken. */
static gboolean
call_correct_clock (Call *self)
{
  gint64 offset;

  if (!call_read_clock (self, &offset) || ABS (offset - self->caller->clock_offset) < MAX_SKEW)
    return FALSE;
  g_debug ("This machine's clock is %" G_GINT64_FORMAT " seconds off the service's", -offset);
  self->caller->clock_offset = offset;
  return TRUE;
}

/* Seconds that the service asks to wait for. */
static guint64
call_get_retry_after (Call *self)
{
  const char *text = soup_message_headers_get_one (soup_message_get_response_headers (self->message), "Retry-After");
  g_autoptr (GDateTime) date = NULL;
  guint64 seconds;
  gint64 left;

  if (text == NULL)
    return 0;
  if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32, &seconds, NULL))
    return seconds;
  date = soup_date_time_new_from_http_string (text);
  if (date == NULL)
    return 0;
  left = g_date_time_to_unix (date) - g_get_real_time () / G_USEC_PER_SEC - self->caller->clock_offset;
  return MAX (left, 0);
}

/* What else there is to say to whoever is refused. */
static char *
call_describe_circumstances (Call *self,
                             const IstOperatorRefusal *refusal,
                             guint64 retry_after)
{
  gint64 offset;

  if (refusal->remedy == IST_OPERATOR_REMEDY_CLOCK && call_read_clock (self, &offset) && ABS (offset) >= MAX_SKEW)
    return g_strdup_printf ("this machine's clock is %" G_GINT64_FORMAT " seconds %s: set it", ABS (offset),
                            offset > 0 ? "slow" : "fast");
  if (retry_after > MAX_RETRY_AFTER)
    return g_strdup_printf ("try again in %" G_GUINT64_FORMAT " seconds", retry_after);
  if (refusal->remedy == IST_OPERATOR_REMEDY_REPETITION && !self->operation->is_repeatable)
    return g_strdup ("it was not asked again, as it may have been done: see whether there is a tunnel that nobody "
                     "uses, and close it");
  return NULL;
}

/* TRUE if another attempt is under way. */
static gboolean
call_find_remedy (Call *self,
                  const IstOperatorRefusal *refusal,
                  guint64 retry_after)
{
  switch (refusal->remedy)
    {
    case IST_OPERATOR_REMEDY_CREDENTIALS:
      ist_operator_credentials_forget (self->caller->credentials);
      if (self->has_new_credentials || self->task == NULL)
        return FALSE;
      self->has_new_credentials = TRUE;
      break;
    case IST_OPERATOR_REMEDY_CLOCK:
      if (self->has_new_time || self->task == NULL || !call_correct_clock (self))
        return FALSE;
      self->has_new_time = TRUE;
      break;
    case IST_OPERATOR_REMEDY_CAUTION:
    case IST_OPERATOR_REMEDY_REPETITION:
      self->may_be_done = TRUE;
      if (self->operation->is_traced ||
          (refusal->remedy == IST_OPERATOR_REMEDY_REPETITION && !self->operation->is_repeatable))
        return FALSE;
      G_GNUC_FALLTHROUGH;
    case IST_OPERATOR_REMEDY_PATIENCE:
      if (!call_may_try_again (self) || retry_after > MAX_RETRY_AFTER)
        return FALSE;
      call_end_attempt (self);
      call_pause (self, retry_after);
      return TRUE;
    case IST_OPERATOR_REMEDY_NONE:
    default:
      return FALSE;
    }
  call_end_attempt (self);
  call_begin (self);
  return TRUE;
}

static void
call_take_refusal (Call *self,
                   JsonObject *body)
{
  guint64 retry_after = call_get_retry_after (self);
  g_autoptr (IstOperatorRefusal) refusal = NULL;
  g_autofree char *circumstances = NULL;

  refusal = ist_operator_refusal_new (soup_message_get_status (self->message),
                                      soup_message_get_response_headers (self->message), body);
  if (self->may_be_done && self->operation->is_removal && refusal->code == IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND)
    {
      g_autoptr (JsonObject) nothing = json_object_new ();

      call_end_attempt (self);
      call_succeed (self, nothing);
      return;
    }
  circumstances = call_describe_circumstances (self, refusal, retry_after);
  if (call_find_remedy (self, refusal, retry_after))
    return;
  call_end_attempt (self);
  call_fail (self, ist_operator_refusal_to_error (refusal, self->operation->name,
                                                  caller_get_place (self->caller, self->operation)->url,
                                                  circumstances));
}

/* Of one that was to lead to the service. */
static GError *
make_proxy_error (guint status)
{
  const char *advice = "";
  GIOErrorEnum code = G_IO_ERROR_PROXY_FAILED;

  if (status == SOUP_STATUS_PROXY_UNAUTHORIZED || status == SOUP_STATUS_UNAUTHORIZED)
    {
      code = G_IO_ERROR_PROXY_AUTH_FAILED;
      advice = "; check its user and password";
    }
  else if (status < 500)
    {
      code = G_IO_ERROR_PROXY_NOT_ALLOWED;
    }
  return g_error_new (G_IO_ERROR, code, "the proxy refuses with HTTP status %u%s", status, advice);
}

static void
call_take_answer (Call *self)
{
  g_autoptr (JsonObject) body = ist_operator_json_parse (self->answer->str, self->answer->len);

  if (!self->is_sent)
    {
      g_autoptr (GError) error = make_proxy_error (soup_message_get_status (self->message));

      call_lose_attempt (self, error);
      return;
    }

  if (soup_message_get_status (self->message) != SOUP_STATUS_OK)
    {
      call_take_refusal (self, body);
      return;
    }
  call_end_attempt (self);
  if (body != NULL)
    call_succeed (self, body);
  else
    call_fail (self, ist_operator_call_make_foreign_error (self->caller, self->operation));
}

/* The connection is free for the next request. */
static void
on_closed (GObject *source,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (Call) self = user_data;

  g_input_stream_close_finish (G_INPUT_STREAM (source), result, NULL);
  call_take_answer (self);
}

static gsize
call_get_max_answer (Call *self)
{
  return self->operation->path != NULL ? MAX_REGISTRY_ANSWER : MAX_ANSWER;
}

static void call_read (Call *self);

static void
on_read (GObject *source,
         GAsyncResult *result,
         gpointer user_data)
{
  g_autoptr (Call) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);

  if (bytes == NULL)
    {
      call_lose_attempt (self, error);
    }
  else if (g_bytes_get_size (bytes) == 0)
    {
      g_input_stream_close_async (self->body, G_PRIORITY_DEFAULT, NULL, on_closed, call_ref (self));
    }
  else if (self->answer->len + g_bytes_get_size (bytes) > call_get_max_answer (self))
    {
      call_end_attempt (self);
      call_fail (self, ist_operator_call_make_foreign_error (self->caller, self->operation));
    }
  else
    {
      g_string_append_len (self->answer, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
      call_read (self);
    }
}

static void
call_read (Call *self)
{
  g_input_stream_read_bytes_async (self->body, CHUNK, G_PRIORITY_DEFAULT, self->cancellable, on_read,
                                   call_ref (self));
}

/* The request */

static void
on_answer (GObject *source,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (Call) self = user_data;
  g_autoptr (GError) error = NULL;

  self->body = soup_session_send_finish (SOUP_SESSION (source), result, &error);
  if (self->body != NULL)
    call_read (self);
  else
    call_lose_attempt (self, error);
}

static gboolean
on_timeout (gpointer user_data)
{
  Call *self = user_data;

  ist_clear_source (&self->timer);
  self->is_late = TRUE;
  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_REMOVE;
}

static void
call_set_body (Call *self,
               SoupMessage *message)
{
  if (self->request != NULL)
    soup_message_set_request_body_from_bytes (message, "application/x-amz-json-1.1", self->request);
}

static void
on_starting (SoupMessage *message,
             Call *self)
{
  self->is_sent = TRUE;
  /* libsoup would tell the service what is for the proxy in front of it. */
  if (strcmp (g_uri_get_scheme (self->uri), "https") == 0)
    soup_message_headers_remove (soup_message_get_request_headers (message), "Proxy-Authorization");
}

/* A proxy wants a password: libsoup forgets the body then. */
static void
on_restarted (SoupMessage *message,
              Call *self)
{
  call_set_body (self, message);
}

static gboolean
on_accept_certificate (SoupMessage *message,
                       GTlsCertificate *certificate,
                       GTlsCertificateFlags errors,
                       Call *self)
{
  return !self->caller->verify_certificate;
}

static SoupMessage *
call_make_message (Call *self)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC + self->caller->clock_offset;
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (now);
  g_autoptr (IstOperatorKeys) keys = ist_operator_credentials_dup_keys (self->caller->credentials);
  const char *method = self->request != NULL ? SOUP_METHOD_POST : SOUP_METHOD_GET;
  g_autofree char *target = g_strdup_printf (SERVICE ".%s", self->operation->name);
  SoupMessage *message = soup_message_new_from_uri (method, self->uri);

  /* Elsewhere there is nothing to be found, and nothing to be told. */
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  /* Only what may be sent twice goes over a connection that was used before: the other
   * end may be about to close it. */
  if (self->operation->is_repeatable)
    soup_message_add_flags (message, SOUP_MESSAGE_IDEMPOTENT);
  call_set_body (self, message);
  if (self->request != NULL)
    soup_message_headers_replace (soup_message_get_request_headers (message), "X-Amz-Target", target);
  ist_operator_sign (keys, self->caller->region, caller_get_place (self->caller, self->operation)->service, time,
                     method, self->uri, soup_message_get_request_headers (message), self->request);
  /* After libsoup's own handler. */
  g_signal_connect_after (message, "starting", G_CALLBACK (on_starting), self);
  g_signal_connect (message, "restarted", G_CALLBACK (on_restarted), self);
  g_signal_connect (message, "accept-certificate", G_CALLBACK (on_accept_certificate), self);
  return message;
}

static void
call_send (Call *self)
{
  self->message = call_make_message (self);
  self->n_attempts++;
  self->is_late = FALSE;
  call_set_timer (self, self->caller->timeout * 1000, on_timeout);
  soup_session_send_async (self->caller->session, self->message, G_PRIORITY_DEFAULT, self->cancellable, on_answer,
                           call_ref (self));
}

static void
on_loaded (GObject *source,
           GAsyncResult *result,
           gpointer user_data)
{
  g_autoptr (Call) self = user_data;
  g_autoptr (GError) error = NULL;

  if (!ist_operator_credentials_load_finish (IST_OPERATOR_CREDENTIALS (source), result, &error))
    {
      g_prefix_error (&error, "%s: ", self->operation->name);
      call_fail (self, g_steal_pointer (&error));
    }
  else if (!g_cancellable_is_cancelled (self->cancellable))
    {
      call_send (self);
    }
}

static void
call_begin (Call *self)
{
  /* That of the last attempt may have ended it. */
  if (self->is_late)
    {
      g_object_unref (self->cancellable);
      self->cancellable = g_cancellable_new ();
    }
  ist_operator_credentials_load_async (self->caller->credentials, self->cancellable, on_loaded, call_ref (self));
}

static void
add_parameter (JsonObject *object,
               const char *name,
               JsonNode *node,
               gpointer user_data)
{
  GString *query = user_data;
  g_autofree char *number = NULL;
  const char *value = json_node_get_string (node);

  if (value == NULL)
    value = number = g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
  g_string_append_printf (query, "%s%s=", query->len > 0 ? "&" : "", name);
  g_string_append_uri_escaped (query, value, NULL, FALSE);
}

/* @parameters: of texts and whole numbers */
static GUri *
make_registry_uri (GUri *base,
                   const char *path,
                   JsonObject *parameters)
{
  const char *prefix = g_uri_get_path (base);
  g_autofree char *whole = g_strconcat (prefix, path + (g_str_has_suffix (prefix, "/") ? 1 : 0), NULL);
  g_autoptr (GString) query = g_string_new (NULL);

  json_object_foreach_member (parameters, add_parameter, query);
  return soup_uri_copy (base, SOUP_URI_PATH, whole, SOUP_URI_QUERY, query->str, SOUP_URI_NONE);
}

static Call *
call_new (IstOperatorCaller *caller,
          const IstOperatorOperation *operation,
          JsonNode *request)
{
  const IstOperatorPlace *place = caller_get_place (caller, operation);
  Call *self = g_new0 (Call, 1);
  char *text;

  g_ref_count_init (&self->ref_count);
  self->caller = ist_operator_caller_ref (caller);
  self->operation = operation;
  if (operation->path != NULL)
    {
      self->uri = make_registry_uri (place->uri, operation->path, json_node_get_object (request));
    }
  else
    {
      self->uri = g_uri_ref (place->uri);
      text = json_to_string (request, FALSE);
      self->request = g_bytes_new_take (text, strlen (text));
    }
  self->context = g_main_context_ref_thread_default ();
  self->cancellable = g_cancellable_new ();
  self->answer = g_string_new (NULL);
  self->backoff.floor = DELAY_FLOOR;
  self->backoff.base = DELAY_BASE;
  self->backoff.cap = DELAY_CAP;
  caller_count (caller, 1);
  return self;
}

void
ist_operator_call_async (IstOperatorCaller *caller,
                         const IstOperatorOperation *operation,
                         JsonNode *request,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (Call) self = NULL;

  g_task_set_source_tag (task, ist_operator_call_async);
  /* What it returns is known here alone: an answer that came must not get lost. */
  g_task_set_check_cancellable (task, FALSE);
  if (g_task_return_error_if_cancelled (task))
    return;

  self = call_new (caller, operation, request);
  self->task = g_steal_pointer (&task);
  if (cancellable != NULL)
    {
      self->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_static_name (self->cancelled, "IstOperatorCall");
      g_source_set_callback (self->cancelled, G_SOURCE_FUNC (on_cancelled), self, NULL);
      g_source_attach (self->cancelled, self->context);
    }
  call_begin (self);
}

JsonObject *
ist_operator_call_finish (GAsyncResult *result,
                          GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
