# A stand-in of VS Code's kind: OSC 633. It keeps what PROMPT_COMMAND was and calls it from its own, wraps PS1
# at each prompt, has a DEBUG trap that says which command begins, and calls a trap that was there before.
[[ -z ${editor_there-} ]] || return 0
editor_there=1 editor_at_prompt=1 editor_open='' editor_status=0 editor_prompt_text='' editor_shown=''
editor_old_trap=$(trap -p DEBUG)
eval "editor_old_trap=(${editor_old_trap#trap -- })"
# shellcheck disable=SC2178,SC2128
editor_old_trap=${editor_old_trap-}
editor_old_prompt=("${PROMPT_COMMAND[@]}")

editor_trap() {
    if [[ $BASH_COMMAND != editor_prompt* && -z $editor_at_prompt && -z $editor_open ]]; then
        editor_open=1
        printf '\e]633;E;%s\a\e]633;C\a' "$(HISTTIMEFORMAT='' builtin history 1 | sed 's/ *[0-9]* *//; s/;/\\x3b/g')"
    fi
    # shellcheck disable=SC2128
    eval "$editor_old_trap"
}
editor_status_is() { return "$1"; }
editor_prompt() {
    editor_status=$?
    editor_at_prompt=1
    local command
    for command in "${editor_old_prompt[@]}"; do
        editor_status_is "$editor_status"
        eval "$command"
    done
    [[ -z $editor_open ]] || printf '\e]633;D;%s\a' "$editor_status"
    editor_open=''
    [[ $PS1 == "$editor_shown" ]] || editor_prompt_text=$PS1
    editor_shown='\[\e]633;A\a\]'$editor_prompt_text'\[\e]633;B\a\]'
    PS1=$editor_shown
    editor_at_prompt=''
}
trap editor_trap DEBUG
PROMPT_COMMAND=editor_prompt
