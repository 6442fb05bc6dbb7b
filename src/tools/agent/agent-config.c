/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/agent/agent-config.h"

#include <string.h>
#include <sysexits.h>

#include <glib/gi18n.h>

#include "common/ist-file-private.h"
#include "tools/common/tool-error.h"

/* A configuration is smaller by far. */
#define MAX_FILE (1024 * 1024)

#define GROUP "agent"
#define SERVICES_GROUP "services"

/* How the keys of the file are called as properties of the agent. */
typedef struct
{
  const char *key;
  const char *property;
  gboolean is_path;
  gboolean reloads;
} Key;

static const Key keys[] = {
  { "thing", "thing-name", FALSE, FALSE },
  { "broker", "broker", FALSE, FALSE },
  { "client-id", "client-id", FALSE, FALSE },
  { "certificate", "certificate-file", TRUE, FALSE },
  { "key", "key-file", TRUE, FALSE },
  { "ca", "ca-file", TRUE, FALSE },
  { "endpoint", "endpoint", FALSE, FALSE },
  { "endpoint-ca", "endpoint-ca-file", TRUE, FALSE },
  { "allow-plain", "allow-plain", FALSE, FALSE },
  { "keepalive", "keepalive", FALSE, FALSE },
  { "max-tunnels", "max-tunnels", FALSE, TRUE },
  { "max-connections", "max-connections", FALSE, TRUE },
  { "max-lifetime", "max-lifetime", FALSE, FALSE },
};

struct _AgentConfig
{
  GValue values[G_N_ELEMENTS (keys)]; /* the defaults where the file is silent */
  GHashTable *services;
};

static AgentConfig *
config_new (void)
{
  g_autoptr (GTypeClass) class = g_type_class_ref (IST_AGENT_TYPE_DEVICE);
  AgentConfig *self = g_new0 (AgentConfig, 1);

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      GParamSpec *pspec = g_object_class_find_property (G_OBJECT_CLASS (class), keys[i].property);

      g_value_init (&self->values[i], pspec->value_type);
      g_param_value_set_default (pspec, &self->values[i]);
    }
  self->services = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
agent_config_free (AgentConfig *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    g_value_unset (&self->values[i]);
  g_hash_table_unref (self->services);
  g_free (self);
}

static const Key *
config_find_key (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      if (strcmp (keys[i].key, name) == 0)
        return &keys[i];
    }
  return NULL;
}

/* A key that is misspelt would leave a default in place unseen. */
static gboolean
config_check_names (GKeyFile *file,
                    GError **error)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);
  g_auto (GStrv) names = g_key_file_get_keys (file, GROUP, NULL, NULL);

  for (gsize i = 0; groups[i] != NULL; i++)
    {
      if (strcmp (groups[i], GROUP) != 0 && strcmp (groups[i], SERVICES_GROUP) != 0)
        {
          g_set_error (error, TOOL_ERROR, EX_CONFIG, _ ("There is no group [%s]"), groups[i]);
          return FALSE;
        }
    }
  for (gsize i = 0; names != NULL && names[i] != NULL; i++)
    {
      if (config_find_key (names[i]) == NULL)
        {
          g_set_error (error, TOOL_ERROR, EX_CONFIG, _ ("There is no setting “%s”"), names[i]);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
config_read_value (GValue *value,
                   GKeyFile *file,
                   const Key *key,
                   const char *folder,
                   GError **error)
{
  g_autofree char *text = g_key_file_get_string (file, GROUP, key->key, error);
  guint64 number;

  if (text == NULL)
    return FALSE;

  if (G_VALUE_HOLDS_STRING (value))
    {
      g_value_take_string (value, key->is_path ? g_canonicalize_filename (text, folder)
                                               : g_steal_pointer (&text));
      return TRUE;
    }
  if (G_VALUE_HOLDS_BOOLEAN (value))
    {
      gboolean truth = g_key_file_get_boolean (file, GROUP, key->key, NULL);

      if (!truth && strcmp (text, "false") != 0)
        {
          g_set_error (error, TOOL_ERROR, EX_CONFIG, _ ("“%s” must be true or false"), key->key);
          return FALSE;
        }
      g_value_set_boolean (value, truth);
      return TRUE;
    }

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT, &number, NULL))
    {
      g_set_error (error, TOOL_ERROR, EX_CONFIG, _ ("“%s” must be a number"), key->key);
      return FALSE;
    }
  g_value_set_uint (value, number);
  return TRUE;
}

static gboolean
config_check_range (GValue *value,
                    const Key *key,
                    GError **error)
{
  g_autoptr (GTypeClass) class = g_type_class_ref (IST_AGENT_TYPE_DEVICE);
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_CLASS (class), key->property);

  if (!g_param_value_validate (pspec, value))
    return TRUE;

  g_set_error (error, TOOL_ERROR, EX_CONFIG, _ ("“%s” must be a number from %u to %u"), key->key,
               G_PARAM_SPEC_UINT (pspec)->minimum, G_PARAM_SPEC_UINT (pspec)->maximum);
  return FALSE;
}

static gboolean
config_read_values (AgentConfig *self,
                    GKeyFile *file,
                    const char *folder,
                    GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      if (!g_key_file_has_key (file, GROUP, keys[i].key, NULL))
        continue;
      if (!config_read_value (&self->values[i], file, &keys[i], folder, error) ||
          !config_check_range (&self->values[i], &keys[i], error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
config_read_services (AgentConfig *self,
                      GKeyFile *file,
                      GError **error)
{
  g_auto (GStrv) names = g_key_file_get_keys (file, SERVICES_GROUP, NULL, NULL);

  for (gsize i = 0; names != NULL && names[i] != NULL; i++)
    {
      char *address = g_key_file_get_string (file, SERVICES_GROUP, names[i], error);

      if (address == NULL)
        return FALSE;
      g_hash_table_insert (self->services, g_strdup (names[i]), address);
    }
  return TRUE;
}

AgentConfig *
agent_config_load (const char *path,
                   GError **error)
{
  g_autoptr (AgentConfig) self = config_new ();
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *text = NULL;
  g_autoptr (GError) local = NULL;
  gsize size;

  if (!ist_file_read (path, MAX_FILE, &text, &size, &local))
    {
      g_set_error_literal (error, TOOL_ERROR, EX_NOINPUT, local->message);
      return NULL;
    }
  if (g_key_file_load_from_data (file, text, size, G_KEY_FILE_NONE, &local) && config_check_names (file, &local) &&
      config_read_values (self, file, folder, &local) && config_read_services (self, file, &local))
    return g_steal_pointer (&self);

  g_set_error (error, TOOL_ERROR, EX_CONFIG, "%s: %s", path, local->message);
  return NULL;
}

static gboolean
config_fail (GError **error,
             GError *cause)
{
  g_set_error_literal (error, TOOL_ERROR, EX_CONFIG, cause->message);
  g_error_free (cause);
  return FALSE;
}

IstAgentDevice *
agent_config_make_agent (const AgentConfig *self,
                         GError **error)
{
  const char *names[G_N_ELEMENTS (keys)];
  g_autoptr (IstAgentDevice) agent = NULL;
  GError *local = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    names[i] = keys[i].property;
  agent = IST_AGENT_DEVICE (g_object_new_with_properties (IST_AGENT_TYPE_DEVICE, G_N_ELEMENTS (keys), names,
                                                          self->values));
  if (g_value_get_string (&self->values[0]) == NULL || g_value_get_string (&self->values[1]) == NULL)
    {
      g_set_error_literal (error, TOOL_ERROR, EX_CONFIG, _ ("“thing” and “broker” must be set"));
      return NULL;
    }
  if (ist_agent_device_set_services (agent, self->services, &local))
    return g_steal_pointer (&agent);
  config_fail (error, local);
  return NULL;
}

gboolean
agent_config_reload (const AgentConfig *self,
                     IstAgentDevice *agent,
                     gboolean *needs_restart,
                     GError **error)
{
  GError *local = NULL;

  if (!ist_agent_device_set_services (agent, self->services, &local))
    return config_fail (error, local);

  *needs_restart = FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_auto (GValue) current = G_VALUE_INIT;
      GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (agent), keys[i].property);

      g_object_get_property (G_OBJECT (agent), keys[i].property, &current);
      if (g_param_values_cmp (pspec, &self->values[i], &current) == 0)
        continue;
      if (keys[i].reloads)
        g_object_set_property (G_OBJECT (agent), keys[i].property, &self->values[i]);
      else
        *needs_restart = TRUE;
    }
  return TRUE;
}
