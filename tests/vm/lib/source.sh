# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sources of kernels, from Debian's linux-source packages, in $CACHE/source/PACKAGE-VERSION: shared,
# and never built in. Sourced after archive.sh.

source_unpack() {
	local package=$1 version=$2 tree=$CACHE/source/$1-$2
	[ -e "$tree/.complete" ] && return
	rm -rf "$tree" "$tree.deb"
	step "$package $version (140 MB)" archive_unpack "$tree.deb" "$package=$version" || return
	mkdir -p "$tree"
	# The largest part is of no use here, but for its Kconfig.
	step "Unpacking $package (1.3 GB)" tar -C "$tree" --strip-components=1 --wildcards \
		--exclude='*/drivers/gpu/*.[ch]' -xf "$tree.deb/usr/src/$package.tar.xz" || return
	rm -rf "$tree.deb"
	touch "$tree/.complete"
}

# source_prepare SERIES: prints the path of the sources of the newest kernel of the series.
source_prepare() {
	local package=linux-source-$1 version
	archive_refresh
	read -r _ version < <(archive_find "${package//./\\.}" | tail -n 1) || die "Debian's archive has no $package"
	locked "$CACHE/locks/source-$package" source_unpack "$package" "$version" >&2
	echo "$CACHE/source/$package-$version"
}
