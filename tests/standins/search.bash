# A stand-in of atuin's kind: Ctrl-R and Ctrl-T run a program, and put what it says into the line.
search_run() {
    READLINE_LINE=$(sh -c 'echo "echo from-search"')
    READLINE_POINT=${#READLINE_LINE}
}
bind -x '"\C-r": search_run'
