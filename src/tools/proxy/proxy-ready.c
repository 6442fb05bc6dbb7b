/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-ready.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sysexits.h>

#include "common/ist-text-private.h"
#include "tools/common/tool-error.h"
#include "tools/common/tool-systemd.h"
#include "tools/proxy/proxy-bindings.h"

/* The service's name, empty if the tunnel has none. */
static const char *
get_service (const char *const *services,
             const ProxyBinding *binding)
{
  if (binding->service != NULL)
    return binding->service;
  return services != NULL && services[0] != NULL ? services[0] : "";
}

static void
add_binding (JsonBuilder *builder,
             const char *const *services,
             const ProxyBinding *binding)
{
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "service");
  json_builder_add_string_value (builder, get_service (services, binding));
  json_builder_set_member_name (builder, "address");
  json_builder_add_string_value (builder, binding->place);
  if (binding->host != NULL)
    {
      json_builder_set_member_name (builder, "host");
      json_builder_add_string_value (builder, binding->host);
      json_builder_set_member_name (builder, "port");
      json_builder_add_int_value (builder, binding->port);
    }
  json_builder_end_object (builder);
}

static gboolean
tell_json (IstMode mode,
           const char *const *services,
           GPtrArray *bindings,
           ToolOutput *output,
           GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;
  g_autofree char *harmless = NULL;
  g_autofree char *line = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "event");
  json_builder_add_string_value (builder, "ready");
  json_builder_set_member_name (builder, "mode");
  json_builder_add_string_value (builder, mode == IST_MODE_SOURCE ? "source" : "destination");
  json_builder_set_member_name (builder, "services");
  json_builder_begin_array (builder);
  for (gsize i = 0; services != NULL && services[i] != NULL; i++)
    json_builder_add_string_value (builder, services[i]);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, mode == IST_MODE_SOURCE ? "listening" : "targets");
  json_builder_begin_array (builder);
  for (guint i = 0; i < bindings->len; i++)
    add_binding (builder, services, g_ptr_array_index (bindings, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);

  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  harmless = ist_text_make_safe (text, -1, G_MAXSIZE);
  line = g_strconcat (harmless, "\n", NULL);
  if (tool_output_write (output, line, strlen (line)))
    return TRUE;
  g_set_error (error, TOOL_ERROR, EX_IOERR, _ ("Could not write to standard output: %s"),
               errno == EAGAIN ? _ ("nobody has read the last line") : g_strerror (errno));
  return FALSE;
}

static gboolean
write_port_file (const char *path,
                 const char *const *services,
                 GPtrArray *bindings,
                 GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) local = NULL;

  for (guint i = 0; i < bindings->len; i++)
    {
      const ProxyBinding *binding = g_ptr_array_index (bindings, i);
      g_autofree char *service = ist_text_make_safe (get_service (services, binding), -1, G_MAXSIZE);
      g_autofree char *place = ist_text_make_safe (binding->place, -1, G_MAXSIZE);

      g_string_append_printf (text, "%s=", service);
      if (binding->port != 0)
        g_string_append_printf (text, "%u\n", binding->port);
      else
        g_string_append_printf (text, "%s\n", place);
    }
  /* Atomically: whoever finds the file finds all of it. */
  if (!g_file_set_contents (path, text->str, text->len, &local))
    {
      g_set_error_literal (error, TOOL_ERROR, EX_CANTCREAT, local->message);
      return FALSE;
    }
  return TRUE;
}

gboolean
proxy_ready_tell (const ProxyConfig *config,
                  const char *const *services,
                  GPtrArray *bindings,
                  ToolOutput *output,
                  GError **error)
{
  if (config->port_file != NULL && !write_port_file (config->port_file, services, bindings, error))
    return FALSE;
  return !config->tells_json || tell_json (config->mode, services, bindings, output, error);
}

/* The reference proxy's words, which scripts wait for: they are not translated. */
static void
log_ports (GPtrArray *bindings)
{
  for (guint i = 0; i < bindings->len; i++)
    {
      const ProxyBinding *binding = g_ptr_array_index (bindings, i);

      if (binding->port != 0)
        g_message ("Listening for new connection on port %u", binding->port);
    }
}

void
proxy_ready_notify (const ProxyConfig *config,
                    const char *const *services,
                    GPtrArray *bindings)
{
  g_autofree char *names = g_strjoinv (", ", (char **) services);
  g_autofree char *status = g_strdup_printf (_ ("Connected; services: %s"), *names != '\0' ? names : "-");

  g_message ("%s", status);
  if (config->mode == IST_MODE_SOURCE)
    log_ports (bindings);
  tool_systemd_notify_ready (status);
}
