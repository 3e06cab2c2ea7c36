# A stand-in for terminals' own lines in an rc file: OSC 133 in PS1, in PS0 and, as a string, in PROMPT_COMMAND.
PS1='\[\e]133;A\a\]'${PS1-}'\[\e]133;B\a\]'
PS0='\e]133;C\a'${PS0-}
# shellcheck disable=SC2128,SC2178
PROMPT_COMMAND='printf "\e]133;D;%s\a" "$?"'${PROMPT_COMMAND:+";$PROMPT_COMMAND"}
