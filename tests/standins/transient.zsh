# A stand-in of powerlevel10k's kind: OSC 133 around the prompt; once a line is accepted, its prompt is drawn
# again, shorter.
transient_full='%{'$'\e]133;A\a''%}top
ready> %{'$'\e]133;B\a''%}'
transient_precmd() { print -n "\e]133;D;$?\a"; PROMPT=$transient_full }
transient_preexec() { print -n '\e]133;C\a' }
transient_finish() { PROMPT='ready> '; zle reset-prompt }
zle -N zle-line-finish transient_finish
precmd_functions=(transient_precmd ${precmd_functions:#transient_precmd})
preexec_functions=(transient_preexec ${preexec_functions:#transient_preexec})
