/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-faults-private.h"

#include <string.h>

#include <ist/ist.h>
#include <libsoup/soup.h>

#include "ist-emulator/ist-emulator-operation-private.h"

/* The last one is none of AWS's. */
static const IstEmulatorFault fault_types[] = {
  { "ThrottlingException", SOUP_STATUS_BAD_REQUEST, "Rate exceeded" },
  { "LimitExceededException", SOUP_STATUS_BAD_REQUEST, "Thing or account level limit was reached" },
  { "ExpiredTokenException", SOUP_STATUS_BAD_REQUEST, "The security token included in the request is expired" },
  { "UnrecognizedClientException", SOUP_STATUS_BAD_REQUEST,
    "The security token included in the request is invalid." },
  { "InvalidSignatureException", SOUP_STATUS_BAD_REQUEST,
    "The request signature we calculated does not match the signature you provided." },
  { "AccessDeniedException", SOUP_STATUS_BAD_REQUEST, "User is not authorized to perform this operation" },
  { "ResourceNotFoundException", SOUP_STATUS_BAD_REQUEST, "The resource was not found" },
  { "ValidationException", SOUP_STATUS_BAD_REQUEST, "The request is not valid" },
  { "InternalFailure", SOUP_STATUS_INTERNAL_SERVER_ERROR, "The service could not process the request" },
  { "ServiceUnavailable", SOUP_STATUS_SERVICE_UNAVAILABLE, "The service is unavailable for now" },
  { "disconnect", 0, "The connection is closed" },
};

struct _IstEmulatorFaults
{
  /* Of Pending, by operation, "" for any */
  GHashTable *faults;
  GHashTable *delays;
};

/* Which of the outcome is in question depends on the table. */
typedef struct
{
  IstEmulatorOutcome outcome;
  guint remaining; /* G_MAXUINT: it never ends */
} Pending;

IstEmulatorFaults *
ist_emulator_faults_new (void)
{
  IstEmulatorFaults *self = g_new0 (IstEmulatorFaults, 1);

  self->faults = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->delays = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
ist_emulator_faults_free (IstEmulatorFaults *self)
{
  g_hash_table_unref (self->faults);
  g_hash_table_unref (self->delays);
  g_free (self);
}

static const IstEmulatorFault *
find_fault (const char *type,
            GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (fault_types); i++)
    {
      if (strcmp (fault_types[i].type, type) == 0)
        return &fault_types[i];
      g_string_append_printf (known, "%s%s", i > 0 ? ", " : "", fault_types[i].type);
    }
  g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
               "There is no error “%s”; there are: %s", type, known->str);
  return NULL;
}

static gboolean
check_operation (const char *operation,
                 GError **error)
{
  if (operation == NULL || ist_emulator_operation_lookup (operation) != NULL)
    return TRUE;

  g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_INVALID_SETTING,
               "There is no operation “%s”; their names are like “OpenTunnel”", operation);
  return FALSE;
}

/* @count: 0 for no more. */
static void
set_pending (GHashTable *table,
             const char *operation,
             IstEmulatorOutcome outcome,
             guint count)
{
  const char *key = operation != NULL ? operation : "";
  Pending *pending;

  if (count == 0)
    {
      g_hash_table_remove (table, key);
      return;
    }
  pending = g_new (Pending, 1);
  *pending = (Pending){ outcome, count };
  g_hash_table_replace (table, g_strdup (key), pending);
}

static IstEmulatorOutcome
take_pending (GHashTable *table,
              const char *operation)
{
  const char *key = g_hash_table_contains (table, operation) ? operation : "";
  Pending *pending = g_hash_table_lookup (table, key);
  IstEmulatorOutcome outcome = { NULL };

  if (pending == NULL)
    return outcome;

  outcome = pending->outcome;
  if (pending->remaining != G_MAXUINT && --pending->remaining == 0)
    g_hash_table_remove (table, key);
  return outcome;
}

gboolean
ist_emulator_faults_set (IstEmulatorFaults *self,
                         const char *operation,
                         gboolean is_done,
                         const char *error_type,
                         guint count,
                         GError **error)
{
  IstEmulatorOutcome outcome = { .is_done = is_done };

  if (!check_operation (operation, error))
    return FALSE;
  if (error_type != NULL && (outcome.fault = find_fault (error_type, error)) == NULL)
    return FALSE;

  set_pending (self->faults, operation, outcome, outcome.fault != NULL ? count : 0);
  return TRUE;
}

gboolean
ist_emulator_faults_set_delay (IstEmulatorFaults *self,
                               const char *operation,
                               guint delay,
                               guint count,
                               GError **error)
{
  if (!check_operation (operation, error))
    return FALSE;

  set_pending (self->delays, operation, (IstEmulatorOutcome){ .delay = delay }, delay > 0 ? count : 0);
  return TRUE;
}

IstEmulatorOutcome
ist_emulator_faults_take (IstEmulatorFaults *self,
                          const char *operation)
{
  IstEmulatorOutcome outcome = take_pending (self->faults, operation);

  outcome.delay = take_pending (self->delays, operation).delay;
  return outcome;
}
