/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

#include "ist-operator/ist-operator-control-plane-error.h"

G_BEGIN_DECLS

/* What may help. */
typedef enum
{
  IST_OPERATOR_REMEDY_NONE,
  IST_OPERATOR_REMEDY_PATIENCE,    /* the service has done nothing: the same again, later */
  IST_OPERATOR_REMEDY_CAUTION,     /* likewise, if the service is right to say so */
  IST_OPERATOR_REMEDY_REPETITION,  /* likewise, but it may have been done */
  IST_OPERATOR_REMEDY_CREDENTIALS, /* new ones */
  IST_OPERATOR_REMEDY_CLOCK,       /* the right time in the signature, if it was wrong */
} IstOperatorRemedy;

/* An answer that is none of success. */
typedef struct
{
  IstOperatorControlPlaneError code;
  IstOperatorRemedy remedy;
  guint status;
  char *type;    /* nullable, like what follows */
  char *message;
  char *request_id;
  const char *advice;
  gboolean needs_permission; /* which policies name after the operation */
} IstOperatorRefusal;

/* @body: (nullable): what the answer had of JSON */
IstOperatorRefusal *ist_operator_refusal_new (guint status,
                                              SoupMessageHeaders *headers,
                                              JsonObject *body);
void ist_operator_refusal_free (IstOperatorRefusal *self);

/* @circumstances: (nullable): what else there is to say */
GError *ist_operator_refusal_to_error (const IstOperatorRefusal *self,
                                       const char *operation,
                                       const char *url,
                                       const char *circumstances);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstOperatorRefusal, ist_operator_refusal_free)

G_END_DECLS
