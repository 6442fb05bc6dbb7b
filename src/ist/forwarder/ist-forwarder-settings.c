/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-forwarder-private.h"

#define SETTABLE (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)

static GParamSpec *properties[IST_FORWARDER_N_SETTINGS];

static guint
forwarder_get_number (IstForwarder *self,
                      guint prop_id)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), 0);
  return self->settings.numbers[prop_id];
}

static void
forwarder_set_number (IstForwarder *self,
                      guint prop_id,
                      guint number)
{
  const GParamSpecUInt *range;

  g_return_if_fail (IST_IS_FORWARDER (self));
  range = G_PARAM_SPEC_UINT (properties[prop_id]);
  number = CLAMP (number, range->minimum, range->maximum);
  if (self->settings.numbers[prop_id] == number)
    return;
  self->settings.numbers[prop_id] = number;
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop_id]);
}

static void
forwarder_install_number (guint prop_id,
                          const char *name,
                          guint maximum,
                          guint default_value)
{
  properties[prop_id] = g_param_spec_uint (name, NULL, NULL, 0, maximum, default_value, SETTABLE);
}

void
ist_forwarder_install_settings (GObjectClass *klass)
{
  /**
   * IstForwarder:max-connections: (getter get_max_connections) (setter set_max_connections)
   *
   * The most connections at a time, those that are being opened included; 0 for
   * no limit. One too many is closed at once, which
   * [signal@Ist.Forwarder::connection-failed] tells with %G_IO_ERROR_BUSY.
   *
   * Since: 1.0
   */
  forwarder_install_number (IST_FORWARDER_MAX_CONNECTIONS, "max-connections", G_MAXUINT, 4096);

  /**
   * IstForwarder:max-connecting: (getter get_max_connecting) (setter set_max_connecting)
   *
   * On the destination: how many connections to a service may be in the making at
   * a time; 0 for any number. Further ones wait for their turn, which costs no
   * descriptor, and count for [property@Ist.Forwarder:max-connections]. Each
   * service has turns of its own.
   *
   * Since: 1.0
   */
  forwarder_install_number (IST_FORWARDER_MAX_CONNECTING, "max-connecting", G_MAXUINT, 32);

  /**
   * IstForwarder:half-close-grace: (getter get_half_close_grace) (setter set_half_close_grace)
   *
   * How long a connection stays open for the answer after the local program has
   * ended its output, in seconds: counted from when all of that has been written
   * to the socket of the tunnel, and anew from each byte of the answer.
   *
   * A program that says all it has to say and then waits for the answer ends
   * its output first. The protocol can't tell that to the peer, it can only
   * end the connection, and the answer would be lost. So the connection goes
   * on until the peer ends it, or the program closes its socket altogether:
   * the kernel tells that for programs on the same machine. For one on another
   * machine, where that is unknown, a second is waited at most.
   *
   * A longer grace keeps an answer that begins late, or pauses; a shorter one ends
   * an upload sooner to which there is no answer. With 0, the connection ends with
   * the output. From 0 to 86400.
   *
   * Since: 1.0
   */
  forwarder_install_number (IST_FORWARDER_HALF_CLOSE_GRACE, "half-close-grace", 86400, 1);

  /**
   * IstForwarder:idle-timeout: (getter get_idle_timeout) (setter set_idle_timeout)
   *
   * How long a connection may be without a byte in either direction before it
   * is closed with %IST_TUNNEL_ERROR_TIMED_OUT, in seconds; 0 for any time.
   *
   * Since: 1.0
   */
  forwarder_install_number (IST_FORWARDER_IDLE_TIMEOUT, "idle-timeout", G_MAXUINT / 1000, 0);

  /**
   * IstForwarder:connect-timeout: (getter get_connect_timeout) (setter set_connect_timeout)
   *
   * How long connecting to one address of a service may take, in seconds; 0 for
   * as long as the kernel tries.
   *
   * Since: 1.0
   */
  forwarder_install_number (IST_FORWARDER_CONNECT_TIMEOUT, "connect-timeout", G_MAXINT / 1000, 30);

  /**
   * IstForwarder:connect-retries: (getter get_connect_retries) (setter set_connect_retries)
   *
   * How many more attempts to connect to a service are made after one has failed.
   *
   * Since: 1.0
   */
  forwarder_install_number (IST_FORWARDER_CONNECT_RETRIES, "connect-retries", G_MAXUINT, 0);

  /**
   * IstForwarder:connect-retry-delay-ms: (getter get_connect_retry_delay_ms) (setter set_connect_retry_delay_ms)
   *
   * The time between two attempts to connect to a service, in milliseconds.
   *
   * Since: 1.0
   */
  forwarder_install_number (IST_FORWARDER_CONNECT_RETRY_DELAY_MS, "connect-retry-delay-ms", G_MAXUINT, 2500);

  /**
   * IstForwarder:tunnel-timeout: (getter get_tunnel_timeout) (setter set_tunnel_timeout)
   *
   * How long a local connection waits for a tunnel that is connecting, in
   * seconds. Then it is closed, which [signal@Ist.Forwarder::connection-failed]
   * tells with %IST_TUNNEL_ERROR_NOT_CONNECTED. If the tunnel is stopped, that happens
   * at once. From 0 to 86400.
   *
   * Since: 1.0
   */
  forwarder_install_number (IST_FORWARDER_TUNNEL_TIMEOUT, "tunnel-timeout", 86400, 30);

  /**
   * IstForwarder:local-bind-address: (getter get_local_bind_address) (setter set_local_bind_address)
   *
   * On the source, the host whose addresses [method@Ist.Forwarder.listen]
   * listens on when it is given a port alone; on the destination, the numeric
   * address from which to connect to services. %NULL for the loopback interface
   * and for the kernel's choice.
   *
   * Since: 1.0
   */
  properties[IST_FORWARDER_LOCAL_BIND_ADDRESS] =
    g_param_spec_string ("local-bind-address", NULL, NULL, NULL, SETTABLE);

  /**
   * IstForwarder:proxy-resolver: (getter get_proxy_resolver) (setter set_proxy_resolver)
   *
   * Finds a proxy for connecting to services. %NULL for none, since services
   * are most often on the same machine or network.
   *
   * Since: 1.0
   */
  properties[IST_FORWARDER_PROXY_RESOLVER] =
    g_param_spec_object ("proxy-resolver", NULL, NULL, G_TYPE_PROXY_RESOLVER, SETTABLE);

  /**
   * IstForwarder:refuse-unmapped: (getter get_refuse_unmapped) (setter set_refuse_unmapped)
   *
   * Whether connections of services for which there is no target, and which no
   * handler of [signal@Ist.SecureTunnel::incoming-connection] takes, are ended at
   * once. [signal@Ist.Forwarder::connection-failed] tells of each with
   * %IST_TUNNEL_ERROR_NO_SUCH_SERVICE.
   *
   * Their source would wait for ever otherwise. Where other services of the same
   * tunnel are served by messages, set this to %FALSE.
   *
   * Since: 1.0
   */
  properties[IST_FORWARDER_REFUSE_UNMAPPED] =
    g_param_spec_boolean ("refuse-unmapped", NULL, NULL, TRUE, SETTABLE);

  for (guint i = 1; i < IST_FORWARDER_N_SETTINGS; i++)
    g_object_class_install_property (klass, i, properties[i]);
}

void
ist_forwarder_settings_init (IstForwarderSettings *self)
{
  for (guint i = 1; i < IST_FORWARDER_N_NUMBERS; i++)
    self->numbers[i] = G_PARAM_SPEC_UINT (properties[i])->default_value;
  self->refuse_unmapped = TRUE;
}

void
ist_forwarder_settings_clear (IstForwarderSettings *self)
{
  g_clear_object (&self->proxy_resolver);
  g_clear_pointer (&self->local_bind_address, g_free);
}

void
ist_forwarder_get_setting (IstForwarder *self,
                           guint prop_id,
                           GValue *value)
{
  switch (prop_id)
    {
    case IST_FORWARDER_LOCAL_BIND_ADDRESS:
      g_value_set_string (value, self->settings.local_bind_address);
      break;
    case IST_FORWARDER_PROXY_RESOLVER:
      g_value_set_object (value, self->settings.proxy_resolver);
      break;
    case IST_FORWARDER_REFUSE_UNMAPPED:
      g_value_set_boolean (value, self->settings.refuse_unmapped);
      break;
    default:
      g_value_set_uint (value, self->settings.numbers[prop_id]);
    }
}

void
ist_forwarder_set_setting (IstForwarder *self,
                           guint prop_id,
                           const GValue *value)
{
  switch (prop_id)
    {
    case IST_FORWARDER_LOCAL_BIND_ADDRESS:
      ist_forwarder_set_local_bind_address (self, g_value_get_string (value));
      break;
    case IST_FORWARDER_PROXY_RESOLVER:
      ist_forwarder_set_proxy_resolver (self, g_value_get_object (value));
      break;
    case IST_FORWARDER_REFUSE_UNMAPPED:
      ist_forwarder_set_refuse_unmapped (self, g_value_get_boolean (value));
      break;
    default:
      forwarder_set_number (self, prop_id, g_value_get_uint (value));
    }
}

/**
 * ist_forwarder_get_max_connections: (get-property max-connections)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:max-connections].
 *
 * Returns: the most connections at a time; 0 for no limit
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_max_connections (IstForwarder *self)
{
  return forwarder_get_number (self, IST_FORWARDER_MAX_CONNECTIONS);
}

/**
 * ist_forwarder_set_max_connections: (set-property max-connections)
 * @self: a forwarder
 * @number: the most connections at a time; 0 for no limit
 *
 * Sets [property@Ist.Forwarder:max-connections], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_max_connections (IstForwarder *self,
                                   guint number)
{
  forwarder_set_number (self, IST_FORWARDER_MAX_CONNECTIONS, number);
}

/**
 * ist_forwarder_get_max_connecting: (get-property max-connecting)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:max-connecting].
 *
 * Returns: how many connections to a service may be in the making; 0 for any number
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_max_connecting (IstForwarder *self)
{
  return forwarder_get_number (self, IST_FORWARDER_MAX_CONNECTING);
}

/**
 * ist_forwarder_set_max_connecting: (set-property max-connecting)
 * @self: a forwarder
 * @number: how many connections to a service may be in the making; 0 for any number
 *
 * Sets [property@Ist.Forwarder:max-connecting], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_max_connecting (IstForwarder *self,
                                  guint number)
{
  forwarder_set_number (self, IST_FORWARDER_MAX_CONNECTING, number);
}

/**
 * ist_forwarder_get_half_close_grace: (get-property half-close-grace)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:half-close-grace].
 *
 * Returns: seconds that a connection stays open for the answer
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_half_close_grace (IstForwarder *self)
{
  return forwarder_get_number (self, IST_FORWARDER_HALF_CLOSE_GRACE);
}

/**
 * ist_forwarder_set_half_close_grace: (set-property half-close-grace)
 * @self: a forwarder
 * @seconds: seconds that a connection stays open for the answer
 *
 * Sets [property@Ist.Forwarder:half-close-grace], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_half_close_grace (IstForwarder *self,
                                    guint seconds)
{
  forwarder_set_number (self, IST_FORWARDER_HALF_CLOSE_GRACE, seconds);
}

/**
 * ist_forwarder_get_idle_timeout: (get-property idle-timeout)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:idle-timeout].
 *
 * Returns: seconds that a connection may be idle; 0 for any time
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_idle_timeout (IstForwarder *self)
{
  return forwarder_get_number (self, IST_FORWARDER_IDLE_TIMEOUT);
}

/**
 * ist_forwarder_set_idle_timeout: (set-property idle-timeout)
 * @self: a forwarder
 * @seconds: seconds that a connection may be idle; 0 for any time
 *
 * Sets [property@Ist.Forwarder:idle-timeout], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_idle_timeout (IstForwarder *self,
                                guint seconds)
{
  forwarder_set_number (self, IST_FORWARDER_IDLE_TIMEOUT, seconds);
}

/**
 * ist_forwarder_get_connect_timeout: (get-property connect-timeout)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:connect-timeout].
 *
 * Returns: seconds that an attempt to connect to a service may take; 0 for no limit
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_connect_timeout (IstForwarder *self)
{
  return forwarder_get_number (self, IST_FORWARDER_CONNECT_TIMEOUT);
}

/**
 * ist_forwarder_set_connect_timeout: (set-property connect-timeout)
 * @self: a forwarder
 * @seconds: seconds that an attempt to connect to a service may take; 0 for no limit
 *
 * Sets [property@Ist.Forwarder:connect-timeout], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_connect_timeout (IstForwarder *self,
                                   guint seconds)
{
  forwarder_set_number (self, IST_FORWARDER_CONNECT_TIMEOUT, seconds);
}

/**
 * ist_forwarder_get_connect_retries: (get-property connect-retries)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:connect-retries].
 *
 * Returns: attempts to connect to a service after the first
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_connect_retries (IstForwarder *self)
{
  return forwarder_get_number (self, IST_FORWARDER_CONNECT_RETRIES);
}

/**
 * ist_forwarder_set_connect_retries: (set-property connect-retries)
 * @self: a forwarder
 * @number: attempts to connect to a service after the first
 *
 * Sets [property@Ist.Forwarder:connect-retries], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_connect_retries (IstForwarder *self,
                                   guint number)
{
  forwarder_set_number (self, IST_FORWARDER_CONNECT_RETRIES, number);
}

/**
 * ist_forwarder_get_connect_retry_delay_ms: (get-property connect-retry-delay-ms)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:connect-retry-delay-ms].
 *
 * Returns: milliseconds between attempts to connect to a service
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_connect_retry_delay_ms (IstForwarder *self)
{
  return forwarder_get_number (self, IST_FORWARDER_CONNECT_RETRY_DELAY_MS);
}

/**
 * ist_forwarder_set_connect_retry_delay_ms: (set-property connect-retry-delay-ms)
 * @self: a forwarder
 * @milliseconds: milliseconds between attempts to connect to a service
 *
 * Sets [property@Ist.Forwarder:connect-retry-delay-ms], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_connect_retry_delay_ms (IstForwarder *self,
                                          guint milliseconds)
{
  forwarder_set_number (self, IST_FORWARDER_CONNECT_RETRY_DELAY_MS, milliseconds);
}

/**
 * ist_forwarder_get_tunnel_timeout: (get-property tunnel-timeout)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:tunnel-timeout].
 *
 * Returns: seconds that a local connection waits for the tunnel
 *
 * Since: 1.0
 */
guint
ist_forwarder_get_tunnel_timeout (IstForwarder *self)
{
  return forwarder_get_number (self, IST_FORWARDER_TUNNEL_TIMEOUT);
}

/**
 * ist_forwarder_set_tunnel_timeout: (set-property tunnel-timeout)
 * @self: a forwarder
 * @seconds: seconds that a local connection waits for the tunnel
 *
 * Sets [property@Ist.Forwarder:tunnel-timeout], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_tunnel_timeout (IstForwarder *self,
                                  guint seconds)
{
  forwarder_set_number (self, IST_FORWARDER_TUNNEL_TIMEOUT, seconds);
}

/**
 * ist_forwarder_get_local_bind_address: (get-property local-bind-address)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:local-bind-address].
 *
 * Returns: (nullable) (transfer none): a host
 *
 * Since: 1.0
 */
const char *
ist_forwarder_get_local_bind_address (IstForwarder *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), NULL);
  return self->settings.local_bind_address;
}

/**
 * ist_forwarder_set_local_bind_address: (set-property local-bind-address)
 * @self: a forwarder
 * @host: (nullable): a host
 *
 * Sets [property@Ist.Forwarder:local-bind-address], for what listens or
 * connects from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_local_bind_address (IstForwarder *self,
                                      const char *host)
{
  g_return_if_fail (IST_IS_FORWARDER (self));

  if (g_strcmp0 (self->settings.local_bind_address, host) == 0)
    return;
  g_free (self->settings.local_bind_address);
  self->settings.local_bind_address = g_strdup (host);
  g_object_notify_by_pspec (G_OBJECT (self), properties[IST_FORWARDER_LOCAL_BIND_ADDRESS]);
}

/**
 * ist_forwarder_get_proxy_resolver: (get-property proxy-resolver)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:proxy-resolver].
 *
 * Returns: (nullable) (transfer none): what finds a proxy for connecting to services
 *
 * Since: 1.0
 */
GProxyResolver *
ist_forwarder_get_proxy_resolver (IstForwarder *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), NULL);
  return self->settings.proxy_resolver;
}

/**
 * ist_forwarder_get_refuse_unmapped: (get-property refuse-unmapped)
 * @self: a forwarder
 *
 * Gets [property@Ist.Forwarder:refuse-unmapped].
 *
 * Returns: whether connections without a target are ended at once
 *
 * Since: 1.0
 */
gboolean
ist_forwarder_get_refuse_unmapped (IstForwarder *self)
{
  g_return_val_if_fail (IST_IS_FORWARDER (self), TRUE);

  return self->settings.refuse_unmapped;
}

/**
 * ist_forwarder_set_refuse_unmapped: (set-property refuse-unmapped)
 * @self: a forwarder
 * @refuse_unmapped: whether connections without a target are ended at once
 *
 * Sets [property@Ist.Forwarder:refuse-unmapped], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_refuse_unmapped (IstForwarder *self,
                                   gboolean refuse_unmapped)
{
  g_return_if_fail (IST_IS_FORWARDER (self));

  if (self->settings.refuse_unmapped == !!refuse_unmapped)
    return;
  self->settings.refuse_unmapped = !!refuse_unmapped;
  g_object_notify_by_pspec (G_OBJECT (self), properties[IST_FORWARDER_REFUSE_UNMAPPED]);
}

/**
 * ist_forwarder_set_proxy_resolver: (set-property proxy-resolver)
 * @self: a forwarder
 * @proxy_resolver: (nullable): what finds a proxy for connecting to services
 *
 * Sets [property@Ist.Forwarder:proxy-resolver], for connections that begin from now on.
 *
 * Since: 1.0
 */
void
ist_forwarder_set_proxy_resolver (IstForwarder *self,
                                  GProxyResolver *proxy_resolver)
{
  g_return_if_fail (IST_IS_FORWARDER (self));

  if (g_set_object (&self->settings.proxy_resolver, proxy_resolver))
    g_object_notify_by_pspec (G_OBJECT (self), properties[IST_FORWARDER_PROXY_RESOLVER]);
}
