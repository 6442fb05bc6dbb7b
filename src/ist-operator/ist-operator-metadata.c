/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-metadata-private.h"

#include <string.h>

#include "common/ist-file-private.h"
#include "common/ist-loopback-private.h"
#include "common/ist-secret-private.h"
#include "common/ist-text-private.h"
#include "ist-operator/ist-operator-control-plane-error.h"
#include "ist-operator/ist-operator-fetch-private.h"
#include "ist-operator/ist-operator-wait-private.h"

#define MAX_SHOWN 200
#define MAX_TOKEN_FILE 65536

/* All as botocore has it: what answers here is slow for the same reasons there. */

#define CONTAINER_ADDRESS "http://169.254.170.2"
#define CONTAINER_ATTEMPTS 3
#define CONTAINER_TIMEOUT 2000
#define CONTAINER_PAUSE 1000

#define INSTANCE_ADDRESS "http://169.254.169.254/"
#define INSTANCE_ADDRESS_IPV6 "http://[fd00:ec2::254]/"
#define TOKEN_PATH "latest/api/token"
#define TOKEN_HEADER "x-aws-ec2-metadata-token"
#define TOKEN_LIFETIME "21600"
#define ROLE_PATH "latest/meta-data/iam/security-credentials/"
#define MAX_ATTEMPTS 100
#define MAX_TIMEOUT 600

/* What the service has not renewed in time is held to be good for longer, and asked for
 * again after that: seconds. */
#define EXTENSION (15 * 60)
#define MIN_JITTER 120
#define MAX_JITTER 600

static gboolean G_GNUC_PRINTF (3, 4)
  fail (GError **error,
        IstOperatorControlPlaneError code,
        const char *format,
        ...)
{
  va_list args;

  va_start (args, format);
  *error = g_error_new_valist (IST_OPERATOR_CONTROL_PLANE_ERROR, code, format, args);
  va_end (args);
  return FALSE;
}

/* A container */

/* Credentials and the token for them must not go to just anybody by plain HTTP. */
static gboolean
is_trusted (GUri *uri)
{
  static const char *const hosts[] = { "169.254.170.2", "169.254.170.23", "fd00:ec2::23", NULL };
  const char *host = g_uri_get_host (uri);

  return g_str_equal (g_uri_get_scheme (uri), "https") || g_strv_contains (hosts, host) || ist_host_is_loopback (host);
}

static GUri *
parse_address (const char *name,
               const char *address,
               GError **error)
{
  g_autofree char *shown = ist_text_make_safe (address, -1, MAX_SHOWN);
  GUri *uri = g_uri_parse (address, SOUP_HTTP_URI_FLAGS, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : "";

  if ((g_str_equal (scheme, "http") || g_str_equal (scheme, "https")) && g_uri_get_host (uri) != NULL &&
      *g_uri_get_host (uri) != '\0')
    return uri;
  g_clear_pointer (&uri, g_uri_unref);
  fail (error, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING, "%s is “%s”, which is no http:// or https:// address",
        name, shown);
  return NULL;
}

/* NULL, without an error, if this is no container. */
static GUri *
find_container (const char *const *environment,
                GError **error)
{
  const char *relative = g_environ_getenv ((char **) environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const char *full = g_environ_getenv ((char **) environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  g_autofree char *address = relative != NULL ? g_strconcat (CONTAINER_ADDRESS, relative, NULL) : g_strdup (full);
  g_autoptr (GUri) uri = NULL;

  if (address == NULL)
    return NULL;
  uri = parse_address (relative != NULL ? "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
                                        : "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                       address, error);
  if (uri == NULL)
    return NULL;
  if (is_trusted (uri))
    return g_steal_pointer (&uri);
  fail (error, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
        "Credentials are not asked for at “%s”, as the container's settings say: without TLS, it has to be an address "
        "of this machine or of the container's service",
        g_uri_get_host (uri));
  return NULL;
}

static gboolean
can_be_sent (const char *token)
{
  for (; *token != '\0'; token++)
    {
      if (g_ascii_iscntrl (*token))
        return FALSE;
    }
  return TRUE;
}

/* NULL, without an error, if there is none. A file has it where it is renewed. */
static char *
load_container_token (const char *const *environment,
                      GError **error)
{
  const char *path = g_environ_getenv ((char **) environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  g_autoptr (GError) local = NULL;
  char *token = NULL;

  if (path == NULL)
    token = g_strdup (g_environ_getenv ((char **) environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN"));
  else if (ist_file_read (path, MAX_TOKEN_FILE, &token, NULL, &local))
    g_strchomp (token);
  else
    fail (error, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: %s",
          local->message);
  if (token == NULL || can_be_sent (token))
    return token;
  fail (error, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
        "The container's authorization token has characters that no token has");
  g_clear_pointer (&token, ist_secret_free);
  return NULL;
}

static IstOperatorFound *
ask_container_once (GUri *uri,
                    const char *token,
                    GCancellable *cancellable,
                    GError **error)
{
  const char *const headers[] = { "Accept", "application/json", "Authorization", token, NULL };
  g_autofree char *address = g_uri_to_string_partial (uri, G_URI_HIDE_USERINFO | G_URI_HIDE_QUERY);
  g_autofree char *shown = ist_text_make_safe (address, -1, MAX_SHOWN);
  g_autofree char *where = g_strdup_printf ("The container's credentials at “%s”", shown);
  g_autoptr (GError) local = NULL;
  IstOperatorFound *found = NULL;
  guint status;
  char *body;

  body = ist_operator_fetch ("GET", uri, headers, CONTAINER_TIMEOUT, cancellable, &status, &local);
  if (body == NULL)
    fail (error, IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS, "%s could not be got: %s", where, local->message);
  else if (status != SOUP_STATUS_OK)
    fail (error, IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS, "%s could not be got: the answer has status %u",
          where, status);
  else
    found = ist_operator_found_parse ("container", where, body, IST_OPERATOR_ANSWER_OF_METADATA, error);
  ist_secret_free (body);
  return found;
}

static void
pause_for (guint milliseconds,
           GCancellable *cancellable)
{
  g_autoptr (IstOperatorWait) wait = ist_operator_wait_new (cancellable, milliseconds);

  ist_operator_wait_to_end (wait);
}

static IstOperatorFound *
ask_container (GUri *uri,
               const char *token,
               GCancellable *cancellable,
               GError **error)
{
  for (guint i = 1;; i++)
    {
      g_autoptr (GError) local = NULL;
      IstOperatorFound *found = ask_container_once (uri, token, cancellable, &local);

      if (found != NULL)
        return found;
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;
      if (i == CONTAINER_ATTEMPTS)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return NULL;
        }
      pause_for (CONTAINER_PAUSE, cancellable);
    }
}

IstOperatorFound *
ist_operator_metadata_ask_container (const char *const *environment,
                                     GCancellable *cancellable,
                                     GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GUri) uri = find_container (environment, &local);
  IstOperatorFound *found = NULL;
  char *token = NULL;

  if (uri != NULL)
    token = load_container_token (environment, &local);
  if (uri != NULL && local == NULL)
    found = ask_container (uri, token, cancellable, &local);
  ist_secret_free (token);
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return found;
}

/* An instance */

typedef struct
{
  const char *const *environment;
  const IstOperatorProfile *profile;
  GCancellable *cancellable;
  char *address;
  guint timeout; /* in seconds */
  guint attempts;
  char *token;
  char *trouble; /* the last */
} Instance;

/* A variable, or else a key of the profile. */
static const char *
instance_get (const Instance *self,
              const char *variable,
              const char *key)
{
  const char *value = g_environ_getenv ((char **) self->environment, variable);

  return value != NULL ? value : ist_operator_profile_get (self->profile, key);
}

static gboolean
instance_get_number (const Instance *self,
                     const char *variable,
                     const char *key,
                     guint max,
                     guint *number,
                     GError **error)
{
  const char *value = instance_get (self, variable, key);
  g_autofree char *shown = NULL;
  guint64 parsed;

  *number = 1;
  if (value == NULL)
    return TRUE;
  if (g_ascii_string_to_unsigned (value, 10, 1, max, &parsed, NULL))
    {
      *number = parsed;
      return TRUE;
    }
  shown = ist_text_make_safe (value, -1, MAX_SHOWN);
  return fail (error, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
               "%s, or %s of the profile, is “%s”, but has to be a whole number from 1 to %u", variable, key, shown,
               max);
}

static gboolean
is_true (const char *value)
{
  return value != NULL && g_ascii_strcasecmp (value, "true") == 0;
}

static gboolean
instance_choose_address (Instance *self,
                         GError **error)
{
  const char *address = instance_get (self, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
  const char *mode = instance_get (self, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                                   "ec2_metadata_service_endpoint_mode");
  gboolean is_ipv6 = is_true (instance_get (self, "AWS_IMDS_USE_IPV6", "imds_use_ipv6"));
  g_autoptr (GUri) uri = NULL;
  g_autofree char *shown = NULL;

  if (mode != NULL)
    {
      is_ipv6 = g_ascii_strcasecmp (mode, "ipv6") == 0;
      shown = ist_text_make_safe (mode, -1, MAX_SHOWN);
      if (!is_ipv6 && g_ascii_strcasecmp (mode, "ipv4") != 0)
        return fail (error, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
                     "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE, or that of the profile, is “%s”, but has to be IPv4 or "
                     "IPv6",
                     shown);
    }
  if (address == NULL || *address == '\0')
    address = is_ipv6 ? INSTANCE_ADDRESS_IPV6 : INSTANCE_ADDRESS;
  uri = parse_address ("AWS_EC2_METADATA_SERVICE_ENDPOINT, or that of the profile,", address, error);
  if (uri == NULL)
    return FALSE;
  self->address = g_strconcat (address, g_str_has_suffix (address, "/") ? "" : "/", NULL);
  return TRUE;
}

static void G_GNUC_PRINTF (2, 3)
  instance_note (Instance *self,
                 const char *format,
                 ...)
{
  va_list args;

  va_start (args, format);
  g_free (self->trouble);
  self->trouble = g_strdup_vprintf (format, args);
  va_end (args);
}

/* NULL if there was no whole answer, which is noted. */
static char *
instance_fetch (Instance *self,
                const char *method,
                const char *path,
                const char *const *headers,
                guint *status,
                gboolean *has_timed_out)
{
  g_autofree char *address = g_strconcat (self->address, path, NULL);
  g_autoptr (GUri) uri = g_uri_parse (address, SOUP_HTTP_URI_FLAGS, NULL);
  g_autoptr (GError) error = NULL;
  char *body;

  *status = 0;
  *has_timed_out = FALSE;
  if (uri == NULL)
    return NULL;
  body = ist_operator_fetch (method, uri, headers, self->timeout * 1000, self->cancellable, status, &error);
  if (body == NULL)
    instance_note (self, "%s", error->message);
  else if (*status != SOUP_STATUS_OK)
    instance_note (self, "it answers with status %u", *status);
  *has_timed_out = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  return body;
}

/* FALSE if it does not want to be asked. Older services know no tokens. */
static gboolean
instance_fetch_token (Instance *self)
{
  const char *const headers[] = { TOKEN_HEADER "-ttl-seconds", TOKEN_LIFETIME, NULL };

  for (guint i = 0; i < self->attempts && !g_cancellable_is_cancelled (self->cancellable); i++)
    {
      gboolean has_timed_out;
      guint status;
      char *body = instance_fetch (self, "PUT", TOKEN_PATH, headers, &status, &has_timed_out);

      if (body != NULL && status == SOUP_STATUS_OK && can_be_sent (body))
        {
          self->token = body;
          return TRUE;
        }
      ist_secret_free (body);
      if (status == SOUP_STATUS_BAD_REQUEST)
        return FALSE;
      if (has_timed_out || status == SOUP_STATUS_NOT_FOUND || status == SOUP_STATUS_FORBIDDEN ||
          status == SOUP_STATUS_METHOD_NOT_ALLOWED)
        return TRUE;
    }
  return TRUE;
}

/* NULL if there is no good answer, or an empty one. */
static char *
instance_get_text (Instance *self,
                   const char *path)
{
  const char *const headers[] = { TOKEN_HEADER, self->token, NULL };

  for (guint i = 0; i < self->attempts && !g_cancellable_is_cancelled (self->cancellable); i++)
    {
      gboolean has_timed_out;
      guint status;
      char *body = instance_fetch (self, "GET", path, headers, &status, &has_timed_out);

      if (body != NULL && status == SOUP_STATUS_OK && *body != '\0')
        return body;
      ist_secret_free (body);
    }
  return NULL;
}

static void
extend (IstOperatorFound *found)
{
  gint64 now = g_get_real_time ();
  gint64 later = now + (EXTENSION + g_random_int_range (MIN_JITTER, MAX_JITTER + 1)) * G_USEC_PER_SEC;

  found->expires_at = MAX (found->expires_at, later);
}

static IstOperatorFound *
instance_ask_for_role (Instance *self,
                       const char *role)
{
  g_autofree char *name = g_uri_escape_string (role, "/", FALSE);
  g_autofree char *path = g_strconcat (ROLE_PATH, name, NULL);
  g_autoptr (GError) error = NULL;
  IstOperatorFound *found;
  char *text = instance_get_text (self, path);

  if (text == NULL)
    return NULL;
  found = ist_operator_found_parse ("instance", "it", text, IST_OPERATOR_ANSWER_OF_METADATA, &error);
  ist_secret_free (text);
  if (found != NULL)
    extend (found);
  else
    instance_note (self, "%s", error->message);
  return found;
}

static IstOperatorFound *
instance_ask (Instance *self)
{
  g_autofree char *role = NULL;

  if (!instance_fetch_token (self))
    return NULL;
  if (self->token == NULL && is_true (instance_get (self, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled")))
    return NULL;
  role = instance_get_text (self, ROLE_PATH);
  return role != NULL ? instance_ask_for_role (self, g_strstrip (role)) : NULL;
}

static void
instance_clear (Instance *self)
{
  g_free (self->address);
  g_free (self->trouble);
  ist_secret_free (self->token);
}

IstOperatorFound *
ist_operator_metadata_ask_instance (const char *const *environment,
                                    const IstOperatorProfile *profile,
                                    GCancellable *cancellable,
                                    char **why,
                                    GError **error)
{
  Instance self = { environment, profile, cancellable };
  IstOperatorFound *found = NULL;

  *why = NULL;
  if (is_true (g_environ_getenv ((char **) environment, "AWS_EC2_METADATA_DISABLED")))
    {
      *why = g_strdup ("AWS_EC2_METADATA_DISABLED forbids to ask this machine for its own");
      return NULL;
    }
  if (instance_choose_address (&self, error) &&
      instance_get_number (&self, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", MAX_TIMEOUT,
                           &self.timeout, error) &&
      instance_get_number (&self, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", MAX_ATTEMPTS,
                           &self.attempts, error))
    {
      found = instance_ask (&self);
      if (found == NULL && !g_cancellable_set_error_if_cancelled (cancellable, error))
        *why = g_strdup_printf ("this machine has none, for its metadata service at %s is not there or has no role: %s",
                                self.address, self.trouble != NULL ? self.trouble : "it does not answer as one");
    }
  instance_clear (&self);
  return found;
}
