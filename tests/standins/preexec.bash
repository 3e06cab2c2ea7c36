# A stand-in of the bash-preexec kind: a DEBUG trap tells preexec_functions what begins, PROMPT_COMMAND tells
# precmd_functions what ended. Installs itself at the first prompt, is first and last in PROMPT_COMMAND, knows
# what belongs to the prompt by comparing texts, and takes `ignorespace` away to read lines from the history.
# Its user notes all that it says.
[[ -z ${bash_preexec_imported-} ]] || return 0
bash_preexec_imported=defined
declare -a precmd_functions preexec_functions
__bp_interactive_modeed='' preexec_busy='' preexec_status=0

preexec_status_is() { return "$1"; }

preexec_of_prompt() { # whether the command $1 is a part of PROMPT_COMMAND
    local part IFS=$'\n'
    while IFS= read -r part; do
        part=${part#"${part%%[![:space:]]*}"}
        [[ ${part%"${part##*[![:space:]]}"} != "$1" ]] || return 0
    done <<<"${PROMPT_COMMAND[*]//;/$'\n'}"
    return 1
}

preexec_trap() {
    local last_argument=$1 line function
    [[ -z $preexec_busy && -n $__bp_interactive_modeed && -z ${COMP_POINT-}${READLINE_POINT-} && -t 1 ]] || return 0
    ((BASH_SUBSHELL)) || __bp_interactive_modeed=''
    ! preexec_of_prompt "$BASH_COMMAND" || { __bp_interactive_modeed='' && return 0; }
    line=$(HISTTIMEFORMAT='' builtin history 1)
    line=${line#*[0-9][* ] }
    [[ -n $line ]] || return 0
    preexec_busy=yes
    for function in "${preexec_functions[@]}"; do
        type -t "$function" >/dev/null || continue
        preexec_status_is "$preexec_status"
        "$function" "$line"
    done
    preexec_busy=''
    : "$last_argument"
}

preexec_prompt() {
    preexec_status=$?
    local function
    [[ -z $preexec_busy ]] || return "$preexec_status"
    preexec_busy=yes
    for function in "${precmd_functions[@]}"; do
        type -t "$function" >/dev/null || continue
        preexec_status_is "$preexec_status"
        "$function"
    done
    preexec_busy=''
    return "$preexec_status"
}

__bp_interactive_mode() { __bp_interactive_modeed=on; }

preexec_install() {
    local old=${PROMPT_COMMAND//$'\n'preexec_install/}
    old=${old//preexec_install/}
    trap 'preexec_trap "$_"' DEBUG
    HISTCONTROL=${HISTCONTROL//ignorespace/}
    HISTCONTROL=${HISTCONTROL//ignoreboth/ignoredups}
    PROMPT_COMMAND=preexec_prompt${old:+$'\n'$old}
    PROMPT_COMMAND+=(__bp_interactive_mode)
    preexec_prompt
    __bp_interactive_mode
}

note_begin() { echo "begin $1" >>~/noted; }
note_end() { echo "end $?" >>~/noted; }
preexec_functions+=(note_begin)
precmd_functions+=(note_end)
# shellcheck disable=SC2178,SC2128
PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}preexec_install
