/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <ist-emulator/ist-emulator.h>
#include <json-glib/json-glib.h>

#include "tools/common/tool-command.h"
#include "tools/common/tool-error.h"
#include "tools/common/tool-log.h"
#include "tools/common/tool-output.h"
#include "tools/common/tool-signals.h"
#include "tools/common/tool-startup.h"
#include "tools/emulator/emulator-commands.h"
#include "tools/emulator/emulator-environment.h"
#include "tools/emulator/emulator-notifier.h"

/* For --env and commands, where nobody has named any. */
#define DEFAULT_SERVICE "SSH"

typedef struct
{
  char *address;
  int port;
  gboolean plain;
  char *certificate;
  char *key;
  char *ca_file;
  char **open;
  char **things;
  gint64 bandwidth;
  int max_connections;
  char *state_dir;
  char **fail;
  char **lose;
  char **delay;
  gboolean commands;
  gboolean env;
  char **command; /* nullable; borrowed */
  EmulatorBroker mqtt;
} Options;

typedef struct
{
  GMainLoop *loop;
  IstEmulatorService *service;
  EmulatorNotifier *notifier; /* nullable */
  EmulatorCommands *commands; /* nullable */
  ToolOutput *answers;        /* to them; nullable */
  ToolCommand *command;       /* NULL while none runs */
  int exit_status;            /* the command's */
  GPtrArray *tunnels;         /* those of --open */
  gboolean is_ready;          /* which tells of the tunnels of the start */
  char *ca_file;
  char *temporary_folder; /* holds ca_file if nobody said where to put it */
} Emulator;

static void
options_clear (Options *options)
{
  g_free (options->address);
  g_free (options->certificate);
  g_free (options->key);
  g_free (options->ca_file);
  g_strfreev (options->open);
  g_strfreev (options->things);
  g_free (options->state_dir);
  g_strfreev (options->fail);
  g_strfreev (options->lose);
  g_strfreev (options->delay);
  emulator_broker_clear (&options->mqtt);
}

static gboolean
options_check_mqtt (const EmulatorBroker *mqtt,
                    GError **error)
{
  if (mqtt->broker == NULL && (mqtt->ca_file != NULL || mqtt->certificate_file != NULL ||
                               mqtt->key_file != NULL || mqtt->user != NULL || mqtt->password_file != NULL))
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                         _ ("Options that begin with --mqtt- need --mqtt"));
  else if (mqtt->certificate_file == NULL && mqtt->key_file != NULL)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("--mqtt-key needs --mqtt-cert"));
  else if (mqtt->user == NULL && mqtt->password_file != NULL)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                         _ ("--mqtt-password-file needs --mqtt-user"));
  else
    return TRUE;

  return FALSE;
}

static gboolean
options_parse (Options *options,
               int *argc,
               char ***argv,
               GError **error)
{
  const GOptionEntry entries[] = {
    { "address", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options->address,
      N_ ("Listen on this IP address (default: 127.0.0.1)"), N_ ("ADDRESS") },
    { "port", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_INT, &options->port,
      N_ ("Listen on this TCP port (default: a free one)"), N_ ("PORT") },
    { "plain", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &options->plain,
      N_ ("Do without TLS"), NULL },
    { "certificate", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &options->certificate,
      N_ ("Use the certificate in this PEM file (default: make one)"), N_ ("FILE") },
    { "key", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &options->key,
      N_ ("Use the private key in this PEM file (default: the certificate's file)"), N_ ("FILE") },
    { "ca-file", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &options->ca_file,
      N_ ("Write the certificate that clients must trust to this file (default: a temporary one)"),
      N_ ("FILE") },
    { "open", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING_ARRAY, &options->open,
      N_ ("Open a tunnel with these services, or with none if empty; may be repeated"),
      N_ ("SERVICE[,SERVICE...]") },
    { "thing", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING_ARRAY, &options->things,
      N_ ("List this thing as one of the account, with its type if there is one; may be repeated"),
      N_ ("THING[,TYPE]") },
    { "bandwidth", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_INT64, &options->bandwidth,
      N_ ("Let this many bytes per second pass each tunnel (default: no limit; AWS: 800000)"), N_ ("BYTES") },
    { "max-connections", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_INT, &options->max_connections,
      N_ ("Let one address have so many connections at the same time, 0 for any number (default: 4096)"),
      N_ ("NUMBER") },
    { "state-dir", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &options->state_dir,
      N_ ("Keep tunnels and certificate in this folder, for the next start"), N_ ("DIR") },
    { "fail", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING_ARRAY, &options->fail,
      N_ ("Answer the next COUNT calls of an operation, or of any, or all calls, with this error of AWS, such as "
          "ThrottlingException; may be repeated"),
      N_ ("[OPERATION=]ERROR[:COUNT]") },
    { "lose", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING_ARRAY, &options->lose,
      N_ ("Do what these calls ask for, but answer with this error; may be repeated"),
      N_ ("[OPERATION=]ERROR[:COUNT]") },
    { "delay", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING_ARRAY, &options->delay,
      N_ ("Answer these calls so much later; may be repeated"),
      N_ ("[OPERATION=]MILLISECONDS[:COUNT]") },
    { "commands", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &options->commands,
      N_ ("Take commands from standard input, one in a line, and answer each with a line of JSON: "
          "“fail [OPERATION=]ERROR[:COUNT]”, “lose [OPERATION=]ERROR[:COUNT]”, "
          "“delay [OPERATION=]MILLISECONDS[:COUNT]”, “calls”"),
      NULL },
    { "env", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &options->env,
      N_ ("Print lines for a shell instead of JSON: with them, programs find the emulator and the first tunnel"),
      NULL },
    { "mqtt", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options->mqtt.broker,
      N_ ("Notify things through this MQTT broker; with TLS if it is on another machine"),
      N_ ("HOST[:PORT]") },
    { "mqtt-ca", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &options->mqtt.ca_file,
      N_ ("Use TLS, and trust the authorities in this PEM file"), N_ ("FILE") },
    { "mqtt-cert", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &options->mqtt.certificate_file,
      N_ ("Use TLS, and show the broker the certificate in this PEM file"), N_ ("FILE") },
    { "mqtt-key", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &options->mqtt.key_file,
      N_ ("Use the private key in this PEM file (default: the certificate's file)"), N_ ("FILE") },
    { "mqtt-user", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &options->mqtt.user,
      N_ ("Name this user to the broker; the password is in $IST_EMULATOR_MQTT_PASSWORD"), N_ ("NAME") },
    { "mqtt-password-file", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_FILENAME, &options->mqtt.password_file,
      N_ ("Take the password from the first line of this file"), N_ ("FILE") },
    { NULL },
  };
  g_autofree char *bandwidth = NULL;

  if (!tool_startup_parse_options (_ ("Stands in for the AWS IoT Secure Tunneling service on this machine, for\n"
                                      "development and tests. Tells on standard output, in one line of JSON,\n"
                                      "where it listens and which tunnels are open, and on standard error how\n"
                                      "to open more with the AWS CLI. With a command, it runs that, in an\n"
                                      "environment with which programs find it and a tunnel, and ends with it."),
                                   entries, &options->command, argc, argv, error))
    return FALSE;

  /* Translators' tools know no macros of formats. */
  bandwidth = g_strdup_printf ("%" G_GINT64_FORMAT, options->bandwidth);
  if (options->port < 0 || options->port > G_MAXUINT16)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("%d is not a TCP port"), options->port);
  else if (options->address != NULL && !g_hostname_is_ip_address (options->address))
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("“%s” is not an IP address"), options->address);
  else if (options->plain &&
           (options->certificate != NULL || options->key != NULL || options->ca_file != NULL))
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                         _ ("--plain has no use for --certificate, --key and --ca-file"));
  else if (options->certificate == NULL && options->key != NULL)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("--key needs --certificate"));
  else if (options->certificate != NULL && options->ca_file != NULL)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                         _ ("--ca-file is for the certificate that is made without --certificate"));
  else if (options->bandwidth < 0 || options->bandwidth > G_MAXUINT)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("%s is not a bandwidth"), bandwidth);
  else if (options->max_connections < 0)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("%d is not a number of connections"),
                 options->max_connections);
  else if (options->env && (options->commands || options->command != NULL))
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                         _ ("--env leaves no room for --commands and a command"));
  else if (options->commands && options->command != NULL)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                         _ ("A command leaves no room for --commands"));
  else
    return options_check_mqtt (&options->mqtt, error);

  return FALSE;
}

static const char *
get_side_name (IstMode side)
{
  return side == IST_MODE_SOURCE ? "source" : "destination";
}

static void
on_client_connected (IstEmulatorTunnel *tunnel,
                     IstMode side,
                     gpointer user_data)
{
  g_message ("tunnel %s: %s connected", ist_emulator_tunnel_get_id (tunnel), get_side_name (side));
}

static void
on_client_disconnected (IstEmulatorTunnel *tunnel,
                        IstMode side,
                        const GError *error,
                        gpointer user_data)
{
  g_message ("tunnel %s: %s disconnected: %s",
             ist_emulator_tunnel_get_id (tunnel), get_side_name (side),
             error != NULL ? error->message : "the emulator stops");
}

static void
on_closed (IstEmulatorTunnel *tunnel,
           GParamSpec *pspec,
           gpointer user_data)
{
  g_message ("tunnel %s: closed", ist_emulator_tunnel_get_id (tunnel));
}

static void
on_tunnel_opened (IstEmulatorService *service,
                  IstEmulatorTunnel *tunnel,
                  gpointer user_data)
{
  Emulator *emulator = user_data;

  if (!ist_emulator_tunnel_is_open (tunnel))
    return;

  if (emulator->is_ready)
    g_message ("tunnel %s: open", ist_emulator_tunnel_get_id (tunnel));
  g_signal_connect (tunnel, "client-connected", G_CALLBACK (on_client_connected), NULL);
  g_signal_connect (tunnel, "client-disconnected", G_CALLBACK (on_client_disconnected), NULL);
  g_signal_connect (tunnel, "notify::open", G_CALLBACK (on_closed), NULL);
}

static void
on_handshake_refused (IstEmulatorService *service,
                      guint status,
                      const char *reason,
                      gpointer user_data)
{
  g_message ("request refused with status %u: %s", status, reason);
}

static void
on_operation (IstEmulatorService *service,
              const char *name,
              const char *error_type,
              gpointer user_data)
{
  if (error_type != NULL)
    g_message ("operation %s: %s", name, error_type);
  else
    g_message ("operation %s: done", name);
}

static void
on_signal (int number,
           gpointer user_data)
{
  Emulator *emulator = user_data;

  if (emulator->command != NULL)
    tool_command_pass_on (emulator->command, number);
  else
    g_main_loop_quit (emulator->loop);
}

static GTlsCertificate *
load_certificate (const Options *options,
                  GError **error)
{
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autofree char *key = NULL;

  certificate = options->key != NULL
                  ? g_tls_certificate_new_from_files (options->certificate, options->key, error)
                  : g_tls_certificate_new_from_file (options->certificate, error);
  if (certificate == NULL)
    return NULL;

  g_object_get (certificate, "private-key-pem", &key, NULL);
  if (key == NULL)
    {
      g_set_error (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE,
                   _ ("“%s” has no private key; name its file with --key"), options->certificate);
      return NULL;
    }
  return g_steal_pointer (&certificate);
}

static IstEmulatorService *
make_service (const Options *options,
              GError **error)
{
  g_autoptr (GTlsCertificate) certificate = NULL;

  if (options->certificate != NULL)
    {
      certificate = load_certificate (options, error);
      if (certificate == NULL)
        {
          g_prefix_error (error, _ ("Could not load the certificate: "));
          return NULL;
        }
    }

  return g_object_new (IST_EMULATOR_TYPE_SERVICE,
                       "address", options->address != NULL ? options->address : "127.0.0.1",
                       "port", (guint) options->port,
                       "plain", options->plain,
                       "certificate", certificate,
                       "bandwidth", (guint) options->bandwidth,
                       "max-connections-per-address", (guint) options->max_connections,
                       "state-dir", options->state_dir,
                       NULL);
}

static gboolean
open_tunnels (Emulator *emulator,
              const char *const *open,
              GError **error)
{
  for (gsize i = 0; open != NULL && open[i] != NULL; i++)
    {
      g_auto (GStrv) services = g_strsplit (open[i], ",", -1);
      IstEmulatorTunnel *tunnel;

      tunnel = ist_emulator_service_open_tunnel (emulator->service, (const char *const *) services,
                                                 NULL, 0, error);
      if (tunnel == NULL)
        {
          g_prefix_error (error, "--open: ");
          return FALSE;
        }
      g_ptr_array_add (emulator->tunnels, tunnel);
    }
  return TRUE;
}

static gboolean
add_things (Emulator *emulator,
            char **things,
            GError **error)
{
  for (gsize i = 0; things != NULL && things[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (things[i], ",", 2);

      /* Of an empty text there are no parts. */
      if (!ist_emulator_service_add_thing (emulator->service, parts[0] != NULL ? parts[0] : "", parts[1], error))
        {
          g_prefix_error (error, "--thing: ");
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
set_faults (Emulator *emulator,
            const char *verb,
            char **faults,
            GError **error)
{
  for (gsize i = 0; faults != NULL && faults[i] != NULL; i++)
    {
      if (!emulator_upset (emulator->service, verb, faults[i], error))
        {
          g_prefix_error (error, "--%s: ", verb);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
write_ca_file (Emulator *emulator,
               const Options *options,
               GError **error)
{
  if (ist_emulator_service_get_ca_pem (emulator->service) == NULL)
    return TRUE;

  if (options->ca_file != NULL)
    {
      emulator->ca_file = g_canonicalize_filename (options->ca_file, NULL);
    }
  else if (options->state_dir != NULL)
    {
      g_autofree char *folder = g_canonicalize_filename (options->state_dir, NULL);

      /* The service has put it there. */
      emulator->ca_file = g_build_filename (folder, "ca.pem", NULL);
      return TRUE;
    }
  else
    {
      const char *runtime = g_getenv ("XDG_RUNTIME_DIR");
      g_autofree char *folder = NULL;

      if (runtime == NULL || *runtime == '\0')
        runtime = g_get_tmp_dir ();
      folder = g_build_filename (runtime, "ist-emulator-XXXXXX", NULL);
      if (g_mkdtemp (folder) == NULL)
        {
          g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
                       _ ("Could not make the folder “%s”: %s"), folder, g_strerror (errno));
          return FALSE;
        }
      emulator->temporary_folder = g_steal_pointer (&folder);
      emulator->ca_file = g_build_filename (emulator->temporary_folder, "ca.pem", NULL);
    }
  return ist_emulator_service_write_ca_file (emulator->service, emulator->ca_file, error);
}

static void
remove_temporary_folder (Emulator *emulator)
{
  if (emulator->temporary_folder == NULL)
    return;

  g_unlink (emulator->ca_file);
  g_rmdir (emulator->temporary_folder);
}

static void
add_tunnel (JsonBuilder *builder,
            IstEmulatorTunnel *tunnel)
{
  const char *const *services = ist_emulator_tunnel_get_service_ids (tunnel);

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "tunnelId");
  json_builder_add_string_value (builder, ist_emulator_tunnel_get_id (tunnel));
  json_builder_set_member_name (builder, "services");
  json_builder_begin_array (builder);
  for (gsize i = 0; services[i] != NULL; i++)
    json_builder_add_string_value (builder, services[i]);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "sourceAccessToken");
  json_builder_add_string_value (builder, ist_emulator_tunnel_get_source_access_token (tunnel));
  json_builder_set_member_name (builder, "destinationAccessToken");
  json_builder_add_string_value (builder, ist_emulator_tunnel_get_destination_access_token (tunnel));
  json_builder_end_object (builder);
}

static gboolean
print (const char *text)
{
  return fputs (text, stdout) != EOF && fflush (stdout) != EOF;
}

static gboolean
tell_environment (Emulator *emulator)
{
  EmulatorEnvironment *environment;
  g_autofree char *text = NULL;

  environment = emulator_environment_new (emulator->service, emulator->ca_file,
                                          g_ptr_array_index (emulator->tunnels, 0));
  text = emulator_environment_to_shell (environment);
  emulator_environment_free (environment);
  return print (text);
}

static gboolean
tell_ready (Emulator *emulator)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *json = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "endpoint");
  json_builder_add_string_value (builder, ist_emulator_service_get_endpoint (emulator->service));
  json_builder_set_member_name (builder, "caFile");
  if (emulator->ca_file != NULL)
    json_builder_add_string_value (builder, emulator->ca_file);
  else
    json_builder_add_null_value (builder);
  json_builder_set_member_name (builder, "tunnels");
  json_builder_begin_array (builder);
  for (guint i = 0; i < emulator->tunnels->len; i++)
    add_tunnel (builder, g_ptr_array_index (emulator->tunnels, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);

  root = json_builder_get_root (builder);
  json_generator_set_root (generator, root);
  json = json_generator_to_data (generator, NULL);
  text = g_strconcat (json, "\n", NULL);
  return print (text);
}

static void
explain (Emulator *emulator)
{
  g_autofree char *url = emulator_environment_make_url (emulator->service);
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append (text, "\n"
                         "  export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any\n"
                         "  export AWS_DEFAULT_REGION=us-east-1\n");
  if (emulator->ca_file != NULL)
    {
      g_autofree char *quoted = g_shell_quote (emulator->ca_file);

      g_string_append_printf (text, "  export AWS_CA_BUNDLE=%s\n", quoted);
    }
  g_string_append_printf (text,
                          "  aws iotsecuretunneling --endpoint-url %s \\\n"
                          "    open-tunnel --destination-config thingName=THING,services=SSH\n",
                          url);
  g_message (_ ("to open tunnels with the AWS CLI:"));
  tool_log_text (text->str);
}

static void
on_stopped (IstEmulatorService *service,
            gpointer user_data)
{
  Emulator *emulator = user_data;

  g_main_loop_quit (emulator->loop);
}

static void
on_command_end (int exit_status,
                gpointer user_data)
{
  Emulator *emulator = user_data;

  g_clear_pointer (&emulator->command, tool_command_free);
  emulator->exit_status = exit_status;
  g_main_loop_quit (emulator->loop);
}

static gboolean
run_command (Emulator *emulator,
             const char *const *command,
             GError **error)
{
  EmulatorEnvironment *environment;
  g_auto (GStrv) merged = NULL;

  environment = emulator_environment_new (emulator->service, emulator->ca_file,
                                          g_ptr_array_index (emulator->tunnels, 0));
  merged = emulator_environment_merge (environment);
  emulator_environment_free (environment);
  emulator->command = tool_command_start (command, merged, on_command_end, emulator, error);
  return emulator->command != NULL;
}

static int
run (Emulator *emulator,
     const Options *options)
{
  const char *const default_open[] = { options->env || options->command != NULL ? DEFAULT_SERVICE : NULL, NULL };
  const char *const *open = options->open != NULL ? (const char *const *) options->open : default_open;
  g_autoptr (GError) error = NULL;

  emulator->service = make_service (options, &error);
  if (emulator->service == NULL)
    {
      tool_log_fatal ("%s", error->message);
      return EX_NOINPUT;
    }
  g_signal_connect (emulator->service, "handshake-refused", G_CALLBACK (on_handshake_refused), NULL);
  g_signal_connect (emulator->service, "tunnel-opened", G_CALLBACK (on_tunnel_opened), emulator);
  g_signal_connect (emulator->service, "operation", G_CALLBACK (on_operation), NULL);
  if (!add_things (emulator, options->things, &error) || !set_faults (emulator, "fail", options->fail, &error) ||
      !set_faults (emulator, "lose", options->lose, &error) ||
      !set_faults (emulator, "delay", options->delay, &error))
    return tool_startup_fail (error, EX_USAGE);

  if (options->mqtt.broker != NULL)
    {
      emulator->notifier = emulator_notifier_new (emulator->service, &options->mqtt, &error);
      if (emulator->notifier == NULL)
        {
          g_prefix_error (&error, "--mqtt: ");
          return tool_startup_fail (error, EX_USAGE);
        }
    }
  if (!ist_emulator_service_start (emulator->service, &error))
    {
      tool_log_fatal (_ ("Could not start: %s"), error->message);
      return EX_UNAVAILABLE;
    }
  if (!open_tunnels (emulator, open, &error))
    {
      tool_log_fatal ("%s", error->message);
      return tool_error_get_exit_status (error);
    }
  if (!write_ca_file (emulator, options, &error))
    {
      tool_log_fatal ("%s", error->message);
      return EX_CANTCREAT;
    }
  if (options->command != NULL)
    {
      if (!run_command (emulator, (const char *const *) options->command, &error))
        {
          tool_log_fatal ("%s", error->message);
          return tool_error_get_exit_status (error);
        }
    }
  else if (!(options->env ? tell_environment (emulator) : tell_ready (emulator)))
    {
      tool_log_fatal (_ ("Could not write to standard output: %s"), g_strerror (errno));
      return EX_IOERR;
    }
  emulator->is_ready = TRUE;
  if (!options->env)
    explain (emulator);
  if (options->commands)
    {
      emulator->answers = tool_output_new (STDOUT_FILENO, NULL, NULL);
      emulator->commands = emulator_commands_new (emulator->service, STDIN_FILENO, emulator->answers);
    }

  g_main_loop_run (emulator->loop);

  /* Clients are told that the service goes; a second signal cuts that short. */
  g_signal_connect (emulator->service, "stopped", G_CALLBACK (on_stopped), emulator);
  ist_emulator_service_stop (emulator->service);
  g_main_loop_run (emulator->loop);
  return emulator->exit_status;
}

int
main (int argc,
      char **argv)
{
  Options options = { .max_connections = 4096 };
  Emulator emulator = { 0 };
  g_autoptr (GError) error = NULL;
  ToolSignals *signals;
  int status;

  tool_startup_init ("ist-emulator", "ist-emulator: ");

  if (!options_parse (&options, &argc, &argv, &error))
    {
      options_clear (&options);
      return tool_startup_fail (error, tool_error_get_exit_status (error));
    }

  if (options.command != NULL)
    {
      /* That has its own to say. */
      tool_log_set_level (TOOL_LOG_QUIET);
      if (!tool_command_check (options.command[0], &error))
        {
          tool_log_fatal ("%s", error->message);
          options_clear (&options);
          return tool_error_get_exit_status (error);
        }
    }

  emulator.loop = g_main_loop_new (NULL, FALSE);
  emulator.tunnels = g_ptr_array_new_with_free_func (g_object_unref);
  signals = tool_signals_new (on_signal, &emulator);

  status = run (&emulator, &options);

  tool_signals_free (signals);
  remove_temporary_folder (&emulator);
  g_clear_pointer (&emulator.commands, emulator_commands_free);
  g_clear_pointer (&emulator.answers, tool_output_free);
  g_clear_pointer (&emulator.notifier, emulator_notifier_free);
  g_ptr_array_unref (emulator.tunnels);
  g_clear_object (&emulator.service);
  g_main_loop_unref (emulator.loop);
  g_free (emulator.ca_file);
  g_free (emulator.temporary_folder);
  options_clear (&options);
  return status;
}
