-- The database of `rec` as its first step makes it. Version history:
--   1  sessions, invocations, events, segments, packs, turns, phrases, milestones, metadata
--   2  indexes: a session's children and its invocations, for what deletes them
--   3  an index of the sessions that are kept in a directory of their own
--   4  the search index: blocks and chapters of words
--
-- Later versions only add (tables, columns, rows of `kind`), so that a recorder of an older version
-- that is still running goes on writing. The steps are in sqlite_schema.py.
-- Order is (session, seq), never the clock. Times are milliseconds: wall since 1970 (UTC), offset
-- since the invocation began, on the boot-time clock. A "raw offset" counts bytes of a session's
-- output. Ids that hold two numbers keep a session's rows together without a second index.

CREATE TABLE migration (               -- which steps ran; user_version says the same in one number
  version     INTEGER PRIMARY KEY,     -- what the schema became
  name        TEXT NOT NULL,           -- of the step
  at_ms       INTEGER NOT NULL         -- when
);

CREATE TABLE kind (                    -- the kinds of event; a newer version adds rows
  id          INTEGER PRIMARY KEY,     -- in event.kind
  name        TEXT NOT NULL            -- as in the JSON output
);
INSERT INTO kind VALUES (0, 'output'), (1, 'prompt'), (2, 'command'), (3, 'system'),
  (4, 'warn'), (5, 'alert'), (6, 'resize'), (7, 'mark');

CREATE TABLE session (                 -- one recorded conversation; written at its first event
  id          INTEGER PRIMARY KEY,     -- of this database only; the ULID is the name
  ulid        TEXT NOT NULL UNIQUE,
  tool        TEXT NOT NULL,           -- base name of the program
  argv        TEXT NOT NULL,           -- JSON array, passwords masked
  argv_masked INTEGER NOT NULL,        -- 1: something in argv was masked
  cwd         TEXT NOT NULL,           -- where it was started
  git_root    TEXT,                    -- of cwd
  user        TEXT NOT NULL,           -- login name
  tty         TEXT,                    -- the user's terminal device
  term        TEXT,                    -- TERM at the start
  cols        INTEGER NOT NULL,        -- terminal size at the start
  rows        INTEGER NOT NULL,
  created_ms  INTEGER NOT NULL,
  parent      TEXT,                    -- ULID of the session this is a fork of
  fork_turn   INTEGER,                 -- the parent's last turn that belongs to the fork
  fork_seq    INTEGER,                 -- the parent's last event that does; own seqs follow it
  archived_ms INTEGER,                 -- hidden since
  directory   TEXT                     -- where it is kept, if not in this database
);

CREATE TABLE progress (                -- what changes with every commit, apart from the long row above
  session     INTEGER PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
  invocation  INTEGER,                 -- the newest one
  last_seq    INTEGER NOT NULL,        -- of the newest event; fork_seq or 0 before the first
  n_events    INTEGER NOT NULL,        -- own events
  n_turns     INTEGER NOT NULL,        -- own turns
  last_ms     INTEGER,                 -- wall time of the newest event
  raw_length  INTEGER NOT NULL,        -- raw offset after the last stored byte
  sealed_raw  INTEGER NOT NULL,        -- raw offset before which segments are merged for good
  packed_seq  INTEGER NOT NULL,        -- seq up to which events are in packs
  state       TEXT,                    -- idle, running or error, as the recorder last said
  state_turn  INTEGER,                 -- the turn it said it of
  state_ms    INTEGER                  -- since when
);

CREATE TABLE invocation (              -- one run of the tool's process
  id          INTEGER PRIMARY KEY,     -- of this database only
  ulid        TEXT NOT NULL UNIQUE,
  session     INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  started_ms  INTEGER NOT NULL,
  pid         INTEGER NOT NULL,        -- of the recorder; with the next two it names one process ever
  pid_start   INTEGER NOT NULL,        -- its start time (clock ticks since boot)
  boot_id     TEXT NOT NULL,
  version     TEXT NOT NULL,           -- of the recorder
  host        TEXT NOT NULL,
  target      TEXT,                    -- what the tool talks to, without its password
  ended_ms    INTEGER,                 -- none: live, or interrupted (the owner tells which)
  exit_status INTEGER,
  end_reason  TEXT,                    -- exit, signal, hangup, forked, new
  recovered   INTEGER NOT NULL DEFAULT 0  -- 1: what a crash left out has been derived
);
CREATE INDEX invocation_open ON invocation (recovered) WHERE ended_ms IS NULL;

CREATE TABLE event (                   -- the typed rows that are not yet in a pack
  id          INTEGER PRIMARY KEY,     -- session.id << 32 | seq
  kind        INTEGER NOT NULL REFERENCES kind (id),
  skew_ms     INTEGER NOT NULL,        -- wall - offset - invocation.started_ms (0 if none): mostly 0
  offset_ms   INTEGER NOT NULL,
  invocation  INTEGER,                 -- invocation.id; none: from another process (rec note)
  turn        INTEGER,
  text        TEXT NOT NULL,
  meta        TEXT NOT NULL            -- JSON object, or ''
);

CREATE TABLE segment (                 -- raw bytes with their times (layout: segments.py)
  id          INTEGER PRIMARY KEY,     -- session.id << 40 | raw offset of the first byte
  length      INTEGER NOT NULL,        -- raw bytes
  invocation  INTEGER NOT NULL,        -- invocation.id
  wall_ms     INTEGER NOT NULL,        -- of the first byte
  offset_ms   INTEGER NOT NULL,
  restart     INTEGER NOT NULL,        -- 1: the running hash starts anew here, from the digest before
                                       --    (hole, damage, erased bytes); 2: from meta's "whole"
  whole       BLOB NOT NULL,           -- running hash of all whole 64 KiB blocks before the end
  digest      BLOB NOT NULL,           -- running hash of everything before the end
  meta        TEXT NOT NULL,           -- JSON: {"redactions": [[raw offset, length, what], …]}, or ''; an
                                       --    erased segment has no bytes: {"erased": [raw offset, length, digest]}
  times       BLOB NOT NULL,           -- lengths and times of the single reads
  data        BLOB NOT NULL            -- the bytes; behind them the texts of a pack, if one says so
);

CREATE TABLE pack (                    -- events that seal took out of their rows (layout: packs.py)
  id          INTEGER PRIMARY KEY,     -- session.id << 32 | first seq
  last_seq    INTEGER NOT NULL,        -- all events from the first to this one are in it
  segment     INTEGER,                 -- segment.id whose data holds the texts, in and behind its raw bytes
  facts       BLOB NOT NULL,           -- kinds, times, turns, and where the texts are
  data        BLOB                     -- the texts, where no segment holds them
);

CREATE TABLE turn (                    -- derived from events (turns.fold); check compares
  id          INTEGER PRIMARY KEY,     -- session.id << 32 | turn
  command     TEXT NOT NULL,           -- what was submitted
  prompt_text INTEGER,                 -- number of a phrase: what the tool showed before it
  started_ms  INTEGER NOT NULL,
  raw_start   INTEGER NOT NULL,        -- raw offset of the output
  raw_length  INTEGER NOT NULL,        -- and its length
  end         TEXT,                    -- null: done; else stopped, interrupted, running, unknown
  exit_status INTEGER,
  duration_ms INTEGER,
  cwd         INTEGER,                 -- number of a phrase
  shell       TEXT,                    -- id of the shell that ran it
  parent_turn INTEGER,                 -- the turn whose command that shell is
  flags       INTEGER NOT NULL         -- 1: text left out (truncated), 2: has a warn or an alert, 4: erased
);

CREATE TABLE phrase (                  -- what a session's turn rows say again and again
  id          INTEGER PRIMARY KEY,     -- session.id << 32 | number; turns hold the number
  text        TEXT NOT NULL
);

CREATE TABLE milestone (               -- named points; a label L is session.label.L → ULID;
                                       -- store.highest-session → the highest id when one was deleted;
                                       -- store.leftover.<ULID> → directory of a deleted session
  key         TEXT PRIMARY KEY,
  value       TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE metadata (                -- free values of a session
  session     INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  key         TEXT NOT NULL,
  value       TEXT NOT NULL,
  PRIMARY KEY (session, key)
) WITHOUT ROWID;
