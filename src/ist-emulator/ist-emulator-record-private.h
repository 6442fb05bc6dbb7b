/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator-tunnel.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _IstEmulatorRecord IstEmulatorRecord;

/* Whom an access token admits. Only digests are kept: a look-up by them takes a
 * time that tells nothing of use about tokens, and a stolen file holds none. */
typedef struct
{
  IstEmulatorRecord *record;
  char *digest;
  IstMode mode;
  gboolean used;
  gboolean revoked;          /* kept, to tell its user why it is refused */
  char *client_token_digest; /* the client token it was first used with */
} IstEmulatorGrant;

/* What the service knows of a tunnel beside its connections. Times are real
 * time in microseconds. */
struct _IstEmulatorRecord
{
  IstEmulatorTunnel *tunnel;
  guint64 sequence; /* grows with each tunnel */
  char *description;
  JsonObject *tags; /* key -> value, in the order in which they came */
  guint lifetime_minutes;
  gint64 updated_at;
  gint64 closed_at; /* 0 while it is open */
  gint64 connection_updated_at[2];
  GPtrArray *grants; /* of IstEmulatorGrant, the oldest first */
};

/* Takes over @tunnel. */
IstEmulatorRecord *ist_emulator_record_new (IstEmulatorTunnel *tunnel);
void ist_emulator_record_free (IstEmulatorRecord *self);

/* Takes over @digest. */
IstEmulatorGrant *ist_emulator_record_add_grant (IstEmulatorRecord *self,
                                                 char *digest,
                                                 IstMode mode);

/* (transfer full): an object with "key" and "value" for each. */
JsonArray *ist_emulator_record_list_tags (IstEmulatorRecord *self);

/* As a file keeps it. The tunnel's clients and tokens are not part of that. */
GBytes *ist_emulator_record_to_bytes (IstEmulatorRecord *self);
IstEmulatorRecord *ist_emulator_record_from_bytes (GBytes *bytes,
                                                   GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstEmulatorRecord, ist_emulator_record_free)

G_END_DECLS
