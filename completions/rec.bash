# Tab in bash (4.4 or newer) for `rec`: source this file, or put it where bash-completion looks, as `rec`.
#
# What is below the line "generated" is written by scripts/completions; here is how it is used. Sessions,
# labels and turns come from `rec --complete`. Text from the command line or a store is never evaluated.

# shellcheck disable=SC2034  # one function's results are another's variables

# Part the line up to the cursor into words (bash also cuts at = : @ inside a word): sets words, and in
# starts the index in COMP_WORDS at which each begins.
_rec_words() {
    local line=${COMP_LINE:0:COMP_POINT} rest piece index last
    words=() starts=()
    for ((index = 0; index <= COMP_CWORD; index++)); do
        rest=${line#"${line%%[![:blank:]]*}"}
        piece=${COMP_WORDS[index]}
        piece=${piece:0:${#rest}} # the cursor may stand inside the last one
        last=$((${#words[@]} - 1))
        if ((last >= 0)) && [[ $rest == "$line" && $piece${words[last]} != *[\<\>]* ]]; then
            words[last]+=$piece
        else
            words+=("$piece") starts+=("$index")
        fi
        line=${rest#"$piece"}
    done
}

# Take the quoting out of $1 as the shell would: sets text, and in quote the one still open.
_rec_unquote() {
    local raw=$1 char
    text='' quote=''
    while [[ -n $raw ]]; do
        char=${raw:0:1} raw=${raw:1}
        case $quote$char in
            \' | \") quote=$char ;;
            "''" | '""') quote='' ;;
            \\) text+=${raw:0:1} raw=${raw:1} ;;
            \"\\)
                [[ ${raw:0:1} == [\"\\\$\`] ]] || text+=$char
                text+=${raw:0:1} raw=${raw:1}
                ;;
            *) text+=$char ;;
        esac
    done
}

# Offer those of the words that begin as what was typed does, quoted to stand behind what stays of it.
_rec_offer() {
    local word tick="'\\''" bang="\"'!'\""
    for word in "${@/#/$lead}"; do
        [[ $word == "$text"* ]] || continue
        word=${word:${#kept}}
        case $open in
            \') word=${word//\'/$tick} ;;
            \")
                word=${word//\\/\\\\} word=${word//\"/\\\"} word=${word//\$/\\\$} word=${word//\`/\\\`}
                word=${word//!/$bang}
                ;;
            *) [[ -z $word ]] || printf -v word %q "$word" ;;
        esac
        COMPREPLY+=("$word")
    done
}

# Offer what `rec` knows: sessions, labels or turns.
_rec_ask() {
    local -a found
    mapfile -t found < <(command rec --complete "$1" "${text#"$lead"}" "$root" 2>/dev/null)
    _rec_offer "${found[@]%%$'\t'*}"
    compopt -o nosort
    [[ ${COMPREPLY[0]-} != *: ]] || compopt -o nospace # a turn's number follows
}

# Offer programs to record; not the shell's own words, which nothing else can run.
_rec_programs() {
    local -a found
    local name
    if [[ $text == */* ]]; then
        compopt -o default
        return
    fi
    mapfile -t found < <(compgen -c -- "$text")
    for name in "${found[@]}"; do
        ! type -P -- "$name" >/dev/null || _rec_offer "$name"
    done
}

# Offer what a place takes: a kind of name, or the choices themselves.
_rec_kind() {
    local -a choices
    case $1 in
        SESSION) _rec_ask sessions ;;
        LABEL) _rec_ask labels ;;
        TURN) _rec_ask turns ;;
        TOOL) _rec_programs ;;
        DIR) compopt -o dirnames ;;
        FILE) compopt -o default ;;
        *)
            IFS='|' read -ra choices <<<"$1"
            _rec_offer "${choices[@]}"
            ;;
    esac
}

# Offer what the recorded tool's own completion does; the tool is word $1 of the line.
_rec_tool() {
    local name
    for name in _comp_command_offset _command_offset; do # bash-completion's, by its age
        if declare -F "$name" >/dev/null; then
            "$name" "${starts[$1]}"
            return
        fi
    done
    compopt -o bashdefault -o default
}

_rec() {
    local -a words starts takes
    local IFS=$' \t\n' piece=$2 text quote kept open at=rec option='' ended='' root='' lead='' number=0 index word
    COMPREPLY=()
    _rec_words
    # Readline replaces $2 only, never a : or = at which it cuts; bash-completion (behind sudo) names those, too.
    [[ $piece != [:=] || $COMP_WORDBREAKS != *"$piece"* ]] || piece=''
    _rec_unquote "${words[-1]%"$piece"}"
    kept=$text open=$quote

    for ((index = 1; index < ${#words[@]} - 1; index++)); do
        _rec_unquote "${words[index]}"
        word=$text
        if [[ -n $option ]]; then
            [[ $option != --root ]] || root=$word
            option=''
        elif [[ -z $ended && $word == -?* ]]; then
            [[ $word != -- ]] || ended=yes
            [[ $word != --root=* ]] || root=${word#*=}
            [[ -z ${_rec_values[$at $word]+set} ]] || option=$word
        elif [[ $at == rec && " ${_rec_arguments[rec]} " == *" $word "* ]]; then
            at=$word ended=''
        elif [[ $at == rec || ${_rec_arguments[$at]} == TOOL ]]; then
            _rec_tool "$index"
            return
        else
            ((++number))
        fi
    done

    _rec_unquote "${words[-1]}"
    if [[ ${words[-2]} == [0-9\&]*[\<\>]* || ${words[-2]} == [\<\>]* ]]; then
        compopt -o default
    elif [[ -n $option ]]; then
        _rec_kind "${_rec_values[$at $option]}"
    elif [[ -z $ended && $text == --*=* ]]; then
        lead=${text%%=*}=
        _rec_kind "${_rec_values[$at ${lead%=}]-}"
    elif [[ -z $ended && $text == -* ]]; then
        read -ra takes <<<"${_rec_options[$at]}"
        _rec_offer "${takes[@]}"
        [[ $text != - ]] || _rec_arguments_of
    else
        _rec_arguments_of
    fi
}

# Offer what stands at the cursor's place among the arguments.
_rec_arguments_of() {
    read -ra takes <<<"${_rec_arguments[$at]}"
    if [[ $at != rec ]]; then
        [[ -z ${takes[number]-} ]] || _rec_kind "${takes[number]}"
        return
    fi
    _rec_offer "${takes[@]}"
    [[ -z $text || $text == -* ]] || _rec_programs # all of them at once would hide ours
}

complete -F _rec rec

# --- generated: `make completions` ---
declare -gA _rec_options=(
    [rec]='--root --version -h --help'
    [run]='--label --mode --no-persist --session-dir --continue --new -h --help'
    [shell]='-h --help'
    [resume]='-h --help'
    [init]='--install --yes -h --help'
    [uninstall]='--yes -h --help'
    [ls]='-n --all --running --stuck --here --tool --json -h --help'
    [browse]='-h --help'
    [events]='--kind -n --json -h --help'
    [log]='--failed --cwd --since -n --json -h --help'
    [output]='--raw --json -h --help'
    [search]='--in --regex --tool --host --cwd --failed --since --best -n --json -h --help'
    [diff]='--json -h --help'
    [replay]='-n --raw --json -h --help'
    [play]='--speed --idle --find --raw --yes -h --help'
    [tail]='-f --follow -h --help'
    [fork]='--at --rerun --keep-going --yes --label -h --help'
    [tree]='--json -h --help'
    [label]='--rm -h --help'
    [labels]='--json -h --help'
    [archive]='--undo -h --help'
    [rm]='--with-forks --yes -h --help'
    [prune]='--older-than --max-size -h --help'
    [compact]='-h --help'
    [wrap]='--json -h --help'
    [meta]='--rm --json -h --help'
    [export]='-f -o --force -h --help'
    [import]='-h --help'
    [note]='-h --help'
    [alert]='-h --help'
    [pause]='-h --help'
    [unpause]='-h --help'
    [status]='--json -h --help'
    [trust]='--rm -h --help'
    [doctor]='--fix --json -h --help'
    [completions]='-h --help'
)
declare -gA _rec_values=(
    ['rec --root']='DIR'
    ['run --label']=''
    ['run --mode']='auto|line|raw'
    ['run --session-dir']='DIR'
    ['ls -n']=''
    ['ls --stuck']=''
    ['ls --tool']=''
    ['events --kind']='prompt|output|command|system|warn|alert|resize|mark'
    ['events -n']=''
    ['log --cwd']='DIR'
    ['log --since']=''
    ['log -n']=''
    ['search --in']='prompt|output|all'
    ['search --tool']=''
    ['search --host']=''
    ['search --cwd']='DIR'
    ['search --since']=''
    ['search -n']=''
    ['replay -n']=''
    ['play --speed']=''
    ['play --idle']=''
    ['play --find']=''
    ['fork --at']=''
    ['fork --label']=''
    ['label --rm']='LABEL'
    ['prune --older-than']=''
    ['prune --max-size']=''
    ['meta --rm']=''
    ['export -f']='cast|cast2|txt|md|html|jsonl'
    ['export -o']='FILE'
)
declare -gA _rec_arguments=(
    [rec]='run shell resume init uninstall ls browse events log output search diff replay play tail fork tree label labels archive rm prune compact wrap meta export import note alert pause unpause status trust doctor completions'
    [run]='TOOL'
    [shell]=''
    [resume]='SESSION'
    [init]='bash|zsh|fish'
    [uninstall]=''
    [ls]=''
    [browse]=''
    [events]='SESSION'
    [log]='SESSION'
    [output]='TURN'
    [search]=''
    [diff]='TURN TURN'
    [replay]='SESSION'
    [play]='SESSION'
    [tail]='SESSION'
    [fork]='SESSION'
    [tree]='SESSION'
    [label]='SESSION LABEL'
    [labels]=''
    [archive]='SESSION'
    [rm]='SESSION'
    [prune]=''
    [compact]=''
    [wrap]='SESSION'
    [meta]='SESSION'
    [export]='SESSION'
    [import]='FILE'
    [note]=''
    [alert]=''
    [pause]=''
    [unpause]=''
    [status]=''
    [trust]='DIR'
    [doctor]=''
    [completions]='bash|zsh|fish'
)
