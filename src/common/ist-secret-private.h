/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <string.h>

#include <glib.h>

G_BEGIN_DECLS

/* Nothing of it is left where the next one gets its memory. NULL is fine. */
static inline void
ist_secret_free (char *secret)
{
  if (secret != NULL)
    explicit_bzero (secret, strlen (secret));
  g_free (secret);
}

/* Of a vector that ends with NULL. */
static inline void
ist_secrets_free (char **secrets)
{
  for (gsize i = 0; secrets[i] != NULL; i++)
    ist_secret_free (secrets[i]);
  g_free (secrets);
}

G_END_DECLS
