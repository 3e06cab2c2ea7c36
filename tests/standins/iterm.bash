# A stand-in of iTerm2's kind: brings a bash-preexec of its own, says C when a command begins and D with its
# status when it ended, and puts A and B around what PS1 was when it last changed.
# shellcheck source=/dev/null
. "${BASH_SOURCE[0]%/*}/preexec.bash"
iterm_shown='' iterm_own=''
iterm_begins() { printf '\e]133;C;\r\a'; }
iterm_ends() {
    printf '\e]133;D;%s\a\e]1337;CurrentDir=%s\a' "$?" "$PWD"
    [[ $PS1 == "$iterm_shown" ]] || iterm_own=$PS1
    iterm_shown='\[\e]133;A\a\]'$iterm_own'\[\e]133;B\a\]'
    PS1=$iterm_shown
}
[[ ${preexec_functions[*]} == *iterm* ]] || preexec_functions+=(iterm_begins)
[[ ${precmd_functions[*]} == *iterm* ]] || precmd_functions+=(iterm_ends)
