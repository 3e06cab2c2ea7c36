"""`rec`: a session recorder. This is the map of its modules; no code lives here.

Imports point down only, and `make check` holds them to it: face, service, engine, edges, pure, words.

face
    __main__               start rec
    cli                    the click command line; the only maker of exit statuses, with commands/
    commands/              one file a command: parse, one service call, show
    faces                  makers of the editors and texts that a running session borrows
    repl                   the better prompt: lexer and completion that fit one tool
    palette                the recorder's own line over a tool in passthrough
    ptengine               the line editor: a prompt-toolkit prompt, fed keys and stepped
    ptkeys                 one whole key's bytes to prompt-toolkit's key presses
    ptparts                prompt-toolkit without a terminal: loop, input, output, history
    completion             what Tab offers: pure functions and their adapters
    render                 records as text for people
    render_json            records as the JSON that the contract fixes

service
    recording              compose and run one recording of a tool that runs
    start                  the tool first: terminal, signals, pty, and its first output
    live                   answer slash-commands inside a running session
    sessions               list, name, note, state: the use cases around whole sessions
    care                   import spill files, complete interrupted sessions
    doctor                 is everything in order that recording needs?
    current                the session we run in, asked from a command inside it
    beacon                 publish what only a live recorder knows
    transcripts            the first line, replays, what a turn printed
    lookup                 from a user's words to a session or a turn
    lineage                a session's ancestors up to where it was forked off

engine
    relay                  the one loop: bytes, times, signals, timers
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
    clock                  wall time and boot time
    launch                 PATH search, fork, clean slate, exec, and why it failed
    modefile               the note that lets a killed recorder's terminal be reset
    identity               this process as an owner; its user and host
    procfs                 the only reader of /proc
    store                  the protocol of every back end
    stores/chain           the running hash that no cut changes
    stores/files           files and directories that only their owner can reach
    stores/memory          the store that keeps nothing
    stores/packs           events that are not rows any more, packed
    stores/segments        raw bytes with their times, packed
    stores/sqlite          the SQLite store
    stores/sqlite_append   the statements of append and begin
    stores/sqlite_check    examine a database
    stores/sqlite_connect  how a connection is made and its errors are called
    stores/sqlite_pages    events and raw bytes, read in short pages
    stores/sqlite_read     sessions, turns and names, read
    stores/sqlite_rows     rows to records and back
    stores/sqlite_schema   the steps that make and upgrade the database
    stores/sqlite_seal     small segments merged into large ones

pure
    capture                the recording state machine: output, keys, times in; events out
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
    hooks                  our own marks told from forgeries
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
    turns                  events folded into turn rows
    pending                what waits for the store, with tickets
    outage                 a failing store: when to try again, what to tell
    spill                  the file for what a store did not take
    marks                  the wording of marks, ours and the public ones
    strip                  our marks, and nothing else, taken out of the output
    redact                 what must never be stored, replaced in the stream
    masking                passwords in a command line
    targets                what a tool talks to
    alerts                 trouble in a tool's text
    safe                   recorded text made harmless for a terminal
    notices                desktop notifications
    settle                 when to look whether a quiet tool waits
    gap                    what a full queue does
    inputend               the end of the user's input, and whether the tool knows
    slash                  which lines are for the recorder
    labels                 what a label may be
    vocabulary             the words that completion has seen
    units                  durations and sizes as people write them
    text                   output into the text that a person saw
    emulation              a screen for output that moves over several rows
    editscreen             a screen on which a tool edits its line
    row                    one row, edited in place
    ansi                   text, control bytes and escape sequences

words
    version                the version
    model                  frozen records and enumerations
    basics                 the few of them that are needed before the tool runs
    errors                 the one error tree
"""
