/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-agent/ist-agent.h>
#include <ist-emulator/ist-emulator.h>
#include <ist-operator/ist-operator.h>

#include "test-util.h"

G_BEGIN_DECLS

#define TEST_THING "pump-7"

/* The service, a device whose services all echo, and a client. */
typedef struct
{
  IstEmulatorService *service;
  char *ca_file; /* NULL without TLS */
  IstAgentDevice *device;
  GSocketService *echo;
  gboolean is_online; /* or the device hears of nothing */
  guint n_notifications;
  IstOperatorControlPlane *control_plane;
  IstOperatorClient *client;
  gpointer client_alive; /* the same, as long as it exists */
  GString *states;       /* of all tunnels, as "opening waiting ..." */
  guint n_closed;
  GError *closed_error; /* of the one that was closed last */
} TestOperating;

TestOperating *test_operating_new (void);
/* All over TLS. */
TestOperating *test_operating_new_secured (void);
/* @credentials: the client's. */
TestOperating *test_operating_new_for (IstOperatorCredentials *credentials);
/* Closes the client, unless it has gone, and checks that nothing is left. */
void test_operating_free (TestOperating *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestOperating, test_operating_free)

/* Tunnels that are open at the service. */
guint test_operating_count_open (TestOperating *self);
/* Calls of an operation of the service so far. */
guint test_operating_count (TestOperating *self,
                            const char *operation);
/* The next @count calls fail. */
void test_operating_fail (TestOperating *self,
                          const char *operation,
                          const char *error_type,
                          guint count);
/* What the service's control plane answers at; free with g_free(). */
char *test_operating_make_url (TestOperating *self);
/* The tunnel at a position; fails the test if there is none. */
IstOperatorTunnel *test_operating_get_tunnel (TestOperating *self,
                                              guint position);
/* What the service has of it; NULL if it was deleted. */
IstEmulatorTunnel *test_operating_look_up (TestOperating *self,
                                           IstOperatorTunnel *tunnel);
/* The device leaves all its tunnels. */
void test_operating_take_device_off (TestOperating *self);

/* Each awaited. */
IstConnection *test_connect (TestOperating *self,
                             const char *service,
                             GError **error);
/* For ist_operator_client_connect_async(): takes one off a guint, whatever has come of it. */
void test_count_down (GObject *source,
                      GAsyncResult *result,
                      gpointer user_data);
/* An echo. */
void test_exchange (IstConnection *connection,
                    const char *text);
/* Until the connection has ended; returns how: NULL for a clean end. */
GError *test_await_end (IstConnection *connection);
IstOperatorTunnel *test_open (TestOperating *self,
                              const char *service,
                              GError **error);
IstOperatorTunnel *test_adopt (TestOperating *self,
                               const char *tunnel_id,
                               GError **error);
gboolean test_close_client (TestOperating *self,
                            GError **error);

G_END_DECLS
