# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# Paths, messages and locks that all scripts of tests/ share. Sourced.

shopt -s extglob inherit_errexit
# Under make: the options meant for that make are not meant for those that are run from here.
unset MAKEFLAGS MFLAGS MAKELEVEL

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/shmbuf
BUILD=$TOP/build

# This script in its messages; of those that are called run, which one.
PROGRAM=${0##*/}
[ "$PROGRAM" != run ] || PROGRAM=$(basename "$(cd "$(dirname "$0")" && pwd)")/run

say() { printf '%s\n' "$*" >&2; }
die() { say "$PROGRAM: $*"; exit 1; }
bad_usage() { say "$PROGRAM: $* (see --help)"; exit 2; }

# numbers LEAST NAME...: those of the variables that are set are numbers from LEAST (0 or 1) up.
numbers() {
	local least=$1 name
	shift
	for name; do
		[[ -z ${!name-} || ${!name} =~ ^([1-9][0-9]*|0x0*[1-9a-f][0-9a-f]*)$ ]] || [ "$least" = "${!name}" ] ||
			die "$name=${!name} is not a number from $least up"
	done
}

# locked FILE CMD...: run CMD while nobody else holds the lock FILE.
locked() {
	local lock=$1
	shift
	mkdir -p "${lock%/*}"
	(
		flock -w 2 9 || { say "waiting for $lock"; flock 9; }
		"$@"
	) 9>"$lock"
}

# step TITLE CMD...: run CMD with its output kept back. Where that takes more than two
# seconds it says so, with a clock on a terminal; if CMD fails it shows the output.
step() {
	local title=$1 log pid rc=0 start=$SECONDS told=
	shift
	log=$(mktemp)
	"$@" >"$log" 2>&1 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		if [ -t 2 ]; then
			printf '\r%s ... %d s' "$title" $((SECONDS - start)) >&2
		elif [ -z "$told" ] && [ $((SECONDS - start)) -ge 2 ]; then
			say "$title ..."
			told=1
		fi
		sleep 0.05
	done
	[ ! -t 2 ] || printf '\r\033[K' >&2
	wait "$pid" || rc=$?
	if [ "$rc" -ne 0 ]; then
		say "$title: failed after $((SECONDS - start)) s"
		tail -n 40 "$log" >&2
	elif [ $((SECONDS - start)) -ge 2 ]; then
		say "$title: $((SECONDS - start)) s"
	fi
	rm -f "$log"
	return "$rc"
}

# As root where root is needed, through sudo if that is how to become it.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		command -v sudo >/dev/null || die "this step needs root: run it as root, or install sudo"
		sudo -- "$@"
	fi
}

# fresh FILE: FILE is there and less than a day old.
fresh() { [ -n "$(find "$1" -mmin -1440 2>/dev/null)" ]; }
