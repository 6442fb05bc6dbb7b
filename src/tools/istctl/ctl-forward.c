/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <glib/gi18n.h>
#include <stdlib.h>
#include <sysexits.h>

#include "tools/common/tool-error.h"
#include "tools/common/tool-operator-forwards.h"
#include "tools/common/tool-operator-link.h"
#include "tools/common/tool-operator-own.h"
#include "tools/common/tool-signals.h"
#include "tools/istctl/ctl-operator.h"
#include "tools/istctl/ctl-print.h"

/* A free port. */
#define DEFAULT_ADDRESS "0"

typedef struct
{
  CtlCall *call;
  ToolOperatorSettings settings;
  gboolean background;
  char *thing;
  const char *service;
  char *address; /* as it is bound, once it is */

  ToolOperatorLink *link;
  GMainLoop *loop;
  GError *error;
} Forward;

static gboolean
forward_tell (Forward *self,
              GError **error)
{
  g_autoptr (JsonBuilder) builder = NULL;
  g_autofree char *line = NULL;

  if (!self->call->json)
    {
      line = g_strconcat (self->address, "\n", NULL);
      return ctl_print (line, error);
    }
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "thingName");
  json_builder_add_string_value (builder, self->thing);
  json_builder_set_member_name (builder, "service");
  json_builder_add_string_value (builder, self->service);
  json_builder_set_member_name (builder, "address");
  json_builder_add_string_value (builder, self->address);
  json_builder_end_object (builder);
  return ctl_print_json (builder, error);
}

/* By the service */

static void
on_lost (const GError *error,
         gpointer user_data)
{
  Forward *self = user_data;

  self->error = g_error_copy (error);
  g_main_loop_quit (self->loop);
}

static int
forward_by_service (Forward *self,
                    GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (ToolOperatorForwards) forwards = NULL;
  const char *address;

  self->loop = loop;
  forwards = tool_operator_forwards_new (self->link, &self->settings, self->thing, on_lost, self);
  address = tool_operator_forwards_add (forwards, self->service, self->address, self->background, error);
  if (address == NULL)
    return EXIT_FAILURE;
  g_free (self->address);
  self->address = g_strdup (address);
  if (!forward_tell (self, error))
    return EXIT_FAILURE;
  if (self->background)
    return EXIT_SUCCESS;
  /* A signal ends this process, and with it the forward. */
  while (self->error == NULL)
    g_main_loop_run (self->loop);
  g_propagate_error (error, self->error);
  return EXIT_FAILURE;
}

/* Alone */

static int
forward_alone (Forward *self,
               GError **error)
{
  g_autoptr (ToolOperatorOwn) own = NULL;
  g_autoptr (IstOperatorForward) forward = NULL;

  if (self->background)
    {
      g_set_error_literal (error, TOOL_ERROR, EX_UNAVAILABLE,
                           _ ("--background: there is no ist-operator to go on with it (-v tells why)"));
      return EXIT_FAILURE;
    }
  own = tool_operator_own_new (&self->settings, error);
  if (own == NULL)
    return EXIT_FAILURE;
  forward = ist_operator_forward_new (tool_operator_own_get_client (own), self->thing, self->service, self->address,
                                      NULL);
  if (!ist_operator_forward_start (forward, error))
    return EXIT_FAILURE;
  g_free (self->address);
  self->address = g_strdup (ist_operator_forward_get_address (forward));
  if (!forward_tell (self, error))
    return EXIT_FAILURE;
  tool_operator_own_wait (own);
  ist_operator_forward_stop (forward);
  return TOOL_SIGNAL_EXIT_STATUS + tool_operator_own_get_signal (own);
}

/* The command */

static gboolean
forward_parse (Forward *self,
               GError **error)
{
  CtlCall *call = self->call;
  const GOptionEntry entries[] = {
    { "background", 'b', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &self->background,
      N_ ("Return at once; “istctl close” ends it"), NULL },
    CTL_TUNNEL_ENTRIES (self->settings),
    { NULL },
  };

  if (!ctl_operator_parse (call, &self->settings, entries,
                           _ ("Listens at ADDRESS, [HOST:]PORT or the path of a Unix socket, and connects everybody "
                              "who comes to SERVICE; writes the address, of which the port is a free one if it is 0 "
                              "or left out. Ends with Ctrl-C."),
                           2, 3, error))
    return FALSE;
  self->service = call->arguments[1];
  self->thing = ctl_operator_parse_thing (call->arguments[0], error);
  if (self->thing == NULL || !ctl_operator_check_service (self->service, error))
    return FALSE;
  self->address = g_strdup (call->n_arguments > 2 ? call->arguments[2] : DEFAULT_ADDRESS);
  return TRUE;
}

int
ctl_forward (CtlCall *call,
             GError **error)
{
  Forward self = { .call = call };
  int exit_status = EXIT_FAILURE;

  if (forward_parse (&self, error))
    {
      self.link = tool_operator_link_new (&self.settings);
      exit_status = self.link != NULL ? forward_by_service (&self, error) : forward_alone (&self, error);
    }
  g_clear_pointer (&self.link, tool_operator_link_free);
  tool_operator_settings_clear (&self.settings);
  g_free (self.thing);
  g_free (self.address);
  return exit_status;
}
