/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Handlers that intervene, whatever it is that they are told: no call is without an end,
 * and no tunnel without a use.
 */

#include "operating.h"

typedef enum
{
  DEED_CONNECT,
  DEED_CLOSE_CLIENT,
  DEED_CLOSE_TUNNEL,
  DEED_DROP,
  DEED_KEEP,
  DEED_LINGER,
} Deed;

#define N_DEEDS (DEED_LINGER + 1)

/* What is told until a tunnel is connected, and some of its end. */
#define N_SIGNALS 24

typedef struct
{
  TestOperating *operating;
  Deed deed;
  guint when; /* how many signals are let pass */
  guint n;
  gboolean done;
} Intervention;

static guint n_pending;

static void
intervene (Intervention *intervention,
           IstOperatorTunnel *tunnel)
{
  TestOperating *operating = intervention->operating;

  if (intervention->done || intervention->n++ < intervention->when || operating->client == NULL)
    return;
  intervention->done = TRUE;
  switch (intervention->deed)
    {
    case DEED_CONNECT:
      n_pending++;
      ist_operator_client_connect_async (operating->client, TEST_THING, "SSH", NULL, NULL, test_count_down, &n_pending);
      break;
    case DEED_CLOSE_CLIENT:
      ist_operator_client_close_async (operating->client, NULL, NULL, NULL);
      break;
    case DEED_CLOSE_TUNNEL:
      if (tunnel != NULL)
        ist_operator_tunnel_close_async (tunnel, NULL, NULL, NULL);
      break;
    case DEED_DROP:
      ist_operator_client_close_async (operating->client, NULL, NULL, NULL);
      g_clear_object (&operating->client);
      break;
    case DEED_KEEP:
      if (tunnel != NULL)
        ist_operator_tunnel_set_kept (tunnel, !ist_operator_tunnel_get_kept (tunnel));
      break;
    case DEED_LINGER:
    default:
      ist_operator_client_set_linger (operating->client, ist_operator_client_get_linger (operating->client) == 0);
      break;
    }
}

static void
on_any_notify (GObject *tunnel,
               GParamSpec *pspec,
               Intervention *intervention)
{
  intervene (intervention, IST_OPERATOR_TUNNEL (tunnel));
}

static void
on_any_progress (IstOperatorClient *client,
                 IstOperatorTunnel *tunnel,
                 IstOperatorTunnelState state,
                 Intervention *intervention)
{
  intervene (intervention, tunnel);
}

static void
on_any_closed (IstOperatorClient *client,
               IstOperatorTunnel *tunnel,
               const GError *error,
               Intervention *intervention)
{
  intervene (intervention, tunnel);
}

static void
on_any_items (GListModel *client,
              guint position,
              guint removed,
              guint added,
              Intervention *intervention)
{
  g_autoptr (IstOperatorTunnel) tunnel = added > 0 ? g_list_model_get_item (client, position) : NULL;

  if (tunnel != NULL)
    g_signal_connect (tunnel, "notify", G_CALLBACK (on_any_notify), intervention);
  intervene (intervention, tunnel);
}

static void
check_intervention (Deed deed,
                    guint when,
                    IstOperatorReuse reuse)
{
  g_autoptr (TestOperating) operating = test_operating_new ();
  static Intervention intervention;
  GObject *weak;

  intervention = (Intervention){ .operating = operating, .deed = deed, .when = when };

  g_signal_handlers_disconnect_matched (operating->client, G_SIGNAL_MATCH_DATA, 0, 0, NULL, NULL, operating);
  ist_operator_options_set_reuse (ist_operator_client_get_options (operating->client), reuse);
  g_signal_connect (operating->client, "items-changed", G_CALLBACK (on_any_items), &intervention);
  g_signal_connect (operating->client, "progress", G_CALLBACK (on_any_progress), &intervention);
  g_signal_connect (operating->client, "tunnel-closed", G_CALLBACK (on_any_closed), &intervention);
  n_pending = 2;
  weak = G_OBJECT (g_object_ref (operating->client));
  ist_operator_client_connect_async (IST_OPERATOR_CLIENT (weak), TEST_THING, "SSH", NULL, NULL, test_count_down,
                                     &n_pending);
  ist_operator_client_connect_async (IST_OPERATOR_CLIENT (weak), TEST_THING, "SSH", NULL, NULL, test_count_down,
                                     &n_pending);
  g_object_unref (weak);
  test_wait (n_pending == 0);
  if (operating->client != NULL)
    ist_operator_client_close_async (operating->client, NULL, NULL, NULL);
  test_wait (n_pending == 0);
  test_wait (test_operating_count_open (operating) == 0);
  intervention.done = TRUE;
}

static void
test_interventions (gconstpointer data)
{
  IstOperatorReuse reuse = GPOINTER_TO_INT (data);

  for (Deed deed = 0; deed < N_DEEDS; deed++)
    for (guint when = 0; when < N_SIGNALS; when++)
      {
        g_test_message ("deed %d when %u", deed, when);
        check_intervention (deed, when, reuse);
      }
}

int
main (int argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/operator/interventions/own", GINT_TO_POINTER (IST_OPERATOR_REUSE_OWN), test_interventions);
  g_test_add_data_func ("/operator/interventions/any", GINT_TO_POINTER (IST_OPERATOR_REUSE_ANY), test_interventions);
  return g_test_run ();
}
