# Start `rec shell` for an interactive fish that is to be recorded, as a child; leave with its status.
#
#     test -r /path/launcher.fish; and source /path/launcher.fish /path/to/rec   first in config.fish
#
# Where nothing is to be recorded this starts no program and prints nothing; where recording fails it
# prints one line, and the shell goes on. No name is left behind in the shell.

status is-interactive; or return 0
# A terminal that is none (0 is the script in `… | source`), tools that start a shell to ask it something.
test -t 1; or return 0
test -n "$TERM" -a "$TERM" != dumb -a -z "$INSIDE_EMACS" -a -z "$MC_SID" -a -z "$CI"; or return 0
test -z "$VSCODE_RESOLVING_ENVIRONMENT" -a -z "$INTELLIJ_ENVIRONMENT_READER"; or return 0
test -z "$SSH_ORIGINAL_COMMAND" -a "$REC_DISABLE" != 1; or return 0

# Print the fields of /proc/PID/stat from the third on; fail if there is no such process.
function __rec_read_stat
    test -r /proc/$argv[1]/stat; and read -l line 2>/dev/null </proc/$argv[1]/stat; or return 1
    # the name of the program, which ends with the last `)`, may hold blanks
    string split ' ' -- (string replace -r '^.*\) ' '' -- $line)
end

# Was fish given a command string (`fish -ic`)? It says so nowhere but in its own words.
function __rec_has_command
    for word in (string split0 </proc/$fish_pid/cmdline)[2..]
        string match -qr -- '^(-[a-zA-Z]*c|--command(=|$))' $word; and return 0
        string match -q -- -- $word; and return 1
    end
    return 1
end

# Is this terminal recorded already? Its identity counts, not a flag: a new terminal (a multiplexer's)
# inherits the variables. And its recorder must be alive: numbers of terminals and processes come again.
# The recorded shell itself, a child of the recorder's, may be one whose terminal has no name.
function __rec_is_recorded
    set -q REC_PID; or return 1
    set -l own (__rec_read_stat $fish_pid)
    test "$own[2]" = "$REC_PID"; and return 0
    test -n "$REC_TTY"; and test (path resolve /proc/$fish_pid/fd/0) = (path resolve -- $REC_TTY); or return 1
    set -l stat (__rec_read_stat $REC_PID); or return 1
    test -z "$REC_START" -o "$stat[20]" = "$REC_START"
end

# Is it a directory of ours, and no link?
function __rec_is_ours
    test -d $argv[1]; and not test -L $argv[1]; and test -O $argv[1]; and test -w $argv[1]
end

# Print our private directory, by the recorder's rule; fail if it cannot be used.
function __rec_directory
    if string match -q '/*' -- $XDG_RUNTIME_DIR; and __rec_is_ours $XDG_RUNTIME_DIR
        set -l dir $XDG_RUNTIME_DIR/rec
        test -e $dir -o -L $dir; or command mkdir -m 700 $dir 2>/dev/null
        echo $dir
        __rec_is_ours $dir; and return 0
    end
    # fish knows no user number of its own
    set -l dir /tmp/rec-(string match -gr '^Uid:\s+\d+\s+(\d+)' </proc/$fish_pid/status)
    test -e $dir -o -L $dir; or command mkdir -m 700 $dir 2>/dev/null
    echo $dir
    __rec_is_ours $dir
end

function __rec_say
    echo "rec: this shell is not recorded: $argv" >&2
end

# Give the terminal back as it was before a recorder that was killed. Its note in our directory says
# that it had taken it, and whether the alternate screen is on; to leave one that is not moves the cursor.
function __rec_reset_terminal # DIRECTORY MODES
    set -l screen none
    if set -l stat (__rec_read_stat $fish_pid)
        for note in $argv[1]/tty-(printf %x $stat[5])-*
            test -f $note; and not test -L $note; or continue
            set -l lines (string trim <$note)
            set -l owner (string split ' ' -- $lines[2])
            test "$owner[3]" = "$stat[4]"; and not test -e /proc/$owner[1]; or continue
            set screen $lines[-1]
            command rm -f $note
        end
    end
    if test $screen != none
        # what was typed for the program that is gone, or answered to it, is not for the shell
        command stty -icanon -echo min 0 time 1 2>/dev/null </dev/tty; and command cat >/dev/null </dev/tty
        # bracketed paste, mouse and focus reports, application keys, kitty's and xterm's key reports
        # off; cursor on, no colours, the whole screen scrolls; then a line of our own
        test $screen = 0; or printf '\e7\e[?%sl' $screen
        printf '\e[?9;1000;1001;1002;1003;1004;1005;1006;1015;1016l\e[?2004l\e[?1l\e>\e[=0u\e[>4m'
        printf '\e7\e[r\e8\e[?7h\e[?25h\e[0m\017\e(B\r\n'
    end
    test -z "$argv[2]"; or command stty $argv[2] 2>/dev/null </dev/tty
end

# Print the cause of a failure, from the status and what was said on standard error.
function __rec_find_cause # REC STATUS FILE
    set -l lines
    test -r $argv[3]; and set lines (string match -v '' <$argv[3])
    set -l own (string match -gr '^rec: (.*)' -- $lines)
    set -l cause
    if not test -e $argv[1]
        set cause "$argv[1] is not there"
    else if test -d $argv[1]; or not test -x $argv[1]
        set cause "$argv[1] is not executable"
    else if test $argv[2] -gt 128
        set cause "the recorder was killed by signal "(math $argv[2] - 128)
    else if set -q own[1]
        set cause $own[-1]
    else if contains -- $argv[2] 126 127
        set cause "$argv[1] cannot be started; its interpreter may be missing"
    else if set -q lines[1]
        set cause $lines[-1]
    else
        set cause "the recorder ended with status $argv[2]"
    end
    string replace -ar '[[:cntrl:]]' ' ' -- $cause
end

# Keep what `rec doctor` tells; the second failure within a minute switches the launcher off. All of it
# is in the run-time directory: it is there and ours even where the home is not, and a new login tries again.
function __rec_note_failure # DIRECTORY REC STATUS CAUSE
    set -l now (command date +%s) # fish has no clock of its own
    set -l before
    test -r $argv[1]/launcher-failed; and set before (string match -gr '^(\d{1,12}) ' <$argv[1]/launcher-failed)
    set -l text "$now $argv[3] fish $argv[2]" $argv[4]
    printf '%s\n' $text 2>/dev/null >$argv[1]/launcher-failed
    if set -q before[1]; and test (math $now - $before[1]) -le 60
        printf '%s\n' $text 2>/dev/null >$argv[1]/launcher-off
    end
end

# Run the recorder in the foreground and return its status; what it says is in FILE.err. Keys that are
# pressed before it has made the terminal raw stop neither of us: it ignores their signals, which fish
# cannot arrange itself, and is a process group of its own, as fish would give up its rc file at Ctrl-C.
# All but Ctrl-\, which nobody presses by chance: it is the way out where the recorder hangs.
function __rec_run # REC FILE
    set -l start 'trap "" INT TSTP; exec "$1" shell --status-file "$2" --pid "$3" 2>"$2.err"'
    status job-control full
    begin
        if test -t 0
            /bin/sh -c $start sh $argv $fish_pid
        else
            /bin/sh -c $start sh $argv $fish_pid </dev/tty
        end
    end 2>/dev/null
    set -l code $status
    # a recorder whose shell stops itself (`suspend`) stops as well
    while set -l stopped (jobs | string match -gr '^\d+\t(\d+)\t.*\bstopped\b')
        fg $stopped[1] 2>/dev/null
        set code $status
    end
    status job-control interactive
    return $code
end

function __rec_launch # REC
    __rec_has_command; and return 0
    # a script that is piped in may stand at 0, but fish itself has to be on a terminal
    test -c /proc/$fish_pid/fd/0; and not test /proc/$fish_pid/fd/0 -ef /dev/null; or return 0
    __rec_is_recorded; and return 0
    set -l release (string split . -- $version)
    if test (math "$release[1] * 100 + $release[2]") -lt 306
        __rec_say 'fish 3.6 or newer is needed'
        return 0
    end
    set -l rec $argv[1]
    set -l dir (__rec_directory)
    if test $status -ne 0
        __rec_say "$dir[-1] is not a directory of ours"
        return 0
    end
    set dir $dir[-1]
    test -e $dir/launcher-off; and return 0
    if not test -O "$HOME" # as after `sudo -s`: nothing may be written into another user's home
        __rec_say "HOME ($HOME) is not ours"
        return 0
    end
    set -l file $dir/launch-$fish_pid
    if not begin; echo -n >$file; and echo -n >$file.err; end 2>/dev/null
        __rec_say "$dir cannot be written to"
        return 0
    end
    set -l code 127
    set -l modes
    if test -x $rec; and not test -d $rec
        set modes (command stty -g 2>/dev/null </dev/tty)
        __rec_run $rec $file
        set code $status
    end
    set -l left
    test -r $file; and read left <$file
    if string match -qr '^\d{1,3}$' -- $left
        test -s $file.err; and string collect <$file.err >&2 # what rec has to tell the user
        command rm -f $file $file.err
        # A trivial program: `exit` in config.fish neither leaves at once nor with its status.
        exec /bin/sh -c 'exit "$1"' sh $left
    end
    __rec_reset_terminal $dir $modes
    set -l cause (__rec_find_cause $rec $code $file.err)
    __rec_note_failure $dir $rec $code $cause
    command rm -f $file $file.err
    set -l advice 'rec doctor says more'
    test -e $dir/launcher-off; and set advice 'not tried again until rec doctor --fix'
    __rec_say "$cause; $advice"
    # For this shell only, not exported: a multiplexer's server that is started from here would hand it
    # to its terminals for ever. A shell inside this one tries anew; two failures switch the launcher off.
    set -g REC_DISABLE 1
end

__rec_launch $argv[1]
functions -e __rec_launch __rec_run __rec_note_failure __rec_find_cause __rec_reset_terminal __rec_say
functions -e __rec_directory __rec_is_ours __rec_is_recorded __rec_has_command __rec_read_stat
return 0
