/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* What the service answers, taken for what it is: a member that is not there, or of
 * another kind than it should be, is NULL or nothing. @object: (nullable) */

/* (transfer full): NULL for what is no object. */
JsonObject *ist_operator_json_parse (const char *text,
                                     gsize length);

const char *ist_operator_json_get_string (JsonObject *object,
                                          const char *name);
JsonObject *ist_operator_json_get_object (JsonObject *object,
                                          const char *name);
JsonArray *ist_operator_json_get_array (JsonObject *object,
                                        const char *name);
guint ist_operator_json_get_uint (JsonObject *object,
                                  const char *name);
/* Seconds there, microseconds here. */
gint64 ist_operator_json_get_time (JsonObject *object,
                                   const char *name);

/* Of the strings in it, leaving out what is none. */
char **ist_operator_json_get_strings (JsonObject *object,
                                      const char *name);

/* A list of objects with "key" and "value". */
GHashTable *ist_operator_json_get_tags (JsonObject *object,
                                        const char *name);

G_END_DECLS
