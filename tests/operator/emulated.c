/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "emulated.h"

#include "test-util.h"

IstOperatorControlPlane *
test_control_plane_new (const char *url,
                        const char *ca_file,
                        guint max_attempts,
                        guint timeout)
{
  g_autoptr (GError) error = NULL;
  IstOperatorControlPlane *plane =
    g_initable_new (IST_OPERATOR_TYPE_CONTROL_PLANE, NULL, &error, "endpoint-url", url, "ca-file", ca_file,
                    "max-attempts", max_attempts, "timeout", timeout, NULL);

  g_assert_no_error (error);
  return plane;
}

void
emulated_set_up (Emulated *self,
                 gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *url = NULL;

  self->service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "address", "127.0.0.1", "plain", TRUE, NULL);
  ist_emulator_service_start (self->service, &error);
  g_assert_no_error (error);
  url = g_strdup_printf ("http://127.0.0.1:%u", ist_emulator_service_get_port (self->service));
  self->plane = test_control_plane_new (url, NULL, 3, 30);
}

void
emulated_tear_down (Emulated *self,
                    gconstpointer user_data)
{
  test_wait (ist_operator_control_plane_get_n_calls (self->plane) == 0);
  g_object_unref (self->plane);
  ist_emulator_service_stop (self->service);
  test_wait (ist_emulator_service_get_state (self->service) == IST_EMULATOR_SERVICE_STATE_STOPPED);
  g_object_unref (self->service);
}
