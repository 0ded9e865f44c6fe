# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Kernels, those of Debian's packages each in $CACHE/kernels/RELEASE:
#   version    the package version       vmlinuz    the image
#   build      its header tree           toolchain  the suite whose gcc builds its modules
#   modules    what the guest loads, in order
# and those of other machines than amd64 have also:
#   arch       which
#   makeflags  what the kernel's make must be told
# Sourced after toolchain.sh and debug.sh.

KERNELS=$CACHE/kernels
# In an order in which they can be loaded.
GUEST_MODULES="virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_console virtio_blk"

# kernel_release KERNEL: the release that a series, package version or release name stands for.
kernel_release() {
	local want=$1 release
	case $want in
	[0-9]*.+([0-9])-rt) release="${want%-rt}" release="${release//./\\.}\.[0-9].*-rt-amd64" ;;
	[0-9]*.+([0-9])-arm64) release="${want%-arm64}" release="${release//./\\.}\.[0-9].*-cloud-arm64" ;;
	*-amd64 | *-arm64) release="${want//+/\\+}" ;;
	*-*) release='[0-9]+\.[0-9]+\.[0-9].*-cloud-amd64' ;;
	*) release="${want//./\\.}\\.[0-9].*-cloud-amd64" ;;
	esac
	if [[ $want == *-* ]]; then
		for release_dir in "$KERNELS"/*/; do
			[ -e "$release_dir/complete" ] || continue
			case $want in "$(basename "$release_dir")" | "$(cat "$release_dir/version")")
				basename "$release_dir" && return ;;
			esac
		done
	fi
	archive_refresh
	archive_find "linux-(image|binary)-$release" |
		awk -v want="$want" '(want !~ /-/ || want ~ /-(rt|amd64|arm64)$/ || $2 == want) { name = $1 }
			END { sub(/^linux-(image|binary)-/, "", name); print name }' | grep . ||
		die "Debian's archive has no kernel $want (it has: $(archive_find 'linux-(image|binary)-[0-9]+\.[0-9]+\.[0-9].*-cloud-amd64' |
			cut -d' ' -f2 | uniq | paste -sd' '))"
}

# The packages that make up RELEASE, as NAME=VERSION.
kernel_packages() {
	local release=$1 abi image version name
	abi=${release%-a??64}
	abi=${abi%-cloud} abi=${abi%-rt}
	read -r image version < <(archive_find "linux-(binary|image)-${release//+/\\+}" | sort -k2,2V -k1,1r | tail -n 1)
	[ -n "${version-}" ] || die "Debian's archive has no kernel $release"
	for name in "$image" "linux-modules-$release" "linux-headers-$release" "linux-headers-$abi-common" \
		"linux-headers-$abi-common-rt" "linux-kbuild-$abi" "linux-kbuild-${abi%%.0-*}"; do
		grep -qxF "$name $version" "$ARCHIVE/index" || continue
		case $name in *-arm64) name+=:arm64 ;; esac
		echo "$name=$version"
	done
}

# guest_modules DIR...: files of GUEST_MODULES under DIR; what isn't there is built in.
guest_modules() {
	local module
	for module in $GUEST_MODULES; do
		find "$@" -name "$module.ko" -o -name "$module.ko.xz" 2>/dev/null | head -n 1 || true
	done
}

kernel_unpack() {
	local release=$1 dir=$KERNELS/$1 root=$KERNELS/$1/root packages
	[ -e "$dir/complete" ] && return
	rm -rf "$dir"
	mkdir -p "$root"
	mapfile -t packages < <(kernel_packages "$release")
	[ "${#packages[@]}" -ge 4 ] || die "Debian's archive lacks the headers of kernel $release"
	step "Kernel $release and its headers" archive_unpack "$root" "${packages[@]}"
	[ -e "$root/lib" ] || ln -s usr/lib "$root/lib"
	ln -s "root/usr/src/linux-headers-$release" "$dir/build"
	ln -s "$(cd "$dir" && find root/ -name 'vmlinuz*' -type f | head -n 1)" "$dir/vmlinuz"
	sed -i "s|\([ =]\)/usr/src/|\1$root/usr/src/|" "$dir/build/Makefile"
	guest_modules "$root/lib/modules/$release" >"$dir/modules"
	echo "${packages[0]#*=}" >"$dir/version"
	case ${packages[0]#*=} in *bpo13* | *deb13*) echo trixie ;; *) echo host ;; esac >"$dir/toolchain"
	if [[ $release == *-arm64 ]]; then
		echo arm64 >"$dir/arch"
		echo "ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc-12" >"$dir/makeflags"
	fi
	touch "$dir/complete"
}

# tree_release KDIR: what uname -r says on a kernel with that build tree.
tree_release() { sed -n 's/^#define UTS_RELEASE "\(.*\)"/\1/p' "$1/include/generated/utsrelease.h"; }

# A kernel image of one's own, with its build tree in KDIR, as a directory like the others.
kernel_own() {
	local image=$1 release dir
	[ -n "${KDIR-}" ] || die "for the kernel image $image KDIR must name its build tree"
	[ -r "$KDIR/include/generated/utsrelease.h" ] || die "KDIR=$KDIR is not a kernel's build tree"
	release=$(tree_release "$KDIR")
	dir=$BUILD/kernels/$release-$(realpath "$image" "$KDIR" | sha256sum | cut -c1-12)
	mkdir -p "$dir"
	ln -sfn "$(realpath "$image")" "$dir/vmlinuz"
	ln -sfn "$(realpath "$KDIR")" "$dir/build"
	guest_modules "$KDIR/drivers" "/lib/modules/$release" >"$dir/modules"
	echo "$release" >"$dir/version"
	echo host >"$dir/toolchain"
	echo "$dir"
}

# kernel_prepare KERNEL: make it ready to be built for and booted; prints its directory.
kernel_prepare() {
	local release toolchain
	[ ! -f "$1" ] || { kernel_own "$1"; return; }
	if is_debug "$1"; then debug_prepare "$1"; return; fi
	release=$(kernel_release "$1")
	[[ $release != *-arm64 ]] || NO_INSTALL=1 "$TOP/tests/vm/deps" arm64 >&2 || die "tests/vm/deps arm64 installs it"
	locked "$CACHE/locks/kernel-$release" kernel_unpack "$release" >&2
	read -r toolchain <"$KERNELS/$release/toolchain"
	[ "$toolchain" = host ] || toolchain_prepare "$toolchain" >&2
	echo "$KERNELS/$release"
}
