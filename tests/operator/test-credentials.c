/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* When credentials are looked for, and for whom. They are those of a script, which counts
 * how often it is run; test-credentials-botocore.py has all the other places. */

#include "giver.h"
#include "ist-operator/ist-operator-control-plane-error.h"
#include "ist-operator/ist-operator-credentials-private.h"
#include "test-util.h"

#define MINUTE G_TIME_SPAN_MINUTE

typedef struct
{
  TestGiver giver;
  IstOperatorCredentials *credentials;
  guint n_notified;
} Fixture;

static void
on_notify (GObject *object,
           GParamSpec *property,
           gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->n_notified++;
}

static void
set_up (Fixture *fixture,
        gconstpointer data)
{
  test_giver_init (&fixture->giver);
  fixture->credentials = ist_operator_credentials_new (NULL);
  g_signal_connect (fixture->credentials, "notify", G_CALLBACK (on_notify), fixture);
}

static void
tear_down (Fixture *fixture,
           gconstpointer data)
{
  g_object_add_weak_pointer (G_OBJECT (fixture->credentials), (gpointer *) &fixture->credentials);
  g_object_unref (fixture->credentials);
  test_wait (fixture->credentials == NULL);
  test_giver_clear (&fixture->giver);
}

static void
expect_loaded (Fixture *fixture,
               const char *id,
               guint runs)
{
  g_autoptr (IstOperatorKeys) keys = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  ist_operator_credentials_load_async (fixture->credentials, NULL, test_store_result, &result);
  test_wait (result != NULL);
  ist_operator_credentials_load_finish (fixture->credentials, result, &error);
  g_assert_no_error (error);
  keys = ist_operator_credentials_dup_keys (fixture->credentials);
  g_assert_cmpstr (ist_operator_credentials_get_access_key_id (fixture->credentials), ==, id);
  g_assert_cmpstr (keys->access_key_id, ==, id);
  g_assert_cmpuint (test_giver_count_runs (&fixture->giver), ==, runs);
}

static void
expect_failure (Fixture *fixture,
                int code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  ist_operator_credentials_load_async (fixture->credentials, NULL, test_store_result, &result);
  test_wait (result != NULL);
  g_assert_false (ist_operator_credentials_load_finish (fixture->credentials, result, &error));
  g_assert_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, code);
}

static void
test_once (Fixture *fixture,
           gconstpointer data)
{
  g_assert_null (ist_operator_credentials_dup_keys (fixture->credentials));
  g_assert_null (ist_operator_credentials_get_origin (fixture->credentials));
  g_assert_cmpstr (ist_operator_credentials_get_profile (fixture->credentials), ==, "default");
  test_giver_give (&fixture->giver, "A", 60);
  expect_loaded (fixture, "A", 1);
  g_assert_cmpuint (fixture->n_notified, ==, 3);
  g_assert_cmpstr (ist_operator_credentials_get_origin (fixture->credentials), ==, "credential_process");
  g_assert_cmpint (ist_operator_credentials_get_expires_at (fixture->credentials) - g_get_real_time (), >, 50 * MINUTE);
  expect_loaded (fixture, "A", 1);
  g_assert_cmpuint (fixture->n_notified, ==, 3);
}

static void
test_forget (Fixture *fixture,
             gconstpointer data)
{
  test_giver_give (&fixture->giver, "A", 60);
  expect_loaded (fixture, "A", 1);
  ist_operator_credentials_forget (fixture->credentials);
  g_assert_null (ist_operator_credentials_get_access_key_id (fixture->credentials));
  g_assert_null (ist_operator_credentials_dup_keys (fixture->credentials));
  g_assert_cmpint (ist_operator_credentials_get_expires_at (fixture->credentials), ==, 0);
  test_giver_give (&fixture->giver, "B", 60);
  expect_loaded (fixture, "B", 2);
}

/* From 15 minutes on they are renewed if that works; from 10 on it has to. */
static void
test_renew (Fixture *fixture,
            gconstpointer data)
{
  test_giver_give (&fixture->giver, "A", 16);
  expect_loaded (fixture, "A", 1);
  expect_loaded (fixture, "A", 1);
  ist_operator_credentials_forget (fixture->credentials);
  test_giver_give (&fixture->giver, "B", 12);
  expect_loaded (fixture, "B", 2);
  test_giver_fail (&fixture->giver);
  expect_loaded (fixture, "B", 3);
  g_assert_true (g_file_set_contents (fixture->giver.config, "no configuration", -1, NULL));
  expect_loaded (fixture, "B", 3);
  ist_operator_credentials_forget (fixture->credentials);
  expect_failure (fixture, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING);
}

static void
test_renew_late (Fixture *fixture,
                 gconstpointer data)
{
  test_giver_give (&fixture->giver, "A", 9);
  expect_loaded (fixture, "A", 1);
  test_giver_give (&fixture->giver, "B", 60);
  expect_loaded (fixture, "B", 2);
  ist_operator_credentials_forget (fixture->credentials);
  test_giver_give (&fixture->giver, "C", 9);
  expect_loaded (fixture, "C", 3);
  test_giver_fail (&fixture->giver);
  expect_failure (fixture, IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS);
}

static void
test_expired (Fixture *fixture,
              gconstpointer data)
{
  test_giver_give (&fixture->giver, "A", -1);
  expect_failure (fixture, IST_OPERATOR_CONTROL_PLANE_ERROR_CREDENTIALS_EXPIRED);
  g_assert_null (ist_operator_credentials_dup_keys (fixture->credentials));
}

static void
test_shared (Fixture *fixture,
             gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *results[10] = { NULL };

  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    ist_operator_credentials_load_async (fixture->credentials, i == 3 ? cancellable : NULL, test_store_result,
                                         &results[i]);
  test_wait (test_giver_count_runs (&fixture->giver) == 1);
  g_cancellable_cancel (cancellable);
  test_wait (results[3] != NULL);
  g_assert_null (results[0]);
  test_giver_give (&fixture->giver, "A", 60);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autoptr (GError) error = NULL;

      test_wait (results[i] != NULL);
      ist_operator_credentials_load_finish (fixture->credentials, results[i], &error);
      if (i == 3)
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      else
        g_assert_no_error (error);
      g_object_unref (results[i]);
    }
  g_assert_cmpuint (test_giver_count_runs (&fixture->giver), ==, 1);
}

static void
expect_cancelled (Fixture *fixture,
                  GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ist_operator_credentials_load_finish (fixture->credentials, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* The search ends with the last who waits; who comes then gets another. */
static void
test_cancelled (Fixture *fixture,
                gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) late = NULL;

  ist_operator_credentials_load_async (fixture->credentials, cancellable, test_store_result, &result);
  test_wait (test_giver_count_runs (&fixture->giver) == 1);
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  expect_cancelled (fixture, result);
  ist_operator_credentials_load_async (fixture->credentials, cancellable, test_store_result, &late);
  test_wait (late != NULL);
  expect_cancelled (fixture, late);
  test_giver_give (&fixture->giver, "A", 60);
  expect_loaded (fixture, "A", 2);
}

/* Variables are those of when it was made: a program may take them away. */
static void
test_environment (Fixture *fixture,
                  gconstpointer data)
{
  g_clear_object (&fixture->credentials);
  g_setenv ("AWS_ACCESS_KEY_ID", "E\n", TRUE);
  g_setenv ("AWS_SECRET_ACCESS_KEY", "S", TRUE);
  fixture->credentials = ist_operator_credentials_new (NULL);
  g_unsetenv ("AWS_ACCESS_KEY_ID");
  g_unsetenv ("AWS_SECRET_ACCESS_KEY");
  expect_loaded (fixture, "E", 0);
  ist_operator_credentials_forget (fixture->credentials);
  expect_loaded (fixture, "E", 0);
}

static void
test_given (Fixture *fixture,
            gconstpointer data)
{
  g_clear_object (&fixture->credentials);
  fixture->credentials = ist_operator_credentials_new_for_keys ("G", "S", NULL);
  g_assert_null (ist_operator_credentials_get_profile (fixture->credentials));
  expect_loaded (fixture, "G", 0);
  g_assert_cmpstr (ist_operator_credentials_get_origin (fixture->credentials), ==, "given");
  ist_operator_credentials_forget (fixture->credentials);
  expect_failure (fixture, IST_OPERATOR_CONTROL_PLANE_ERROR_CREDENTIALS_EXPIRED);
}

/* There is no property that has a secret. */
static void
test_properties (Fixture *fixture,
                 gconstpointer data)
{
  g_autofree GParamSpec **found = NULL;
  guint n_found;

  test_giver_give (&fixture->giver, "A", 60);
  expect_loaded (fixture, "A", 1);
  found = g_object_class_list_properties (G_OBJECT_GET_CLASS (fixture->credentials), &n_found);
  g_assert_cmpuint (n_found, ==, 4);
  for (guint i = 0; i < n_found; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;
      g_autofree char *text = NULL;

      g_object_get_property (G_OBJECT (fixture->credentials), found[i]->name, &value);
      text = g_strdup_value_contents (&value);
      g_assert_null (strstr (text, "SA"));
      g_assert_null (strstr (text, "TA"));
    }
}

int
main (int argc,
      char **argv)
{
  static const struct
  {
    const char *name;
    void (*run) (Fixture *fixture,
                 gconstpointer data);
  } tests[] = {
    { "once", test_once },
    { "forget", test_forget },
    { "renew", test_renew },
    { "renew-late", test_renew_late },
    { "expired", test_expired },
    { "shared", test_shared },
    { "cancelled", test_cancelled },
    { "environment", test_environment },
    { "given", test_given },
    { "properties", test_properties },
  };
  g_auto (GStrv) names = g_listenv ();

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; names[i] != NULL; i++)
    {
      if (g_str_has_prefix (names[i], "AWS"))
        g_unsetenv (names[i]);
    }
  g_setenv ("AWS_EC2_METADATA_DISABLED", "true", TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/operator/credentials/", tests[i].name, NULL);

      g_test_add (path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
  return g_test_run ();
}
