/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist.h>

G_BEGIN_DECLS

/* What an agent is made with, by the ids of its properties. All but the last two never
 * change. */
enum
{
  IST_AGENT_SETTING_THING_NAME = 1,
  IST_AGENT_SETTING_BROKER,
  IST_AGENT_SETTING_CLIENT_ID,
  IST_AGENT_SETTING_CERTIFICATE_FILE,
  IST_AGENT_SETTING_KEY_FILE,
  IST_AGENT_SETTING_CA_FILE,
  IST_AGENT_SETTING_ENDPOINT,
  IST_AGENT_SETTING_ENDPOINT_CA_FILE,
  IST_AGENT_SETTING_ALLOW_PLAIN,
  IST_AGENT_SETTING_KEEPALIVE,
  IST_AGENT_SETTING_MAX_LIFETIME,
  IST_AGENT_SETTING_MAX_TUNNELS,
  IST_AGENT_SETTING_MAX_CONNECTIONS,
  IST_AGENT_N_SETTINGS,
};

typedef struct
{
  char *thing_name;
  char *broker;
  char *client_id;
  char *certificate_file;
  char *key_file;
  char *ca_file;
  char *endpoint;
  char *endpoint_ca_file;
  gboolean allow_plain;
  guint keepalive;    /* seconds */
  guint max_lifetime; /* seconds */
  guint max_tunnels;
  guint max_connections;
} IstAgentSettings;

/* For the class and its properties. */
void ist_agent_settings_specify (GParamSpec **properties);
void ist_agent_settings_set (IstAgentSettings *self,
                             guint setting,
                             const GValue *value);
void ist_agent_settings_get (const IstAgentSettings *self,
                             guint setting,
                             GValue *value);
void ist_agent_settings_clear (IstAgentSettings *self);

/* Whether an agent can work with all but those of its broker. */
gboolean ist_agent_settings_check (const IstAgentSettings *self,
                                   GError **error);

/* The device's end of a tunnel. */
IstSecureTunnel *ist_agent_settings_make_tunnel (const IstAgentSettings *self,
                                                 const char *access_token,
                                                 const char *region,
                                                 GError **error);

/* Says what is wrong with a property; returns FALSE. */
gboolean ist_agent_settings_fail (GError **error,
                                  const char *property,
                                  const char *what);

G_END_DECLS
