# A stand-in for prompts that are finished later: a watched descriptor has the prompt drawn again.
# precmd leaves with a status of its own.
async_done() {
    local text
    read -r text <&$1
    zle -F $1
    exec {1}<&-
    PROMPT="[$text] ready> "
    zle reset-prompt
}
async_precmd() {
    local fd
    PROMPT='[....] wait '
    exec {fd}< <(print done)
    zle -F $fd async_done
    return 3
}
precmd_functions=(async_precmd ${precmd_functions:#async_precmd})
