/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* What a request of the control plane has to look like, as tables. */

typedef enum
{
  IST_EMULATOR_SHAPE_STRING,
  IST_EMULATOR_SHAPE_INTEGER,
  IST_EMULATOR_SHAPE_BOOLEAN,
  IST_EMULATOR_SHAPE_LIST,
  IST_EMULATOR_SHAPE_STRUCTURE,
} IstEmulatorShapeKind;

typedef struct _IstEmulatorShape IstEmulatorShape;

typedef struct
{
  const char *name;
  const IstEmulatorShape *shape;
  gboolean required;
} IstEmulatorShapeMember;

struct _IstEmulatorShape
{
  IstEmulatorShapeKind kind;
  gint64 min; /* of integers; of the length of strings, in characters, and lists */
  gint64 max; /* likewise; of a length, 0 for none */
  const char *pattern;                   /* that the whole of a string matches */
  const char *const *values;             /* that a string may have, NULL-terminated */
  const IstEmulatorShape *element;       /* of a list */
  const IstEmulatorShapeMember *members; /* of a structure; the last one has no name */
};

typedef enum
{
  IST_EMULATOR_CONTROL_ERROR_SERIALIZATION,
  IST_EMULATOR_CONTROL_ERROR_VALIDATION,
  IST_EMULATOR_CONTROL_ERROR_NOT_FOUND,
  IST_EMULATOR_CONTROL_ERROR_LIMIT_EXCEEDED,
  IST_EMULATOR_CONTROL_ERROR_UNKNOWN_OPERATION,
  IST_EMULATOR_CONTROL_ERROR_NO_AUTHENTICATION,
  IST_EMULATOR_CONTROL_ERROR_INCOMPLETE_SIGNATURE,
  IST_EMULATOR_CONTROL_ERROR_INTERNAL,
} IstEmulatorControlError;

#define IST_EMULATOR_CONTROL_ERROR (ist_emulator_control_error_quark ())

GQuark ist_emulator_control_error_quark (void);

/* @text: a JSON object that @shape, a structure, describes. Members that it does
 * not describe are let pass, as the service does; those that are null are
 * taken out. IST_EMULATOR_CONTROL_ERROR_SERIALIZATION, or
 * IST_EMULATOR_CONTROL_ERROR_VALIDATION telling all that is wrong. */
JsonObject *ist_emulator_shape_parse (const IstEmulatorShape *shape,
                                      GBytes *text,
                                      GError **error);

/* Of a list of strings, as it was parsed. */
char **ist_emulator_shape_dup_strings (JsonArray *list);

G_END_DECLS
