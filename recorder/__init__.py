"""`rec`: a session recorder. This is the map of its modules; no code lives here.

Imports point down only, and `make check` holds them to it: face, service, engine, edges, pure, words.

face
    __main__               start rec
    cli                    the click command line; the only maker of exit statuses, with commands/
    commands/              one file a command: parse, one service call, show
    faces                  makers of the editors and texts that a running session borrows
    repl                   the better prompt: lexer and completion that fit one tool
    palette                the recorder's own line over a tool in passthrough
    ptbrowse               the browser on a terminal: a full-screen prompt-toolkit application
    ptengine               the line editor: a prompt-toolkit prompt, fed keys and stepped
    ptkeys                 one whole key's bytes to prompt-toolkit's key presses
    ptparts                prompt-toolkit without a terminal: loop, input, output, history
    completion             what Tab offers: pure functions and their adapters
    render                 records as text for people
    render_health          how a recording and a store are doing, as text
    render_diff            what differs between two turns, as lines
    render_tree            a family of sessions drawn as a tree
    render_wrap            a wrap-up as lines
    render_search          what a search found, as lines
    render_browse          the browser's screen as lines
    render_json            records as the JSON that the contract fixes

service
    recording              compose and run one recording of a tool that runs
    start                  the tool first: terminal, signals, pty, and its first output
    takeback               a turn, a note or a label, taken back in a running session
    live                   answer slash-commands inside a running session
    branching              go on in another session while the tool runs on
    forking                where a fork is cut, and what a rerun submits
    sessions               list, name, note, state: the use cases around whole sessions
    searching              find words, bring the index up to date
    keeping                delete sessions with their forks, prune to a budget
    shelf                  what the browser's panes hold
    care                   import spill files, complete interrupted sessions
    resuming               which session to go on with, and its taking over
    doctor                 is everything in order that recording needs?
    current                the session we run in, asked from a command inside it
    integration            the lines in rc files: shown, written, taken out, examined
    trusting               trust a repository's settings, take it back, say how it stands
    launchers              what the shells' launchers left when a recorder failed them
    film                   what a player needs of a stored session
    following              what a session says, as it is written
    beacon                 publish what only a live recorder knows
    wrapping               the wrap-up of a stored session, and its file
    metadata               values that are kept with a session
    exporting              a session or a turn for others: its parts in order, and as lines
    exportpage             the page with a player in it
    importing              recordings of others, and our own exports, become sessions
    importsink             where one of them becomes a session, whole or not at all
    transcripts            the first line, replays, what a turn printed
    lookup                 from a user's words to a session or a turn
    lineage                a session's ancestors up to where it was forked off
    newrun                 the rows of a session and a run as this process begins them

engine
    screening              the player's loop: time, keys and bytes
    relay                  the one loop: bytes, times, signals, timers
    rerunning              the loop that first submits another session's prompts
    prelude                the tool's output before the relay is there
    wiring                 the parts of a recording and the plain ways between them
    keyboard               route what the user types: one queue, one consumer for each key
    submission             submitted lines, in the store before the tool has them
    suspend                stop and go on with the tool, as a shell does it with its jobs
    writer                 the one thread that writes to the store
    outlet                 bytes on their way to a place that takes only so much
    ending                 asked politely, waited for, insisted on, drained
    poller                 wait on descriptors, telling the kernel only what changed
    overlay                open and close the palette without a trace
    sense                  the tool's mode, whether it reads, whether it took our line
    promptline             the tool's prompt and the edit in its place
    wires                  what the relay lends to the keyboard: a protocol
    console                who answers commands and makes editors: protocols
    pen                    what the writer does with its store: begin, append, sync, seal
    errands                what others want done on the writer's thread
    editor                 the line editor's protocol

edges
    terminal               the user's terminal; its only writer
    child                  the tool on its pty
    gate                   does the tool wait in a read of its terminal?
    config                 environment, paths, the settings that hold
    signals                signals as readable bytes
    jobs                   may we stop, and who still exists
    ids                    ULIDs and nonces
    shells                 which shell `rec shell` records; the launcher's status file
    clock                  wall time and boot time
    trusted                the notes of which repositories' settings are trusted
    launch                 PATH search, fork, clean slate, exec, and why it failed
    modefile               the note that lets a killed recorder's terminal be reset
    identity               this process as an owner; its user and host
    rcfiles                a user's rc file: read, replaced at one stroke, a copy kept
    procfs                 the only reader of /proc
    shipped                where shell/, completions/ and player/ are
    store                  the protocol of every back end
    stores/chain           the running hash that no cut changes
    stores/directory       one session in a directory of its own
    stores/directory_begin  where one can begin, and whether one is there
    stores/directory_erase  what is left of its lines and bytes
    stores/directory_files  its files, and locks
    stores/directory_ledger  which of its lines count, and what they come to
    stores/directory_lines  the wording of its lines, and of session.json
    stores/files           files and directories that only their owner can reach
    stores/memory          the store that keeps nothing
    stores/memory_record   one session of it
    stores/memory_search   search in it, text by text
    stores/pieces          raw bytes cut into what is stored at once
    stores/packs           events that are not rows any more, packed
    stores/rooted          a root and the directories of sessions, as one store
    stores/rooted_read     where a session is, and what both say of it
    stores/rooted_search   search in both
    stores/segments        raw bytes with their times, packed
    stores/sqlite          the SQLite store
    stores/sqlite_append   the statements of append and begin
    stores/sqlite_bury     a range of raw bytes, replaced by a tombstone
    stores/sqlite_chain    a session's running hash, rebuilt from its segments
    stores/sqlite_check    examine a database
    stores/sqlite_connect  how a connection is made and its errors are called
    stores/sqlite_erase    sessions and turns, deleted
    stores/sqlite_index    the search index: lists of words for runs of events
    stores/sqlite_names    labels, ULIDs, numbers of turns: what Tab waits for
    stores/sqlite_pages    events and raw bytes, read in short pages
    stores/sqlite_packs    events in packs, as rows
    stores/sqlite_places   sessions in directories: where, and which were let go
    stores/sqlite_read     sessions, turns and names, read
    stores/sqlite_rows     rows to records and back
    stores/sqlite_runs     invocations begun, taken, given back
    stores/sqlite_schema   the steps that make and upgrade the database
    stores/sqlite_seal     small segments merged into large ones
    stores/sqlite_search   where in a database to look for words, and what answers
    stores/sqlite_transactions  the connection, and how transactions begin and end
    stores/sqlite_wipe     what SQLite leaves of deleted rows, overwritten
    stores/wordlists       the distinct words of some events, one blob

pure
    ahead                  lines sent of which it is not known yet whether a shell reads them
    capture                the recording state machine: output, keys, times in; events out
    playback               the player: keys and times in, what to show out
    playsearch             words in a recording, from one place to the next
    playscan               when words come to stand on the screen
    playbar                the player's last row and its help
    playkeys               the keys of the player
    playwords              a player's times and goals, written and read
    painter                a stage drawn on the user's terminal, only what has changed
    projector              any place of a reel on a stage, by way of packed screens
    reel                   a recording by play time, in blocks
    standing               how a recording stands: what may be asked of it
    rendering              the lagging pass, guarded: spans become events
    inference              turns of a tool that edits its own line
    turnbook               turns as they open, print and close
    transcript             an output's bytes to its events
    dialog                 what happens to the next typed byte: a table
    lines                  read the edited line off a virtual screen
    modes                  who edits the line; the ledger of terminal modes
    drawing                the bytes of the line on which the cursor stands
    emptyline              an empty line is a turn only if something comes back
    recover                what a crash left out, derived from raw bytes
    wrap                   what a session came to, counted
    formats/records        what every format is made of
    formats/guess          which format a file is of
    formats/lines          lines and stretches of a file, none of them unbounded
    formats/cast           asciicast 2 and 3, written
    formats/transcript     transcripts as text and as Markdown
    formats/page           one HTML page that plays a recording by itself
    formats/castread       asciicast 1, 2 and 3, read
    formats/typescript     what script writes, read
    formats/ttyrec         ttyrec, read
    formats/intake         a foreign recording as rec would have recorded it
    formats/restore        a session that rec exported, as it was
    formats/fill           the text of a turn whose comment is lost, from its bytes
    formats/notes          what asciicast cannot say, in comments; both ways
    browsing               the browser of sessions: keys in, a view and wishes out
    rerun                  what a rerun submits, and when it stops
    hints                  what public marks say about a shell's turns
    hintshell              one shell as its public marks tell about it
    hintturns              the turns that public marks make
    hooks                  our own marks told from forgeries
    shellturns             turns of shells with our hooks, and the line at their prompt
    stretches              what stands in a stretch of output, in its order
    query                  what a search asks for, and where a text answers it
    tape                   what is kept of the raw stream, and where it stands
    settings               what config.toml may say
    spans                  cut output into the spans that become events
    foreign                background output in the middle of an edit
    keyed                  what kind of keys went into an edit: counts, never a key
    findings               what inference finds: records
    prompts                prompts told from output and from what was typed
    watch                  the few sequences that change what is recorded or restored
    echo                   the kernel's echo of our line, taken out of the output
    keys                   keys, the prefix key, Enter, terminals' answers
    erasing                what erasing a turn takes with it, and what stays
    turns                  events folded into turn rows
    pending                what waits for the store, with tickets
    outage                 a failing store: when to try again, what to tell
    spill                  the file for what a store did not take
    marks                  the wording of marks, ours and the public ones
    strip                  our marks, and nothing else, taken out of the output
    redact                 what must never be stored, replaced in the stream
    masking                passwords in a command line
    origin                 what a recording goes on from: a record
    targets                what a tool talks to
    alerts                 trouble in a tool's text
    safe                   recorded text made harmless for a terminal
    safestream             recorded bytes made harmless for a terminal
    notices                desktop notifications
    settle                 when to look whether a quiet tool waits
    gap                    what a full queue does
    inputend               the end of the user's input, and whether the tool knows
    slash                  which lines are for the recorder
    rcblocks               our blocks in an rc file, byte for byte
    labels                 what a label may be
    vocabulary             the words that completion has seen
    difference             what differs between two texts, line by line
    jsontext               a line of JSON that no terminal obeys
    units                  durations and sizes as people write them
    text                   output into the text that a person saw
    emulation              a screen for output that moves over several rows
    stage                  the screen of a recording as it was at a moment
    board                  a screen as it looks: styles, modes, scroll region, alternate screen
    styles                 what SGR sequences add up to
    canvas                 a pyte screen with what pyte lacks
    editscreen             a screen on which a tool edits its line
    row                    one row, edited in place
    ansi                   text, control bytes and escape sequences

words
    version                the version
    model                  frozen records and enumerations
    basics                 the few of them that are needed before the tool runs
    errors                 the one error tree
"""
