/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A file of the AWS tools, read as they do it: with Python's RawConfigParser, which takes
 * what GKeyFile does not (names in any case, ":" as a separator, values that go on in
 * indented lines, [DEFAULT]) and refuses what that takes (lines without a separator, names
 * and sections that come twice). What is freed is wiped: secrets are in these files. */
typedef struct _IstOperatorIni IstOperatorIni;
typedef struct _IstOperatorSection IstOperatorSection;

/* NULL, without an error, if there is no regular file of that name, which the AWS tools
 * make nothing of. Else %IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING, with the file
 * and the line. */
IstOperatorIni *ist_operator_ini_load (const char *path,
                                       GError **error);
void ist_operator_ini_free (IstOperatorIni *self);

/* As it is written. */
const IstOperatorSection *ist_operator_ini_find (const IstOperatorIni *self,
                                                 const char *name);
/* The last that is [KIND NAME], or [KIND "NAME"], or if @or_plain also [NAME]. */
const IstOperatorSection *ist_operator_ini_find_last (const IstOperatorIni *self,
                                                      const char *kind,
                                                      const char *name,
                                                      gboolean or_plain);

/* @key: in lower case. */
gboolean ist_operator_section_has (const IstOperatorSection *self,
                                   const char *key);
/* NULL if it isn't there, or if it has a table below it. */
const char *ist_operator_section_get (const IstOperatorSection *self,
                                      const char *key);
/* What the table below @key has. @nested_key: as it is written. */
const char *ist_operator_section_get_nested (const IstOperatorSection *self,
                                             const char *key,
                                             const char *nested_key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstOperatorIni, ist_operator_ini_free)

G_END_DECLS
