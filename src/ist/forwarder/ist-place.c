/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-place-private.h"

#include "common/ist-address-private.h"
#include "ist/ist-tunnel-error.h"

GSocketConnectable *
ist_place_parse (const char *address,
                 const char *default_host,
                 GError **error)
{
  g_autoptr (GError) local = NULL;
  GSocketConnectable *connectable = ist_address_parse (address, default_host, &local);

  if (connectable == NULL)
    g_set_error_literal (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING, local->message);
  return connectable;
}
