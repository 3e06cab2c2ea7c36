"""The page of `rec export -f html`, in a real browser; and that nothing recorded gets out of its place."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from contextlib import closing
from pathlib import Path

import maker
import pytest
from blackbox import rec
from browser import browser
from hypothesis import given
from hypothesis import strategies as st

from recorder.formats import page

NASTY = "</script>\x1b]0;owned\x07\u202e<b>&@cast@"
PLAYER = Path(__file__).parent.parent / "player"


@pytest.fixture
def shop(root):
    """Two turns; what the second one printed is on another screen size than the first."""
    with closing(maker.store_at(root)) as store:
        one = maker.Maker(store, 1)
        one.shown(b"sqlite> SELECT 1;\r\n", 100)
        one.turn("SELECT 1;", "one \u20ac \U0001f600\n")
        one.shown(b"sqlite> SELECT '</script>';\r\n", 60_000)
        one.turn(f"SELECT '{NASTY}';", "Error: no such table\n", status=1)
        one.shown(b"sqlite> ", 1)
        one.end()
        store.set_label("<shop>", one.ulid)
    return root


def test_a_browser_plays_the_page_and_jumps_to_a_turn(shop, tmp_path):
    path = tmp_path / "shop.html"
    rec(["export", "@1", "-f", "html", "-o", path], shop).ok()
    with browser() as chromium:
        chromium.open(path)
        chromium.until("return document.querySelector('.ap-line') !== null", "the player")
        assert chromium.run("return document.title") == "<shop>: sqlite3 shop.db"
        items = chromium.run(
            "return [...document.querySelectorAll('nav button')].map(each => each.innerText)"
        )
        shown = [re.sub(r"\s+", " ", item) for item in items]
        assert shown == ["0:01 SELECT 1;", "1:04 SELECT '</script>\\x1b]0;owned\\x07\\u202e<b>&@cast@'; 1"]
        click = "document.querySelectorAll('nav button')[%d].click()"
        before = ["sqlite> SELECT 1;", "one \u20ac \U0001f600", "sqlite> SELECT '</script>';"]
        chromium.run(click % 1)
        chromium.until(shows(*before), "the second turn")
        current = "document.querySelector('[aria-current] time')?.textContent"
        chromium.until(f"return {current} === '1:04'", "its place in the list")
        chromium.run(click % 0)
        chromium.until(shows(before[0]), "the first turn")
        chromium.picture(tmp_path / "first.png")
        chromium.run("document.querySelector('.ap-playback-button').click()")
        chromium.until(shows(*before, "Error: no such table", "sqlite>"), "the end")
        chromium.picture(tmp_path / "last.png")


def shows(*lines: str) -> str:
    """A script that says whether the player's screen shows these lines and no other."""
    found = "[...document.querySelectorAll('.ap-line')].map(each => each.textContent.trimEnd())"
    return f"return {found}.join('\\n').trim() === {json.dumps(chr(10).join(lines))}"


# --- nothing gets out of its place -----------------------------------------------------------------


@given(st.lists(st.text(st.sampled_from("</script>!-\\u\"'\n") | st.characters(), max_size=20)))
def test_lines_in_a_script_element_are_one_json_string(lines):
    whole = "".join(page.quoted(lines))
    assert "<" not in whole
    assert json.loads(whole) == "".join(f"{line}\n" for line in lines)


@given(st.text(st.sampled_from("<>&\"'@a.") | st.characters()))
def test_labels_are_text_and_places_are_filled_once(label):
    entry = page.entry(0, label, None)
    text = '[^<>"]*'
    button = f'<button type="button" title="{text}"><time>0:00</time><code>{text}</code></button>'
    assert re.fullmatch(f"<li>{button}</li>\n", entry)
    assert "".join(page.page("x@a@y@b@", {"a": [label]})) == f"x{label}y@b@"


def test_the_page_allows_its_own_two_scripts_only(shop):
    shown = rec(["export", "@1", "-f", "html"], shop).ok().stdout
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', shown)[1]
    allowed = re.findall(r"'sha256-([^']*)'", policy)
    scripts = re.findall(r"<script>(.*?)</script>", shown, re.DOTALL)
    assert [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts] == allowed
    assert "unsafe-inline'; script" not in policy.partition("script-src")[2]
    assert shown.count("<script") == shown.count("</script>") == 3
    assert "# rec" not in shown


def test_the_player_is_the_one_that_is_recorded():
    record = json.loads((PLAYER / "player.json").read_text())
    assert record["integrity"].startswith("sha512-")
    assert record["license"] == "Apache-2.0"
    assert set(record["files"]) == {"asciinema-player.min.js", "asciinema-player.css", "LICENSE"}
    for name, wanted in record["files"].items():
        digest = hashlib.sha512((PLAYER / name).read_bytes()).digest()
        assert f"sha512-{base64.b64encode(digest).decode()}" == wanted
    assert "Apache License" in (PLAYER / "LICENSE").read_text()
