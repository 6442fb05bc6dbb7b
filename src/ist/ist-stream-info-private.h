/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist-stream-info.h>

G_BEGIN_DECLS

IstStreamInfo *ist_stream_info_new (const char *service_id,
                                    int stream_id,
                                    guint connection_id,
                                    IstProtocolVersion version);

/* Appends what there is of these, each with a comma behind it, for one line of a log. */
void ist_stream_info_append_ids (GString *line,
                                 const char *service_id,
                                 int stream_id,
                                 guint connection_id);

G_END_DECLS
