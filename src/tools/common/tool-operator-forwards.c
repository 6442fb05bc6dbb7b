/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-operator-forwards.h"

#include <glib/gi18n.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"
#include "tools/common/tool-operator-bus.h"

typedef struct
{
  char *service;
  char *address; /* as it is bound, once it is */
  gboolean keep;
} Forward;

struct _ToolOperatorForwards
{
  ToolOperatorLink *link;
  const ToolOperatorSettings *settings;
  char *thing;
  ToolOperatorForwardsLost lost;
  gpointer user_data;
  GPtrArray *all; /* Forward */
  guint watch;    /* 0 while there is nothing to be forgotten */
  gboolean is_telling;
  gboolean is_forgotten; /* has ended while it was told */
};

static void
forward_free (gpointer data)
{
  Forward *self = data;

  g_free (self->service);
  g_free (self->address);
  g_free (self);
}

static gboolean
forwards_tell_one (ToolOperatorForwards *self,
                   Forward *forward,
                   GError **error)
{
  g_autoptr (GVariantDict) options = tool_operator_settings_to_options (self->settings);
  g_autoptr (GVariant) answer = NULL;

  g_variant_dict_insert (options, "keep", "b", forward->keep);
  answer = tool_operator_link_call (self->link, "Forward",
                                    g_variant_new ("(sss@a{sv})", self->thing, forward->service, forward->address,
                                                   g_variant_dict_end (options)),
                                    "(os)", NULL, error);
  if (answer == NULL)
    return FALSE;
  g_free (forward->address);
  g_variant_get (answer, "(os)", NULL, &forward->address);
  return TRUE;
}

/* At the same addresses. One that ends while it is told has forgotten what it was told
 * before. */
static gboolean
forwards_tell_again (ToolOperatorForwards *self,
                     GError **error)
{
  gboolean is_good = TRUE;

  self->is_telling = TRUE;
  do
    {
      self->is_forgotten = FALSE;
      for (guint i = 0; is_good && i < self->all->len; i++)
        is_good = forwards_tell_one (self, g_ptr_array_index (self->all, i), error);
    }
  while (is_good && self->is_forgotten);
  self->is_telling = FALSE;
  return is_good;
}

static void
on_vanished (GDBusConnection *connection,
             const char *name,
             gpointer user_data)
{
  ToolOperatorForwards *self = user_data;
  g_autoptr (GError) error = NULL;

  if (self->is_telling)
    {
      self->is_forgotten = TRUE;
      return;
    }
  if (tool_operator_link_check_bus (self->link, &error))
    {
      g_info (_ ("ist-operator has ended; starting it again"));
      forwards_tell_again (self, &error);
    }
  if (error != NULL)
    self->lost (error, self->user_data);
}

const char *
tool_operator_forwards_add (ToolOperatorForwards *self,
                            const char *service,
                            const char *address,
                            gboolean keep,
                            GError **error)
{
  Forward *forward = g_new0 (Forward, 1);

  forward->service = g_strdup (service);
  forward->address = g_strdup (address);
  forward->keep = keep;
  if (!forwards_tell_one (self, forward, error))
    {
      forward_free (forward);
      return NULL;
    }
  g_ptr_array_add (self->all, forward);
  if (self->watch == 0)
    self->watch = g_bus_watch_name_on_connection (tool_operator_link_get_connection (self->link), TOOL_OPERATOR_NAME,
                                                  G_BUS_NAME_WATCHER_FLAGS_NONE, NULL, on_vanished, self, NULL);
  return forward->address;
}

ToolOperatorForwards *
tool_operator_forwards_new (ToolOperatorLink *link,
                            const ToolOperatorSettings *settings,
                            const char *thing,
                            ToolOperatorForwardsLost lost,
                            gpointer user_data)
{
  ToolOperatorForwards *self = g_new0 (ToolOperatorForwards, 1);

  self->link = link;
  self->settings = settings;
  self->thing = g_strdup (thing);
  self->lost = lost;
  self->user_data = user_data;
  self->all = g_ptr_array_new_with_free_func (forward_free);
  return self;
}

void
tool_operator_forwards_free (ToolOperatorForwards *self)
{
  if (self->watch != 0)
    g_bus_unwatch_name (self->watch);
  g_ptr_array_unref (self->all);
  g_free (self->thing);
  g_free (self);
}
