/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist-emulator/ist-emulator-tunnel-private.h"

#include <string.h>

#include <libsoup/soup.h>

#include "ist/protocol/ist-wire-private.h"
#include "ist/transport/ist-metered-stream-private.h"

/* The trouble that a tunnel makes on demand. */

/* Without a longer header, all that a WebSocket frame can hold. */
#define MAX_SHORT_FRAME 125

gboolean
ist_emulator_tunnel_take_refusal (IstEmulatorTunnel *self,
                                  IstMode mode,
                                  guint *status,
                                  char **reason)
{
  if (self->sides[mode].refusals == 0)
    return FALSE;

  self->sides[mode].refusals--;
  *status = self->sides[mode].refusal_status;
  *reason = g_strdup (self->sides[mode].refusal_reason);
  return TRUE;
}

gboolean
ist_emulator_tunnel_get_omit_subprotocol (IstEmulatorTunnel *self,
                                          IstMode mode)
{
  return self->sides[mode].omit_subprotocol;
}

/**
 * ist_emulator_tunnel_close_side:
 * @self: a tunnel
 * @side: source or destination
 * @code: the WebSocket close code, 1000 to 4999
 * @reason: (nullable): what the Close frame says, at most 123 bytes
 *
 * Says goodbye to the client of a side.
 *
 * Returns: %FALSE if nobody is connected there
 *
 * Since: 1.0
 */
gboolean
ist_emulator_tunnel_close_side (IstEmulatorTunnel *self,
                                IstMode side,
                                guint code,
                                const char *reason)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), FALSE);
  g_return_val_if_fail (side == IST_MODE_SOURCE || side == IST_MODE_DESTINATION, FALSE);
  g_return_val_if_fail (code >= 1000 && code <= 4999, FALSE);

  return ist_emulator_relay_close (self->relay, side, code, reason, NULL);
}

/**
 * ist_emulator_tunnel_drop_side:
 * @self: a tunnel
 * @side: source or destination
 *
 * Cuts the connection of the client of a side without a word, as a network does
 * that breaks.
 *
 * Returns: %FALSE if nobody is connected there
 *
 * Since: 1.0
 */
gboolean
ist_emulator_tunnel_drop_side (IstEmulatorTunnel *self,
                               IstMode side)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), FALSE);
  g_return_val_if_fail (side == IST_MODE_SOURCE || side == IST_MODE_DESTINATION, FALSE);

  return ist_emulator_relay_drop (self->relay, side);
}

/**
 * ist_emulator_tunnel_reset_session:
 * @self: a tunnel
 *
 * Ends all streams: sends SESSION_RESET to both sides.
 *
 * Since: 1.0
 */
void
ist_emulator_tunnel_reset_session (IstEmulatorTunnel *self)
{
  g_return_if_fail (IST_EMULATOR_IS_TUNNEL (self));

  ist_emulator_relay_reset_session (self->relay);
}

static gboolean
tunnel_check_connected (IstEmulatorTunnel *self,
                        IstMode side,
                        GError **error)
{
  if (ist_emulator_relay_is_connected (self->relay, side))
    return TRUE;

  g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_NOT_CONNECTED, "No %s is connected",
               side == IST_MODE_SOURCE ? "source" : "destination");
  return FALSE;
}

/**
 * ist_emulator_tunnel_send_message:
 * @self: a tunnel
 * @side: source or destination
 * @message: a message within the limits of the protocol
 * @error: return location for an error
 *
 * Sends a message to the client of a side, as if it came from the service or from
 * the other side. It is not checked against the state of the tunnel.
 *
 * Returns: %TRUE on success; otherwise %IST_TUNNEL_ERROR_NOT_CONNECTED, or another
 *   error if the message can't be put on the wire
 *
 * Since: 1.0
 */
gboolean
ist_emulator_tunnel_send_message (IstEmulatorTunnel *self,
                                  IstMode side,
                                  IstMessage *message,
                                  GError **error)
{
  g_autoptr (GByteArray) array = NULL;
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), FALSE);
  g_return_val_if_fail (side == IST_MODE_SOURCE || side == IST_MODE_DESTINATION, FALSE);
  g_return_val_if_fail (message != NULL, FALSE);

  if (!tunnel_check_connected (self, side, error) || !ist_wire_check (message, error))
    return FALSE;

  array = g_byte_array_new ();
  ist_wire_encode (message, array);
  bytes = g_byte_array_free_to_bytes (g_steal_pointer (&array));
  ist_emulator_relay_send (self->relay, side, bytes);
  return TRUE;
}

/**
 * ist_emulator_tunnel_send_bytes:
 * @self: a tunnel
 * @side: source or destination
 * @bytes: what to send
 * @error: return location for an error
 *
 * Sends bytes in binary frames to the client of a side, between the messages
 * that are relayed: half a message, nonsense, several messages at once.
 *
 * Returns: %TRUE on success; otherwise %IST_TUNNEL_ERROR_NOT_CONNECTED
 *
 * Since: 1.0
 */
gboolean
ist_emulator_tunnel_send_bytes (IstEmulatorTunnel *self,
                                IstMode side,
                                GBytes *bytes,
                                GError **error)
{
  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), FALSE);
  g_return_val_if_fail (side == IST_MODE_SOURCE || side == IST_MODE_DESTINATION, FALSE);
  g_return_val_if_fail (bytes != NULL, FALSE);

  if (!tunnel_check_connected (self, side, error))
    return FALSE;

  ist_emulator_relay_send (self->relay, side, bytes);
  return TRUE;
}

/**
 * ist_emulator_tunnel_send_text:
 * @self: a tunnel
 * @side: source or destination
 * @text: at most 125 bytes
 * @error: return location for an error
 *
 * Sends a text frame, which the service never does, to the client of a side.
 *
 * Returns: %TRUE on success; otherwise %IST_TUNNEL_ERROR_NOT_CONNECTED,
 *   %IST_TUNNEL_ERROR_TOO_LARGE, or %G_IO_ERROR_WOULD_BLOCK while other frames are
 *   being sent
 *
 * Since: 1.0
 */
gboolean
ist_emulator_tunnel_send_text (IstEmulatorTunnel *self,
                               IstMode side,
                               const char *text,
                               GError **error)
{
  guint8 frame[2 + MAX_SHORT_FRAME];
  gsize length;

  g_return_val_if_fail (IST_EMULATOR_IS_TUNNEL (self), FALSE);
  g_return_val_if_fail (side == IST_MODE_SOURCE || side == IST_MODE_DESTINATION, FALSE);
  g_return_val_if_fail (text != NULL, FALSE);

  if (!tunnel_check_connected (self, side, error))
    return FALSE;

  length = strlen (text);
  if (length > MAX_SHORT_FRAME)
    {
      g_set_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_TOO_LARGE,
                   "%" G_GSIZE_FORMAT " bytes of text; at most %d", length, MAX_SHORT_FRAME);
      return FALSE;
    }

  /* FIN and the opcode, the length, no mask. */
  frame[0] = 0x80 | IST_FRAME_TEXT;
  frame[1] = length;
  memcpy (frame + 2, text, length);
  return ist_emulator_relay_send_raw (self->relay, side, frame, 2 + length, error);
}

/**
 * ist_emulator_tunnel_refuse_handshakes:
 * @self: a tunnel
 * @side: source or destination
 * @count: how many handshakes to refuse
 * @status: the HTTP status, 400 to 599
 * @reason: (nullable): what the answer says
 *
 * Refuses the next handshakes with one of a side's access tokens. The tokens are
 * not used up by that.
 *
 * Since: 1.0
 */
void
ist_emulator_tunnel_refuse_handshakes (IstEmulatorTunnel *self,
                                       IstMode side,
                                       guint count,
                                       guint status,
                                       const char *reason)
{
  g_return_if_fail (IST_EMULATOR_IS_TUNNEL (self));
  g_return_if_fail (side == IST_MODE_SOURCE || side == IST_MODE_DESTINATION);
  g_return_if_fail (status >= 400 && status <= 599);

  self->sides[side].refusals = count;
  self->sides[side].refusal_status = status;
  g_free (self->sides[side].refusal_reason);
  self->sides[side].refusal_reason = g_strdup (reason != NULL ? reason : soup_status_get_phrase (status));
}

/**
 * ist_emulator_tunnel_set_omit_subprotocol:
 * @self: a tunnel
 * @side: source or destination
 * @omit: whether to omit it
 *
 * Lets the answer to handshakes on a side name no subprotocol.
 *
 * Since: 1.0
 */
void
ist_emulator_tunnel_set_omit_subprotocol (IstEmulatorTunnel *self,
                                          IstMode side,
                                          gboolean omit)
{
  g_return_if_fail (IST_EMULATOR_IS_TUNNEL (self));
  g_return_if_fail (side == IST_MODE_SOURCE || side == IST_MODE_DESTINATION);

  self->sides[side].omit_subprotocol = omit;
}

/**
 * ist_emulator_tunnel_set_omit_service_ids:
 * @self: a tunnel
 * @side: source or destination
 * @omit: whether to omit it
 *
 * Lets clients of a side not be told the tunnel's services when they connect.
 *
 * Since: 1.0
 */
void
ist_emulator_tunnel_set_omit_service_ids (IstEmulatorTunnel *self,
                                          IstMode side,
                                          gboolean omit)
{
  g_return_if_fail (IST_EMULATOR_IS_TUNNEL (self));
  g_return_if_fail (side == IST_MODE_SOURCE || side == IST_MODE_DESTINATION);

  ist_emulator_relay_set_omit_service_ids (self->relay, side, omit);
}

/**
 * ist_emulator_tunnel_set_stalled:
 * @self: a tunnel
 * @side: source or destination
 * @stalled: whether the side is stalled
 *
 * Stops reading from the client of a side. Its pings are not answered either.
 *
 * Since: 1.0
 */
void
ist_emulator_tunnel_set_stalled (IstEmulatorTunnel *self,
                                 IstMode side,
                                 gboolean stalled)
{
  g_return_if_fail (IST_EMULATOR_IS_TUNNEL (self));
  g_return_if_fail (side == IST_MODE_SOURCE || side == IST_MODE_DESTINATION);

  ist_emulator_relay_set_stalled (self->relay, side, stalled);
}

/**
 * ist_emulator_tunnel_set_delay_ms:
 * @self: a tunnel
 * @side: source or destination
 * @milliseconds: how long each message waits
 *
 * Holds whatever goes to a side for a while. The order stays.
 *
 * Since: 1.0
 */
void
ist_emulator_tunnel_set_delay_ms (IstEmulatorTunnel *self,
                                  IstMode side,
                                  guint milliseconds)
{
  g_return_if_fail (IST_EMULATOR_IS_TUNNEL (self));
  g_return_if_fail (side == IST_MODE_SOURCE || side == IST_MODE_DESTINATION);

  ist_emulator_relay_set_delay_ms (self->relay, side, milliseconds);
}

/**
 * ist_emulator_tunnel_set_frame_size:
 * @self: a tunnel
 * @side: source or destination
 * @size: bytes in each WebSocket frame, 0 for frames that hold whole messages
 *
 * Cuts whatever goes to a side into frames of the same size, so that messages
 * are spread over several frames or share one.
 *
 * Since: 1.0
 */
void
ist_emulator_tunnel_set_frame_size (IstEmulatorTunnel *self,
                                    IstMode side,
                                    guint size)
{
  g_return_if_fail (IST_EMULATOR_IS_TUNNEL (self));
  g_return_if_fail (side == IST_MODE_SOURCE || side == IST_MODE_DESTINATION);
  g_return_if_fail (size <= IST_WIRE_MAX_FRAME);

  ist_emulator_relay_set_frame_size (self->relay, side, size);
}
