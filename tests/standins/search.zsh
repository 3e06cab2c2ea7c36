# A stand-in of atuin's kind: Ctrl-R runs a program, and puts what it says into the line.
search_run() {
    zle -I
    BUFFER=$(sh -c 'echo "echo from-search"' </dev/tty)
    CURSOR=$#BUFFER
    zle reset-prompt
}
zle -N search_run
bindkey '^R' search_run
