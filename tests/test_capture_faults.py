"""A fault in guessing turns costs the turns, never the recording."""

from __future__ import annotations

from recorder.capture import Capture
from recorder.inference import Inference
from recorder.model import Chunk, Draft, Kind, Moment, Size, Span
from recorder.spans import Source


def test_bytes_and_text_are_kept_when_the_inference_fails(monkeypatch):
    def broken(*_args, **_options):
        raise ImportError("pyte is gone")

    monkeypatch.setattr(Inference, "settled", broken)
    capture = Capture(Source("S", "I", "tool"), Size(80, 24), nonce="n" * 32)
    items = [
        *capture.output(Moment(0, 0), b"before\r\n"),
        *capture.settled(Moment(5, 5), reading=True, line=False),
        *capture.settled(Moment(6, 6), reading=True, line=False),
        *capture.output(Moment(9, 9), b"behind\r\n"),
        *capture.ended(Moment(12, 12), status=0, signal=None, hangup=False),
    ]
    assert b"".join(item.data for item in items if isinstance(item, Chunk)) == b"before\r\nbehind\r\n"
    assert b"".join(item.data for item in items if isinstance(item, Span)) == b"before\r\nbehind\r\n"
    alerts = [item.text for item in items if isinstance(item, Draft) and item.kind is Kind.ALERT]
    assert len(alerts) == 1
    assert "pyte is gone" in alerts[0]
