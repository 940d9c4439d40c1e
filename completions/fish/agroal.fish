# Written by `make docs` from the program's own tables: what is changed here is lost.

complete -c agroal -f
complete -c agroal -s 'c' -l config -r -F -d 'settings and servers'
complete -c agroal -s 'a' -l hba -r -F -d 'who may come in, from where, and how'
complete -c agroal -s 'i' -l ident -r -F -d 'which users a certificate stands for'
complete -c agroal -s 'l' -l limit -r -F -d 'limits and aliases of databases'
complete -c agroal -s 'u' -l users -r -F -d 'the vault of users'
complete -c agroal -s 'F' -l frontend -r -F -d 'passwords of clients'
complete -c agroal -s 'A' -l admins -r -F -d 'who may administer agroal over the network'
complete -c agroal -s 'S' -l superuser -r -F -d 'who asks for secrets (auth_query)'
complete -c agroal -s 'D' -l directory -x -a '(__fish_complete_directories)' -d 'the directory of all these files'
complete -c agroal -s 'd' -l daemon -d 'run in the background'
complete -c agroal -l check -d 'check the files, print what is in force, start nothing'
complete -c agroal -l format -x -a 'text json' -d 'of the doctor (text)'
complete -c agroal -s 'V' -l version -d 'show program\'s version number and exit'
complete -c agroal -s '?' -s 'h' -l help -d 'show this help'

function __agroal_said --description 'Whether these words, and no others, were said after the program'
    set -l said
    set -l value_follows 0
    for word in (commandline -opc)[2..-1]
        if test $value_follows = 1
            set value_follows 0
            continue
        end
        switch $word
            case '-c' '--config' '-a' '--hba' '-i' '--ident' '-l' '--limit' '-u' '--users' '-F' '--frontend' '-A' '--admins' '-S' '--superuser' '-D' '--directory' '--format'
                set value_follows 1
            case '-*'
            case '*'
                set -a said $word
        end
    end
    test "$said" = "$argv"
end

complete -c agroal -n '__agroal_said' -a 'doctor' -d 'Says what is wrong with the files, this machine and PostgreSQL, and what to do; starts and changes nothing.'
