/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-status.h"

#include <glib/gi18n.h>

#include "tools/common/tool-log.h"
#include "tools/common/tool-screen.h"
#include "tools/common/tool-units.h"

#define LEAST_INTERVAL 0.5 /* seconds; over shorter ones rates say little */
#define LOG_LINES 200      /* kept */
#define LOG_SHOWN 8
#define HEAD_LINES 7 /* with those that are empty */

typedef struct
{
  guint64 bytes_in;
  guint64 bytes_out;
  double rate_in; /* bytes per second */
  double rate_out;
} Traffic;

typedef struct
{
  IstForwarderConnection *connection;
  gint64 opened_at;
  Traffic traffic;
} Row;

struct _ProxyStatus
{
  IstForwarder *forwarder;
  char *endpoint;
  ToolScreen *screen;
  gulong opened;
  gulong closed;

  GPtrArray *rows; /* in the order in which they were opened */
  GQueue log;
  Traffic total;
  gint64 drawn_at;
  guint n_opened;
};

static void
row_free (gpointer data)
{
  Row *row = data;

  g_object_unref (row->connection);
  g_free (row);
}

/* Counters */

static void
traffic_update (Traffic *self,
                guint64 bytes_in,
                guint64 bytes_out,
                double seconds)
{
  if (seconds > 0)
    {
      self->rate_in = (bytes_in - self->bytes_in) / seconds;
      self->rate_out = (bytes_out - self->bytes_out) / seconds;
    }
  self->bytes_in = bytes_in;
  self->bytes_out = bytes_out;
}

static void
status_update (ProxyStatus *self)
{
  gint64 now = g_get_monotonic_time ();
  double seconds = self->drawn_at != 0 ? (now - self->drawn_at) / (double) G_USEC_PER_SEC : 0;

  /* While the terminal is being resized it is drawn often. */
  if (self->drawn_at != 0 && seconds < LEAST_INTERVAL)
    return;
  self->drawn_at = now;
  traffic_update (&self->total, ist_forwarder_get_bytes_in (self->forwarder),
                  ist_forwarder_get_bytes_out (self->forwarder), seconds);
  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = g_ptr_array_index (self->rows, i);

      traffic_update (&row->traffic, ist_forwarder_connection_get_bytes_in (row->connection),
                      ist_forwarder_connection_get_bytes_out (row->connection), seconds);
    }
}

char *
proxy_describe_connection (IstForwarderConnection *connection)
{
  const char *service = ist_forwarder_connection_get_service_id (connection);
  GSocketAddress *address = ist_forwarder_connection_get_address (connection);
  g_autofree char *text = NULL;

  if (address != NULL)
    text = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));
  return g_strdup_printf ("%s %s", service != NULL && *service != '\0' ? service : "-",
                          text != NULL ? text : "-");
}

/* Drawing */

static void
add_traffic (ToolTable *table,
             const char *name,
             const char *time,
             const Traffic *traffic)
{
  tool_table_add (table, TOOL_STYLE_PLAIN, name);
  tool_table_add (table, TOOL_STYLE_PLAIN, time);
  tool_table_take (table, TOOL_STYLE_PLAIN, tool_format_bytes (traffic->bytes_in));
  tool_table_take (table, TOOL_STYLE_PLAIN, tool_format_rate (traffic->rate_in));
  tool_table_take (table, TOOL_STYLE_PLAIN, tool_format_bytes (traffic->bytes_out));
  tool_table_take (table, TOOL_STYLE_PLAIN, tool_format_rate (traffic->rate_out));
}

static const char *
describe_state (IstTunnelState state)
{
  switch (state)
    {
    case IST_TUNNEL_STATE_CONNECTING:
      return _ ("connecting");
    case IST_TUNNEL_STATE_CONNECTED:
      return _ ("connected");
    case IST_TUNNEL_STATE_WAITING:
      return _ ("waiting to reconnect");
    case IST_TUNNEL_STATE_STOPPED:
    case IST_TUNNEL_STATE_STOPPING:
    default:
      return _ ("stopping");
    }
}

static void
status_add_head (ProxyStatus *self,
                 ToolScreen *screen)
{
  IstSecureTunnel *tunnel = ist_forwarder_get_tunnel (self->forwarder);
  const char *const *services = ist_secure_tunnel_get_service_ids (tunnel);
  g_autofree char *names = services != NULL ? g_strjoinv (" ", (char **) services) : NULL;
  gint64 round_trip = ist_secure_tunnel_get_round_trip_time_us (tunnel);
  IstMode mode = ist_secure_tunnel_get_mode (tunnel);

  tool_screen_add (screen, TOOL_STYLE_TITLE, "ist-proxy  %s  %s  %s",
                   mode == IST_MODE_SOURCE ? _ ("source") : _ ("destination"), self->endpoint,
                   describe_state (ist_secure_tunnel_get_state (tunnel)));
  tool_screen_add (screen, TOOL_STYLE_PLAIN, _ ("Services: %s"), names != NULL && *names != '\0' ? names : "-");
  tool_screen_add (screen, TOOL_STYLE_PLAIN, _ ("Connections: %u now, %u in all"), self->rows->len, self->n_opened);
  tool_screen_add (screen, TOOL_STYLE_PLAIN, _ ("Reconnected: %u"), ist_secure_tunnel_get_n_reconnects (tunnel));
  if (round_trip > 0)
    tool_screen_add (screen, TOOL_STYLE_PLAIN, _ ("Round trip: %.1f ms"), round_trip / 1000.0);
  tool_screen_add_empty (screen);
}

static void
status_add_rows (ProxyStatus *self,
                 ToolScreen *screen,
                 guint lines)
{
  static const ToolColumn columns[] = {
    { .title = N_ ("Connection"), .least_width = 16 },
    { .title = N_ ("Open for"), .priority = 2, .to_right = TRUE },
    { .title = N_ ("Received"), .priority = 3, .to_right = TRUE },
    { .title = N_ ("per second"), .priority = 1, .to_right = TRUE },
    { .title = N_ ("Sent"), .priority = 3, .to_right = TRUE },
    { .title = N_ ("per second"), .priority = 1, .to_right = TRUE },
  };
  g_autoptr (ToolTable) table = tool_table_new (columns, G_N_ELEMENTS (columns));
  gint64 now = g_get_monotonic_time ();

  add_traffic (table, _ ("All"), NULL, &self->total);
  for (guint i = 0; i < self->rows->len; i++)
    {
      const Row *row = g_ptr_array_index (self->rows, i);
      g_autofree char *name = proxy_describe_connection (row->connection);
      g_autofree char *time = tool_format_duration (now - row->opened_at);

      add_traffic (table, name, time, &row->traffic);
    }
  tool_screen_add_table (screen, table, lines);
}

static void
status_draw (ToolScreen *screen,
             gpointer user_data)
{
  ProxyStatus *self = user_data;
  guint lines = tool_screen_get_n_lines (screen);
  guint logged = MIN (MIN (LOG_SHOWN, lines / 3), self->log.length);

  status_update (self);
  status_add_head (self, screen);
  status_add_rows (self, screen, MAX ((int) lines - (int) logged - HEAD_LINES, 3));
  tool_screen_add_empty (screen);
  for (GList *l = g_queue_peek_nth_link (&self->log, self->log.length - logged); l != NULL; l = l->next)
    tool_screen_add (screen, TOOL_STYLE_PLAIN, "%s", (const char *) l->data);
}

/* Changes */

static void
on_log (const char *line,
        gpointer user_data)
{
  ProxyStatus *self = user_data;

  g_queue_push_tail (&self->log, g_strdup (line));
  if (self->log.length > LOG_LINES)
    g_free (g_queue_pop_head (&self->log));
}

static void
on_opened (IstForwarder *forwarder,
           IstForwarderConnection *connection,
           ProxyStatus *self)
{
  Row *row = g_new0 (Row, 1);

  row->connection = g_object_ref (connection);
  row->opened_at = g_get_monotonic_time ();
  g_ptr_array_add (self->rows, row);
  self->n_opened++;
}

static void
on_closed (IstForwarder *forwarder,
           IstForwarderConnection *connection,
           const GError *error,
           ProxyStatus *self)
{
  for (guint i = 0; i < self->rows->len; i++)
    {
      const Row *row = g_ptr_array_index (self->rows, i);

      if (row->connection == connection)
        {
          g_ptr_array_remove_index (self->rows, i);
          return;
        }
    }
}

ProxyStatus *
proxy_status_new (IstForwarder *forwarder,
                  const char *endpoint,
                  ToolOutput *output)
{
  ProxyStatus *self = g_new0 (ProxyStatus, 1);

  self->forwarder = g_object_ref (forwarder);
  self->endpoint = g_strdup (endpoint);
  self->rows = g_ptr_array_new_with_free_func (row_free);
  g_queue_init (&self->log);
  self->opened = g_signal_connect (forwarder, "connection-opened", G_CALLBACK (on_opened), self);
  self->closed = g_signal_connect (forwarder, "connection-closed", G_CALLBACK (on_closed), self);
  tool_log_set_sink (on_log, self);
  self->screen = tool_screen_new (output, status_draw, self);
  return self;
}

void
proxy_status_free (ProxyStatus *self)
{
  tool_log_set_sink (NULL, NULL);
  tool_screen_free (self->screen);
  g_clear_signal_handler (&self->opened, self->forwarder);
  g_clear_signal_handler (&self->closed, self->forwarder);
  g_object_unref (self->forwarder);
  g_ptr_array_unref (self->rows);
  g_queue_clear_full (&self->log, g_free);
  g_free (self->endpoint);
  g_free (self);
}
