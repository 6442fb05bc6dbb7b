/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/transport/ist-proxy-resolver-private.h"

#include <string.h>

#include "common/ist-loopback-private.h"
#include "ist/transport/ist-proxy-uri-private.h"

struct _IstProxyResolver
{
  GObject parent_instance;
};

static void ist_proxy_resolver_iface_init (GProxyResolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (IstProxyResolver,
                               ist_proxy_resolver,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_PROXY_RESOLVER, ist_proxy_resolver_iface_init))

static const char *
get_variable (const char *const *names,
              const char **name)
{
  for (gsize i = 0; names[i] != NULL; i++)
    {
      const char *value = g_getenv (names[i]);

      if (value != NULL && *value != '\0')
        {
          *name = names[i];
          return value;
        }
    }
  return NULL;
}

/* As the programs of the web take it: a name stands for those below it, too. */
static char **
parse_exceptions (const char *list)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) hosts = g_strsplit_set (list, ", \t\r\n", -1);

  for (gsize i = 0; hosts[i] != NULL; i++)
    {
      g_autofree char *below = NULL;

      if (*hosts[i] == '\0')
        continue;
      g_strv_builder_add (builder, hosts[i]);
      if (strchr (".*[", *hosts[i]) != NULL || g_hostname_is_ip_address (hosts[i]) || strchr (hosts[i], '/') != NULL)
        continue;
      below = g_strconcat (".", hosts[i], NULL);
      g_strv_builder_add (builder, below);
    }
  return g_strv_builder_end (builder);
}

/* The resolver that the environment stands for; NULL without an error if it says
 * nothing. No message may contain the value: it can have a password in it. */
static GProxyResolver *
resolver_from_environment (gboolean secure,
                           GError **error)
{
  /* HTTP_PROXY is what a client of a CGI program can set. */
  static const char *const secure_names[] = { "https_proxy", "HTTPS_PROXY", NULL };
  static const char *const plain_names[] = { "http_proxy", NULL };
  static const char *const exception_names[] = { "no_proxy", "NO_PROXY", NULL };
  const char *name = NULL;
  const char *list = get_variable (exception_names, &name);
  const char *value = get_variable (secure ? secure_names : plain_names, &name);
  g_autoptr (IstProxyUri) proxy = NULL;
  g_auto (GStrv) exceptions = NULL;
  g_autofree char *uri = NULL;

  if (value == NULL)
    return NULL;
  proxy = ist_proxy_uri_parse (value, error);
  if (proxy == NULL)
    {
      g_prefix_error (error, "%s: not a URI such as http://USER:PASSWORD@HOST:PORT or socks5://HOST:PORT: ", name);
      return NULL;
    }

  uri = ist_proxy_uri_to_string (proxy);
  exceptions = parse_exceptions (list != NULL ? list : "");
  if (g_strv_contains ((const char *const *) exceptions, "*"))
    return g_simple_proxy_resolver_new (NULL, NULL);
  return g_simple_proxy_resolver_new (uri, exceptions);
}

/* libproxy takes http_proxy for whatever has no variable of its own. */
static gboolean
is_from_plain_variable (const char *uri)
{
  static const char *const names[] = { "http_proxy", "HTTP_PROXY", NULL };
  g_autoptr (IstProxyUri) found = ist_proxy_uri_parse (uri, NULL);
  g_autoptr (IstProxyUri) variable = NULL;
  const char *name = NULL;
  const char *value = get_variable (names, &name);

  if (value == NULL || found == NULL)
    return FALSE;
  variable = ist_proxy_uri_parse (value, NULL);
  return variable != NULL && g_ascii_strcasecmp (found->host, variable->host) == 0 && found->port == variable->port;
}

static char **
filter_found (char **found,
              GProxyResolver *system,
              gboolean secure)
{
  static const char *const direct[] = { "direct://", NULL };

  if (found == NULL || *found == NULL || !secure ||
      !g_str_equal (G_OBJECT_TYPE_NAME (system), "GLibproxyResolver") || !is_from_plain_variable (*found))
    return found;
  g_strfreev (found);
  return g_strdupv ((char **) direct);
}

/* The one to ask about @uri. */
static GProxyResolver *
choose_resolver (const char *uri,
                 gboolean *secure,
                 GError **error)
{
  g_autoptr (GUri) parsed = g_uri_parse (uri, G_URI_FLAGS_NONE, error);
  g_autoptr (GError) local = NULL;
  GProxyResolver *resolver;

  if (parsed == NULL)
    return NULL;
  *secure = g_str_equal (g_uri_get_scheme (parsed), "https");
  resolver = resolver_from_environment (*secure, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  if (resolver != NULL)
    return resolver;
  if (ist_host_is_loopback (g_uri_get_host (parsed)))
    return g_simple_proxy_resolver_new (NULL, NULL);
  return g_object_ref (g_proxy_resolver_get_default ());
}

static char **
ist_proxy_resolver_lookup (GProxyResolver *self,
                           const char *uri,
                           GCancellable *cancellable,
                           GError **error)
{
  gboolean secure;
  g_autoptr (GProxyResolver) resolver = choose_resolver (uri, &secure, error);

  if (resolver == NULL)
    return NULL;
  return filter_found (g_proxy_resolver_lookup (resolver, uri, cancellable, error), resolver, secure);
}

static void
on_found (GObject *source,
          GAsyncResult *result,
          gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GProxyResolver *resolver = G_PROXY_RESOLVER (source);
  gboolean secure = GPOINTER_TO_INT (g_task_get_task_data (task));
  GError *error = NULL;
  char **found = g_proxy_resolver_lookup_finish (resolver, result, &error);

  if (found == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, filter_found (found, resolver, secure), (GDestroyNotify) g_strfreev);
}

static void
ist_proxy_resolver_lookup_async (GProxyResolver *self,
                                 const char *uri,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GProxyResolver) resolver = NULL;
  GError *error = NULL;
  gboolean secure;

  g_task_set_source_tag (task, ist_proxy_resolver_lookup_async);
  resolver = choose_resolver (uri, &secure, &error);
  if (resolver == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_task_set_task_data (task, GINT_TO_POINTER (secure), NULL);
  g_proxy_resolver_lookup_async (resolver, uri, cancellable, on_found, g_steal_pointer (&task));
}

static char **
ist_proxy_resolver_lookup_finish (GProxyResolver *self,
                                  GAsyncResult *result,
                                  GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
ist_proxy_resolver_iface_init (GProxyResolverInterface *iface)
{
  iface->lookup = ist_proxy_resolver_lookup;
  iface->lookup_async = ist_proxy_resolver_lookup_async;
  iface->lookup_finish = ist_proxy_resolver_lookup_finish;
}

static void
ist_proxy_resolver_class_init (IstProxyResolverClass *klass)
{
}

static void
ist_proxy_resolver_init (IstProxyResolver *self)
{
}

GProxyResolver *
ist_proxy_resolver_new (void)
{
  return g_object_new (IST_TYPE_PROXY_RESOLVER, NULL);
}
