/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/agent/agent-config.h"

#include <string.h>
#include <sysexits.h>

#include <glib/gi18n.h>

#include "common/ist-file-private.h"
#include "tools/agent/agent-files.h"
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
  const char *missing;  /* NULL if it may be left out */
  const char *harmless; /* with which others can be checked, if not the default */
} Key;

static const Key keys[] = {
  { "thing", "thing-name", FALSE, FALSE, N_ ("is missing: it is the name of the device at AWS IoT"), "thing" },
  { "broker", "broker", FALSE, FALSE,
    N_ ("is missing: it is what “aws iot describe-endpoint --endpoint-type iot:Data-ATS” tells"), NULL },
  { "client-id", "client-id", FALSE, FALSE, NULL, NULL },
  { "certificate", "certificate-file", TRUE, FALSE, NULL, "none" },
  { "key", "key-file", TRUE, FALSE, NULL, NULL },
  { "ca", "ca-file", TRUE, FALSE, NULL, NULL },
  { "endpoint", "endpoint", FALSE, FALSE, NULL, NULL },
  { "endpoint-ca", "endpoint-ca-file", TRUE, FALSE, NULL, NULL },
  { "allow-plain", "allow-plain", FALSE, FALSE, NULL, NULL },
  { "keepalive", "keepalive", FALSE, FALSE, NULL, NULL },
  { "max-tunnels", "max-tunnels", FALSE, TRUE, NULL, NULL },
  { "max-connections", "max-connections", FALSE, TRUE, NULL, NULL },
  { "max-lifetime", "max-lifetime", FALSE, FALSE, NULL, NULL },
};

struct _AgentConfig
{
  char *path;                         /* absolute */
  GValue values[G_N_ELEMENTS (keys)]; /* the defaults where the file is silent */
  GHashTable *services;
  GPtrArray *faults; /* sentences */
  gboolean is_faulty[G_N_ELEMENTS (keys)];
};

static AgentConfig *
config_new (const char *path)
{
  g_autoptr (GTypeClass) class = g_type_class_ref (IST_AGENT_TYPE_DEVICE);
  AgentConfig *self = g_new0 (AgentConfig, 1);

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      GParamSpec *pspec = g_object_class_find_property (G_OBJECT_CLASS (class), keys[i].property);

      g_value_init (&self->values[i], pspec->value_type);
      g_param_value_set_default (pspec, &self->values[i]);
    }
  self->path = g_canonicalize_filename (path, NULL);
  self->services = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->faults = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
agent_config_free (AgentConfig *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    g_value_unset (&self->values[i]);
  g_free (self->path);
  g_hash_table_unref (self->services);
  g_ptr_array_unref (self->faults);
  g_free (self);
}

/* @what: where, as the file has it, and what is wrong there; taken */
static void
config_add_fault (AgentConfig *self,
                  char *what)
{
  g_ptr_array_add (self->faults, g_strdup_printf ("%s: %s", self->path, what));
  g_free (what);
}

/* @text: what is wrong there; taken */
static void
config_take_fault_of (AgentConfig *self,
                      const char *group,
                      const char *key,
                      char *text)
{
  config_add_fault (self, g_strdup_printf ("[%s] %s: %s", group, key, text));
  g_free (text);
}

/* @text: what is wrong with the key, or NULL if nothing is; taken. What follows from the
 * first fault of a key is not told. */
static void
config_take_fault_of_key (AgentConfig *self,
                          gsize key,
                          char *text)
{
  if (text != NULL && !self->is_faulty[key])
    config_take_fault_of (self, GROUP, keys[key].key, text);
  else
    g_free (text);
  self->is_faulty[key] = self->is_faulty[key] || text != NULL;
}

/* Returns G_N_ELEMENTS (keys) if there is none. */
static gsize
find_key (const char *name)
{
  gsize i;

  for (i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      if (strcmp (keys[i].key, name) == 0)
        break;
    }
  return i;
}

/* The libraries begin with the property that is at fault. */
static gsize
find_key_of_error (const GError *error)
{
  gsize i;

  for (i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      gsize length = strlen (keys[i].property);

      if (strncmp (error->message, keys[i].property, length) == 0 && error->message[length] == ':')
        break;
    }
  return i;
}

static char *
list_keys (void)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) names = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    g_strv_builder_add (builder, keys[i].key);
  names = g_strv_builder_end (builder);
  return g_strjoinv (", ", names);
}

/* A key that is misspelt would leave a default in place unseen. */
static void
config_check_names (AgentConfig *self,
                    GKeyFile *file)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);
  g_auto (GStrv) names = g_key_file_get_keys (file, GROUP, NULL, NULL);
  g_autofree char *known = list_keys ();

  for (gsize i = 0; groups[i] != NULL; i++)
    {
      if (strcmp (groups[i], GROUP) != 0 && strcmp (groups[i], SERVICES_GROUP) != 0)
        config_add_fault (self, g_strdup_printf (_ ("[%s]: there is no such group, but [%s] and [%s]"), groups[i],
                                                 GROUP, SERVICES_GROUP));
    }
  for (gsize i = 0; names != NULL && names[i] != NULL; i++)
    {
      if (find_key (names[i]) == G_N_ELEMENTS (keys))
        config_take_fault_of (self, GROUP, names[i], g_strdup_printf (_ ("there is no such setting, but %s"), known));
    }
}

/* Says what is wrong with it, or NULL. */
static char *
config_parse_value (AgentConfig *self,
                    GValue *value,
                    const Key *key,
                    GParamSpec *pspec,
                    const char *text)
{
  guint64 number;

  if (G_VALUE_HOLDS_STRING (value))
    {
      g_autofree char *folder = g_path_get_dirname (self->path);

      g_value_take_string (value, key->is_path ? g_canonicalize_filename (text, folder) : g_strdup (text));
      return NULL;
    }
  if (G_VALUE_HOLDS_BOOLEAN (value))
    {
      g_value_set_boolean (value, strcmp (text, "true") == 0);
      return g_value_get_boolean (value) || strcmp (text, "false") == 0
               ? NULL
               : g_strdup_printf (_ ("must be true or false, not “%s”"), text);
    }
  if (g_ascii_string_to_unsigned (text, 10, G_PARAM_SPEC_UINT (pspec)->minimum, G_PARAM_SPEC_UINT (pspec)->maximum,
                                  &number, NULL))
    {
      g_value_set_uint (value, number);
      return NULL;
    }
  return g_strdup_printf (_ ("must be a number from %u to %u, not “%s”"), G_PARAM_SPEC_UINT (pspec)->minimum,
                          G_PARAM_SPEC_UINT (pspec)->maximum, text);
}

static void
config_read_values (AgentConfig *self,
                    GKeyFile *file)
{
  g_autoptr (GTypeClass) class = g_type_class_ref (IST_AGENT_TYPE_DEVICE);

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      GParamSpec *pspec = g_object_class_find_property (G_OBJECT_CLASS (class), keys[i].property);
      g_autoptr (GError) error = NULL;
      g_autofree char *text = NULL;

      if (!g_key_file_has_key (file, GROUP, keys[i].key, NULL))
        continue;
      text = g_key_file_get_string (file, GROUP, keys[i].key, &error);
      config_take_fault_of_key (self, i,
                                text != NULL
                                  ? config_parse_value (self, &self->values[i], &keys[i], pspec, text)
                                  : g_strdup (error->message));
    }
}

/* An agent that is never started looks at each. */
static void
config_read_services (AgentConfig *self,
                      GKeyFile *file)
{
  g_autoptr (IstAgentDevice) probe = g_object_new (IST_AGENT_TYPE_DEVICE, NULL);
  g_auto (GStrv) names = g_key_file_get_keys (file, SERVICES_GROUP, NULL, NULL);

  for (gsize i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autoptr (GHashTable) alone = g_hash_table_new (g_str_hash, g_str_equal);
      g_autoptr (GError) error = NULL;
      char *address = g_key_file_get_string (file, SERVICES_GROUP, names[i], &error);

      if (address != NULL)
        {
          g_hash_table_insert (self->services, g_strdup (names[i]), address);
          g_hash_table_insert (alone, names[i], address);
          ist_agent_device_set_services (probe, alone, &error);
        }
      if (error != NULL)
        config_take_fault_of (self, SERVICES_GROUP, names[i], g_strdup (error->message));
    }
}

static IstAgentDevice *
make_agent (const GValue *values)
{
  const char *names[G_N_ELEMENTS (keys)];

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    names[i] = keys[i].property;
  return IST_AGENT_DEVICE (g_object_new_with_properties (IST_AGENT_TYPE_DEVICE, G_N_ELEMENTS (keys), names, values));
}

/* Tells what the library finds wrong with the settings; FALSE if that is nothing, or nothing new. */
static gboolean
config_take_fault_of_agent (AgentConfig *self,
                            IstAgentDevice *agent)
{
  g_autoptr (GError) error = NULL;
  gsize key;

  if (ist_agent_device_check_settings (agent, &error))
    return FALSE;
  key = find_key_of_error (error);
  if (key == G_N_ELEMENTS (keys))
    config_add_fault (self, g_strdup (error->message));
  if (key == G_N_ELEMENTS (keys) || self->is_faulty[key])
    return FALSE;
  config_take_fault_of_key (self, key, g_strdup (error->message + strlen (keys[key].property) + strlen (": ")));
  return TRUE;
}

/* The library tells one fault at a time: what has one is left out of the next attempt. */
static void
config_check_settings (AgentConfig *self)
{
  gboolean is_done = FALSE;

  while (!is_done)
    {
      GValue values[G_N_ELEMENTS (keys)] = { 0 };
      g_autoptr (IstAgentDevice) agent = NULL;

      for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
        {
          g_value_init (&values[i], G_VALUE_TYPE (&self->values[i]));
          if (!self->is_faulty[i] || !G_VALUE_HOLDS_STRING (&values[i]))
            g_value_copy (&self->values[i], &values[i]);
          else
            g_value_set_static_string (&values[i], keys[i].harmless);
        }
      agent = make_agent (values);
      is_done = !config_take_fault_of_agent (self, agent);
      for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
        g_value_unset (&values[i]);
    }
}

static void
config_read (AgentConfig *self,
             const char *text,
             gsize size)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) error = NULL;

  if (!g_key_file_load_from_data (file, text, size, G_KEY_FILE_NONE, &error))
    {
      config_add_fault (self, g_strdup (error->message));
      return;
    }
  config_check_names (self, file);
  config_read_values (self, file);
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      if (keys[i].missing != NULL && !g_key_file_has_key (file, GROUP, keys[i].key, NULL))
        config_take_fault_of_key (self, i, g_strdup (_ (keys[i].missing)));
    }
  config_check_settings (self);
  config_read_services (self, file);
}

static AgentConfig *
config_load (const char *path,
             GError **error)
{
  g_autoptr (AgentConfig) self = config_new (path);
  g_autofree char *text = NULL;
  g_autoptr (GError) local = NULL;
  gsize size;

  if (!ist_file_read (self->path, MAX_FILE, &text, &size, &local))
    {
      g_set_error_literal (error, TOOL_ERROR, EX_NOINPUT, local->message);
      return NULL;
    }
  config_read (self, text, size);
  return g_steal_pointer (&self);
}

static gboolean
config_has_no_faults (const AgentConfig *self,
                      GError **error)
{
  guint n = self->faults->len;

  if (n == 0)
    return TRUE;
  if (n == 1)
    g_set_error_literal (error, TOOL_ERROR, EX_CONFIG, g_ptr_array_index (self->faults, 0));
  else
    g_set_error (error, TOOL_ERROR, EX_CONFIG,
                 ngettext ("%s; %u more is told by --check", "%s; %u more are told by --check", n - 1),
                 (const char *) g_ptr_array_index (self->faults, 0), n - 1);
  return FALSE;
}

AgentConfig *
agent_config_load (const char *path,
                   GError **error)
{
  g_autoptr (AgentConfig) self = config_load (path, error);

  return self != NULL && config_has_no_faults (self, error) ? g_steal_pointer (&self) : NULL;
}

IstAgentDevice *
agent_config_make_agent (const AgentConfig *self)
{
  IstAgentDevice *agent = make_agent (self->values);

  ist_agent_device_set_services (agent, self->services, NULL); /* each was tried when it was read */
  return agent;
}

/* Checking */

static const char *
config_get_path (const AgentConfig *self,
                 const char *key)
{
  return g_value_get_string (&self->values[find_key (key)]);
}

static void
config_check_files (AgentConfig *self)
{
  const char *certificate = config_get_path (self, "certificate");
  const char *key = config_get_path (self, "key");
  const char *ca = config_get_path (self, "ca");
  char *fault = NULL;

  if (certificate != NULL)
    {
      fault = agent_files_check_certificate (certificate);
      config_take_fault_of_key (self, find_key ("certificate"), g_strdup (fault));
    }
  /* Without the one, nobody can tell whether the other is its key. */
  if (certificate != NULL && fault == NULL)
    config_take_fault_of_key (self, find_key ("key"), agent_files_check_key (certificate, key));
  if (ca != NULL)
    config_take_fault_of_key (self, find_key ("ca"), agent_files_check_authorities (ca));
  g_free (fault);
}

GPtrArray *
agent_config_check (const char *path,
                    GError **error)
{
  g_autoptr (AgentConfig) self = config_load (path, error);

  if (self == NULL)
    return NULL;
  config_check_files (self);
  return g_ptr_array_ref (self->faults);
}

static gboolean
config_fail (GError **error,
             GError *cause)
{
  g_set_error_literal (error, TOOL_ERROR, EX_CONFIG, cause->message);
  g_error_free (cause);
  return FALSE;
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
