/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-credentials.h"

#include <glib/gi18n.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"
#include "tools/proxy/proxy-ini.h"
#include "tools/proxy/proxy-token.h"

#define KEY_ID "aws_access_key_id"
#define SECRET "aws_secret_access_key"
#define SESSION_TOKEN "aws_session_token"

void
proxy_credentials_clear (ProxyCredentials *self)
{
  g_clear_pointer (&self->key_id, g_free);
  g_clear_pointer (&self->secret, g_free);
  g_clear_pointer (&self->session_token, g_free);
}

/* Half a pair would only show as a signature that is wrong. */
static gboolean
credentials_check_pair (const ProxyCredentials *self,
                        const char *origin,
                        GError **error)
{
  if ((self->key_id == NULL) == (self->secret == NULL))
    return TRUE;
  g_set_error (error, TOOL_ERROR, EX_NOPERM, _ ("%s: the AWS credentials lack the %s"), origin,
               self->key_id == NULL ? _ ("id of the access key") : _ ("secret access key"));
  return FALSE;
}

/* The profile */

static const char *
get_profile (void)
{
  const char *name = g_getenv ("AWS_PROFILE");

  return name != NULL && *name != '\0' ? name : "default";
}

static char *
get_path (const char *variable,
          const char *name)
{
  const char *path = g_getenv (variable);

  if (path == NULL || *path == '\0')
    return g_build_filename (g_get_home_dir (), ".aws", name, NULL);
  if (g_str_has_prefix (path, "~/"))
    return g_build_filename (g_get_home_dir (), path + 2, NULL);
  return g_strdup (path);
}

static char *
get_value (GKeyFile *file,
           const char *group,
           const char *name)
{
  g_autofree char *value = g_key_file_get_value (file, group, name, NULL);

  return value != NULL && *value != '\0' ? g_steal_pointer (&value) : NULL;
}

/* @file is NULL, without an error, if there is none. */
static gboolean
load_file (const char *path,
           GKeyFile **file,
           GError **error)
{
  *file = NULL;
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  *file = proxy_ini_load (path, error);
  return *file != NULL;
}

/* The group of the profile: in the file of the settings all but the default
 * one say that they are profiles. */
static char *
find_group (GKeyFile *file,
            gboolean says_profile)
{
  g_autofree char *group = g_strconcat ("profile ", get_profile (), NULL);

  if (says_profile && g_key_file_has_group (file, group))
    return g_steal_pointer (&group);
  if (says_profile && !g_str_equal (get_profile (), "default"))
    return NULL;
  return g_key_file_has_group (file, get_profile ()) ? g_strdup (get_profile ()) : NULL;
}

/* FALSE only with an error. */
static gboolean
credentials_take_profile (ProxyCredentials *self,
                          const char *path,
                          gboolean says_profile,
                          GError **error)
{
  g_autoptr (GKeyFile) file = NULL;
  g_autofree char *group = NULL;

  if (self->key_id != NULL)
    return TRUE;
  if (!load_file (path, &file, error))
    return FALSE;
  group = file != NULL ? find_group (file, says_profile) : NULL;
  if (group == NULL)
    return TRUE;
  self->key_id = get_value (file, group, KEY_ID);
  self->secret = get_value (file, group, SECRET);
  self->session_token = get_value (file, group, SESSION_TOKEN);
  return credentials_check_pair (self, path, error);
}

gboolean
proxy_credentials_load (ProxyCredentials *self,
                        GError **error)
{
  g_autofree char *keys = get_path ("AWS_SHARED_CREDENTIALS_FILE", "credentials");
  g_autofree char *settings = get_path ("AWS_CONFIG_FILE", "config");

  self->key_id = proxy_token_take_variable ("AWS_ACCESS_KEY_ID");
  self->secret = proxy_token_take_variable ("AWS_SECRET_ACCESS_KEY");
  self->session_token = proxy_token_take_variable ("AWS_SESSION_TOKEN");
  if (!credentials_check_pair (self, _ ("The environment"), error))
    return FALSE;
  if (self->key_id != NULL)
    return TRUE;
  /* A token of other keys. */
  g_clear_pointer (&self->session_token, g_free);

  if (!credentials_take_profile (self, keys, FALSE, error) || !credentials_take_profile (self, settings, TRUE, error))
    return FALSE;
  if (self->key_id != NULL)
    return TRUE;
  g_set_error (error, TOOL_ERROR, EX_NOPERM,
               _ ("There are no AWS credentials: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set, "
                  "nor has the profile “%s” keys in %s or %s. For other kinds of profiles, the AWS CLI sets "
                  "the variables: eval \"$(aws configure export-credentials --format env)\""),
               get_profile (), keys, settings);
  return FALSE;
}

char *
proxy_credentials_find_region (GError **error)
{
  static const char *const variables[] = { "AWS_REGION", "AWS_DEFAULT_REGION" };
  g_autofree char *path = get_path ("AWS_CONFIG_FILE", "config");
  g_autofree char *group = NULL;
  g_autoptr (GKeyFile) file = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (variables); i++)
    {
      const char *region = g_getenv (variables[i]);

      if (region != NULL && *region != '\0')
        return g_strdup (region);
    }
  if (!load_file (path, &file, error) || file == NULL)
    return NULL;
  group = find_group (file, TRUE);
  return group != NULL ? get_value (file, group, "region") : NULL;
}
