/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/emulator/emulator-environment.h"

#include <string.h>

/* Of the emulator, whatever its clients say. */
#define REGION "us-east-1"

typedef enum
{
  VARIABLE_ENDPOINT,
  VARIABLE_ACCESS_TOKEN,
  VARIABLE_SOURCE_ACCESS_TOKEN,
  VARIABLE_AUTHORITIES,
  VARIABLE_AWS_ENDPOINT,
  VARIABLE_AWS_REGISTRY_ENDPOINT,
  VARIABLE_AWS_AUTHORITIES,
  VARIABLE_AWS_REGION,
  VARIABLE_AWS_DEFAULT_REGION,
  VARIABLE_AWS_KEY_ID,
  VARIABLE_AWS_KEY,
  N_VARIABLES,
} Variable;

static const char *const names[N_VARIABLES] = {
  [VARIABLE_ENDPOINT] = "AWSIOT_TUNNEL_ENDPOINT",
  [VARIABLE_ACCESS_TOKEN] = "AWSIOT_TUNNEL_ACCESS_TOKEN",
  [VARIABLE_SOURCE_ACCESS_TOKEN] = "AWSIOT_TUNNEL_SOURCE_ACCESS_TOKEN",
  [VARIABLE_AUTHORITIES] = "SSL_CERT_FILE",
  [VARIABLE_AWS_ENDPOINT] = "AWS_ENDPOINT_URL_IOTSECURETUNNELING",
  [VARIABLE_AWS_REGISTRY_ENDPOINT] = "AWS_ENDPOINT_URL_IOT",
  [VARIABLE_AWS_AUTHORITIES] = "AWS_CA_BUNDLE",
  [VARIABLE_AWS_REGION] = "AWS_REGION",
  [VARIABLE_AWS_DEFAULT_REGION] = "AWS_DEFAULT_REGION",
  [VARIABLE_AWS_KEY_ID] = "AWS_ACCESS_KEY_ID",
  [VARIABLE_AWS_KEY] = "AWS_SECRET_ACCESS_KEY",
};

/* They would lead elsewhere, or hand out there what is not for the emulator. */
static const char *const misleading[] = {
  "AWSIOT_TUNNEL_CLIENT_TOKEN",
  "AWSIOT_TUNNEL_REGION",
  "AWS_DEFAULT_PROFILE",
  "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
  "AWS_PROFILE",
  "AWS_SESSION_TOKEN",
};

struct _EmulatorEnvironment
{
  char *values[N_VARIABLES]; /* NULL: as it was */
};

char *
emulator_environment_make_url (IstEmulatorService *service)
{
  const char *endpoint = ist_emulator_service_get_endpoint (service);

  /* "https" for "wss", "http" for "ws". */
  return g_strconcat ("http", endpoint + strlen ("ws"), NULL);
}

EmulatorEnvironment *
emulator_environment_new (IstEmulatorService *service,
                          const char *ca_file,
                          IstEmulatorTunnel *tunnel)
{
  EmulatorEnvironment *self = g_new0 (EmulatorEnvironment, 1);

  self->values[VARIABLE_ENDPOINT] = g_strdup (ist_emulator_service_get_endpoint (service));
  self->values[VARIABLE_ACCESS_TOKEN] = g_strdup (ist_emulator_tunnel_get_destination_access_token (tunnel));
  self->values[VARIABLE_SOURCE_ACCESS_TOKEN] = g_strdup (ist_emulator_tunnel_get_source_access_token (tunnel));
  self->values[VARIABLE_AUTHORITIES] = g_strdup (ca_file);
  self->values[VARIABLE_AWS_ENDPOINT] = emulator_environment_make_url (service);
  self->values[VARIABLE_AWS_REGISTRY_ENDPOINT] = emulator_environment_make_url (service);
  self->values[VARIABLE_AWS_AUTHORITIES] = g_strdup (ca_file);
  self->values[VARIABLE_AWS_REGION] = g_strdup (REGION);
  self->values[VARIABLE_AWS_DEFAULT_REGION] = g_strdup (REGION);
  self->values[VARIABLE_AWS_KEY_ID] = g_strdup ("any");
  self->values[VARIABLE_AWS_KEY] = g_strdup ("any");
  return self;
}

void
emulator_environment_free (EmulatorEnvironment *self)
{
  for (gsize i = 0; i < N_VARIABLES; i++)
    g_free (self->values[i]);
  g_free (self);
}

char **
emulator_environment_merge (EmulatorEnvironment *self)
{
  char **result = g_get_environ ();

  for (gsize i = 0; i < G_N_ELEMENTS (misleading); i++)
    result = g_environ_unsetenv (result, misleading[i]);
  for (gsize i = 0; i < N_VARIABLES; i++)
    {
      if (self->values[i] != NULL)
        result = g_environ_setenv (result, names[i], self->values[i], TRUE);
    }
  return result;
}

char *
emulator_environment_to_shell (EmulatorEnvironment *self)
{
  GString *text = g_string_new ("unset");

  for (gsize i = 0; i < G_N_ELEMENTS (misleading); i++)
    g_string_append_printf (text, " %s", misleading[i]);
  g_string_append_c (text, '\n');
  for (gsize i = 0; i < N_VARIABLES; i++)
    {
      g_autofree char *quoted = NULL;

      if (self->values[i] == NULL)
        continue;
      quoted = g_shell_quote (self->values[i]);
      g_string_append_printf (text, "export %s=%s\n", names[i], quoted);
    }
  return g_string_free (text, FALSE);
}
