"""Start ``rec``, as the command or as ``python -m recorder``; nothing else."""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Run ``rec`` with this process's words and return the exit status; a recording leaves with it."""
    try:
        gc.disable()  # until all is imported: there is no garbage yet, and looking for it takes 8 ms
        if sys.argv[1:2] == ["--complete"]:
            from recorder.commands import candidates

            os._exit(candidates.main(sys.argv[2:]))
        from recorder.commands import record

        known = record.recognise(sys.argv[1:])
        from recorder.commands import exits

        if known is None:
            from recorder import cli

            status = cli.main()
        else:
            from recorder.commands.app import App

            root, wanted = known
            status = exits.guarded(lambda: record.record(App(root), wanted))
    except KeyboardInterrupt:  # while the modules are still being imported
        return 130
    # All is closed. To take the interpreter down in good order would take 10 ms more, and
    # a writer that still hangs in a store which does not answer makes that no safer.
    exits.hand_over()
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
