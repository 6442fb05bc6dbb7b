/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist-emulator/ist-emulator.h>
#include <ist/ist.h>

#include "test-server.h"

G_BEGIN_DECLS

#define TEST_TOKEN "AQGAAXhTZWNyZXRBY2Nlc3NUb2tlbkZvclRlc3RzT25seQABAAdTZXJ2aWNl"

/* The signals that a TestEnd hears of, as elements of an array. */
#define TEST_SIGNALS                                                                                            \
  "connection-success", "connection-failure", "connection-shutdown", "send-data-complete", "message-received", \
    "stream-started", "stream-stopped", "connection-started", "connection-reset", "session-reset", "stopped"

typedef struct _TestEnd TestEnd;

/* One end of a tunnel, and what was heard of it: the signals, in order, as text,
 * and what they carried. */
struct _TestEnd
{
  IstSecureTunnel *tunnel; /* NULL once a hook has dropped it */
  gpointer alive;          /* the same, as long as it exists */
  GPtrArray *events;       /* "success SSH WEB", "failure 14 retry", "stopped", ... */
  GByteArray *received;
  guint n_messages;
  guint n_completed; /* without an error */
  guint n_failed;
  GError *error; /* the last one that came with a signal */
  /* Called by each signal with its name, "notify::..." included. */
  void (*hook) (TestEnd *self,
                const char *signal);
  gpointer hook_data;
};

/* Takes the tunnel. */
TestEnd *test_end_new (IstSecureTunnel *tunnel);
/* Fails the test if it can't be started. */
void test_end_start (TestEnd *self);
/* Stops it and checks that it goes: nobody else may have a reference. */
void test_end_free (TestEnd *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestEnd, test_end_free)
/* Events that begin with @prefix. */
guint test_end_count (TestEnd *self,
                      const char *prefix);
/* The last of them; fails the test if there is none. */
const char *test_end_last (TestEnd *self,
                           const char *prefix);
/* Accepted, or the test fails. */
void test_end_send (TestEnd *self,
                    const char *service,
                    guint connection,
                    const char *text);

/* An end that connects to a server, with delays that suit tests.
 * Then pairs of name and value of properties of the builder, and NULL. */
TestEnd *test_client_new (TestServer *server,
                          const char *first_property,
                          ...);

/* An emulator with one tunnel. */
typedef struct
{
  IstEmulatorService *service;
  IstEmulatorTunnel *tunnel;
  char *ca_file;
} TestEmulator;

TestEmulator *test_emulator_new (const char *const *services);
/* On an address of the machine. */
TestEmulator *test_emulator_new_at (const char *const *services,
                                    const char *address);
/* That lets so many bytes per second pass. */
TestEmulator *test_emulator_new_slow (const char *const *services,
                                      guint bandwidth);
/* Without TLS: GIO shakes hands in a pool of threads, where the clients and
 * servers of one process wait for each other when there are many. */
TestEmulator *test_emulator_new_plain (const char *const *services);
void test_emulator_free (TestEmulator *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestEmulator, test_emulator_free)

TestEnd *test_emulator_add (TestEmulator *self,
                            IstMode mode,
                            const char *first_property,
                            ...);
TestEnd *test_emulator_add_valist (TestEmulator *self,
                                   IstMode mode,
                                   const char *first_property,
                                   va_list args);

/* An emulator and both ends, connected. */
typedef struct
{
  TestEmulator *emulator;
  TestEnd *source;
  TestEnd *destination;
} TestPair;

TestPair *test_pair_new (const char *const *services);
/* Takes the emulator. */
TestPair *test_pair_new_on (TestEmulator *emulator);
void test_pair_free (TestPair *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestPair, test_pair_free)
/* The source starts a stream, and the destination has heard of it. */
void test_pair_start_stream (TestPair *self,
                             const char *service);

extern const char *const test_ssh[];     /* SSH */
extern const char *const test_ssh_web[]; /* SSH, WEB */

G_END_DECLS
