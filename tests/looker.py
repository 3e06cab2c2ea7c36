"""A process that has `rec` imported, and forks for every call: to look at a store takes a tenth of the time.

    python looker.py DIRECTORY    reads calls from its input, a line of JSON each, and answers each with its
                                  status; what the call prints is in the directory's files `out` and `err`

Only for what tests look with: what they are about is started as a user starts it (`blackbox.rec`).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path


def main(directory: str) -> None:
    import recorder
    from recorder import __main__ as program

    for module in pkgutil.walk_packages(recorder.__path__, "recorder."):
        importlib.import_module(module.name)
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            call(program, directory, **json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def call(program, directory: str, *, args: list[str], env: dict[str, str], cwd: str) -> None:
    """Be `rec`, with nothing of ours but the modules."""
    status = 1
    try:
        os.chdir(cwd)
        for fd, name in ((0, os.devnull), (1, Path(directory, "out")), (2, Path(directory, "err"))):
            file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(file, fd)
            os.close(file)
        os.environ.clear()
        os.environ.update(env)
        sys.argv = [program.__file__, *args]
        status = program.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status or 0)


if __name__ == "__main__":
    main(sys.argv[1])
