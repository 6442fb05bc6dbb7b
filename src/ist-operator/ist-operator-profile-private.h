/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the files of the AWS tools say: ~/.aws/config and ~/.aws/credentials, or what
 * AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name, with one profile looked at. */
typedef struct _IstOperatorProfile IstOperatorProfile;

typedef enum {
  IST_OPERATOR_PROFILE_FILE_CREDENTIALS,
  IST_OPERATOR_PROFILE_FILE_CONFIG,
} IstOperatorProfileFile;

/* @name: NULL is AWS_DEFAULT_PROFILE, else AWS_PROFILE, else "default".
 * Fails with %IST_OPERATOR_CONTROL_PLANE_ERROR_INVALID_SETTING if a file is there and can't
 * be read, or if a profile that was asked for by name is in none of them. */
IstOperatorProfile *ist_operator_profile_load (const char *name,
                                               GError **error);
void ist_operator_profile_free (IstOperatorProfile *self);

/* The name that counts: (transfer full). */
char *ist_operator_profile_dup_name (const char *name);
const char *ist_operator_profile_get_name (const IstOperatorProfile *self);

/* Keys in any case. NULL if the profile has none; the credentials file comes first. */
const char *ist_operator_profile_get (const IstOperatorProfile *self,
                                      const char *key);
/* Only what one of the files says. */
const char *ist_operator_profile_get_from (const IstOperatorProfile *self,
                                           IstOperatorProfileFile file,
                                           const char *key);
/* Where that file is, or would be; "" if there is to be none. */
const char *ist_operator_profile_get_path (const IstOperatorProfile *self,
                                           IstOperatorProfileFile file);
/* Of the [services NAME] section that the profile names: the table of @service, such as
 * "iotsecuretunneling", has the key as it is written. */
const char *ist_operator_profile_get_of_service (const IstOperatorProfile *self,
                                                 const char *service,
                                                 const char *key);

/* What a variable of the AWS tools names: with other variables, and with ~. */
char *ist_operator_expand_path (const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstOperatorProfile, ist_operator_profile_free)

G_END_DECLS
