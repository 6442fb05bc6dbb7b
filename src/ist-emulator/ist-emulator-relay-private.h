/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

#include <ist/ist.h>

G_BEGIN_DECLS

/* The data plane of one tunnel: passes whole tunnel messages between its two
 * clients with bounded buffers, and closes the WebSocket of a client that
 * breaks a rule of the protocol. */
typedef struct _IstEmulatorRelay IstEmulatorRelay;

typedef struct
{
  /* Asked once for each WebSocket frame, since most of the time nobody listens. */
  gboolean (*wants_messages) (gpointer user_data);
  /* So many bytes have come from a client. */
  void (*received) (IstMode from,
                    gsize size,
                    gpointer user_data);
  void (*message) (IstMode from,
                   IstMessage *message,
                   gpointer user_data);
  void (*connected) (IstMode side,
                     gpointer user_data);
  /* @error: NULL if the emulator's user wanted it so. */
  void (*disconnected) (IstMode side,
                        const GError *error,
                        gpointer user_data);
} IstEmulatorRelayDelegate;

/* The delegate's functions may free the relay. */
IstEmulatorRelay *ist_emulator_relay_new (const IstEmulatorRelayDelegate *delegate,
                                          gpointer user_data);
/* Without a word to the delegate. The clients are told that the service goes away. */
void ist_emulator_relay_free (IstEmulatorRelay *self);

/* None at first. Nobody may be connected. */
void ist_emulator_relay_set_services (IstEmulatorRelay *self,
                                      const char *const *services);

/* For what is read from both sides together; 0 for no limit. */
void ist_emulator_relay_set_bandwidth (IstEmulatorRelay *self,
                                       guint bytes_per_second);

/* @stream: over which the upgrade to a WebSocket has been done. The side must be
 * free. @gone: called when the WebSocket is closed, which is later than that its
 * client has left the side. Returns FALSE if the machine has no more descriptors. */
gboolean ist_emulator_relay_attach (IstEmulatorRelay *self,
                                    IstMode side,
                                    GIOStream *stream,
                                    GUri *uri,
                                    GDestroyNotify gone,
                                    gpointer gone_data);

gboolean ist_emulator_relay_is_connected (IstEmulatorRelay *self,
                                          IstMode side);
/* Bytes that wait to be sent to @side. */
gsize ist_emulator_relay_get_queued (IstEmulatorRelay *self,
                                     IstMode side);

/* FALSE if there is nobody to close. @why is told to the delegate. */
gboolean ist_emulator_relay_close (IstEmulatorRelay *self,
                                   IstMode side,
                                   guint16 code,
                                   const char *reason,
                                   const GError *why);
/* Cuts the connection without a word. */
gboolean ist_emulator_relay_drop (IstEmulatorRelay *self,
                                  IstMode side);

void ist_emulator_relay_reset_session (IstEmulatorRelay *self);

/* Bytes put between the messages on their way to @side, whatever they are. */
void ist_emulator_relay_send (IstEmulatorRelay *self,
                              IstMode side,
                              GBytes *bytes);
/* Bytes put under the WebSocket's own; G_IO_ERROR_WOULD_BLOCK if frames are under way. */
gboolean ist_emulator_relay_send_raw (IstEmulatorRelay *self,
                                      IstMode side,
                                      const guint8 *data,
                                      gsize length,
                                      GError **error);

/* For the client of the moment and those to come. */
void ist_emulator_relay_set_stalled (IstEmulatorRelay *self,
                                     IstMode side,
                                     gboolean stalled);
void ist_emulator_relay_set_delay_ms (IstEmulatorRelay *self,
                                      IstMode side,
                                      guint milliseconds);
void ist_emulator_relay_set_frame_size (IstEmulatorRelay *self,
                                        IstMode side,
                                        gsize size);
void ist_emulator_relay_set_omit_service_ids (IstEmulatorRelay *self,
                                              IstMode side,
                                              gboolean omit);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IstEmulatorRelay, ist_emulator_relay_free)

G_END_DECLS
