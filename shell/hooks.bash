# Tell the recorder which commands this bash runs: marks in escape sequences, worded in shell/README.md.
#
# Sourced at the end of ~/.bashrc; bash 4.4 or newer. May live here: what hooks into PROMPT_COMMAND and PS0.
# May not: starting any program, printing anything but marks, or changing what else is the user's (PS1,
# traps, HISTCONTROL). A prompt costs no fork; a command costs one, and none where bash is 5.3 or newer.
#
# Builtins that people wrap in aliases or functions are called by `builtin`. Functions that run at the prompt
# begin with `local -`, so that the user's -e, -u and -x do not reach into them.

[[ $- == *i* && -n ${REC_NONCE-} && ${__rec_shell-} != "$$" ]] || return 0

# Set __rec_ticks to when process $1 started, in clock ticks since boot; fail where there is none.
__rec_since() {
    local IFS=' ' __rec_stat=
    IFS='' builtin read -r -d '' __rec_stat 2>/dev/null <"/proc/$1/stat"
    # The name, in parentheses, may hold parentheses and blanks itself; field 3 is the first behind it.
    # shellcheck disable=SC2086
    set -- ${__rec_stat##*) }
    __rec_ticks=${20-}
    [[ -n $__rec_ticks ]]
}

# The variables alone are no proof: a multiplexer's server keeps them, and they outlive the recorder.
__rec_recorded() {
    [[ -n ${REC_TTY-} && -n ${REC_START-} && -n ${REC_PID-} && $REC_PID != *[!0-9]* ]] &&
        [[ /dev/fd/0 -ef $REC_TTY || /dev/fd/1 -ef $REC_TTY || /dev/fd/2 -ef $REC_TTY ]] &&
        __rec_since "$REC_PID" && [[ $__rec_ticks == "$REC_START" ]]
}

__rec_ticks=
if ! __rec_recorded || ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
    ! __rec_recorded || echo "rec: could not follow the commands: bash is ${BASH_VERSION-}, older than 4.4" >&2
    unset -f __rec_since __rec_recorded
    unset -v __rec_ticks
    return 0
fi

# --- writing marks ---------------------------------------------------------------------------------------

# Set __rec_text to $1 with the bytes percent-encoded that may not stand in an argument. Mostly none has to
# be, and is not asked to. In pieces: bash copies the whole rest of a string at each replacement. In the C
# locale: there, bytes are counted.
__rec_encode() {
    local LC_ALL=C __rec_at __rec_code __rec_byte __rec_piece
    __rec_text=
    for ((__rec_at = 0; __rec_at < ${#1}; __rec_at += 1024)); do
        __rec_piece=${1:__rec_at:1024}
        __rec_piece=${__rec_piece//'%'/%25}
        if [[ $__rec_piece == *[[:cntrl:]\;]* ]]; then
            for __rec_code in 3B 7F 0{1..9} 0{A..F} 1{0..9} 1{A..F}; do
                builtin printf -v __rec_byte %b "\\x$__rec_code"
                __rec_piece=${__rec_piece//"$__rec_byte"/"%$__rec_code"}
            done
        fi
        __rec_text+=$__rec_piece
    done
}

# Set __rec_place to the directory, encoded; to be called where it is not the one before.
__rec_locate() {
    local __rec_text
    __rec_encode "$PWD"
    __rec_cwd=$PWD __rec_place=$__rec_text
}

# --- a command begins: in PS0, after bash has read the line and stored it --------------------------------

# Print $1, encoded: a line for which a few expansions are not enough, or a directory that is not the one of the
# last prompt, since lines pasted at once may change it.
__rec_print() {
    local __rec_text
    __rec_encode "$1"
    builtin printf %s "$__rec_text"
}

# PS0 itself is the mark: bash writes what it expands to in one piece. In a shell that has just forked or slept,
# what is touched costs more than what is done; so the one fork that is needed runs one builtin, and all else is
# expansion, in this shell. A step that only sets a variable stands in the mark's first argument, which says
# nothing: `${x#…}` leaves the letter x of it. Only what is unset can be set so: hence an element for each mark.
# shellcheck disable=SC2016
{
    __rec_history='HISTTIMEFORMAT= builtin history 1'
    # One that is readonly would be in the text; `fc` shows no times.
    [[ ${HISTTIMEFORMAT+${HISTTIMEFORMAT@a}} != *r* ]] || __rec_history='builtin fc -ln -0 -0'
    if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 503)); then
        __rec_history='$('$__rec_history')'
    else
        __rec_history='${ '$__rec_history'; }' # without a fork
    fi
    __rec_set() { builtin printf -v "$1" %s "${!1-}" '${__rec_x#"${'"$2"'[__rec_count]:='"$3"'}"}'; }

    __rec_ps0=$'\e'']7373;${REC_NONCE-};$$;$((REC_COUNT=__rec_count+=1+0*(__rec_open=1)));line;'
    __rec_set __rec_ps0 __rec_told "$__rec_history"
    __rec_set __rec_ps0 __rec_short '${__rec_told[__rec_count]:0:1001}'
    __rec_set __rec_ps0 __rec_signs '${__rec_short[__rec_count]//[![:cntrl:]%\;]}'
    __rec_set __rec_ps0 __rec_moved '${PWD#"$__rec_cwd"}'
    # Mostly none has to be encoded; else one after the other, and where that is not enough, in a function.
    __rec_ps0+='${__rec_steps[${#__rec_signs[__rec_count]} > 0]@P};'
    __rec_steps=('' '')
    __rec_set '__rec_steps[1]' __rec_plain '${__rec_short[__rec_count]//'"'%'"'/%25}'
    __rec_set '__rec_steps[1]' __rec_line '${__rec_plain[__rec_count]//$__rec_semicolon/%3B}'
    __rec_set '__rec_steps[1]' __rec_lines '${__rec_line[__rec_count]//$__rec_newline/%0A}'
    __rec_set '__rec_steps[1]' __rec_odd '${__rec_lines[__rec_count]//[![:cntrl:]]}'
    __rec_ps0+='${__rec_texts[${#__rec_told[__rec_count]} > 1000 || 0${__rec_odd[__rec_count]:+1} ? 2 : ${#__rec_signs[__rec_count]} > 0]@P};'
    __rec_texts=('${__rec_told[__rec_count]}' '${__rec_lines[__rec_count]}' '$(__rec_print "${__rec_told[__rec_count]}")')
    __rec_ps0+='${__rec_places[${#__rec_moved[__rec_count]} > 0]@P};'
    __rec_places=('${__rec_place}' '$(__rec_print "$PWD")')
    # The number did not move: HISTCONTROL or HISTIGNORE kept the line out, and the text is the one before.
    # (With erasedups it may stand still for a stored line; the recorder compares with what was drawn.)
    # Then what is not empty where no history is kept, and where bash-preexec has HISTCONTROL store lines that
    # begin with a space, to delete them after this.
    __rec_ps0+='$((HISTCMD == __rec_number));${SHELLOPTS##*history*};${__bp_ignorespace-}'$'\a'
    # For lines that bash runs without a prompt between them. The offset into an empty string comes to nothing.
    __rec_ps0+='${__rec_none:$((__rec_number=HISTCMD)):0}'
    __rec_ps0='${__rec_shell+'$__rec_ps0'}'
    builtin unset -f __rec_set
}

# ble.sh reads and runs the line ($1) itself, and keeps the history by the user's rules, which we repeat here.
__rec_begin() {
    local __rec_text __rec_pattern __rec_hidden='' -
    set +eux
    [[ $__rec_shell == "$$" ]] || return 0
    __rec_open=1
    [[ -o history && ${HISTSIZE-} != 0 ]] || __rec_hidden=1
    [[ ${HISTCONTROL-} != *ignore[sb]* || $1 != ' '* ]] || __rec_hidden=1
    while IFS= builtin read -r -d : __rec_pattern; do
        # shellcheck disable=SC2053
        [[ -z $__rec_pattern || $1 != $__rec_pattern ]] || __rec_hidden=1
    done <<<"${HISTIGNORE-}:"
    [[ $PWD == "$__rec_cwd" ]] || __rec_locate
    __rec_encode "$1"
    __rec_text="start;$__rec_text;$__rec_place"
    [[ -z $__rec_hidden ]] || __rec_text=hide
    builtin printf '\e]7373;%s;%s;%s;%s\a' "${REC_NONCE-}" "$$" "$((REC_COUNT=++__rec_count))" \
        "$__rec_text" >/dev/tty
}

# --- a command has ended, and the next prompt comes: in PROMPT_COMMAND ------------------------------------

# The command is over, with status $1.
__rec_close() {
    [[ $__rec_shell == "$$" ]] || return 0
    __rec_open=0
    builtin printf '\e]7373;%s;%s;%s;end;%s\a' "${REC_NONCE-}" "$$" "$((++__rec_count))" "$1" >/dev/tty
}

# The prompt is about to be drawn.
__rec_ready() {
    [[ $__rec_shell == "$$" ]] || return 0
    # Nearly always all is in its place: then there is nothing to be settled.
    if [[ $PS0 != *"$__rec_ps0"* || $PROMPT_COMMAND != "$__rec_first"* || -n ${BLE_VERSION-} ]] ||
        ! builtin shopt -q promptvars; then
        __rec_settle
    fi
    [[ $PWD == "$__rec_cwd" ]] || __rec_locate
    # Whether bash keeps no history at all now: then the user wants nothing kept, and we could not know the text.
    local __rec_rest=';private'
    [[ ! -o history || ${HISTSIZE-} == 0 ]] || __rec_rest=''
    builtin printf '\e]7373;%s;%s;%s;prompt;%s\a' "${REC_NONCE-}" "$$" "$((REC_COUNT=++__rec_count))" \
        "$__rec_place$__rec_rest" >/dev/tty
    __rec_number=$((HISTCMD))
    [[ ${#__rec_told[@]} -lt 10 ]] || # texts that are of no use any more
        __rec_told=() __rec_short=() __rec_signs=() __rec_moved=() __rec_plain=() __rec_line=() __rec_lines=() __rec_odd=()
}

# Somebody has a DEBUG trap ($1), which is told once.
__rec_trapped() {
    [[ -n $1 && $__rec_alone == 0 ]] || return 0
    __rec_trap=$1
    __rec_settle
}

# The first element: $1 is $?, $2 the DEBUG trap, $3 is $_. The status and $_ it leaves to what stands behind.
__rec_end() {
    local __rec_status=${1-$?} __rec_flags=$- -
    set +eux
    [[ $__rec_open == 0 ]] || __rec_close "$__rec_status"
    [[ -z $2 ]] || __rec_trapped "$2"
    [[ $__rec_alone == 0 ]] || __rec_ready
    # Under -e a status that is not 0 would end the shell here, which it survived before.
    [[ $__rec_flags != *e* ]] || __rec_status=0
    : "$3"
    return "$__rec_status"
} 2>/dev/null

# The last element. It also ends the command, should the first have been overwritten.
__rec_prompt() {
    local __rec_status=${1-$?} __rec_flags=$- -
    set +eux
    [[ $__rec_open == 0 ]] || __rec_close "$__rec_status"
    [[ $__rec_alone != 0 ]] || __rec_ready
    [[ -z $2 ]] || __rec_trapped "$2"
    : "${__rec_trap=}" # It has been asked for here, too: that is enough.
    # Where bash-preexec was loaded behind us, this element has come after it once, and disarmed it.
    if [[ -n ${bash_preexec_imported-}${__bp_imported-} && $# -gt 0 ]]; then
        ! builtin declare -F __bp_interactive_mode >/dev/null || __bp_interactive_mode
    fi
    [[ $__rec_flags != *e* ]] || __rec_status=0
    : "$3"
    return "$__rec_status"
} 2>/dev/null

# --- hooking in ------------------------------------------------------------------------------------------

# These texts may be exported, and then run in shells that have none of our functions: they must be silent
# there, and the first must hand $? on, for which a command substitution without a command is the only
# means. Each word is an expansion of its own: IFS could split, or not split, a longer one. No semicolon:
# bash-preexec splits at those to know what belongs to the prompt.
# shellcheck disable=SC2016
{
    __rec_final='${__rec_none-$(exit "$?")} ${__rec_shell+"$?"}'
    # Asked for at the first prompt only, for it is a fork; a function would not see the trap.
    __rec_final+=' ${__rec_shell+"${__rec_trap-$(builtin trap -p DEBUG)}"} ${__rec_shell+"$_"}'
    __rec_first='${__rec_shell+"__rec_end"}'$__rec_final
    __rec_final='${__rec_shell+"__rec_prompt"}'$__rec_final
}

# Take the last element out.
# shellcheck disable=SC2128,SC2178
__rec_retire() {
    local __rec_at
    PROMPT_COMMAND=${PROMPT_COMMAND//$'\n'"$__rec_final"}
    for __rec_at in "${!PROMPT_COMMAND[@]}"; do
        [[ ${PROMPT_COMMAND[__rec_at]} != "$__rec_final" ]] || builtin unset -v "PROMPT_COMMAND[__rec_at]"
    done
}

# See that our parts are where they belong, since themes rewrite these variables. Nobody else's is moved.
# The end comes first, in element 0: $? is still the command's then, and what other hooks print is not the
# command's output. The prompt comes last, as an element of its own where there can be one (5.1): element 0
# alone is what `PROMPT_COMMAND=…` replaces. An exported variable stays a string, for arrays are not exported.
# Who has a DEBUG trap takes what runs behind his own element for a command: then the first is all we have, and
# is left where it is called from another's function, in which no trap is run.
# shellcheck disable=SC2128,SC2178,SC2179
__rec_settle() {
    local -
    set +u
    if [[ ${PROMPT_COMMAND@a}${PS0@a} == *r* ]]; then
        return 1
    fi
    if ! builtin shopt -q promptvars; then
        PS0=${PS0//"$__rec_ps0"} # It would be shown as it stands.
    elif [[ $PS0 != *"$__rec_ps0"* ]]; then
        PS0+=$__rec_ps0
    fi
    if [[ -n ${BLE_VERSION-} ]] && builtin declare -F blehook >/dev/null; then
        __rec_alone=0
        __rec_retire
        PS0=${PS0//"$__rec_ps0"} PROMPT_COMMAND=${PROMPT_COMMAND//"$__rec_first"/:}
        blehook PREEXEC!=__rec_begin
        blehook PRECMD!=__rec_end
        blehook PRECMD!=__rec_prompt
        return 0
    fi
    if [[ -n ${bash_preexec_imported-}${__bp_imported-} ]]; then
        # It wants to be last in PROMPT_COMMAND, and calls functions of ours.
        __rec_alone=0
        __rec_retire
        [[ ${precmd_functions[*]} == *__rec_prompt* ]] ||
            precmd_functions=(__rec_end "${precmd_functions[@]}" __rec_prompt)
        return 0
    fi
    if [[ -n $__rec_trap ]]; then
        __rec_alone=1
        __rec_retire
        [[ ${FUNCNAME[*]} != *__rec_end* || ${FUNCNAME[-1]} == __rec_* ]] || return 0
    fi
    if [[ $PROMPT_COMMAND != "$__rec_first"* ]]; then
        # Somebody came before us, and $? may be theirs now.
        PROMPT_COMMAND=${PROMPT_COMMAND//"$__rec_first"/:}
        PROMPT_COMMAND=$__rec_first${PROMPT_COMMAND:+$'\n'$PROMPT_COMMAND}
    fi
    if ((__rec_alone)) || [[ ${PROMPT_COMMAND[*]} == *"$__rec_final"* ]]; then
        return 0
    elif ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 501)) || [[ ${PROMPT_COMMAND@a} == *x* ]]; then
        PROMPT_COMMAND+=$'\n'$__rec_final
    else
        PROMPT_COMMAND+=("$__rec_final")
    fi
}

__rec_shell=$$ __rec_none='' __rec_x=x __rec_semicolon=';' __rec_newline=$'\n'
__rec_open=0 __rec_number=0 __rec_alone=0 __rec_cwd='' __rec_place=''
builtin unset -v __rec_trap
# VS Code sets its trap after it has read the rc file.
[[ ${TERM_PROGRAM-} != vscode ]] || __rec_trap=vscode
__rec_since "$$" || __rec_ticks=0
__rec_count=$((__rec_ticks * 1000))
# After `exec bash` this is the same process: its numbers must go on.
if [[ -n ${REC_COUNT-} && $REC_COUNT != *[!0-9]* && ${#REC_COUNT} -lt 18 ]] && ((10#$REC_COUNT > __rec_count)); then
    __rec_count=$((10#$REC_COUNT))
fi
export REC_COUNT=$__rec_count
builtin unset -f __rec_since __rec_recorded
builtin unset -v __rec_ticks
__rec_settle ||
    echo "rec: could not follow the commands: PROMPT_COMMAND or PS0 is readonly" >&2
