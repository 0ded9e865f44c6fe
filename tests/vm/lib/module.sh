# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Builds shmbuf.ko, one directory per kernel, so that kernels never share an object.
# Sourced after kernel.sh.

# The compilation proper, with its output in build.log.
module_compile() {
	local suite=$1 kdir=$2 dir=$3 flags=$4
	# shellcheck disable=SC2086 # lists of words
	in_toolchain "$suite" make -C "$kdir" M="$dir/src" -j"$(nproc)" W="${W-1}" ${POINTS:+SHMBUF_POINTS=y} \
		${GCOV:+SHMBUF_GCOV=y} ${KUNIT:+SHMBUF_KUNIT=m} $flags ${MODULE_MAKEFLAGS-} modules \
		>"$dir/build.log" 2>&1 || { tail -n 40 "$dir/build.log"; return 1; }
}

# module_make SUITE KDIR DIR MAKEFLAGS: bring DIR/src up to date and make it.
module_make() {
	local suite=$1 kdir=$2 dir=$3 flags=$4
	# A warning is said once, by the compilation that finds it: with WERROR find it again.
	[ -z "${WERROR-}" ] || [ ! -e "$dir/warned" ] || rm -rf "$dir/src" "$dir/warned"
	mkdir -p "$dir/src"
	rsync -aR --delete --exclude='*.o' --exclude='*.ko' --exclude='.*' --exclude='*.mod' --exclude='*.mod.c' \
		--exclude='*.gcno' --exclude=modules.order --exclude=Module.symvers "$TOP/./Kbuild" "$TOP/./module" "$TOP/./tests/kunit" "$dir/src/"
	step "Building the module for ${dir##*/kernel-}" module_compile "$suite" "$kdir" "$dir" "$flags"
	if grep -i 'warning' "$dir/build.log" >&2; then
		touch "$dir/warned"
		[ -z "${WERROR-}" ] || die "the module's build has warnings, for ${dir##*/kernel-}"
	fi
}

# module_build KERNELDIR: prints the path of the .ko made for that kernel, under build/kernel-*.
module_build() {
	local dir=$BUILD/kernel-${1##*/}${POINTS:+-points}${GCOV:+-gcov}${KUNIT:+-kunit}
	locked "$dir/lock" module_make "$(cat "$1/toolchain")" "$(realpath "$1/build")" "$dir" \
		"$(cat "$1/makeflags" 2>/dev/null)"
	echo "$dir/src/module/shmbuf${KUNIT:+_kunit}.ko"
}
