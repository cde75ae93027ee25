"""`atlas completion`: the script with which a shell completes `atlas` commands."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from starter.cli.framework.output import raw

_BASH = """\
# Completion of `atlas` for bash. To have it in every shell:
#   mkdir -p ~/.local/share/bash-completion/completions
#   atlas completion bash > ~/.local/share/bash-completion/completions/atlas
# Without the package bash-completion: echo 'source <(atlas completion bash)' >> ~/.bashrc
_atlas() {
    local value told
    COMPREPLY=()
    while IFS=$'\\t' read -r value told; do
        COMPREPLY+=("$value")
    done < <(atlas __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -F _atlas atlas"""

_ZSH = """\
#compdef atlas
# Completion of `atlas` for zsh. To have it in every shell, after `compinit`:
#   atlas completion zsh > "${fpath[1]}/_atlas"
# or: echo 'source <(atlas completion zsh)' >> ~/.zshrc
_atlas() {
    local value told
    local -a found
    while IFS=$'\\t' read -r value told; do
        found+=("${value//:/\\\\:}:$told")
    done < <(atlas __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( $#found )); then _describe atlas found; else _files; fi
}
if [[ "$funcstack[1]" == _atlas ]]; then _atlas "$@"; else compdef _atlas atlas; fi"""

_FISH = """\
# Completion of `atlas` for fish. To have it in every shell:
#   atlas completion fish > ~/.config/fish/completions/atlas.fish
function __atlas_complete
    set -l words (commandline -opc) (commandline -ct)
    atlas __complete $words[2..-1] 2>/dev/null
end
complete -c atlas -f -a '(__atlas_complete)'
complete -c atlas -n 'test -z (__atlas_complete | string collect)' -F"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="Your shell")],
    /,
) -> None:
    """Print a script that completes commands, options, and names of sources, runs and schedules.

    Its first lines say where to install it.

    Examples:
        atlas completion bash
        atlas completion zsh
        atlas completion fish > ~/.config/fish/completions/atlas.fish
    """
    raw(_SCRIPTS[shell])
