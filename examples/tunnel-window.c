/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A source in a window: what connects to its port, through the tunnel, is listed with what it has carried.
 * Nothing is copied into widgets by hand: all that they show is bound to properties. */

#include "example.h"

#include <gtk/gtk.h>

static GtkWidget *
new_label (GObject *object, const char *property)
{
  GtkWidget *label = gtk_label_new (NULL);

  /* The two are of different types; GObject makes text of numbers. */
  g_object_bind_property (object, property, label, "label", G_BINDING_SYNC_CREATE);
  return label;
}

static gboolean
nick_of_state (GBinding *binding, const GValue *from, GValue *to, gpointer user_data)
{
  g_autoptr (GEnumClass) states = g_type_class_ref (IST_TYPE_TUNNEL_STATE);

  g_value_set_string (to, g_enum_get_value (states, g_value_get_enum (from))->value_nick);
  return TRUE;
}

/* For each connection of the forwarder, which is a GListModel. Rows come and go with those. */
static GtkWidget *
new_row (gpointer connection, gpointer user_data)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);

  gtk_box_append (GTK_BOX (row), new_label (connection, "service-id"));
  gtk_box_append (GTK_BOX (row), new_label (connection, "bytes-in"));
  gtk_box_append (GTK_BOX (row), new_label (connection, "bytes-out"));
  return row;
}

static GtkWidget *
new_window (IstSecureTunnel *tunnel, IstForwarder *forwarder)
{
  GtkWidget *window = gtk_window_new (), *list = gtk_list_box_new (), *state = gtk_label_new (NULL);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);

  g_object_bind_property_full (tunnel, "state", state, "label", G_BINDING_SYNC_CREATE, nick_of_state, NULL, NULL, NULL);
  gtk_list_box_bind_model (GTK_LIST_BOX (list), G_LIST_MODEL (forwarder), new_row, NULL, NULL);
  gtk_box_append (GTK_BOX (box), state);
  gtk_box_append (GTK_BOX (box), list);
  gtk_window_set_title (GTK_WINDOW (window), "Tunnel");
  gtk_window_set_child (GTK_WINDOW (window), box);
  g_signal_connect_swapped (window, "close-request", G_CALLBACK (ist_secure_tunnel_stop), tunnel);
  return window;
}

int
main (int argc, char **argv)
{
  const char *port = "0";
  g_autoptr (IstSecureTunnel) tunnel = example_new_tunnel (argc, argv, "A source in a window.", "[PORT]", &port);
  g_autoptr (IstForwarder) forwarder = ist_forwarder_new (tunnel);
  g_autoptr (GError) error = NULL;
  guint number;

  gtk_init ();
  if (ist_forwarder_listen (forwarder, example_get_service (), port, &number, &error) == 0)
    g_error ("%s", error->message);
  g_print ("listens at %u\n", number);
  gtk_window_present (GTK_WINDOW (new_window (tunnel, forwarder)));
  return example_run (tunnel);
}
