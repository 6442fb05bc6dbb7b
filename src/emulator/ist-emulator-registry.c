/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator-registry-private.h"

#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "ist-emulator-tunnel-private.h"

#define DEFAULT_LIFETIME 720 /* minutes, which is also the longest */
#define MAX_NAME 128
#define TOKEN_ENTROPY 48 /* bytes; a multiple of 3 needs no padding in Base64 */

/* Tokens are looked up by their digest, so that the time it takes tells nothing
 * of use about them. */
typedef struct
{
  IstEmulatorTunnel *tunnel; /* unowned: the registry owns it for longer */
  IstMode mode;
  gboolean used;
  gboolean revoked;          /* kept, for what its client token is tied to */
  char *client_token_digest; /* the client token it was first used with */
} Grant;

struct _IstEmulatorRegistry
{
  GHashTable *tunnels;       /* id -> tunnel */
  GHashTable *grants;        /* digest of an access token -> Grant */
  GHashTable *client_tokens; /* digest of a client token -> Grant */
};

static void
grant_free (gpointer data)
{
  Grant *grant = data;

  g_free (grant->client_token_digest);
  g_free (grant);
}

static char *
digest (const char *token)
{
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, token, -1);
}

static char *
make_token (GError **error)
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

static gboolean
is_name (const char *name)
{
  gsize length = strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ":_-");

  return name[length] == '\0' && length >= 1 && length <= MAX_NAME;
}

static gboolean
check_services (const char *const *services,
                GError **error)
{
  for (gsize i = 0; services != NULL && services[i] != NULL; i++)
    {
      if (!is_name (services[i]))
        {
          g_set_error (error, IST_ERROR, IST_ERROR_INVALID_SETTING,
                       "Invalid service name “%s”: it must match ^[a-zA-Z0-9:_-]{1,128}$", services[i]);
          return FALSE;
        }
      for (gsize j = 0; j < i; j++)
        if (strcmp (services[i], services[j]) == 0)
          {
            g_set_error (error, IST_ERROR, IST_ERROR_INVALID_SETTING,
                         "The service name “%s” is there twice", services[i]);
            return FALSE;
          }
    }
  return TRUE;
}

IstEmulatorRegistry *
ist_emulator_registry_new (void)
{
  IstEmulatorRegistry *self = g_new0 (IstEmulatorRegistry, 1);

  self->tunnels = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
  self->grants = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, grant_free);
  self->client_tokens = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

void
ist_emulator_registry_free (IstEmulatorRegistry *self)
{
  g_hash_table_unref (self->client_tokens);
  g_hash_table_unref (self->grants);
  g_hash_table_unref (self->tunnels);
  g_free (self);
}

static void
revoke_grant (IstEmulatorRegistry *self,
              IstEmulatorTunnel *tunnel,
              IstMode mode)
{
  const char *token = ist_emulator_tunnel_get_access_token (tunnel, mode);
  g_autofree char *key = NULL;
  Grant *grant;

  if (token == NULL)
    return;

  key = digest (token);
  grant = g_hash_table_lookup (self->grants, key);
  grant->revoked = TRUE;
}

static void
grant_token (IstEmulatorRegistry *self,
             IstEmulatorTunnel *tunnel,
             IstMode mode,
             const char *token)
{
  Grant *grant = g_new0 (Grant, 1);

  revoke_grant (self, tunnel, mode);
  grant->tunnel = tunnel;
  grant->mode = mode;
  g_hash_table_insert (self->grants, digest (token), grant);
  ist_emulator_tunnel_set_access_token (tunnel, mode, token);
}

/* All or nothing: no side gets a new token if one can't be made. */
static gboolean
grant_tokens (IstEmulatorRegistry *self,
              IstEmulatorTunnel *tunnel,
              IstEmulatorSides sides,
              GError **error)
{
  g_autofree char *source = NULL;
  g_autofree char *destination = NULL;

  if ((source = make_token (error)) == NULL || (destination = make_token (error)) == NULL)
    return FALSE;

  if (sides & IST_EMULATOR_SIDES_SOURCE)
    grant_token (self, tunnel, IST_MODE_SOURCE, source);
  if (sides & IST_EMULATOR_SIDES_DESTINATION)
    grant_token (self, tunnel, IST_MODE_DESTINATION, destination);
  return TRUE;
}

IstEmulatorTunnel *
ist_emulator_registry_open (IstEmulatorRegistry *self,
                            const char *const *services,
                            const char *thing_name,
                            guint lifetime_minutes,
                            GError **error)
{
  g_autoptr (IstEmulatorTunnel) tunnel = NULL;

  if (!check_services (services, error))
    return NULL;
  if (thing_name != NULL && !is_name (thing_name))
    {
      g_set_error (error, IST_ERROR, IST_ERROR_INVALID_SETTING,
                   "Invalid thing name “%s”: it must match ^[a-zA-Z0-9:_-]{1,128}$", thing_name);
      return NULL;
    }
  if (lifetime_minutes > DEFAULT_LIFETIME)
    {
      g_set_error (error, IST_ERROR, IST_ERROR_INVALID_SETTING,
                   "Invalid lifetime of %u minutes: at most %u", lifetime_minutes, DEFAULT_LIFETIME);
      return NULL;
    }

  tunnel = ist_emulator_tunnel_new (services, thing_name);
  if (!grant_tokens (self, tunnel, IST_EMULATOR_SIDES_ALL, error))
    return NULL;

  if (lifetime_minutes == 0)
    lifetime_minutes = DEFAULT_LIFETIME;
  ist_emulator_tunnel_set_lifetime (tunnel, lifetime_minutes * 60 * 1000);
  g_hash_table_insert (self->tunnels, (char *) ist_emulator_tunnel_get_id (tunnel), g_object_ref (tunnel));
  return g_steal_pointer (&tunnel);
}

IstEmulatorTunnel *
ist_emulator_registry_lookup (IstEmulatorRegistry *self,
                              const char *tunnel_id,
                              GError **error)
{
  IstEmulatorTunnel *tunnel = g_hash_table_lookup (self->tunnels, tunnel_id);

  if (tunnel == NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no tunnel “%s”", tunnel_id);
  return tunnel;
}

gboolean
ist_emulator_registry_rotate (IstEmulatorRegistry *self,
                              IstEmulatorTunnel *tunnel,
                              IstEmulatorSides sides,
                              GError **error)
{
  if (!ist_emulator_tunnel_is_open (tunnel))
    {
      g_set_error_literal (error, IST_ERROR, IST_ERROR_TUNNEL_CLOSED, "Tunnel is closed");
      return FALSE;
    }
  return grant_tokens (self, tunnel, sides, error);
}

GPtrArray *
ist_emulator_registry_list (IstEmulatorRegistry *self)
{
  GPtrArray *tunnels = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer tunnel;

  g_hash_table_iter_init (&iter, self->tunnels);
  while (g_hash_table_iter_next (&iter, NULL, &tunnel))
    g_ptr_array_add (tunnels, g_object_ref (tunnel));
  return tunnels;
}

IstEmulatorTunnel *
ist_emulator_registry_find (IstEmulatorRegistry *self,
                            const char *access_token,
                            IstMode *side)
{
  g_autofree char *key = digest (access_token);
  Grant *grant = g_hash_table_lookup (self->grants, key);

  if (grant == NULL)
    return NULL;
  *side = grant->mode;
  return grant->tunnel;
}

static gboolean
reject (GError **error,
        const char *reason)
{
  g_set_error_literal (error, IST_ERROR, IST_ERROR_TOKEN_REJECTED, reason);
  return FALSE;
}

gboolean
ist_emulator_registry_admit (IstEmulatorRegistry *self,
                             IstMode mode,
                             const char *access_token,
                             const char *client_token,
                             GError **error)
{
  g_autofree char *key = digest (access_token);
  g_autofree char *client_key = client_token != NULL ? digest (client_token) : NULL;
  Grant *grant = g_hash_table_lookup (self->grants, key);
  Grant *holder = client_key != NULL ? g_hash_table_lookup (self->client_tokens, client_key) : NULL;

  if (grant == NULL)
    return reject (error, "Invalid access token");
  if (!ist_emulator_tunnel_is_open (grant->tunnel))
    {
      g_set_error_literal (error, IST_ERROR, IST_ERROR_TUNNEL_CLOSED, "Tunnel is closed");
      return FALSE;
    }
  if (grant->revoked)
    return reject (error, "Invalid access token: The access token was rotated.");
  if (grant->mode != mode)
    return reject (error, "Invalid access token: The access token is not for this local-proxy-mode.");
  if (grant->used && grant->client_token_digest == NULL)
    return reject (error,
                   "Invalid access token: The access token was previously used and can not be used again.");
  if (grant->used && client_key == NULL)
    return reject (error, "Invalid client token: The access token is tied to a client token.");
  if (grant->used && strcmp (grant->client_token_digest, client_key) != 0)
    return reject (error, "Invalid client token: The access token is tied to another client token.");
  if (holder != NULL && holder != grant && ist_emulator_tunnel_is_open (holder->tunnel))
    return reject (error, "Invalid client token: The client token is tied to another access token.");

  if (!grant->used && client_key != NULL)
    {
      grant->client_token_digest = g_strdup (client_key);
      g_hash_table_replace (self->client_tokens, g_steal_pointer (&client_key), grant);
    }
  grant->used = TRUE;
  return TRUE;
}
