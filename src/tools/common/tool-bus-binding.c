/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-bus-binding.h"

#include <gio/gio.h>
#include <math.h>

#include "common/ist-rate-private.h"

#define INTERVAL 1 /* second */

struct _ToolBusCounters
{
  GObject *source;
  GObject *skeleton;
  gulong handlers[2];
  guint timer;
};

/* Texts */

static gboolean
state_to_text (GBinding *binding,
               const GValue *from,
               GValue *to,
               gpointer user_data)
{
  g_autoptr (GEnumClass) class = g_type_class_ref (G_VALUE_TYPE (from));

  g_value_set_string (to, g_enum_get_value (class, g_value_get_enum (from))->value_nick);
  return TRUE;
}

void
tool_bus_bind_state (gpointer source,
                     gpointer skeleton)
{
  g_object_bind_property_full (source, "state", skeleton, "state", G_BINDING_SYNC_CREATE, state_to_text, NULL, NULL,
                               NULL);
}

char *
tool_bus_error_to_text (const GError *error)
{
  return error != NULL ? g_utf8_make_valid (error->message, -1) : g_strdup ("");
}

static char *
value_to_text (const GValue *value)
{
  const char *string;

  if (G_VALUE_HOLDS (value, G_TYPE_ERROR))
    return tool_bus_error_to_text (g_value_get_boxed (value));
  if (G_VALUE_HOLDS (value, G_TYPE_SOCKET_ADDRESS))
    {
      GSocketConnectable *address = g_value_get_object (value);
      g_autofree char *text = address != NULL ? g_socket_connectable_to_string (address) : NULL;

      return text != NULL ? g_utf8_make_valid (text, -1) : g_strdup ("");
    }
  string = g_value_get_string (value);
  return string != NULL ? g_utf8_make_valid (string, -1) : g_strdup ("");
}

static gboolean
any_to_text (GBinding *binding,
             const GValue *from,
             GValue *to,
             gpointer user_data)
{
  g_value_take_string (to, value_to_text (from));
  return TRUE;
}

void
tool_bus_bind_text (gpointer source,
                    const char *source_property,
                    gpointer skeleton,
                    const char *property)
{
  g_object_bind_property_full (source, source_property, skeleton, property, G_BINDING_SYNC_CREATE, any_to_text, NULL,
                               NULL, NULL);
}

/* Counters */

/* Whether there will be something to tell in a second. */
static gboolean
counters_tell (ToolBusCounters *self)
{
  double rate_in = floor (ist_rate_get (self->source, "bytes-in"));
  double rate_out = floor (ist_rate_get (self->source, "bytes-out"));
  guint64 bytes_in;
  guint64 bytes_out;

  g_object_get (self->source, "bytes-in", &bytes_in, "bytes-out", &bytes_out, NULL);
  g_object_set (self->skeleton, "bytes-in", bytes_in, "bytes-out", bytes_out, "rate-in", rate_in, "rate-out", rate_out,
                NULL);
  return rate_in > 0 || rate_out > 0;
}

static gboolean
on_second_over (gpointer user_data)
{
  ToolBusCounters *self = user_data;

  if (counters_tell (self))
    return G_SOURCE_CONTINUE;
  self->timer = 0;
  return G_SOURCE_REMOVE;
}

static void
on_bytes (GObject *source,
          GParamSpec *property,
          gpointer user_data)
{
  ToolBusCounters *self = user_data;

  if (self->timer != 0)
    return;
  counters_tell (self);
  self->timer = g_timeout_add_seconds (INTERVAL, on_second_over, self);
}

ToolBusCounters *
tool_bus_counters_new (gpointer source,
                       gpointer skeleton)
{
  ToolBusCounters *self = g_new0 (ToolBusCounters, 1);

  self->source = g_object_ref (source);
  self->skeleton = g_object_ref (skeleton);
  ist_rate_follow (source);
  self->handlers[0] = g_signal_connect (source, "notify::bytes-in", G_CALLBACK (on_bytes), self);
  self->handlers[1] = g_signal_connect (source, "notify::bytes-out", G_CALLBACK (on_bytes), self);
  counters_tell (self);
  return self;
}

void
tool_bus_counters_free (ToolBusCounters *self)
{
  counters_tell (self);
  for (guint i = 0; i < G_N_ELEMENTS (self->handlers); i++)
    g_signal_handler_disconnect (self->source, self->handlers[i]);
  if (self->timer != 0)
    g_source_remove (self->timer);
  g_object_unref (self->skeleton);
  g_object_unref (self->source);
  g_free (self);
}
