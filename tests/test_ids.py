"""Identifiers: real ULIDs, in the order of time, never twice."""

from __future__ import annotations

import ulid
from hypothesis import given
from hypothesis import strategies as st

from recorder import ids


@given(st.integers(0, 2**48 - 1))
def test_python_ulid_reads_the_time_back(wall_ms):
    assert ulid.ULID.from_str(ids.ulid(wall_ms)).milliseconds == wall_ms


def test_they_sort_by_time_and_differ():
    made = [ids.ulid(1_700_000_000_000 + n) for n in range(100)]
    assert made == sorted(made)
    assert len({ids.ulid(5) for _ in range(1000)}) == 1000


def test_a_nonce_is_128_bits_of_hex():
    assert len(bytes.fromhex(ids.nonce())) == 16
    assert ids.nonce() != ids.nonce()
