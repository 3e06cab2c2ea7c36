# A stand-in of atuin's kind: Ctrl-R runs a program, and puts what it says into the line.
function search_run
    commandline -r (sh -c 'echo "echo from-search"')
    commandline -f repaint
end
bind \cr search_run
