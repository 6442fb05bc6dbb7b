/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/tunnel/ist-tunnel-link-private.h"

#include <ist/ist-tunnel-error.h>

gboolean
ist_tunnel_link_check (const IstTunnelLink *self,
                       GError **error)
{
  /* The channel ends before its owner hears of it: whoever sends again what a lost
   * channel could not send would do so for ever. */
  if (self->connected && self->channel != NULL && ist_channel_is_open (self->channel))
    return TRUE;
  g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED,
                       "The tunnel is not connected; connection-success tells when it is");
  return FALSE;
}
