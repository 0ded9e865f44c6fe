# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The emulator: this machine's QEMU, or Debian's backport of a newer one, unpacked in
# $CACHE/qemu/VERSION. Sourced after archive.sh.

# Before 8.1 a virtual processor could go on executing code that another had just patched
# ("Always lock pages before translation"): kernels panicked with int3, now and then.
QEMU_MIN=8.1

qemu_version() { "$1" --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p'; }

qemu_good() { printf '%s\n' "$QEMU_MIN" "$(qemu_version "$1")" | sort -VC; }

# qemu_unpack PACKAGE VERSION DIR
qemu_unpack() {
	local package=$1 version=$2 dir=$3
	[ -e "$dir/complete" ] && return
	rm -rf "$dir"
	mkdir -p "$dir"
	step "QEMU $version ($package), as this machine has none of $QEMU_MIN or newer" \
		archive_unpack "$dir" "$package=$version" "qemu-system-data=$version" || return
	touch "$dir/complete"
}

# qemu_prepare ARCH: prints the path of an emulator that can be relied upon.
qemu_prepare() {
	local program package own version dir
	case $1 in
	amd64) program=qemu-system-x86_64 package=qemu-system-x86 ;;
	arm64) program=qemu-system-aarch64 package=qemu-system-arm ;;
	esac
	own=$(command -v "$program" || true)
	if [ -n "$own" ] && qemu_good "$own"; then
		echo "$own"
		return
	fi
	archive_refresh
	version=$(archive_find "$package" | sed -n 's/.* \(.*~bpo12+.*\)/\1/p' | tail -n 1)
	[ -n "$version" ] || die "this machine's QEMU is older than $QEMU_MIN, and Debian's archive has no backport for bookworm"
	dir=$CACHE/qemu/${version#*:}-$1
	locked "$CACHE/locks/qemu-$1" qemu_unpack "$package" "$version" "$dir" >&2
	own=$dir/usr/bin/$program
	qemu_good "$own" || die "Debian's archive has no QEMU of $QEMU_MIN or newer that runs here (it has $version)"
	echo "$own"
}
