/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/protocol/ist-stream-table-private.h"

#include <string.h>

/* Each case is a conversation: what is done to the table, and everything that
 * follows from it, as text.
 *
 * Done: a message of the peer, "< TYPE SERVICE STREAM CONNECTION [PAYLOAD]"
 * ("<?" if it is marked ignorable), or a call of the table, by its name. "-"
 * is no service, 0 an id that is left out.
 *
 * What follows, separated by "; ": "= ..." for what a call returned, "! CODE" if
 * it failed, and the events. "> ..." is a message to be sent; "@S.C" is the
 * lane, "@-" that of no service; "(CODE)" is the error of an end, "()" for none. */

typedef struct
{
  const char *action;
  const char *expected;
} Step;

typedef struct
{
  const char *name;
  IstMode mode;
  IstProtocolVersion version;
  const char *services; /* that the service has listed already; "" for none, NULL for not yet */
  Step steps[16];
} Case;

#define SOURCE IST_MODE_SOURCE
#define DESTINATION IST_MODE_DESTINATION
#define AUTO IST_PROTOCOL_VERSION_AUTO
#define V1 IST_PROTOCOL_VERSION_V1
#define V2 IST_PROTOCOL_VERSION_V2
#define V3 IST_PROTOCOL_VERSION_V3

/* clang-format off */
static const Case cases[] = {
  /* Start-up */
  { "services/known-when-listed", DESTINATION, AUTO, NULL, {
      { "services", "not known" },
      { "< service-ids SSH,VNC", "services SSH,VNC" },
      { "services", "SSH,VNC" } } },
  { "services/none", DESTINATION, AUTO, NULL, {
      { "< service-ids", "services" },
      { "services", "" } } },
  { "services/any-other-first-message-means-none", DESTINATION, AUTO, NULL, {
      { "< stream-start - 1 1", "services; stream-started - 1 1 v3 @0.1" } } },
  { "services/session-reset-first-means-none", DESTINATION, AUTO, NULL, {
      { "< session-reset - 0 0", "services; session-reset" } } },
  { "services/ignorable-unknown-first-is-skipped", DESTINATION, AUTO, NULL, {
      { "<? 99 - 0 0", "" },
      { "services", "not known" } } },
  { "services/duplicates-and-empty-ones-count-once", DESTINATION, AUTO, NULL, {
      { "< service-ids ,SSH,,SSH,VNC,SSH", "services SSH,VNC" },
      { "< stream-start VNC 1 1", "stream-started VNC 1 1 v3 @1.1" } } },
  { "services/more-than-three", DESTINATION, AUTO, "A,B,C,D,E", {
      { "< stream-start E 1 1", "stream-started E 1 1 v3 @4.1" } } },
  { "services/listed-again-keeps-streams-and-lanes", DESTINATION, AUTO, "SSH,VNC", {
      { "< stream-start VNC 1 1", "stream-started VNC 1 1 v3 @1.1" },
      { "< service-ids NEW,VNC", "services NEW,VNC" },
      { "< data VNC 1 1 x", "data VNC 1 1 v3 @1.1 x" },
      { "< stream-start NEW 2 1", "stream-started NEW 2 1 v3 @2.1" } } },
  { "services/no-longer-listed-ends-the-stream", DESTINATION, AUTO, "SSH,VNC", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< service-ids VNC",
        "connection-reset SSH 1 1 v3 @0.1 (stream-reset); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-reset); services VNC" },
      { "< data SSH 1 1 x", "" } } },
  { "services/listed-late-ends-the-nameless-stream", DESTINATION, AUTO, NULL, {
      { "< stream-start - 1 0", "services; stream-started - 1 0 v1 @0.0" },
      { "< service-ids SSH", "stream-stopped - 1 0 v1 @0.0 (stream-reset); services SSH" } } },

  /* Destination: versions */
  { "version/v1", DESTINATION, AUTO, "SSH", {
      { "< stream-start - 5 0", "stream-started SSH 5 0 v1 @0.0" },
      { "< data - 5 0 hello", "data SSH 5 0 v1 @0.0 hello" },
      { "address SSH 0", "= data - 5 0 x @0.0" },
      { "address - 1", "= data - 5 0 x @0.0" },
      { "reset-stream SSH", "= ok; > stream-reset - 5 0 @0.0; stream-stopped SSH 5 0 v1 @0.0 ()" } } },
  { "version/v1-without-services", DESTINATION, AUTO, "", {
      { "< stream-start - 5 0", "stream-started - 5 0 v1 @0.0" },
      { "address - 0", "= data - 5 0 x @0.0" } } },
  { "version/v2", DESTINATION, AUTO, "SSH,VNC", {
      { "< stream-start VNC 5 0", "stream-started VNC 5 0 v2 @1.0" },
      { "< data VNC 5 0 hello", "data VNC 5 0 v2 @1.0 hello" },
      { "address VNC 0", "= data VNC 5 0 x @1.0" },
      { "address VNC 1", "= data VNC 5 0 x @1.0" },
      { "address VNC 2", "! no-such-connection" },
      { "reset-stream VNC", "= ok; > stream-reset VNC 5 0 @1.0; stream-stopped VNC 5 0 v2 @1.0 ()" } } },
  { "version/v3", DESTINATION, AUTO, "SSH,VNC", {
      { "< stream-start SSH 5 1", "stream-started SSH 5 1 v3 @0.1" },
      { "< connection-start SSH 5 2", "connection-started SSH 5 2 v3 @0.2" },
      { "< data SSH 5 2 hello", "data SSH 5 2 v3 @0.2 hello" },
      { "address SSH 0", "= data SSH 5 1 x @0.1" },
      { "address SSH 1", "= data SSH 5 1 x @0.1" },
      { "address SSH 2", "= data SSH 5 2 x @0.2" },
      { "address SSH 3", "! no-such-connection" } } },
  { "version/v3-without-services", DESTINATION, AUTO, "", {
      { "< stream-start - 5 1", "stream-started - 5 1 v3 @0.1" },
      { "< connection-start - 5 2", "connection-started - 5 2 v3 @0.2" },
      { "address - 2", "= data - 5 2 x @0.2" },
      { "reset-connection - 2",
        "= ok; > connection-reset - 5 2 @0.2; connection-reset - 5 2 v3 @0.2 ()" },
      { "reset-stream -",
        "= ok; > stream-reset - 5 1 @0.1; connection-reset - 5 1 v3 @0.1 (); "
        "stream-stopped - 5 1 v3 @0.1 ()" } } },
  { "version/v3-without-service-id-is-answered-without", DESTINATION, AUTO, "SSH", {
      { "< stream-start - 5 1", "stream-started SSH 5 1 v3 @0.1" },
      { "< data - 5 1 x", "data SSH 5 1 v3 @0.1 x" },
      { "address SSH 1", "= data - 5 1 x @0.1" },
      { "< data - 5 9 x", "> connection-reset - 5 9 @0.9" },
      { "reset-stream SSH",
        "= ok; > stream-reset - 5 1 @0.1; connection-reset SSH 5 1 v3 @0.1 (); "
        "stream-stopped SSH 5 1 v3 @0.1 ()" } } },
  { "version/absent-connection-id-means-1-in-v3", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 5 1", "stream-started SSH 5 1 v3 @0.1" },
      { "< data SSH 5 0 x", "data SSH 5 1 v3 @0.1 x" },
      { "< connection-reset SSH 5 0", "connection-reset SSH 5 1 v3 @0.1 (connection-reset)" } } },
  { "version/absent-connection-id-means-1-also-when-1-is-gone", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 5 2", "stream-started SSH 5 2 v3 @0.2" },
      { "< data SSH 5 0 x", "> connection-reset SSH 5 1 @0.1" },
      { "< data SSH 5 0 x", "" },
      { "< connection-start SSH 5 0", "connection-started SSH 5 1 v3 @0.1" },
      { "< connection-start SSH 5 0", "> connection-reset SSH 5 1 @0.1" },
      { "< data SSH 5 0 x", "data SSH 5 1 v3 @0.1 x" } } },
  { "version/connection-id-1-is-taken-in-v2", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 5 0", "stream-started SSH 5 0 v2 @0.0" },
      { "< data SSH 5 1 x", "data SSH 5 0 v2 @0.0 x" },
      { "< data SSH 5 2 x", "" } } },
  { "version/is-per-stream", DESTINATION, AUTO, "A,B", {
      { "< stream-start A 1 1", "stream-started A 1 1 v3 @0.1" },
      { "< stream-start B 2 0", "stream-started B 2 0 v2 @1.0" },
      { "address A 1", "= data A 1 1 x @0.1" },
      { "address B 1", "= data B 2 0 x @1.0" } } },
  { "version/may-change-from-stream-to-stream", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< stream-start SSH 2 0",
        "connection-reset SSH 1 1 v3 @0.1 (stream-replaced); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-replaced); "
        "stream-started SSH 2 0 v2 @0.0" },
      { "< stream-start - 3 0",
        "stream-stopped SSH 2 0 v2 @0.0 (stream-replaced); "
        "stream-started SSH 3 0 v1 @0.0" },
      { "< stream-start SSH 4 1",
        "stream-stopped SSH 3 0 v1 @0.0 (stream-replaced); "
        "stream-started SSH 4 1 v3 @0.1" } } },
  { "version/v1-with-several-services-is-reset", DESTINATION, AUTO, "A,B", {
      { "< stream-start A 1 1", "stream-started A 1 1 v3 @0.1" },
      { "< stream-start - 2 0", "> stream-reset - 2 0 @-" },
      { "< data - 2 0 x", "" },
      { "< data A 1 1 x", "data A 1 1 v3 @0.1 x" } } },
  { "version/ignorable-on-known-types-changes-nothing", DESTINATION, AUTO, "SSH", {
      { "<? stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "<? connection-start SSH 1 2", "connection-started SSH 1 2 v3 @0.2" },
      { "<? data SSH 1 2 x", "data SSH 1 2 v3 @0.2 x" },
      { "<? connection-reset SSH 1 2", "connection-reset SSH 1 2 v3 @0.2 (connection-reset)" } } },

  /* Destination: streams */
  { "stream/start-for-a-missing-service-is-reset", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< stream-start WEB 2 1", "> stream-reset WEB 2 1 @-" },
      { "< stream-start WEB 3 7", "> stream-reset WEB 3 1 @-" },
      { "< stream-start WEB 4 0", "> stream-reset WEB 4 0 @-" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" } } },
  { "stream/start-for-a-service-of-a-tunnel-without-any-is-reset", DESTINATION, AUTO, "", {
      { "< stream-start SSH 1 1", "> stream-reset SSH 1 1 @-" } } },
  { "stream/start-replaces-the-active-one", DESTINATION, AUTO, "SSH,VNC", {
      { "< stream-start VNC 9 1", "stream-started VNC 9 1 v3 @1.1" },
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< connection-start SSH 1 2", "connection-started SSH 1 2 v3 @0.2" },
      { "< connection-start SSH 1 3", "connection-started SSH 1 3 v3 @0.3" },
      { "< connection-reset SSH 1 2", "connection-reset SSH 1 2 v3 @0.2 (connection-reset)" },
      { "< stream-start SSH 2 1",
        "connection-reset SSH 1 1 v3 @0.1 (stream-replaced); "
        "connection-reset SSH 1 3 v3 @0.3 (stream-replaced); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-replaced); "
        "stream-started SSH 2 1 v3 @0.1" },
      { "address SSH 1", "= data SSH 2 1 x @0.1" },
      { "< data VNC 9 1 x", "data VNC 9 1 v3 @1.1 x" } } },
  { "stream/start-with-the-active-id-is-a-fresh-start", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< stream-start SSH 1 1",
        "connection-reset SSH 1 1 v3 @0.1 (stream-replaced); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-replaced); "
        "stream-started SSH 1 1 v3 @0.1" } } },
  { "stream/stale-messages-are-ignored", DESTINATION, AUTO, "SSH", {
      { "< data SSH 1 1 x", "" },
      { "< stream-start SSH 2 1", "stream-started SSH 2 1 v3 @0.1" },
      { "< data SSH 1 1 x", "" },
      { "< data SSH 1 7 x", "" },
      { "< stream-reset SSH 1 1", "" },
      { "< connection-start SSH 1 2", "" },
      { "< connection-reset SSH 1 1", "" },
      { "< data SSH 2 1 x", "data SSH 2 1 v3 @0.1 x" } } },
  { "stream/connection-start-without-any-stream-starts-it", DESTINATION, AUTO, "SSH", {
      { "< connection-start SSH 5 2", "stream-started SSH 5 2 v3 @0.2" },
      { "< connection-start SSH 5 3", "connection-started SSH 5 3 v3 @0.3" },
      { "< data SSH 5 2 x", "data SSH 5 2 v3 @0.2 x" },
      { "< data SSH 5 1 x", "> connection-reset SSH 5 1 @0.1" },
      { "< stream-start SSH 6 1",
        "connection-reset SSH 5 2 v3 @0.2 (stream-replaced); "
        "connection-reset SSH 5 3 v3 @0.3 (stream-replaced); "
        "stream-stopped SSH 5 2 v3 @0.2 (stream-replaced); "
        "stream-started SSH 6 1 v3 @0.1" },
      { "< connection-start SSH 5 4", "" } } },
  { "stream/connection-start-without-an-id-starts-v3", DESTINATION, AUTO, "", {
      { "< connection-start - 5 0", "stream-started - 5 1 v3 @0.1" },
      { "address - 0", "= data - 5 1 x @0.1" } } },
  { "stream/connection-start-of-a-stream-that-has-ended-is-stale", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 5 1", "stream-started SSH 5 1 v3 @0.1" },
      { "< stream-reset SSH 5 1",
        "connection-reset SSH 5 1 v3 @0.1 (stream-reset); "
        "stream-stopped SSH 5 1 v3 @0.1 (stream-reset)" },
      { "< connection-start SSH 5 2", "" },
      { "< connection-start SSH 6 2", "stream-started SSH 6 2 v3 @0.2" },
      { "disconnect",
        "connection-reset SSH 6 2 v3 @0.2 (disconnected); "
        "stream-stopped SSH 6 2 v3 @0.2 (disconnected)" },
      { "< service-ids SSH", "services SSH" },
      { "< connection-start SSH 6 3", "stream-started SSH 6 3 v3 @0.3" } } },
  { "stream/messages-for-a-missing-service-are-ignored", DESTINATION, AUTO, "SSH", {
      { "< data WEB 1 1 x", "" },
      { "< stream-reset WEB 1 1", "" },
      { "< connection-start WEB 1 2", "" },
      { "< connection-reset WEB 1 1", "" } } },
  { "stream/reset-by-the-peer", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< connection-start SSH 1 2", "connection-started SSH 1 2 v3 @0.2" },
      { "< stream-reset SSH 1 1",
        "connection-reset SSH 1 1 v3 @0.1 (stream-reset); "
        "connection-reset SSH 1 2 v3 @0.2 (stream-reset); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-reset)" },
      { "< data SSH 1 1 x", "" },
      { "< stream-reset SSH 1 1", "" },
      { "address SSH 1", "! no-such-stream" } } },
  { "stream/reset-without-connection-id-in-v3", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< stream-reset SSH 1 0",
        "connection-reset SSH 1 1 v3 @0.1 (stream-reset); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-reset)" } } },
  { "stream/reset-by-the-peer-in-v2", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 0", "stream-started SSH 1 0 v2 @0.0" },
      { "< stream-reset SSH 1 0", "stream-stopped SSH 1 0 v2 @0.0 (stream-reset)" } } },
  { "stream/reset-by-us-says-nothing-more", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "reset-stream SSH",
        "= ok; > stream-reset SSH 1 1 @0.1; connection-reset SSH 1 1 v3 @0.1 (); "
        "stream-stopped SSH 1 1 v3 @0.1 ()" },
      { "< data SSH 1 1 x", "" },
      { "< data SSH 1 2 x", "" },
      { "< connection-start SSH 1 2", "" },
      { "reset-stream SSH", "! no-such-stream" } } },
  { "stream/session-reset-ends-all-and-new-ones-are-served", DESTINATION, AUTO, "A,B,C", {
      { "< stream-start C 2 0", "stream-started C 2 0 v2 @2.0" },
      { "< stream-start A 1 1", "stream-started A 1 1 v3 @0.1" },
      { "< session-reset - 0 0",
        "connection-reset A 1 1 v3 @0.1 (session-reset); "
        "stream-stopped A 1 1 v3 @0.1 (session-reset); "
        "stream-stopped C 2 0 v2 @2.0 (session-reset); session-reset" },
      { "< data A 1 1 x", "" },
      { "< stream-start A 3 1", "stream-started A 3 1 v3 @0.1" },
      { "services", "A,B,C" } } },
  { "stream/disconnect-ends-and-forgets-all", DESTINATION, AUTO, "A,B", {
      { "< stream-start B 1 1", "stream-started B 1 1 v3 @1.1" },
      { "disconnect",
        "connection-reset B 1 1 v3 @1.1 (disconnected); "
        "stream-stopped B 1 1 v3 @1.1 (disconnected)" },
      { "services", "not known" },
      { "address B 1", "! not-connected" },
      { "< service-ids B", "services B" },
      { "< data B 1 1 x", "" },
      { "< stream-start B 1 1", "stream-started B 1 1 v3 @0.1" } } },
  { "stream/disconnect-by-us", DESTINATION, AUTO, "A", {
      { "< stream-start A 1 0", "stream-started A 1 0 v2 @0.0" },
      { "stop", "stream-stopped A 1 0 v2 @0.0 ()" } } },
  { "stream/disconnect-before-anything", DESTINATION, AUTO, NULL, {
      { "disconnect", "" } } },
  { "stream/all-of-int32-is-an-id", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH -1 1", "stream-started SSH -1 1 v3 @0.1" },
      { "< data SSH -1 1 x", "data SSH -1 1 v3 @0.1 x" },
      { "< stream-start SSH 2147483647 4294967295",
        "connection-reset SSH -1 1 v3 @0.1 (stream-replaced); "
        "stream-stopped SSH -1 1 v3 @0.1 (stream-replaced); "
        "stream-started SSH 2147483647 4294967295 v3 @0.4294967295" } } },
  { "stream/data-without-payload-is-data", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< data SSH 1 1", "data SSH 1 1 v3 @0.1" } } },

  /* Destination: connections */
  { "connection/id-in-use-is-refused", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< connection-start SSH 1 2", "connection-started SSH 1 2 v3 @0.2" },
      { "< connection-start SSH 1 2", "> connection-reset SSH 1 2 @0.2" },
      { "< connection-start SSH 1 1", "> connection-reset SSH 1 1 @0.1" },
      { "< data SSH 1 2 x", "data SSH 1 2 v3 @0.2 x" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" } } },
  { "connection/data-for-an-unknown-one-is-answered-once", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< data SSH 1 7 x", "> connection-reset SSH 1 7 @0.7" },
      { "< data SSH 1 7 x", "" },
      { "< data SSH 1 8 x", "> connection-reset SSH 1 8 @0.8" },
      { "< data SSH 1 7 x", "" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" } } },
  { "connection/refusals-are-forgotten-with-the-stream", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< data SSH 1 7 x", "> connection-reset SSH 1 7 @0.7" },
      { "< stream-reset SSH 1 1",
        "connection-reset SSH 1 1 v3 @0.1 (stream-reset); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-reset)" },
      { "< stream-start SSH 2 1", "stream-started SSH 2 1 v3 @0.1" },
      { "< data SSH 2 7 x", "> connection-reset SSH 2 7 @0.7" } } },
  { "connection/reset-by-the-peer-is-not-answered", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< connection-start SSH 1 2", "connection-started SSH 1 2 v3 @0.2" },
      { "< connection-reset SSH 1 2", "connection-reset SSH 1 2 v3 @0.2 (connection-reset)" },
      { "< data SSH 1 2 x", "" },
      { "< connection-reset SSH 1 2", "" },
      { "address SSH 2", "! no-such-connection" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" } } },
  { "connection/reset-of-an-unknown-one-is-ignored", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< connection-reset SSH 1 2", "" } } },
  { "connection/reset-by-us-says-nothing-more", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< connection-start SSH 1 2", "connection-started SSH 1 2 v3 @0.2" },
      { "reset-connection SSH 2",
        "= ok; > connection-reset SSH 1 2 @0.2; connection-reset SSH 1 2 v3 @0.2 ()" },
      { "< data SSH 1 2 x", "" },
      { "< connection-reset SSH 1 2", "" },
      { "reset-connection SSH 2", "! no-such-connection" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" } } },
  { "connection/reset-by-us-takes-0-and-1-for-the-first", DESTINATION, AUTO, "A,B", {
      { "< stream-start A 1 1", "stream-started A 1 1 v3 @0.1" },
      { "< stream-start B 2 1", "stream-started B 2 1 v3 @1.1" },
      { "reset-connection A 0",
        "= ok; > connection-reset A 1 1 @0.1; connection-reset A 1 1 v3 @0.1 ()" },
      { "reset-connection B 1",
        "= ok; > connection-reset B 2 1 @1.1; connection-reset B 2 1 v3 @1.1 ()" } } },
  { "connection/reset-by-us-ends-a-v2-stream", DESTINATION, AUTO, "A,B", {
      { "< stream-start A 1 0", "stream-started A 1 0 v2 @0.0" },
      { "< stream-start B 2 0", "stream-started B 2 0 v2 @1.0" },
      { "reset-connection A 2", "! no-such-connection" },
      { "reset-connection A 0", "= ok; > stream-reset A 1 0 @0.0; stream-stopped A 1 0 v2 @0.0 ()" },
      { "reset-connection B 1", "= ok; > stream-reset B 2 0 @1.0; stream-stopped B 2 0 v2 @1.0 ()" } } },
  { "connection/reset-by-the-peer-ends-a-v2-stream", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 0", "stream-started SSH 1 0 v2 @0.0" },
      { "< connection-reset SSH 1 2", "" },
      { "< connection-reset SSH 1 1", "stream-stopped SSH 1 0 v2 @0.0 (connection-reset)" } } },
  { "connection/ended-ids-may-be-started-again", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< data SSH 1 2 x", "> connection-reset SSH 1 2 @0.2" },
      { "< connection-start SSH 1 2", "connection-started SSH 1 2 v3 @0.2" },
      { "< data SSH 1 2 x", "data SSH 1 2 v3 @0.2 x" } } },
  { "connection/stream-lives-on-without-any", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< connection-reset SSH 1 1", "connection-reset SSH 1 1 v3 @0.1 (connection-reset)" },
      { "address SSH 1", "! no-such-connection" },
      { "< connection-start SSH 1 2", "connection-started SSH 1 2 v3 @0.2" },
      { "< data SSH 1 2 x", "data SSH 1 2 v3 @0.2 x" },
      { "< stream-reset SSH 1 1",
        "connection-reset SSH 1 2 v3 @0.2 (stream-reset); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-reset)" } } },
  { "connection/start-in-a-v2-stream-is-refused", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 0", "stream-started SSH 1 0 v2 @0.0" },
      { "< connection-start SSH 1 2", "> connection-reset SSH 1 2 @0.2" },
      { "< data SSH 1 0 x", "data SSH 1 0 v2 @0.0 x" } } },
  { "connection/first-may-have-any-id", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 5", "stream-started SSH 1 5 v3 @0.5" },
      { "< data SSH 1 5 x", "data SSH 1 5 v3 @0.5 x" },
      { "reset-stream SSH",
        "= ok; > stream-reset SSH 1 1 @0.5; connection-reset SSH 1 5 v3 @0.5 (); "
        "stream-stopped SSH 1 5 v3 @0.5 ()" } } },

  /* What breaks the protocol costs nothing else */
  { "error/ignorable-unknown-type-is-skipped", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "<? 8 SSH 1 1", "" },
      { "<? 0 SSH 1 1", "" },
      { "<? -1 SSH 1 1", "" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" } } },
  { "error/unknown-type-resets-the-stream-it-names", DESTINATION, AUTO, "A,B", {
      { "< stream-start A 1 1", "stream-started A 1 1 v3 @0.1" },
      { "< stream-start B 2 0", "stream-started B 2 0 v2 @1.0" },
      { "< 8 A 1 1",
        "protocol-error; > stream-reset A 1 1 @0.1; "
        "connection-reset A 1 1 v3 @0.1 (protocol); stream-stopped A 1 1 v3 @0.1 (protocol)" },
      { "< data B 2 0 x", "data B 2 0 v2 @1.0 x" },
      { "< 0 B 2 0",
        "protocol-error; > stream-reset B 2 0 @1.0; stream-stopped B 2 0 v2 @1.0 (protocol)" } } },
  { "error/unknown-type-that-names-no-stream", DESTINATION, AUTO, "A,B", {
      { "< stream-start A 1 1", "stream-started A 1 1 v3 @0.1" },
      { "< 8 A 2 1", "protocol-error" },
      { "< 8 A 0 0", "protocol-error" },
      { "< 8 - 1 1", "protocol-error" },
      { "< 8 C 1 1", "protocol-error" },
      { "< data A 1 1 x", "data A 1 1 v3 @0.1 x" } } },
  { "error/stream-id-0", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 0 1", "protocol-error" },
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< data SSH 0 1 x", "protocol-error" },
      { "< stream-reset SSH 0 1", "protocol-error" },
      { "< connection-start SSH 0 1", "protocol-error" },
      { "< connection-reset SSH 0 1", "protocol-error" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" } } },
  { "error/destination-starts", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< stream-start SSH 2 1", "protocol-error" },
      { "< connection-start SSH 1 2", "protocol-error" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" } } },

  /* Calls */
  { "call/before-the-services-are-known", SOURCE, AUTO, NULL, {
      { "start-stream SSH", "! not-connected" },
      { "start-connection SSH", "! not-connected" },
      { "address SSH 0", "! not-connected" },
      { "reset-stream SSH", "! not-connected" },
      { "reset-connection SSH 0", "! not-connected" },
      { "lookup SSH 0", "= none" } } },
  { "call/starts-are-the-source's", DESTINATION, AUTO, "SSH", {
      { "start-stream SSH", "! invalid-state" },
      { "start-connection SSH", "! invalid-state" } } },
  { "call/unknown-service", SOURCE, AUTO, "SSH", {
      { "start-stream WEB", "! no-such-service" },
      { "start-connection WEB", "! no-such-service" },
      { "address WEB 0", "! no-such-service" },
      { "reset-stream WEB", "! no-such-service" },
      { "reset-connection WEB 0", "! no-such-service" },
      { "lookup WEB 0", "= none" } } },
  { "call/service-of-a-tunnel-without-any", SOURCE, AUTO, "", {
      { "start-stream SSH", "! no-such-service" } } },
  { "call/no-service-named-and-several-there", SOURCE, AUTO, "A,B", {
      { "start-stream -", "! no-such-service" } } },
  { "call/no-service-named-and-one-there", SOURCE, AUTO, "SSH", {
      { "start-stream -", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "address - 0", "= data SSH 1 1 x @0.1" } } },
  { "call/an-empty-name-is-none", SOURCE, AUTO, "SSH", {
      { "start-stream ", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "address  0", "= data SSH 1 1 x @0.1" } } },
  { "call/no-active-stream", SOURCE, AUTO, "SSH", {
      { "start-connection SSH", "! no-such-stream" },
      { "address SSH 0", "! no-such-stream" },
      { "reset-stream SSH", "! no-such-stream" },
      { "reset-connection SSH 0", "! no-such-stream" },
      { "lookup SSH 0", "= none" } } },
  { "call/lookup", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "lookup SSH 0", "= SSH 1 1 v3" },
      { "lookup - 1", "= SSH 1 1 v3" },
      { "lookup SSH 2", "= none" } } },
  { "call/a-message-for-a-stream-goes-nowhere-else", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "address SSH 1 1", "= data SSH 1 1 x @0.1" },
      { "start-stream SSH",
        "= SSH 2 1 v3; connection-reset SSH 1 1 v3 @0.1 (stream-replaced); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-replaced); > stream-start SSH 2 1 @0.1" },
      { "address SSH 1 1", "! no-such-stream" },
      { "address SSH 1 2", "= data SSH 2 1 x @0.1" },
      { "address SSH 1", "= data SSH 2 1 x @0.1" } } },
  { "call/only-data-is-sent", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "address-reset SSH", "! invalid-setting" } } },

  /* Source */
  { "source/starts-as-v3", SOURCE, AUTO, "A,B", {
      { "start-stream B", "= B 1 1 v3; > stream-start B 1 1 @1.1" },
      { "start-connection B", "= B 1 2 v3; > connection-start B 1 2 @1.2" },
      { "start-connection B", "= B 1 3 v3; > connection-start B 1 3 @1.3" },
      { "address B 3", "= data B 1 3 x @1.3" },
      { "< data B 1 2 x", "data B 1 2 v3 @1.2 x" } } },
  { "source/without-services", SOURCE, AUTO, "", {
      { "start-stream -", "= - 1 1 v3; > stream-start - 1 1 @0.1" },
      { "start-connection -", "= - 1 2 v3; > connection-start - 1 2 @0.2" },
      { "< data - 1 2 x", "data - 1 2 v3 @0.2 x" } } },
  { "source/start-replaces-without-a-reset", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "start-stream SSH",
        "= SSH 2 1 v3; connection-reset SSH 1 1 v3 @0.1 (stream-replaced); "
        "connection-reset SSH 1 2 v3 @0.2 (stream-replaced); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-replaced); "
        "> stream-start SSH 2 1 @0.1" },
      { "< data SSH 1 1 x", "" } } },
  { "source/connection-ids-are-not-used-again", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "reset-connection SSH 2",
        "= ok; > connection-reset SSH 1 2 @0.2; connection-reset SSH 1 2 v3 @0.2 ()" },
      { "start-connection SSH", "= SSH 1 3 v3; > connection-start SSH 1 3 @0.3" } } },
  { "source/connection-ids-come-again-after-the-greatest", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "next-ids 2 268435455", "= ok" },
      { "start-connection SSH", "= SSH 1 268435455 v3; > connection-start SSH 1 268435455 @0.268435455" },
      { "start-connection SSH", "= SSH 1 3 v3; > connection-start SSH 1 3 @0.3" },
      { "< data SSH 1 3 x", "data SSH 1 3 v3 @0.3 x" } } },
  { "source/connection-ids-that-come-again-may-have-ended", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "< connection-reset SSH 1 2", "connection-reset SSH 1 2 v3 @0.2 (connection-reset)" },
      { "next-ids 2 268435456", "= ok" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "< data SSH 1 2 x", "data SSH 1 2 v3 @0.2 x" } } },
  { "source/stream-ids-grow-across-services-and-disconnects", SOURCE, AUTO, "A,B", {
      { "start-stream A", "= A 1 1 v3; > stream-start A 1 1 @0.1" },
      { "start-stream B", "= B 2 1 v3; > stream-start B 2 1 @1.1" },
      { "disconnect",
        "connection-reset A 1 1 v3 @0.1 (disconnected); "
        "stream-stopped A 1 1 v3 @0.1 (disconnected); "
        "connection-reset B 2 1 v3 @1.1 (disconnected); "
        "stream-stopped B 2 1 v3 @1.1 (disconnected)" },
      { "< service-ids A", "services A" },
      { "start-stream A", "= A 3 1 v3; > stream-start A 3 1 @0.1" } } },
  { "source/stream-ids-start-again-after-the-greatest", SOURCE, AUTO, "A,B", {
      { "next-ids 2147483647 2", "= ok" },
      { "start-stream A", "= A 2147483647 1 v3; > stream-start A 2147483647 1 @0.1" },
      { "start-stream B", "= B 1 1 v3; > stream-start B 1 1 @1.1" } } },
  { "source/refused-connection", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "< connection-reset SSH 1 2", "connection-reset SSH 1 2 v3 @0.2 (connection-reset)" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" } } },
  { "source/data-for-an-unknown-connection-is-answered-once", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< data SSH 1 4 x", "> connection-reset SSH 1 4 @0.4" },
      { "< data SSH 1 4 x", "" } } },
  { "source/refused-stream", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< stream-reset SSH 1 1",
        "connection-reset SSH 1 1 v3 @0.1 (stream-reset); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-reset)" },
      { "start-stream SSH", "= SSH 2 1 v3; > stream-start SSH 2 1 @0.1" } } },

  /* Source: connections that are opened whichever way there is */
  { "open/waits-until-the-peer-has-shown-connection-ids", SOURCE, AUTO, "SSH", {
      { "open-connection SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "open-connection SSH", "! would-block" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" },
      { "open-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "open-connection WEB", "! no-such-service" } } },
  { "open/a-connection-reset-shows-them-too", SOURCE, AUTO, "SSH", {
      { "open-connection SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< connection-reset SSH 1 1", "connection-reset SSH 1 1 v3 @0.1 (connection-reset)" },
      { "open-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "open-connection SSH", "= SSH 1 3 v3; > connection-start SSH 1 3 @0.3" } } },
  { "open/goes-on-in-a-stream-whose-connections-have-ended", SOURCE, AUTO, "SSH", {
      { "open-connection SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" },
      { "close SSH 1", "= ok; > connection-reset SSH 1 1 @0.1; connection-reset SSH 1 1 v3 @0.1 ()" },
      { "open-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "< connection-reset SSH 1 2", "connection-reset SSH 1 2 v3 @0.2 (connection-reset)" },
      { "open-connection SSH", "= SSH 1 3 v3; > connection-start SSH 1 3 @0.3" } } },
  { "open/what-was-learned-holds-for-the-streams-that-we-begin", SOURCE, AUTO, "SSH", {
      { "open-connection SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" },
      { "reset-stream SSH",
        "= ok; > stream-reset SSH 1 1 @0.1; connection-reset SSH 1 1 v3 @0.1 (); "
        "stream-stopped SSH 1 1 v3 @0.1 ()" },
      { "open-connection SSH", "= SSH 2 1 v3; > stream-start SSH 2 1 @0.1" },
      { "open-connection SSH", "= SSH 2 2 v3; > connection-start SSH 2 2 @0.2" } } },
  { "open/a-reset-stream-may-have-another-peer", SOURCE, AUTO, "SSH", {
      { "open-connection SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" },
      { "< stream-reset SSH 1 1",
        "connection-reset SSH 1 1 v3 @0.1 (stream-reset); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-reset)" },
      { "open-connection SSH", "= SSH 2 1 v3; > stream-start SSH 2 1 @0.1" },
      { "open-connection SSH", "! would-block" } } },
  { "open/after-a-session-reset-there-may-be-another-peer", SOURCE, AUTO, "A,B", {
      { "open-connection A", "= A 1 1 v3; > stream-start A 1 1 @0.1" },
      { "< data A 1 1 x", "data A 1 1 v3 @0.1 x" },
      { "reset-stream A",
        "= ok; > stream-reset A 1 1 @0.1; connection-reset A 1 1 v3 @0.1 (); "
        "stream-stopped A 1 1 v3 @0.1 ()" },
      { "< session-reset - 0 0", "session-reset" },
      { "open-connection A", "= A 2 1 v3; > stream-start A 2 1 @0.1" },
      { "open-connection A", "! would-block" } } },
  { "open/a-v2-peer-has-one-connection-at-a-time", SOURCE, AUTO, "SSH", {
      { "open-connection SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< data SSH 1 0 x", "data SSH 1 0 v2 @0.1 x" },
      { "open-connection SSH", "! would-block" },
      { "< stream-reset SSH 1 0", "stream-stopped SSH 1 0 v2 @0.1 (stream-reset)" },
      { "open-connection SSH", "= SSH 2 0 v2; > stream-start SSH 2 0 @0.0" },
      { "open-connection SSH", "! would-block" },
      { "close SSH 1", "= ok; > stream-reset SSH 2 0 @0.0; stream-stopped SSH 2 0 v2 @0.0 ()" } } },
  { "open/a-v2-peer-that-is-replaced-is-found-out", SOURCE, AUTO, "SSH", {
      { "open-connection SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< data SSH 1 0 x", "data SSH 1 0 v2 @0.1 x" },
      { "close SSH 1", "= ok; > stream-reset SSH 1 0 @0.1; stream-stopped SSH 1 0 v2 @0.1 ()" },
      { "open-connection SSH", "= SSH 2 0 v2; > stream-start SSH 2 0 @0.0" },
      { "< stream-reset SSH 2 0", "stream-stopped SSH 2 0 v2 @0.0 (stream-reset)" },
      { "open-connection SSH", "= SSH 3 1 v3; > stream-start SSH 3 1 @0.1" } } },
  { "open/closing-what-nobody-answered-ends-the-stream", SOURCE, AUTO, "SSH", {
      { "open-connection SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "close SSH 1",
        "= ok; >? connection-reset SSH 1 1 @0.1; > stream-reset SSH 1 1 @0.1; "
        "connection-reset SSH 1 1 v3 @0.1 (); stream-stopped SSH 1 1 v3 @0.1 ()" },
      { "open-connection SSH", "= SSH 2 1 v3; > stream-start SSH 2 1 @0.1" } } },
  { "open/in-a-stream-of-which-nothing-is-known-any-more", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "reset-connection SSH 1",
        "= ok; > connection-reset SSH 1 1 @0.1; connection-reset SSH 1 1 v3 @0.1 ()" },
      { "open-connection SSH",
        "= SSH 2 1 v3; > stream-reset SSH 1 1 @0.1; stream-stopped SSH 1 1 v3 @0.1 (stream-replaced); "
        "> stream-start SSH 2 1 @0.1" } } },
  { "open/a-peer-that-leaves-first-data-unanswered-gets-a-new-stream", SOURCE, AUTO, "SSH", {
      { "open-connection SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" },
      { "close SSH 1", "= ok; > connection-reset SSH 1 1 @0.1; connection-reset SSH 1 1 v3 @0.1 ()" },
      { "open-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "first-data SSH 2", "" },
      { "close SSH 2", "= ok; > connection-reset SSH 1 2 @0.2; connection-reset SSH 1 2 v3 @0.2 ()" },
      { "wait 4999", "" },
      { "open-connection SSH", "= SSH 1 3 v3; > connection-start SSH 1 3 @0.3" },
      { "close SSH 3", "= ok; > connection-reset SSH 1 3 @0.3; connection-reset SSH 1 3 v3 @0.3 ()" },
      { "wait 1", "" },
      { "open-connection SSH",
        "= SSH 2 1 v3; > stream-reset SSH 1 1 @0.1; stream-stopped SSH 1 1 v3 @0.1 (stream-replaced); "
        "> stream-start SSH 2 1 @0.1" } } },
  { "open/silence-does-not-cost-a-connection-its-stream", SOURCE, V3, "SSH", {
      { "open-connection SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "first-data SSH 1", "" },
      { "open-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "first-data SSH 2", "" },
      { "open-connection SSH", "= SSH 1 3 v3; > connection-start SSH 1 3 @0.3" },
      { "first-data SSH 3", "" },
      { "wait 60000", "" },
      { "close SSH 2", "= ok; > connection-reset SSH 1 2 @0.2; connection-reset SSH 1 2 v3 @0.2 ()" },
      { "open-connection SSH", "= SSH 1 4 v3; > connection-start SSH 1 4 @0.4" },
      { "close SSH 4", "= ok; > connection-reset SSH 1 4 @0.4; connection-reset SSH 1 4 v3 @0.4 ()" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" },
      { "close SSH 3", "= ok; > connection-reset SSH 1 3 @0.3; connection-reset SSH 1 3 v3 @0.3 ()" },
      { "open-connection SSH", "= SSH 1 5 v3; > connection-start SSH 1 5 @0.5" } } },
  { "open/two-that-were-given-up-do", SOURCE, V3, "SSH", {
      { "open-connection SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "first-data SSH 1", "" },
      { "open-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "first-data SSH 2", "" },
      { "wait 4999", "" },
      { "close SSH 2", "= ok; > connection-reset SSH 1 2 @0.2; connection-reset SSH 1 2 v3 @0.2 ()" },
      { "open-connection SSH", "= SSH 1 3 v3; > connection-start SSH 1 3 @0.3" },
      { "first-data SSH 3", "" },
      { "open-connection SSH", "= SSH 1 4 v3; > connection-start SSH 1 4 @0.4" },
      { "first-data SSH 4", "" },
      { "wait 5000", "" },
      { "close SSH 3", "= ok; > connection-reset SSH 1 3 @0.3; connection-reset SSH 1 3 v3 @0.3 ()" },
      { "close SSH 4", "= ok; > connection-reset SSH 1 4 @0.4; connection-reset SSH 1 4 v3 @0.4 ()" },
      { "open-connection SSH",
        "= SSH 2 1 v3; > stream-reset SSH 1 1 @0.1; connection-reset SSH 1 1 v3 @0.1 (stream-replaced); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-replaced); > stream-start SSH 2 1 @0.1" } } },
  { "open/forced-v3-does-not-wait", SOURCE, V3, "SSH", {
      { "open-connection SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "open-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" } } },
  { "open/forced-v1-has-one-at-a-time", SOURCE, V1, "SSH", {
      { "open-connection SSH", "= SSH 1 0 v1; > stream-start - 1 0 @0.0" },
      { "open-connection SSH", "! would-block" } } },
  { "open/services-may-be-named-later", SOURCE, AUTO, NULL, {
      { "open-connection SSH", "! not-connected" },
      { "assume-no-services", "services" },
      { "open-connection SSH", "! would-block" },
      { "< service-ids VNC", "services VNC" },
      { "open-connection SSH", "! no-such-service" } } },
  { "open/is-the-source's", DESTINATION, AUTO, "SSH", {
      { "open-connection SSH", "! invalid-state" } } },

  /* Source: learning what the peer speaks */
  { "learn/v2-from-data", SOURCE, AUTO, "A,B", {
      { "start-stream A", "= A 1 1 v3; > stream-start A 1 1 @0.1" },
      { "address A 1", "= data A 1 1 x @0.1" },
      { "< data A 1 0 x", "data A 1 0 v2 @0.1 x" },
      { "lookup A 1", "= A 1 0 v2" },
      { "address A 1", "= data A 1 0 x @0.1" },
      { "start-connection A", "! not-supported" },
      { "reset-stream A", "= ok; > stream-reset A 1 0 @0.1; stream-stopped A 1 0 v2 @0.1 ()" },
      { "start-stream A", "= A 2 0 v2; > stream-start A 2 0 @0.0" },
      { "start-stream B", "= B 3 1 v3; > stream-start B 3 1 @1.1" } } },
  { "learn/v1-from-data", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< data - 1 0 x", "data SSH 1 0 v1 @0.1 x" },
      { "address SSH 0", "= data - 1 0 x @0.1" },
      { "reset-stream SSH", "= ok; > stream-reset - 1 0 @0.1; stream-stopped SSH 1 0 v1 @0.1 ()" },
      { "start-stream SSH", "= SSH 2 0 v1; > stream-start - 2 0 @0.0" } } },
  { "learn/data-ends-further-connections", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "start-connection SSH", "= SSH 1 3 v3; > connection-start SSH 1 3 @0.3" },
      { "< data SSH 1 0 x",
        "connection-reset SSH 1 2 v3 @0.2 (not-supported); "
        "connection-reset SSH 1 3 v3 @0.3 (not-supported); "
        "data SSH 1 0 v2 @0.1 x" },
      { "lookup SSH 2", "= none" } } },
  { "learn/data-for-a-first-connection-that-is-gone", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "reset-connection SSH 1",
        "= ok; > connection-reset SSH 1 1 @0.1; connection-reset SSH 1 1 v3 @0.1 ()" },
      { "< data SSH 1 0 x",
        "connection-reset SSH 1 2 v3 @0.2 (not-supported); "
        "> stream-reset SSH 1 0 @0.1; stream-stopped SSH 1 0 v2 @0.1 (not-supported)" },
      { "start-stream SSH", "= SSH 2 0 v2; > stream-start SSH 2 0 @0.0" } } },
  { "learn/v3-shown-once-absent-means-1", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" },
      { "< data SSH 1 0 x", "data SSH 1 1 v3 @0.1 x" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" } } },
  { "learn/v2-from-a-connection-start-answered-by-stream-reset", SOURCE, AUTO, "A,B", {
      { "start-stream A", "= A 1 1 v3; > stream-start A 1 1 @0.1" },
      { "start-connection A", "= A 1 2 v3; > connection-start A 1 2 @0.2" },
      { "< stream-reset A 1 0",
        "connection-reset A 1 1 v3 @0.1 (stream-reset); "
        "connection-reset A 1 2 v3 @0.2 (stream-reset); "
        "stream-stopped A 1 1 v3 @0.1 (stream-reset)" },
      { "start-stream A", "= A 2 0 v2; > stream-start A 2 0 @0.0" },
      { "start-connection A", "! not-supported" },
      { "start-stream B", "= B 3 1 v3; > stream-start B 3 1 @1.1" } } },
  { "learn/v1-from-a-connection-start-answered-by-stream-reset", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "< stream-reset - 1 0",
        "connection-reset SSH 1 1 v3 @0.1 (stream-reset); "
        "connection-reset SSH 1 2 v3 @0.2 (stream-reset); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-reset)" },
      { "start-stream SSH", "= SSH 2 0 v1; > stream-start - 2 0 @0.0" },
      { "start-connection SSH", "! not-supported" } } },
  { "learn/stream-reset-alone-says-nothing", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< stream-reset SSH 1 0",
        "connection-reset SSH 1 1 v3 @0.1 (stream-reset); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-reset)" },
      { "start-stream SSH", "= SSH 2 1 v3; > stream-start SSH 2 1 @0.1" } } },
  { "learn/stream-reset-of-a-peer-known-as-v3-says-nothing", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< data SSH 1 1 x", "data SSH 1 1 v3 @0.1 x" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "< stream-reset SSH 1 0",
        "connection-reset SSH 1 1 v3 @0.1 (stream-reset); "
        "connection-reset SSH 1 2 v3 @0.2 (stream-reset); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-reset)" },
      { "start-stream SSH", "= SSH 2 1 v3; > stream-start SSH 2 1 @0.1" } } },
  { "learn/stream-reset-with-connection-id-says-nothing", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "< stream-reset SSH 1 1",
        "connection-reset SSH 1 1 v3 @0.1 (stream-reset); "
        "connection-reset SSH 1 2 v3 @0.2 (stream-reset); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-reset)" },
      { "start-stream SSH", "= SSH 2 1 v3; > stream-start SSH 2 1 @0.1" } } },
  { "learn/stale-messages-teach-no-older-version", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "< data SSH 9 0 x", "" },
      { "< stream-reset SSH 9 0", "" },
      { "lookup SSH 1", "= SSH 1 1 v3" },
      { "lookup SSH 2", "= SSH 1 2 v3" } } },
  { "learn/v3-again", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< data SSH 1 0 x", "data SSH 1 0 v2 @0.1 x" },
      { "< data SSH 1 1 x", "data SSH 1 0 v2 @0.1 x" },
      { "start-connection SSH", "! not-supported" },
      { "start-stream SSH",
        "= SSH 2 1 v3; stream-stopped SSH 1 0 v2 @0.1 (stream-replaced); "
        "> stream-start SSH 2 1 @0.1" } } },
  { "learn/disconnect-forgets", SOURCE, AUTO, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< data SSH 1 0 x", "data SSH 1 0 v2 @0.1 x" },
      { "disconnect", "stream-stopped SSH 1 0 v2 @0.1 (disconnected)" },
      { "< service-ids SSH", "services SSH" },
      { "start-stream SSH", "= SSH 2 1 v3; > stream-start SSH 2 1 @0.1" } } },
  { "learn/destination-does-not", DESTINATION, AUTO, "SSH", {
      { "< stream-start SSH 1 1", "stream-started SSH 1 1 v3 @0.1" },
      { "< data SSH 1 0 x", "data SSH 1 1 v3 @0.1 x" },
      { "lookup SSH 1", "= SSH 1 1 v3" } } },

  /* Source: a version that was asked for */
  { "forced/v1", SOURCE, V1, "SSH", {
      { "start-stream SSH", "= SSH 1 0 v1; > stream-start - 1 0 @0.0" },
      { "start-connection SSH", "! not-supported" },
      { "address SSH 1", "= data - 1 0 x @0.0" },
      { "< data - 1 0 x", "data SSH 1 0 v1 @0.0 x" } } },
  { "forced/v1-with-several-services", SOURCE, V1, "A,B", {
      { "start-stream A", "! not-supported" } } },
  { "forced/v2", SOURCE, V2, "A,B", {
      { "start-stream B", "= B 1 0 v2; > stream-start B 1 0 @1.0" },
      { "start-connection B", "! not-supported" },
      { "address B 0", "= data B 1 0 x @1.0" },
      { "< data B 1 1 x", "data B 1 0 v2 @1.0 x" },
      { "start-stream B",
        "= B 2 0 v2; stream-stopped B 1 0 v2 @1.0 (stream-replaced); "
        "> stream-start B 2 0 @1.0" } } },
  { "forced/v3-learns-nothing", SOURCE, V3, "SSH", {
      { "start-stream SSH", "= SSH 1 1 v3; > stream-start SSH 1 1 @0.1" },
      { "< data SSH 1 0 x", "data SSH 1 1 v3 @0.1 x" },
      { "start-connection SSH", "= SSH 1 2 v3; > connection-start SSH 1 2 @0.2" },
      { "< stream-reset SSH 1 0",
        "connection-reset SSH 1 1 v3 @0.1 (stream-reset); "
        "connection-reset SSH 1 2 v3 @0.2 (stream-reset); "
        "stream-stopped SSH 1 1 v3 @0.1 (stream-reset)" },
      { "start-stream SSH", "= SSH 2 1 v3; > stream-start SSH 2 1 @0.1" } } },
};
/* clang-format on */

static const char *
nick (GType type,
      int value)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);
  GEnumValue *enum_value = g_enum_get_value (klass, value);

  /* The class stays: it is static. */
  return enum_value != NULL ? enum_value->value_nick : "?";
}

static void
append_item (GString *out,
             const char *what)
{
  if (out->len > 0)
    g_string_append (out, "; ");
  g_string_append (out, what);
}

static void
append_lane (GString *out,
             IstLane lane)
{
  if (lane.service == IST_LANE_NO_SERVICE)
    g_string_append (out, " @-");
  else
    g_string_append_printf (out, " @%u.%u", lane.service, lane.connection);
}

static void
append_info (GString *out,
             const IstStreamInfo *info)
{
  const char *service_id = ist_stream_info_get_service_id (info);

  g_string_append_printf (out, " %s %d %u %s", service_id != NULL ? service_id : "-",
                          ist_stream_info_get_stream_id (info), ist_stream_info_get_connection_id (info),
                          nick (IST_TYPE_PROTOCOL_VERSION, ist_stream_info_get_version (info)));
}

static void
append_payload (GString *out,
                IstMessage *message)
{
  GBytes *payload = ist_message_get_payload (message);

  if (g_bytes_get_size (payload) > 0)
    {
      g_string_append_c (out, ' ');
      g_string_append_len (out, g_bytes_get_data (payload, NULL), g_bytes_get_size (payload));
    }
}

static void
append_message (GString *out,
                IstMessage *message)
{
  const char *service_id = ist_message_get_service_id (message);

  g_string_append_printf (out, " %s %s %d %u",
                          nick (IST_TYPE_MESSAGE_TYPE, ist_message_get_message_type (message)),
                          service_id != NULL ? service_id : "-", ist_message_get_stream_id (message),
                          ist_message_get_connection_id (message));
  append_payload (out, message);
}

static void
append_event (GString *out,
              const IstStreamEvent *event)
{
  static const char *const names[] = {
    "services",
    ">",
    "data",
    "stream-started",
    "connection-started",
    "connection-reset",
    "stream-stopped",
    "session-reset",
    "protocol-error",
  };

  append_item (out, names[event->type]);

  switch (event->type)
    {
    case IST_STREAM_EVENT_SERVICES:
      {
        g_autofree char *ids = g_strjoinv (",", (char **) ist_message_get_service_ids (event->message));

        if (*ids != '\0')
          g_string_append_printf (out, " %s", ids);
        break;
      }

    case IST_STREAM_EVENT_SEND:
      if (ist_message_get_ignorable (event->message))
        g_string_append_c (out, '?');
      append_message (out, event->message);
      append_lane (out, event->lane);
      break;

    case IST_STREAM_EVENT_DATA:
      append_info (out, event->info);
      append_lane (out, event->lane);
      append_payload (out, event->message);
      /* A user is shown the same names in both. */
      g_assert_cmpstr (ist_message_get_service_id (event->message), ==,
                       ist_stream_info_get_service_id (event->info));
      g_assert_cmpint (ist_message_get_stream_id (event->message), ==,
                       ist_stream_info_get_stream_id (event->info));
      g_assert_cmpuint (ist_message_get_connection_id (event->message), ==,
                        ist_stream_info_get_connection_id (event->info));
      break;

    case IST_STREAM_EVENT_STREAM_STARTED:
    case IST_STREAM_EVENT_CONNECTION_STARTED:
      append_info (out, event->info);
      append_lane (out, event->lane);
      break;

    case IST_STREAM_EVENT_CONNECTION_RESET:
    case IST_STREAM_EVENT_STREAM_STOPPED:
      append_info (out, event->info);
      append_lane (out, event->lane);
      if (event->error != NULL)
        g_assert_true (event->error->domain == IST_TUNNEL_ERROR);
      g_string_append_printf (out, " (%s)",
                              event->error != NULL ? nick (IST_TYPE_TUNNEL_ERROR, event->error->code) : "");
      break;

    case IST_STREAM_EVENT_PROTOCOL_ERROR:
      g_assert_error (event->error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_PROTOCOL);
      break;

    case IST_STREAM_EVENT_SESSION_RESET:
      break;

    default:
      g_assert_not_reached ();
    }
}

static IstMessage *
parse_message (const char *action)
{
  gboolean ignorable = g_str_has_prefix (action, "<?");
  g_auto (GStrv) words = g_strsplit (action, " ", -1);
  g_autoptr (GEnumClass) klass = g_type_class_ref (IST_TYPE_MESSAGE_TYPE);
  GEnumValue *type = g_enum_get_value_by_nick (klass, words[1]);
  g_autoptr (GBytes) payload = NULL;
  guint n = g_strv_length (words);

  if (type != NULL && type->value == IST_MESSAGE_TYPE_SERVICE_IDS)
    {
      g_auto (GStrv) ids = g_strsplit (n > 2 ? words[2] : "", ",", -1);

      return ist_message_new_service_ids ((const char *const *) ids);
    }

  g_assert_cmpuint (n, >=, 5);
  if (n > 5)
    payload = g_bytes_new (words[5], strlen (words[5]));

  return ist_message_new_full (type != NULL ? type->value : atoi (words[1]),
                               g_str_equal (words[2], "-") ? NULL : words[2],
                               (int) g_ascii_strtoll (words[3], NULL, 10),
                               (guint) g_ascii_strtoull (words[4], NULL, 10), ignorable, payload);
}

static void
append_result (GString *out,
               IstStreamInfo *info,
               const GError *error)
{
  if (error != NULL)
    {
      g_assert_true (error->domain == IST_TUNNEL_ERROR);
      append_item (out, "! ");
      g_string_append (out, nick (IST_TYPE_TUNNEL_ERROR, error->code));
      g_assert_null (info);
    }
  else
    {
      append_item (out, "=");
      append_info (out, info);
    }
}

static void
append_success (GString *out,
                gboolean success,
                GError **error) /* by reference: the call that sets it is an argument, too */
{
  g_assert_true (success == (*error == NULL));

  append_item (out, success ? "= ok" : "! ");
  if (!success)
    g_string_append (out, nick (IST_TYPE_TUNNEL_ERROR, (*error)->code));
}

static void
append_addressed (GString *out,
                  IstStreamTable *table,
                  IstMessageType type,
                  const char *service_id,
                  guint connection_id,
                  int stream_id)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("x", 1);
  g_autoptr (IstMessage) message =
    ist_message_new_full (type, service_id, stream_id, connection_id, FALSE, payload);
  g_autoptr (IstMessage) addressed = NULL;
  g_autoptr (GError) error = NULL;
  IstLane lane;

  addressed = ist_stream_table_address (table, message, &lane, &error);
  if (addressed == NULL)
    {
      append_success (out, FALSE, &error);
      return;
    }

  g_assert_no_error (error);
  append_item (out, "=");
  append_message (out, addressed);
  append_lane (out, lane);
}

static IstLane
find_lane (IstStreamTable *table,
           const char *service_id,
           guint connection_id)
{
  g_autoptr (IstMessage) message = ist_message_new_for_connection (service_id, connection_id, NULL);
  g_autoptr (IstMessage) addressed = NULL;
  IstLane lane;

  addressed = ist_stream_table_address (table, message, &lane, NULL);
  g_assert_nonnull (addressed);
  g_assert_true (ist_stream_table_find (table, &lane) == ist_stream_table_lookup (table, service_id, connection_id));
  return lane;
}

/* What the table takes for the time. */
static gint64 now = 1000000;

static void
act (IstStreamTable *table,
     const char *action,
     GString *out,
     GArray *events)
{
  g_auto (GStrv) words = g_strsplit (action, " ", -1);
  guint n = g_strv_length (words);
  const char *service_id = n > 1 && !g_str_equal (words[1], "-") ? words[1] : NULL;
  guint id = n > 2 ? (guint) g_ascii_strtoull (words[2], NULL, 10) : 0;
  g_autoptr (GError) error = NULL;

  if (*action == '<')
    {
      g_autoptr (IstMessage) message = parse_message (action);

      ist_stream_table_receive (table, message, events);
    }
  else if (g_str_equal (words[0], "services"))
    {
      const char *const *ids = ist_stream_table_get_services (table);
      g_autofree char *joined = ids != NULL ? g_strjoinv (",", (char **) ids) : g_strdup ("not known");

      append_item (out, joined);
    }
  else if (g_str_equal (words[0], "disconnect"))
    {
      g_set_error_literal (&error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_DISCONNECTED, "Lost");
      ist_stream_table_disconnect (table, error, events);
    }
  else if (g_str_equal (words[0], "stop"))
    ist_stream_table_disconnect (table, NULL, events);
  else if (g_str_equal (words[0], "next-ids"))
    {
      ist_stream_table_set_next_ids (table, atoi (words[1]), id);
      append_item (out, "= ok");
    }
  else if (g_str_equal (words[0], "start-stream"))
    {
      g_autoptr (IstStreamInfo) info = ist_stream_table_start_stream (table, service_id, events, &error);

      append_result (out, info, error);
    }
  else if (g_str_equal (words[0], "start-connection"))
    {
      g_autoptr (IstStreamInfo) info = ist_stream_table_start_connection (table, service_id, events, &error);

      append_result (out, info, error);
    }
  else if (g_str_equal (words[0], "open-connection"))
    {
      g_autoptr (IstStreamInfo) info = ist_stream_table_open_connection (table, service_id, now, events, &error);

      append_result (out, info, error);
    }
  else if (g_str_equal (words[0], "close"))
    {
      IstLane lane = find_lane (table, service_id, id);

      append_success (out, ist_stream_table_close_connection (table, &lane, now, events), &error);
    }
  else if (g_str_equal (words[0], "first-data"))
    {
      IstLane lane = find_lane (table, service_id, id);

      ist_stream_table_note_first_data (table, &lane, now);
    }
  else if (g_str_equal (words[0], "wait"))
    now += atoi (words[1]) * 1000;
  else if (g_str_equal (words[0], "assume-no-services"))
    ist_stream_table_assume_no_services (table, events);
  else if (g_str_equal (words[0], "address"))
    append_addressed (out, table, IST_MESSAGE_TYPE_DATA, service_id, id, n > 3 ? atoi (words[3]) : 0);
  else if (g_str_equal (words[0], "address-reset"))
    append_addressed (out, table, IST_MESSAGE_TYPE_STREAM_RESET, service_id, id, 0);
  else if (g_str_equal (words[0], "reset-stream"))
    append_success (out, ist_stream_table_reset_stream (table, service_id, events, &error), &error);
  else if (g_str_equal (words[0], "reset-connection"))
    append_success (out, ist_stream_table_reset_connection (table, service_id, id, events, &error), &error);
  else if (g_str_equal (words[0], "lookup"))
    {
      IstStreamInfo *info = ist_stream_table_lookup (table, service_id, id);

      append_item (out, info != NULL ? "=" : "= none");
      if (info != NULL)
        append_info (out, info);
    }
  else
    g_error ("No such action: %s", action);
}

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (IstStreamTable) table = ist_stream_table_new (c->mode, c->version);
  g_autoptr (GArray) events = ist_stream_events_new ();
  g_autoptr (GString) out = g_string_new (NULL);

  if (c->services != NULL)
    {
      g_autofree char *listing = g_strconcat ("< service-ids ", c->services, NULL);

      act (table, listing, out, events);
      g_assert_cmpuint (events->len, ==, 1);
    }

  for (gsize i = 0; i < G_N_ELEMENTS (c->steps) && c->steps[i].action != NULL; i++)
    {
      g_test_message ("%s", c->steps[i].action);
      g_string_truncate (out, 0);
      g_array_set_size (events, 0);

      act (table, c->steps[i].action, out, events);
      for (guint j = 0; j < events->len; j++)
        append_event (out, &g_array_index (events, IstStreamEvent, j));

      g_assert_cmpstr (out->str, ==, c->steps[i].expected);
    }
}

static void
receive (IstStreamTable *table,
         GArray *events,
         IstMessageType type,
         guint connection_id)
{
  g_autoptr (IstMessage) message = ist_message_new_full (type, NULL, 1, connection_id, FALSE, NULL);

  g_array_set_size (events, 0);
  ist_stream_table_receive (table, message, events);
}

static IstStreamEventType
get_only_event (GArray *events)
{
  g_assert_cmpuint (events->len, ==, 1);

  return g_array_index (events, IstStreamEvent, 0).type;
}

/* The peer can't make a stream hold more connections than the limit, and gets
 * its place back for each one that ends. */
static void
test_most_connections (void)
{
  g_autoptr (IstStreamTable) table = ist_stream_table_new (IST_MODE_DESTINATION, AUTO);
  g_autoptr (GArray) events = ist_stream_events_new ();
  guint beyond = IST_STREAM_TABLE_MAX_CONNECTIONS + 1;

  receive (table, events, IST_MESSAGE_TYPE_STREAM_START, 1);
  for (guint id = 2; id < beyond; id++)
    {
      receive (table, events, IST_MESSAGE_TYPE_CONNECTION_START, id);
      g_assert_cmpint (get_only_event (events), ==, IST_STREAM_EVENT_CONNECTION_STARTED);
    }

  for (guint attempt = 0; attempt < 2; attempt++)
    {
      receive (table, events, IST_MESSAGE_TYPE_CONNECTION_START, beyond);
      g_assert_cmpint (get_only_event (events), ==, IST_STREAM_EVENT_SEND);
      g_assert_cmpint (ist_message_get_message_type (g_array_index (events, IstStreamEvent, 0).message),
                       ==, IST_MESSAGE_TYPE_CONNECTION_RESET);
    }
  receive (table, events, IST_MESSAGE_TYPE_DATA, beyond);
  g_assert_cmpuint (events->len, ==, 0);

  receive (table, events, IST_MESSAGE_TYPE_CONNECTION_RESET, 5);
  receive (table, events, IST_MESSAGE_TYPE_CONNECTION_START, beyond);
  g_assert_cmpint (get_only_event (events), ==, IST_STREAM_EVENT_CONNECTION_STARTED);

  g_array_set_size (events, 0);
  ist_stream_table_disconnect (table, NULL, events);
  g_assert_cmpuint (events->len, ==, IST_STREAM_TABLE_MAX_CONNECTIONS + 1);
}

static void
test_most_connections_source (void)
{
  g_autoptr (IstStreamTable) table = ist_stream_table_new (IST_MODE_SOURCE, AUTO);
  g_autoptr (GArray) events = ist_stream_events_new ();
  g_autoptr (IstMessage) listing = ist_message_new_service_ids (NULL);
  g_autoptr (IstStreamInfo) stream = NULL;
  g_autoptr (GError) error = NULL;

  ist_stream_table_receive (table, listing, events);
  stream = ist_stream_table_start_stream (table, NULL, events, &error);
  g_assert_no_error (error);

  for (guint i = 1; i < IST_STREAM_TABLE_MAX_CONNECTIONS; i++)
    {
      g_autoptr (IstStreamInfo) info = ist_stream_table_start_connection (table, NULL, events, &error);

      g_assert_no_error (error);
      g_assert_nonnull (info);
    }

  g_assert_null (ist_stream_table_start_connection (table, NULL, events, &error));
  g_assert_error (error, IST_TUNNEL_ERROR, IST_TUNNEL_ERROR_FAILED);
}

/* The service can't make us keep any number of services. */
static void
test_most_services (void)
{
  g_autoptr (IstStreamTable) table = ist_stream_table_new (IST_MODE_DESTINATION, AUTO);
  g_autoptr (GArray) events = ist_stream_events_new ();
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  g_autoptr (IstMessage) listing = NULL;
  g_auto (GStrv) ids = NULL;

  for (guint i = 0; i <= IST_STREAM_TABLE_MAX_SERVICES; i++)
    {
      g_autofree char *name = g_strdup_printf ("S%u", i);

      g_strv_builder_add (names, name);
    }
  ids = g_strv_builder_end (names);
  listing = ist_message_new_service_ids ((const char *const *) ids);
  ist_stream_table_receive (table, listing, events);
  g_assert_cmpuint (events->len, ==, 2);
  g_assert_cmpint (g_array_index (events, IstStreamEvent, 0).type, ==, IST_STREAM_EVENT_PROTOCOL_ERROR);
  g_assert_cmpint (g_array_index (events, IstStreamEvent, 1).type, ==, IST_STREAM_EVENT_SERVICES);
  g_assert_cmpuint (g_strv_length ((GStrv) ist_stream_table_get_services (table)), ==,
                    IST_STREAM_TABLE_MAX_SERVICES);
}

/* Only the latest of the ended connections are remembered: the first one is
 * answered again when enough others have come. */
static void
test_most_ended (void)
{
  g_autoptr (IstStreamTable) table = ist_stream_table_new (IST_MODE_DESTINATION, AUTO);
  g_autoptr (GArray) events = ist_stream_events_new ();

  receive (table, events, IST_MESSAGE_TYPE_STREAM_START, 1);
  for (guint id = 2; id < 2 + IST_STREAM_TABLE_MAX_ENDED; id++)
    {
      receive (table, events, IST_MESSAGE_TYPE_DATA, id);
      g_assert_cmpint (get_only_event (events), ==, IST_STREAM_EVENT_SEND);
    }

  for (guint id = 2; id < 2 + IST_STREAM_TABLE_MAX_ENDED; id++)
    {
      receive (table, events, IST_MESSAGE_TYPE_DATA, id);
      g_assert_cmpuint (events->len, ==, 0);
    }

  receive (table, events, IST_MESSAGE_TYPE_DATA, 2 + IST_STREAM_TABLE_MAX_ENDED);
  g_assert_cmpint (get_only_event (events), ==, IST_STREAM_EVENT_SEND);
  receive (table, events, IST_MESSAGE_TYPE_DATA, 3);
  g_assert_cmpuint (events->len, ==, 0);
  receive (table, events, IST_MESSAGE_TYPE_DATA, 2);
  g_assert_cmpint (get_only_event (events), ==, IST_STREAM_EVENT_SEND);
}

/* Errors tell a user what to do about them. */
static void
test_error_messages (void)
{
  g_autoptr (IstStreamTable) table = ist_stream_table_new (IST_MODE_SOURCE, AUTO);
  g_autoptr (GArray) events = ist_stream_events_new ();
  const char *ids[] = { "SSH", "VNC", NULL };
  g_autoptr (IstMessage) listing = ist_message_new_service_ids (ids);
  g_autoptr (GError) unknown = NULL;
  g_autoptr (GError) unnamed = NULL;
  g_autoptr (GError) inactive = NULL;
  g_autoptr (GError) gone = NULL;
  g_autoptr (IstStreamInfo) info = NULL;

  ist_stream_table_receive (table, listing, events);

  g_assert_null (ist_stream_table_start_stream (table, "WEB", events, &unknown));
  g_assert_cmpstr (unknown->message, ==, "The tunnel has no service “WEB”; it has: SSH, VNC");

  g_assert_null (ist_stream_table_start_stream (table, NULL, events, &unnamed));
  g_assert_cmpstr (unnamed->message, ==, "The tunnel has several services; name one of: SSH, VNC");

  g_assert_false (ist_stream_table_reset_stream (table, "SSH", events, &inactive));
  g_assert_cmpstr (inactive->message, ==,
                   "There is no active stream of the service “SSH”; start one first");

  info = ist_stream_table_start_stream (table, "SSH", events, NULL);
  g_assert_nonnull (info);
  g_assert_false (ist_stream_table_reset_connection (table, "SSH", 7, events, &gone));
  g_assert_cmpstr (gone->message, ==, "The stream of the service “SSH” has no active connection 7");
}

/* On the way through, a payload is passed on and not copied. */
static void
test_payload_is_shared (void)
{
  g_autoptr (IstStreamTable) table = ist_stream_table_new (IST_MODE_DESTINATION, AUTO);
  g_autoptr (GArray) events = ist_stream_events_new ();
  g_autoptr (GBytes) payload = g_bytes_new_static ("bytes", 5);
  g_autoptr (IstMessage) data = ist_message_new_full (IST_MESSAGE_TYPE_DATA, NULL, 1, 1, FALSE, payload);
  g_autoptr (IstMessage) addressed = NULL;
  g_autoptr (GError) error = NULL;
  IstStreamEvent *event;
  IstLane lane;

  receive (table, events, IST_MESSAGE_TYPE_STREAM_START, 1);
  g_array_set_size (events, 0);
  ist_stream_table_receive (table, data, events);
  event = &g_array_index (events, IstStreamEvent, 0);
  g_assert_true (event->message == data);
  g_assert_true (event->info == ist_stream_table_lookup (table, NULL, 1));

  addressed = ist_stream_table_address (table, data, &lane, &error);
  g_assert_no_error (error);
  g_assert_true (ist_message_get_payload (addressed) == payload);
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/stream-table/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }

  g_test_add_func ("/stream-table/limit/connections", test_most_connections);
  g_test_add_func ("/stream-table/limit/connections-source", test_most_connections_source);
  g_test_add_func ("/stream-table/limit/ended-connections", test_most_ended);
  g_test_add_func ("/stream-table/most-services", test_most_services);
  g_test_add_func ("/stream-table/error-messages", test_error_messages);
  g_test_add_func ("/stream-table/payload-is-shared", test_payload_is_shared);

  return g_test_run ();
}
