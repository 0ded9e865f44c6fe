# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Debian as a user has it, in folders: "user" is a small system with DKMS and the headers of one
# kernel, "build" what packages are built with, laid over it. What is done in them is thrown away, unless
# it is kept in a folder of its own. Sourced after kernel.sh.

USER_PACKAGES="dkms kmod udev systemd-standalone-sysusers openssl linux-libc-dev"
BUILD_PACKAGES="build-essential debhelper dh-dkms fakeroot lintian nettle-dev pkg-config"

debian_proxy() { apt-config shell P Acquire::http::Proxy | sed "s/^P='\(.*\)'$/\1/"; }

# in_debian LAYERS KEPT CMD...: run CMD as root in the layers, the uppermost first and parted by colons; what
# it changes goes to the folder KEPT, or nowhere if that is empty. $BUILD is at its own path.
in_debian() {
	local layers=$1 kept=$2
	shift 2
	mkdir -p "$BUILD"
	[ -z "$kept" ] || as_root mkdir -p "$kept" "$kept.work"
	# shellcheck disable=SC2016 # the inner shell's variables
	as_root unshare --mount bash -euc '
		layers=$1 kept=$2 build=$3; shift 3
		root=$(mktemp -d)
		mount -t tmpfs -o size=4G changes "$root"
		mkdir "$root"/{kept,work,system}
		work=$root/work
		if [ -n "$kept" ]; then work=$kept.work; else kept=$root/kept; fi
		mount -t overlay -o "lowerdir=$layers,upperdir=$kept,workdir=$work" system "$root/system"
		for dir in /proc /sys /dev "$build"; do
			mkdir -p "$root/system$dir"
			mount --rbind "$dir" "$root/system$dir"
		done
		mount -t tmpfs tmp "$root/system/tmp"
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
			${http_proxy:+http_proxy="$http_proxy"} chroot "$root/system" "$@"
	' in_debian "$layers" "$kept" "$BUILD" "$@"
}

# in_network LAYERS KEPT CMD...: the same with what apt needs to find the archive.
in_network() {
	local proxy
	proxy=$(debian_proxy)
	# shellcheck disable=SC2016 # the inner shell's variables
	in_debian "$1" "$2" bash -euc '
		printf "%s\n" "$1" >/etc/apt/sources.list
		printf "%s\n" "$2" >/etc/resolv.conf
		shift 2
		"$@"
		rm -rf /var/cache/apt/archives/*.deb' in_network "$(debian_sources)" "$(cat /etc/resolv.conf)" \
		env ${proxy:+http_proxy="$proxy"} "${@:3}"
}

debian_codename() { (. /etc/os-release && echo "$VERSION_CODENAME"); }

debian_sources() {
	local codename main security
	codename=$(debian_codename)
	main=$(mirror)
	security=$(mirror -security)
	printf 'deb %s main\n' "$main $codename" "$security $codename-security"
}

# made_of DIR PACKAGES: it was made, and of these.
made_of() { [ "$(cat "$1.of" 2>/dev/null)" = "$2" ]; }

debian_user() {
	local release=$1 dir=$DEBIAN/user proxy
	made_of "$dir" "$USER_PACKAGES" && return
	proxy=$(debian_proxy)
	as_root rm -rf --one-file-system "$DEBIAN"
	as_root mkdir -p "$DEBIAN"
	step "Debian as a user has it (about a minute, 300 MB)" \
		as_root env ${proxy:+http_proxy="$proxy"} debootstrap --variant=minbase --keyring="$KEYRING" \
		"$(debian_codename)" "$dir.base" "$(mirror)"
	# shellcheck disable=SC2016,SC2086 # the inner shell's variables; a list of words
	step "DKMS and the headers of $release" in_network "$dir.base" "$dir" bash -euc '
		apt-get -q update
		apt-get -qy install --no-install-recommends "$@"' install $USER_PACKAGES "linux-headers-$release"
	echo "$USER_PACKAGES" | as_root tee "$dir.of" >/dev/null
}

debian_build() {
	local dir=$DEBIAN/build
	made_of "$dir" "$BUILD_PACKAGES" && return
	as_root rm -rf --one-file-system "$dir" "$dir.work" "$dir.of"
	# shellcheck disable=SC2086 # a list of words
	step "What packages are built with" in_network "$DEBIAN/user:$DEBIAN/user.base" "$dir" \
		apt-get -qy install --no-install-recommends $BUILD_PACKAGES
	echo "$BUILD_PACKAGES" | as_root tee "$dir.of" >/dev/null
}

debian_parts() {
	debian_user "$1"
	debian_build
}

# debian_prepare RELEASE: make both ready, for that kernel. Sets USER_SYSTEM and BUILD_SYSTEM, their layers.
# shellcheck disable=SC2034
debian_prepare() {
	DEBIAN=$CACHE/debian/$1
	locked "$CACHE/locks/debian-$1" debian_parts "$1" >&2
	USER_SYSTEM=$DEBIAN/user:$DEBIAN/user.base
	BUILD_SYSTEM=$DEBIAN/build:$USER_SYSTEM
}
