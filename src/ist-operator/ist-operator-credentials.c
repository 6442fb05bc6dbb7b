/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-credentials-private.h"

#include "common/ist-secret-private.h"
#include "common/ist-waiting-tasks-private.h"
#include "ist-operator/ist-operator-chain-private.h"
#include "ist-operator/ist-operator-control-plane-error.h"

/* As the AWS tools do: they are renewed from the one on if that works, from the other on it
 * has to. */
#define ADVISORY (15 * 60 * G_USEC_PER_SEC)
#define MANDATORY (10 * 60 * G_USEC_PER_SEC)

/* Somebody may have to touch a key or to type a code. In seconds. */
#define PROCESS_TIMEOUT 120

/**
 * IstOperatorCredentials:
 *
 * What requests to the service are signed with.
 *
 * They are found where the AWS tools find them, in that order:
 *
 * - the variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`,
 *   unless a profile was asked for in words
 * - a role, a web identity or single sign-on of the profile, for which
 *   `aws configure export-credentials` of the AWS CLI is run
 * - the keys of the profile in the file `credentials`
 * - a login of the profile, by the AWS CLI
 * - the `credential_process` of the profile
 * - the keys of the profile in the file `config`
 * - the service of a container (`AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or
 *   `AWS_CONTAINER_CREDENTIALS_FULL_URI`)
 * - the role of an EC2 instance, by its metadata service
 *
 * [method@IstOperator.Credentials.load_async] finds them, and finds them again when they
 * are about to expire. The secret access key and the session token can't be asked for. The
 * environment is read when the object is made, and not changed: a program that removes
 * secrets from it can do so right after that.
 *
 * An object belongs to the thread-default main context it was made in.
 *
 * Since: 1.0
 */
struct _IstOperatorCredentials
{
  GObject parent_instance;

  char *asked_for; /* the profile, or NULL */
  char *profile;   /* NULL for given keys */
  char **environment;
  guint process_timeout;

  IstOperatorKeys *keys;
  const char *origin;
  gint64 expires_at;

  IstWaitingTasks *waiting;
  guint n_waiting;
  GCancellable *run; /* or NULL */
};

G_DEFINE_FINAL_TYPE (IstOperatorCredentials, ist_operator_credentials, G_TYPE_OBJECT)

enum
{
  PROP_PROFILE = 1,
  PROP_ACCESS_KEY_ID,
  PROP_ORIGIN,
  PROP_EXPIRES_AT,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void credentials_begin (IstOperatorCredentials *self);

/* Keys */

/* Takes @keys. */
static void
credentials_set (IstOperatorCredentials *self,
                 IstOperatorKeys *keys,
                 const char *origin,
                 gint64 expires_at)
{
  g_autoptr (IstOperatorKeys) old = g_steal_pointer (&self->keys);
  const char *old_origin = self->origin;
  gint64 old_expires_at = self->expires_at;
  GObject *object = G_OBJECT (self);

  self->keys = keys;
  self->origin = origin;
  self->expires_at = expires_at;

  g_object_freeze_notify (object);
  if (g_strcmp0 (old != NULL ? old->access_key_id : NULL, keys != NULL ? keys->access_key_id : NULL) != 0)
    g_object_notify_by_pspec (object, properties[PROP_ACCESS_KEY_ID]);
  if (g_strcmp0 (old_origin, origin) != 0)
    g_object_notify_by_pspec (object, properties[PROP_ORIGIN]);
  if (old_expires_at != expires_at)
    g_object_notify_by_pspec (object, properties[PROP_EXPIRES_AT]);
  g_object_thaw_notify (object);
}

/* Whether there are some that hold for that long. */
static gboolean
credentials_hold_for (const IstOperatorCredentials *self,
                      gint64 microseconds)
{
  return self->keys != NULL && (self->expires_at == 0 || self->expires_at - g_get_real_time () >= microseconds);
}

/* Loading */

static void
credentials_return (IstOperatorCredentials *self,
                    const GError *error)
{
  self->n_waiting = 0;
  ist_waiting_tasks_return (self->waiting, error);
}

static void
on_found (GObject *source,
          GAsyncResult *result,
          gpointer user_data)
{
  g_autoptr (IstOperatorCredentials) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (IstOperatorFound) found = ist_operator_chain_run_finish (result, &error);
  g_autoptr (GCancellable) run = g_steal_pointer (&self->run);

  if (found != NULL)
    {
      credentials_set (self, g_steal_pointer (&found->keys), found->origin, found->expires_at);
      credentials_return (self, NULL);
    }
  /* Who has come since all others had gone. */
  else if (g_cancellable_is_cancelled (run))
    {
      if (self->n_waiting > 0)
        credentials_begin (self);
    }
  else
    {
      credentials_return (self, credentials_hold_for (self, MANDATORY) ? NULL : error);
    }
}

/* Files are read here, in the thread whose environment names them. */
static void
credentials_begin (IstOperatorCredentials *self)
{
  g_autoptr (GError) error = NULL;
  IstOperatorProfile *profile = ist_operator_profile_load (self->asked_for, &error);

  if (profile == NULL)
    {
      credentials_return (self, credentials_hold_for (self, MANDATORY) ? NULL : error);
      return;
    }
  self->run = g_cancellable_new ();
  ist_operator_chain_run_async (profile, self->asked_for != NULL, (const char *const *) self->environment,
                                self->process_timeout, self->run, on_found, g_object_ref (self));
}

/* Nobody waits for what would be found. */
static void
on_waiting_cancelled (gpointer user_data)
{
  IstOperatorCredentials *self = user_data;

  self->n_waiting--;
  if (self->n_waiting == 0 && self->run != NULL)
    g_cancellable_cancel (self->run);
}

/* The object */

static void
ist_operator_credentials_constructed (GObject *object)
{
  IstOperatorCredentials *self = IST_OPERATOR_CREDENTIALS (object);

  if (self->asked_for != NULL && *self->asked_for == '\0')
    g_clear_pointer (&self->asked_for, g_free);
  self->profile = ist_operator_profile_dup_name (self->asked_for);
  self->environment = g_get_environ ();

  G_OBJECT_CLASS (ist_operator_credentials_parent_class)->constructed (object);
}

static void
ist_operator_credentials_finalize (GObject *object)
{
  IstOperatorCredentials *self = IST_OPERATOR_CREDENTIALS (object);

  ist_secrets_free (self->environment);
  g_clear_pointer (&self->keys, ist_operator_keys_free);
  g_clear_pointer (&self->waiting, ist_waiting_tasks_free);
  g_free (self->asked_for);
  g_free (self->profile);

  G_OBJECT_CLASS (ist_operator_credentials_parent_class)->finalize (object);
}

static void
ist_operator_credentials_get_property (GObject *object,
                                       guint prop_id,
                                       GValue *value,
                                       GParamSpec *pspec)
{
  IstOperatorCredentials *self = IST_OPERATOR_CREDENTIALS (object);

  switch (prop_id)
    {
    case PROP_PROFILE:
      g_value_set_string (value, self->profile);
      break;
    case PROP_ACCESS_KEY_ID:
      g_value_set_string (value, ist_operator_credentials_get_access_key_id (self));
      break;
    case PROP_ORIGIN:
      g_value_set_string (value, self->origin);
      break;
    case PROP_EXPIRES_AT:
      g_value_set_int64 (value, self->expires_at);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_operator_credentials_set_property (GObject *object,
                                       guint prop_id,
                                       const GValue *value,
                                       GParamSpec *pspec)
{
  IstOperatorCredentials *self = IST_OPERATOR_CREDENTIALS (object);

  switch (prop_id)
    {
    case PROP_PROFILE:
      self->asked_for = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
ist_operator_credentials_class_init (IstOperatorCredentialsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->constructed = ist_operator_credentials_constructed;
  object_class->finalize = ist_operator_credentials_finalize;
  object_class->get_property = ist_operator_credentials_get_property;
  object_class->set_property = ist_operator_credentials_set_property;

  /**
   * IstOperatorCredentials:profile: (getter get_profile)
   *
   * The profile of the AWS tools. %NULL, when the object is made, is the one that
   * `AWS_DEFAULT_PROFILE` names, or else `AWS_PROFILE`, or else "default"; variables with
   * keys come before it, but not before one that is given here.
   *
   * Since: 1.0
   */
  properties[PROP_PROFILE] = g_param_spec_string (
    "profile", NULL, NULL, NULL, G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * IstOperatorCredentials:access-key-id: (getter get_access_key_id)
   *
   * The id of the access key; %NULL while there is none.
   *
   * Since: 1.0
   */
  properties[PROP_ACCESS_KEY_ID] = g_param_spec_string ("access-key-id", NULL, NULL, NULL, flags);
  /**
   * IstOperatorCredentials:origin: (getter get_origin)
   *
   * Where the credentials are from: "given", "environment", "credentials file",
   * "config file", "credential_process", "aws" (the AWS CLI), "container" or "instance".
   * %NULL while there are none.
   *
   * Since: 1.0
   */
  properties[PROP_ORIGIN] = g_param_spec_string ("origin", NULL, NULL, NULL, flags);
  /**
   * IstOperatorCredentials:expires-at: (getter get_expires_at)
   *
   * When the credentials expire, in microseconds since 1970; 0 if they don't, or while
   * there are none.
   *
   * Since: 1.0
   */
  properties[PROP_EXPIRES_AT] = g_param_spec_int64 ("expires-at", NULL, NULL, 0, G_MAXINT64, 0, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ist_operator_credentials_init (IstOperatorCredentials *self)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();

  self->process_timeout = PROCESS_TIMEOUT;
  self->waiting = ist_waiting_tasks_new (context, on_waiting_cancelled, self);
}

/**
 * ist_operator_credentials_new:
 * @profile: (nullable): a profile of the AWS tools, or %NULL for what the environment says;
 *   see [property@IstOperator.Credentials:profile]
 *
 * Creates credentials that are found as the AWS tools find them.
 *
 * Nothing is looked for before [method@IstOperator.Credentials.load_async].
 *
 * Returns: (transfer full): new credentials
 *
 * Since: 1.0
 */
IstOperatorCredentials *
ist_operator_credentials_new (const char *profile)
{
  return g_object_new (IST_OPERATOR_TYPE_CREDENTIALS, "profile", profile, NULL);
}

/**
 * ist_operator_credentials_new_for_keys:
 * @access_key_id: the id of an access key
 * @secret_access_key: the secret access key
 * @session_token: (nullable): the session token, of credentials that are temporary
 *
 * Creates credentials that are there already.
 *
 * Their [property@IstOperator.Credentials:profile] is %NULL.
 *
 * Returns: (transfer full): new credentials
 *
 * Since: 1.0
 */
IstOperatorCredentials *
ist_operator_credentials_new_for_keys (const char *access_key_id,
                                       const char *secret_access_key,
                                       const char *session_token)
{
  IstOperatorCredentials *self;

  g_return_val_if_fail (access_key_id != NULL, NULL);
  g_return_val_if_fail (secret_access_key != NULL, NULL);

  self = ist_operator_credentials_new (NULL);
  g_clear_pointer (&self->profile, g_free);
  self->keys = ist_operator_keys_new (access_key_id, secret_access_key, session_token);
  self->origin = "given";
  return self;
}

/**
 * ist_operator_credentials_load_async:
 * @self: credentials
 * @cancellable: (nullable): ends the waiting, not that of other calls
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * Finds the credentials, or renews them when they expire in less than 15 minutes.
 *
 * Does nothing if they are there and hold. Calls at the same time share one search. It may
 * run a program, which has two minutes; when renewing fails, the old ones do until 10
 * minutes are left.
 *
 * Since: 1.0
 */
void
ist_operator_credentials_load_async (IstOperatorCredentials *self,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (IST_OPERATOR_IS_CREDENTIALS (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ist_operator_credentials_load_async);
  if (g_task_return_error_if_cancelled (task))
    return;
  if (credentials_hold_for (self, ADVISORY))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  if (self->profile == NULL)
    {
      g_task_return_new_error (task, IST_OPERATOR_CONTROL_PLANE_ERROR,
                               IST_OPERATOR_CONTROL_PLANE_ERROR_CREDENTIALS_EXPIRED,
                               "The AWS credentials that were given are not taken any more: give others");
      return;
    }
  ist_waiting_tasks_add (self->waiting, g_steal_pointer (&task));
  self->n_waiting++;
  if (self->run == NULL)
    credentials_begin (self);
}

/**
 * ist_operator_credentials_load_finish:
 * @self: credentials
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes what [method@IstOperator.Credentials.load_async] began.
 *
 * The errors are %IST_OPERATOR_CONTROL_PLANE_ERROR_NO_CREDENTIALS,
 * %IST_OPERATOR_CONTROL_PLANE_ERROR_CREDENTIALS_EXPIRED and
 * %IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING, and say what was tried.
 *
 * Returns: whether there are credentials
 *
 * Since: 1.0
 */
gboolean
ist_operator_credentials_load_finish (IstOperatorCredentials *self,
                                      GAsyncResult *result,
                                      GError **error)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CREDENTIALS (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ist_operator_credentials_load_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ist_operator_credentials_forget:
 * @self: credentials
 *
 * Drops the credentials that were found, as when the service does not take them any more.
 *
 * The next [method@IstOperator.Credentials.load_async] looks for others. Those that were
 * given have no others.
 *
 * Since: 1.0
 */
void
ist_operator_credentials_forget (IstOperatorCredentials *self)
{
  g_return_if_fail (IST_OPERATOR_IS_CREDENTIALS (self));

  credentials_set (self, NULL, NULL, 0);
}

/**
 * ist_operator_credentials_get_profile:
 * @self: credentials
 *
 * Gets the profile of the AWS tools that counts.
 *
 * Returns: (nullable): its name; %NULL for keys that were given
 *
 * Since: 1.0
 */
const char *
ist_operator_credentials_get_profile (IstOperatorCredentials *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CREDENTIALS (self), NULL);
  return self->profile;
}

/**
 * ist_operator_credentials_get_access_key_id:
 * @self: credentials
 *
 * Gets the id of the access key.
 *
 * Returns: (nullable): the id; %NULL while there is none
 *
 * Since: 1.0
 */
const char *
ist_operator_credentials_get_access_key_id (IstOperatorCredentials *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CREDENTIALS (self), NULL);
  return self->keys != NULL ? self->keys->access_key_id : NULL;
}

/**
 * ist_operator_credentials_get_origin:
 * @self: credentials
 *
 * Gets where the credentials are from: see [property@IstOperator.Credentials:origin].
 *
 * Returns: (nullable): the place; %NULL while there are none
 *
 * Since: 1.0
 */
const char *
ist_operator_credentials_get_origin (IstOperatorCredentials *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CREDENTIALS (self), NULL);
  return self->origin;
}

/**
 * ist_operator_credentials_get_expires_at:
 * @self: credentials
 *
 * Gets when the credentials expire.
 *
 * Returns: microseconds since 1970; 0 if they don't, or while there are none
 *
 * Since: 1.0
 */
gint64
ist_operator_credentials_get_expires_at (IstOperatorCredentials *self)
{
  g_return_val_if_fail (IST_OPERATOR_IS_CREDENTIALS (self), 0);
  return self->expires_at;
}

IstOperatorKeys *
ist_operator_credentials_dup_keys (IstOperatorCredentials *self)
{
  return self->keys != NULL ? ist_operator_keys_copy (self->keys) : NULL;
}

void
ist_operator_credentials_set_process_timeout (IstOperatorCredentials *self,
                                              guint seconds)
{
  self->process_timeout = seconds;
}
