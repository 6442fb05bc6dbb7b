/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Answers that get lost, tell of a failure, or come late: no tunnel is paid for twice, and
 * none stays open for nobody.
 */

#include <string.h>

#include "operating.h"

/* What was opened is there, though nobody was told. */
typedef struct
{
  const char *name;
  const char *error_type;
  gboolean gives_up;
} Loss;

static const Loss losses[] = {
  { "used", "disconnect", FALSE },
  { "given-up", "disconnect", TRUE },
  { "failed-and-used", "InternalFailure", FALSE },
  { "failed-and-given-up", "InternalFailure", TRUE },
};

static void
lose_answers (TestOperating *operating,
              const char *operation,
              const char *error_type)
{
  g_assert_true (ist_emulator_service_lose_answers (operating->service, operation, error_type, 1, NULL));
}

static void
test_answer_lost (gconstpointer data)
{
  const Loss *loss = data;
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) closed = NULL;
  g_autoptr (IstConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  lose_answers (operating, "OpenTunnel", loss->error_type);
  lose_answers (operating, "CloseTunnel", loss->error_type);
  ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, NULL, test_store_result, &result);
  if (loss->gives_up)
    ist_operator_client_close_async (operating->client, NULL, test_store_result, &closed);
  test_wait (result != NULL);
  connection = ist_operator_client_connect_finish (operating->client, result, &error);
  if (!loss->gives_up)
    {
      g_assert_no_error (error);
      test_exchange (connection, "hello");
      ist_operator_client_close_async (operating->client, NULL, test_store_result, &closed);
    }
  test_wait (closed != NULL);
  g_assert_true (ist_operator_client_close_finish (operating->client, closed, NULL));
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
  g_assert_cmpuint (test_operating_count_open (operating), ==, 0);
}

/* Who may not look is told what there may be. */
static void
test_lost_not_found (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;

  lose_answers (operating, "OpenTunnel", "InternalFailure");
  test_operating_fail (operating, "ListTunnels", "AccessDeniedException", 1);
  g_assert_null (test_connect (operating, "SSH", &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_SERVICE_FAILURE);
  g_assert_nonnull (strstr (error->message, "a tunnel may be open that nobody uses"));
  g_assert_nonnull (strstr (error->message, "AccessDenied"));
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
}

/* There is none, as far as anybody can see. */
static void
test_opening_fails (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;

  test_operating_fail (operating, "OpenTunnel", "InternalFailure", 1);
  lose_answers (operating, "ListTunnels", "InternalFailure");
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (connection, "hello");
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 2);
  g_assert_cmpuint (test_operating_count_open (operating), ==, 1);
}

static void
test_opening_fails_for_good (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  guint max_attempts;

  g_object_get (operating->control_plane, "max-attempts", &max_attempts, NULL);
  test_operating_fail (operating, "OpenTunnel", "InternalFailure", G_MAXUINT);
  g_assert_null (test_connect (operating, "SSH", &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_SERVICE_FAILURE);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, max_attempts);
  test_wait (ist_operator_client_get_n_tunnels (operating->client) == 0);
}

/* Between two attempts, when no call is under way. */
static void
test_opening_given_up (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  test_operating_fail (operating, "OpenTunnel", "InternalFailure", 1);
  ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, cancellable, test_store_result,
                                     &result);
  test_wait (test_operating_count (operating, "ListTunnels") == 1);
  test_wait (ist_operator_control_plane_get_n_calls (operating->control_plane) == 0);
  test_settle ();
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  g_assert_null (ist_operator_client_connect_finish (operating->client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  test_wait (ist_operator_client_get_n_tunnels (operating->client) == 0);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
}

/* Answers that come when nobody waits any more: what they tell of is closed. */

static void
delay_opening (TestOperating *operating)
{
  g_assert_true (ist_emulator_service_delay_answers (operating->service, "OpenTunnel", 300, 1, NULL));
}

static void
check_closed (TestOperating *operating)
{
  test_wait (test_operating_count_open (operating) == 0);
  g_assert_cmpuint (test_operating_count (operating, "OpenTunnel"), ==, 1);
  g_assert_cmpuint (test_operating_count (operating, "CloseTunnel"), ==, 1);
}

static void
test_late_cancelled (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  delay_opening (operating);
  ist_operator_client_set_linger (operating->client, 0);
  ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, cancellable, test_store_result,
                                     &result);
  test_wait (test_operating_count (operating, "OpenTunnel") == 1);
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  g_assert_null (ist_operator_client_connect_finish (operating->client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  check_closed (operating);
}

static void
test_late_closed (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  delay_opening (operating);
  ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, NULL, test_store_result, &result);
  test_wait (test_operating_count (operating, "OpenTunnel") == 1);
  g_assert_true (test_close_client (operating, &error));
  g_assert_no_error (error);
  g_assert_null (ist_operator_client_connect_finish (operating->client, result, &error));
  g_assert_error (error, IST_OPERATOR_CLIENT_ERROR, IST_OPERATOR_CLIENT_ERROR_CLOSED);
  check_closed (operating);
}

static void
test_late_control_plane (void)
{
  static const char *const services[] = { "SSH", NULL };
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  delay_opening (operating);
  ist_operator_control_plane_open_tunnel_async (operating->control_plane, TEST_THING, services, NULL, 0, NULL,
                                                cancellable, test_store_result, &result);
  test_wait (test_operating_count (operating, "OpenTunnel") == 1);
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  g_assert_null (ist_operator_control_plane_open_tunnel_finish (operating->control_plane, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  check_closed (operating);
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (losses); i++)
    {
      g_autofree char *path = g_strdup_printf ("/operator/answers/lost/%s", losses[i].name);

      g_test_add_data_func (path, &losses[i], test_answer_lost);
    }
  g_test_add_func ("/operator/answers/lost/not-found", test_lost_not_found);
  g_test_add_func ("/operator/answers/failure/some-times", test_opening_fails);
  g_test_add_func ("/operator/answers/failure/for-good", test_opening_fails_for_good);
  g_test_add_func ("/operator/answers/failure/given-up", test_opening_given_up);
  g_test_add_func ("/operator/answers/late/cancelled", test_late_cancelled);
  g_test_add_func ("/operator/answers/late/closed", test_late_closed);
  g_test_add_func ("/operator/answers/late/control-plane", test_late_control_plane);
  return g_test_run ();
}
