/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <ist/ist.h>

G_BEGIN_DECLS

/* What the programs in C do alike: the same options, a tunnel made of them, a word on how it
 * fares, and an end at Ctrl-C. */

/* Ends the program where options are wrong. What else there is on the command line, one word, goes into
 * @argument; NULL: nothing else is taken, and @parameter tells what it is. */
IstSecureTunnel *example_new_tunnel (int argc,
                                     char **argv,
                                     const char *summary,
                                     const char *parameter,
                                     const char **argument);
/* NULL: the only one. */
const char *example_get_service (void);

/* Until the tunnel is stopped, by the program or by Ctrl-C. Returns what main() returns. */
int example_run (IstSecureTunnel *tunnel);

/* Tells of an error, and stops the tunnel. */
void example_fail (IstSecureTunnel *tunnel,
                   const GError *error);

/* Talks through a connection. Whatever waits may wait: this runs in a thread of its own. */
typedef gboolean (*ExampleTalk) (GDataInputStream *in,
                                 GOutputStream *out,
                                 GError **error);

/* A source opens a connection, a destination takes the first that comes; in the end the tunnel is stopped. */
void example_talk (IstSecureTunnel *tunnel,
                   ExampleTalk talk);
/* For such a thread: the peer's next line, which must come in time. */
char *example_read_line (GDataInputStream *in,
                         GError **error);

/* Each twentieth. */
void example_tell_progress (const char *what,
                            guint64 done,
                            guint64 size);

G_END_DECLS
