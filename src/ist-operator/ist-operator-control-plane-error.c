/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-control-plane-error-private.h"

/* It knows nothing of macros without a semicolon. */
/* clang-format off */
G_DEFINE_ENUM_TYPE (IstOperatorControlPlaneError, ist_operator_control_plane_error,
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CONTROL_PLANE_ERROR_FAILED, "failed"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING, "invalid-setting"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CONTROL_PLANE_ERROR_NO_REGION, "no-region"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS, "no-credentials"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CONTROL_PLANE_ERROR_CREDENTIALS_EXPIRED, "credentials-expired"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CONTROL_PLANE_ERROR_ACCESS_DENIED, "access-denied"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_FOUND, "not-found"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_REQUEST, "invalid-request"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CONTROL_PLANE_ERROR_LIMIT_EXCEEDED, "limit-exceeded"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CONTROL_PLANE_ERROR_THROTTLED, "throttled"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CONTROL_PLANE_ERROR_SERVICE_FAILURE, "service-failure"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CONTROL_PLANE_ERROR_UNREACHABLE, "unreachable"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CONTROL_PLANE_ERROR_NOT_THE_SERVICE, "not-the-service"))
/* clang-format on */

typedef struct
{
  char *aws_type;
  char *aws_message;
  char *request_id;
  gboolean may_be_done;
} IstOperatorControlPlaneErrorPrivate;

static void
ist_operator_control_plane_error_private_init (IstOperatorControlPlaneErrorPrivate *priv)
{
}

static void
ist_operator_control_plane_error_private_copy (const IstOperatorControlPlaneErrorPrivate *from,
                                               IstOperatorControlPlaneErrorPrivate *to)
{
  to->aws_type = g_strdup (from->aws_type);
  to->aws_message = g_strdup (from->aws_message);
  to->request_id = g_strdup (from->request_id);
  to->may_be_done = from->may_be_done;
}

static void
ist_operator_control_plane_error_private_clear (IstOperatorControlPlaneErrorPrivate *priv)
{
  g_free (priv->aws_type);
  g_free (priv->aws_message);
  g_free (priv->request_id);
}

/**
 * ist_operator_control_plane_error_quark:
 *
 * Gets the domain of the errors that [error@IstOperator.ControlPlaneError] lists.
 *
 * Returns: the error domain
 *
 * Since: 1.0
 */

/* What is private lies before the error, where GLib has aligned it. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-align"
/* clang-format off */
G_DEFINE_EXTENDED_ERROR (IstOperatorControlPlaneError, ist_operator_control_plane_error)
/* clang-format on */
#pragma GCC diagnostic pop

GError *
ist_operator_control_plane_error_new (IstOperatorControlPlaneError code,
                                      const char *aws_type,
                                      const char *aws_message,
                                      const char *request_id,
                                      const char *format,
                                      ...)
{
  IstOperatorControlPlaneErrorPrivate *priv;
  GError *error;
  va_list args;

  va_start (args, format);
  error = g_error_new_valist (IST_OPERATOR_CONTROL_PLANE_ERROR, code, format, args);
  va_end (args);
  priv = ist_operator_control_plane_error_get_private (error);
  priv->aws_type = g_strdup (aws_type);
  priv->aws_message = g_strdup (aws_message);
  priv->request_id = g_strdup (request_id);
  return error;
}

void
ist_operator_control_plane_error_set_may_be_done (GError *error)
{
  g_assert (error->domain == IST_OPERATOR_CONTROL_PLANE_ERROR);

  ist_operator_control_plane_error_get_private (error)->may_be_done = TRUE;
}

static const IstOperatorControlPlaneErrorPrivate *
get_private (const GError *error)
{
  static const IstOperatorControlPlaneErrorPrivate none;

  return error->domain == IST_OPERATOR_CONTROL_PLANE_ERROR ? ist_operator_control_plane_error_get_private (error)
                                                           : &none;
}

gboolean
ist_operator_control_plane_error_get_may_be_done (const GError *error)
{
  return get_private (error)->may_be_done;
}

/**
 * ist_operator_control_plane_error_get_aws_type:
 * @error: an error
 *
 * Gets the service's own name for an error, such as "ResourceNotFoundException".
 *
 * Returns: (nullable): the name; %NULL if the error is not one that the service has sent
 *
 * Since: 1.0
 */
const char *
ist_operator_control_plane_error_get_aws_type (const GError *error)
{
  g_return_val_if_fail (error != NULL, NULL);
  return get_private (error)->aws_type;
}

/**
 * ist_operator_control_plane_error_get_aws_message:
 * @error: an error
 *
 * Gets what the service has said of an error. It is a text of somebody else's: valid
 * UTF-8, but to be escaped before it is shown.
 *
 * Returns: (nullable): the text; %NULL if the error is not one that the service has sent
 *
 * Since: 1.0
 */
const char *
ist_operator_control_plane_error_get_aws_message (const GError *error)
{
  g_return_val_if_fail (error != NULL, NULL);
  return get_private (error)->aws_message;
}

/**
 * ist_operator_control_plane_error_get_request_id:
 * @error: an error
 *
 * Gets the id of the request that the service has refused, which AWS's support asks for.
 *
 * Returns: (nullable): the id; %NULL if the service has given none
 *
 * Since: 1.0
 */
const char *
ist_operator_control_plane_error_get_request_id (const GError *error)
{
  g_return_val_if_fail (error != NULL, NULL);
  return get_private (error)->request_id;
}
