/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What requests to AWS are signed with. */
typedef struct
{
  char *key_id;
  char *secret;
  char *session_token; /* NULL for keys that don't expire */
} ProxyCredentials;

void proxy_credentials_clear (ProxyCredentials *self);

/* From the variables of the AWS tools, which are removed from the environment,
 * or else from a profile with keys in the AWS tools' files. */
gboolean proxy_credentials_load (ProxyCredentials *self,
                                 GError **error);

/* As the variables or the profile say; NULL, without an error, if they don't. */
char *proxy_credentials_find_region (GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ProxyCredentials, proxy_credentials_clear)

G_END_DECLS
