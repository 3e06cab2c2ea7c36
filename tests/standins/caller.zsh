# A stand-in of the kind of oh-my-zsh's plugins: a widget that changes the directory, calls all precmd
# functions itself and has the prompt drawn again; and a plugin that prints at each `cd`.
caller_up() {
    builtin cd ..
    local function
    for function in $precmd_functions; do $function; done
    zle reset-prompt
}
zle -N caller_up
bindkey '^U' caller_up
autoload -Uz add-zsh-hook
caller_list() { print "now in $PWD" }
add-zsh-hook chpwd caller_list
caller_hint() { print "hint: $1" }
add-zsh-hook preexec caller_hint
caller_after() { print "after" }
add-zsh-hook precmd caller_after
