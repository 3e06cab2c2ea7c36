"""The commands of ``rec``: the table of their names, and beside it a module for each.

A command parses its words, makes one service call, renders, and returns. Nothing is imported here:
``cli`` imports a command's module when it is called.
"""

from __future__ import annotations

# name -> module:attribute, in the order in which `rec --help` lists them.
COMMANDS = {
    "run": "run:run",
    "ls": "ls:ls",
    "events": "events:events",
    "log": "log:log",
    "output": "output:output",
    "replay": "replay:replay",
    "label": "label:label",
    "labels": "label:labels",
    "note": "note:note",
    "alert": "note:alert",
    "pause": "pause:pause",
    "unpause": "pause:unpause",
    "status": "status:status",
    "doctor": "doctor:doctor",
}
# Words of the contract that are no commands yet. A program of such a name is not what was meant, and
# would be recorded today and no longer tomorrow.
LATER = {
    *("shell", "init", "uninstall", "play", "resume", "fork", "tree", "search", "diff", "browse", "tail"),
    *("export", "import", "archive", "rm", "prune", "compact", "wrap", "meta", "trust", "completions"),
} - COMMANDS.keys()
# What a word that is no command means: record it.
TOOL = "run:tool"
