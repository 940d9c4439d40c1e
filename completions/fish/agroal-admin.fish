# Written by `make docs` from the program's own tables: what is changed here is lost.

complete -c agroal-admin -f
complete -c agroal-admin -s 'f' -s 'u' -l file -r -F -d 'the users file (/etc/agroal/agroal_users.conf)'
complete -c agroal-admin -s 'U' -l user -x -d 'the user to add, edit or delete'
complete -c agroal-admin -s 'P' -l password -x -d 'the password of the user, or the master key'
complete -c agroal-admin -s 'g' -l generate -d 'generate the password or the master key'
complete -c agroal-admin -s 'l' -l length -x -d 'characters of what is generated (64)'
complete -c agroal-admin -s 'o' -l output -x -a '(__fish_complete_directories)' -d 'where imported files go (here)'
complete -c agroal-admin -l from -x -a 'pgbouncer pgagroal' -d 'whose file is imported, when it does not show'
complete -c agroal-admin -l source-key -r -F -d 'pgagroal\'s master key, for an import'
complete -c agroal-admin -l force -d 'an import may overwrite files'
complete -c agroal-admin -s 'n' -l dry-run -d 'show what an import would write'
complete -c agroal-admin -s 'F' -l format -x -a 'text json' -d 'of the output (text)'
complete -c agroal-admin -s 'V' -l version -d 'show program\'s version number and exit'
complete -c agroal-admin -s '?' -l help -d 'show this and exit'

function __agroal_admin_said --description 'Whether these words, and no others, were said after the program'
    set -l said
    set -l value_follows 0
    for word in (commandline -opc)[2..-1]
        if test $value_follows = 1
            set value_follows 0
            continue
        end
        switch $word
            case '-f' '-u' '--file' '-U' '--user' '-P' '--password' '-l' '--length' '-o' '--output' '--from' '--source-key' '-F' '--format'
                set value_follows 1
            case '-*'
            case '*'
                set -a said $word
        end
    end
    test "$said" = "$argv"
end

complete -c agroal-admin -n '__agroal_admin_said' -a 'master-key' -d 'Makes the master key, which nothing can replace.'
complete -c agroal-admin -n '__agroal_admin_said' -a 'user'
complete -c agroal-admin -n '__agroal_admin_said' -a 'import' -d 'Writes agroal\'s files from a `pgbouncer.ini` or a `pgagroal.conf`, with a report of what became of everything.'
complete -c agroal-admin -n '__agroal_admin_said user' -a 'add' -d 'Adds a user and its password.'
complete -c agroal-admin -n '__agroal_admin_said user' -a 'edit' -d 'Gives a user another password.'
complete -c agroal-admin -n '__agroal_admin_said user' -a 'del' -d 'Removes a user.'
complete -c agroal-admin -n '__agroal_admin_said user' -a 'ls' -d 'Names the users; needs no master key.'
