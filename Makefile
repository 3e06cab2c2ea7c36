# What a developer does with `rec`. Everything runs from .venv, which the first target makes.
#
#   make setup            .venv with the locked packages and `rec` itself
#   make try              a recorded python3   (TOOL="sqlite3 shop.db" for another tool)
#   make test             set up whatever the tests need, check, then all tests
#   make check            lint, format, types, layers, shell scripts
#   make completions      write completions/ anew after a change to a command or option
#   make player           fetch the web player of `rec export -f html` anew (scripts/player latest: a newer one)
#   make soak             the random tests in their full numbers, and the long ones
#   make bench            measurements beside script, asciinema, ttyrec and rlwrap; bench-big: the large ones,
#                         bench-quick: small ones
#   make lock             resolve the locked versions anew
#   make clean            take away what the targets made
#
# PYTHON=/path/to/python3 chooses the interpreter of .venv.

SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.made
TOOL ?= python3

.PHONY: setup try test check completions player soak bench bench-big bench-quick lock clean tools
.NOTPARALLEL:

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml scripts/setup
	@scripts/setup "$(VENV)"

# The tool's status is the tool's business, not a failure of make.
try: $(STAMP)
	@$(VENV)/bin/rec run -- $(TOOL) || :

tools:
	@scripts/tools

check: $(STAMP)
	@scripts/check "$(VENV)"

completions: $(STAMP)
	@$(PY) scripts/completions

player:
	@scripts/player

test: $(STAMP) tools check
	@scripts/test "$(VENV)"

soak: $(STAMP) tools
	@REC_SOAK=1 $(PY) -m pytest -m "soak or rounds or hypothesis" --timeout 3600

bench: $(STAMP)
	@$(PY) -m bench

bench-big: $(STAMP)
	@$(PY) -m bench --big

bench-quick: $(STAMP)
	@$(PY) -m bench --quick

lock:
	@scripts/lock

clean:
	rm -rf .venv* dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis bench/results
	find recorder tests bench scripts -name __pycache__ -type d -prune -exec rm -rf {} +
