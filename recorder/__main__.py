"""Start ``rec``, as the command or as ``python -m recorder``; nothing else."""

from __future__ import annotations

import sys


def main() -> int:
    """Run ``rec`` with this process's words and return the exit status."""
    try:
        return _main()
    except KeyboardInterrupt:  # while the modules are still being imported
        return 130


def _main() -> int:
    from recorder.commands import record

    known = record.recognise(sys.argv[1:])
    if known is None:
        from recorder import cli

        return cli.main()
    from recorder.commands import exits
    from recorder.commands.app import App

    root, wanted = known
    return exits.guarded(lambda: record.record(App(root), wanted))


if __name__ == "__main__":
    sys.exit(main())
