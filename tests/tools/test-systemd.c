/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is told to a systemd that is busy with something else.
 */

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/tool-systemd.h"

/* Milliseconds in which systemd reads nothing. */
#define BUSY 300

/* Fills the socket that systemd reads: who tells it something has to wait now. */
static GSocket *
busy_systemd_new (void)
{
  const char *name = g_getenv ("NOTIFY_SOCKET") + 1;
  g_autoptr (GSocketAddress) address =
    g_unix_socket_address_new_with_type (name, -1, G_UNIX_SOCKET_ADDRESS_ABSTRACT);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) others = NULL;
  GSocket *self = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_DEFAULT, &error);

  g_assert_no_error (error);
  g_socket_bind (self, address, FALSE, &error);
  g_assert_no_error (error);
  others = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_DEFAULT, &error);
  g_assert_no_error (error);
  g_socket_set_blocking (others, FALSE);
  while (error == NULL)
    g_socket_send_to (others, address, "X_OTHERS=1", strlen ("X_OTHERS=1"), NULL, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  return self;
}

/* Reads what was told, once @self is not busy any more. */
static gpointer
listen_to_programs (gpointer data)
{
  GSocket *self = data;
  GString *told = g_string_new (NULL);
  char text[256];
  gssize n;

  g_usleep (BUSY * 1000);
  g_socket_set_timeout (self, 1);
  while ((n = g_socket_receive (self, text, sizeof text, NULL, NULL)) > 0)
    {
      g_string_append_len (told, text, n);
      g_string_append_c (told, '\n');
    }
  return g_string_free (told, FALSE);
}

/* What a unit waits for gets there, but what is told again does not stop the program. */
static void
test_busy (void)
{
  g_autoptr (GSocket) systemd = busy_systemd_new ();
  g_autofree char *told = NULL;
  gint64 begun = g_get_monotonic_time ();
  GThread *thread;

  tool_systemd_notify_status ("too many");
  g_assert_cmpint (g_get_monotonic_time () - begun, <, BUSY * 1000);
  thread = g_thread_new ("systemd", listen_to_programs, systemd);
  tool_systemd_notify_reloading ();
  tool_systemd_notify_ready ("all well");
  tool_systemd_notify_stopping ();
  told = g_thread_join (thread);
  g_assert_null (strstr (told, "too many"));
  g_assert_nonnull (strstr (told, "\nRELOADING=1\nMONOTONIC_USEC="));
  g_assert_nonnull (strstr (told, "\nREADY=1\nSTATUS=all well\nSTOPPING=1\n"));
}

/* Nor does a systemd that never reads again. */
static void
test_dead (void)
{
  g_autoptr (GSocket) systemd G_GNUC_UNUSED = busy_systemd_new ();

  tool_systemd_notify_stopping ();
}

int
main (int argc,
      char **argv)
{
  g_autofree char *address = g_strdup_printf ("@ist-test-systemd-%d", getpid ());

  g_test_init (&argc, &argv, NULL);
  g_setenv ("NOTIFY_SOCKET", address, TRUE);
  g_test_add_func ("/systemd/busy", test_busy);
  g_test_add_func ("/systemd/dead", test_dead);
  return g_test_run ();
}
