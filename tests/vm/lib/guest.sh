# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The guest's initramfs: cpio archives one after the other, of which only what changed is
# made anew: the base system, the kernel's drivers, the project's programs, this run's own.
# Sourced after common.sh.

SHMBUF_GID=990
LIBEXEC=/usr/libexec/shmbuf

# guest_for ARCH: amd64, arm64, or i386 for programs of 32 bits on a kernel of amd64. Where what goes into
# the guest is kept, and how it is compiled.
guest_for() {
	GUEST_ARCH=$1 GUEST=$BUILD/vm/guest
	GUEST_CC=gcc GUEST_BUSYBOX=/bin/busybox
	PROJECT=${GUEST_PARTS-userspace selftests}
	case $1 in
	arm64) GUEST+=-arm64 GUEST_CC=aarch64-linux-gnu-gcc-12 GUEST_BUSYBOX=$CACHE/busybox-arm64/bin/busybox ;;
	# The kernel's own headers are where the compiler for 32 bits doesn't look.
	i386) PROJECT_CC="gcc-12 -m32 -idirafter /usr/include/x86_64-linux-gnu" ;;
	esac
	# The examples' libraries are this machine's.
	[ "$1" = amd64 ] || PROJECT=${GUEST_PARTS-selftests}
	PROJECT_CC=${PROJECT_CC:-$GUEST_CC}
	PROJECT_ROOT=$GUEST/project-${PROJECT// /-}-$1
}

pack() { (cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z | cpio -o0 -H newc -R 0:0 --quiet); }

# with_libraries ROOT: put beside the programs in ROOT the shared libraries that they need.
with_libraries() {
	find "$1" -type f -size +63c -exec sh -c 'for f; do
		if head -c 4 "$f" | grep -q ELF; then ldd "$f" 2>/dev/null || true; fi; done' sh {} + |
		sed -n 's|^[[:space:]]*\(.* => \)\?\(/[^ ]*\) (0x.*|\2|p' | sort -u |
		while read -r lib; do
			# What the project itself installs must not be hidden by the host's copy.
			[ -e "$1/usr/lib/x86_64-linux-gnu/${lib##*/}" ] && continue
			dest=$1/usr${lib#/usr}
			mkdir -p "${dest%/*}"
			cp -Lp "$lib" "$dest"
		done
}

# What files are, as a line that changes when they do.
fingerprint() { find "$@" -printf '%p %m %s %T@\n' | LC_ALL=C sort | sha256sum; }

# What a directory holds, as a line that changes when it does; installing the same again is no change.
contents() {
	(cd "$1" && { find . -printf '%P %m %l\n'; find . -type f -exec sha256sum {} +; } | LC_ALL=C sort | sha256sum)
}

# unchanged FILE WHAT: FILE was made from the same WHAT (which is remembered).
unchanged() {
	[ -e "$1" ] && [ "$(cat "$1.of" 2>/dev/null)" = "$2" ] && return
	rm -f "$1"
	printf '%s\n' "$2" >"$1.of"
	return 1
}

guest_busybox() {
	[ ! -e "$GUEST_BUSYBOX" ] || return 0
	archive_unpack "${GUEST_BUSYBOX%/bin/busybox}" "busybox-static:$GUEST_ARCH"
}

guest_base() {
	local root=$GUEST/base dir
	guest_busybox
	unchanged "$GUEST/base.cpio" "$(fingerprint "$TOP/tests/vm/init.c" "$TOP/tests/vm/lib/guest.sh" "$GUEST_BUSYBOX")" && return
	rm -rf "$root"
	mkdir -p "$root"/{usr/{bin,sbin,lib,lib64},etc,dev,proc,sys,root,host,home/guest,var/tmp}
	for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$root/$dir"; done
	"$GUEST_CC" -O2 -static -Wall -Wextra -DSHMBUF_GID=$SHMBUF_GID -o "$root/init" "$TOP/tests/vm/init.c"
	cp "$GUEST_BUSYBOX" "$root/usr/bin/busybox"
	/bin/busybox --list | while read -r dir; do
		[ "$dir" = busybox ] || ln -s busybox "$root/usr/bin/$dir"
	done
	printf '%s\n' root:x:0:0:root:/root:/bin/sh guest:x:1000:1000:guest:/home/guest:/bin/sh \
		nobody:x:65534:65534:nobody:/nonexistent:/bin/sh >"$root/etc/passwd"
	printf '%s\n' root:x:0: guest:x:1000: shmbuf:x:$SHMBUF_GID:guest nogroup:x:65534: >"$root/etc/group"
	pack "$root" >"$GUEST/base.cpio.new"
	mv "$GUEST/base.cpio.new" "$GUEST/base.cpio"
}

# guest_drivers LIST OUT: the modules named in LIST, unpacked, and the list that init reads.
guest_drivers() {
	local root=$2.root module name
	unchanged "$2" "$(fingerprint "$1")" && return
	rm -rf "$root"
	mkdir -p "$root/etc/vm" "$root/usr/lib/modules/boot"
	: >"$root/etc/vm/modules"
	while read -r module; do
		name=$(basename "$module" .xz)
		case $module in
		*.xz) xz -dc "$module" >"$root/usr/lib/modules/boot/$name" ;;
		*) cp "$module" "$root/usr/lib/modules/boot/$name" ;;
		esac
		echo "/usr/lib/modules/boot/$name" >>"$root/etc/vm/modules"
	done <"$1"
	pack "$root" >"$2.new"
	mv "$2.new" "$2"
}

# Library, tools and examples, and the selftests, as their own makefiles install them. What of
# them is broken can be left out.
project_install() {
	local part out=$BUILD args=()
	[ "$GUEST_ARCH" = amd64 ] || out=$BUILD/$GUEST_ARCH args=("CC=$PROJECT_CC")
	for part in $PROJECT; do
		[ -e "$TOP/userspace/Makefile" ] || continue
		case $part in
		userspace) make -C "$TOP/userspace" install DESTDIR="$PROJECT_ROOT" PREFIX=/usr BUILD="$out/userspace" "${args[@]}" || return ;;
		selftests) make -C "$TOP/tests/selftests" install INSTALL_PATH="$PROJECT_ROOT$LIBEXEC/selftests" \
			OUTPUT="$out/selftests" USERSPACE="$out/userspace" "${args[@]}" || return ;;
		*) say "GUEST_PARTS: there is no part $part"; return 1 ;;
		esac
	done
}

guest_project() {
	local cpio=$PROJECT_ROOT.cpio
	mkdir -p "$PROJECT_ROOT"
	step "Building library, tools and selftests" project_install
	unchanged "$cpio" "$(contents "$PROJECT_ROOT")" && return
	with_libraries "$PROJECT_ROOT"
	contents "$PROJECT_ROOT" >"$cpio.of"
	pack "$PROJECT_ROOT" >"$cpio.new"
	mv "$cpio.new" "$cpio"
}

guest_parts_locked() {
	mkdir -p "$GUEST"
	guest_base
	guest_drivers "$1" "$2"
	guest_project
}

# guest_parts LIST DRIVERS: make the parts that runs share.
guest_parts() { locked "$GUEST/lock" guest_parts_locked "$@"; }

# guest_add ROOT SRC[:DEST]: a file or directory of the host for this run.
guest_add() {
	local root=$1 src=$2 dest=
	if [ ! -e "$2" ] && [[ $2 =~ ^(.*):(/.*)$ ]]; then
		src=${BASH_REMATCH[1]} dest=${BASH_REMATCH[2]}
	fi
	[ -e "$src" ] || die "--add $src: no such file"
	dest=${dest:-/host/$(basename "$src")}
	case $dest in
	/bin/* | /sbin/* | /lib/* | /lib64/*) dest=/usr$dest ;;
	/*) ;;
	*) say "--add $2: the destination must be an absolute path"; return 1 ;;
	esac
	mkdir -p "$root${dest%/*}"
	cp -RLp "$src" "$root$dest"
}
