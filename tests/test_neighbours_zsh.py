"""zsh with our hooks beside what else hooks into it."""

from __future__ import annotations

from neighbours import orders, real, standin, together

blackbox = True
any_python = True

FZF = "/usr/share/doc/fzf/examples/key-bindings.zsh"
KITTY = "/usr/lib/kitty/shell-integration/zsh/kitty-integration"
LIQUID = ". {0}; LP_ENABLE_LOAD=0; LP_ENABLE_TEMP=0; LP_ENABLE_BATT=0; LP_PS1_POSTFIX='ready> '"
NEIGHBOURS = [
    real("direnv", 'eval "$(direnv hook zsh)"', "/usr/bin/direnv"),
    real("zoxide", 'eval "$(zoxide init zsh)"', "/usr/bin/zoxide"),
    real("fzf", ". {0}", FZF),
    real(
        "kitty",
        "KITTY_SHELL_INTEGRATION=enabled; autoload -Uz {0}; kitty-integration; unfunction kitty-integration",
        KITTY,
    ),
    real("vte", ". {0}", "/etc/profile.d/vte-2.91.sh", VTE_VERSION="7006"),
    real("liquidprompt", LIQUID, "/usr/share/liquidprompt/liquidprompt"),
    real("highlighting", ". {0}", "/usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh"),
    real("autosuggestions", ". {0}", "/usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh"),
    real(
        "powerlevel9k",
        "POWERLEVEL9K_CUSTOM_R='echo ready\\>'; POWERLEVEL9K_LEFT_PROMPT_ELEMENTS=(status custom_r);"
        " POWERLEVEL9K_RIGHT_PROMPT_ELEMENTS=(dir); . {0}",
        "/usr/share/powerlevel9k/powerlevel9k.zsh-theme",
    ),
    *(standin(name, "zsh") for name in ("transient", "caller", "async", "search")),
]


@orders(NEIGHBOURS)
def test_one_turn_for_each_command(tmp_path, neighbour, place):
    together("zsh", tmp_path, neighbour, place)
