/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "fuzz.h"

#include "ist/protocol/ist-stream-table-private.h"
#include "ist/protocol/ist-wire-private.h"

/* The first byte is the mode and the version; each group of bytes after it is
 * something done to the table (see read_step()). Whatever is done, events must
 * make sense to one who knows only the events before. */

typedef struct
{
  const uint8_t *data;
  size_t size;
} Input;

typedef struct
{
  IstStreamTable *table;
  GHashTable *streams;     /* service index -> its active stream's id */
  GHashTable *serials;     /* those of streams that there were: none comes twice */
  GHashTable *connections; /* "service.stream.connection" -> nothing: the active ones */
  gint64 now;
  gboolean connected;
} Model;

static uint8_t
read_byte (Input *input)
{
  if (input->size == 0)
    return 0;

  input->size--;

  return *input->data++;
}

/* Small numbers most of the time, so that they meet. */
static guint32
read_id (Input *input)
{
  uint8_t byte = read_byte (input);

  if (byte < 0xf0)
    return byte & 7;

  return (guint32) read_byte (input) << 24 | (guint32) read_byte (input) << 16 | (guint32) byte;
}

static const char *
read_service_id (Input *input)
{
  static const char *const ids[] = { NULL, "A", "B", "C" };

  return ids[read_byte (input) % G_N_ELEMENTS (ids)];
}

static char *
name_lane (IstLane lane)
{
  return g_strdup_printf ("%u.%u.%u", lane.service, lane.stream, lane.connection);
}

static void
add_connection (Model *model,
                IstLane lane)
{
  g_assert_true (g_hash_table_add (model->connections, name_lane (lane)));
}

static void
add_stream (Model *model,
            IstLane lane,
            const IstStreamInfo *info)
{
  g_assert_true (g_hash_table_add (model->serials, GUINT_TO_POINTER (lane.stream)));
  g_assert_true (g_hash_table_insert (model->streams, GUINT_TO_POINTER (lane.service),
                                      GINT_TO_POINTER (ist_stream_info_get_stream_id (info))));
  add_connection (model, lane);
}

static gboolean
is_of_service (gpointer key,
               gpointer value,
               gpointer user_data)
{
  return g_str_has_prefix (key, user_data);
}

static void
assert_current (Model *model,
                const IstStreamEvent *event)
{
  gpointer stream_id;

  g_assert_true (g_hash_table_lookup_extended (model->streams, GUINT_TO_POINTER (event->lane.service),
                                               NULL, &stream_id));
  g_assert_cmpint (GPOINTER_TO_INT (stream_id), ==, ist_stream_info_get_stream_id (event->info));
}

static void
check_event (Model *model,
             const IstStreamEvent *event)
{
  g_autofree char *name = name_lane (event->lane);
  g_autofree char *prefix = g_strdup_printf ("%u.%u.", event->lane.service, event->lane.stream);

  switch (event->type)
    {
    case IST_STREAM_EVENT_SERVICES:
      model->connected = TRUE;
      break;

    case IST_STREAM_EVENT_SEND:
      g_assert_cmpuint (ist_wire_get_encoded_size (event->message), <=, 2 + IST_WIRE_MAX_MESSAGE);
      g_assert_cmpint (ist_message_get_stream_id (event->message), !=, 0);
      break;

    case IST_STREAM_EVENT_DATA:
      assert_current (model, event);
      g_assert_true (g_hash_table_contains (model->connections, name));
      g_assert_true (event->info ==
                     ist_stream_table_lookup (model->table, ist_message_get_service_id (event->message),
                                              ist_message_get_connection_id (event->message)));
      break;

    case IST_STREAM_EVENT_STREAM_STARTED:
      add_stream (model, event->lane, event->info);
      break;

    case IST_STREAM_EVENT_CONNECTION_STARTED:
      assert_current (model, event);
      add_connection (model, event->lane);
      break;

    case IST_STREAM_EVENT_CONNECTION_RESET:
      assert_current (model, event);
      g_assert_cmpint (ist_stream_info_get_version (event->info), ==, IST_PROTOCOL_VERSION_V3);
      g_assert_true (g_hash_table_remove (model->connections, name));
      break;

    case IST_STREAM_EVENT_STREAM_STOPPED:
      assert_current (model, event);
      g_hash_table_remove (model->streams, GUINT_TO_POINTER (event->lane.service));
      /* In V1 and V2, the one connection ends with its stream. */
      g_assert_cmpuint (g_hash_table_foreach_remove (model->connections, is_of_service, prefix), <=,
                        ist_stream_info_get_version (event->info) == IST_PROTOCOL_VERSION_V3 ? 0 : 1);
      break;

    case IST_STREAM_EVENT_SESSION_RESET:
      g_assert_cmpuint (g_hash_table_size (model->streams), ==, 0);
      break;

    case IST_STREAM_EVENT_PROTOCOL_ERROR:
      g_assert_error (event->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL);
      break;

    default:
      g_assert_not_reached ();
    }
}

static void
check_events (Model *model,
              GArray *events)
{
  for (guint i = 0; i < events->len; i++)
    check_event (model, &g_array_index (events, IstStreamEvent, i));

  g_array_set_size (events, 0);
}

static void
start (Model *model,
       Input *input,
       uint8_t how,
       GArray *events)
{
  const char *service_id = read_service_id (input);
  g_autoptr (GError) error = NULL;
  g_autoptr (IstStreamInfo) info = NULL;
  gboolean is_stream;
  IstLane lane;

  if (how == 0)
    info = ist_stream_table_start_stream (model->table, service_id, events, &error);
  else if (how == 1)
    info = ist_stream_table_start_connection (model->table, service_id, events, &error);
  else
    info = ist_stream_table_open_connection (model->table, service_id, model->now, events, &error);

  g_assert_true ((info == NULL) == (error != NULL));
  if (info == NULL)
    {
      g_assert_cmpuint (events->len, ==, 0);
      return;
    }

  g_assert_true (info == ist_stream_table_lookup (model->table, service_id,
                                                  ist_stream_info_get_connection_id (info)));
  lane = g_array_index (events, IstStreamEvent, events->len - 1).lane;
  g_assert_true (info == ist_stream_table_find (model->table, &lane));
  is_stream = ist_message_get_message_type (g_array_index (events, IstStreamEvent, events->len - 1).message) ==
              IST_MESSAGE_TYPE_STREAM_START;
  check_events (model, events);
  if (is_stream)
    add_stream (model, lane, info);
  else
    add_connection (model, lane);
}

/* What an IstConnection does. */
static void
use_lane (Model *model,
          Input *input,
          GArray *events)
{
  g_autoptr (IstMessage) message = NULL;
  IstLane lane = { 0 };

  lane.connection = read_id (input);
  lane.stream = read_id (input);
  message = ist_stream_table_make_data (model->table, &lane, NULL);
  g_assert_true ((message == NULL) == (ist_stream_table_find (model->table, &lane) == NULL));
  ist_stream_table_note_first_data (model->table, &lane, model->now);
  model->now += IST_STREAM_TABLE_SILENCE / 2;
  if (read_byte (input) & 1)
    g_assert_true (ist_stream_table_close_connection (model->table, &lane, model->now, events) == (message != NULL));
}

static void
address (Model *model,
         Input *input)
{
  const char *service_id = read_service_id (input);
  guint32 connection_id = read_id (input);
  g_autoptr (IstMessage) message = ist_message_new_for_connection (service_id, connection_id, NULL);
  g_autoptr (IstMessage) addressed = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;
  IstLane lane;

  addressed = ist_stream_table_address (model->table, message, &lane, &error);
  g_assert_true ((addressed == NULL) == (error != NULL));
  g_assert_true ((addressed == NULL) ==
                 (ist_stream_table_lookup (model->table, service_id, connection_id) == NULL));
  if (addressed == NULL)
    return;

  name = name_lane (lane);
  g_assert_true (g_hash_table_contains (model->connections, name));
}

static IstMessage *
read_message (Input *input)
{
  uint8_t type = read_byte (input);
  const char *service_id = read_service_id (input);
  gint32 stream_id = (gint32) read_id (input);
  guint32 connection_id = read_id (input);

  if ((type & 15) == IST_MESSAGE_TYPE_SERVICE_IDS)
    {
      const char *ids[] = { "A", service_id, "C", NULL };

      return ist_message_new_service_ids (ids + (type >> 4 & 3));
    }

  return ist_message_new_full ((IstMessageType) (type & 15), service_id, stream_id, connection_id,
                               type >> 7, NULL);
}

static void
disconnect (Model *model,
            GArray *events)
{
  ist_stream_table_disconnect (model->table, NULL, events);
  check_events (model, events);
  g_assert_cmpuint (g_hash_table_size (model->streams), ==, 0);
  g_assert_cmpuint (g_hash_table_size (model->connections), ==, 0);
  model->connected = FALSE;
}

static void
read_step (Model *model,
           Input *input,
           GArray *events)
{
  uint8_t step = read_byte (input);
  const char *service_id;

  switch (step % 16)
    {
    case 0:
      disconnect (model, events);
      break;

    case 1:
    case 2:
    case 3:
      start (model, input, step % 16 - 1, events);
      break;

    case 4:
      ist_stream_table_reset_stream (model->table, read_service_id (input), events, NULL);
      break;

    case 5:
      service_id = read_service_id (input);
      ist_stream_table_reset_connection (model->table, service_id, read_id (input), events, NULL);
      break;

    case 6:
      address (model, input);
      break;

    case 7:
      use_lane (model, input, events);
      break;

    default:
      {
        g_autoptr (IstMessage) message = read_message (input);

        ist_stream_table_receive (model->table, message, events);
        break;
      }
    }

  check_events (model, events);
  g_assert_true (model->connected == (ist_stream_table_get_services (model->table) != NULL));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data,
                        size_t size)
{
  Input input = { data, size };
  uint8_t kind = read_byte (&input);
  g_autoptr (IstStreamTable) table = ist_stream_table_new ((IstMode) (kind & 1),
                                                           (IstProtocolVersion) (kind >> 1 & 3));
  g_autoptr (GHashTable) streams = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) connections = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GArray) events = ist_stream_events_new ();
  g_autoptr (GHashTable) serials = g_hash_table_new (NULL, NULL);
  Model model = { table, streams, serials, connections, G_USEC_PER_SEC, FALSE };

  while (input.size > 0)
    read_step (&model, &input, events);
  disconnect (&model, events);

  return 0;
}
