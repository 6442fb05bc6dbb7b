/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-status.h"

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/ist-text-private.h"
#include "tools/common/tool-log.h"

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"
#define TO_TOP "\033[H"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"
#define END_OF_LINE "\033[K\r\n"
#define CLEAR_BELOW "\033[J"

#define INTERVAL 1000 /* milliseconds */
#define LOG_LINES 200 /* kept */
#define LOG_SHOWN 8
#define PATIENCE 200 /* milliseconds, with a terminal that must not stay as it is */

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
  ToolOutput *output;
  gulong opened;
  gulong closed;
  guint timer;
  guint resized;

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

static char *
format_time (gint64 microseconds)
{
  gint64 seconds = microseconds / G_USEC_PER_SEC;

  return g_strdup_printf ("%d:%02d:%02d", (int) (seconds / 3600), (int) (seconds / 60 % 60),
                          (int) (seconds % 60));
}

/* Drawing */

G_GNUC_PRINTF (4, 5)
static void
add_line (GString *screen,
          guint columns,
          const char *style,
          const char *format,
          ...)
{
  g_autofree char *text = NULL;
  g_autofree char *harmless = NULL;
  g_autofree char *cut = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  harmless = ist_text_make_safe (text, -1, G_MAXSIZE);
  cut = g_utf8_strlen (harmless, -1) > (glong) columns ? g_utf8_substring (harmless, 0, columns)
                                                       : g_strdup (harmless);
  g_string_append_printf (screen, "%s%s" PLAIN END_OF_LINE, style, cut);
}

static void
add_traffic (GString *screen,
             guint columns,
             const char *style,
             const char *name,
             const char *time,
             const Traffic *traffic)
{
  g_autofree char *in = g_format_size (traffic->bytes_in);
  g_autofree char *out = g_format_size (traffic->bytes_out);
  g_autofree char *rate_in = g_format_size (traffic->rate_in);
  g_autofree char *rate_out = g_format_size (traffic->rate_out);

  add_line (screen, columns, style, "%-32s %10s %11s %9s/s %11s %9s/s", name, time, in, rate_in, out,
            rate_out);
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
                 GString *screen,
                 guint columns)
{
  IstSecureTunnel *tunnel = ist_forwarder_get_tunnel (self->forwarder);
  const char *const *services = ist_secure_tunnel_get_service_ids (tunnel);
  g_autofree char *names = services != NULL ? g_strjoinv (" ", (char **) services) : NULL;
  gint64 round_trip = ist_secure_tunnel_get_round_trip_time_us (tunnel);
  IstMode mode = ist_secure_tunnel_get_mode (tunnel);

  add_line (screen, columns, BOLD, "ist-proxy  %s  %s  %s",
            mode == IST_MODE_SOURCE ? _ ("source") : _ ("destination"), self->endpoint,
            describe_state (ist_secure_tunnel_get_state (tunnel)));
  add_line (screen, columns, "", _ ("Services: %s"), names != NULL && *names != '\0' ? names : "-");
  add_line (screen, columns, "", _ ("Connections: %u now, %u in all"), self->rows->len, self->n_opened);
  add_line (screen, columns, "", _ ("Reconnected: %u"), ist_secure_tunnel_get_n_reconnects (tunnel));
  if (round_trip > 0)
    add_line (screen, columns, "", _ ("Round trip: %.1f ms"), round_trip / 1000.0);
  add_line (screen, columns, "", "%s", "");
}

static void
status_add_rows (ProxyStatus *self,
                 GString *screen,
                 guint columns,
                 guint lines)
{
  gint64 now = g_get_monotonic_time ();
  guint shown = self->rows->len <= lines ? self->rows->len : lines - 1;

  for (guint i = 0; i < shown; i++)
    {
      const Row *row = g_ptr_array_index (self->rows, i);
      g_autofree char *name = proxy_describe_connection (row->connection);
      g_autofree char *time = format_time (now - row->opened_at);

      add_traffic (screen, columns, "", name, time, &row->traffic);
    }
  if (shown < self->rows->len)
    add_line (screen, columns, "", _ ("… and %u more"), self->rows->len - shown);
}

static void
status_draw (ProxyStatus *self)
{
  struct winsize size = { 0 };
  g_autoptr (GString) screen = g_string_new (TO_TOP);
  guint columns;
  guint lines;
  guint logged;
  GList *l;

  ioctl (STDOUT_FILENO, TIOCGWINSZ, &size);
  columns = size.ws_col > 0 ? size.ws_col : 80;
  lines = size.ws_row > 0 ? size.ws_row : 24;
  logged = MIN (MIN (LOG_SHOWN, lines / 3), self->log.length);

  status_add_head (self, screen, columns);
  add_line (screen, columns, BOLD, "%-32s %10s %11s %11s %11s %11s", _ ("Connection"), _ ("Open for"),
            _ ("Received"), "", _ ("Sent"), "");
  add_traffic (screen, columns, "", _ ("All"), "", &self->total);
  status_add_rows (self, screen, columns, MAX ((int) lines - (int) logged - 10, 1));
  add_line (screen, columns, "", "%s", "");
  for (l = g_queue_peek_nth_link (&self->log, self->log.length - logged); l != NULL; l = l->next)
    add_line (screen, columns, "", "%s", (const char *) l->data);

  /* No line end after the last one: the terminal would scroll. */
  g_string_truncate (screen, screen->len - 2);
  g_string_append (screen, CLEAR_BELOW);
  /* The terminal may not have got all of the last one: then this one is left out. */
  tool_output_write (self->output, screen->str, screen->len);
}

/* Changes */

static gboolean
on_tick (gpointer user_data)
{
  status_update (user_data);
  status_draw (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_resized (gpointer user_data)
{
  status_draw (user_data);
  return G_SOURCE_CONTINUE;
}

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
  self->output = output;
  self->rows = g_ptr_array_new_with_free_func (row_free);
  g_queue_init (&self->log);
  self->opened = g_signal_connect (forwarder, "connection-opened", G_CALLBACK (on_opened), self);
  self->closed = g_signal_connect (forwarder, "connection-closed", G_CALLBACK (on_closed), self);
  self->timer = g_timeout_add (INTERVAL, on_tick, self);
  self->resized = g_unix_signal_add (SIGWINCH, on_resized, self);
  tool_log_set_sink (on_log, self);

  tool_output_write (output, ENTER, strlen (ENTER));
  on_tick (self);
  return self;
}

void
proxy_status_free (ProxyStatus *self)
{
  tool_log_set_sink (NULL, NULL);
  tool_output_flush (self->output, PATIENCE);
  tool_output_write (self->output, LEAVE, strlen (LEAVE));
  tool_output_flush (self->output, PATIENCE);

  g_source_remove (self->timer);
  g_source_remove (self->resized);
  g_clear_signal_handler (&self->opened, self->forwarder);
  g_clear_signal_handler (&self->closed, self->forwarder);
  g_object_unref (self->forwarder);
  g_ptr_array_unref (self->rows);
  g_queue_clear_full (&self->log, g_free);
  g_free (self->endpoint);
  g_free (self);
}
