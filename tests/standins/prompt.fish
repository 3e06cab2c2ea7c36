# A stand-in of starship's kind: fish_prompt is made anew, and asks a program; handlers of fish's events around.
function fish_prompt
    set -l code $status
    printf '[%s] ready> ' (sh -c "echo $code")
end
function fish_right_prompt; echo right; end
function prompt_before --on-event fish_preexec; printf '\e]133;C\a'; false; end
function prompt_after --on-event fish_postexec; printf '\e]133;D;%s\a' $status; false; end
