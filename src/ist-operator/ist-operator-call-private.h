/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

#include "ist-operator/ist-operator-credentials-private.h"

G_BEGIN_DECLS

/* Where one of AWS's services is asked. */
typedef struct
{
  const char *service; /* as signatures name it */
  GUri *uri;
  char *url; /* for messages */
} IstOperatorPlace;

/* What the calls of a control plane share. */
typedef struct
{
  grefcount ref_count;
  IstOperatorCredentials *credentials;
  SoupSession *session;
  IstOperatorPlace tunneling;
  IstOperatorPlace registry;
  char *region;
  gboolean verify_certificate;
  guint timeout; /* of an attempt, seconds */
  guint max_attempts;
  gint64 clock_offset; /* of the service's clock from this machine's, seconds */
  guint n_calls;       /* under way, those that nobody waits for included */
  void (*n_calls_changed) (gpointer user_data);
  gpointer user_data;
} IstOperatorCaller;

/* @uri, @registry_uri: encoded, as those of a SoupMessage are. The rest is for whoever
 * calls to set. */
IstOperatorCaller *ist_operator_caller_new (IstOperatorCredentials *credentials,
                                            GUri *uri,
                                            GUri *registry_uri);
IstOperatorCaller *ist_operator_caller_ref (IstOperatorCaller *self);
void ist_operator_caller_unref (IstOperatorCaller *self);

typedef struct
{
  const char *name;
  /* Of what is got from AWS IoT's registry, by the members of the request as a query. NULL
   * for what is asked of the service for tunnels, with the request as JSON. */
  const char *path;
  /* Whether it does no harm to ask twice, for what was done already: then it is asked
   * for again if an answer gets lost. */
  gboolean is_repeatable;
  /* Whether the caller finds out what was done, and asks again himself if need be. */
  gboolean is_traced;
  /* Whether what is not there is what was wanted, if an answer was lost before. */
  gboolean is_removal;
  /* (nullable): takes back what a call has done that was cancelled after it was sent. */
  void (*undo) (IstOperatorCaller *caller,
                JsonObject *answer);
} IstOperatorOperation;

/* @cancellable: cancelling returns at once. A call that is sent then, and can be
 * undone, goes on behind the scenes until it is. */
void ist_operator_call_async (IstOperatorCaller *caller,
                              const IstOperatorOperation *operation,
                              JsonNode *request,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
/* (transfer full) */
JsonObject *ist_operator_call_finish (GAsyncResult *result,
                                      GError **error);

/* That the answer to an operation is no such thing. */
GError *ist_operator_call_make_foreign_error (IstOperatorCaller *caller,
                                              const IstOperatorOperation *operation);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstOperatorCaller, ist_operator_caller_unref)

G_END_DECLS
