#compdef dora
# Completion of dora's command line in zsh: what can stand there, dora itself knows.
_dora() {
    local line
    local -a before found
    before=("${(@)words[2,CURRENT-1]}")
    for line in "${(@f)$(command $words[1] complete -- "${before[@]}" "$PREFIX" 2>/dev/null)}"; do
        if [[ $line == :files ]]; then
            _files
        elif [[ -n $line ]]; then
            # A colon divides what is inserted from what explains it, as a tab does in `line`.
            found+=("${${line//:/\\:}/$'\t'/:}")
        fi
    done
    (( $#found == 0 )) || _describe -V dora found
}
if [[ $funcstack[1] == _dora ]]; then
    _dora "$@"
else
    compdef _dora dora
fi
