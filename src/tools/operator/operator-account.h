/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator.h>

#include "tools/common/tool-mirror.h"
#include "tools/operator/operator-account-name.h"
#include "tools/operator/operator-tunnel.h"

G_BEGIN_DECLS

/* A client for each account and place that calls have asked for. Who hears of an account
 * that was added gives it its tunnels, until it is removed. */
typedef struct _OperatorAccounts OperatorAccounts;

typedef struct
{
  OperatorAccountName name; /* with what the AWS tools' files have said */
  IstOperatorClient *client;
  ToolMirror *tunnels; /* OperatorTunnels of the client's */
  guint n_uses;       /* beside tunnels */
} OperatorAccount;

/* Called for an account that is new. */
typedef void (*OperatorAccountFunc) (OperatorAccount *account,
                                     gpointer user_data);

OperatorAccounts *operator_accounts_new (OperatorAccountFunc added,
                                         OperatorAccountFunc removed,
                                         gpointer user_data);
void operator_accounts_free (OperatorAccounts *self);

/* One that nothing uses may make room for another. */
OperatorAccount *operator_accounts_obtain (OperatorAccounts *self,
                                           const OperatorAccountName *name,
                                           GError **error);
/* Of OperatorAccounts. */
GPtrArray *operator_accounts_get_all (OperatorAccounts *self);

/* As long as it is in use, it is there. */
void operator_account_use (OperatorAccount *self);
void operator_account_unuse (OperatorAccount *self);

/* NULL if it is not there any more. */
OperatorTunnel *operator_account_find_tunnel (OperatorAccount *self,
                                              IstOperatorTunnel *tunnel);
gboolean operator_account_has_tunnel_to (OperatorAccount *self,
                                         const char *thing);

G_END_DECLS
