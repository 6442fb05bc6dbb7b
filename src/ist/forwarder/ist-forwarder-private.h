/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist-forwarder.h>

#include "ist/forwarder/ist-connect-queue-private.h"

G_BEGIN_DECLS

/* What the files of the class share: ist-forwarder.c has the connections, and
 * the others what begins them or how. */

/* The settings, which are the first properties, and among them the numbers first. */
enum
{
  IST_FORWARDER_MAX_CONNECTIONS = 1,
  IST_FORWARDER_MAX_CONNECTING,
  IST_FORWARDER_HALF_CLOSE_GRACE,
  IST_FORWARDER_IDLE_TIMEOUT,
  IST_FORWARDER_CONNECT_TIMEOUT,
  IST_FORWARDER_CONNECT_RETRIES,
  IST_FORWARDER_CONNECT_RETRY_DELAY_MS,
  IST_FORWARDER_TUNNEL_TIMEOUT,
  IST_FORWARDER_N_NUMBERS,
  IST_FORWARDER_LOCAL_BIND_ADDRESS = IST_FORWARDER_N_NUMBERS,
  IST_FORWARDER_PROXY_RESOLVER,
  IST_FORWARDER_REFUSE_UNMAPPED,
  IST_FORWARDER_N_SETTINGS,
};

typedef struct
{
  guint numbers[IST_FORWARDER_N_NUMBERS];
  char *local_bind_address;
  GProxyResolver *proxy_resolver;
  gboolean refuse_unmapped;
} IstForwarderSettings;

struct _IstForwarder
{
  GObject parent_instance;

  GMainContext *context;
  IstSecureTunnel *tunnel; /* NULL in one that was made without: a binding can do that */
  IstForwarderSettings settings;

  /* On the destination */
  GHashTable *targets; /* service id, or "" for none: GSocketConnectable */
  IstConnectQueue *connect_queue;

  /* On the source */
  GHashTable *listeners; /* id: IstListener */
  guint last_listener_id;
  guint n_stops; /* calls of stop_listening() so far */

  GPtrArray *connections; /* IstForwarderConnection, in the order in which they came */
  guint64 n_connections_total;
  guint64 bytes_in_before; /* of those that are closed */
  guint64 bytes_out_before;
  guint64 bytes_in_told;
  guint64 bytes_out_told;
  GSource *bytes_timer; /* until changes are told */
};

/* Streams */

/* Whether connections can be opened. */
gboolean ist_forwarder_check_source (IstForwarder *self,
                                     GError **error);
/* Opens a connection to the service for @local. @is_shared: the program has that, too.
 * @task: (transfer full) (nullable) */
void ist_forwarder_carry (IstForwarder *self,
                          const char *service_id,
                          GIOStream *local,
                          gboolean is_shared,
                          GTask *task);

/* Settings */
void ist_forwarder_install_settings (GObjectClass *klass);
void ist_forwarder_settings_init (IstForwarderSettings *self);
void ist_forwarder_settings_clear (IstForwarderSettings *self);
void ist_forwarder_get_setting (IstForwarder *self,
                                guint prop_id,
                                GValue *value);
void ist_forwarder_set_setting (IstForwarder *self,
                                guint prop_id,
                                const GValue *value);

/* Targets */

/* From now on the tunnel's connections lead to targets, or nowhere. */
void ist_forwarder_watch_tunnel (IstForwarder *self);

/* Connections */

/* Takes a new connection in, unless there is a reason not to. @task: (transfer full)
 * (nullable): see ist_forwarder_connection_set_task() */
IstForwarderConnection *ist_forwarder_admit (IstForwarder *self,
                                             const char *service_id,
                                             IstConnection *tunnelled,
                                             GIOStream *local,
                                             GTask *task);
/* Takes it in, and ends it at once. */
void ist_forwarder_refuse (IstForwarder *self,
                           IstConnection *tunnelled,
                           const GError *error);

G_END_DECLS
