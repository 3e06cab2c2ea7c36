"""Words and settings that are wrong: one clear line, the status of the contract, nothing started or made."""

from __future__ import annotations

import pytest

BAD = {
    "missing": (["run", "--", "no-such-tool"], 127, "rec: could not run no-such-tool: not found"),
    "path": (["run", "--", "/no/such/tool"], 127, "rec: could not run /no/such/tool: not found"),
    "directory": (["run", "--", "/usr"], 126, "rec: could not run /usr: is a directory"),
    "not-executable": (
        ["run", "--", "/etc/passwd"],
        126,
        "rec: could not run /etc/passwd: permission denied",
    ),
    "empty-word": (["run", "--", ""], 127, "rec: could not run"),
    "no-tool": (["run"], 2, "rec: no TOOL to record"),
    "no-tool-after-dashes": (["run", "--"], 2, "rec: no TOOL to record"),
    "mode": (["run", "--mode", "fast", "--", "true"], 2, "rec: invalid value for '--mode': 'fast'"),
    "label": (["run", "--label", "a/b", "--", "true"], 2, "rec: could not use the label: it holds a '/'"),
    "short": (["evnts"], 127, "rec: could not run evnts: not found"),
}


@pytest.mark.parametrize(("words", "status", "line"), BAD.values(), ids=BAD)
def test_bad_words_are_one_clear_line_and_start_nothing(root, start_rec, words, status, line):
    term = start_rec(words, cols=200)
    assert term.wait() == status
    first, *more = term.text().strip().splitlines()
    assert first.startswith(line), term.dump()
    assert len(more) <= 1  # what to do
    assert "Traceback" not in term.text()
    assert term.modes() == term.before
    assert not root.exists()


CONFIGS = {
    "wrong-key": ('prefix = "C-]"\ncolour = 1\n', "line 2", "colour"),
    "wrong-value": ("[record]\nslash = 3\n", "line 2", "slash"),
    "no-toml": ("[record\n", "line 1", ""),
}


@pytest.mark.parametrize(("text", "line", "key"), CONFIGS.values(), ids=CONFIGS)
def test_settings_that_are_wrong_are_named_before_the_tool_starts(root, start_rec, text, line, key):
    place = root.parent / "home" / ".config" / "rec" / "config.toml"
    place.parent.mkdir(parents=True)
    place.write_text(text)
    term = start_rec(["run", "--", "sh", "-c", "echo started"])
    assert term.wait() == 2
    said = term.text().replace("\n", "")
    assert str(place) in said
    assert line in said
    assert key in said
    assert "started" not in said
    assert term.modes() == term.before
