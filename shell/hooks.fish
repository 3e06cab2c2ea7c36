# Tell the recorder which commands this fish runs: marks in escape sequences, worded in shell/README.md.
#
# Sourced at the end of config.fish; fish 3.6 or newer. May live here: handlers of fish's events. May not:
# starting any program, a fork, printing anything but marks, or touching what else is the user's (the
# functions that draw prompts, key bindings, fish's own marks). fish itself keeps $status and $pipestatus
# as they were over its event handlers, and runs builtins in command substitutions without a fork.

status is-interactive; and test -n "$REC_NONCE" -a "$__rec_shell" != $fish_pid
or return 0

# Print the fields of /proc/$pid/stat from the state on, one a line: field 3 comes first.
function __rec_stat --argument-names pid
    test -r /proc/$pid/stat
    or return
    builtin read -lz stat </proc/$pid/stat
    # The name before it, in parentheses, may hold parentheses, blanks and newlines itself.
    set -l fields
    string match -qr '(?s)^.*\) (?<fields>.*)' -- $stat
    and string split ' ' -- $fields
end

# The variables alone are no proof: a multiplexer's server keeps them, and they outlive the recorder.
# Stdin may be a pipe here: `… | source`. Without a controlling terminal (field 7), /dev/tty could not be
# opened, and fish would say so at each prompt.
function __rec_recorded
    string match -qr '^\d+$' -- "$REC_PID"; and test -n "$REC_TTY" -a -n "$REC_START"
    or return
    set -l terminal (builtin realpath $REC_TTY 2>/dev/null)
    and for fd in 0 1 2
        contains -- $terminal (builtin realpath /dev/fd/$fd 2>/dev/null)
        and break
    end
    and contains -- $REC_START (__rec_stat $REC_PID)[20]
    and not contains -- 0 (__rec_stat $fish_pid)[5]
end

# --- writing marks ---------------------------------------------------------------------------------------

# Write a mark. The terminal is opened for each: what the user does with stdout is none of our business.
function __rec_mark --argument-names verb_and_arguments
    set -g __rec_count (builtin math $__rec_count + 1)
    set -gx REC_COUNT $__rec_count
    builtin printf '\e]7373;%s;%s;%s;%s\a' $REC_NONCE $fish_pid $__rec_count $verb_and_arguments >/dev/tty
end

function __rec_encode
    string escape --style=url -- $argv[1]
end

# --- a command begins ------------------------------------------------------------------------------------

# Whether fish keeps nothing at all now. An empty fish_history is another way to say so.
function __rec_private
    test -n "$fish_private_mode"
    or begin
        set -q fish_history; and test -z "$fish_history"
    end
end

# Whether the user hides line $argv[1]: by a space before it, or (fish 4) in a function of theirs.
function __rec_hidden
    __rec_private
    or string match -q ' *' -- $argv[1]
    or begin
        functions -q fish_should_add_to_history
        and not fish_should_add_to_history $argv[1] >/dev/null 2>&1
    end
end

# Print how many jobs are stopped; fish leaves $status as it was where a command stops.
function __rec_stopped
    builtin jobs | string match -r '\tstopped\t' | builtin count
end

# The argument is the line as typed. A line of nothing but comments is none: fish runs nothing.
function __rec_start --on-event fish_preexec
    if __rec_hidden $argv[1]
        __rec_mark hide
    else if string match -qrv '^\s*(#|$)' -- (string split \n -- $argv[1])
        __rec_mark "start;"(__rec_encode $argv[1])";"(__rec_encode $PWD)
    else
        return
    end
    set -g __rec_open (__rec_stopped)
end

# --- a command has ended, and the next prompt comes ------------------------------------------------------

function __rec_end --on-event fish_postexec
    set -l code $status
    if set -q __rec_open
        test (__rec_stopped) -gt $__rec_open
        and set code 148 # as other shells have it: 128 + SIGTSTP
        set -eg __rec_open
        __rec_mark "end;$code"
    end
end

# Behind Ctrl-C and a syntax error the prompt is drawn again, without the event of its own.
function __rec_prompt --on-event fish_prompt --on-event fish_cancel --on-event fish_posterror
    if __rec_private
        __rec_mark "prompt;"(__rec_encode $PWD)";private"
    else
        __rec_mark "prompt;"(__rec_encode $PWD)
    end
end

# --- hooking in ------------------------------------------------------------------------------------------

if __rec_recorded; and string match -qr '^(3\.([6-9]|\d\d)|[4-9]|\d\d)' -- $version
    set -g __rec_shell $fish_pid
    set -g __rec_count (builtin math (__rec_stat $fish_pid)[20] '*' 1000)
    # After `exec fish` this is the same process: its numbers must go on.
    if string match -qr '^\d{1,18}$' -- "$REC_COUNT"; and test $REC_COUNT -gt $__rec_count
        set -g __rec_count $REC_COUNT
    end
else
    if __rec_recorded
        echo "rec: could not follow the commands: fish is $version, older than 3.6" >&2
    end
    functions -e __rec_mark __rec_encode __rec_private __rec_hidden __rec_stopped __rec_start __rec_end __rec_prompt
end
functions -e __rec_stat __rec_recorded
