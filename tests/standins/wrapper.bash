# A stand-in of starship's kind: takes the old PROMPT_COMMAND away, and runs it after a test of its own, so
# that it finds 0 in $?. Counts commands in PS0, and makes PS1 anew for each prompt.
wrapper_count=0
wrapper_prompt() {
    local status=$?
    [[ -z ${wrapper_old-} ]] || eval "$wrapper_old"
    PS1="[$status $wrapper_count] ready> "
    return "$status"
}
# shellcheck disable=SC2128,SC2178
if [[ $PROMPT_COMMAND != *wrapper_prompt* ]]; then
    wrapper_old=$PROMPT_COMMAND
    PROMPT_COMMAND=wrapper_prompt
    # shellcheck disable=SC2016
    PS0='${wrapper_count:$((wrapper_count++, 0)):0}'${PS0-}
fi
