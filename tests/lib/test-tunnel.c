/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "test-tunnel.h"

#include <string.h>

const char *const test_ssh[] = { "SSH", NULL };
const char *const test_ssh_web[] = { "SSH", "WEB", NULL };

static void
end_note (TestEnd *self,
          const char *signal,
          const GError *error,
          char *event)
{
  g_ptr_array_add (self->events, event);
  if (error != NULL)
    {
      g_assert_nonnull (error->message);
      g_clear_error (&self->error);
      self->error = g_error_copy (error);
    }
  if (self->hook != NULL)
    self->hook (self, signal);
}

static char *
describe_error (const char *prefix,
                const GError *error)
{
  if (error == NULL)
    return g_strdup_printf ("%s none", prefix);
  g_assert_cmpuint (error->domain, ==, IST_TUNNEL_ERROR);
  return g_strdup_printf ("%s %d", prefix, error->code);
}

static char *
describe_info (const char *prefix,
               IstStreamInfo *info)
{
  const char *service = ist_stream_info_get_service_id (info);

  return g_strdup_printf ("%s %s %u V%d", prefix, service != NULL ? service : "-",
                          ist_stream_info_get_connection_id (info), ist_stream_info_get_version (info));
}

static void
on_connection_success (IstSecureTunnel *tunnel,
                       const char *const *services,
                       TestEnd *self)
{
  g_autofree char *names = g_strjoinv (" ", (char **) services);

  end_note (self, "connection-success", NULL,
            g_strdup_printf ("success%s%s", *names != '\0' ? " " : "", names));
}

static void
on_connection_failure (IstSecureTunnel *tunnel,
                       const GError *error,
                       gboolean will_retry,
                       TestEnd *self)
{
  g_assert_nonnull (error);
  g_assert_cmpuint (error->domain, ==, IST_TUNNEL_ERROR);
  end_note (self, "connection-failure", error,
            g_strdup_printf ("failure %d %s", error->code, will_retry ? "retry" : "final"));
}

static void
on_connection_shutdown (IstSecureTunnel *tunnel,
                        const GError *error,
                        TestEnd *self)
{
  end_note (self, "connection-shutdown", error, describe_error ("shutdown", error));
}

static void
on_send_data_complete (IstSecureTunnel *tunnel,
                       IstMessage *message,
                       const GError *error,
                       TestEnd *self)
{
  g_assert_nonnull (message);
  if (error != NULL)
    self->n_failed++;
  else
    self->n_completed++;
  end_note (self, "send-data-complete", error, describe_error ("complete", error));
}

static void
on_message_received (IstSecureTunnel *tunnel,
                     IstMessage *message,
                     TestEnd *self)
{
  GBytes *payload = ist_message_get_payload (message);
  const char *service = ist_message_get_service_id (message);

  g_assert_cmpint (ist_message_get_message_type (message), ==, IST_MESSAGE_TYPE_DATA);
  self->n_messages++;
  if (payload != NULL)
    g_byte_array_append (self->received, g_bytes_get_data (payload, NULL), g_bytes_get_size (payload));
  end_note (self, "message-received", NULL,
            g_strdup_printf ("message %s %u", service != NULL ? service : "-",
                             ist_message_get_connection_id (message)));
}

static void
on_stream_started (IstSecureTunnel *tunnel,
                   IstStreamInfo *info,
                   TestEnd *self)
{
  end_note (self, "stream-started", NULL, describe_info ("stream-started", info));
}

static void
on_stream_stopped (IstSecureTunnel *tunnel,
                   IstStreamInfo *info,
                   const GError *error,
                   TestEnd *self)
{
  g_autofree char *text = describe_info ("stream-stopped", info);

  end_note (self, "stream-stopped", error, describe_error (text, error));
}

static void
on_connection_started (IstSecureTunnel *tunnel,
                       IstStreamInfo *info,
                       TestEnd *self)
{
  end_note (self, "connection-started", NULL, describe_info ("connection-started", info));
}

static void
on_connection_reset (IstSecureTunnel *tunnel,
                     IstStreamInfo *info,
                     const GError *error,
                     TestEnd *self)
{
  g_autofree char *text = describe_info ("connection-reset", info);

  end_note (self, "connection-reset", error, describe_error (text, error));
}

static void
on_session_reset (IstSecureTunnel *tunnel,
                  TestEnd *self)
{
  end_note (self, "session-reset", NULL, g_strdup ("session-reset"));
}

static void
on_stopped (IstSecureTunnel *tunnel,
            TestEnd *self)
{
  end_note (self, "stopped", NULL, g_strdup ("stopped"));
}

static void
on_notify (IstSecureTunnel *tunnel,
           GParamSpec *pspec,
           TestEnd *self)
{
  g_autofree char *name = g_strconcat ("notify::", pspec->name, NULL);

  end_note (self, name, NULL, g_strdup (name));
}

TestEnd *
test_end_new (IstSecureTunnel *tunnel)
{
  TestEnd *self = g_new0 (TestEnd, 1);

  self->tunnel = tunnel;
  self->alive = tunnel;
  g_object_add_weak_pointer (G_OBJECT (tunnel), &self->alive);
  self->events = g_ptr_array_new_with_free_func (g_free);
  self->received = g_byte_array_new ();
  g_signal_connect (tunnel, "connection-success", G_CALLBACK (on_connection_success), self);
  g_signal_connect (tunnel, "connection-failure", G_CALLBACK (on_connection_failure), self);
  g_signal_connect (tunnel, "connection-shutdown", G_CALLBACK (on_connection_shutdown), self);
  g_signal_connect (tunnel, "send-data-complete", G_CALLBACK (on_send_data_complete), self);
  g_signal_connect (tunnel, "message-received", G_CALLBACK (on_message_received), self);
  g_signal_connect (tunnel, "stream-started", G_CALLBACK (on_stream_started), self);
  g_signal_connect (tunnel, "stream-stopped", G_CALLBACK (on_stream_stopped), self);
  g_signal_connect (tunnel, "connection-started", G_CALLBACK (on_connection_started), self);
  g_signal_connect (tunnel, "connection-reset", G_CALLBACK (on_connection_reset), self);
  g_signal_connect (tunnel, "session-reset", G_CALLBACK (on_session_reset), self);
  g_signal_connect (tunnel, "stopped", G_CALLBACK (on_stopped), self);
  g_signal_connect (tunnel, "notify", G_CALLBACK (on_notify), self);
  return self;
}

void
test_end_start (TestEnd *self)
{
  g_autoptr (GError) error = NULL;

  ist_secure_tunnel_start (self->tunnel, &error);
  g_assert_no_error (error);
}

void
test_end_free (TestEnd *self)
{
  self->hook = NULL;
  if (self->tunnel != NULL)
    {
      ist_secure_tunnel_stop (self->tunnel);
      test_wait (ist_secure_tunnel_get_state (self->tunnel) == IST_TUNNEL_STATE_STOPPED);
      g_clear_object (&self->tunnel);
    }
  test_wait (self->alive == NULL);
  test_settle ();
  g_ptr_array_unref (self->events);
  g_byte_array_unref (self->received);
  g_clear_error (&self->error);
  g_free (self);
}

guint
test_end_count (TestEnd *self,
                const char *prefix)
{
  guint n = 0;
  guint i;

  for (i = 0; i < self->events->len; i++)
    n += g_str_has_prefix (self->events->pdata[i], prefix);
  return n;
}

const char *
test_end_last (TestEnd *self,
               const char *prefix)
{
  guint i;

  for (i = self->events->len; i > 0; i--)
    {
      if (g_str_has_prefix (self->events->pdata[i - 1], prefix))
        return self->events->pdata[i - 1];
    }
  g_error ("There was no %s", prefix);
}

void
test_end_send (TestEnd *self,
               const char *service,
               guint connection,
               const char *text)
{
  g_autoptr (GBytes) payload = g_bytes_new (text, strlen (text));
  g_autoptr (IstMessage) message = ist_message_new_for_connection (service, connection, payload);
  g_autoptr (GError) error = NULL;

  ist_secure_tunnel_send_message (self->tunnel, message, &error);
  g_assert_no_error (error);
}

/* Tests have the service stand still, on a slow machine for longer than a service
 * may that is alive: which would be right, and end the test. */
static TestEnd *
build_end (IstMode mode,
           const char *endpoint,
           const char *token,
           const char *ca_file,
           const char *first_property,
           va_list args)
{
  g_autoptr (IstSecureTunnelBuilder) builder = ist_secure_tunnel_builder_new ();
  g_autoptr (GError) error = NULL;
  IstSecureTunnel *tunnel;

  g_object_set (builder, "mode", mode, "endpoint", endpoint, "access-token", token, "ca-file", ca_file,
                "reconnect-delay-floor-ms", 5, "reconnect-delay-base-ms", 10, "reconnect-delay-cap-ms", 20,
                "pong-timeout", 0, NULL);
  if (first_property != NULL)
    g_object_set_valist (G_OBJECT (builder), first_property, args);
  tunnel = ist_secure_tunnel_builder_build (builder, &error);
  g_assert_no_error (error);
  return test_end_new (tunnel);
}

TestEnd *
test_client_new (TestServer *server,
                 const char *first_property,
                 ...)
{
  TestEnd *end;
  va_list args;

  va_start (args, first_property);
  end = build_end (IST_MODE_DESTINATION, test_server_get_endpoint (server), TEST_TOKEN,
                   test_server_get_ca_file (server), first_property, args);
  va_end (args);
  return end;
}

static TestEmulator *
emulator_new (const char *const *services,
              const char *address,
              gboolean plain,
              guint bandwidth)
{
  TestEmulator *self = g_new0 (TestEmulator, 1);
  g_autoptr (GError) error = NULL;

  self->service = g_object_new (IST_EMULATOR_TYPE_SERVICE, "address", address, "plain", plain,
                                "bandwidth", bandwidth, NULL);
  ist_emulator_service_start (self->service, &error);
  g_assert_no_error (error);
  if (!plain)
    self->ca_file = test_file_new (ist_emulator_service_get_ca_pem (self->service));
  self->tunnel = ist_emulator_service_open_tunnel (self->service, services, NULL, 0, &error);
  g_assert_no_error (error);
  return self;
}

TestEmulator *
test_emulator_new (const char *const *services)
{
  return emulator_new (services, "127.0.0.1", FALSE, 0);
}

TestEmulator *
test_emulator_new_slow (const char *const *services,
                        guint bandwidth)
{
  return emulator_new (services, "127.0.0.1", FALSE, bandwidth);
}

TestEmulator *
test_emulator_new_at (const char *const *services,
                      const char *address)
{
  return emulator_new (services, address, FALSE, 0);
}

TestEmulator *
test_emulator_new_plain (const char *const *services)
{
  return emulator_new (services, "127.0.0.1", TRUE, 0);
}

void
test_emulator_free (TestEmulator *self)
{
  ist_emulator_service_stop (self->service);
  test_settle ();
  g_clear_object (&self->tunnel);
  g_clear_object (&self->service);
  test_file_free (self->ca_file);
  test_settle ();
  g_free (self);
}

TestEnd *
test_emulator_add_valist (TestEmulator *self,
                          IstMode mode,
                          const char *first_property,
                          va_list args)
{
  const char *token = mode == IST_MODE_SOURCE ? ist_emulator_tunnel_get_source_access_token (self->tunnel)
                                              : ist_emulator_tunnel_get_destination_access_token (self->tunnel);

  return build_end (mode, ist_emulator_service_get_endpoint (self->service), token, self->ca_file, first_property,
                    args);
}

TestEnd *
test_emulator_add (TestEmulator *self,
                   IstMode mode,
                   const char *first_property,
                   ...)
{
  TestEnd *end;
  va_list args;

  va_start (args, first_property);
  end = test_emulator_add_valist (self, mode, first_property, args);
  va_end (args);
  return end;
}

TestPair *
test_pair_new (const char *const *services)
{
  return test_pair_new_on (test_emulator_new (services));
}

TestPair *
test_pair_new_on (TestEmulator *emulator)
{
  TestPair *self = g_new0 (TestPair, 1);

  self->emulator = emulator;
  self->source = test_emulator_add (self->emulator, IST_MODE_SOURCE, NULL);
  self->destination = test_emulator_add (self->emulator, IST_MODE_DESTINATION, NULL);
  test_end_start (self->source);
  test_end_start (self->destination);
  test_wait (test_end_count (self->source, "success") == 1 && test_end_count (self->destination, "success") == 1);
  return self;
}

void
test_pair_free (TestPair *self)
{
  g_clear_pointer (&self->source, test_end_free);
  g_clear_pointer (&self->destination, test_end_free);
  test_emulator_free (self->emulator);
  g_free (self);
}

void
test_pair_start_stream (TestPair *self,
                        const char *service)
{
  g_autoptr (IstStreamInfo) info = NULL;
  g_autoptr (GError) error = NULL;
  guint n = test_end_count (self->destination, "stream-started");

  info = ist_secure_tunnel_start_stream (self->source->tunnel, service, &error);
  g_assert_no_error (error);
  test_wait (test_end_count (self->destination, "stream-started") == n + 1);
}
