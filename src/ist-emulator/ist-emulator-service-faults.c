/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-service-private.h"

/* What tests have the service's API do, and what they see of it. */

/**
 * ist_emulator_service_fail_operations:
 * @self: a service
 * @operation: (nullable): which operation, such as `OpenTunnel`, or %NULL for any
 * @error_type: (nullable): with which error, such as `ThrottlingException`, or %NULL
 *   to fail no more
 * @count: how many calls, %G_MAXUINT for all until told otherwise
 * @error: return location for an error
 *
 * Has the next calls of the service's API fail, so that tests see how a client
 * copes. They do nothing; the answer is the error, with the HTTP status that AWS
 * sends with it. See [method@IstEmulator.Service.lose_answers] for calls that do
 * their work.
 *
 * There are `ThrottlingException`, `LimitExceededException`,
 * `ExpiredTokenException`, `UnrecognizedClientException`,
 * `InvalidSignatureException`, `AccessDeniedException`,
 * `ResourceNotFoundException`, `ValidationException`, `InternalFailure` (with
 * status 500), `ServiceUnavailable` (503), and `disconnect`: the connection is
 * closed, without an answer.
 *
 * It takes the place of what was asked for the same @operation before, here or with
 * [method@IstEmulator.Service.lose_answers]. What was asked for one operation goes
 * before what was asked for any. Only requests that are signed count. Methods of the
 * service itself never fail so.
 *
 * Returns: %TRUE on success; otherwise %IST_TUNNEL_ERROR_INVALID_SETTING for an
 *   operation or an error that there is not
 *
 * Since: 1.0
 */
gboolean
ist_emulator_service_fail_operations (IstEmulatorService *self,
                                      const char *operation,
                                      const char *error_type,
                                      guint count,
                                      GError **error)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), FALSE);

  return ist_emulator_faults_set (ist_emulator_control_get_faults (self->control), operation, FALSE, error_type, count,
                                  error);
}

/**
 * ist_emulator_service_lose_answers:
 * @self: a service
 * @operation: (nullable): which operation, such as `OpenTunnel`, or %NULL for any
 * @error_type: (nullable): which error is said instead, such as `InternalFailure`,
 *   or `disconnect` for none, or %NULL to lose no more
 * @count: how many answers, %G_MAXUINT for all until told otherwise
 * @error: return location for an error
 *
 * Has the next calls of the service's API do their work, but the client not hear of
 * it: an error is the answer, or none, as when a connection breaks. A tunnel may
 * have been opened then, or closed.
 *
 * All else is as with [method@IstEmulator.Service.fail_operations].
 *
 * Returns: %TRUE on success; otherwise %IST_TUNNEL_ERROR_INVALID_SETTING for an
 *   operation or an error that there is not
 *
 * Since: 1.0
 */
gboolean
ist_emulator_service_lose_answers (IstEmulatorService *self,
                                   const char *operation,
                                   const char *error_type,
                                   guint count,
                                   GError **error)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), FALSE);

  return ist_emulator_faults_set (ist_emulator_control_get_faults (self->control), operation, TRUE, error_type, count,
                                  error);
}

/**
 * ist_emulator_service_delay_answers:
 * @self: a service
 * @operation: (nullable): which operation, such as `OpenTunnel`, or %NULL for any
 * @milliseconds: by how much, or 0 to delay no more
 * @count: how many answers, %G_MAXUINT for all until told otherwise
 * @error: return location for an error
 *
 * Has the next calls of the service's API do their work at once, but answers them
 * later. An error that was asked for with
 * [method@IstEmulator.Service.fail_operations] or
 * [method@IstEmulator.Service.lose_answers] comes as late.
 *
 * It takes the place of the delay that was asked for the same @operation before.
 * What was asked for one operation goes before what was asked for any. Only requests
 * that are signed count.
 *
 * Returns: %TRUE on success; otherwise %IST_TUNNEL_ERROR_INVALID_SETTING for an
 *   operation that there is not
 *
 * Since: 1.0
 */
gboolean
ist_emulator_service_delay_answers (IstEmulatorService *self,
                                    const char *operation,
                                    guint milliseconds,
                                    guint count,
                                    GError **error)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), FALSE);

  return ist_emulator_faults_set_delay (ist_emulator_control_get_faults (self->control), operation, milliseconds,
                                        count, error);
}

/**
 * ist_emulator_service_count_operations:
 * @self: a service
 * @operation: (nullable): which operation, such as `OpenTunnel`, or %NULL for all
 *   together
 *
 * Gets how often clients have called an operation of the service's API since the
 * service was made, with or without success. See
 * [signal@IstEmulator.Service::operation] for each as it happens.
 *
 * Returns: the number of calls
 *
 * Since: 1.0
 */
guint64
ist_emulator_service_count_operations (IstEmulatorService *self,
                                       const char *operation)
{
  g_return_val_if_fail (IST_EMULATOR_IS_SERVICE (self), 0);

  return ist_emulator_control_get_n_calls (self->control, operation);
}
