# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Kernels that check themselves, SERIES-debug and SERIES-kcsan, and one that counts which lines are
# reached, SERIES-cov: built from Debian's linux-source with the fragments of tests/vm/config into a
# directory like those of kernel.sh, which has, beside what those have:
#   cmdline    what the kernel must be told
# Sourced after archive.sh and source.sh.

DEBUG_KINDS="debug kcsan cov"
CONFIGS=$TOP/tests/vm/config
# The first report isn't the last; and what is slow isn't stuck.
DEBUG_CMDLINE="reboot=t kasan_multi_shot rcupdate.rcu_cpu_stall_timeout=120 watchdog_thresh=60"

# is_debug KERNEL: it is the name of such a kernel.
is_debug() { [[ $1 =~ ^[0-9]+\.[0-9]+-([a-z]+)$ && " $DEBUG_KINDS " == *" ${BASH_REMATCH[1]} "* ]]; }

# config_lost CONFIG FRAGMENT...: what the FRAGMENTs ask for and the CONFIG hasn't, a line each.
config_lost() {
	awk 'FNR == 1 { file++ }
		file == 1 { if (/^CONFIG_/) { has[$0]; on[substr($0, 1, index($0, "=") - 1)] }; next }
		/^CONFIG_/ && !($0 in has) { print }
		/^# CONFIG_[A-Z0-9_]+ is not set$/ && ($2 in on) { print }' "$@"
}

debug_configure() {
	local tree=$1 out=$2
	shift 2
	cat "$@" >"$out/fragments"
	make -C "$tree" O="$out" KCONFIG_ALLCONFIG="$out/fragments" allnoconfig
}

debug_compile() { nice -n 5 make -C "$1" O="$2" -j"$(nproc)" bzImage modules; }

# debug_build KIND SERIES VERSION DIR
debug_build() {
	local kind=$1 series=$2 version=$3 dir=$4 tree lost
	local fragments=("$CONFIGS/base.config" "$CONFIGS/$kind.config")
	[ -e "$dir/complete" ] && return
	NO_INSTALL=1 "$TOP/tests/vm/deps" kernel || die "tests/vm/deps kernel installs it"
	tree=$(source_prepare "$series") || return
	# What an interrupted build has done is of use to the next.
	mkdir -p "$dir/build"
	step "Configuring kernel ${dir##*/}" debug_configure "$tree" "$dir/build" "${fragments[@]}" || return
	lost=$(config_lost "$dir/build/.config" "${fragments[@]}")
	[ -z "$lost" ] || die "the kernel's configuration doesn't take this, see tests/vm/config:"$'\n'"$lost"
	step "Building kernel ${dir##*/} (10 minutes on two idle processors)" debug_compile "$tree" "$dir/build" || return
	# Modules are built with the headers and Module.symvers; vmlinux explains addresses.
	find "$dir/build" -name '*.o' -not -path '*/scripts/*' -not -path '*/tools/*' -delete
	ln -s build/arch/x86/boot/bzImage "$dir/vmlinuz"
	: >"$dir/modules"
	echo host >"$dir/toolchain"
	echo "$DEBUG_CMDLINE" >"$dir/cmdline"
	# Not the bare version: that is the name of Debian's own kernel.
	echo "$version-$kind" >"$dir/version"
	touch "$dir/complete"
}

# debug_prepare KERNEL: as kernel_prepare. Another version or configuration is another directory.
debug_prepare() {
	local kind=${1##*-} package=linux-source-${1%-*} version dir key
	archive_refresh
	read -r _ version < <(archive_find "${package//./\\.}" | tail -n 1) || die "Debian's archive has no $package"
	key=$({ echo "$version"; cat "$CONFIGS/base.config" "$CONFIGS/$kind.config"; } | sha256sum | cut -c1-8)
	dir=$KERNELS/${version%%-*}-$kind-$key
	locked "$CACHE/locks/kernel-${dir##*/}" debug_build "$kind" "${1%-*}" "$version" "$dir" >&2
	echo "$dir"
}
