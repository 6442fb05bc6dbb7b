/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/ist-stream-info-private.h"

#include <ist/ist-message.h>

static void
test_new (void)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("hello", 5);
  g_autoptr (IstMessage) message = ist_message_new ("SSH", payload);

  g_assert_cmpint (ist_message_get_message_type (message), ==, IST_MESSAGE_TYPE_DATA);
  g_assert_cmpstr (ist_message_get_service_id (message), ==, "SSH");
  g_assert_cmpint (ist_message_get_stream_id (message), ==, 0);
  g_assert_cmpuint (ist_message_get_connection_id (message), ==, 0);
  g_assert_false (ist_message_get_ignorable (message));
  g_assert_true (ist_message_get_payload (message) == payload);
  g_assert_nonnull (ist_message_get_service_ids (message));
  g_assert_null (ist_message_get_service_ids (message)[0]);
}

static void
test_new_for_connection (void)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("hello", 5);
  g_autoptr (IstMessage) message = ist_message_new_for_connection ("SSH", 7, payload);

  g_assert_cmpint (ist_message_get_message_type (message), ==, IST_MESSAGE_TYPE_DATA);
  g_assert_cmpstr (ist_message_get_service_id (message), ==, "SSH");
  g_assert_cmpuint (ist_message_get_connection_id (message), ==, 7);
  g_assert_true (ist_message_get_payload (message) == payload);
}

static void
test_new_full (void)
{
  g_autoptr (IstMessage) message = ist_message_new_full ((IstMessageType) 99, "SSH", -3,
                                                         G_MAXUINT32, 2, NULL);

  g_assert_cmpint (ist_message_get_message_type (message), ==, 99);
  g_assert_cmpstr (ist_message_get_service_id (message), ==, "SSH");
  g_assert_cmpint (ist_message_get_stream_id (message), ==, -3);
  g_assert_cmpuint (ist_message_get_connection_id (message), ==, G_MAXUINT32);
  g_assert_cmpint (ist_message_get_ignorable (message), ==, TRUE);
  g_assert_cmpuint (g_bytes_get_size (ist_message_get_payload (message)), ==, 0);
}

static void
test_new_service_ids (void)
{
  const char *ids[] = { "SSH", "VNC", NULL };
  g_autoptr (IstMessage) message = ist_message_new_service_ids (ids);
  g_autoptr (IstMessage) none = ist_message_new_service_ids (NULL);

  ids[0] = "changed";
  g_assert_cmpint (ist_message_get_message_type (message), ==, IST_MESSAGE_TYPE_SERVICE_IDS);
  g_assert_cmpstr (ist_message_get_service_ids (message)[0], ==, "SSH");
  g_assert_cmpstr (ist_message_get_service_ids (message)[1], ==, "VNC");
  g_assert_null (ist_message_get_service_ids (message)[2]);
  g_assert_null (ist_message_get_service_ids (none)[0]);
}

/* The wire can't tell empty from absent. */
static void
test_empty_is_absent (void)
{
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_autoptr (IstMessage) message = ist_message_new ("", empty);

  g_assert_null (ist_message_get_service_id (message));
  g_assert_cmpuint (g_bytes_get_size (ist_message_get_payload (message)), ==, 0);
  /* There is something to point at, also for who looks at the bytes only. */
  g_assert_nonnull (g_bytes_get_data (ist_message_get_payload (message), NULL));
}

static void
count_free (gpointer data)
{
  guint *n = data;

  (*n)++;
}

static void
test_references (void)
{
  static const guint8 bytes[1] = { 0 };
  guint n_freed = 0;
  GBytes *payload = g_bytes_new_with_free_func (bytes, sizeof bytes, count_free, &n_freed);
  IstMessage *message = ist_message_new ("SSH", payload);
  IstMessage *copy = g_boxed_copy (IST_TYPE_MESSAGE, message);

  g_bytes_unref (payload);
  g_assert_true (copy == message);
  ist_message_unref (message);
  g_assert_cmpuint (n_freed, ==, 0);
  g_assert_true (ist_message_ref (copy) == copy);
  g_boxed_free (IST_TYPE_MESSAGE, copy);
  g_assert_cmpuint (n_freed, ==, 0);
  ist_message_unref (copy);
  g_assert_cmpuint (n_freed, ==, 1);
}

static gpointer
use_references (gpointer data)
{
  for (guint i = 0; i < 10000; i++)
    ist_message_unref (ist_message_ref (data));

  return NULL;
}

static void
test_references_in_threads (void)
{
  g_autoptr (IstMessage) message = ist_message_new ("SSH", NULL);
  GThread *threads[4];

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("references", use_references, message);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);

  g_assert_cmpstr (ist_message_get_service_id (message), ==, "SSH");
}

static void
test_stream_info (void)
{
  char service_id[] = "SSH";
  g_autoptr (IstStreamInfo) info = ist_stream_info_new (service_id, 5, 2, IST_PROTOCOL_VERSION_V3);
  IstStreamInfo *copy = g_boxed_copy (IST_TYPE_STREAM_INFO, info);

  service_id[0] = 'X';
  g_assert_true (copy == info);
  g_boxed_free (IST_TYPE_STREAM_INFO, copy);
  g_assert_cmpstr (ist_stream_info_get_service_id (info), ==, "SSH");
  g_assert_cmpint (ist_stream_info_get_stream_id (info), ==, 5);
  g_assert_cmpuint (ist_stream_info_get_connection_id (info), ==, 2);
  g_assert_cmpint (ist_stream_info_get_version (info), ==, IST_PROTOCOL_VERSION_V3);
}

static void
test_stream_info_without_service (void)
{
  g_autoptr (IstStreamInfo) info = ist_stream_info_new (NULL, 1, 0, IST_PROTOCOL_VERSION_V1);

  g_assert_null (ist_stream_info_get_service_id (info));
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/message/new", test_new);
  g_test_add_func ("/message/new-for-connection", test_new_for_connection);
  g_test_add_func ("/message/new-full", test_new_full);
  g_test_add_func ("/message/new-service-ids", test_new_service_ids);
  g_test_add_func ("/message/empty-is-absent", test_empty_is_absent);
  g_test_add_func ("/message/references", test_references);
  g_test_add_func ("/message/references-in-threads", test_references_in_threads);
  g_test_add_func ("/stream-info/getters", test_stream_info);
  g_test_add_func ("/stream-info/without-service", test_stream_info_without_service);

  return g_test_run ();
}
