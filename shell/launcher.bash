# Start `rec shell` for an interactive bash that is to be recorded, as a child; leave with its status.
#
#     [ -r /path/launcher.bash ] && . /path/launcher.bash /path/to/rec       first in ~/.bashrc
#
# Where nothing is to be recorded this starts no program and prints nothing; where recording fails it
# prints one line, and the shell goes on. No name is left behind in the shell.
#
# shellcheck shell=bash disable=SC2317  # the functions are called at the end

[[ $- == *i* ]] || return 0
# A command string (`bash -ic`), a terminal that is none, tools that start a shell to ask it something.
[[ -z ${BASH_EXECUTION_STRING+set} && -t 0 && -t 1 ]] || return 0
[[ -n ${TERM-} && $TERM != dumb && -z ${INSIDE_EMACS-} && -z ${MC_SID-} && -z ${CI-} ]] || return 0
[[ -z ${VSCODE_RESOLVING_ENVIRONMENT-} && -z ${INTELLIJ_ENVIRONMENT_READER-} ]] || return 0
[[ -z ${SSH_ORIGINAL_COMMAND-} && ${REC_DISABLE-} != 1 ]] || return 0
# We are the recorded shell itself; this also ends it where the recorder could not name the terminal.
[[ ${REC_PID-} != "$PPID" ]] || return 0
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
    printf 'rec: this shell is not recorded: bash 4.4 or newer is needed\n' >&2
    return 0
fi

# Put the fields of /proc/PID/stat from the third on into __rec_stat; fail if there is no such process.
__rec_read_stat() {
    local __rec_line=''
    { read -r __rec_line <"/proc/$1/stat"; } 2>/dev/null || return 1
    # the name of the program, which ends with the last `)`, may hold blanks
    # shellcheck disable=SC2206  # a letter and numbers
    __rec_stat=(${__rec_line##*) })
}

# Is this terminal recorded already? Its identity counts, not a flag: a new terminal (a multiplexer's)
# inherits the variables. And its recorder must be alive: numbers of terminals and processes come again.
__rec_is_recorded() {
    [[ -n ${REC_TTY-} && /dev/fd/0 -ef $REC_TTY ]] || return 1
    __rec_read_stat "${REC_PID:-none}" && [[ -z ${REC_START-} || ${__rec_stat[19]} == "$REC_START" ]]
}

# Find our private directory, by the recorder's rule, into __rec_dir.
__rec_directory() {
    local __rec_base=${XDG_RUNTIME_DIR-}
    if [[ $__rec_base == /* && -d $__rec_base && ! -L $__rec_base && -O $__rec_base ]]; then
        __rec_dir=$__rec_base/rec
        [[ -e $__rec_dir || -L $__rec_dir ]] || command -p mkdir -m 700 "$__rec_dir" 2>/dev/null
        [[ -d $__rec_dir && ! -L $__rec_dir && -O $__rec_dir && -w $__rec_dir ]] && return 0
    fi
    __rec_dir=/tmp/rec-$EUID
    [[ -e $__rec_dir || -L $__rec_dir ]] || command -p mkdir -m 700 "$__rec_dir" 2>/dev/null
    [[ -d $__rec_dir && ! -L $__rec_dir && -O $__rec_dir && -w $__rec_dir ]]
}

__rec_say() {
    printf 'rec: this shell is not recorded: %s\n' "$1" >&2
}

# Give the terminal back as it was before a recorder that was killed. Its note in our directory says
# that it had taken it, and whether the alternate screen is on; to leave one that is not moves the cursor.
__rec_reset_terminal() { # MODES
    local __rec_note __rec_line __rec_leader __rec_screen=none
    if __rec_read_stat $$; then
        __rec_leader=${__rec_stat[3]}
        printf -v __rec_note '%s/tty-%x-' "$__rec_dir" "${__rec_stat[4]}"
        while IFS= read -r __rec_note; do
            [[ -f $__rec_note && ! -L $__rec_note ]] || continue
            {
                read -r __rec_line && read -r __rec_line
                [[ $__rec_line == *" $__rec_leader "* && ! -e /proc/${__rec_line%% *} ]] || continue
                while read -r __rec_line || [[ -n $__rec_line ]]; do __rec_screen=$__rec_line; done
            } <"$__rec_note"
            command -p rm -f "$__rec_note"
        done < <(compgen -G "$__rec_note*") # a plain pattern may be an error (failglob)
    fi
    if [[ $__rec_screen != none ]]; then
        # what was typed for the program that is gone, or answered to it, is not for the shell
        command -p stty -icanon -echo min 0 time 1 2>/dev/null && command -p cat >/dev/null
        # bracketed paste, mouse and focus reports, application keys, kitty's and xterm's key reports
        # off; cursor on, no colours, the whole screen scrolls; then a line of our own
        [[ $__rec_screen == 0 ]] || printf '\e7\e[?%sl' "$__rec_screen"
        printf '\e[?9;1000;1001;1002;1003;1004;1005;1006;1015;1016l\e[?2004l\e[?1l\e>\e[=0u\e[>4m'
        printf '\e7\e[r\e8\e[?7h\e[?25h\e[0m\017\e(B\r\n'
    fi
    [[ -z $1 ]] || command -p stty "$1" 2>/dev/null
}

# Name the cause of a failure, from the status and what was said on standard error, in __rec_cause.
__rec_find_cause() { # REC STATUS FILE
    local __rec_line __rec_last='' __rec_own=''
    if [[ -r $3 ]]; then
        while read -r __rec_line || [[ -n $__rec_line ]]; do
            [[ -z $__rec_line ]] || __rec_last=$__rec_line
            [[ $__rec_line != 'rec: '* ]] || __rec_own=${__rec_line#rec: }
        done <"$3"
    fi
    if [[ ! -e $1 ]]; then
        __rec_cause="$1 is not there"
    elif [[ -d $1 || ! -x $1 ]]; then
        __rec_cause="$1 is not executable"
    elif (($2 > 128)); then
        __rec_cause="the recorder was killed by signal $(($2 - 128))"
    elif [[ -n $__rec_own ]]; then
        __rec_cause=$__rec_own
    elif (($2 == 126 || $2 == 127)); then
        __rec_cause="$1 cannot be started; its interpreter may be missing"
    else
        __rec_cause=${__rec_last:-the recorder ended with status $2}
    fi
    __rec_cause=${__rec_cause//[[:cntrl:]]/ }
}

# Keep what `rec doctor` tells; the second failure within a minute switches the launcher off. All of it
# is in the run-time directory: it is there and ours even where the home is not, and a new login tries again.
__rec_note_failure() { # REC STATUS
    local __rec_before=0 __rec_now __rec_line
    printf -v __rec_now '%(%s)T' -1
    { read -r __rec_before __rec_line <"$__rec_dir/launcher-failed"; } 2>/dev/null
    [[ $__rec_before =~ ^[0-9]{1,12}$ ]] || __rec_before=0
    printf -v __rec_line '%s %s bash %s\n%s\n' "$__rec_now" "$2" "$1" "$__rec_cause"
    (
        umask 077
        printf %s "$__rec_line" >|"$__rec_dir/launcher-failed"
        ((__rec_now - __rec_before > 60)) || printf %s "$__rec_line" >|"$__rec_dir/launcher-off"
    ) 2>/dev/null
}

# Run the recorder in the foreground; its status in __rec_status, what it says in FILE.err. Keys that are
# pressed before it has made the terminal raw stop neither of us: it ignores their signals, as we do.
# All but Ctrl-\, which nobody presses by chance: it is the way out where the recorder hangs.
__rec_run() { # REC FILE
    local __rec_traps
    __rec_traps=$(trap -p INT QUIT)
    trap : INT QUIT
    {
        (
            trap '' INT TSTP
            exec "$1" shell --status-file "$2" --pid $$ 2>|"$2.err"
        )
        __rec_status=$?
    } 2>/dev/null # bash says `Killed` there
    trap - INT QUIT
    eval "$__rec_traps"
}

__rec_launch() { # REC
    local __rec_dir __rec_cause __rec_status=127 __rec_stat __rec_modes='' __rec_file __rec_line IFS=$' \t\n'
    __rec_is_recorded && return 0
    if ! __rec_directory; then
        __rec_say "$__rec_dir is not a directory of ours"
        return 0
    fi
    [[ ! -e $__rec_dir/launcher-off ]] || return 0
    if [[ ! -O ${HOME-} ]]; then # as after `sudo -s`: nothing may be written into another user's home
        __rec_say "HOME (${HOME-}) is not ours"
        return 0
    fi
    __rec_file=$__rec_dir/launch-$$
    # under the user's umask it might be no file that can be read
    if ! (umask 077 && : >|"$__rec_file" && : >|"$__rec_file.err") 2>/dev/null; then
        __rec_say "$__rec_dir cannot be written to"
        return 0
    fi
    if [[ -x $1 && ! -d $1 ]]; then
        __rec_modes=$(command -p stty -g 2>/dev/null)
        __rec_run "$1" "$__rec_file"
    fi
    __rec_line=
    [[ ! -r $__rec_file ]] || read -r __rec_line <"$__rec_file"
    if [[ $__rec_line =~ ^[0-9]{1,3}$ ]]; then
        [[ ! -s $__rec_file.err ]] || printf '%s\n' "$(<"$__rec_file.err")" >&2 # what rec has to tell the user
        command -p rm -f "$__rec_file" "$__rec_file.err"
        # A trivial program, so that this shell's logout file and traps do not run after the inner one's.
        exec /bin/sh -c 'exit "$1"' sh "$__rec_line"
        exit "$__rec_line"
    fi
    __rec_reset_terminal "$__rec_modes"
    __rec_find_cause "$1" "$__rec_status" "$__rec_file.err"
    __rec_note_failure "$1" "$__rec_status"
    command -p rm -f "$__rec_file" "$__rec_file.err"
    __rec_line='rec doctor says more'
    [[ ! -e $__rec_dir/launcher-off ]] || __rec_line='not tried again until rec doctor --fix'
    __rec_say "$__rec_cause; $__rec_line"
    # For this shell only, not exported: a multiplexer's server that is started from here would hand it
    # to its terminals for ever. A shell inside this one tries anew; two failures switch the launcher off.
    REC_DISABLE=1
}

__rec_launch "$1" || : # so that a failure inside ends no shell that is under -e
unset -f __rec_launch __rec_run __rec_note_failure __rec_find_cause __rec_reset_terminal __rec_say
unset -f __rec_directory __rec_is_recorded __rec_read_stat
return 0
