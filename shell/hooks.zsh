# Tell the recorder which commands this zsh runs: marks in escape sequences, worded in shell/README.md.
#
# Sourced at the end of ~/.zshrc; zsh 5.8 or newer. May live here: what hooks into precmd_functions and
# preexec_functions. May not: starting any program, a fork, printing anything but marks, or touching what
# else is the user's (prompts, options, the line editor).
#
# `emulate -L zsh` makes a function mean the same under whatever options the user has set, and `builtin`
# calls what people wrap in aliases or functions. The hooks' stderr is put away, in a block, since zsh skips
# what stands behind a hook's own braces: a terminal that cannot be written to, or the user's `set -x`, is no
# reason to speak at each prompt.

[[ -o interactive && -n ${REC_NONCE-} ]] || return 0
if [[ ${__rec_shell-} == "$$" ]]; then
    __rec_settle # The rc file is read again, and may have begun by setting the arrays anew.
    return 0
fi

# Set REPLY to when process $1 started, in clock ticks since boot; fail where there is none.
__rec_since() {
    builtin emulate -L zsh
    # The name, in parentheses, may hold parentheses and blanks itself; field 3 is the first behind it.
    builtin local stat=''
    IFS='' builtin read -r -u 0 -d '' stat <"/proc/$1/stat"
    REPLY=${${(s: :)stat##*\) }[20]}
    [[ -n $REPLY ]]
} 2>/dev/null

# The variables alone are no proof: a multiplexer's server keeps them, and they outlive the recorder.
# TTY is asked rather than stdin, which a prompt theme may have put aside while the rc file is read.
__rec_recorded() {
    builtin emulate -L zsh
    builtin local REPLY
    [[ -n ${REC_TTY-} && ${TTY:-/dev/fd/0} -ef $REC_TTY && ${REC_PID-} == <-> ]] &&
        __rec_since "$REC_PID" && [[ $REPLY == "${REC_START-}" ]]
}

# --- writing marks ---------------------------------------------------------------------------------------

# Write a mark with verb $1 and what follows it. The terminal is opened for each: what the user does with
# stdout is none of our business, and nothing is left open for children.
__rec_mark() {
    builtin emulate -L zsh
    builtin export REC_COUNT=$((++__rec_count))
    builtin print -rn -- $'\e]7373;'"$REC_NONCE;$$;$REC_COUNT;$1"$'\a' >/dev/tty
}

# Set REPLY to $1 with the bytes percent-encoded that may not stand in an argument. In pieces: zsh copies
# the whole rest of a string at each match. Without multibyte, since bytes that are no text must stay.
__rec_encode() {
    builtin emulate -L zsh -o extended_glob -o no_multibyte
    builtin local MATCH MBEGIN MEND
    builtin local -i at
    REPLY=
    for ((at = 1; at <= $#1; at += 1024)); do
        REPLY+=${1[at,at+1023]//(#m)[%;[:cntrl:]]/%${(l:2::0:)$(([##16]#MATCH))}}
    done
}

# --- a command begins ------------------------------------------------------------------------------------

# Whether the user hides line $1. zsh always keeps the last lines in memory, whatever HISTSIZE (at least 1)
# and HISTFILE (unset by default) are: these say nothing. HISTORY_IGNORE is the one pattern that keeps a
# line out of the file; zsh reads it with the options of the user, so it comes before `emulate`. What a
# zshaddhistory hook answers cannot be known: to ask it a second time may store the line.
__rec_hidden() {
    {
        if [[ -n ${HISTORY_IGNORE-} && $1 == ${~HISTORY_IGNORE} ]]; then
            return 0
        fi
    } always {
        TRY_BLOCK_ERROR=0 # A pattern that zsh cannot read matches nothing.
    }
    builtin emulate -L zsh
    [[ -o hist_ignore_space ]] || return 1
    [[ $1 != ' '* ]] || return 0
    # An alias whose text begins with a space hides too, wherever it stands, also by way of another one.
    [[ -n ${(M)aliases:# *} ]] || return 1
    builtin local word
    for word in ${(z)1}; do
        repeat 9; do
            [[ ${aliases[$word]-} != ' '* ]] || return 0
            word=${${aliases[$word]-}%%[[:space:]]*}
        done
    done
    return 1
}

# The last of preexec_functions; $1 is the line as typed.
__rec_start() {
    {
        builtin local REPLY
        if __rec_hidden "$1"; then
            __rec_mark hide
        else
            __rec_encode "$1" && set -- "$REPLY" && __rec_encode "$PWD"
            __rec_mark "start;$1;$REPLY"
        fi
        # Not ended: what ends commands is gone from precmd_functions, replaced as a whole.
        ((!__rec_open)) || __rec_settle
        __rec_open=1
    } 2>/dev/null
}

# --- a command has ended, and the next prompt comes ------------------------------------------------------

# The first of precmd_functions, so that what others print is not the command's output. Plugins also call
# all of these from inside the line editor, to draw a prompt anew: no command has ended then.
__rec_end() {
    {
        set -- $?
        if ((__rec_open)) && ! builtin zle; then
            __rec_open=0
            __rec_mark "end;$1"
        fi
    } 2>/dev/null
}

# The last of precmd_functions.
__rec_prompt() {
    {
        if ! builtin zle; then
            builtin local REPLY
            __rec_encode "$PWD"
            __rec_mark "prompt;$REPLY"
            __rec_settle
        fi
    } 2>/dev/null
}

# --- hooking in ------------------------------------------------------------------------------------------

# See that our functions are there and in their places, and move nobody else's. Others want to be the last
# as well: so this happens once per prompt, and whoever comes behind us for that one is left there. kitty and
# Ghostty mark the prompt itself as long as they are the last, and print nothing that is seen.
__rec_settle() {
    builtin emulate -L zsh
    builtin local -a wanted
    wanted=(
        __rec_end
        ${precmd_functions:#(__rec_(end|prompt)|_(ksi|ghostty)_*)}
        __rec_prompt
        ${(M)precmd_functions:#_(ksi|ghostty)_*}
    )
    [[ "$precmd_functions" == "$wanted" ]] || precmd_functions=($wanted)
    [[ ${preexec_functions[-1]-} == __rec_start ]] ||
        preexec_functions=(${preexec_functions:#__rec_start} __rec_start)
} 2>/dev/null

() {
    builtin emulate -L zsh
    builtin local REPLY
    if __rec_recorded && ((${ZSH_VERSION%%.*} * 100 + ${${ZSH_VERSION#*.}%%.*} >= 508)); then
        __rec_since $$ || REPLY=0
        builtin typeset -g __rec_shell=$$
        builtin typeset -gi __rec_open=0 __rec_count=$((REPLY * 1000))
        # After `exec zsh` this is the same process: its numbers must go on.
        [[ ${REC_COUNT-} != <-> ]] || ((REC_COUNT <= __rec_count)) || __rec_count=$REC_COUNT
        __rec_settle
    else
        ! __rec_recorded || builtin print -ru2 "rec: could not follow the commands: zsh is $ZSH_VERSION, older than 5.8"
        builtin unset -f __rec_mark __rec_encode __rec_hidden __rec_start __rec_end __rec_prompt __rec_settle
    fi
    builtin unset -f __rec_since __rec_recorded
}
