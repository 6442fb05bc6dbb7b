/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-operator/ist-operator-options.h>

G_BEGIN_DECLS

typedef enum
{
  IST_OPERATOR_REQUEST_CONNECT, /* returns an IstConnection */
  IST_OPERATOR_REQUEST_FORWARD, /* an IstForwarderConnection */
  IST_OPERATOR_REQUEST_OPEN,    /* an IstOperatorTunnel, as the next one */
  IST_OPERATOR_REQUEST_ADOPT,
} IstOperatorRequestKind;

/* What a caller waits for: the data of a task. */
typedef struct
{
  IstOperatorRequestKind kind;
  char *thing_name;
  char **service_ids;
  GIOStream *stream; /* until it is handed over: else it is closed in the end */
  IstOperatorReuse reuse;
  guint lifetime;       /* minutes */
  guint device_timeout; /* seconds */
  guint n_attempts;     /* tunnels that were lost meanwhile */
} IstOperatorRequest;

void ist_operator_request_attach (GTask *task,
                                  IstOperatorRequestKind kind,
                                  const char *thing_name,
                                  const char *const *service_ids,
                                  GIOStream *stream,
                                  IstOperatorOptions *options);
IstOperatorRequest *ist_operator_request_get (GTask *task);

/* Closes a stream so that a peer, where it is a socket's, hears of a failure. */
void ist_operator_reset_stream (GIOStream *stream);

G_END_DECLS
