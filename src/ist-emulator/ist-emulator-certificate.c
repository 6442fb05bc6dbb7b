/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-certificate-private.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/* Clocks differ a little, and an emulator may run for long. */
#define SECONDS_PER_DAY (24 * 60 * 60)
#define VALID_BEFORE (1 * SECONDS_PER_DAY)
#define VALID_AFTER (365 * SECONDS_PER_DAY)

/* In a folder; users are told of the latter. */
#define CERTIFICATE_NAME "certificate.pem"
#define CA_NAME "ca.pem"

static void
datum_clear (gnutls_datum_t *datum)
{
  if (datum->data != NULL)
    gnutls_memset (datum->data, 0, datum->size);
  gnutls_free (datum->data);
}

G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_x509_crt_t, gnutls_x509_crt_deinit, NULL)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_x509_privkey_t, gnutls_x509_privkey_deinit, NULL)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (gnutls_datum_t, datum_clear)

static gboolean
certificate_check (int result,
                   GError **error)
{
  if (result >= 0)
    return TRUE;

  g_set_error (error, G_TLS_ERROR, G_TLS_ERROR_MISC,
               "Could not make a certificate: %s", gnutls_strerror (result));
  return FALSE;
}

static gboolean
certificate_make_key (gnutls_x509_privkey_t *key,
                      GError **error)
{
  return certificate_check (gnutls_x509_privkey_init (key), error) &&
         certificate_check (gnutls_x509_privkey_generate (*key, GNUTLS_PK_ECDSA,
                                                          GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0),
                            error);
}

/* Everything that an authority's certificate and a server's have in common. */
static gboolean
certificate_begin (gnutls_x509_crt_t *crt,
                   gnutls_x509_privkey_t key,
                   const char *common_name,
                   guint key_usage,
                   GError **error)
{
  time_t now = time (NULL);
  guint8 serial[16];
  guint8 key_id[64];
  gsize key_id_size = sizeof key_id;

  if (!certificate_check (gnutls_rnd (GNUTLS_RND_NONCE, serial, sizeof serial), error))
    return FALSE;
  /* A serial number is positive and not longer than it says. */
  serial[0] = (serial[0] & 0x7f) | 0x40;

  return certificate_check (gnutls_x509_crt_init (crt), error) &&
         certificate_check (gnutls_x509_crt_set_version (*crt, 3), error) &&
         certificate_check (gnutls_x509_crt_set_serial (*crt, serial, sizeof serial), error) &&
         certificate_check (gnutls_x509_crt_set_activation_time (*crt, now - VALID_BEFORE), error) &&
         certificate_check (gnutls_x509_crt_set_expiration_time (*crt, now + VALID_AFTER), error) &&
         certificate_check (gnutls_x509_crt_set_dn_by_oid (*crt, GNUTLS_OID_X520_COMMON_NAME, 0,
                                                           common_name, strlen (common_name)),
                            error) &&
         certificate_check (gnutls_x509_crt_set_key (*crt, key), error) &&
         certificate_check (gnutls_x509_crt_set_key_usage (*crt, key_usage), error) &&
         certificate_check (gnutls_x509_crt_get_key_id (*crt, GNUTLS_KEYID_USE_SHA256, key_id, &key_id_size),
                            error) &&
         certificate_check (gnutls_x509_crt_set_subject_key_id (*crt, key_id, key_id_size), error);
}

static gboolean
certificate_add_address (gnutls_x509_crt_t crt,
                         GInetAddress *address,
                         GError **error)
{
  return certificate_check (gnutls_x509_crt_set_subject_alt_name (crt, GNUTLS_SAN_IPADDRESS,
                                                                  g_inet_address_to_bytes (address),
                                                                  g_inet_address_get_native_size (address),
                                                                  GNUTLS_FSAN_APPEND),
                            error);
}

static gboolean
certificate_make_authority (gnutls_x509_privkey_t *key,
                            gnutls_x509_crt_t *crt,
                            GError **error)
{
  return certificate_make_key (key, error) &&
         certificate_begin (crt, *key, "ist-emulator authority",
                            GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN, error) &&
         certificate_check (gnutls_x509_crt_set_basic_constraints (*crt, TRUE, 0), error) &&
         certificate_check (gnutls_x509_crt_sign2 (*crt, *crt, *key, GNUTLS_DIG_SHA256, 0), error);
}

static gboolean
certificate_make_server (gnutls_x509_privkey_t *key,
                         gnutls_x509_crt_t *crt,
                         gnutls_x509_privkey_t authority_key,
                         gnutls_x509_crt_t authority,
                         GInetAddress *address,
                         GError **error)
{
  static const char name[] = "localhost";
  g_autoptr (GInetAddress) ipv4 = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GInetAddress) ipv6 = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV6);
  guint8 key_id[64];
  gsize key_id_size = sizeof key_id;

  if (!certificate_make_key (key, error) ||
      !certificate_begin (crt, *key, name, GNUTLS_KEY_DIGITAL_SIGNATURE, error) ||
      !certificate_check (gnutls_x509_crt_set_basic_constraints (*crt, FALSE, -1), error) ||
      !certificate_check (gnutls_x509_crt_set_key_purpose_oid (*crt, GNUTLS_KP_TLS_WWW_SERVER, FALSE), error) ||
      !certificate_check (gnutls_x509_crt_set_subject_alt_name (*crt, GNUTLS_SAN_DNSNAME, name, strlen (name),
                                                                GNUTLS_FSAN_SET),
                          error) ||
      !certificate_add_address (*crt, ipv4, error) ||
      !certificate_add_address (*crt, ipv6, error))
    return FALSE;

  if (!g_inet_address_get_is_any (address) &&
      !g_inet_address_equal (address, ipv4) &&
      !g_inet_address_equal (address, ipv6) &&
      !certificate_add_address (*crt, address, error))
    return FALSE;

  return certificate_check (gnutls_x509_crt_get_subject_key_id (authority, key_id, &key_id_size, NULL), error) &&
         certificate_check (gnutls_x509_crt_set_authority_key_id (*crt, key_id, key_id_size), error) &&
         certificate_check (gnutls_x509_crt_sign2 (*crt, authority, authority_key, GNUTLS_DIG_SHA256, 0), error);
}

GTlsCertificate *
ist_emulator_certificate_new (GInetAddress *address,
                              char **ca_pem,
                              GError **error)
{
  g_auto (gnutls_x509_privkey_t) authority_key = NULL;
  g_auto (gnutls_x509_crt_t) authority = NULL;
  g_auto (gnutls_x509_privkey_t) key = NULL;
  g_auto (gnutls_x509_crt_t) crt = NULL;
  g_auto (gnutls_datum_t) authority_pem = { NULL, 0 };
  g_auto (gnutls_datum_t) crt_pem = { NULL, 0 };
  g_auto (gnutls_datum_t) key_pem = { NULL, 0 };
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autofree char *pem = NULL;
  gsize length;

  if (!certificate_make_authority (&authority_key, &authority, error) ||
      !certificate_make_server (&key, &crt, authority_key, authority, address, error) ||
      !certificate_check (gnutls_x509_crt_export2 (authority, GNUTLS_X509_FMT_PEM, &authority_pem), error) ||
      !certificate_check (gnutls_x509_crt_export2 (crt, GNUTLS_X509_FMT_PEM, &crt_pem), error) ||
      !certificate_check (gnutls_x509_privkey_export2_pkcs8 (key, GNUTLS_X509_FMT_PEM, NULL,
                                                             GNUTLS_PKCS_PLAIN, &key_pem),
                          error))
    return NULL;

  length = crt_pem.size + key_pem.size;
  pem = g_malloc (length);
  memcpy (pem, crt_pem.data, crt_pem.size);
  memcpy (pem + crt_pem.size, key_pem.data, key_pem.size);
  certificate = g_tls_certificate_new_from_pem (pem, length, error);
  gnutls_memset (pem, 0, length);
  if (certificate == NULL)
    return NULL;

  *ca_pem = g_strndup ((const char *) authority_pem.data, authority_pem.size);
  return g_steal_pointer (&certificate);
}

/* NULL if there is none, or none that will do. */
static GTlsCertificate *
certificate_load (const char *folder,
                  GInetAddress *address,
                  char **ca_pem)
{
  g_autofree char *path = g_build_filename (folder, CERTIFICATE_NAME, NULL);
  g_autofree char *ca_path = g_build_filename (folder, CA_NAME, NULL);
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_file (path, NULL);
  g_autoptr (GTlsCertificate) ca = g_tls_certificate_new_from_file (ca_path, NULL);
  g_autoptr (GSocketConnectable) identity = NULL;
  g_autofree char *key = NULL;

  if (certificate == NULL || ca == NULL)
    return NULL;

  g_object_get (certificate, "private-key-pem", &key, NULL);
  identity = G_SOCKET_CONNECTABLE (g_inet_socket_address_new (address, 0));
  if (key == NULL || g_tls_certificate_verify (certificate, identity, ca) != 0)
    return NULL;

  g_object_get (ca, "certificate-pem", ca_pem, NULL);
  return g_steal_pointer (&certificate);
}

static gboolean
certificate_save (GTlsCertificate *self,
                  const char *ca_pem,
                  const char *folder,
                  GError **error)
{
  g_autofree char *path = g_build_filename (folder, CERTIFICATE_NAME, NULL);
  g_autofree char *ca_path = g_build_filename (folder, CA_NAME, NULL);
  g_autofree char *certificate = NULL;
  g_autofree char *key = NULL;
  g_autofree char *text = NULL;
  const GFileSetContentsFlags flags = G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE;

  g_object_get (self, "certificate-pem", &certificate, "private-key-pem", &key, NULL);
  text = g_strconcat (certificate, key, NULL);
  return g_file_set_contents_full (path, text, -1, flags, 0600, error) &&
         g_file_set_contents_full (ca_path, ca_pem, -1, flags, 0644, error);
}

GTlsCertificate *
ist_emulator_certificate_obtain (const char *folder,
                                 GInetAddress *address,
                                 char **ca_pem,
                                 GError **error)
{
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autofree char *new_ca_pem = NULL;

  if (folder != NULL)
    certificate = certificate_load (folder, address, &new_ca_pem);
  if (certificate == NULL)
    {
      certificate = ist_emulator_certificate_new (address, &new_ca_pem, error);
      if (certificate == NULL || (folder != NULL && !certificate_save (certificate, new_ca_pem, folder, error)))
        return NULL;
    }

  *ca_pem = g_steal_pointer (&new_ca_pem);
  return g_steal_pointer (&certificate);
}
