/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-control.h"

#include <glib/gi18n.h>
#include <string.h>
#include <sysexits.h>

#ifdef HAVE_LIBCURL
#include <curl/curl.h>
#endif

#include "tools/common/tool-error.h"

JsonNode *
proxy_control_get_member (JsonNode *node,
                          const char *name)
{
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return NULL;
  return json_object_get_member (json_node_get_object (node), name);
}

const char *
proxy_control_get_string (JsonNode *node,
                          const char *name)
{
  JsonNode *member = proxy_control_get_member (node, name);

  return member != NULL && JSON_NODE_HOLDS_VALUE (member) ? json_node_get_string (member) : NULL;
}

#ifdef HAVE_LIBCURL

#define SERVICE "IoTSecuredTunneling"

#define CONNECT_TIMEOUT 15L /* seconds */
#define CALL_TIMEOUT 30L    /* seconds */

/* Answers have a few kilobytes. */
#define MAX_ANSWER (1024 * 1024)

#define MAX_TEXT 500

struct _ProxyControl
{
  char *url;
  char *region;
  char *signature; /* what libcurl signs for */
  ProxyCredentials credentials;
  char *ca_path;
  gboolean skip_verification;
};

typedef struct
{
  const ProxyControl *control;
  char *operation;
  char *request;
  GString *answer;
  GCancellable *cancellable;
} Call;

ProxyControl *
proxy_control_new (const char *url,
                   const char *region,
                   const ProxyCredentials *credentials,
                   const char *ca_path,
                   gboolean skip_verification,
                   GError **error)
{
  ProxyControl *self;

  /* Not safe once there are threads. */
  if (curl_global_init (CURL_GLOBAL_DEFAULT) != CURLE_OK)
    {
      g_set_error_literal (error, TOOL_ERROR, EX_SOFTWARE, _ ("libcurl does not work"));
      return NULL;
    }
  self = g_new0 (ProxyControl, 1);
  self->url = g_strdup (url);
  self->region = g_strdup (region);
  self->signature = g_strdup_printf ("aws:amz:%s:" SERVICE, region);
  self->credentials.key_id = g_strdup (credentials->key_id);
  self->credentials.secret = g_strdup (credentials->secret);
  self->credentials.session_token = g_strdup (credentials->session_token);
  self->ca_path = g_strdup (ca_path);
  self->skip_verification = skip_verification;
  return self;
}

void
proxy_control_free (ProxyControl *self)
{
  g_free (self->url);
  g_free (self->region);
  g_free (self->signature);
  proxy_credentials_clear (&self->credentials);
  g_free (self->ca_path);
  g_free (self);
}

static void
call_free (gpointer data)
{
  Call *call = data;

  g_free (call->operation);
  g_free (call->request);
  g_string_free (call->answer, TRUE);
  g_clear_object (&call->cancellable);
  g_free (call);
}

/* What the service answers */

/* From a server, to a terminal. */
static char *
make_harmless (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *result = g_string_new (NULL);
  const char *p;
  guint n = 0;

  for (p = valid; *p != '\0' && n < MAX_TEXT; p = g_utf8_next_char (p), n++)
    g_string_append_unichar (result, g_unichar_isprint (g_utf8_get_char (p)) ? g_utf8_get_char (p) : ' ');
  return g_string_free (result, FALSE);
}

typedef struct
{
  const char *type; /* or how it begins */
  int exit_status;
  const char *advice;
} Kind;

static const Kind kinds[] = {
  { "ExpiredToken", EX_NOPERM, N_ ("the AWS credentials have expired: get new ones") },
  { "RequestExpired", EX_NOPERM, N_ ("check this machine's clock") },
  { "InvalidSignature", EX_NOPERM, N_ ("check the secret access key, and this machine's clock") },
  { "IncompleteSignature", EX_NOPERM, N_ ("check the AWS credentials") },
  { "MissingAuthenticationToken", EX_NOPERM, N_ ("check the AWS credentials") },
  { "UnrecognizedClient", EX_NOPERM, N_ ("check the AWS credentials") },
  { "InvalidClientTokenId", EX_NOPERM, N_ ("check the AWS credentials") },
  { "AccessDenied", EX_NOPERM, N_ ("these AWS credentials need the permission for this operation") },
  { "NotAuthorized", EX_NOPERM, N_ ("these AWS credentials need the permission for this operation") },
  { "ResourceNotFound", EX_CONFIG, N_ ("check --thing, and whether it is in this region") },
  { "Validation", EX_CONFIG, N_ ("check --thing, --service and --lifetime") },
  { "LimitExceeded", EX_TEMPFAIL, N_ ("close tunnels that are not needed, or try later") },
  { "Throttling", EX_TEMPFAIL, N_ ("try later") },
};

static const Kind *
find_kind (const char *type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      if (g_str_has_prefix (type, kinds[i].type))
        return &kinds[i];
    }
  return NULL;
}

static void
call_set_refusal (const Call *call,
                  long status,
                  JsonNode *node,
                  GError **error)
{
  const char *type = proxy_control_get_string (node, "__type");
  const char *message = proxy_control_get_string (node, "message");
  g_autofree char *shown_type = NULL;
  g_autofree char *shown_message = NULL;
  const Kind *kind;

  if (message == NULL)
    message = proxy_control_get_string (node, "Message");
  if (type == NULL)
    {
      g_set_error (error, TOOL_ERROR, status >= 500 || status == 429 ? EX_TEMPFAIL : EX_PROTOCOL,
                   _ ("%s: %s answers with HTTP status %ld"), call->operation, call->control->url, status);
      return;
    }
  /* Some services put their name before it. */
  if (strchr (type, '#') != NULL)
    type = strchr (type, '#') + 1;
  shown_type = make_harmless (type);
  shown_message = make_harmless (message != NULL ? message : "");
  kind = find_kind (type);
  g_set_error (error, TOOL_ERROR, kind != NULL ? kind->exit_status : status >= 500 ? EX_TEMPFAIL
                                                                                   : EX_UNAVAILABLE,
               "%s: %s: %s%s%s%s", call->operation, shown_type, shown_message, kind != NULL ? " (" : "",
               kind != NULL ? _ (kind->advice) : "", kind != NULL ? ")" : "");
}

static JsonNode *
call_read_answer (const Call *call,
                  long status,
                  GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonNode *node = NULL;

  if (json_parser_load_from_data (parser, call->answer->str, call->answer->len, NULL))
    node = json_parser_get_root (parser);
  if (status != 200)
    {
      call_set_refusal (call, status, node, error);
      return NULL;
    }
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    {
      g_set_error (error, TOOL_ERROR, EX_PROTOCOL, _ ("%s: %s does not answer like the service"),
                   call->operation, call->control->url);
      return NULL;
    }
  return json_node_ref (node);
}

/* The request, in a thread of its own */

static size_t
on_data (char *data,
         size_t size,
         size_t n,
         void *user_data)
{
  Call *call = user_data;

  if (call->answer->len + n > MAX_ANSWER)
    return 0;
  g_string_append_len (call->answer, data, n);
  return n;
}

static int
on_progress (void *user_data,
             curl_off_t to_receive,
             curl_off_t received,
             curl_off_t to_send,
             curl_off_t sent)
{
  const Call *call = user_data;

  return g_cancellable_is_cancelled (call->cancellable);
}

static struct curl_slist *
call_make_headers (const Call *call)
{
  g_autofree char *target = g_strdup_printf ("X-Amz-Target: " SERVICE ".%s", call->operation);
  const char *token = call->control->credentials.session_token;
  g_autofree char *security = g_strdup_printf ("X-Amz-Security-Token: %s", token != NULL ? token : "");
  struct curl_slist *headers = NULL;

  headers = curl_slist_append (headers, "Content-Type: application/x-amz-json-1.1");
  headers = curl_slist_append (headers, target);
  if (token != NULL)
    headers = curl_slist_append (headers, security);
  return headers;
}

static void
set_authorities (CURL *curl,
                 const ProxyControl *control)
{
  if (control->skip_verification)
    {
      curl_easy_setopt (curl, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_easy_setopt (curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
  else if (control->ca_path != NULL)
    {
      gboolean is_folder = g_file_test (control->ca_path, G_FILE_TEST_IS_DIR);

      /* These and no others. */
      curl_easy_setopt (curl, CURLOPT_CAINFO, is_folder ? NULL : control->ca_path);
      curl_easy_setopt (curl, CURLOPT_CAPATH, is_folder ? control->ca_path : NULL);
    }
}

static void
set_request (CURL *curl,
             Call *call,
             struct curl_slist *headers)
{
  const ProxyControl *control = call->control;

  curl_easy_setopt (curl, CURLOPT_URL, control->url);
  curl_easy_setopt (curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt (curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt (curl, CURLOPT_USERAGENT, "ist-proxy");
  curl_easy_setopt (curl, CURLOPT_POSTFIELDSIZE, (long) strlen (call->request));
  curl_easy_setopt (curl, CURLOPT_POSTFIELDS, call->request);
  curl_easy_setopt (curl, CURLOPT_AWS_SIGV4, control->signature);
  curl_easy_setopt (curl, CURLOPT_USERNAME, control->credentials.key_id);
  curl_easy_setopt (curl, CURLOPT_PASSWORD, control->credentials.secret);
  set_authorities (curl, control);

  curl_easy_setopt (curl, CURLOPT_WRITEFUNCTION, on_data);
  curl_easy_setopt (curl, CURLOPT_WRITEDATA, call);
  curl_easy_setopt (curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt (curl, CURLOPT_XFERINFODATA, call);
  curl_easy_setopt (curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt (curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT);
  curl_easy_setopt (curl, CURLOPT_TIMEOUT, CALL_TIMEOUT);
  curl_easy_setopt (curl, CURLOPT_NOSIGNAL, 1L);
}

static JsonNode *
call_perform (Call *call,
              GError **error)
{
  char reason[CURL_ERROR_SIZE] = "";
  CURL *curl = curl_easy_init ();
  struct curl_slist *headers = call_make_headers (call);
  long status = 0;
  CURLcode result;

  set_request (curl, call, headers);
  curl_easy_setopt (curl, CURLOPT_ERRORBUFFER, reason);
  result = curl_easy_perform (curl);
  curl_easy_getinfo (curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_cleanup (curl);
  curl_slist_free_all (headers);

  if (g_cancellable_set_error_if_cancelled (call->cancellable, error))
    return NULL;
  if (result != CURLE_OK)
    {
      g_set_error (error, TOOL_ERROR, EX_UNAVAILABLE, _ ("%s: can't reach %s: %s"), call->operation,
                   call->control->url, *reason != '\0' ? reason : curl_easy_strerror (result));
      return NULL;
    }
  return call_read_answer (call, status, error);
}

static void
run_call (GTask *task,
          gpointer source,
          gpointer task_data,
          GCancellable *cancellable)
{
  GError *error = NULL;
  JsonNode *node = call_perform (task_data, &error);

  if (node != NULL)
    g_task_return_pointer (task, node, (GDestroyNotify) json_node_unref);
  else
    g_task_return_error (task, error);
}

void
proxy_control_call (ProxyControl *self,
                    const char *operation,
                    JsonNode *request,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Call *call = g_new0 (Call, 1);

  call->control = self;
  call->operation = g_strdup (operation);
  call->request = json_to_string (request, FALSE);
  call->answer = g_string_new (NULL);
  call->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  g_task_set_source_tag (task, proxy_control_call);
  g_task_set_task_data (task, call, call_free);
  g_task_run_in_thread (task, run_call);
}

#else

ProxyControl *
proxy_control_new (const char *url,
                   const char *region,
                   const ProxyCredentials *credentials,
                   const char *ca_path,
                   gboolean skip_verification,
                   GError **error)
{
  g_set_error_literal (error, TOOL_ERROR, EX_USAGE,
                       _ ("This ist-proxy was built without libcurl, which opening tunnels needs"));
  return NULL;
}

/* Nobody has one. */

void
proxy_control_free (ProxyControl *self)
{
  g_assert_not_reached ();
}

void
proxy_control_call (ProxyControl *self,
                    const char *operation,
                    JsonNode *request,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
  g_assert_not_reached ();
}

#endif

JsonNode *
proxy_control_call_finish (GAsyncResult *result,
                           GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
