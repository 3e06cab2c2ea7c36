# A stand-in of ble.sh's kind: edits the line itself, keeps the history itself, runs the line by `eval`, and
# calls those who asked `blehook` before it and behind it. bash draws no PS0 then, and calls no PROMPT_COMMAND.
# shellcheck disable=SC2034,SC2178,SC2329
[[ -z ${BLE_VERSION-} ]] || return 0
BLE_VERSION=0.4.0 _ble_version=400
blesh_preexec=() blesh_precmd=() blesh_status=0

blehook() { # NAME!=COMMAND: add it, unless it is there
    local name=${1%%!=*} command=${1#*!=}
    local -n list=blesh_${name,,}
    [[ " ${list[*]} " == *" $command "* ]] || list+=("$command")
}
blesh_status_is() { return "$1"; }
blesh_call() { # LIST [LINE]
    local -n list=$1
    local hook
    for hook in "${list[@]}"; do
        blesh_status_is "$blesh_status"
        eval "$hook \"\${@:2}\""
    done
}
blesh_keep() {
    [[ ${HISTCONTROL-} != *ignore[sb]* || $1 != ' '* ]] || return 0
    [[ ! -o history ]] || history -s -- "$1"
}
blesh_accept() {
    local blesh_line=$READLINE_LINE
    READLINE_LINE='' READLINE_POINT=0
    printf '%s%s\n' "${PS1@P}" "$blesh_line"
    if [[ -n $blesh_line ]]; then
        blesh_keep "$blesh_line"
        blesh_call blesh_preexec "$blesh_line"
        blesh_status_is "$blesh_status"
        eval "$blesh_line"
        blesh_status=$?
    fi
    blesh_call blesh_precmd
    local blesh_command
    for blesh_command in "${PROMPT_COMMAND[@]}"; do
        blesh_status_is "$blesh_status"
        eval "$blesh_command"
    done
}
# bash itself calls PROMPT_COMMAND once, at the first prompt.
blesh_attach() {
    blesh_attach() { :; }
    blesh_call blesh_precmd
}
# shellcheck disable=SC2178,SC2128
PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND; }blesh_attach
bind -x '"\C-m": blesh_accept'
