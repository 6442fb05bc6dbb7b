/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <libsoup/soup.h>

#include "ist-operator/ist-operator-keys-private.h"

G_BEGIN_DECLS

/* Signature Version 4 of AWS, for all services but S3, which has rules of its own for
 * paths. Pure: it asks neither the clock nor the environment.
 *
 * Sets X-Amz-Date, X-Amz-Security-Token and Authorization of @headers, and Host if there
 * is none. All that is there when it is called gets signed, but for what is changed on the
 * way. @uri: encoded, as those of a SoupMessage are. @body: NULL if there is none. */
void ist_operator_sign (const IstOperatorKeys *keys,
                        const char *region,
                        const char *service,
                        GDateTime *time,
                        const char *method,
                        GUri *uri,
                        SoupMessageHeaders *headers,
                        GBytes *body);

G_END_DECLS
