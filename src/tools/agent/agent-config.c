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

/* The first ones. */
#define N_REQUIRED 2

struct _AgentConfig
{
  char *path;                         /* absolute */
  GValue values[G_N_ELEMENTS (keys)]; /* the defaults where the file is silent */
  GHashTable *services;
  GPtrArray *faults; /* sentences */
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

G_GNUC_PRINTF (4, 5)
static void
config_add_fault_of (AgentConfig *self,
                     const char *group,
                     const char *key,
                     const char *format,
                     ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  config_add_fault (self, g_strdup_printf ("[%s] %s: %s", group, key, what));
}

/* The libraries begin with the property that is at fault. */
static void
config_add_error (AgentConfig *self,
                  const GError *error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      gsize length = strlen (keys[i].property);

      if (strncmp (error->message, keys[i].property, length) == 0 && error->message[length] == ':')
        {
          config_add_fault_of (self, GROUP, keys[i].key, "%s", error->message + length + strlen (": "));
          return;
        }
    }
  config_add_fault (self, g_strdup (error->message));
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
static void
config_check_names (AgentConfig *self,
                    GKeyFile *file)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);
  g_auto (GStrv) names = g_key_file_get_keys (file, GROUP, NULL, NULL);

  for (gsize i = 0; groups[i] != NULL; i++)
    {
      if (strcmp (groups[i], GROUP) != 0 && strcmp (groups[i], SERVICES_GROUP) != 0)
        config_add_fault (self, g_strdup_printf (_ ("[%s]: there is no such group, but [%s] and [%s]"), groups[i],
                                                 GROUP, SERVICES_GROUP));
    }
  for (gsize i = 0; names != NULL && names[i] != NULL; i++)
    {
      if (config_find_key (names[i]) == NULL)
        config_add_fault_of (self, GROUP, names[i], _ ("there is no such setting"));
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
      g_autofree char *fault = NULL;

      if (!g_key_file_has_key (file, GROUP, keys[i].key, NULL))
        continue;
      text = g_key_file_get_string (file, GROUP, keys[i].key, &error);
      fault = text != NULL ? config_parse_value (self, &self->values[i], &keys[i], pspec, text)
                           : g_strdup (error->message);
      if (fault != NULL)
        config_add_fault_of (self, GROUP, keys[i].key, "%s", fault);
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
        config_add_fault_of (self, SERVICES_GROUP, names[i], "%s", error->message);
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
  for (gsize i = 0; i < N_REQUIRED; i++)
    {
      if (!g_key_file_has_key (file, GROUP, keys[i].key, NULL))
        config_add_fault_of (self, GROUP, keys[i].key, _ ("is missing"));
    }
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
agent_config_make_agent (AgentConfig *self,
                         GError **error)
{
  const char *names[G_N_ELEMENTS (keys)];
  g_autoptr (IstAgentDevice) agent = NULL;
  g_autoptr (GError) local = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    names[i] = keys[i].property;
  agent = IST_AGENT_DEVICE (g_object_new_with_properties (IST_AGENT_TYPE_DEVICE, G_N_ELEMENTS (keys), names,
                                                          self->values));
  if (!ist_agent_device_set_services (agent, self->services, &local) ||
      !ist_agent_device_check_settings (agent, &local))
    config_add_error (self, local);
  return config_has_no_faults (self, error) ? g_steal_pointer (&agent) : NULL;
}

/* Checking */

static const char *
config_get_path (const AgentConfig *self,
                 const char *key)
{
  return g_value_get_string (&self->values[config_find_key (key) - keys]);
}

static void
config_check_authorities (AgentConfig *self,
                          const char *key)
{
  const char *path = config_get_path (self, key);
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GError) error = NULL;

  if (path == NULL)
    return;
  database = g_tls_file_database_new (path, &error);
  if (database == NULL)
    config_add_fault_of (self, GROUP, key, _ ("can't read certificates from “%s”: %s"), path, error->message);
}

static void
config_check_certificate (AgentConfig *self)
{
  const char *path = config_get_path (self, "certificate");
  const char *key_path = config_get_path (self, "key");
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autoptr (GTlsCertificate) with_key = NULL;
  g_autoptr (GError) error = NULL;

  if (path == NULL)
    return;
  certificate = g_tls_certificate_new_from_file (path, &error);
  if (certificate == NULL)
    {
      config_add_fault_of (self, GROUP, "certificate", _ ("can't read a certificate from “%s”: %s"), path,
                           error->message);
      return;
    }
  if (key_path == NULL)
    key_path = path;
  with_key = g_tls_certificate_new_from_files (path, key_path, &error);
  if (with_key == NULL)
    config_add_fault_of (self, GROUP, "key", _ ("can't read its key from “%s”: %s"), key_path, error->message);
}

GPtrArray *
agent_config_check (const char *path,
                    GError **error)
{
  g_autoptr (AgentConfig) self = config_load (path, error);
  g_autoptr (IstAgentDevice) agent = NULL;

  if (self == NULL)
    return NULL;
  config_check_certificate (self);
  config_check_authorities (self, "ca");
  config_check_authorities (self, "endpoint-ca");
  /* What is wrong with one value would be told twice. */
  if (self->faults->len == 0)
    agent = agent_config_make_agent (self, NULL);
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
