"""What a recorder publishes, and what is done about the files of killed ones."""

from __future__ import annotations

import json
import os
import signal

from blackbox import rec as call
from blackbox import wait_for
from processes import REC, children, in_shell

from recorder import beacon, identity
from recorder.beacon import SWEEP_MS, Beacon


def killed(directory, ulid):
    """Leave a file as a recorder that is gone would."""
    pid = os.fork()
    if pid == 0:
        Beacon(str(directory), ulid).tell(0, "on", 0)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    return directory / f"status-{ulid}.json", pid


def test_what_is_published_names_its_owner_and_goes_with_it(tmp_path):
    one = Beacon(str(tmp_path), "A")
    one.tell(0, "on", 0)
    (path,) = tmp_path.iterdir()
    told = json.loads(path.read_text())
    assert told == {"session": "A", "recording": "on", "queue_bytes": 0, "owner": list(identity.owner())}
    assert beacon.dead(str(tmp_path)) == []
    one.put_out()
    assert list(tmp_path.iterdir()) == []


def test_only_files_of_dead_owners_are_swept(tmp_path):
    stale, pid = killed(tmp_path, "A")
    torn = tmp_path / f"status-B.json.{pid}.new"
    torn.write_text('{"recor')
    living = Beacon(str(tmp_path), "C")
    living.tell(0, "on", 0)
    for name, text in (("status-D.json", "{}"), ("status-E.json", "["), ("tty-88-1", "x")):
        (tmp_path / name).write_text(text)
    (tmp_path / f"status-F.json.{os.getpid()}.new").write_text("")
    (tmp_path / "status-G.json").symlink_to("nowhere")
    os.mkfifo(tmp_path / "status-H.json")
    others = set(tmp_path.iterdir()) - {stale, torn}
    assert beacon.dead(str(tmp_path)) == [str(stale), str(torn)]
    assert beacon.sweep(str(tmp_path)) == [str(stale), str(torn)]
    assert set(tmp_path.iterdir()) == others
    assert beacon.sweep(str(tmp_path / "missing")) == []


def test_a_recording_sweeps_when_its_tool_has_long_begun_or_at_its_end(tmp_path):
    stale, _pid = killed(tmp_path, "A")
    one = Beacon(str(tmp_path), "B")
    one.tell(SWEEP_MS - 1, "on", 0)
    assert stale.exists()
    one.tell(SWEEP_MS, "on", 0)
    assert not stale.exists()
    killed(tmp_path, "A")
    Beacon(str(tmp_path), "C").put_out()
    assert not stale.exists()


def test_doctor_names_what_a_killed_recorder_left_and_removes_it(root, start):
    runtime = root.parent / "run"
    runtime.mkdir(mode=0o700)
    env = {"XDG_RUNTIME_DIR": str(runtime)}
    term = in_shell(start, root, env=env)
    term.line(f"{REC} run -- cat")
    wait_for(lambda: list(runtime.glob("rec/status-*.json")), what="what it publishes")
    os.kill(children(term.pid)[0], signal.SIGKILL)
    term.expect("Killed")
    (path,) = runtime.glob("rec/status-*.json")

    def found(*options):
        rows = call(["doctor", "--json", *options], root, env=env).ok().json()
        return {row["check"]: row["detail"] for row in rows}["run-time files"]

    assert found().endswith(f"by killed recorders, removed by the next recording: {path.name}")
    assert found("--fix") == f"fixed: removed {path.name}"
    assert not path.exists()
    assert found("--fix") == f"in order, in {runtime}/rec"
