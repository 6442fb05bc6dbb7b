#!/bin/sh
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Usage: reference.sh STYLE OUTPUT COMMAND...
#
# Runs gi-docgen, which writes into the folder OUTPUT, and adds STYLE to its own.

style=$1
output=$2
shift 2
"$@" && cat "$style" >>"$output/style.css"
