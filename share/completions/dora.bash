# Completion of dora's command line in bash: what can stand there, dora itself knows.
_dora() {
    local line lines
    COMPREPLY=()
    mapfile -t lines < <("$1" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    for line in "${lines[@]}"; do
        if [ "$line" = :files ]; then
            compopt -o default
        else
            COMPREPLY+=("${line%%$'\t'*}")
        fi
    done
}
complete -F _dora dora
