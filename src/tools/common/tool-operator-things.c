/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-operator-things.h"

#include <ist-operator/ist-operator.h>

GVariant *
tool_operator_things_new (GListModel *things,
                          gboolean is_cut)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ss)"));
  for (guint i = 0; i < g_list_model_get_n_items (things); i++)
    {
      g_autoptr (IstOperatorThing) thing = g_list_model_get_item (things, i);
      const char *type_name = ist_operator_thing_get_type_name (thing);

      g_variant_builder_add (&builder, "(ss)", ist_operator_thing_get_name (thing), type_name != NULL ? type_name : "");
    }
  return g_variant_new (TOOL_OPERATOR_THINGS_TYPE, &builder, is_cut);
}
