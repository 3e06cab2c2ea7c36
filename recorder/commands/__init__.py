"""The commands of ``rec``: the table of their names, and beside it a module for each.

A command parses its words, makes one service call, renders, and returns. Nothing is imported here:
``cli`` imports a command's module when it is called.
"""

from __future__ import annotations

# name -> module:attribute, in the order in which `rec --help` lists them.
COMMANDS = {
    "run": "run:run",
    "shell": "shell:shell",
    "resume": "resume:resume",
    "init": "init:init",
    "uninstall": "init:uninstall",
    "ls": "ls:ls",
    "browse": "browse:browse",
    "events": "events:events",
    "log": "log:log",
    "output": "output:output",
    "search": "search:search",
    "diff": "diff:diff",
    "replay": "replay:replay",
    "play": "play:play",
    "tail": "tail:tail",
    "fork": "fork:fork",
    "tree": "tree:tree",
    "label": "label:label",
    "labels": "label:labels",
    "archive": "archive:archive",
    "rm": "rm:rm",
    "prune": "prune:prune",
    "compact": "compact:compact",
    "wrap": "wrap:wrap",
    "meta": "meta:meta",
    "export": "export:export",
    "import": "importing:import_",
    "note": "note:note",
    "alert": "note:alert",
    "pause": "pause:pause",
    "unpause": "pause:unpause",
    "status": "status:status",
    "trust": "trust:trust",
    "doctor": "doctor:doctor",
    "completions": "completions:completions",
}
# What a word that is no command means: record it.
TOOL = "run:tool"
