/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "test-tunnel.h"

G_BEGIN_DECLS

/* A service's program, on a free port or at a path: each of its connections is
 * served by a function in a thread of its own. */
typedef struct
{
  GSocketService *service;
  guint port;
  char *address;
} TestProgram;

typedef void (*TestServe) (GSocketConnection *connection,
                           gpointer user_data);

/* @address: (nullable): a free port of 127.0.0.1 if NULL */
TestProgram *test_program_new (const char *address,
                               TestServe serve,
                               gpointer user_data);
void test_program_free (TestProgram *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestProgram, test_program_free)

/* What programs do. */
void test_serve_echo (GSocketConnection *connection,
                      gpointer user_data);

/* A tunnel with a forwarder at each end, and what they have told. */
typedef struct
{
  TestPair *pair;
  IstForwarder *source;
  IstForwarder *destination;
  guint opened[2]; /* by IstMode */
  guint closed[2];
  guint failed[2];
  GError *error[2]; /* the last one that came with a signal */
} TestForwarding;

TestForwarding *test_forwarding_new (const char *const *services);
void test_forwarding_free (TestForwarding *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestForwarding, test_forwarding_free)

/* Carries @service to @program; returns the port to connect to. */
guint test_forwarding_add (TestForwarding *self,
                           const char *service,
                           TestProgram *program);
/* Waits until neither end has a connection. */
void test_forwarding_settle (TestForwarding *self);

/* Runs a program's code, which may block, in a thread, while the main loop goes
 * on in this one. */
gpointer test_run (GThreadFunc func,
                   gpointer data);
/* The same in two steps. */
typedef struct _TestThread TestThread;
TestThread *test_thread_start (GThreadFunc func,
                               gpointer data);
gpointer test_thread_finish (TestThread *self);

/* For these threads: blocking, and failing the test when it takes for ever. */
GSocketConnection *test_dial (const char *address);
GSocketConnection *test_dial_port (guint port);
void test_say (GSocketConnection *connection,
               gconstpointer data,
               gsize length);
/* Reads all of it, or fails the test. */
void test_hear (GSocketConnection *connection,
                gpointer data,
                gsize length);
/* Says it, and hears it again. */
void test_echo (GSocketConnection *connection,
                const char *text);
/* At a port of 127.0.0.1. */
char *test_make_address (guint port);
/* A GThreadFunc: two echoes at an address. */
gpointer test_chat (gpointer address);
/* Another: the connection to a port ends without a byte. */
gpointer test_find_closed (gpointer port);
/* Reads until the stream ends; returns how much that was. @error: how it ended */
gsize test_drain (GSocketConnection *connection,
                  GError **error);

G_END_DECLS
