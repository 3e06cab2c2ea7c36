# Tab in fish (3.6 or newer) for `rec`: put this file into ~/.config/fish/completions.
#
# What is below the line "generated" is written by scripts/completions; here is how it is used. Sessions,
# labels and turns come from `rec --complete`. Text from the command line or a store is never evaluated.

# Print what is to be completed: the command (`rec` before there is one, `tool` behind a tool), how many of
# its arguments stand before the cursor, and `--root`'s value; for a tool also its own words.
function __rec_place
    set -l at rec
    set -l number 0
    set -l root ''
    set -l option ''
    set -l ended ''
    set -l words (commandline -opc)
    set -l index 1
    for word in $words[2..]
        set index (math $index + 1)
        if test -n "$option"
            test "$option" = --root; and set root $word
            set option ''
        else if test -z "$ended"; and string match -q -- '-?*' $word
            switch $word
                case --
                    set ended yes
                case '--root=*'
                    set root (string replace -- --root= '' $word)
                case '*'
                    contains -- "$at $word" $__rec_valued; and set option $word
            end
        else if test $at = rec; and contains -- $word $__rec_commands
            set at $word
            set ended ''
        else if test $at = rec; or contains -- $at $__rec_recording
            printf '%s\n' tool 0 "$root" $words[$index..]
            return
        else
            set number (math $number + 1)
        end
    end
    test -n "$ended"; and set at $at-
    printf '%s\n' $at $number "$root"
end

# Say whether the cursor is in command $1, with $2 the number of its argument (options without one).
function __rec_at
    set -l place (__rec_place)
    test "$place[1]" = $argv[1]; or test "$place[1]" = $argv[1]-; or return
    set -q argv[2]; or test "$place[1]" = $argv[1]; or return
    not set -q argv[2]; or test "$place[2]" = $argv[2]
end

# Offer what `rec` knows: sessions, labels or turns.
function __rec_ask
    set -l place (__rec_place)
    set -l word (commandline -ct)
    set -l bare (string unescape -- $word; or string unescape -- $word\'; or string unescape -- $word\")
    command rec --complete $argv[1] "$bare" "$place[3]" 2>/dev/null
end

# Offer programs to record; all of them at once would hide our own commands.
function __rec_programs
    set -l word (commandline -ct)
    test -n "$word"; and __fish_complete_command
end

# Offer what the recorded tool's own completion does.
function __rec_tool
    set -l place (__rec_place)
    complete -C (string join ' ' -- (string escape -- $place[4..]) (commandline -ct))
end

# --- generated: `make completions` ---
set -g __rec_commands run shell resume init uninstall ls browse events log output search diff replay play tail fork tree label labels archive rm prune compact wrap meta export import note alert pause unpause status trust doctor completions
set -g __rec_recording run
set -g __rec_valued 'rec --root' 'run --label' 'run --mode' 'run --session-dir' 'ls -n' 'ls --stuck' 'ls --tool' 'events --kind' 'events -n' 'log --cwd' 'log --since' 'log -n' 'search --in' 'search --tool' 'search --host' 'search --cwd' 'search --since' 'search -n' 'replay -n' 'play --speed' 'play --idle' 'play --find' 'fork --at' 'fork --label' 'label --rm' 'prune --older-than' 'prune --max-size' 'meta --rm' 'export -f' 'export -o'
complete -c rec -f
complete -c rec -n '__rec_at tool 0' -a '(__rec_tool)'
complete -c rec -n '__rec_at rec 0' -a '(__rec_programs)'
complete -c rec -n '__rec_at rec 0' -a run -d 'Record TOOL and leave with its exit status'
complete -c rec -n '__rec_at rec 0' -a shell -d 'Record your login shell'
complete -c rec -n '__rec_at rec 0' -a resume -d 'Start SESSION'\''s tool again, and record on into it'
complete -c rec -n '__rec_at rec 0' -a init -d 'Print or write the lines that record every shell'
complete -c rec -n '__rec_at rec 0' -a uninstall -d 'Take the lines of `rec init` out of all rc files'
complete -c rec -n '__rec_at rec 0' -a ls -d 'List sessions, newest first'
complete -c rec -n '__rec_at rec 0' -a browse -d 'Look through sessions on the whole screen'
complete -c rec -n '__rec_at rec 0' -a events -d 'List the events of SESSION in order'
complete -c rec -n '__rec_at rec 0' -a log -d 'List the turns of SESSION, or of all sessions'
complete -c rec -n '__rec_at rec 0' -a output -d 'Print what TURN printed'
complete -c rec -n '__rec_at rec 0' -a search -d 'Find WORDS in prompts and outputs, newest session first'
complete -c rec -n '__rec_at rec 0' -a diff -d 'Compare what two turns printed'
complete -c rec -n '__rec_at rec 0' -a replay -d 'Show SESSION as it was'
complete -c rec -n '__rec_at rec 0' -a play -d 'Play SESSION as it was, at its own pace'
complete -c rec -n '__rec_at rec 0' -a tail -d 'Print the last screenful of SESSION'
complete -c rec -n '__rec_at rec 0' -a fork -d 'Start the tool of SESSION anew, in a child of it'
complete -c rec -n '__rec_at rec 0' -a tree -d 'Draw the family of SESSION: what was forked off what'
complete -c rec -n '__rec_at rec 0' -a label -d 'Name a session, or take a name away'
complete -c rec -n '__rec_at rec 0' -a labels -d 'List all labels and the sessions they name'
complete -c rec -n '__rec_at rec 0' -a archive -d 'Hide SESSION from lists'
complete -c rec -n '__rec_at rec 0' -a rm -d 'Delete sessions, or erase turns; no byte of them is left'
complete -c rec -n '__rec_at rec 0' -a prune -d 'Delete old sessions; no byte of them is left'
complete -c rec -n '__rec_at rec 0' -a compact -d 'Merge small pieces of recordings and give free space back'
complete -c rec -n '__rec_at rec 0' -a wrap -d 'Sum SESSION up in numbers'
complete -c rec -n '__rec_at rec 0' -a meta -d 'Keep a value with SESSION, or show what is kept'
complete -c rec -n '__rec_at rec 0' -a export -d 'Write a session or a turn in another format'
complete -c rec -n '__rec_at rec 0' -a import -d 'Make sessions of recordings in other formats'
complete -c rec -n '__rec_at rec 0' -a note -d 'Write TEXT into the current session as a note'
complete -c rec -n '__rec_at rec 0' -a alert -d 'Raise an alert with TEXT in the current session'
complete -c rec -n '__rec_at rec 0' -a pause -d 'Stop recording the current session'
complete -c rec -n '__rec_at rec 0' -a unpause -d 'Record the current session again after `rec pause`'
complete -c rec -n '__rec_at rec 0' -a status -d 'Show how the current session is doing'
complete -c rec -n '__rec_at rec 0' -a trust -d 'Let the .rec.toml of a repository count'
complete -c rec -n '__rec_at rec 0' -a doctor -d 'Examine the store, the terminal and the versions'
complete -c rec -n '__rec_at rec 0' -a completions -d 'Print what makes Tab in SHELL complete `rec`'
complete -c rec -n '__rec_at rec' -l root -x -ka '(__fish_complete_directories (commandline -ct))' -d 'Where recordings are kept, instead of $REC_ROOT or the default'
complete -c rec -n '__rec_at rec' -l version -d 'Show the version and leave'
complete -c rec -n '__rec_at rec' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at run' -l label -x -d 'Name the session'
complete -c rec -n '__rec_at run' -l mode -x -ka 'auto line raw' -d 'Who edits the line: as the tool'\''s terminal settings say, always rec, never rec'
complete -c rec -n '__rec_at run' -l no-persist -d 'Keep nothing on disk'
complete -c rec -n '__rec_at run' -l session-dir -x -ka '(__fish_complete_directories (commandline -ct))' -d 'Keep the session in DIR'
complete -c rec -n '__rec_at run' -l continue -d 'Go on with the newest session of this call here'
complete -c rec -n '__rec_at run' -l new -d 'Begin a new session; that is the default'
complete -c rec -n '__rec_at run' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at run 0' -ka '(__rec_programs)'
complete -c rec -n '__rec_at shell' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at resume' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at resume 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at init' -l install -d 'Write the lines into the shell'\''s rc file, and keep a copy of it'
complete -c rec -n '__rec_at init' -l yes -d 'Change the file that a symbolic link leads to'
complete -c rec -n '__rec_at init' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at init 0' -ka 'bash zsh fish'
complete -c rec -n '__rec_at uninstall' -l yes -d 'Change the file that a symbolic link leads to'
complete -c rec -n '__rec_at uninstall' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at ls' -s n -x -d 'At most N sessions; 0 is none'
complete -c rec -n '__rec_at ls' -l all -d 'Archived sessions too'
complete -c rec -n '__rec_at ls' -l running -d 'Only those in which a turn is running'
complete -c rec -n '__rec_at ls' -l stuck -x -d 'Only those running for D or longer (90s 10m 2h 7d)'
complete -c rec -n '__rec_at ls' -l here -d 'Only those of this git work tree, else of this directory'
complete -c rec -n '__rec_at ls' -l tool -x -d 'Only those of tool T'
complete -c rec -n '__rec_at ls' -l json -d 'Print JSON; its form is stable'
complete -c rec -n '__rec_at ls' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at browse' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at events' -l kind -x -ka 'prompt output command system warn alert resize mark' -d 'Only this kind; may be repeated'
complete -c rec -n '__rec_at events' -s n -x -d 'The last N events'
complete -c rec -n '__rec_at events' -l json -d 'Print JSON; its form is stable'
complete -c rec -n '__rec_at events' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at events 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at log' -l failed -d 'Only turns with a status other than 0, a warn or an alert'
complete -c rec -n '__rec_at log' -l cwd -x -ka '(__fish_complete_directories (commandline -ct))' -d 'Only turns that ran in DIR'
complete -c rec -n '__rec_at log' -l since -x -d 'Only turns that began at T or later: how long ago (90s 10m 2h 7d), a local date (2026-07-01), or an RFC 3339 time'
complete -c rec -n '__rec_at log' -s n -x -d 'The last N turns; on a terminal 1000 of all sessions'\'' where nothing else narrows them'
complete -c rec -n '__rec_at log' -l json -d 'Print JSON; its form is stable'
complete -c rec -n '__rec_at log' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at log 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at output' -l raw -d 'The recorded bytes, escape sequences and all'
complete -c rec -n '__rec_at output' -l json -d 'Print JSON; its form is stable'
complete -c rec -n '__rec_at output' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at output 0' -ka '(__rec_ask turns)'
complete -c rec -n '__rec_at search' -l in -x -ka 'prompt output all' -d 'Only what was submitted, or only what came back'
complete -c rec -n '__rec_at search' -l regex -d 'WORDS is one regular expression (Python'\''s); it reads every text'
complete -c rec -n '__rec_at search' -l tool -x -d 'Only sessions of tool T'
complete -c rec -n '__rec_at search' -l host -x -d 'Only sessions on host T'
complete -c rec -n '__rec_at search' -l cwd -x -ka '(__fish_complete_directories (commandline -ct))' -d 'Only turns that ran in DIR'
complete -c rec -n '__rec_at search' -l failed -d 'Only turns with a status other than 0, a warn or an alert'
complete -c rec -n '__rec_at search' -l since -x -d 'Only what is from T or later: how long ago (90s 10m 2h 7d), a local date (2026-07-01), or an RFC 3339 time'
complete -c rec -n '__rec_at search' -l best -d 'The best of the newest 1000 hits first, not the newest'
complete -c rec -n '__rec_at search' -s n -x -d 'At most N hits; without it 20, with --json all'
complete -c rec -n '__rec_at search' -l json -d 'Print JSON; its form is stable'
complete -c rec -n '__rec_at search' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at diff' -l json -d 'Print JSON; its form is stable'
complete -c rec -n '__rec_at diff' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at diff 0' -ka '(__rec_ask turns)'
complete -c rec -n '__rec_at diff 1' -ka '(__rec_ask turns)'
complete -c rec -n '__rec_at replay' -s n -x -d 'The last N events'
complete -c rec -n '__rec_at replay' -l raw -d 'The recorded bytes; they can drive your terminal'
complete -c rec -n '__rec_at replay' -l json -d 'Print JSON; its form is stable'
complete -c rec -n '__rec_at replay' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at replay 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at play' -l speed -x -d 'How fast, from 1/16 to 64; keys change it'
complete -c rec -n '__rec_at play' -l idle -x -d 'Let no pause take longer than S seconds'
complete -c rec -n '__rec_at play' -l find -x -d 'Begin where WORDS stand, as / does; paused'
complete -c rec -n '__rec_at play' -l raw -d 'The recorded bytes as they are; they can drive your terminal'
complete -c rec -n '__rec_at play' -l yes -d 'Play the bytes of a file that was imported without being asked'
complete -c rec -n '__rec_at play' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at play 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at tail' -s f -l follow -d 'Go on with what is recorded, until the session ends'
complete -c rec -n '__rec_at tail' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at tail 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at fork' -l at -x -d 'Cut after turn N; -1 is the last. Default: the last'
complete -c rec -n '__rec_at fork' -l rerun -d 'Submit the turns up to there again, one after the other'
complete -c rec -n '__rec_at fork' -l keep-going -d 'Do not stop where a turn ends otherwise than it did'
complete -c rec -n '__rec_at fork' -l yes -d 'Run a shell'\''s commands again without being asked'
complete -c rec -n '__rec_at fork' -l label -x -d 'Name the child'
complete -c rec -n '__rec_at fork' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at fork 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at tree' -l json -d 'Print JSON; its form is stable'
complete -c rec -n '__rec_at tree' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at tree 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at label' -l rm -x -ka '(__rec_ask labels)' -d 'Take LABEL away'
complete -c rec -n '__rec_at label' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at label 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at label 1' -ka '(__rec_ask labels)'
complete -c rec -n '__rec_at labels' -l json -d 'Print JSON; its form is stable'
complete -c rec -n '__rec_at labels' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at archive' -l undo -d 'Show SESSION in lists again'
complete -c rec -n '__rec_at archive' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at archive 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at rm' -l with-forks -d 'Also the sessions that were forked off them'
complete -c rec -n '__rec_at rm' -l yes -d 'Do not ask'
complete -c rec -n '__rec_at rm' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at rm 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at prune' -l older-than -x -d 'What is older than D (2h 7d)'
complete -c rec -n '__rec_at prune' -l max-size -x -d 'The oldest beyond S (500M 2G)'
complete -c rec -n '__rec_at prune' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at compact' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at wrap' -l json -d 'Print JSON; its form is stable'
complete -c rec -n '__rec_at wrap' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at wrap 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at meta' -l rm -x -d 'Take KEY away'
complete -c rec -n '__rec_at meta' -l json -d 'Print JSON; its form is stable'
complete -c rec -n '__rec_at meta' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at meta 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at export' -s f -x -ka 'cast cast2 txt md html jsonl' -d 'The format'
complete -c rec -n '__rec_at export' -s o -x -ka '(__fish_complete_path (commandline -ct))' -d 'Write to FILE instead of standard output'
complete -c rec -n '__rec_at export' -l force -d 'Replace FILE if it exists'
complete -c rec -n '__rec_at export' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at export 0' -ka '(__rec_ask sessions)'
complete -c rec -n '__rec_at import' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at import 0' -ka '(__fish_complete_path (commandline -ct))'
complete -c rec -n '__rec_at note' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at alert' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at pause' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at unpause' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at status' -l json -d 'Print JSON; its form is stable'
complete -c rec -n '__rec_at status' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at trust' -l rm -d 'Take it back'
complete -c rec -n '__rec_at trust' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at trust 0' -ka '(__fish_complete_directories (commandline -ct))'
complete -c rec -n '__rec_at doctor' -l fix -d 'Put right what can be, and say what was'
complete -c rec -n '__rec_at doctor' -l json -d 'Print JSON; its form is stable'
complete -c rec -n '__rec_at doctor' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at completions' -s h -l help -d 'Show this message and exit'
complete -c rec -n '__rec_at completions 0' -ka 'bash zsh fish'
