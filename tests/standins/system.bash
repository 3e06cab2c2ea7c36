# A stand-in of systemd's kind: OSC 3008 says when a command begins (PS0) and ends (an element of
# PROMPT_COMMAND, which it makes an array).
system_ends() { printf '\e]3008;end;exit=%s\a' "$?"; }
# shellcheck disable=SC2178
[[ $(declare -p PROMPT_COMMAND 2>/dev/null) == "declare -a"* ]] || PROMPT_COMMAND=(${PROMPT_COMMAND:+"$PROMPT_COMMAND"})
[[ ${PROMPT_COMMAND[*]} == *system_ends* ]] || PROMPT_COMMAND+=(system_ends)
[[ ${PS0-} == *3008* ]] || PS0=${PS0-}'\e]3008;start=\u;type=command\a'
