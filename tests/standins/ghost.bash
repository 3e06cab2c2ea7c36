# A stand-in of Ghostty's kind: marks itself in PS1 and PS0 at each prompt, and takes its own out again by
# pattern before that; is an element of its own in PROMPT_COMMAND, and takes no care of $?.
ghost_prompt() {
    printf '\e]133;D;%s\a' "${ghost_status:-$?}"
    PS1=${PS1//'\[\e]133;P;k=i\a\]'/}
    PS1=${PS1//'\[\e]133;B\a\]'/}
    PS1='\[\e]133;P;k=i\a\]'$PS1'\[\e]133;B\a\]'
    # shellcheck disable=SC2016
    [[ $PS0 == *ghost_begins* ]] || PS0+='$(ghost_begins)'
    printf '\e]133;A\a\e]7;kitty-shell-cwd://%s%s\a' "$HOSTNAME" "$PWD"
}
ghost_begins() { printf '\e]133;C\a' >/dev/tty; }
[[ ${PROMPT_COMMAND[*]} == *ghost_prompt* ]] || PROMPT_COMMAND=(ghost_prompt "${PROMPT_COMMAND[@]}")
