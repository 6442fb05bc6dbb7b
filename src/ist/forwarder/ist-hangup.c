/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ist/forwarder/ist-hangup-private.h"

#include <errno.h>
#include <gio/gfiledescriptorbased.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A FIN looks the same whether the other end has closed its socket or has only
 * shut down writing, and it makes all the difference: the one must be told to
 * the peer at once, the other waits for the peer's answer. For programs on this
 * machine the kernel knows. */

typedef struct
{
  struct nlmsghdr header;
  struct inet_diag_req_v2 body;
} Question;

typedef union
{
  struct nlmsghdr header;
  char bytes[4096];
} Answer;

static gboolean
hangup_fill_address (GSocketAddress *address,
                     __be32 *words,
                     __be16 *port)
{
  GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS (address);
  GInetAddress *host = g_inet_socket_address_get_address (inet);

  memcpy (words, g_inet_address_to_bytes (host), g_inet_address_get_native_size (host));
  *port = g_htons (g_inet_socket_address_get_port (inet));
  return g_inet_address_get_is_loopback (host);
}

/* The socket of those who hold it; threads take turns. */
static GMutex lock;
static guint n_holders;
static int diag_socket = -1;
static guint32 last_question;

/* With the lock held. Tried again where it has failed. */
static gboolean
hangup_ensure_socket (void)
{
  if (diag_socket < 0 && n_holders > 0)
    diag_socket = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
  return diag_socket >= 0;
}

void
ist_hangup_hold (void)
{
  g_mutex_lock (&lock);
  n_holders++;
  hangup_ensure_socket ();
  g_mutex_unlock (&lock);
}

void
ist_hangup_release (void)
{
  g_mutex_lock (&lock);
  if (--n_holders == 0 && diag_socket >= 0)
    {
      close (diag_socket);
      diag_socket = -1;
    }
  g_mutex_unlock (&lock);
}

/* The length of the answer, or less than nothing. */
static gssize
hangup_exchange (Question *question,
                 Answer *answer)
{
  gssize length = -1;

  g_mutex_lock (&lock);
  question->header.nlmsg_seq = ++last_question;
  /* The kernel has answered by the time that send() returns. What is left of an
   * earlier question is skipped. */
  if (hangup_ensure_socket () && send (diag_socket, question, sizeof *question, 0) == sizeof *question)
    {
      do
        length = recv (diag_socket, answer, sizeof *answer, MSG_DONTWAIT);
      while (length >= (gssize) sizeof answer->header && answer->header.nlmsg_seq != last_question);
    }
  g_mutex_unlock (&lock);
  return length;
}

/* Whether a program holds the other end of a TCP connection. It is asked for
 * by its addresses, which are ours the other way round. */
static IstHangup
hangup_ask_kernel (GSocket *connected)
{
  g_autoptr (GSocketAddress) ours = g_socket_get_local_address (connected, NULL);
  g_autoptr (GSocketAddress) theirs = g_socket_get_remote_address (connected, NULL);
  Question question = { 0 };
  Answer answer;
  const struct inet_diag_msg *found = NLMSG_DATA (&answer.header);
  gboolean is_local;
  gssize length;

  if (!G_IS_INET_SOCKET_ADDRESS (ours) || !G_IS_INET_SOCKET_ADDRESS (theirs))
    return IST_HANGUP_UNKNOWN;

  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.body.sdiag_family = g_socket_address_get_family (theirs);
  question.body.sdiag_protocol = IPPROTO_TCP;
  question.body.idiag_states = G_MAXUINT32;
  question.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  question.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  is_local = hangup_fill_address (theirs, question.body.id.idiag_src, &question.body.id.idiag_sport);
  hangup_fill_address (ours, question.body.id.idiag_dst, &question.body.id.idiag_dport);

  length = hangup_exchange (&question, &answer);
  if (length < (gssize) sizeof answer.header || !NLMSG_OK (&answer.header, (gsize) length))
    return IST_HANGUP_UNKNOWN;
  if (answer.header.nlmsg_type == NLMSG_ERROR)
    {
      const struct nlmsgerr *failure = NLMSG_DATA (&answer.header);

      return is_local && failure->error == -ENOENT ? IST_HANGUP_FULL : IST_HANGUP_UNKNOWN;
    }
  if (answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY)
    return IST_HANGUP_UNKNOWN;
  /* Where there is no connection the kernel falls back to who listens there. */
  if (found->idiag_state == TCP_LISTEN)
    return is_local ? IST_HANGUP_FULL : IST_HANGUP_UNKNOWN;
  return found->idiag_inode == 0 ? IST_HANGUP_FULL : IST_HANGUP_HALF;
}

static int
hangup_get_output_fd (GIOStream *stream)
{
  GOutputStream *output = g_io_stream_get_output_stream (stream);

  if (G_IS_SOCKET_CONNECTION (stream))
    return g_socket_get_fd (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)));
  if (G_IS_FILE_DESCRIPTOR_BASED (output))
    return g_file_descriptor_based_get_fd (G_FILE_DESCRIPTOR_BASED (output));
  return -1;
}

IstHangup
ist_hangup_check (GIOStream *stream)
{
  struct pollfd output = { .fd = hangup_get_output_fd (stream) };

  if (output.fd < 0)
    return IST_HANGUP_UNKNOWN;
  if (poll (&output, 1, 0) > 0 && (output.revents & (POLLERR | POLLHUP)) != 0)
    return IST_HANGUP_FULL;
  if (G_IS_TCP_CONNECTION (stream))
    return hangup_ask_kernel (g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream)));
  /* Pipes, terminals and Unix sockets would have told. */
  return IST_HANGUP_HALF;
}
