/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "ist-emulator/ist-emulator-record-private.h"

G_BEGIN_DECLS

/* Whom the access tokens of all tunnels admit. */
typedef struct _IstEmulatorTokens IstEmulatorTokens;

IstEmulatorTokens *ist_emulator_tokens_new (void);
void ist_emulator_tokens_free (IstEmulatorTokens *self);

/* A new access token. */
char *ist_emulator_token_new (GError **error);
/* What is kept of a token. */
char *ist_emulator_token_digest (const char *token);

/* The grants stay their record's. */
void ist_emulator_tokens_add (IstEmulatorTokens *self,
                              IstEmulatorGrant *grant);
void ist_emulator_tokens_remove (IstEmulatorTokens *self,
                                 IstEmulatorGrant *grant);

/* Valid or not; NULL if it was never granted. */
IstEmulatorGrant *ist_emulator_tokens_find (IstEmulatorTokens *self,
                                            const char *access_token);

/* Whether the tokens admit somebody: NULL with IST_TUNNEL_ERROR_TOKEN_REJECTED or
 * IST_TUNNEL_ERROR_TUNNEL_CLOSED if they don't. From its first use on, a grant
 * that comes with a client token is for this one only, any other is used up.
 * @first: whether this was it, so that the record has changed. */
IstEmulatorGrant *ist_emulator_tokens_use (IstEmulatorTokens *self,
                                           IstMode mode,
                                           const char *access_token,
                                           const char *client_token,
                                           gboolean *first,
                                           GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstEmulatorTokens, ist_emulator_tokens_free)

G_END_DECLS
