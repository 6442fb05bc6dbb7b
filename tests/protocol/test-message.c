/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/ist-stream-info-private.h"

#include <ist/ist-message.h>
#include <string.h>

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

/* All that differ, and their texts. */
static void
test_values (void)
{
  g_autoptr (GBytes) hello = g_bytes_new_static ("hello", 5);
  g_autoptr (GBytes) hallo = g_bytes_new_static ("hallo", 5);
  const char *const ids[] = { "SSH", "VNC\x1b[2J", NULL };
  const struct
  {
    IstMessage *message;
    const char *text;
  } values[] = {
    { ist_message_new (NULL, NULL), "data, 0 bytes" },
    { ist_message_new (NULL, hello), "data, 5 bytes" },
    { ist_message_new (NULL, hallo), "data, 5 bytes" },
    { ist_message_new ("SSH", hello), "data, service “SSH”, 5 bytes" },
    { ist_message_new ("S\n\xff", hello), "data, service “S\\n\\xff”, 5 bytes" },
    { ist_message_new_for_connection ("SSH", 1, hello), "data, service “SSH”, connection 1, 5 bytes" },
    { ist_message_new_full (IST_MESSAGE_TYPE_DATA, "SSH", 7, 1, FALSE, hello),
      "data, service “SSH”, stream 7, connection 1, 5 bytes" },
    { ist_message_new_full (IST_MESSAGE_TYPE_DATA, "SSH", -7, 1, FALSE, hello),
      "data, service “SSH”, stream -7, connection 1, 5 bytes" },
    { ist_message_new_full (IST_MESSAGE_TYPE_STREAM_START, "SSH", 7, 1, FALSE, NULL),
      "stream-start, service “SSH”, stream 7, connection 1, 0 bytes" },
    { ist_message_new_full ((IstMessageType) 99, NULL, 0, 0, FALSE, NULL), "type 99, 0 bytes" },
    { ist_message_new_full ((IstMessageType) 99, NULL, 0, 0, TRUE, NULL), "type 99, ignorable, 0 bytes" },
    { ist_message_new_service_ids (NULL), "service-ids, 0 bytes" },
    { ist_message_new_service_ids (ids), "service-ids, services “SSH, VNC\\u001b[2J”, 0 bytes" },
    { ist_message_new_service_ids (ids + 1), "service-ids, services “VNC\\u001b[2J”, 0 bytes" },
  };
  guint i;
  guint j;

  for (i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autofree char *text = ist_message_to_string (values[i].message);

      g_assert_cmpstr (text, ==, values[i].text);
      for (j = 0; j < G_N_ELEMENTS (values); j++)
        g_assert_cmpint (ist_message_equal (values[i].message, values[j].message), ==, i == j);
    }
  for (i = 0; i < G_N_ELEMENTS (values); i++)
    ist_message_unref (values[i].message);
}

/* What is made alike, of other bytes, is the same value. */
static void
test_same_values (void)
{
  const char *const ids[] = { "SSH", NULL };
  const char *const no_ids[] = { NULL };
  guint i;

  for (i = 0; i < 3; i++)
    {
      IstMessage *pair[2];
      guint j;

      for (j = 0; j < 2; j++)
        {
          g_autofree char *service = g_strdup ("SSH");
          g_autoptr (GBytes) payload = g_bytes_new ("hello", 5);

          if (i == 0)
            pair[j] = ist_message_new_full (IST_MESSAGE_TYPE_DATA, service, 3, 2, j + 1, payload);
          else if (i == 1)
            pair[j] = ist_message_new_service_ids (ids);
          else
            pair[j] = ist_message_new_service_ids (j == 0 ? no_ids : NULL);
        }
      g_assert_true (ist_message_equal (pair[0], pair[1]));
      g_assert_cmpuint (ist_message_hash (pair[0]), ==, ist_message_hash (pair[1]));
      ist_message_unref (pair[0]);
      ist_message_unref (pair[1]);
    }
}

/* A line stays one, of bounded length. */
static void
test_long_text (void)
{
  g_autofree char *name = g_strnfill (100000, 'x');
  const char *const ids[] = { name, "\n", name, NULL };
  g_autoptr (IstMessage) message = ist_message_new (name, NULL);
  g_autoptr (IstMessage) list = ist_message_new_service_ids (ids);
  g_autoptr (IstStreamInfo) info = ist_stream_info_new (name, 1, 1, IST_PROTOCOL_VERSION_V3);
  g_autofree char *message_text = ist_message_to_string (message);
  g_autofree char *list_text = ist_message_to_string (list);
  g_autofree char *info_text = ist_stream_info_to_string (info);

  g_assert_cmpuint (strlen (message_text), <, 200);
  g_assert_cmpuint (strlen (list_text), <, 400);
  g_assert_cmpuint (strlen (info_text), <, 200);
}

static void
test_stream_info_values (void)
{
  static const struct
  {
    const char *service_id;
    int stream_id;
    guint connection_id;
    IstProtocolVersion version;
    const char *text;
    guint equals; /* the first one that it equals */
  } values[] = {
    { "SSH", 3, 1, IST_PROTOCOL_VERSION_V3, "service “SSH”, stream 3, connection 1, version 3", 0 },
    /* The same, when it was learned that the peer has no numbers for connections. */
    { "SSH", 3, 0, IST_PROTOCOL_VERSION_V2, "service “SSH”, stream 3, version 2", 0 },
    { "SSH", 3, 2, IST_PROTOCOL_VERSION_V3, "service “SSH”, stream 3, connection 2, version 3", 2 },
    { "SSH", 4, 1, IST_PROTOCOL_VERSION_V3, "service “SSH”, stream 4, connection 1, version 3", 3 },
    { "S\tH", 3, 1, IST_PROTOCOL_VERSION_V3, "service “S\\tH”, stream 3, connection 1, version 3", 4 },
    { NULL, 3, 0, IST_PROTOCOL_VERSION_V1, "stream 3, version 1", 5 },
    { NULL, -3, 0, IST_PROTOCOL_VERSION_V1, "stream -3, version 1", 6 },
  };
  IstStreamInfo *infos[G_N_ELEMENTS (values)];
  guint i;
  guint j;

  for (i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autofree char *text = NULL;

      infos[i] = ist_stream_info_new (values[i].service_id, values[i].stream_id, values[i].connection_id,
                                      values[i].version);
      text = ist_stream_info_to_string (infos[i]);
      g_assert_cmpstr (text, ==, values[i].text);
    }
  for (i = 0; i < G_N_ELEMENTS (values); i++)
    {
      for (j = 0; j < G_N_ELEMENTS (values); j++)
        {
          gboolean equal = values[i].equals == values[j].equals;

          g_assert_cmpint (ist_stream_info_equal (infos[i], infos[j]), ==, equal);
          if (equal)
            g_assert_cmpuint (ist_stream_info_hash (infos[i]), ==, ist_stream_info_hash (infos[j]));
        }
    }
  for (i = 0; i < G_N_ELEMENTS (values); i++)
    ist_stream_info_unref (infos[i]);
}

/* As keys, which is what they are equal for. */
static void
test_keys (void)
{
  g_autoptr (GHashTable) streams =
    g_hash_table_new_full (ist_stream_info_hash, ist_stream_info_equal, (GDestroyNotify) ist_stream_info_unref, NULL);
  g_autoptr (GHashTable) messages =
    g_hash_table_new_full (ist_message_hash, ist_message_equal, (GDestroyNotify) ist_message_unref, NULL);
  g_autoptr (IstStreamInfo) end = ist_stream_info_new ("SSH", 3, 0, IST_PROTOCOL_VERSION_V1);
  guint i;

  g_hash_table_add (streams, ist_stream_info_new ("SSH", 3, 1, IST_PROTOCOL_VERSION_V3));
  g_hash_table_add (streams, ist_stream_info_new ("SSH", 3, 2, IST_PROTOCOL_VERSION_V3));
  g_assert_true (g_hash_table_remove (streams, end));
  g_assert_cmpuint (g_hash_table_size (streams), ==, 1);

  for (i = 0; i < 100; i++)
    g_hash_table_add (messages, ist_message_new_for_connection ("SSH", i % 10, NULL));
  g_assert_cmpuint (g_hash_table_size (messages), ==, 10);
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
  g_test_add_func ("/message/values", test_values);
  g_test_add_func ("/message/same-values", test_same_values);
  g_test_add_func ("/message/long-text", test_long_text);
  g_test_add_func ("/message/keys", test_keys);
  g_test_add_func ("/stream-info/getters", test_stream_info);
  g_test_add_func ("/stream-info/without-service", test_stream_info_without_service);
  g_test_add_func ("/stream-info/values", test_stream_info_values);

  return g_test_run ();
}
