/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <ist-operator/ist-operator-client-error.h>

/**
 * ist_operator_client_error_quark:
 *
 * Gets the domain of the errors that [error@IstOperator.ClientError] lists.
 *
 * Returns: the error domain
 *
 * Since: 1.0
 */

/* It knows nothing of macros without a semicolon. */
/* clang-format off */
G_DEFINE_QUARK (ist-operator-client-error-quark, ist_operator_client_error)

G_DEFINE_ENUM_TYPE (IstOperatorClientError, ist_operator_client_error,
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CLIENT_ERROR_INVALID_ARGUMENT, "invalid-argument"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CLIENT_ERROR_DEVICE_NOT_CONNECTED, "device-not-connected"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CLIENT_ERROR_SERVICE_NOT_AVAILABLE, "service-not-available"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CLIENT_ERROR_TUNNEL_NOT_CONNECTED, "tunnel-not-connected"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CLIENT_ERROR_CLOSED, "closed"),
                    G_DEFINE_ENUM_VALUE (IST_OPERATOR_CLIENT_ERROR_TOO_MANY, "too-many"))
/* clang-format on */
