/* SPDX-FileCopyrightText: 2026 The libist authors
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tools/common/tool-terminal.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ELLIPSIS "…"
#define PLAIN "\033[0m"

void
tool_terminal_get_size (int fd,
                        guint *columns,
                        guint *lines)
{
  struct winsize size = { 0 };

  ioctl (fd, TIOCGWINSZ, &size);
  *columns = size.ws_col > 0 ? size.ws_col : 80;
  *lines = size.ws_row > 0 ? size.ws_row : 24;
}

gboolean
tool_terminal_is_styled (int fd)
{
  const char *no_color = g_getenv ("NO_COLOR");

  return isatty (fd) && (no_color == NULL || *no_color == '\0') && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
}

static guint
get_character_width (gunichar c)
{
  if (g_unichar_iszerowidth (c))
    return 0;
  return g_unichar_iswide (c) ? 2 : 1;
}

guint
tool_text_get_width (const char *text)
{
  guint width = 0;

  for (; *text != '\0'; text = g_utf8_next_char (text))
    width += get_character_width (g_utf8_get_char (text));
  return width;
}

char *
tool_text_fit (const char *text,
               guint width)
{
  const char *end = text;
  guint used = 0;

  if (tool_text_get_width (text) <= width)
    return g_strdup (text);
  if (width == 0)
    return g_strdup ("");

  /* What has no width belongs to what comes before it. */
  for (; *end != '\0'; end = g_utf8_next_char (end))
    {
      used += get_character_width (g_utf8_get_char (end));
      if (used > width - 1)
        break;
    }
  return g_strdup_printf ("%.*s" ELLIPSIS, (int) (end - text), text);
}

void
tool_style_append (GString *out,
                   ToolStyle style,
                   const char *text)
{
  static const char *const begins[] = {
    [TOOL_STYLE_PLAIN] = "",
    [TOOL_STYLE_TITLE] = "\033[1m",
    [TOOL_STYLE_GOOD] = "\033[32m",
    [TOOL_STYLE_WARNING] = "\033[33m",
    [TOOL_STYLE_BAD] = "\033[31m",
    [TOOL_STYLE_FAINT] = "\033[2m",
  };

  if (style == TOOL_STYLE_PLAIN)
    g_string_append (out, text);
  else
    g_string_append_printf (out, "%s%s" PLAIN, begins[style], text);
}
