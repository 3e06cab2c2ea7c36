"""Blobs: what is written stays readable for ever, and the dictionary is only there when it is needed."""

from __future__ import annotations

import random
from hashlib import sha256
from pathlib import Path

import pytest
from making import chunk, draft, invocation, joined, session

from recorder.model import Kind
from recorder.stores import segments
from recorder.stores.segments import Damaged, squeeze, squeeze_shown, unsqueeze
from recorder.stores.sqlite import SqliteStore

STORES = Path(segments.__file__).parent
SHOWN = b"".join(
    b"-rw-r--r-- 1 root root %5d May 17 09:%02d file-%d.py\r\n" % (n * 7919 % 10**5, n, n) for n in range(60)
)


def test_the_dictionary_is_the_one_that_its_frames_were_made_with():
    """Never change this number: databases hold frames that need these bytes. A new file gets a new name."""
    found = sha256((STORES / "dictionary-1.zstd").read_bytes()).hexdigest()
    assert found == "51d55b07ec5f907d414d399b8be021d3c50b35d5db2c8d5be8463a288ee799fb"


OLD = {  # blobs as version 0.1.0 wrote them
    "plain": "0068656c6c6f",
    "zstd": (
        "0128b52ffd641c018d040042c6131790296dfbe98cfb1af5ee177f93442972f7367d9766390199bdf5c698efca"
        "7f877629581f6da713b1bcf4eeee9f9999336e9bcd03020d85a08821813850d5208b5e6a1408548be338542287"
        "300e091f00a00b182ee0143006060138058c8141004e016360108053c0181804e008dc031803dc034cc07001a7"
        "80313008c029600c0c027044ac6070cba2a0d1724533c38725"
    ),
    "dictionary": (
        "0228b52ffd641c0135030032840a0aa03df0174bc1a8aa890181589bdadddc2e339bfe2aea8dfee391a8ac6adb"
        "6e9e99f3bd2d564412050222ac40aac21e90330b0bd90cb21928cff597ad99c5efe5dc3aa0dce3e27779ae7fc0"
        "1e234d99d9c57b7aa1b213a115ca1ca4a70a2e9854ad0633c38725"
    ),
}


@pytest.mark.parametrize("name", OLD)
def test_blobs_of_old_versions_are_read(name):
    wanted = {"plain": b"hello"}.get(name, SHOWN[:540])
    assert unsqueeze(bytes.fromhex(OLD[name])) == wanted


def test_short_sessions_gain_by_the_dictionary_and_long_ones_go_without():
    short = SHOWN[:540]
    assert len(squeeze_shown(short)) < len(squeeze(short, segments.SEAL_LEVEL)) * 0.9
    assert squeeze_shown(SHOWN)[:1] == b"\x02"
    assert squeeze_shown(SHOWN * 40)[:1] == b"\x01"


@pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 1000, 65_536, 65_537, 300_000])
def test_any_body_comes_back(size):
    for body in (random.Random(size).randbytes(size), (SHOWN * 100)[:size]):
        assert unsqueeze(squeeze_shown(body)) == body
        assert unsqueeze(squeeze(body)) == body
        assert len(squeeze_shown(body)) <= size + 1


def test_without_the_dictionary_recording_goes_on(monkeypatch):
    blob = squeeze_shown(SHOWN)
    monkeypatch.setattr(segments, "_dictionary", lambda _number: None)
    assert unsqueeze(squeeze_shown(SHOWN)) == SHOWN
    with pytest.raises(Damaged, match="not installed"):
        unsqueeze(blob)


def test_the_dictionary_is_not_read_before_something_is_sealed(tmp_path):
    """The first byte of the tool does not wait for it, and neither does any commit."""
    segments._dictionary.cache_clear()
    store = SqliteStore(tmp_path / "root" / "rec.db")
    begun = session()
    run = invocation(begun)
    store.begin(begun, run)
    store.append([draft(begun, Kind.MARK, "a")], [chunk(run, 0, SHOWN)])
    assert segments._dictionary.cache_info().currsize == 0
    store.seal(begun.ulid)
    assert segments._dictionary.cache_info().currsize == 1
    assert joined(store.raw(begun.ulid)) == SHOWN
    store.close()
