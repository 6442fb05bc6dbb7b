/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-streams-private.h"

#include <string.h>

#include "ist/protocol/ist-wire-private.h"

/* The active stream of a service, as the source started it. */
typedef struct
{
  gboolean active;
  int stream_id;
  gboolean has_service;
  gboolean has_connection;
} Stream;

struct _IstEmulatorStreams
{
  char **services;
  GHashTable *indices; /* service -> index in services and streams */
  guint n_services;
  /* One for each service, and a last one for the V1 stream of a tunnel that has
   * none or several. */
  Stream *streams;
  guint last_index; /* the one looked up last; messages come in runs */

  struct
  {
    gboolean joined;
    /* For each of the streams, whether one ever started while this client was
     * there. It stays set when the stream ends: the other side's data may be
     * under way. */
    gboolean *started;
  } sides[2];
};

IstEmulatorStreams *
ist_emulator_streams_new (const char *const *services)
{
  IstEmulatorStreams *self = g_new0 (IstEmulatorStreams, 1);

  self->services = g_strdupv ((char **) services);
  self->n_services = g_strv_length (self->services);
  self->streams = g_new0 (Stream, self->n_services + 1);
  self->indices = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < self->n_services; i++)
    g_hash_table_insert (self->indices, self->services[i], GUINT_TO_POINTER (i));
  for (int side = IST_MODE_SOURCE; side <= IST_MODE_DESTINATION; side++)
    self->sides[side].started = g_new0 (gboolean, self->n_services + 1);
  return self;
}

void
ist_emulator_streams_free (IstEmulatorStreams *self)
{
  for (int side = IST_MODE_SOURCE; side <= IST_MODE_DESTINATION; side++)
    g_free (self->sides[side].started);
  g_hash_table_unref (self->indices);
  g_free (self->streams);
  g_strfreev (self->services);
  g_free (self);
}

const char *const *
ist_emulator_streams_get_services (IstEmulatorStreams *self)
{
  return (const char *const *) self->services;
}

void
ist_emulator_streams_join (IstEmulatorStreams *self,
                           IstMode side)
{
  self->sides[side].joined = TRUE;
  memset (self->sides[side].started, 0, (self->n_services + 1) * sizeof (gboolean));
}

GPtrArray *
ist_emulator_streams_leave (IstEmulatorStreams *self,
                            IstMode side)
{
  GPtrArray *messages = g_ptr_array_new_with_free_func ((GDestroyNotify) ist_message_unref);

  self->sides[side].joined = FALSE;
  for (guint i = 0; i <= self->n_services; i++)
    {
      Stream *stream = &self->streams[i];

      if (!stream->active)
        continue;

      stream->active = FALSE;
      g_ptr_array_add (messages, ist_message_new_full (IST_MESSAGE_TYPE_STREAM_RESET,
                                                       stream->has_service ? self->services[i] : NULL,
                                                       stream->stream_id,
                                                       stream->has_connection ? 1 : 0,
                                                       FALSE, NULL));
    }
  return messages;
}

void
ist_emulator_streams_reset (IstEmulatorStreams *self)
{
  for (guint i = 0; i <= self->n_services; i++)
    self->streams[i].active = FALSE;
}

/* FALSE if the tunnel has no such service. */
static gboolean
streams_find (IstEmulatorStreams *self,
              const char *service,
              guint *index)
{
  gpointer value;

  if (service == NULL)
    {
      *index = self->n_services == 1 ? 0 : self->n_services;
      return TRUE;
    }
  if (self->last_index < self->n_services && strcmp (self->services[self->last_index], service) == 0)
    {
      *index = self->last_index;
      return TRUE;
    }
  if (!g_hash_table_lookup_extended (self->indices, service, NULL, &value))
    return FALSE;

  *index = self->last_index = GPOINTER_TO_UINT (value);
  return TRUE;
}

/* What the service enforces: NULL, or why the WebSocket must be closed. */
static const char *
streams_check (IstEmulatorStreams *self,
               IstMode from,
               const IstMessage *message,
               guint *index,
               gboolean *pass)
{
  IstMessageType type = ist_message_get_message_type (message);
  GBytes *payload = ist_message_get_payload (message);

  *pass = TRUE;
  if (g_bytes_get_size (payload) > IST_WIRE_MAX_PAYLOAD)
    return "Payload too large";

  switch (type)
    {
    case IST_MESSAGE_TYPE_STREAM_START:
    case IST_MESSAGE_TYPE_CONNECTION_START:
      if (from == IST_MODE_DESTINATION)
        return type == IST_MESSAGE_TYPE_STREAM_START ? "STREAM_START from the destination"
                                                     : "CONNECTION_START from the destination";
      break;

    case IST_MESSAGE_TYPE_DATA:
    case IST_MESSAGE_TYPE_STREAM_RESET:
    case IST_MESSAGE_TYPE_CONNECTION_RESET:
      break;

    case IST_MESSAGE_TYPE_SESSION_RESET:
      return "SESSION_RESET from a client";

    case IST_MESSAGE_TYPE_SERVICE_IDS:
      return "SERVICE_IDS from a client";

    case IST_MESSAGE_TYPE_UNKNOWN:
    default:
      *pass = FALSE;
      return type != IST_MESSAGE_TYPE_UNKNOWN && ist_message_get_ignorable (message) ? NULL
                                                                                     : "Unknown message type";
    }

  if (ist_message_get_stream_id (message) == 0)
    return "Stream id 0";
  if (!streams_find (self, ist_message_get_service_id (message), index))
    return "No such service in this tunnel";
  if (type == IST_MESSAGE_TYPE_DATA && !self->sides[from].started[*index])
    return "DATA for a service without a started stream";
  return NULL;
}

static void
streams_follow (IstEmulatorStreams *self,
                IstMode from,
                const IstMessage *message,
                guint index)
{
  IstMode to = ist_emulator_other_side (from);
  IstMessageType type = ist_message_get_message_type (message);
  Stream *stream = &self->streams[index];

  if (type == IST_MESSAGE_TYPE_STREAM_START)
    {
      self->sides[from].started[index] = TRUE;
      if (!self->sides[to].joined)
        return;
      self->sides[to].started[index] = TRUE;
      stream->active = TRUE;
      stream->stream_id = ist_message_get_stream_id (message);
      stream->has_service = ist_message_get_service_id (message) != NULL;
      stream->has_connection = ist_message_get_connection_id (message) != 0;
    }
  else if (type == IST_MESSAGE_TYPE_STREAM_RESET && stream->stream_id == ist_message_get_stream_id (message))
    stream->active = FALSE;
}

const char *
ist_emulator_streams_take (IstEmulatorStreams *self,
                           IstMode from,
                           const IstMessage *message,
                           gboolean *pass)
{
  guint index = 0;
  const char *violation = streams_check (self, from, message, &index, pass);

  if (violation == NULL && *pass)
    streams_follow (self, from, message, index);
  return violation;
}
