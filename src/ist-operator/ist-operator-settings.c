/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-settings-private.h"

#include <libsoup/soup.h>
#include <string.h>

#include "common/ist-loopback-private.h"
#include "common/ist-names-private.h"
#include "common/ist-text-private.h"
#include "ist-operator/ist-operator-profile-private.h"

/* Signatures need one, though it hardly matters to what is no AWS. */
#define DEFAULT_REGION "us-east-1"

/* Of the AWS tools' standard mode. */
#define DEFAULT_ATTEMPTS 3
#define MAX_ATTEMPTS 100

#define MAX_SHOWN 200

/* What the AWS tools call a service in their settings. */
typedef struct
{
  const char *variable;
  const char *section;
} ServiceName;

static const ServiceName tunneling = { "AWS_ENDPOINT_URL_IOTSECURETUNNELING", "iotsecuretunneling" };
static const ServiceName registry = { "AWS_ENDPOINT_URL_IOT", "iot" };

void
ist_operator_settings_clear (IstOperatorSettings *self)
{
  g_free (self->region);
  g_free (self->endpoint_url);
  g_free (self->tunnel_endpoint);
  g_free (self->ca_file);
  g_clear_object (&self->tls_database);
  g_clear_pointer (&self->uri, g_uri_unref);
  g_clear_pointer (&self->registry_uri, g_uri_unref);
  g_clear_error (&self->registry_error);
}

G_GNUC_PRINTF (2, 3)
static gboolean
fail (GError **error,
      const char *format,
      ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING,
                                 format, args);
  va_end (args);
  return FALSE;
}

static char *
make_safe (const char *text)
{
  return ist_text_make_safe (text, -1, MAX_SHOWN);
}

/* The variable's value, or else the profile's. @origin: (out): who says so */
static const char *
find (const IstOperatorProfile *profile,
      const char *variable,
      const char *key,
      const char **origin)
{
  const char *value = g_getenv (variable);

  *origin = variable;
  if (value != NULL && *value != '\0')
    return value;
  *origin = key;
  value = ist_operator_profile_get (profile, key);
  return value != NULL && *value != '\0' ? value : NULL;
}

/* As the AWS tools take it: whatever is not true is false. */
static gboolean
find_flag (const IstOperatorProfile *profile,
           const char *variable,
           const char *key)
{
  const char *origin;
  const char *value = find (profile, variable, key, &origin);

  return value != NULL && g_ascii_strcasecmp (value, "true") == 0;
}

static void
settle_choice (IstOperatorChoice *choice,
               const IstOperatorProfile *profile,
               const char *variable,
               const char *key)
{
  if (*choice == IST_OPERATOR_CHOICE_AS_CONFIGURED)
    *choice = find_flag (profile, variable, key) ? IST_OPERATOR_CHOICE_YES : IST_OPERATOR_CHOICE_NO;
}

/* Attempts */

static gboolean
settings_find_attempts (IstOperatorSettings *self,
                        const IstOperatorProfile *profile,
                        GError **error)
{
  const char *origin;
  const char *value = find (profile, "AWS_MAX_ATTEMPTS", "max_attempts", &origin);
  g_autofree char *shown = NULL;
  guint64 number;

  if (self->max_attempts != 0)
    return TRUE;
  self->max_attempts = DEFAULT_ATTEMPTS;
  if (value == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (value, 10, 1, G_MAXINT, &number, NULL))
    {
      shown = make_safe (value);
      return fail (error, "%s is a number of attempts from 1 on, not “%s”", origin, shown);
    }
  self->max_attempts = MIN (number, MAX_ATTEMPTS);
  return TRUE;
}

/* Authorities */

static gboolean
settings_load_authorities (IstOperatorSettings *self,
                           const IstOperatorProfile *profile,
                           GError **error)
{
  const char *origin = "ca-file";
  const char *value;
  g_autofree char *absolute = NULL;
  g_autofree char *shown = NULL;
  g_autoptr (GError) local = NULL;

  if (self->ca_file != NULL && self->tls_database != NULL)
    return fail (error, "ca-file is set together with tls-database; only one of them can apply");
  if (self->tls_database != NULL || (self->ca_file == NULL && !self->verify_certificate))
    return TRUE;
  if (self->ca_file == NULL)
    {
      value = find (profile, "AWS_CA_BUNDLE", "ca_bundle", &origin);
      if (value == NULL)
        return TRUE;
      self->ca_file = g_strdup (value);
    }
  absolute = g_canonicalize_filename (self->ca_file, NULL);
  /* Anything else is read for ever, or until memory is full. */
  if (!g_file_test (absolute, G_FILE_TEST_EXISTS) || g_file_test (absolute, G_FILE_TEST_IS_REGULAR))
    self->tls_database = g_tls_file_database_new (absolute, &local);
  if (self->tls_database != NULL)
    return TRUE;
  shown = make_safe (self->ca_file);
  return fail (error, "%s: can't read certificates from “%s”: %s", origin, shown,
               local != NULL ? local->message : "this is no file");
}

/* The place */

static const char *
find_endpoint_url (const IstOperatorProfile *profile,
                   const ServiceName *service,
                   const char **origin)
{
  const char *value;

  if (find_flag (profile, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"))
    return NULL;
  *origin = service->variable;
  value = g_getenv (service->variable);
  if (value != NULL && *value != '\0')
    return value;
  *origin = "AWS_ENDPOINT_URL";
  value = g_getenv ("AWS_ENDPOINT_URL");
  if (value != NULL && *value != '\0')
    return value;
  *origin = "endpoint_url";
  value = ist_operator_profile_get_of_service (profile, service->section, "endpoint_url");
  if (value != NULL && *value != '\0')
    return value;
  value = ist_operator_profile_get (profile, "endpoint_url");
  return value != NULL && *value != '\0' ? value : NULL;
}

/* The region in one of AWS's own names, NULL in others. @flags: (out): which of them */
static char *
find_region_of_host (const char *host,
                     IstHostFlags *flags)
{
  static const struct
  {
    const char *prefix;
    IstHostFlags flags;
  } names[] = {
    { "api.tunneling.iot.", IST_HOST_PLAIN },
    { "api.tunneling.iot-fips.", IST_HOST_FIPS },
    { "api.iot-tunneling.", IST_HOST_DUAL_STACK },
    { "api.iot-tunneling-fips.", IST_HOST_DUAL_STACK | IST_HOST_FIPS },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const char *region = host + strlen (names[i].prefix);

      *flags = names[i].flags;
      if (g_str_has_prefix (host, names[i].prefix))
        return g_strndup (region, strcspn (region, "."));
    }
  *flags = IST_HOST_PLAIN;
  return NULL;
}

/* AWS carries tunnels elsewhere; what stands in for it does so where it opens them. */
static char *
make_tunnel_endpoint (GUri *uri,
                      const char *aws_region)
{
  gboolean is_plain = strcmp (g_uri_get_scheme (uri), "http") == 0;

  if (aws_region != NULL)
    return ist_region_get_host (aws_region, "data", IST_HOST_PLAIN);
  return g_uri_join (G_URI_FLAGS_NONE, is_plain ? "ws" : "wss", NULL, g_uri_get_host (uri), g_uri_get_port (uri), "",
                     NULL, NULL);
}

/* As libsoup wants it. */
static GUri *
settings_parse_url (const IstOperatorSettings *self,
                    const char *url,
                    const char *origin,
                    GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : "";
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  g_autofree char *shown = NULL;

  if ((strcmp (scheme, "https") != 0 && strcmp (scheme, "http") != 0) || host == NULL || *host == '\0' ||
      g_uri_get_port (uri) == 0)
    {
      shown = make_safe (url);
      fail (error, "%s is like https://HOST:PORT, not “%s”", origin, shown);
    }
  /* There may be a password in it. */
  else if (g_uri_get_userinfo (uri) != NULL || g_uri_get_query (uri) != NULL || g_uri_get_fragment (uri) != NULL)
    fail (error, "%s takes no user, query or fragment", origin);
  else if (strcmp (scheme, "http") == 0 && !ist_host_is_loopback (host))
    fail (error, "%s without encryption (http) is for this machine only", origin);
  else if (self->use_fips == IST_OPERATOR_CHOICE_YES || self->use_dualstack == IST_OPERATOR_CHOICE_YES)
    fail (error, "%s is set together with %s; only one of them can apply", origin,
          self->use_fips == IST_OPERATOR_CHOICE_YES ? "the use of FIPS endpoints" : "the use of dual-stack endpoints");
  else
    return g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  return NULL;
}

static gboolean
settings_take_url (IstOperatorSettings *self,
                   const char *origin,
                   GError **error)
{
  g_autoptr (GUri) plain = NULL;
  g_autofree char *aws_region = NULL;
  IstHostFlags flags;

  self->uri = settings_parse_url (self, self->endpoint_url, origin, error);
  if (self->uri == NULL)
    return FALSE;
  /* Without a port that nobody has named. */
  plain = g_uri_parse (self->endpoint_url, G_URI_FLAGS_NONE, NULL);
  aws_region = find_region_of_host (g_uri_get_host (self->uri), &flags);
  if (self->tunnel_endpoint == NULL)
    self->tunnel_endpoint = make_tunnel_endpoint (plain, aws_region);
  if (self->region == NULL)
    self->region = g_strdup (aws_region != NULL ? aws_region : DEFAULT_REGION);
  return TRUE;
}

/* Takes the name of the host. */
static GUri *
make_uri (char *host)
{
  GUri *uri = g_uri_build (SOUP_HTTP_URI_FLAGS, "https", NULL, host, -1, "/", NULL, NULL);

  g_free (host);
  return uri;
}

static void
settings_make_url (IstOperatorSettings *self)
{
  IstHostFlags flags = (self->use_fips == IST_OPERATOR_CHOICE_YES ? IST_HOST_FIPS : 0) |
                       (self->use_dualstack == IST_OPERATOR_CHOICE_YES ? IST_HOST_DUAL_STACK : 0);

  self->uri = make_uri (ist_region_get_host (self->region, "api", flags));
  self->endpoint_url = g_uri_to_string (self->uri);
  if (self->tunnel_endpoint == NULL)
    self->tunnel_endpoint = ist_region_get_host (self->region, "data", IST_HOST_PLAIN);
}

/* What stands in for AWS does so for its things, too, unless the AWS tools' settings name
 * another place for them. That may be wrong without harm for tunnels. @may_differ: whether
 * the settings count */
static void
settings_find_registry (IstOperatorSettings *self,
                        const IstOperatorProfile *profile,
                        gboolean may_differ)
{
  const char *origin;
  const char *url = may_differ ? find_endpoint_url (profile, &registry, &origin) : NULL;
  g_autofree char *aws_region = NULL;
  IstHostFlags flags;

  if (url != NULL)
    {
      self->registry_uri = settings_parse_url (self, url, origin, &self->registry_error);
      return;
    }
  aws_region = find_region_of_host (g_uri_get_host (self->uri), &flags);
  self->registry_uri =
    aws_region != NULL ? make_uri (ist_region_get_registry_host (aws_region, flags)) : g_uri_ref (self->uri);
}

/* @origin: (inout): who says so */
static void
settings_find_region (IstOperatorSettings *self,
                      const IstOperatorProfile *profile,
                      const char **origin)
{
  const char *value = g_getenv ("AWS_REGION");

  if (self->region != NULL)
    return;
  *origin = "AWS_REGION";
  if (value == NULL || *value == '\0')
    value = find (profile, "AWS_DEFAULT_REGION", "region", origin);
  self->region = g_strdup (value);
}

static gboolean
settings_check_region (const IstOperatorSettings *self,
                       const char *origin,
                       GError **error)
{
  g_autofree char *shown = NULL;

  if (self->region == NULL && self->endpoint_url == NULL)
    {
      g_set_error_literal (error, IST_OPERATOR_CONTROL_PLANE_ERROR, IST_OPERATOR_CONTROL_PLANE_ERROR_NO_REGION,
                           "Nothing says which region is meant: name one, set AWS_REGION, or give the profile one "
                           "(aws configure set region REGION)");
      return FALSE;
    }
  /* It becomes part of the name of a host. */
  if (self->region != NULL && !ist_region_is_valid (self->region))
    {
      shown = make_safe (self->region);
      return fail (error, "%s is the name of a region, such as us-east-1, not “%s”", origin, shown);
    }
  return TRUE;
}

/* The one that counts unless another is asked for need not be there. */
static IstOperatorProfile *
load_profile (const char *name,
              GError **error)
{
  g_autofree char *usual = ist_operator_profile_dup_name (NULL);

  return ist_operator_profile_load (g_strcmp0 (name, usual) != 0 ? name : NULL, error);
}

gboolean
ist_operator_settings_resolve (IstOperatorSettings *self,
                               const char *profile_name,
                               GError **error)
{
  g_autoptr (IstOperatorProfile) profile = load_profile (profile_name, error);
  const char *url_origin = "endpoint-url";
  const char *region_origin = "region";
  gboolean is_told = self->endpoint_url != NULL;

  if (profile == NULL)
    return FALSE;
  settle_choice (&self->use_fips, profile, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
  settle_choice (&self->use_dualstack, profile, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
  if (self->endpoint_url == NULL)
    self->endpoint_url = g_strdup (find_endpoint_url (profile, &tunneling, &url_origin));
  settings_find_region (self, profile, &region_origin);
  if (!settings_check_region (self, region_origin, error))
    return FALSE;
  if (self->endpoint_url == NULL)
    settings_make_url (self);
  else if (!settings_take_url (self, url_origin, error))
    return FALSE;
  settings_find_registry (self, profile, !is_told);
  return settings_find_attempts (self, profile, error) && settings_load_authorities (self, profile, error);
}
