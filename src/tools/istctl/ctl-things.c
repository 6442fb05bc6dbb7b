/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>
#include <stdlib.h>

#include "tools/common/tool-operator-link.h"
#include "tools/common/tool-operator-things.h"
#include "tools/istctl/ctl-operator.h"
#include "tools/istctl/ctl-print.h"
#include "tools/istctl/ctl-table.h"

/* By the service */

static GVariant *
list_by_service (ToolOperatorLink *link,
                 const ToolOperatorSettings *settings,
                 GError **error)
{
  g_autoptr (GVariantDict) options = tool_operator_settings_to_options (settings);

  return tool_operator_link_call (link, "ListThings", g_variant_new ("(@a{sv})", g_variant_dict_end (options)),
                                  TOOL_OPERATOR_THINGS_TYPE, NULL, error);
}

/* Alone */

static void
on_listed (GObject *source_object,
           GAsyncResult *result,
           gpointer user_data)
{
  GAsyncResult **kept = user_data;

  *kept = g_object_ref (result);
}

/* There is nothing to be closed: a signal may end it. */
static GVariant *
list_alone (const ToolOperatorSettings *settings,
            GError **error)
{
  g_autoptr (IstOperatorClient) client = tool_operator_settings_make_client (settings, error);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GListModel) things = NULL;
  IstOperatorControlPlane *plane;
  gboolean is_cut;

  if (client == NULL)
    return NULL;
  plane = ist_operator_client_get_control_plane (client);
  ist_operator_control_plane_list_things_async (plane, NULL, on_listed, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  things = ist_operator_control_plane_list_things_finish (plane, result, &is_cut, error);
  if (things == NULL)
    return NULL;
  return g_variant_ref_sink (tool_operator_things_new (things, is_cut));
}

/* The command */

static gboolean
print_json (GVariantIter *things,
            gboolean is_cut,
            GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const char *name;
  const char *type_name;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "things");
  json_builder_begin_array (builder);
  while (g_variant_iter_next (things, "(&s&s)", &name, &type_name))
    {
      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "thingName");
      json_builder_add_string_value (builder, name);
      json_builder_set_member_name (builder, "thingTypeName");
      json_builder_add_string_value (builder, type_name);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "cut");
  json_builder_add_boolean_value (builder, is_cut);
  json_builder_end_object (builder);
  return ctl_print_json (builder, error);
}

static gboolean
print_table (GVariantIter *things,
             gboolean is_cut,
             GError **error)
{
  static const ToolColumn columns[] = {
    { .title = N_ ("Thing"), .least_width = 12 },
    { .title = N_ ("Type"), .priority = 1, .least_width = 8 },
  };
  g_autoptr (ToolTable) table = tool_table_new (columns, G_N_ELEMENTS (columns));
  guint n = g_variant_iter_n_children (things);
  const char *name;
  const char *type_name;

  while (g_variant_iter_next (things, "(&s&s)", &name, &type_name))
    {
      tool_table_add (table, TOOL_STYLE_PLAIN, name);
      tool_table_add (table, TOOL_STYLE_PLAIN, *type_name != '\0' ? type_name : NULL);
    }
  if (!ctl_print_tables (&table, 1, _ ("There are no things.\n"), error))
    return FALSE;
  if (is_cut)
    g_message (_ ("There are more: these are the first %u"), n);
  return TRUE;
}

int
ctl_things (CtlCall *call,
            GError **error)
{
  g_auto (ToolOperatorSettings) settings = { .of_things = TRUE };
  const GOptionEntry entries[] = { { NULL } };
  g_autoptr (ToolOperatorLink) link = NULL;
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GVariantIter) things = NULL;
  gboolean is_cut;
  gboolean good;

  if (!ctl_operator_parse (call, &settings, entries,
                           _ ("Asks AWS IoT, for which it may charge; the credentials need the permission "
                              "iot:ListThings. No more than 5000 are listed."),
                           0, 0, error))
    return EXIT_FAILURE;
  link = tool_operator_link_new (&settings);
  answer = link != NULL ? list_by_service (link, &settings, error) : list_alone (&settings, error);
  if (answer == NULL)
    return EXIT_FAILURE;
  g_variant_get (answer, TOOL_OPERATOR_THINGS_TYPE, &things, &is_cut);
  good = call->json ? print_json (things, is_cut, error) : print_table (things, is_cut, error);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
