/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the service calls things, and what it takes for their names. A rule is
 * there as a test, and where others need it as a pattern and in words. */

/* Of services and things. */
#define IST_NAME_MAX_LENGTH 128
#define IST_NAME_CHARACTERS "[a-zA-Z0-9:_-]"
#define IST_NAME_PATTERN IST_NAME_CHARACTERS "{1," G_STRINGIFY (IST_NAME_MAX_LENGTH) "}"
#define IST_NAME_RULE "1 to 128 characters of a-z, A-Z, 0-9, :, _ and -"

gboolean ist_name_is_valid (const char *name);

/* Where a thing is told of the tunnels that are opened to it. */
char *ist_thing_get_topic (const char *thing_name);

/* Of regions. */
gboolean ist_region_is_valid (const char *region);

/* Ways to reach a region's hosts, beside the plain one. */
typedef enum
{
  IST_HOST_PLAIN = 0,
  IST_HOST_FIPS = 1 << 0,
  IST_HOST_DUAL_STACK = 1 << 1, /* IPv4 and IPv6 */
} IstHostFlags;

/* Where a region has what is asked for tunnels (@plane: "api"), and what carries
 * them ("data"). */
char *ist_region_get_host (const char *region,
                           const char *plane,
                           IstHostFlags flags);

/* Where a region has its list of things. */
char *ist_region_get_registry_host (const char *region,
                                    IstHostFlags flags);

/* Access tokens are the service's: all that is sure is that they go into a header. */
gboolean ist_access_token_is_valid (const char *token);

/* Client tokens are the client's. */
#define IST_CLIENT_TOKEN_PATTERN "[a-zA-Z0-9-]{32,128}"
#define IST_CLIENT_TOKEN_RULE "32 to 128 characters of a-z, A-Z, 0-9 and -"

gboolean ist_client_token_is_valid (const char *token);

/* Where both ends of a tunnel connect to. */
#define IST_TUNNEL_PATH "/tunnel"

/* The versions of the protocol as the handshake names them, the best first. */
#define IST_SUBPROTOCOL(version) "aws.iot.securetunneling-" version
#define IST_SUBPROTOCOLS IST_SUBPROTOCOL ("3.0"), IST_SUBPROTOCOL ("2.0"), IST_SUBPROTOCOL ("1.0")

G_END_DECLS
