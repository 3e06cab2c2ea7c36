"""Every command explains itself, with examples that hold."""

from __future__ import annotations

import re
import shlex

import click
import pytest
from click.testing import CliRunner

from recorder.cli import rec
from recorder.commands import COMMANDS


def command(name):
    return rec.get_command(click.Context(rec), name)


def help_of(*words):
    result = CliRunner().invoke(rec, [*words])
    assert result.exit_code == 0
    assert result.stderr == ""
    return result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(root, name):
    shown = help_of(name, "--help")
    assert shown == help_of(name, "-h")
    assert f"Usage: rec {name} " in shown
    assert command(name).get_short_help_str(60).endswith(".")
    assert "..." not in command(name).get_short_help_str(60)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name):
    options = [param for param in command(name).params if isinstance(param, click.Option)]
    assert [param.name for param in options if not param.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_that_parse(root, name):
    shown = help_of(name, "--help")
    examples = command(name).examples
    assert examples
    for line in examples:
        assert f"  {line}\n" in shown
        called, *words = shlex.split(line.partition(" > ")[0])
        assert called == "rec"
        ctx = rec.make_context("rec", words)
        _name, found, rest = rec.resolve_command(ctx, [*ctx._protected_args, *ctx.args])
        assert found is command(name)
        found.make_context(name, rest, parent=ctx)


def test_the_list_of_commands_is_whole_and_offers_nothing_that_is_not_there(root):
    shown = help_of("--help")
    assert shown == help_of("-h")
    listed = re.findall(r"^  ([a-z]+)  +\S", shown.partition("Commands:")[2], re.MULTILINE)
    assert listed == list(COMMANDS)


def test_every_command_has_its_own_words():
    helps = [command(name).help for name in COMMANDS]
    assert len(set(helps)) == len(helps)
