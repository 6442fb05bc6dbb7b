/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/transport/ist-tls-private.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#include "ist/ist-tunnel-error.h"
#include "ist/transport/ist-tls-turns-private.h"

/* What GnuTLS requires of whoever asks for no more than its normal level: 2048
 * bits of RSA, and no signature with SHA-1. GIO checks certificates at a lower
 * one, and has no say in it. */
#define SECURITY_LEVEL GNUTLS_SEC_PARAM_MEDIUM

/* A chain that is longer is none. */
#define MAX_CHAIN 16

typedef struct
{
  GIOStream *base;
  GSocketConnectable *identity;
  GTlsDatabase *database; /* nullable */
  char *authority;        /* for messages */
  gboolean skip_verification;
  GTlsCertificateFlags certificate_errors;
} TlsHandshake;

static void
tls_handshake_free (TlsHandshake *self)
{
  g_object_unref (self->base);
  g_object_unref (self->identity);
  g_clear_object (&self->database);
  g_free (self->authority);
  g_free (self);
}

static char *
describe_certificate_errors (GTlsCertificateFlags flags)
{
  static const struct
  {
    GTlsCertificateFlags flag;
    const char *text;
  } texts[] = {
    { G_TLS_CERTIFICATE_UNKNOWN_CA, "its issuer is not trusted" },
    { G_TLS_CERTIFICATE_BAD_IDENTITY, "it is for another host name" },
    { G_TLS_CERTIFICATE_NOT_ACTIVATED, "it is not valid yet" },
    { G_TLS_CERTIFICATE_EXPIRED, "it has expired" },
    { G_TLS_CERTIFICATE_REVOKED, "it has been revoked" },
    { G_TLS_CERTIFICATE_INSECURE, "its algorithm is insecure" },
  };
  GString *out = g_string_new (NULL);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      if (flags & texts[i].flag)
        g_string_append_printf (out, "%s%s", out->len == 0 ? "; the certificate: " : ", ", texts[i].text);
    }
  return g_string_free (out, FALSE);
}

static gnutls_x509_crt_t
import_certificate (GTlsCertificate *certificate)
{
  g_autoptr (GByteArray) der = NULL;
  gnutls_x509_crt_t crt = NULL;
  gnutls_datum_t datum;

  g_object_get (certificate, "certificate", &der, NULL);
  if (der == NULL || gnutls_x509_crt_init (&crt) < 0)
    return NULL;
  datum = (gnutls_datum_t){ der->data, der->len };
  if (gnutls_x509_crt_import (crt, &datum, GNUTLS_X509_FMT_DER) < 0)
    g_clear_pointer (&crt, gnutls_x509_crt_deinit);
  return crt;
}

/* What is wrong with it, or NULL. @is_server: not one that others are issued
 * with. @is_anchor: trusted as it is, whatever it is signed with. */
static const char *
find_weakness (GTlsCertificate *certificate,
               gboolean is_server,
               gboolean is_anchor)
{
  gnutls_x509_crt_t crt = import_certificate (certificate);
  const char *weakness = NULL;
  guint bits = 0;
  int algorithm;
  int signature;

  if (crt == NULL)
    return "it can't be read";
  algorithm = gnutls_x509_crt_get_pk_algorithm (crt, &bits);
  signature = gnutls_x509_crt_get_signature_algorithm (crt);
  if (is_server && gnutls_x509_crt_check_key_purpose (crt, GNUTLS_KP_TLS_WWW_SERVER, 0) == 0)
    weakness = "it is not meant for a server";
  else if (algorithm < 0 || gnutls_pk_bits_to_sec_param (algorithm, bits) < SECURITY_LEVEL)
    weakness = "its key is too short to be safe";
  else if (!is_anchor && gnutls_sign_is_secure2 (signature, GNUTLS_SIGN_FLAG_SECURE_FOR_CERTS) == 0)
    weakness = "its signature is made in a way that is not safe";
  gnutls_x509_crt_deinit (crt);
  return weakness;
}

/* The server's certificate and those between it and the authority that is trusted. */
static const char *
find_weakness_in_chain (GTlsConnection *tls)
{
  GTlsDatabase *database = g_tls_connection_get_database (tls);
  GTlsCertificate *certificate = g_tls_connection_get_peer_certificate (tls);
  const char *weakness = NULL;
  guint i;

  for (i = 0; certificate != NULL && weakness == NULL && i < MAX_CHAIN; i++)
    {
      g_autoptr (GTlsCertificate) anchor = NULL;
      GTlsCertificate *issuer = g_tls_certificate_get_issuer (certificate);

      if (database != NULL)
        anchor = g_tls_database_lookup_certificate_issuer (database, certificate, NULL, G_TLS_DATABASE_LOOKUP_NONE,
                                                           NULL, NULL);
      weakness = find_weakness (certificate, i == 0, issuer == NULL && anchor == NULL);
      if (weakness == NULL && anchor != NULL)
        return find_weakness (anchor, FALSE, TRUE);
      certificate = issuer;
    }
  return weakness;
}

static gboolean
tls_handshake_check_connection (TlsHandshake *self,
                                GTlsConnection *tls,
                                GError **error)
{
  const char *weakness;

  if (g_tls_connection_get_protocol_version (tls) < G_TLS_PROTOCOL_VERSION_TLS_1_2)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TLS,
                   "%s speaks no version of TLS that is safe: 1.2 is the least",
                   self->authority);
      return FALSE;
    }
  weakness = self->skip_verification ? NULL : find_weakness_in_chain (tls);
  if (weakness == NULL)
    return TRUE;
  g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TLS,
               "The TLS handshake with %s failed: Unacceptable TLS certificate; the certificate: %s",
               self->authority, weakness);
  return FALSE;
}

static gboolean
on_accept_certificate (GTlsConnection *connection,
                       GTlsCertificate *certificate,
                       GTlsCertificateFlags errors,
                       gpointer user_data)
{
  TlsHandshake *self = user_data;

  self->certificate_errors = errors;
  return self->skip_verification;
}

static GError *
tls_handshake_translate_error (TlsHandshake *self,
                               GError *error)
{
  g_autofree char *certificate = NULL;
  GError *translated;

  if (error->domain != G_TLS_ERROR)
    return error;
  certificate = describe_certificate_errors (self->certificate_errors);
  translated = g_error_new (IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TLS, "The TLS handshake with %s failed: %s%s",
                            self->authority,
                            error->message, certificate);
  g_error_free (error);
  return translated;
}

/* GIO loads the authorities anew for each connection, and keeps them with it, where
 * they are of no use any more: nobody shakes hands twice, and whoever tried would
 * trust no one. Those of a system take megabytes. */
static void
forget_authorities (GTlsConnection *tls)
{
  g_tls_connection_set_database (tls, NULL);
}

static void
on_handshake_done (GObject *source,
                   GAsyncResult *result,
                   gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  TlsHandshake *self = g_task_get_task_data (task);
  GTlsConnection *tls = G_TLS_CONNECTION (source);
  GError *error = NULL;

  ist_tls_turns_end (task);
  if (!g_tls_connection_handshake_finish (tls, result, &error) || !tls_handshake_check_connection (self, tls, &error))
    {
      g_task_return_error (task, tls_handshake_translate_error (self, error));
    }
  else
    {
      forget_authorities (tls);
      g_task_return_pointer (task, g_object_ref (tls), g_object_unref);
    }
  g_signal_handlers_disconnect_by_data (tls, self);
}

/* An address has no place in the handshake's server name (RFC 6066, section 3):
 * only a name gets there, an address is what the certificate is compared with. */
static GSocketConnectable *
make_identity (const char *host,
               guint16 port)
{
  g_autofree char *without_scope = g_strndup (host, strcspn (host, "%"));
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (without_scope);

  if (address != NULL)
    return G_SOCKET_CONNECTABLE (g_inet_socket_address_new (address, port));
  return g_network_address_new (host, port);
}

static void
begin (GTask *task)
{
  TlsHandshake *self = g_task_get_task_data (task);
  GType type = g_tls_backend_get_client_connection_type (g_tls_backend_get_default ());
  g_autoptr (GTlsConnection) tls = NULL;
  GError *error = NULL;

  /* Not left to GSocketClient, which has no way to say which certificates to
   * trust before it has loaded those of the system: megabytes, and most of the
   * time that connecting takes. */
  if (self->database == NULL)
    tls = g_initable_new (type, NULL, &error, "base-io-stream", self->base, "server-identity", self->identity, NULL);
  else
    tls = g_initable_new (type, NULL, &error, "base-io-stream", self->base, "server-identity", self->identity,
                          "database", self->database, NULL);
  if (tls == NULL)
    {
      ist_tls_turns_end (task);
      g_task_return_error (task, tls_handshake_translate_error (self, error));
      return;
    }
  g_signal_connect (tls, "accept-certificate", G_CALLBACK (on_accept_certificate), self);
  g_tls_connection_handshake_async (tls, G_PRIORITY_DEFAULT, g_task_get_cancellable (task), on_handshake_done,
                                    g_object_ref (task));
}

void
ist_tls_connect_async (GIOStream *base,
                       const char *host,
                       guint16 port,
                       GTlsDatabase *database,
                       gboolean skip_verification,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  TlsHandshake *self = g_new0 (TlsHandshake, 1);

  g_task_set_source_tag (task, ist_tls_connect_async);
  g_task_set_task_data (task, self, (GDestroyNotify) tls_handshake_free);
  self->base = g_object_ref (base);
  self->identity = make_identity (host, port);
  g_set_object (&self->database, database);
  self->authority = g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
  self->skip_verification = skip_verification;
  ist_tls_turns_wait (task, begin);
}

GIOStream *
ist_tls_connect_finish (GAsyncResult *result,
                        GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
