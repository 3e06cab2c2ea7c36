"""A headless Chromium, driven over plain WebDriver: as much of the protocol as a page's test needs."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import tempfile
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import blackbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARGUMENTS = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,800"]


class Browser:
    """One window; `run` evaluates a script in its page."""

    def __init__(self, address: str, session: str) -> None:
        self._session = f"{address}/session/{session}"

    def open(self, path: Path) -> None:
        call(f"{self._session}/url", {"url": path.as_uri()})

    def run(self, script: str):
        return call(f"{self._session}/execute/sync", {"script": script, "args": []})

    def until(self, script: str, what: str):
        """Poll until the script returns something."""
        return blackbox.wait_for(lambda: self.run(script), what=what)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(call(f"{self._session}/screenshot")))


def call(url: str, body: dict | None = None, method: str | None = None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read())["value"]
    except urllib.error.HTTPError as error:
        raise AssertionError(error.read().decode()) from None


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Start Chromium and its driver, and end both."""
    blackbox.need("chromium", "chromedriver")
    # Not pytest's directory: its name is too long for the sockets that Chromium puts there.
    with tempfile.TemporaryDirectory(prefix="rec-test-", ignore_cleanup_errors=True) as home:
        yield from _browser(home)


def _browser(home: str) -> Iterator[Browser]:
    arguments = [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else ARGUMENTS
    wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "HOME": home, "TMPDIR": home},
        text=True,
    )
    try:
        told = next(filter(None, (re.search(r"on port (\d+)\.", line) for line in driver.stdout)))
        address = f"http://127.0.0.1:{told[1]}"
        session = call(f"{address}/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        try:
            yield Browser(address, session)
        finally:
            call(f"{address}/session/{session}", method="DELETE")
    finally:
        driver.terminate()
        driver.wait()
        driver.stdout.close()
