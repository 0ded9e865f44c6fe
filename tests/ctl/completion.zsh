#!/usr/bin/env zsh
# SPDX-License-Identifier: GPL-2.0-only
# Does zsh complete shmbufctl's commands, options, columns and names? An interactive zsh, on a terminal of its own, is
# given what is typed so far and completes it as by the tab key. Prints TAP.
emulate -R zsh
setopt err_exit no_unset pipe_fail
here=${0:A:h} top=${0:A:h:h:h}

case ${1-} in
-h | --help) echo "Usage: tests/ctl/completion.zsh"; echo "Tries the completion for zsh. Prints TAP."; exit 0 ;;
esac
make -s -C $top/userspace ctl >&2
zmodload zsh/zpty
scratch=$(mktemp -d)
trap 'rm -rf $scratch' EXIT
mkdir $scratch/bin
mkfifo $scratch/answer

# The tool itself, but for what it needs the module for.
print '#!/bin/sh' >$scratch/bin/shmbufctl
cat >>$scratch/bin/shmbufctl <<TOOL
if [ "\$1" = list ] && [ "\${2-}" = --noheadings ]; then
	printf '%s\n' alpha - 'with space' beta
else
	exec $top/build/userspace/shmbufctl "\$@"
fi
TOOL
chmod +x $scratch/bin/shmbufctl

# Of the shell that completes: it writes into the fifo that it is ready, and then how what is in the file "typed" is
# completed, with how many matches there were before it.
cat >$scratch/.zshrc <<RC
scratch=$scratch PS1=
unset zle_bracketed_paste
path=(\$scratch/bin \$path)
fpath=($top/userspace/ctl/completion \$fpath)
autoload -Uz compinit
compinit -u -d \$scratch/dump
zstyle ':completion:*' insert-tab false
count_matches() { matches=\$compstate[nmatches]; }
complete_typed() {
	BUFFER=\$(<\$scratch/typed) CURSOR=1000 matches=0
	comppostfuncs=(count_matches)
	zle complete-word
	print -r -- "\$matches \$BUFFER" >\$scratch/answer
	BUFFER=
}
get_ready() { print ready >\$scratch/answer; }
zle -N complete_typed
zle -N zle-line-init get_ready
bindkey '^X' complete_typed
RC

# Nobody hangs where the shell doesn't answer.
exec 3<>$scratch/answer
answer() {
	local said
	read -r -t 60 -u 3 said || { echo "Bail out! the shell doesn't answer"; exit 1; }
	# What it shows would fill the terminal's buffer.
	while zpty -r -t shell shown; do :; done
	reply=$said
}
zpty shell env TERM=vt100 ZDOTDIR=$scratch zsh -d -i
answer
[[ $reply == ready ]]

# completed LINE: what that is completed to is $line, of $matches.
completed() {
	print -rn -- $1 >$scratch/typed
	zpty -w -n shell $'\C-x'
	answer
	matches=${reply%% *} line=${reply#* }
}

tests=0 failed=0
# verdict NAME GOOD: GOOD is 1 where it is as it has to be.
verdict() {
	local word=ok
	if (( ! $2 )); then
		word='not ok'
		(( ++failed ))
		echo "# '$line', $matches matches"
	fi
	(( ++tests ))
	echo "$word $tests - $1"
}
# ok NAME WANTED TYPED: behind the command TYPED becomes WANTED; behind what is whole there is a space.
ok() {
	completed "shmbufctl $3"
	if [[ ${line% } == "shmbufctl $2" ]]; then verdict $1 1; else verdict $1 0; fi
}
# counts NAME NUMBER TYPED: so much could follow.
counts() {
	completed "shmbufctl $3"
	verdict $1 $(( $2 > 1 && matches == $2 ))
}
helped() { $top/build/userspace/shmbufctl "$@" --help; }

counts "all commands" $(helped | sed -n '/^Commands:/,/^$/p' | grep -c '^  [a-z]') ''
ok "a command" recover rec
counts "all options of a command" $(helped create | grep -c '^ .* --[a-z]') 'create --'
ok "one of them" 'create --max-size' 'create --ma'
ok "one that all tables have" 'list --noheadings' 'list --no'
counts "all columns" $(helped list | sed -n '/^Columns:/,/^$/p' | grep -c '^  [A-Z]') 'list -o '
# The comma is one that zsh takes away where a space follows.
ok "a column" 'list -o RESIDENT,' 'list -o R'
ok "one more column" 'list -o ID,RESIDENT,' 'list -o ID,R'
ok "a column with a slash" 'top -o CONT/S,' 'top -o CONT/'
counts "all names" 3 'show '
ok "a name" 'show alpha' 'show a'
ok "a name behind an option" 'lock --shared beta' 'lock --shared b'
ok "a name behind an option's value" 'lock -t 5 --conflict-exit-code 7 beta' 'lock -t 5 --conflict-exit-code 7 b'
ok "no name as an option's value" 'lock -t a' 'lock -t a'
ok "nor a file" 'lock -t /dev/nul' 'lock -t /dev/nul'
ok "a name that the shell would take apart" 'cat with\ space' 'cat w'
ok "one more name" 'rm alpha beta' 'rm alpha b'
ok "a kind" 'init alpha 0 semaphore' 'init alpha 0 s'
ok "deaths" 'wait alpha deaths' 'wait alpha d'
ok "all" 'wake alpha 0 all' 'wake alpha 0 a'
ok "a command to run" 'lock alpha 0 mkfifo' 'lock alpha 0 mkfif'
ok "a file behind that command's option" 'lock alpha 0 -- ls -t /dev/null' 'lock alpha 0 -- ls -t /dev/nul'
ok "nothing that doesn't begin so" 'show zzz' 'show zzz'
echo "1..$tests"
(( failed == 0 ))
