# Start `rec shell` for an interactive zsh that is to be recorded, as a child; leave with its status.
#
#     [ -r /path/launcher.zsh ] && . /path/launcher.zsh /path/to/rec         first in ~/.zshrc
#
# Where nothing is to be recorded this starts no program and prints nothing; where recording fails it
# prints one line, and the shell goes on. No name is left behind in the shell.

[[ -o interactive ]] || return 0
# A command string (`zsh -ic`), a terminal that is none, tools that start a shell to ask it something.
[[ -z ${ZSH_EXECUTION_STRING+set} && -t 0 && -t 1 ]] || return 0
[[ -n ${TERM-} && $TERM != dumb && -z ${INSIDE_EMACS-} && -z ${MC_SID-} && -z ${CI-} ]] || return 0
[[ -z ${VSCODE_RESOLVING_ENVIRONMENT-} && -z ${INTELLIJ_ENVIRONMENT_READER-} ]] || return 0
[[ -z ${SSH_ORIGINAL_COMMAND-} && ${REC_DISABLE-} != 1 ]] || return 0
# We are the recorded shell itself; this also ends it where the recorder could not name the terminal.
[[ ${REC_PID-} != $PPID ]] || return 0

# Put the fields of /proc/PID/stat from the third on into __rec_stat; fail if there is no such process.
__rec_read_stat() {
    emulate -L zsh
    local line=
    { read -r line <"/proc/$1/stat" } 2>/dev/null || return 1
    # the name of the program, which ends with the last `)`, may hold blanks
    __rec_stat=(${=line##*\) })
}

# Is this terminal recorded already? Its identity counts, not a flag: a new terminal (a multiplexer's)
# inherits the variables. And its recorder must be alive: numbers of terminals and processes come again.
__rec_is_recorded() {
    emulate -L zsh
    [[ -n ${REC_TTY-} && /dev/fd/0 -ef $REC_TTY ]] || return 1
    __rec_read_stat ${REC_PID:-none} && [[ -z ${REC_START-} || $__rec_stat[20] == $REC_START ]]
}

# Find our private directory, by the recorder's rule, into __rec_dir.
__rec_directory() {
    emulate -L zsh
    local base=${XDG_RUNTIME_DIR-}
    if [[ $base == /* && -d $base && ! -L $base && -O $base ]]; then
        __rec_dir=$base/rec
        [[ -e $__rec_dir || -L $__rec_dir ]] || command -p mkdir -m 700 $__rec_dir 2>/dev/null
        [[ -d $__rec_dir && ! -L $__rec_dir && -O $__rec_dir && -w $__rec_dir ]] && return 0
    fi
    __rec_dir=/tmp/rec-$EUID
    [[ -e $__rec_dir || -L $__rec_dir ]] || command -p mkdir -m 700 $__rec_dir 2>/dev/null
    [[ -d $__rec_dir && ! -L $__rec_dir && -O $__rec_dir && -w $__rec_dir ]]
}

__rec_say() {
    print -ru2 -- "rec: this shell is not recorded: $1"
}

# Give the terminal back as it was before a recorder that was killed. Its note in our directory says
# that it had taken it, and whether the alternate screen is on; to leave one that is not moves the cursor.
__rec_reset_terminal() { # MODES
    emulate -L zsh
    local note line leader screen=none
    if __rec_read_stat $$; then
        leader=$__rec_stat[4]
        printf -v note '%s/tty-%x-' $__rec_dir $__rec_stat[5]
        for note in $note*(N.); do
            {
                read -r line && read -r line
                [[ $line == *" $leader "* && ! -e /proc/${line%% *} ]] || continue
                while read -r line || [[ -n $line ]]; do screen=$line; done
            } <$note
            command -p rm -f $note
        done
    fi
    if [[ $screen != none ]]; then
        # what was typed for the program that is gone, or answered to it, is not for the shell
        command -p stty -icanon -echo min 0 time 1 2>/dev/null && command -p cat >/dev/null
        # bracketed paste, mouse and focus reports, application keys, kitty's and xterm's key reports
        # off; cursor on, no colours, the whole screen scrolls; then a line of our own
        [[ $screen == 0 ]] || printf '\e7\e[?%sl' $screen
        printf '\e[?9;1000;1001;1002;1003;1004;1005;1006;1015;1016l\e[?2004l\e[?1l\e>\e[=0u\e[>4m'
        printf '\e7\e[r\e8\e[?7h\e[?25h\e[0m\017\e(B\r\n'
    fi
    [[ -z $1 ]] || command -p stty $1 2>/dev/null
}

# Name the cause of a failure, from the status and what was said on standard error, in __rec_cause.
__rec_find_cause() { # REC STATUS FILE
    emulate -L zsh
    local line last= own=
    if [[ -r $3 ]]; then
        while read -r line || [[ -n $line ]]; do
            [[ -z $line ]] || last=$line
            [[ $line != 'rec: '* ]] || own=${line#rec: }
        done <$3
    fi
    if [[ ! -e $1 ]]; then
        __rec_cause="$1 is not there"
    elif [[ -d $1 || ! -x $1 ]]; then
        __rec_cause="$1 is not executable"
    elif (($2 > 128)); then
        __rec_cause="the recorder was killed by signal $(($2 - 128))"
    elif [[ -n $own ]]; then
        __rec_cause=$own
    elif (($2 == 126 || $2 == 127)); then
        __rec_cause="$1 cannot be started; its interpreter may be missing"
    else
        __rec_cause=${last:-the recorder ended with status $2}
    fi
    __rec_cause=${__rec_cause//[[:cntrl:]]/ }
}

# Keep what `rec doctor` tells; the second failure within a minute switches the launcher off. All of it
# is in the run-time directory: it is there and ours even where the home is not, and a new login tries again.
__rec_note_failure() { # REC STATUS
    emulate -L zsh
    local before=0 now=${(%):-'%D{%s}'} rest text
    { read -r before rest <$__rec_dir/launcher-failed } 2>/dev/null
    [[ $before == <0-999999999999> ]] || before=0
    text="$now $2 zsh $1"$'\n'$__rec_cause
    (
        umask 077
        print -r -- $text >$__rec_dir/launcher-failed
        ((now - before > 60)) || print -r -- $text >$__rec_dir/launcher-off
    ) 2>/dev/null
}

# Run the recorder in the foreground; its status in __rec_status, what it says in FILE.err. Keys that are
# pressed before it has made the terminal raw stop neither of us: it ignores their signals, as we do.
# All but Ctrl-\, which nobody presses by chance: it is the way out where the recorder hangs.
__rec_run() { # REC FILE
    emulate -L zsh
    setopt local_traps no_monitor # as a job of its own zsh would announce its end
    trap : INT QUIT
    {
        (
            trap '' INT TSTP
            # VS Code's own start files read ours while theirs are put aside
            [[ -z ${VSCODE_ZDOTDIR-} ]] || export ZDOTDIR=$VSCODE_ZDOTDIR
            exec $1 shell --status-file $2 --pid $$ 2>$2.err
        )
        __rec_status=$?
        while [[ -n ${(M)${(v)jobstates}:#suspended*} ]]; do
            kill -CONT %%
            wait %%
            __rec_status=$?
        done
    } 2>/dev/null
}

__rec_launch() { # REC
    emulate -L zsh
    local __rec_dir __rec_cause __rec_status=127 modes= file line IFS=$' \t\n'
    local -a __rec_stat version=(${(s:.:)ZSH_VERSION})
    __rec_is_recorded && return 0
    if ((version[1] * 100 + version[2] < 508)); then
        __rec_say 'zsh 5.8 or newer is needed'
        return 0
    fi
    if ! __rec_directory; then
        __rec_say "$__rec_dir is not a directory of ours"
        return 0
    fi
    [[ ! -e $__rec_dir/launcher-off ]] || return 0
    if [[ ! -O ${HOME-} ]]; then # as after `sudo -s`: nothing may be written into another user's home
        __rec_say "HOME (${HOME-}) is not ours"
        return 0
    fi
    file=$__rec_dir/launch-$$
    # under the user's umask it might be no file that can be read
    if ! (umask 077 && : >$file && : >$file.err) 2>/dev/null; then
        __rec_say "$__rec_dir cannot be written to"
        return 0
    fi
    if [[ -x $1 && ! -d $1 ]]; then
        modes=$(command -p stty -g 2>/dev/null)
        __rec_run $1 $file
    fi
    [[ ! -r $file ]] || read -r line <$file
    if [[ $line == <0-255> ]]; then
        [[ ! -s $file.err ]] || print -ru2 -- "$(<$file.err)" # what rec has to tell the user
        command -p rm -f $file $file.err
        # A trivial program, so that this shell's logout file and traps do not run after the inner one's.
        exec /bin/sh -c 'exit "$1"' sh $line
        exit $line
    fi
    __rec_reset_terminal $modes
    __rec_find_cause $1 $__rec_status $file.err
    __rec_note_failure $1 $__rec_status
    command -p rm -f $file $file.err
    line='rec doctor says more'
    [[ ! -e $__rec_dir/launcher-off ]] || line='not tried again until rec doctor --fix'
    __rec_say "$__rec_cause; $line"
    # For this shell only, not exported: a multiplexer's server that is started from here would hand it
    # to its terminals for ever. A shell inside this one tries anew; two failures switch the launcher off.
    typeset -g REC_DISABLE=1
}

__rec_launch "$1" || : # so that a failure inside ends no shell that is under -e
unfunction __rec_launch __rec_run __rec_note_failure __rec_find_cause __rec_reset_terminal __rec_say
unfunction __rec_directory __rec_is_recorded __rec_read_stat
return 0
