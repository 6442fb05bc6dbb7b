/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-refusal-private.h"

#include <string.h>

#include "common/ist-text-private.h"
#include "ist-operator/ist-operator-control-plane-error-private.h"
#include "ist-operator/ist-operator-json-private.h"

/* Of what the service says, in bytes: shown, and kept. */
#define MAX_SHOWN 500
#define MAX_KEPT 4096

/* RFC 6585; libsoup has no name for it. */
#define STATUS_TOO_MANY_REQUESTS 429

#define CODE(name) IST_OPERATOR_CONTROL_PLANE_ERROR_##name
#define REMEDY(name) IST_OPERATOR_REMEDY_##name

#define CHECK_CREDENTIALS "check the AWS credentials"
#define TRY_LATER "try later"

typedef struct
{
  const char *type; /* or how it begins: some services add Exception, some don't */
  IstOperatorControlPlaneError code;
  IstOperatorRemedy remedy;
  const char *advice;
  gboolean needs_permission;
} Kind;

static const Kind kinds[] = {
  { "ExpiredToken", CODE (CREDENTIALS_EXPIRED), REMEDY (CREDENTIALS),
    "the AWS credentials have expired: get new ones" },
  { "RequestExpired", CODE (ACCESS_DENIED), REMEDY (CLOCK), "check this machine's clock" },
  { "RequestTimeTooSkewed", CODE (ACCESS_DENIED), REMEDY (CLOCK), "check this machine's clock" },
  { "RequestInTheFuture", CODE (ACCESS_DENIED), REMEDY (CLOCK), "check this machine's clock" },
  { "InvalidSignature", CODE (ACCESS_DENIED), REMEDY (CLOCK), "check the secret access key, and this machine's clock" },
  { "SignatureDoesNotMatch", CODE (ACCESS_DENIED), REMEDY (CLOCK),
    "check the secret access key, and this machine's clock" },
  { "IncompleteSignature", CODE (ACCESS_DENIED), REMEDY (NONE), CHECK_CREDENTIALS },
  { "MissingAuthenticationToken", CODE (ACCESS_DENIED), REMEDY (NONE), CHECK_CREDENTIALS },
  { "UnrecognizedClient", CODE (ACCESS_DENIED), REMEDY (NONE), CHECK_CREDENTIALS },
  { "InvalidClientTokenId", CODE (ACCESS_DENIED), REMEDY (NONE), CHECK_CREDENTIALS },
  { "OptInRequired", CODE (ACCESS_DENIED), REMEDY (NONE), "this account has not signed up for the service" },
  { "AccessDenied", CODE (ACCESS_DENIED), REMEDY (NONE), .needs_permission = TRUE },
  { "NotAuthorized", CODE (ACCESS_DENIED), REMEDY (NONE), .needs_permission = TRUE },
  { "Unauthorized", CODE (ACCESS_DENIED), REMEDY (NONE), .needs_permission = TRUE },
  { "ResourceNotFound", CODE (NOT_FOUND), REMEDY (NONE),
    "check the name, and whether it is of this region and account" },
  { "Validation", CODE (INVALID_REQUEST), REMEDY (NONE), NULL },
  { "InvalidRequest", CODE (INVALID_REQUEST), REMEDY (NONE), NULL },
  { "InvalidParameter", CODE (INVALID_REQUEST), REMEDY (NONE), NULL },
  { "Serialization", CODE (INVALID_REQUEST), REMEDY (NONE), NULL },
  { "LimitExceeded", CODE (LIMIT_EXCEEDED), REMEDY (NONE), "close tunnels that are not needed, or try later" },
  { "Throttl", CODE (THROTTLED), REMEDY (PATIENCE), TRY_LATER },
  { "RequestThrottled", CODE (THROTTLED), REMEDY (PATIENCE), TRY_LATER },
  { "TooManyRequests", CODE (THROTTLED), REMEDY (PATIENCE), TRY_LATER },
  { "RequestLimitExceeded", CODE (THROTTLED), REMEDY (PATIENCE), TRY_LATER },
  { "BandwidthLimitExceeded", CODE (THROTTLED), REMEDY (PATIENCE), TRY_LATER },
  { "PriorRequestNotComplete", CODE (THROTTLED), REMEDY (PATIENCE), TRY_LATER },
  { "SlowDown", CODE (THROTTLED), REMEDY (PATIENCE), TRY_LATER },
  { "RequestTimeout", CODE (SERVICE_FAILURE), REMEDY (PATIENCE), TRY_LATER },
};

/* Of answers by HTTP status, where the service has given no type, or one that is not
 * known. With a type it is the service that has failed, and says so, if only of its answer.
 * Without, it may be what stands between, and the service has done what it was asked for;
 * only 503 and 429 say that it has not. */
static const Kind *
find_kind_by_status (guint status,
                     gboolean has_type)
{
  static const Kind throttled = { NULL, CODE (THROTTLED), REMEDY (PATIENCE), TRY_LATER };
  static const Kind unavailable = { NULL, CODE (SERVICE_FAILURE), REMEDY (PATIENCE), TRY_LATER };
  static const Kind failed = { NULL, CODE (SERVICE_FAILURE), REMEDY (CAUTION), TRY_LATER };
  static const Kind unclear = { NULL, CODE (SERVICE_FAILURE), REMEDY (REPETITION), TRY_LATER };
  static const Kind refused = { NULL, CODE (FAILED), REMEDY (NONE), NULL };
  static const Kind foreign = { NULL, CODE (NOT_THE_SERVICE), REMEDY (NONE),
                                "check the endpoint URL and the region, and whether a proxy answers in its place" };

  if (status == STATUS_TOO_MANY_REQUESTS)
    return &throttled;
  if (status == SOUP_STATUS_SERVICE_UNAVAILABLE)
    return &unavailable;
  if (status >= 500)
    return has_type ? &failed : &unclear;
  return has_type ? &refused : &foreign;
}

static const Kind *
find_kind (const char *type,
           guint status)
{
  for (gsize i = 0; type != NULL && i < G_N_ELEMENTS (kinds); i++)
    {
      if (g_str_has_prefix (type, kinds[i].type))
        return &kinds[i];
    }
  return find_kind_by_status (status, type != NULL);
}

/* As it is, but no longer than anybody has use for. */
static char *
keep (const char *text)
{
  g_autofree char *start = NULL;

  if (text == NULL)
    return NULL;
  start = g_strndup (text, MAX_KEPT);
  return g_utf8_make_valid (start, -1);
}

/* Some put the name of a service before it, some an address behind it. */
static char *
read_type (SoupMessageHeaders *headers,
           JsonObject *body)
{
  const char *type = ist_operator_json_get_string (body, "__type");
  const char *hash;

  if (type == NULL)
    type = ist_operator_json_get_string (body, "code");
  if (type == NULL)
    type = soup_message_headers_get_one (headers, "x-amzn-ErrorType");
  if (type == NULL)
    return NULL;
  hash = strchr (type, '#');
  if (hash != NULL)
    type = hash + 1;
  if (*type == '\0')
    return NULL;
  return g_strndup (type, MIN (strcspn (type, ":"), MAX_KEPT));
}

IstOperatorRefusal *
ist_operator_refusal_new (guint status,
                          SoupMessageHeaders *headers,
                          JsonObject *body)
{
  IstOperatorRefusal *self = g_new0 (IstOperatorRefusal, 1);
  g_autofree char *type = read_type (headers, body);
  const char *message = ist_operator_json_get_string (body, "message");
  const Kind *kind = find_kind (type, status);

  self->code = kind->code;
  self->remedy = kind->remedy;
  self->advice = kind->advice;
  self->needs_permission = kind->needs_permission;
  self->status = status;
  self->type = keep (type);
  self->message = keep (message != NULL ? message : ist_operator_json_get_string (body, "Message"));
  self->request_id = keep (soup_message_headers_get_one (headers, "x-amzn-RequestId"));
  return self;
}

void
ist_operator_refusal_free (IstOperatorRefusal *self)
{
  g_free (self->type);
  g_free (self->message);
  g_free (self->request_id);
  g_free (self);
}

GError *
ist_operator_refusal_to_error (const IstOperatorRefusal *self,
                               const char *operation,
                               const char *url,
                               const char *circumstances)
{
  /* Policies call the operations of both services so. */
  g_autofree char *permission = g_strdup_printf ("these AWS credentials need the permission iot:%s", operation);
  const char *usual = self->needs_permission ? permission : self->advice;
  const char *advice = circumstances != NULL ? circumstances : usual;
  g_autofree char *in_brackets = advice != NULL ? g_strdup_printf (" (%s)", advice) : g_strdup ("");
  g_autofree char *type = NULL;
  g_autofree char *message = NULL;

  if (self->type == NULL)
    return ist_operator_control_plane_error_new (self->code, NULL, NULL, self->request_id,
                                                 "%s: %s answers with HTTP status %u%s", operation, url, self->status,
                                                 in_brackets);
  type = ist_text_make_safe (self->type, -1, MAX_SHOWN);
  message = ist_text_make_safe (self->message != NULL ? self->message : "", -1, MAX_SHOWN);
  return ist_operator_control_plane_error_new (self->code, self->type, self->message, self->request_id,
                                               "%s: %s%s%s%s", operation, type, *message != '\0' ? ": " : "", message,
                                               in_brackets);
}
