# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# fish completion for all programs; installed under the name of each

# The words so far, without the last, up to an option: a program, or a command of istctl.
function __ist_command
    for word in (commandline -opc)
        string match -q -- '-*' $word; and break
        echo $word
    end
end

# Each option that a command's help has, and what it does.
function __ist_options
    set -l command (__ist_command)
    set -l all --help-all
    test "$command" = istctl; and set all --help
    LC_ALL=C.UTF-8 $command $all 2>/dev/null |
        string replace -rf '^  (?:-\w, )?(--[\w-]+)(?:=.*?)?  +(.*)$' '$1\t$2'
end

# The words that may come after the command so far.
function __ist_words
    set -l command (__ist_command)[2..-1]
    LC_ALL=C.UTF-8 istctl --help 2>/dev/null |
        string replace -rf "^  $(string join ' ' $command '')([a-z]+)(?: [a-z]+)*  .*" '$1' | sort -u
end

# The same as if what follows “--” were all there is.
function __ist_command_line
    set -l words (commandline -opc) (commandline -ct)
    set -l i (contains -i -- -- $words)
    complete -C (string join ' ' -- (string escape -- $words[(math $i + 1)..-2]) $words[-1])
end

set -l program (string replace -r '\.fish$' '' (status basename))
set -l in_options 'not contains -- -- (commandline -opc); and string match -q -- "-*" (commandline -ct)'

complete -c $program -n $in_options -a '(__ist_options)'
switch $program
    case istctl
        complete -c istctl -f
        complete -c istctl -n 'not string match -q -- "-*" (commandline -ct)' -a '(__ist_words)'
        complete -c istctl -n 'contains agent (__ist_command)' -l bus -x -a 'system session'
        complete -c istctl -n 'contains (__ist_command)[2] connect forward open' -l reuse -x -a 'own any never'
        complete -c istctl -n 'contains (__ist_command)[2] connect forward open' -l ca-file -r -F
    case ist-proxy
        complete -c ist-proxy -l mode -s m -x -a 'src source dst destination'
        complete -c ist-proxy -l destination-client-type -s y -x -a 'V1 V2 V3'
        complete -c ist-proxy -l verbose -s v -x -a '(seq 0 6)'
    case ist-agent
        complete -c ist-agent -l bus -x -a 'system session none'
        complete -c ist-agent -l verbose -s v -x -a '(seq 0 6)'
    case ist-operator
        complete -c ist-operator -f
        complete -c ist-operator -l verbose -s v -x -a '(seq 0 6)'
end
if contains $program ist-emulator ist-proxy
    complete -c $program -n 'contains -- -- (commandline -opc)' -x -a '(__ist_command_line)'
end
