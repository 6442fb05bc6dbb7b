/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

/* So much of the service's can be had at a time; io.github.libist.Operator1.xml and
 * the manual tell of it. */

#define OPERATOR_MAX_ACCOUNTS 16
#define OPERATOR_MAX_TUNNELS 256
#define OPERATOR_MAX_CONNECTIONS 1024
#define OPERATOR_MAX_FORWARDS 256

/* Of one caller. */
#define OPERATOR_MAX_CALLER_CALLS 64
#define OPERATOR_MAX_CALLER_CONNECTIONS 256
#define OPERATOR_MAX_CALLER_FORWARDS 64

/* Bytes. */
#define OPERATOR_MAX_PROGRESS 64
#define OPERATOR_MAX_TEXT 4096

/* Services that one tunnel is opened for; AWS takes no more. */
#define OPERATOR_MAX_SERVICES 128

/* Seconds that a device may take to connect. */
#define OPERATOR_MAX_TIMEOUT 3600

/* Seconds that a tunnel may stay unused. */
#define OPERATOR_MAX_LINGER 86400

/* Minutes; what AWS gives a tunnel at most. */
#define OPERATOR_MAX_LIFETIME 720
