/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-operator/ist-operator-client-private.h"

/* For programs that do one thing after the other. The client lives in a main context, so
 * that has to run meanwhile. */

static void
on_done (GObject *source,
         GAsyncResult *result,
         gpointer user_data)
{
  g_set_object ((GAsyncResult **) user_data, result);
}

static GAsyncResult *
client_await (IstOperatorClient *self,
              GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (ist_operator_client_get_context (self), TRUE);
  return *result;
}

/* Another thread that runs it would have to go on with that. */
static gboolean
client_is_here (IstOperatorClient *self)
{
  GMainContext *context = ist_operator_client_get_context (self);
  gboolean is_here = g_main_context_acquire (context);

  if (is_here)
    g_main_context_release (context);
  return is_here;
}

/**
 * ist_operator_client_connect_sync:
 * @self: a client
 * @thing_name: the device's name at AWS IoT
 * @service_id: the service
 * @options: (nullable): what the call wants of its tunnel; %NULL for those of the client
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Does what [method@IstOperator.Client.connect_async] does, and waits until that is done.
 *
 * The client's main context runs meanwhile: other callbacks and handlers of signals are
 * called. Later too, nothing comes or goes unless it runs; so in the client's thread the
 * connection's streams are used with their asynchronous methods.
 *
 * Returns: (transfer full): the connection, as [method@IstOperator.Client.connect_finish]
 *   returns it; %NULL with @error set
 *
 * Since: 1.0
 */
IstConnection *
ist_operator_client_connect_sync (IstOperatorClient *self,
                                  const char *thing_name,
                                  const char *service_id,
                                  IstOperatorOptions *options,
                                  GCancellable *cancellable,
                                  GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), NULL);
  g_return_val_if_fail (thing_name != NULL, NULL);
  g_return_val_if_fail (service_id != NULL, NULL);
  g_return_val_if_fail (options == NULL || IST_OPERATOR_IS_OPTIONS (options), NULL);
  g_return_val_if_fail (client_is_here (self), NULL);

  ist_operator_client_connect_async (self, thing_name, service_id, options, cancellable, on_done, &result);
  return ist_operator_client_connect_finish (self, client_await (self, &result), error);
}

/**
 * ist_operator_client_open_sync:
 * @self: a client
 * @thing_name: the device's name at AWS IoT
 * @service_ids: (array zero-terminated=1): the services
 * @options: (nullable): what the call wants of its tunnel; %NULL for those of the client
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Does what [method@IstOperator.Client.open_async] does, and waits until that is done, as
 * [method@IstOperator.Client.connect_sync] does.
 *
 * Returns: (transfer full): the tunnel; %NULL with @error set
 *
 * Since: 1.0
 */
IstOperatorTunnel *
ist_operator_client_open_sync (IstOperatorClient *self,
                               const char *thing_name,
                               const char *const *service_ids,
                               IstOperatorOptions *options,
                               GCancellable *cancellable,
                               GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), NULL);
  g_return_val_if_fail (thing_name != NULL, NULL);
  g_return_val_if_fail (service_ids != NULL, NULL);
  g_return_val_if_fail (options == NULL || IST_OPERATOR_IS_OPTIONS (options), NULL);
  g_return_val_if_fail (client_is_here (self), NULL);

  ist_operator_client_open_async (self, thing_name, service_ids, options, cancellable, on_done, &result);
  return ist_operator_client_open_finish (self, client_await (self, &result), error);
}

/**
 * ist_operator_client_close_sync:
 * @self: a client
 * @cancellable: (nullable): ends the waiting, not the closing
 * @error: return location for an error
 *
 * Does what [method@IstOperator.Client.close_async] does, and waits until that is done, as
 * [method@IstOperator.Client.connect_sync] does. With this a program can end.
 *
 * Returns: %TRUE if nothing is left
 *
 * Since: 1.0
 */
gboolean
ist_operator_client_close_sync (IstOperatorClient *self,
                                GCancellable *cancellable,
                                GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  g_return_val_if_fail (IST_OPERATOR_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (client_is_here (self), FALSE);

  ist_operator_client_close_async (self, cancellable, on_done, &result);
  return ist_operator_client_close_finish (self, client_await (self, &result), error);
}
