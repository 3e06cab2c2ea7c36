"""Recordings in the formats that others read and write: pure codecs, one file a format.

Bytes and records in, records and text out. What a session is, which files there are and what is
stored is for ``exporting`` and ``importing``.
"""
