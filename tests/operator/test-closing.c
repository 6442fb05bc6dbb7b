/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Credentials that expire while a client closes: what it has opened is paid for until the
 * service has heard of that.
 */

#include "giver.h"
#include "operating.h"

/* A tunnel has been opened with the first credentials, and the second are there. */
static TestOperating *
open_with (TestGiver *giver)
{
  g_autoptr (IstOperatorCredentials) credentials = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = NULL;
  TestOperating *operating;

  test_giver_init (giver);
  test_giver_give (giver, "A", 60);
  credentials = ist_operator_credentials_new (NULL);
  operating = test_operating_new_for (credentials);
  connection = test_connect (operating, "SSH", &error);
  g_assert_no_error (error);
  test_exchange (connection, "hello");
  g_assert_cmpuint (test_giver_count_runs (giver), ==, 1);
  return operating;
}

static void
check_closed (TestOperating *operating,
              const char *id,
              guint n_calls)
{
  IstOperatorCredentials *credentials = ist_operator_control_plane_get_credentials (operating->control_plane);

  g_assert_cmpstr (ist_operator_credentials_get_access_key_id (credentials), ==, id);
  g_assert_cmpuint (test_operating_count (operating, "CloseTunnel"), ==, n_calls);
  g_assert_cmpuint (test_operating_count_open (operating), ==, 0);
}

static void
test_renewed (void)
{
  g_auto (TestGiver) giver = { NULL };
  g_autoptr (TestOperating) operating = open_with (&giver);
  g_autoptr (GError) error = NULL;

  test_operating_fail (operating, "CloseTunnel", "ExpiredTokenException", 1);
  test_giver_give (&giver, "B", 60);
  g_assert_true (test_close_client (operating, &error));
  g_assert_no_error (error);
  check_closed (operating, "B", 2);
}

/* Who gives them has none at that moment. */
static void
test_renewed_late (void)
{
  g_auto (TestGiver) giver = { NULL };
  g_autoptr (TestOperating) operating = open_with (&giver);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  test_operating_fail (operating, "CloseTunnel", "ExpiredTokenException", 1);
  test_giver_fail (&giver);
  ist_operator_client_close_async (operating->client, NULL, test_store_result, &result);
  test_wait (test_giver_count_runs (&giver) == 2);
  test_giver_give (&giver, "A", -1);
  test_wait (test_giver_count_runs (&giver) == 3);
  g_assert_null (result);
  test_giver_give (&giver, "B", 60);
  test_wait (result != NULL);
  g_assert_true (ist_operator_client_close_finish (operating->client, result, &error));
  g_assert_no_error (error);
  check_closed (operating, "B", 2);
}

/* They expire between two attempts, and nobody has to say so. */
static void
test_renewed_in_between (void)
{
  g_auto (TestGiver) giver = { NULL };
  g_autoptr (TestOperating) operating = open_with (&giver);
  IstOperatorCredentials *credentials = ist_operator_control_plane_get_credentials (operating->control_plane);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  ist_operator_credentials_forget (credentials);
  test_giver_give (&giver, "B", 5);
  test_operating_fail (operating, "CloseTunnel", "InternalFailure", G_MAXUINT);
  ist_operator_client_close_async (operating->client, NULL, test_store_result, &result);
  test_wait (test_operating_count (operating, "CloseTunnel") > 0);
  test_giver_give (&giver, "C", 60);
  test_operating_fail (operating, "CloseTunnel", NULL, 0);
  test_wait (result != NULL);
  g_assert_true (ist_operator_client_close_finish (operating->client, result, &error));
  g_assert_no_error (error);
  check_closed (operating, "C", test_operating_count (operating, "CloseTunnel"));
}

/* Those that were given don't get any better: whoever waits is told at once. */
static void
test_given (void)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (IstConnection) connection = test_connect (operating, "SSH", &error);

  g_assert_no_error (error);
  test_exchange (connection, "hello");
  test_operating_fail (operating, "CloseTunnel", "ExpiredTokenException", 1);
  g_assert_false (test_close_client (operating, &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_CREDENTIALS_EXPIRED);
  g_assert_cmpuint (test_operating_count (operating, "CloseTunnel"), ==, 1);
}

int
main (int argc,
      char *argv[])
{
  g_auto (GStrv) names = g_listenv ();

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; names[i] != NULL; i++)
    {
      if (g_str_has_prefix (names[i], "AWS"))
        g_unsetenv (names[i]);
    }
  g_test_add_func ("/operator/closing/renewed", test_renewed);
  g_test_add_func ("/operator/closing/renewed-late", test_renewed_late);
  g_test_add_func ("/operator/closing/renewed-in-between", test_renewed_in_between);
  g_test_add_func ("/operator/closing/given", test_given);
  return g_test_run ();
}
