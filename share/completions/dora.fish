# Completion of dora's command line in fish: what can stand there, dora itself knows.
function __dora_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    for line in (command $before[1] complete -- $before[2..-1] "$current" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end
complete -c dora -f -a '(__dora_complete)'
