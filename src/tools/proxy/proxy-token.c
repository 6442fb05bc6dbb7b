/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/proxy/proxy-token.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#ifdef HAVE_LIBSECRET
#include <gmodule.h>
#include <libsecret/secret.h>
#endif

#include "tools/common/tool-error.h"

/* The service takes 4 KiB for the whole handshake. */
#define MAX_SIZE 8192

static gboolean
read_all (int fd,
          char *buffer,
          gsize *length,
          GError **error)
{
  gssize n;

  *length = 0;
  do
    {
      n = read (fd, buffer + *length, MAX_SIZE - *length);
      if (n > 0)
        *length += n;
    }
  while ((n > 0 && *length < MAX_SIZE) || (n < 0 && errno == EINTR));

  if (n < 0)
    {
      g_set_error_literal (error, TOOL_ERROR, EX_NOINPUT, g_strerror (errno));
      return FALSE;
    }
  if (*length == MAX_SIZE)
    {
      g_set_error_literal (error, TOOL_ERROR, EX_NOINPUT, _ ("too long for a token"));
      return FALSE;
    }
  return TRUE;
}

static char *
read_token (int fd,
            GError **error)
{
  char buffer[MAX_SIZE];
  char *token = NULL;
  gsize length;

  if (read_all (fd, buffer, &length, error))
    {
      token = g_strstrip (g_strndup (buffer, length));
      if (*token == '\0')
        {
          g_set_error_literal (error, TOOL_ERROR, EX_NOINPUT, _ ("there is no token in it"));
          g_clear_pointer (&token, g_free);
        }
    }
  return token;
}

char *
proxy_token_read (const char *path,
                  GError **error)
{
  struct stat status;
  char *token;
  int fd;

  if (strcmp (path, "-") == 0)
    {
      token = read_token (STDIN_FILENO, error);
      if (token == NULL)
        g_prefix_error (error, "%s: ", _ ("standard input"));
      return token;
    }

  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd == -1)
    {
      g_set_error (error, TOOL_ERROR, EX_NOINPUT, "%s: %s", path, g_strerror (errno));
      return NULL;
    }
  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    g_warning (_ ("%s: others can read this token; chmod 600 keeps it secret"), path);
  token = read_token (fd, error);
  close (fd);
  if (token == NULL)
    g_prefix_error (error, "%s: ", path);
  return token;
}

char *
proxy_token_read_credential (const char *name,
                             GError **error)
{
  const char *folder = g_getenv ("CREDENTIALS_DIRECTORY");
  g_autofree char *path = NULL;
  char *token;
  int fd;

  if (folder == NULL)
    return NULL;
  path = g_build_filename (folder, name, NULL);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd == -1 && errno == ENOENT)
    return NULL;
  if (fd == -1)
    {
      g_set_error (error, TOOL_ERROR, EX_NOINPUT, "%s: %s", path, g_strerror (errno));
      return NULL;
    }
  token = read_token (fd, error);
  close (fd);
  if (token == NULL)
    g_prefix_error (error, "%s: ", path);
  return token;
}

char *
proxy_token_take_variable (const char *name)
{
  char *value = getenv (name);
  char *token;

  if (value == NULL)
    return NULL;
  /* A line end gets in where a script reads it from a file of another system. */
  token = g_strstrip (g_strdup (value));
  if (*token == '\0')
    g_clear_pointer (&token, g_free);
  memset (value, 0, strlen (value));
  g_unsetenv (name);
  return token;
}

#ifdef HAVE_LIBSECRET

#define LIBSECRET "libsecret-1.so.0"

/* As secret-tool stores it: "application ist-proxy tunnel NAME". */
static const SecretSchema schema = {
  "org.ist.Proxy",
  SECRET_SCHEMA_DONT_MATCH_NAME,
  {
    { "application", SECRET_SCHEMA_ATTRIBUTE_STRING },
    { "tunnel", SECRET_SCHEMA_ATTRIBUTE_STRING },
    { NULL, 0 },
  },
};

/* Loaded when it is asked for, which is seldom: it brings cryptography of its own,
 * and with that half a MiB for every ist-proxy. */
typedef struct
{
  typeof (&secret_password_lookup_sync) lookup;
  typeof (&secret_password_free) free;
} Keyring;

static gboolean
keyring_load (Keyring *keyring,
              GError **error)
{
  GModule *module = g_module_open (LIBSECRET, G_MODULE_BIND_LAZY | G_MODULE_BIND_LOCAL);

  if (module != NULL && g_module_symbol (module, "secret_password_lookup_sync", (gpointer *) &keyring->lookup) &&
      g_module_symbol (module, "secret_password_free", (gpointer *) &keyring->free))
    {
      /* Its types stay for good. */
      g_module_make_resident (module);
      return TRUE;
    }
  g_set_error (error, TOOL_ERROR, EX_NOINPUT, _ ("The keyring can't be asked without libsecret: %s"),
               g_module_error ());
  return FALSE;
}

char *
proxy_token_read_keyring (const char *tunnel,
                          GError **error)
{
  g_autoptr (GError) local = NULL;
  Keyring keyring;
  char *found;
  char *token;

  if (!keyring_load (&keyring, error))
    return NULL;
  found = keyring.lookup (&schema, NULL, &local, "application", "ist-proxy", "tunnel", tunnel, NULL);
  if (local != NULL)
    {
      g_set_error (error, TOOL_ERROR, EX_NOINPUT, _ ("The keyring can't be asked for the token of “%s”: %s"), tunnel,
                   local->message);
      return NULL;
    }
  if (found == NULL)
    {
      g_set_error (error, TOOL_ERROR, EX_NOINPUT,
                   _ ("The keyring has no token for “%s”: nothing is stored under that name"), tunnel);
      return NULL;
    }
  token = g_strdup (found);
  keyring.free (found);
  return token;
}

#else

char *
proxy_token_read_keyring (const char *tunnel,
                          GError **error)
{
  g_set_error_literal (error, TOOL_ERROR, EX_USAGE, _ ("This ist-proxy was built without a keyring"));
  return NULL;
}

#endif
