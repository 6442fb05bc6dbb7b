/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-control-private.h"

#include <string.h>

#include "ist-emulator/ist-emulator-operation-private.h"
#include "ist-emulator/ist-emulator-shape-private.h"

#define TARGET_PREFIX "IoTSecuredTunneling."
#define CONTENT_TYPE "application/x-amz-json-1.1"
#define REGISTRY_CONTENT_TYPE "application/json"

/* The form of a SigV4 signature. Who signed, and with what, is not looked at. */
#define AUTHORIZATION_PATTERN(service)                                                   \
  "^AWS4-HMAC-SHA256 Credential=[^/, ]+/[0-9]{8}/[a-z0-9-]+/" service "/aws4_request, *" \
  "SignedHeaders=[a-z0-9;-]+, *Signature=[0-9a-f]{64}$"

/* What a service of AWS's is like. */
typedef struct
{
  const char *authorization;
  const char *name; /* in signatures */
  const char *content_type;
} Manner;

static const Manner tunneling = { AUTHORIZATION_PATTERN ("IoTSecuredTunneling"), "IoTSecuredTunneling", CONTENT_TYPE };
/* SDKs differ in what they sign for. */
static const Manner things = { AUTHORIZATION_PATTERN ("(iot|execute-api)"), "iot", REGISTRY_CONTENT_TYPE };

static const char *const error_types[] = {
  [IST_EMULATOR_CONTROL_ERROR_SERIALIZATION] = "SerializationException",
  [IST_EMULATOR_CONTROL_ERROR_VALIDATION] = "ValidationException",
  [IST_EMULATOR_CONTROL_ERROR_NOT_FOUND] = "ResourceNotFoundException",
  [IST_EMULATOR_CONTROL_ERROR_LIMIT_EXCEEDED] = "LimitExceededException",
  [IST_EMULATOR_CONTROL_ERROR_UNKNOWN_OPERATION] = "UnknownOperationException",
  [IST_EMULATOR_CONTROL_ERROR_NO_AUTHENTICATION] = "MissingAuthenticationTokenException",
  [IST_EMULATOR_CONTROL_ERROR_INCOMPLETE_SIGNATURE] = "IncompleteSignatureException",
  [IST_EMULATOR_CONTROL_ERROR_INTERNAL] = "InternalFailure",
};

struct _IstEmulatorControl
{
  IstEmulatorRegistry *registry;
  IstEmulatorControlFunc answered;
  gpointer user_data;
  IstEmulatorFaults *faults;
  GHashTable *calls; /* of guint64, by operation */
};

IstEmulatorControl *
ist_emulator_control_new (IstEmulatorRegistry *registry,
                          IstEmulatorControlFunc answered,
                          gpointer user_data)
{
  IstEmulatorControl *self = g_new0 (IstEmulatorControl, 1);

  self->registry = registry;
  self->answered = answered;
  self->user_data = user_data;
  self->faults = ist_emulator_faults_new ();
  self->calls = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  return self;
}

void
ist_emulator_control_free (IstEmulatorControl *self)
{
  ist_emulator_faults_free (self->faults);
  g_hash_table_unref (self->calls);
  g_free (self);
}

IstEmulatorFaults *
ist_emulator_control_get_faults (IstEmulatorControl *self)
{
  return self->faults;
}

static void
control_count_call (IstEmulatorControl *self,
                    const char *operation)
{
  guint64 *n = g_hash_table_lookup (self->calls, operation);

  if (n == NULL)
    {
      n = g_new0 (guint64, 1);
      g_hash_table_insert (self->calls, (char *) operation, n);
    }
  (*n)++;
}

guint64
ist_emulator_control_get_n_calls (IstEmulatorControl *self,
                                  const char *operation)
{
  guint64 sum = 0;
  GHashTableIter iter;
  const char *name;
  guint64 *n;

  g_hash_table_iter_init (&iter, self->calls);
  while (g_hash_table_iter_next (&iter, (gpointer *) &name, (gpointer *) &n))
    {
      if (operation == NULL || strcmp (name, operation) == 0)
        sum += *n;
    }
  return sum;
}

static const Manner *
get_manner (const IstEmulatorOperation *operation)
{
  return operation != NULL && ist_emulator_operation_get_path (operation) != NULL ? &things : &tunneling;
}

static const IstEmulatorOperation *
control_find_operation (SoupServerMessage *message,
                        GError **error)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const char *type = soup_message_headers_get_content_type (headers, NULL);
  const char *target = soup_message_headers_get_one (headers, "X-Amz-Target");
  gboolean is_got = soup_server_message_get_method (message) == SOUP_METHOD_GET;
  const IstEmulatorOperation *operation = NULL;

  if (is_got)
    operation = ist_emulator_operation_lookup_path (g_uri_get_path (soup_server_message_get_uri (message)));
  else if (g_strcmp0 (type, CONTENT_TYPE) == 0 && target != NULL && g_str_has_prefix (target, TARGET_PREFIX))
    operation = ist_emulator_operation_lookup (target + strlen (TARGET_PREFIX));
  if (operation != NULL && !is_got && ist_emulator_operation_get_path (operation) != NULL)
    operation = NULL;
  if (operation == NULL)
    g_set_error (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_UNKNOWN_OPERATION,
                 "Needs Content-Type: %s and X-Amz-Target: %sOPERATION with one of the service's operations",
                 CONTENT_TYPE, TARGET_PREFIX);
  return operation;
}

static gboolean
control_check_authorization (SoupMessageHeaders *headers,
                             const Manner *manner,
                             GError **error)
{
  const char *authorization = soup_message_headers_get_one (headers, "Authorization");

  if (authorization == NULL)
    {
      g_set_error_literal (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_NO_AUTHENTICATION,
                           "The request is not signed; any credentials will do, but some are needed");
      return FALSE;
    }
  if (!g_regex_match_simple (manner->authorization, authorization, 0, 0) ||
      soup_message_headers_get_one (headers, "X-Amz-Date") == NULL)
    {
      g_set_error (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_INCOMPLETE_SIGNATURE,
                   "The signature is not of version 4 for the service %s", manner->name);
      return FALSE;
    }
  return TRUE;
}

static JsonObject *
control_run (IstEmulatorControl *self,
             const IstEmulatorOperation *operation,
             SoupServerMessage *message,
             GBytes *body,
             GError **error)
{
  if (get_manner (operation) == &things)
    {
      const char *query = g_uri_get_query (soup_server_message_get_uri (message));
      g_autoptr (GHashTable) parameters = query != NULL ? soup_form_decode (query) : NULL;
      g_autoptr (GBytes) request = ist_emulator_operation_make_request (operation, parameters);

      return ist_emulator_operation_run (operation, self->registry, request, error);
    }
  if (body == NULL)
    {
      g_set_error (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_SERIALIZATION,
                   "The request is longer than %d bytes", IST_EMULATOR_CONTROL_MAX_REQUEST);
      return NULL;
    }

  return ist_emulator_operation_run (operation, self->registry, body, error);
}

/* The registry speaks of its own errors. */
static IstEmulatorControlError
control_classify_error (const GError *error)
{
  if (error->domain == IST_EMULATOR_CONTROL_ERROR)
    return error->code;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return IST_EMULATOR_CONTROL_ERROR_NOT_FOUND;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    return IST_EMULATOR_CONTROL_ERROR_LIMIT_EXCEEDED;
  if (g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING) ||
      g_error_matches (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED))
    return IST_EMULATOR_CONTROL_ERROR_VALIDATION;
  return IST_EMULATOR_CONTROL_ERROR_INTERNAL;
}

static IstEmulatorFault
control_describe_error (const GError *error,
                        const Manner *manner)
{
  IstEmulatorControlError code = control_classify_error (error);
  gboolean is_invalid =
    code == IST_EMULATOR_CONTROL_ERROR_VALIDATION || code == IST_EMULATOR_CONTROL_ERROR_SERIALIZATION;

  return (IstEmulatorFault){
    .type = is_invalid && manner == &things ? "InvalidRequestException" : error_types[code],
    .status = code == IST_EMULATOR_CONTROL_ERROR_INTERNAL ? SOUP_STATUS_INTERNAL_SERVER_ERROR
                                                          : SOUP_STATUS_BAD_REQUEST,
    .message = error->message,
  };
}

/* @answer: (transfer full) */
static void
control_respond (SoupServerMessage *message,
                 const Manner *manner,
                 const char *request_id,
                 guint status,
                 JsonObject *answer)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  gsize length;
  char *text;

  json_node_take_object (root, answer);
  json_generator_set_root (generator, root);
  text = json_generator_to_data (generator, &length);

  soup_message_headers_replace (soup_server_message_get_response_headers (message), "x-amzn-RequestId",
                                request_id);
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, manner->content_type, SOUP_MEMORY_TAKE, text, length);
}

static void
control_refuse (SoupServerMessage *message,
                const Manner *manner,
                const char *request_id,
                const IstEmulatorFault *fault)
{
  JsonObject *answer = json_object_new ();

  g_debug ("Request %s refused: %s: %s", request_id, fault->type, fault->message);
  if (manner == &things)
    soup_message_headers_replace (soup_server_message_get_response_headers (message), "x-amzn-ErrorType",
                                  fault->type);
  else
    json_object_set_string_member (answer, "__type", fault->type);
  json_object_set_string_member (answer, "message", fault->message);
  control_respond (message, manner, request_id, fault->status, answer);
}

IstEmulatorDelivery
ist_emulator_control_handle (IstEmulatorControl *self,
                             SoupServerMessage *message,
                             GBytes *body)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  g_autofree char *id = g_uuid_string_random ();
  g_autoptr (GError) error = NULL;
  const IstEmulatorOperation *operation = control_find_operation (message, &error);
  const Manner *manner = get_manner (operation);
  const char *name = operation != NULL ? ist_emulator_operation_get_name (operation) : NULL;
  g_autoptr (JsonObject) answer = NULL;
  IstEmulatorOutcome outcome = { NULL };
  IstEmulatorFault fault = { NULL };
  IstEmulatorDelivery delivery = { 0 };

  if (operation != NULL)
    control_count_call (self, name);
  if (operation != NULL && control_check_authorization (headers, manner, &error))
    {
      outcome = ist_emulator_faults_take (self->faults, name);
      if (outcome.fault == NULL || outcome.is_done)
        answer = control_run (self, operation, message, body, &error);
    }

  if (answer != NULL && outcome.fault == NULL)
    {
      control_respond (message, manner, id, SOUP_STATUS_OK, g_steal_pointer (&answer));
    }
  else
    {
      fault = outcome.fault != NULL ? *outcome.fault : control_describe_error (error, manner);
      delivery.is_lost = fault.status == 0;
      if (!delivery.is_lost)
        control_refuse (message, manner, id, &fault);
    }
  delivery.delay = outcome.delay;
  if (operation != NULL)
    self->answered (name, fault.type, self->user_data);
  return delivery;
}
