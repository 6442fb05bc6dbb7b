/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-tokens-private.h"

#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#define TOKEN_ENTROPY 48 /* bytes; a multiple of 3 needs no padding in Base64 */

struct _IstEmulatorTokens
{
  GHashTable *grants;        /* digest of an access token -> IstEmulatorGrant */
  GHashTable *client_tokens; /* digest of a client token -> IstEmulatorGrant */
};

char *
ist_emulator_token_new (GError **error)
{
  guint8 entropy[TOKEN_ENTROPY];
  char *token;
  int result = gnutls_rnd (GNUTLS_RND_KEY, entropy, sizeof entropy);

  if (result < 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                   "Could not make a token: %s", gnutls_strerror (result));
      return NULL;
    }

  /* Safe in headers, cookies, URIs and shells, and nothing that looks like an option. */
  token = g_strdelimit (g_strdelimit (g_base64_encode (entropy, sizeof entropy), "+", '_'), "/", '.');
  gnutls_memset (entropy, 0, sizeof entropy);
  return token;
}

char *
ist_emulator_token_digest (const char *token)
{
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, token, -1);
}

IstEmulatorTokens *
ist_emulator_tokens_new (void)
{
  IstEmulatorTokens *self = g_new0 (IstEmulatorTokens, 1);

  self->grants = g_hash_table_new (g_str_hash, g_str_equal);
  self->client_tokens = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
ist_emulator_tokens_free (IstEmulatorTokens *self)
{
  g_hash_table_unref (self->client_tokens);
  g_hash_table_unref (self->grants);
  g_free (self);
}

void
ist_emulator_tokens_add (IstEmulatorTokens *self,
                         IstEmulatorGrant *grant)
{
  g_hash_table_insert (self->grants, grant->digest, grant);
  if (grant->client_token_digest != NULL)
    g_hash_table_replace (self->client_tokens, grant->client_token_digest, grant);
}

void
ist_emulator_tokens_remove (IstEmulatorTokens *self,
                            IstEmulatorGrant *grant)
{
  g_hash_table_remove (self->grants, grant->digest);
  /* Another one may have it by now. */
  if (grant->client_token_digest != NULL &&
      g_hash_table_lookup (self->client_tokens, grant->client_token_digest) == grant)
    g_hash_table_remove (self->client_tokens, grant->client_token_digest);
}

IstEmulatorGrant *
ist_emulator_tokens_find (IstEmulatorTokens *self,
                          const char *access_token)
{
  g_autofree char *key = ist_emulator_token_digest (access_token);

  return g_hash_table_lookup (self->grants, key);
}

static IstEmulatorGrant *
tokens_reject (GError **error,
               const char *reason)
{
  g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOKEN_REJECTED, reason);
  return NULL;
}

IstEmulatorGrant *
ist_emulator_tokens_use (IstEmulatorTokens *self,
                         IstMode mode,
                         const char *access_token,
                         const char *client_token,
                         gboolean *first,
                         GError **error)
{
  g_autofree char *client_key = client_token != NULL ? ist_emulator_token_digest (client_token) : NULL;
  IstEmulatorGrant *grant = ist_emulator_tokens_find (self, access_token);
  IstEmulatorGrant *holder = NULL;

  if (client_key != NULL)
    holder = g_hash_table_lookup (self->client_tokens, client_key);
  if (grant == NULL)
    return tokens_reject (error, "Invalid access token");
  if (!ist_emulator_tunnel_is_open (grant->record->tunnel))
    {
      g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TUNNEL_CLOSED, "Tunnel is closed");
      return NULL;
    }
  if (grant->revoked)
    return tokens_reject (error, "Invalid access token: The access token was rotated.");
  if (grant->mode != mode)
    return tokens_reject (error, "Invalid access token: The access token is not for this local-proxy-mode.");
  if (grant->used && grant->client_token_digest == NULL)
    return tokens_reject (error,
                          "Invalid access token: The access token was previously used and can not be used again.");
  if (grant->used && client_key == NULL)
    return tokens_reject (error, "Invalid client token: The access token is tied to a client token.");
  if (grant->used && strcmp (grant->client_token_digest, client_key) != 0)
    return tokens_reject (error, "Invalid client token: The access token is tied to another client token.");
  if (holder != NULL && holder != grant && ist_emulator_tunnel_is_open (holder->record->tunnel))
    return tokens_reject (error, "Invalid client token: The client token is tied to another access token.");

  *first = !grant->used;
  grant->used = TRUE;
  if (*first && client_key != NULL)
    {
      grant->client_token_digest = g_steal_pointer (&client_key);
      g_hash_table_replace (self->client_tokens, grant->client_token_digest, grant);
    }
  return grant;
}
