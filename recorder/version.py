"""The version of ``rec``, and nothing else: asking the installed package's metadata takes 20 ms."""

VERSION = "0.1.0"
