/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

/* What a client asks for in its handshake. */
typedef struct
{
  IstMode mode;
  char *access_token;
  char *client_token; /* nullable */
} IstEmulatorHandshake;

void ist_emulator_handshake_clear (IstEmulatorHandshake *self);

/* Checks everything about the request that can be said without knowing the
 * tunnels. IST_TUNNEL_ERROR_REFUSED says what is wrong. */
gboolean ist_emulator_handshake_parse (IstEmulatorHandshake *self,
                                       SoupServerMessage *message,
                                       GError **error);

/* Answers the request with 101 and the highest subprotocol asked for. */
gboolean ist_emulator_handshake_accept (SoupServerMessage *message,
                                        gboolean omit_subprotocol);

/* Answers with a status and says why. */
void ist_emulator_handshake_refuse (SoupServerMessage *message,
                                    guint status,
                                    const char *reason);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (IstEmulatorHandshake, ist_emulator_handshake_clear)

G_END_DECLS
