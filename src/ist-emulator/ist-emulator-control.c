/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-control-private.h"

#include <string.h>

#include "ist-emulator/ist-emulator-operation-private.h"
#include "ist-emulator/ist-emulator-shape-private.h"

#define TARGET_PREFIX "IoTSecuredTunneling."
#define CONTENT_TYPE "application/x-amz-json-1.1"

/* The form of a SigV4 signature. Who signed, and with what, is not looked at. */
#define AUTHORIZATION_PATTERN                                                                    \
  "^AWS4-HMAC-SHA256 Credential=[^/, ]+/[0-9]{8}/[a-z0-9-]+/IoTSecuredTunneling/aws4_request, *" \
  "SignedHeaders=[a-z0-9;-]+, *Signature=[0-9a-f]{64}$"

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

static const IstEmulatorOperation *
control_find_operation (SoupMessageHeaders *headers,
                        GError **error)
{
  const char *type = soup_message_headers_get_content_type (headers, NULL);
  const char *target = soup_message_headers_get_one (headers, "X-Amz-Target");
  const IstEmulatorOperation *operation = NULL;

  if (g_strcmp0 (type, CONTENT_TYPE) == 0 && target != NULL && g_str_has_prefix (target, TARGET_PREFIX))
    operation = ist_emulator_operation_lookup (target + strlen (TARGET_PREFIX));
  if (operation == NULL)
    g_set_error (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_UNKNOWN_OPERATION,
                 "Needs Content-Type: %s and X-Amz-Target: %sOPERATION with one of the service's operations",
                 CONTENT_TYPE, TARGET_PREFIX);
  return operation;
}

static gboolean
control_check_authorization (SoupMessageHeaders *headers,
                             GError **error)
{
  const char *authorization = soup_message_headers_get_one (headers, "Authorization");

  if (authorization == NULL)
    {
      g_set_error_literal (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_NO_AUTHENTICATION,
                           "The request is not signed; any credentials will do, but some are needed");
      return FALSE;
    }
  if (!g_regex_match_simple (AUTHORIZATION_PATTERN, authorization, 0, 0) ||
      soup_message_headers_get_one (headers, "X-Amz-Date") == NULL)
    {
      g_set_error_literal (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_INCOMPLETE_SIGNATURE,
                           "The signature is not of version 4 for the service IoTSecuredTunneling");
      return FALSE;
    }
  return TRUE;
}

static JsonObject *
control_run (IstEmulatorRegistry *registry,
             SoupMessageHeaders *headers,
             GBytes *body,
             GError **error)
{
  const IstEmulatorOperation *operation = control_find_operation (headers, error);

  if (operation == NULL || !control_check_authorization (headers, error))
    return NULL;
  if (body == NULL)
    {
      g_set_error (error, IST_EMULATOR_CONTROL_ERROR, IST_EMULATOR_CONTROL_ERROR_SERIALIZATION,
                   "The request is longer than %d bytes", IST_EMULATOR_CONTROL_MAX_REQUEST);
      return NULL;
    }

  return ist_emulator_operation_run (operation, registry, body, error);
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

static JsonObject *
control_describe_error (const GError *error,
                        guint *status)
{
  IstEmulatorControlError code = control_classify_error (error);
  JsonObject *answer = json_object_new ();

  *status = code == IST_EMULATOR_CONTROL_ERROR_INTERNAL ? SOUP_STATUS_INTERNAL_SERVER_ERROR
                                                        : SOUP_STATUS_BAD_REQUEST;
  json_object_set_string_member (answer, "__type", error_types[code]);
  json_object_set_string_member (answer, "message", error->message);
  return answer;
}

void
ist_emulator_control_handle (IstEmulatorRegistry *registry,
                             SoupServerMessage *message,
                             GBytes *body)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GError) error = NULL;
  g_autofree char *id = g_uuid_string_random ();
  guint status = SOUP_STATUS_OK;
  JsonObject *answer;
  gsize length;
  char *text;

  answer = control_run (registry, soup_server_message_get_request_headers (message), body, &error);
  if (answer == NULL)
    {
      answer = control_describe_error (error, &status);
      g_debug ("Request %s refused: %s", id, error->message);
    }
  json_node_take_object (root, answer);
  json_generator_set_root (generator, root);
  text = json_generator_to_data (generator, &length);

  soup_message_headers_replace (soup_server_message_get_response_headers (message), "x-amzn-RequestId", id);
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, CONTENT_TYPE, SOUP_MEMORY_TAKE, text, length);
}
