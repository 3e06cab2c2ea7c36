"""fish with our hooks beside what else hooks into it."""

from __future__ import annotations

from neighbours import orders, real, standin, together

blackbox = True
any_python = True

FZF = "/usr/share/doc/fzf/examples/key-bindings.fish"
KITTY = "/usr/lib/kitty/shell-integration/fish/vendor_conf.d/kitty-shell-integration.fish"
NEIGHBOURS = [
    real("direnv", "direnv hook fish | source", "/usr/bin/direnv"),
    real("zoxide", "zoxide init fish | source", "/usr/bin/zoxide"),
    real("fzf", ". {0}; fzf_key_bindings", FZF),
    real("kitty", "set -gx KITTY_SHELL_INTEGRATION enabled; . {0}", KITTY),
    *(standin(name, "fish") for name in ("prompt", "search")),
]


@orders(NEIGHBOURS)
def test_one_turn_for_each_command(tmp_path, neighbour, place):
    together("fish", tmp_path, neighbour, place)
