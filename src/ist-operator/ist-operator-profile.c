/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-profile-private.h"

#include <pwd.h>
#include <string.h>

#include "common/ist-text-private.h"
#include "ist-operator/ist-operator-control-plane-error.h"
#include "ist-operator/ist-operator-ini-private.h"

#define N_FILES (IST_OPERATOR_PROFILE_FILE_CONFIG + 1)
#define DEFAULT_PROFILE "default"
#define MAX_SHOWN 128
#define MAX_ENTRY 16384

static const struct
{
  const char *variable;
  const char *path;
} files[N_FILES] = {
  [IST_OPERATOR_PROFILE_FILE_CREDENTIALS] = { "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials" },
  [IST_OPERATOR_PROFILE_FILE_CONFIG] = { "AWS_CONFIG_FILE", "~/.aws/config" },
};

struct _IstOperatorProfile
{
  char *name;
  char *paths[N_FILES];
  IstOperatorIni *inis[N_FILES];               /* NULL where there is no file */
  const IstOperatorSection *sections[N_FILES]; /* of the profile, or NULL */
  const IstOperatorSection *services;          /* or NULL */
};

/* Paths */

static gboolean
replace_variable (const GMatchInfo *match,
                  GString *result,
                  gpointer user_data)
{
  g_autofree char *whole = g_match_info_fetch (match, 0);
  g_autofree char *plain = g_match_info_fetch (match, 1);
  g_autofree char *braced = g_match_info_fetch (match, 2);
  const char *value = g_getenv (braced != NULL && *braced != '\0' ? braced : plain);

  /* One that isn't set stays as it is. */
  g_string_append (result, value != NULL ? value : whole);
  return FALSE;
}

static char *
expand_variables (const char *path)
{
  g_autoptr (GRegex) regex = g_regex_new ("\\$(?:([A-Za-z0-9_]+)|\\{([^}]*)\\})", G_REGEX_RAW, 0, NULL);

  return g_regex_replace_eval (regex, path, -1, 0, 0, replace_variable, NULL, NULL);
}

/* NULL if nobody has that name. */
static char *
find_home (const char *user)
{
  g_autofree char *buffer = NULL;
  struct passwd entry;
  struct passwd *found = NULL;

  if (*user == '\0')
    return g_strdup (g_get_home_dir ());
  buffer = g_malloc (MAX_ENTRY);
  if (getpwnam_r (user, &entry, buffer, MAX_ENTRY, &found) != 0 || found == NULL)
    return NULL;
  return g_strdup (found->pw_dir);
}

char *
ist_operator_expand_path (const char *path)
{
  g_autofree char *expanded = expand_variables (path);
  g_autofree char *user = NULL;
  g_autofree char *home = NULL;
  gsize length;

  if (*expanded != '~')
    return g_steal_pointer (&expanded);
  length = strcspn (expanded, "/");
  user = g_strndup (expanded + 1, length - 1);
  home = find_home (user);
  return home != NULL ? g_strconcat (home, expanded + length, NULL) : g_steal_pointer (&expanded);
}

static char *
find_path (IstOperatorProfileFile file)
{
  const char *path = g_getenv (files[file].variable);

  return ist_operator_expand_path (path != NULL ? path : files[file].path);
}

/* Loading */

/* The AWS tools ask for them in this order, though it is the second that has become usual. */
static const char *
get_name_of_environment (void)
{
  const char *name = g_getenv ("AWS_DEFAULT_PROFILE");

  if (name == NULL || *name == '\0')
    name = g_getenv ("AWS_PROFILE");
  return name != NULL && *name != '\0' ? name : NULL;
}

static const char *
get_asked_for (const char *name)
{
  return name != NULL && *name != '\0' ? name : get_name_of_environment ();
}

char *
ist_operator_profile_dup_name (const char *name)
{
  const char *asked_for = get_asked_for (name);

  return g_strdup (asked_for != NULL ? asked_for : DEFAULT_PROFILE);
}

static const IstOperatorSection *
find_section (const IstOperatorIni *ini,
              IstOperatorProfileFile file,
              const char *name)
{
  if (file == IST_OPERATOR_PROFILE_FILE_CREDENTIALS)
    return ist_operator_ini_find (ini, name);
  return ist_operator_ini_find_last (ini, "profile", name, g_str_equal (name, DEFAULT_PROFILE));
}

static gboolean
profile_load_file (IstOperatorProfile *self,
                   IstOperatorProfileFile file,
                   GError **error)
{
  g_autoptr (GError) local = NULL;

  self->paths[file] = find_path (file);
  self->inis[file] = ist_operator_ini_load (self->paths[file], &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (self->inis[file] != NULL)
    self->sections[file] = find_section (self->inis[file], file, self->name);
  return TRUE;
}

static gboolean
profile_check_exists (const IstOperatorProfile *self,
                      GError **error)
{
  const char *credentials = self->paths[IST_OPERATOR_PROFILE_FILE_CREDENTIALS];
  const char *config = self->paths[IST_OPERATOR_PROFILE_FILE_CONFIG];
  g_autofree char *shown = ist_text_make_safe (self->name, -1, MAX_SHOWN);

  for (guint i = 0; i < N_FILES; i++)
    {
      if (self->sections[i] != NULL)
        return TRUE;
    }
  g_set_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
               "There is no profile “%s” of the AWS tools: neither [profile %s] in “%s” nor [%s] in “%s”; "
               "“aws configure --profile %s” makes one",
               shown, shown, config, shown, credentials, shown);
  return FALSE;
}

static gboolean
profile_find_services (IstOperatorProfile *self,
                       GError **error)
{
  const IstOperatorIni *config = self->inis[IST_OPERATOR_PROFILE_FILE_CONFIG];
  const char *name = ist_operator_profile_get (self, "services");
  g_autofree char *shown = NULL;
  g_autofree char *profile = NULL;

  if (name == NULL)
    return TRUE;
  if (config != NULL)
    self->services = ist_operator_ini_find_last (config, "services", name, FALSE);
  if (self->services != NULL)
    return TRUE;
  shown = ist_text_make_safe (name, -1, MAX_SHOWN);
  profile = ist_text_make_safe (self->name, -1, MAX_SHOWN);
  g_set_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
               "The profile “%s” says services = %s, but “%s” has no section [services %s]", profile, shown,
               self->paths[IST_OPERATOR_PROFILE_FILE_CONFIG], shown);
  return FALSE;
}

IstOperatorProfile *
ist_operator_profile_load (const char *name,
                           GError **error)
{
  g_autoptr (IstOperatorProfile) self = g_new0 (IstOperatorProfile, 1);

  self->name = ist_operator_profile_dup_name (name);
  for (guint i = 0; i < N_FILES; i++)
    {
      if (!profile_load_file (self, i, error))
        return NULL;
    }
  if (get_asked_for (name) != NULL && !profile_check_exists (self, error))
    return NULL;
  if (!profile_find_services (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
ist_operator_profile_free (IstOperatorProfile *self)
{
  for (guint i = 0; i < N_FILES; i++)
    {
      g_free (self->paths[i]);
      g_clear_pointer (&self->inis[i], ist_operator_ini_free);
    }
  g_free (self->name);
  g_free (self);
}

/* Asking */

const char *
ist_operator_profile_get_name (const IstOperatorProfile *self)
{
  return self->name;
}

const char *
ist_operator_profile_get_path (const IstOperatorProfile *self,
                               IstOperatorProfileFile file)
{
  return self->paths[file];
}

const char *
ist_operator_profile_get_from (const IstOperatorProfile *self,
                               IstOperatorProfileFile file,
                               const char *key)
{
  g_autofree char *lower = g_ascii_strdown (key, -1);

  return self->sections[file] != NULL ? ist_operator_section_get (self->sections[file], lower) : NULL;
}

const char *
ist_operator_profile_get (const IstOperatorProfile *self,
                          const char *key)
{
  const IstOperatorSection *first = self->sections[IST_OPERATOR_PROFILE_FILE_CREDENTIALS];
  g_autofree char *lower = g_ascii_strdown (key, -1);
  gboolean is_there = first != NULL && ist_operator_section_has (first, lower);

  return ist_operator_profile_get_from (
    self, is_there ? IST_OPERATOR_PROFILE_FILE_CREDENTIALS : IST_OPERATOR_PROFILE_FILE_CONFIG, lower);
}

const char *
ist_operator_profile_get_of_service (const IstOperatorProfile *self,
                                     const char *service,
                                     const char *key)
{
  return self->services != NULL ? ist_operator_section_get_nested (self->services, service, key) : NULL;
}
