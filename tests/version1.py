"""A recorder of schema version 1 as it was released: its statements, frozen; never to be brought up to date.

It knows one session, keeps its own counts, and does what a recorder does between two commits. What it
writes is the simplest form that version 1 may write: plain blobs, no packs.
"""

from __future__ import annotations

from hashlib import blake2b

import apsw

T0 = 1_763_650_000_000
SETTINGS = (
    "PRAGMA trusted_schema=0",
    "PRAGMA foreign_keys=1",
    "PRAGMA secure_delete=1",
    "PRAGMA journal_mode=wal",
    "PRAGMA synchronous=normal",
)


class Version1:
    """One session, recorded through one connection that stays open."""

    def __init__(self, path, ulid, run):
        self.db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE)
        self.db.set_busy_timeout(5000)
        for each in SETTINGS:
            self.db.execute(each).fetchall()
        self.ulid, self.run = ulid, run
        self.seq = self.turn = self.raw = 0
        self.hash = blake2b(blake2b(ulid.encode(), digest_size=16).digest(), digest_size=16)
        self.whole = blake2b(ulid.encode(), digest_size=16).digest()

    def begin(self):
        with self.db:
            self.db.execute(
                "INSERT OR IGNORE INTO session VALUES (NULL" + ", ?" * 17 + ")",
                (self.ulid, "sh", '["sh"]', 0, "/", None, "ann", None, None, 80, 24, T0, *[None] * 5),
            )
            (self.session,) = self.db.execute(
                "SELECT id FROM session WHERE ulid = ?", (self.ulid,)
            ).fetchone()
            self.db.execute(
                "INSERT OR IGNORE INTO progress VALUES (?, NULL, ?, 0, 0, NULL, 0, 0, ?, NULL, NULL, NULL)",
                (self.session, 0, 0),
            )
            self.db.execute(
                "INSERT OR IGNORE INTO invocation VALUES (NULL" + ", ?" * 12 + ", 0)",
                (self.run, self.session, T0, 1, 1, "boot", "0.1.0", "here", None, None, None, None),
            )
            (self.invocation,) = self.db.execute(
                "SELECT id FROM invocation WHERE ulid = ?", (self.run,)
            ).fetchone()
            self.db.execute(
                "UPDATE progress SET invocation = ?, sealed_raw = raw_length WHERE session = ?",
                (self.invocation, self.session),
            )

    def record(self, command, data):
        """One turn: its prompt, its bytes (less than a block in all) and its end, in one transaction."""
        self.turn += 1
        start, self.raw = self.raw, self.raw + len(data)
        self.hash.update(data)
        with self.db:
            key = self.session << 40 | start
            self.db.execute(
                "INSERT INTO segment VALUES (?" + ", ?" * 10 + ")",
                (key, len(data), self.invocation, T0, 0, False, self.whole, self.hash.digest(), "",
                 bytes([3, 0, 1 << 2, len(data), 0, 0]) if len(data) < 128 else None, b"\0" + data),
            )  # fmt: skip
            for kind, text, meta in (
                (1, command, f'{{"prompt_text":"$ ","source":"hooks","raw":{start}}}'),
                (0, data.decode(), f'{{"raw":[{start},{self.raw}],"end":"done","status":0,"duration_ms":1}}'),
            ):
                self.seq += 1
                self.db.execute(
                    "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        self.session << 32 | self.seq,
                        kind,
                        0,
                        self.seq,
                        self.invocation,
                        self.turn,
                        text,
                        meta,
                    ),
                )
            self.db.execute("INSERT OR IGNORE INTO phrase VALUES (?, ?)", (self.session << 32, "$ "))
            self.db.execute(
                "INSERT OR REPLACE INTO turn VALUES (?" + ", ?" * 12 + ")",
                (self.session << 32 | self.turn, command, 0, T0 + self.seq - 1, start, len(data), None, 0, 1,
                 None, None, None, 0),
            )  # fmt: skip
            self.db.execute(
                "UPDATE progress SET last_seq = ?, n_events = ?, n_turns = ?, last_ms = ?, raw_length = ?"
                " WHERE session = ?",
                (self.seq, self.seq, self.turn, T0 + self.seq, self.raw, self.session),
            )
            self.db.execute(
                "UPDATE progress SET state = ?, state_turn = ?, state_ms = ? WHERE session = ?",
                ("idle", None, T0, self.session),
            )
            version = self.db.execute("PRAGMA user_version").fetchone()[0]
            self.db.execute(f"PRAGMA user_version={version}")  # how it has a transaction synced

    def end(self):
        with self.db:
            self.db.execute(
                "UPDATE invocation SET ended_ms = ?, exit_status = ?, end_reason = ?"
                " WHERE ulid = ? AND ended_ms IS NULL",
                (T0 + 9, 0, "exit", self.run),
            )
        self.db.close()
