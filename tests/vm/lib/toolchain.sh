# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Kernels of a newer Debian need its compiler and its glibc: a debootstrapped tree of that
# suite, entered by a private mount namespace. Sourced after archive.sh.

TOOLCHAIN=$CACHE/toolchain

toolchain_make() {
	local suite=$1 dir=$TOOLCHAIN/$1 proxy
	[ -e "$dir/.complete" ] && return
	proxy=$(apt-config shell P Acquire::http::Proxy | sed "s/^P='\(.*\)'$/\1/")
	as_root rm -rf --one-file-system "$dir"
	mkdir -p "$TOOLCHAIN"
	step "Debian $suite with gcc-14, for the newest kernel (about 70 s, 450 MB)" \
		as_root env ${proxy:+http_proxy="$proxy"} debootstrap --variant=minbase --keyring="$KEYRING" \
		--include=gcc-14,make,pahole,libelf1t64,libssl3t64 "$suite" "$dir" "$(mirror)"
	as_root touch "$dir/.complete"
}

toolchain_prepare() { locked "$CACHE/locks/toolchain-$1" toolchain_make "$1"; }

# in_toolchain SUITE CMD...: run CMD at the same paths, with SUITE's programs. SUITE "host" is none.
in_toolchain() {
	local suite=$1 userns=()
	shift
	[ "$suite" = host ] && { "$@"; return; }
	[ "$(id -u)" -eq 0 ] || userns=(--map-root-user)
	# shellcheck disable=SC2016 # the inner shell's variables
	unshare "${userns[@]}" --mount bash -euc '
		tree=$1 cwd=$PWD; shift
		root=$(mktemp -d)
		mount -t tmpfs toolchain "$root"
		for dir in usr etc; do mkdir "$root/$dir"; mount --bind "$tree/$dir" "$root/$dir"; done
		for link in bin sbin lib lib64; do ln -s "usr/$link" "$root/$link"; done
		for dir in /proc /dev /tmp "$1" "$2"; do mkdir -p "$root$dir"; mount --rbind "$dir" "$root$dir"; done
		shift 2
		exec chroot "$root" bash -c "cd \"\$0\"; exec \"\$@\"" "$cwd" "$@"
	' toolchain "$TOOLCHAIN/$suite" "$CACHE" "$BUILD" "$@"
}
