/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-options.h"

#include <glib/gi18n.h>
#include <string.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"
#include "tools/common/tool-startup.h"
#include "tools/proxy/proxy-ini.h"
#include "tools/proxy/proxy-token.h"

#define LAST_OF_REFERENCE PROXY_OPTION_CONFIG_DIR

typedef enum
{
  KIND_FLAG,
  KIND_VALUE,
  KIND_OPTIONAL, /* a flag that may have a value */
  KIND_LIST,     /* comma-separated; given again, it goes on */
} Kind;

typedef struct
{
  const char *name; /* with the dashes */
  char letter;
  Kind kind;
  /* Options of one group exclude each other: the command line that sets one of
   * them overrules what the file says of any, and so on. The group's name is its
   * first. */
  ProxyOption group;
  gboolean secret;
  gboolean only_command_line;
  const char *environment;
  const char *description;
  const char *argument;
} Definition;

static const Definition definitions[PROXY_N_OPTIONS] = {
  [PROXY_OPTION_VERSION] = {
    .name = "--version",
    .letter = 'V',
    .group = PROXY_OPTION_VERSION,
    .only_command_line = TRUE,
    .description = N_ ("Show the version"),
  },
  [PROXY_OPTION_ACCESS_TOKEN] = {
    .name = "--access-token",
    .letter = 't',
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_ACCESS_TOKEN,
    .secret = TRUE,
    .environment = "AWSIOT_TUNNEL_ACCESS_TOKEN",
    .description = N_ ("The tunnel's access token; better kept off the command line"),
    .argument = N_ ("TOKEN"),
  },
  [PROXY_OPTION_CLIENT_TOKEN] = {
    .name = "--client-token",
    .letter = 'i',
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_CLIENT_TOKEN,
    .secret = TRUE,
    .environment = "AWSIOT_TUNNEL_CLIENT_TOKEN",
    .description = N_ ("Ties the access token to this client (default: a random one)"),
    .argument = N_ ("TOKEN"),
  },
  [PROXY_OPTION_PROXY_ENDPOINT] = {
    .name = "--proxy-endpoint",
    .letter = 'e',
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_PROXY_ENDPOINT,
    .environment = "AWSIOT_TUNNEL_ENDPOINT",
    .description = N_ ("Where the service listens, instead of --region"),
    .argument = N_ ("HOST[:PORT]"),
  },
  [PROXY_OPTION_REGION] = {
    .name = "--region",
    .letter = 'r',
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_PROXY_ENDPOINT,
    .environment = "AWSIOT_TUNNEL_REGION",
    .description = N_ ("The AWS region of the tunnel"),
    .argument = N_ ("REGION"),
  },
  [PROXY_OPTION_SOURCE_LISTEN_PORT] = {
    .name = "--source-listen-port",
    .letter = 's',
    .kind = KIND_LIST,
    .group = PROXY_OPTION_SOURCE_LISTEN_PORT,
    .description = N_ ("Source: listen on these ports for connections to the services"),
    .argument = N_ ("SERVICE=PORT,...|PORT"),
  },
  [PROXY_OPTION_DESTINATION_APP] = {
    .name = "--destination-app",
    .letter = 'd',
    .kind = KIND_LIST,
    .group = PROXY_OPTION_SOURCE_LISTEN_PORT,
    .description = N_ ("Destination: connect the services to these addresses"),
    .argument = N_ ("SERVICE=[HOST:]PORT,...|[HOST:]PORT"),
  },
  [PROXY_OPTION_LOCAL_BIND_ADDRESS] = {
    .name = "--local-bind-address",
    .letter = 'b',
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_LOCAL_BIND_ADDRESS,
    .description = N_ ("Listen on, or connect from, this local address"),
    .argument = N_ ("ADDRESS"),
  },
  [PROXY_OPTION_CAPATH] = {
    .name = "--capath",
    .letter = 'c',
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_CAPATH,
    .description = N_ ("Trust the certificates in this folder or file (default: those of the system)"),
    .argument = N_ ("PATH"),
  },
  [PROXY_OPTION_NO_SSL_HOST_VERIFY] = {
    .name = "--no-ssl-host-verify",
    .letter = 'k',
    .group = PROXY_OPTION_NO_SSL_HOST_VERIFY,
    .description = N_ ("Accept any certificate: whoever is in between can read everything"),
  },
  [PROXY_OPTION_MODE] = {
    .name = "--mode",
    .letter = 'm',
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_MODE,
    .description = N_ ("Which end of the tunnel this is"),
    .argument = "src|source|dst|destination",
  },
  [PROXY_OPTION_DESTINATION_CLIENT_TYPE] = {
    .name = "--destination-client-type",
    .letter = 'y',
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_DESTINATION_CLIENT_TYPE,
    .description = N_ ("Source: the protocol of the destination (default: found out)"),
    .argument = "V1|V2|V3",
  },
  [PROXY_OPTION_VERBOSE] = {
    .name = "--verbose",
    .letter = 'v',
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_VERBOSE,
    .description = N_ ("What to log, from 0, nothing, to 6, everything (default: 4)"),
    .argument = N_ ("LEVEL"),
  },
  [PROXY_OPTION_EXPORT_DEFAULT_SETTINGS] = {
    .name = "--export-default-settings",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_EXPORT_DEFAULT_SETTINGS,
    .only_command_line = TRUE,
    .description = N_ ("Write the settings' defaults to this file, and end"),
    .argument = N_ ("FILE"),
  },
  [PROXY_OPTION_SETTINGS_JSON] = {
    .name = "--settings-json",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_SETTINGS_JSON,
    .description = N_ ("Read settings from this file"),
    .argument = N_ ("FILE"),
  },
  [PROXY_OPTION_CONFIG] = {
    .name = "--config",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_CONFIG,
    .only_command_line = TRUE,
    .description = N_ ("Read options from this file, one NAME=VALUE a line"),
    .argument = N_ ("FILE"),
  },
  [PROXY_OPTION_CONFIG_DIR] = {
    .name = "--config-dir",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_CONFIG_DIR,
    .description = N_ ("Look for SERVICE=ADDRESS lines in this folder (default: config, if there is one)"),
    .argument = N_ ("FOLDER"),
  },
  [PROXY_OPTION_ACCESS_TOKEN_FILE] = {
    .name = "--access-token-file",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_ACCESS_TOKEN,
    .description = N_ ("Read the access token from this file, - for standard input"),
    .argument = N_ ("FILE"),
  },
  [PROXY_OPTION_ACCESS_TOKEN_KEYRING] = {
    .name = "--access-token-keyring",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_ACCESS_TOKEN,
    .description = N_ ("Take the access token of this tunnel from the keyring"),
    .argument = N_ ("TUNNEL"),
  },
  [PROXY_OPTION_CLIENT_TOKEN_FILE] = {
    .name = "--client-token-file",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_CLIENT_TOKEN,
    .description = N_ ("Read the client token from this file"),
    .argument = N_ ("FILE"),
  },
  [PROXY_OPTION_OPEN] = {
    .name = "--open",
    .group = PROXY_OPTION_ACCESS_TOKEN,
    .description = N_ ("Source: open a tunnel to a device, or share one, and run the command that follows --"),
  },
  [PROXY_OPTION_THING] = {
    .name = "--thing",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_THING,
    .description = N_ ("With --open: the device, by the name of its thing"),
    .argument = N_ ("NAME"),
  },
  [PROXY_OPTION_SERVICE] = {
    .name = "--service",
    .kind = KIND_LIST,
    .group = PROXY_OPTION_SERVICE,
    .description = N_ ("With --open: the tunnel's services; may be repeated"),
    .argument = N_ ("SERVICE,..."),
  },
  [PROXY_OPTION_LIFETIME] = {
    .name = "--lifetime",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_LIFETIME,
    .description = N_ ("With --open: when the tunnel expires if nobody closes it (default: 720)"),
    .argument = N_ ("MINUTES"),
  },
  [PROXY_OPTION_WAIT] = {
    .name = "--wait",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_WAIT,
    .description = N_ ("With --open: how long the device may take to connect (default: 60)"),
    .argument = N_ ("SECONDS"),
  },
  [PROXY_OPTION_ENDPOINT_URL] = {
    .name = "--endpoint-url",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_ENDPOINT_URL,
    .description = N_ ("With --open: where tunnels are opened, and connected to without -e"),
    .argument = N_ ("URL"),
  },
  [PROXY_OPTION_NO_SHARE] = {
    .name = "--no-share",
    .group = PROXY_OPTION_NO_SHARE,
    .description = N_ ("With --open: use a tunnel that nobody else uses, and close it in the end"),
  },
  [PROXY_OPTION_STDIO] = {
    .name = "--stdio",
    .kind = KIND_OPTIONAL,
    .group = PROXY_OPTION_SOURCE_LISTEN_PORT,
    .description = N_ ("Source: carry standard input and output to a service, as ssh's ProxyCommand"),
    .argument = N_ ("[SERVICE]"),
  },
  [PROXY_OPTION_CONNECTION_WAIT] = {
    .name = "--connection-wait",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_CONNECTION_WAIT,
    .description = N_ ("Source: refuse a further connection when, after so long, the other end takes no "
                       "more than one (default: 5)"),
    .argument = N_ ("SECONDS"),
  },
  [PROXY_OPTION_HALF_CLOSE_GRACE] = {
    .name = "--half-close-grace",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_HALF_CLOSE_GRACE,
    .description = N_ ("Wait so long for the answer after the local side has ended its part"),
    .argument = N_ ("SECONDS"),
  },
  [PROXY_OPTION_IDLE_TIMEOUT] = {
    .name = "--idle-timeout",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_IDLE_TIMEOUT,
    .description = N_ ("End connections that carry nothing for so long (default: never)"),
    .argument = N_ ("SECONDS"),
  },
  [PROXY_OPTION_PORT_FILE] = {
    .name = "--port-file",
    .kind = KIND_VALUE,
    .group = PROXY_OPTION_PORT_FILE,
    .description = N_ ("Source: write SERVICE=PORT lines to this file when ready"),
    .argument = N_ ("FILE"),
  },
  [PROXY_OPTION_JSON] = {
    .name = "--json",
    .group = PROXY_OPTION_JSON,
    .description = N_ ("Tell on standard output, in one line of JSON, when ready and where"),
  },
  [PROXY_OPTION_STATUS] = {
    .name = "--status",
    .group = PROXY_OPTION_STATUS,
    .description = N_ ("Show the connections and their rates on the terminal"),
  },
};

void
proxy_options_clear (ProxyOptions *self)
{
  for (gsize i = 0; i < PROXY_N_OPTIONS; i++)
    g_clear_pointer (&self->values[i], g_free);
  g_clear_pointer (&self->command, g_strfreev);
}

static void
options_set (ProxyOptions *self,
             ProxyOption option,
             const char *value)
{
  char *old = self->values[option];

  if (definitions[option].kind == KIND_LIST && old != NULL)
    self->values[option] = g_strconcat (old, ",", value, NULL);
  else
    self->values[option] = g_strdup (value);
  g_free (old);
}

/* The command line */

static int
find_long (const char *name,
           gsize length)
{
  int found = -1;
  int i;

  for (i = 0; i < PROXY_N_OPTIONS; i++)
    {
      if (strlen (definitions[i].name) == length && strncmp (definitions[i].name, name, length) == 0)
        return i;
    }

  /* The reference proxy takes names that are cut short. */
  for (i = 0; i <= LAST_OF_REFERENCE; i++)
    {
      if (strncmp (definitions[i].name, name, length) != 0)
        continue;
      if (found != -1)
        return -1;
      found = i;
    }
  return found;
}

static int
find_letter (char letter)
{
  for (int i = 0; i < PROXY_N_OPTIONS; i++)
    {
      if (definitions[i].letter == letter)
        return i;
    }
  return -1;
}

static gboolean
takes_value (ProxyOption option)
{
  return definitions[option].kind == KIND_VALUE || definitions[option].kind == KIND_LIST;
}

/* An option that takes a value, with it: the rest of the argument, or the next one. */
static void
add_with_value (GStrvBuilder *builder,
                ProxyOption option,
                char *rest,
                char **argv,
                int *i)
{
  char *value = rest != NULL || argv[*i + 1] == NULL ? rest : argv[++*i];
  g_autofree char *argument = NULL;

  if (value != NULL)
    argument = g_strconcat (definitions[option].name, "=", value, NULL);
  g_strv_builder_add (builder, argument != NULL ? argument : definitions[option].name);
  if (value != NULL && definitions[option].secret)
    memset (value, 0, strlen (value));
}

static void
add_letters (GStrvBuilder *builder,
             char **argv,
             int *i)
{
  char *letter;
  int option;

  for (letter = argv[*i] + 1; *letter != '\0'; letter++)
    {
      option = find_letter (*letter);
      if (option == -1)
        {
          /* -h, or unknown: GOptionContext's. */
          const char rest[] = { '-', *letter, '\0' };

          g_strv_builder_add (builder, rest);
        }
      else if (takes_value (option))
        {
          add_with_value (builder, option, letter[1] != '\0' ? letter + 1 : NULL, argv, i);
          return;
        }
      else
        {
          g_strv_builder_add (builder, definitions[option].name);
        }
    }
}

/* GOptionContext knows neither -s5555 nor cut names, which users of the
 * reference proxy may have in their scripts, and doesn't tell where in argv a
 * token was. So everything is written out as --NAME=VALUE for it. */
static char **
write_out (int argc,
           char **argv)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  int i;

  g_strv_builder_add (builder, argv[0]);
  for (i = 1; i < argc; i++)
    {
      char *equals = strchr (argv[i], '=');
      int option;

      if (strcmp (argv[i], "-") == 0 || argv[i][0] != '-')
        {
          g_strv_builder_add (builder, argv[i]);
          continue;
        }
      if (argv[i][1] != '-')
        {
          add_letters (builder, argv, &i);
          continue;
        }
      option = find_long (argv[i], equals != NULL ? (gsize) (equals - argv[i]) : strlen (argv[i]));
      if (option == -1 || !takes_value (option))
        g_strv_builder_add (builder, argv[i]);
      else
        add_with_value (builder, option, equals != NULL ? equals + 1 : NULL, argv, &i);
    }
  return g_strv_builder_end (builder);
}

static gboolean
on_option (const char *name,
           const char *value,
           gpointer user_data,
           GError **error)
{
  ProxyOptions *self = user_data;
  int option = find_long (name, strlen (name));

  if (definitions[option].kind == KIND_FLAG)
    value = "true";
  options_set (self, option, value != NULL ? value : "");
  return TRUE;
}

static GOptionContext *
options_make_context (ProxyOptions *self)
{
  GOptionContext *context = g_option_context_new (_ ("[-- COMMAND [ARGUMENT…]]"));
  GOptionGroup *group = g_option_group_new (NULL, NULL, NULL, self, NULL);
  GOptionEntry entries[PROXY_N_OPTIONS + 1] = { 0 };
  int i;

  for (i = 0; i < PROXY_N_OPTIONS; i++)
    {
      const Definition *definition = &definitions[i];

      entries[i].long_name = definition->name + 2;
      entries[i].short_name = definition->letter;
      entries[i].flags = G_OPTION_FLAG_FILENAME;
      if (definition->kind == KIND_FLAG)
        entries[i].flags = G_OPTION_FLAG_NO_ARG;
      if (definition->kind == KIND_OPTIONAL)
        entries[i].flags |= G_OPTION_FLAG_OPTIONAL_ARG;
      entries[i].arg = G_OPTION_ARG_CALLBACK;
      entries[i].arg_data = on_option;
      entries[i].description = definition->description;
      entries[i].arg_description = definition->argument;
    }
  g_option_group_add_entries (group, entries);
  g_option_group_set_translation_domain (group, GETTEXT_PACKAGE);
  g_option_context_set_main_group (context, group);
  g_option_context_set_summary (context,
                                _ ("Carries TCP connections and Unix sockets through a tunnel of AWS IoT\n"
                                   "Secure Tunneling: one end listens (source), the other connects\n"
                                   "(destination)."));
  g_option_context_set_description (context, _ ("See the manual, “man ist-proxy”, for more."));
  return context;
}

gboolean
proxy_options_parse_arguments (ProxyOptions *self,
                               int argc,
                               char **argv,
                               GError **error)
{
  g_autoptr (GOptionContext) context = options_make_context (self);
  int n_own = tool_startup_find_command (argc, argv);
  g_autofree char **own = g_memdup2 (argv, (n_own + 1) * sizeof (char *));
  g_auto (GStrv) arguments = NULL;

  own[n_own] = NULL;
  arguments = write_out (n_own, own);
  if (n_own + 1 < argc)
    self->command = g_strdupv (argv + n_own + 1);
  if (!g_option_context_parse_strv (context, &arguments, error))
    return FALSE;
  if (arguments[0] != NULL && arguments[1] != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("Unexpected argument “%s”"),
                   arguments[1]);
      return FALSE;
    }
  /* One of them may be in the environment or a file; here it is a mistake. */
  if (self->values[PROXY_OPTION_REGION] != NULL && self->values[PROXY_OPTION_PROXY_ENDPOINT] != NULL)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                           _ ("--region (-r) and --proxy-endpoint (-e) can't be used together"));
      return FALSE;
    }
  return TRUE;
}

/* The file */

static gboolean
options_take_from_file (ProxyOptions *self,
                        const char *name,
                        const char *value,
                        GError **error)
{
  g_autofree char *dashed = g_strconcat ("--", name, NULL);
  int option = find_long (dashed, strlen (dashed));
  gboolean set;

  if (option == -1 || strcmp (definitions[option].name, dashed) != 0)
    {
      g_set_error (error, TOOL_ERROR, EX_CONFIG, _ ("there is no option “%s”"), name);
      return FALSE;
    }
  if (definitions[option].only_command_line)
    {
      g_set_error (error, TOOL_ERROR, EX_CONFIG, _ ("“%s” is for the command line only"), name);
      return FALSE;
    }
  if (takes_value (option))
    {
      options_set (self, option, value);
      return TRUE;
    }

  if (proxy_ini_parse_boolean (value, &set))
    {
      if (set)
        options_set (self, option, definitions[option].kind == KIND_FLAG ? "true" : "");
      return TRUE;
    }
  if (definitions[option].kind == KIND_OPTIONAL)
    {
      options_set (self, option, value);
      return TRUE;
    }
  g_set_error (error, TOOL_ERROR, EX_CONFIG, _ ("“%s” must be true or false"), name);
  return FALSE;
}

gboolean
proxy_options_parse_file (ProxyOptions *self,
                          const char *path,
                          GError **error)
{
  g_autoptr (GPtrArray) pairs = proxy_ini_read (path, error);

  if (pairs == NULL)
    return FALSE;

  for (guint i = 0; i < pairs->len; i++)
    {
      const ProxyIniPair *pair = g_ptr_array_index (pairs, i);

      if (!options_take_from_file (self, pair->name, pair->value, error))
        {
          g_prefix_error (error, "%s: ", path);
          return FALSE;
        }
    }
  return TRUE;
}

/* Credentials */

gboolean
proxy_options_take_credentials (ProxyOptions *self,
                                GError **error)
{
  g_autoptr (GError) local = NULL;

  for (gsize i = 0; i < PROXY_N_OPTIONS; i++)
    {
      if (!definitions[i].secret)
        continue;
      self->values[i] = proxy_token_read_credential (definitions[i].name + 2, &local);
      if (local != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
    }
  return TRUE;
}

/* The environment */

static void
options_take_variable (ProxyOptions *self,
                       ProxyOption option,
                       const char *name)
{
  g_autofree char *value = NULL;

  if (definitions[option].secret)
    value = proxy_token_take_variable (name);
  else
    value = g_strdup (g_getenv (name));
  if (value != NULL && *value != '\0' && self->values[option] == NULL)
    options_set (self, option, value);
}

void
proxy_options_take_environment (ProxyOptions *self)
{
  for (gsize i = 0; i < PROXY_N_OPTIONS; i++)
    {
      if (definitions[i].environment != NULL)
        options_take_variable (self, i, definitions[i].environment);
    }
  /* Older versions of the reference proxy have called it so. */
  options_take_variable (self, PROXY_OPTION_CLIENT_TOKEN, "AWSIOT_CLIENT_TOKEN");
}

/* Together */

void
proxy_options_merge (ProxyOptions *self,
                     const ProxyOptions *other)
{
  gboolean decided[PROXY_N_OPTIONS] = { FALSE };
  gsize i;

  for (i = 0; i < PROXY_N_OPTIONS; i++)
    decided[definitions[i].group] |= self->values[i] != NULL;
  for (i = 0; i < PROXY_N_OPTIONS; i++)
    {
      if (!decided[definitions[i].group])
        self->values[i] = g_strdup (other->values[i]);
    }
}

const char *
proxy_options_get (const ProxyOptions *self,
                   ProxyOption option)
{
  return self->values[option];
}

gboolean
proxy_options_get_flag (const ProxyOptions *self,
                        ProxyOption option)
{
  return self->values[option] != NULL;
}

gboolean
proxy_options_get_number (const ProxyOptions *self,
                          ProxyOption option,
                          guint maximum,
                          guint *number,
                          GError **error)
{
  guint64 value;

  if (self->values[option] == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (self->values[option], 10, 0, maximum, &value, NULL))
    {
      g_set_error (error, TOOL_ERROR, EX_USAGE, _ ("%s: “%s” is not a number from 0 to %u"),
                   definitions[option].name, self->values[option], maximum);
      return FALSE;
    }
  *number = value;
  return TRUE;
}

const char *
proxy_option_get_name (ProxyOption option)
{
  return definitions[option].name;
}
