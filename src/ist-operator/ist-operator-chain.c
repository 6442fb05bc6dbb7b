/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-chain-private.h"

#include <string.h>

#include "common/ist-secret-private.h"
#include "common/ist-text-private.h"
#include "ist-operator/ist-operator-command-private.h"
#include "ist-operator/ist-operator-control-plane-error.h"
#include "ist-operator/ist-operator-metadata-private.h"
#include "ist-operator/ist-operator-words-private.h"

#define MAX_SHOWN 128

typedef struct
{
  IstOperatorProfile *profile;
  gboolean is_explicit;
  char **environment;
  guint process_timeout;
  GCancellable *cancellable;
  char *why; /* the last of the places has nothing */
} Chain;

/* Returns what it has found, or else NULL: with an error to end the search, or without one
 * to go on. */
typedef IstOperatorFound *(*Place) (Chain *self,
                                    GError **error);

static void
chain_free (gpointer data)
{
  Chain *self = data;

  ist_operator_profile_free (self->profile);
  ist_secrets_free (self->environment);
  g_free (self->why);
  g_free (self);
}

static char *
chain_show_profile (const Chain *self)
{
  return ist_text_make_safe (ist_operator_profile_get_name (self->profile), -1, MAX_SHOWN);
}

/* NULL if it isn't set or empty. A line end gets into a variable where a script reads it
 * from a file of another system. */
static char *
chain_dup_variable (const Chain *self,
                    const char *name)
{
  const char *value = g_environ_getenv (self->environment, name);
  char *stripped = value != NULL ? g_strstrip (g_strdup (value)) : NULL;

  if (stripped != NULL && *stripped == '\0')
    g_clear_pointer (&stripped, g_free);
  return stripped;
}

/* The environment */

static IstOperatorFound *
look_at_environment (Chain *self,
                     GError **error)
{
  g_autofree char *id = self->is_explicit ? NULL : chain_dup_variable (self, "AWS_ACCESS_KEY_ID");
  g_autofree char *expiration = NULL;
  IstOperatorFound *found;
  char *secret;
  char *token;

  if (id == NULL)
    return NULL;
  secret = chain_dup_variable (self, "AWS_SECRET_ACCESS_KEY");
  token = chain_dup_variable (self, "AWS_SECURITY_TOKEN");
  if (token == NULL)
    token = chain_dup_variable (self, "AWS_SESSION_TOKEN");
  expiration = chain_dup_variable (self, "AWS_CREDENTIAL_EXPIRATION");
  found = ist_operator_found_new ("environment", "AWS_ACCESS_KEY_ID and the variables beside it", id, secret, token,
                                  expiration, error);
  ist_secret_free (secret);
  ist_secret_free (token);
  return found;
}

/* Programs */

/* What is ours, and not theirs. That of AWS is: a program that has credentials for a
 * profile may need others to get them with. */
static char **
make_child_environment (const Chain *self)
{
  return g_environ_unsetenv (g_strdupv (self->environment), "AWSIOT_TUNNEL_ACCESS_TOKEN");
}

static IstOperatorFound *
chain_run (Chain *self,
           const char *const *argv,
           const char *name,
           const char *origin,
           gboolean *not_found,
           GError **error)
{
  char **environment = make_child_environment (self);
  IstOperatorFound *found = NULL;
  char *text;

  text = ist_operator_run_command (argv, (const char *const *) environment, name, self->process_timeout,
                                   self->cancellable, not_found, error);
  if (text != NULL)
    found = ist_operator_found_parse (origin, name, text, IST_OPERATOR_ANSWER_OF_PROCESS, error);
  ist_secret_free (text);
  ist_secrets_free (environment);
  return found;
}

/* Its own code has the protocols of STS and SSO, and its caches the logins. */
static IstOperatorFound *
chain_ask_aws (Chain *self,
               const char *what,
               GError **error)
{
  const char *argv[] = { "aws", "configure", "export-credentials", "--format", "process", NULL, NULL, NULL };
  g_autofree char *profile = chain_show_profile (self);
  g_autofree char *name = NULL;
  g_autoptr (GError) local = NULL;
  IstOperatorFound *found;
  gboolean not_found;

  name = g_strdup_printf ("“aws configure export-credentials” for the profile “%s”, which has %s,", profile, what);
  if (self->is_explicit)
    {
      argv[5] = "--profile";
      argv[6] = ist_operator_profile_get_name (self->profile);
    }
  found = chain_run (self, argv, name, "aws", &not_found, &local);
  if (found == NULL && not_found)
    g_set_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS,
                 "The profile “%s” has %s, for which the program “aws” is needed, and it is not there: install the "
                 "AWS CLI, or set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
                 profile, what);
  else if (found == NULL && strstr (local->message, "nvalid choice") != NULL)
    g_set_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS,
                 "The profile “%s” has %s, for which “aws configure export-credentials” is needed, which the “aws” "
                 "that is there is too old for: install AWS CLI 2.9 or later, or set AWS_ACCESS_KEY_ID, "
                 "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
                 profile, what);
  else if (found == NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return found;
}

static gboolean
chain_has (const Chain *self,
           const char *key)
{
  return ist_operator_profile_get (self->profile, key) != NULL;
}

static IstOperatorFound *
look_at_role (Chain *self,
              GError **error)
{
  if (!chain_has (self, "role_arn") || chain_has (self, "web_identity_token_file"))
    return NULL;
  return chain_ask_aws (self, "a role (role_arn)", error);
}

static IstOperatorFound *
look_at_web_identity (Chain *self,
                      GError **error)
{
  const char *variable = g_environ_getenv (self->environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
  const char *path = ist_operator_profile_get (self->profile, "web_identity_token_file");

  if (variable != NULL && !self->is_explicit)
    path = variable;
  if (path == NULL || *path == '\0')
    return NULL;
  return chain_ask_aws (self, "a web identity (web_identity_token_file or AWS_WEB_IDENTITY_TOKEN_FILE)", error);
}

static IstOperatorFound *
look_at_sso (Chain *self,
             GError **error)
{
  if (!chain_has (self, "sso_role_name") && !chain_has (self, "sso_account_id"))
    return NULL;
  return chain_ask_aws (self, "single sign-on (sso_account_id, sso_role_name)", error);
}

static IstOperatorFound *
look_at_login (Chain *self,
               GError **error)
{
  return chain_has (self, "login_session") ? chain_ask_aws (self, "a login (login_session)", error) : NULL;
}

static IstOperatorFound *
look_at_process (Chain *self,
                 GError **error)
{
  const char *command = ist_operator_profile_get (self->profile, "credential_process");
  g_autofree char *profile = chain_show_profile (self);
  g_autofree char *name = g_strdup_printf ("The credential_process of the profile “%s”", profile);
  g_auto (GStrv) argv = NULL;
  gboolean not_found;

  if (command == NULL)
    return NULL;
  argv = ist_operator_split_words (command);
  if (argv != NULL && argv[0] != NULL)
    return chain_run (self, (const char *const *) argv, name, "credential_process", &not_found, error);
  g_set_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
               argv != NULL ? "%s is empty" : "%s has a quote that is not closed, or a backslash before nothing", name);
  return NULL;
}

/* Files */

static IstOperatorFound *
chain_look_at_file (Chain *self,
                    IstOperatorProfileFile file,
                    const char *origin,
                    GError **error)
{
  const char *id = ist_operator_profile_get_from (self->profile, file, "aws_access_key_id");
  const char *secret = ist_operator_profile_get_from (self->profile, file, "aws_secret_access_key");
  const char *token = ist_operator_profile_get_from (self->profile, file, "aws_security_token");
  g_autofree char *profile = NULL;
  g_autofree char *where = NULL;

  if (id == NULL)
    return NULL;
  if (token == NULL)
    token = ist_operator_profile_get_from (self->profile, file, "aws_session_token");
  profile = chain_show_profile (self);
  where = g_strdup_printf ("The profile “%s” in “%s”", profile, ist_operator_profile_get_path (self->profile, file));
  return ist_operator_found_new (origin, where, id, secret, token, NULL, error);
}

static IstOperatorFound *
look_at_credentials_file (Chain *self,
                          GError **error)
{
  return chain_look_at_file (self, IST_OPERATOR_PROFILE_FILE_CREDENTIALS, "credentials file", error);
}

static IstOperatorFound *
look_at_config_file (Chain *self,
                     GError **error)
{
  return chain_look_at_file (self, IST_OPERATOR_PROFILE_FILE_CONFIG, "config file", error);
}

/* The machine */

static IstOperatorFound *
look_at_container (Chain *self,
                   GError **error)
{
  return ist_operator_metadata_ask_container ((const char *const *) self->environment, self->cancellable, error);
}

static IstOperatorFound *
look_at_instance (Chain *self,
                  GError **error)
{
  return ist_operator_metadata_ask_instance ((const char *const *) self->environment, self->profile, self->cancellable,
                                             &self->why, error);
}

/* All */

static const Place places[] = {
  look_at_environment,
  look_at_role,
  look_at_web_identity,
  look_at_sso,
  look_at_credentials_file,
  look_at_login,
  look_at_process,
  look_at_config_file,
  look_at_container,
  look_at_instance,
};

static IstOperatorFound *
chain_look (Chain *self,
            GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (GError) local = NULL;
      IstOperatorFound *found = places[i](self, &local);

      if (found != NULL)
        return found;
      if (local != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return NULL;
        }
    }
  return NULL;
}

static void
fail_with_nothing (const Chain *self,
                   GError **error)
{
  g_autofree char *profile = chain_show_profile (self);

  g_set_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS,
               "There are no AWS credentials: %s, the profile “%s” has none in “%s” or “%s”, and %s. "
               "“aws configure --profile %s” stores some",
               self->is_explicit ? "variables do not count where a profile is asked for"
                                 : "AWS_ACCESS_KEY_ID is not set",
               profile, ist_operator_profile_get_path (self->profile, IST_OPERATOR_PROFILE_FILE_CREDENTIALS),
               ist_operator_profile_get_path (self->profile, IST_OPERATOR_PROFILE_FILE_CONFIG), self->why, profile);
}

static gboolean
check_time (const IstOperatorFound *found,
            GError **error)
{
  g_autoptr (GDateTime) time = NULL;
  g_autofree char *shown = NULL;

  if (found->expires_at == 0 || found->expires_at > g_get_real_time ())
    return TRUE;
  time = g_date_time_new_from_unix_utc (found->expires_at / G_USEC_PER_SEC);
  shown = time != NULL ? g_date_time_format_iso8601 (time) : NULL;
  g_set_error (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_CREDENTIALS_EXPIRED,
               "The AWS credentials (%s) have expired, at %s: log in again, or get others", found->origin,
               shown);
  return FALSE;
}

/* In a thread: a name is resolved, a file read and a program waited for. */
static void
run (GTask *task,
     gpointer source,
     gpointer data,
     GCancellable *cancellable)
{
  Chain *self = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (IstOperatorFound) found = NULL;
  GError *error = NULL;

  self->cancellable = cancellable;
  g_main_context_push_thread_default (context);
  found = chain_look (self, &error);
  if (found == NULL && error == NULL)
    fail_with_nothing (self, &error);
  else if (found != NULL && !check_time (found, &error))
    g_clear_pointer (&found, ist_operator_found_free);
  g_main_context_pop_thread_default (context);
  if (found != NULL)
    g_task_return_pointer (task, g_steal_pointer (&found), (GDestroyNotify) ist_operator_found_free);
  else
    g_task_return_error (task, error);
}

void
ist_operator_chain_run_async (IstOperatorProfile *profile,
                              gboolean is_explicit,
                              const char *const *environment,
                              guint process_timeout,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Chain *self = g_new0 (Chain, 1);

  self->profile = profile;
  self->is_explicit = is_explicit;
  self->environment = g_strdupv ((char **) environment);
  self->process_timeout = process_timeout;
  g_task_set_source_tag (task, ist_operator_chain_run_async);
  g_task_set_task_data (task, self, chain_free);
  g_task_run_in_thread (task, run);
}

IstOperatorFound *
ist_operator_chain_run_finish (GAsyncResult *result,
                               GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
