/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-notification-private.h"

#include <string.h>

#include <json-glib/json-glib.h>

#include "ist-emulator/ist-emulator-tunnel-private.h"

GBytes *
ist_emulator_notification_new (IstEmulatorTunnel *tunnel)
{
  const char *const *services = ist_emulator_tunnel_get_service_ids (tunnel);
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) root = NULL;
  char *text;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "clientAccessToken");
  json_builder_add_string_value (builder, ist_emulator_tunnel_get_destination_access_token (tunnel));
  json_builder_set_member_name (builder, "clientMode");
  json_builder_add_string_value (builder, "destination");
  json_builder_set_member_name (builder, "region");
  json_builder_add_string_value (builder, IST_EMULATOR_REGION);
  json_builder_set_member_name (builder, "services");
  json_builder_begin_array (builder);
  for (gsize i = 0; services[i] != NULL; i++)
    json_builder_add_string_value (builder, services[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);

  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  return g_bytes_new_take (text, strlen (text));
}
