# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Debian's archive through a private apt: own sources, lists and cache under $CACHE/apt, so
# that nothing of the host's apt changes and no root is needed. Proxies and the like still
# come from the host's configuration, and apt checks every signature. Sourced after common.sh.

ARCHIVE=$CACHE/apt
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# mirror [-security]: the URL of Debian's archive as the host's apt knows it.
mirror() {
	local codename uri
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016 # apt fills these in
	uri=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		awk -v want="^($codename|stable|oldstable)${1-}\$" '$1 ~ want { print $2; exit }')
	[ -n "$uri" ] || die "apt is not configured for Debian's $codename${1-}: add it to /etc/apt/sources.list"
	case $uri in mirror+file:*)
		uri=$(grep -om1 '^https\?://[^[:space:]]*' "/${uri#mirror+file:*(/)}") ;;
	esac
	printf '%s\n' "$uri"
}

archive_apt() { LC_ALL=C apt-get -q -c "$ARCHIVE/apt.conf" "$@"; }

archive_configure() {
	local main security suite
	[ -r "$KEYRING" ] || die "$KEYRING is missing: install debian-archive-keyring"
	main=$(mirror)
	security=$(mirror -security)
	mkdir -p "$ARCHIVE"/{state/lists/partial,cache/archives/partial}
	: >"$ARCHIVE/status"
	for suite in "amd64,arm64 $main bookworm" "amd64,arm64 $security bookworm-security" \
		"amd64 $main bookworm-backports" "amd64 $main trixie-backports"; do
		echo "deb [arch=${suite%% *} signed-by=$KEYRING] ${suite#* } main"
	done >"$ARCHIVE/sources.list"
	cat >"$ARCHIVE/apt.conf" <<-CONF
		#clear APT::Update;
		Dir::Etc::sourcelist "$ARCHIVE/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::State "$ARCHIVE/state";
		Dir::State::status "$ARCHIVE/status";
		Dir::Cache "$ARCHIVE/cache";
		APT::Sandbox::User "root";
		APT::Architecture "amd64";
		APT::Architectures { "amd64"; "arm64"; };
		APT::Get::List-Cleanup "false";
		Acquire::Languages "none";
	CONF
}

# Read today, and by these very rules.
archive_current() { fresh "$ARCHIVE/updated" && [ "$ARCHIVE/updated" -nt "${BASH_SOURCE[0]}" ]; }

archive_refresh_locked() {
	archive_current && return
	archive_configure
	step "Reading Debian's package lists" archive_apt --error-on=any update || return
	index >"$ARCHIVE/index.new"
	mv "$ARCHIVE/index.new" "$ARCHIVE/index"
	touch "$ARCHIVE/updated"
}

# All packages of the archive, a line each: NAME VERSION. Of bookworm-backports only QEMU: its
# kernels are those of later suites once more. Of arm64 only what has no like of amd64: kernels.
index() {
	# shellcheck disable=SC2016
	archive_apt indextargets --format '$(RELEASE) $(ARCHITECTURE) $(FILENAME)' 'Created-By: Packages' |
	while read -r suite arch list; do
		case $suite/$arch in
		bookworm-backports/*) only='^qemu-' ;;
		*/arm64) only='^linux-(image|headers)-.*-arm64$' ;;
		*) only='' ;;
		esac
		/usr/lib/apt/apt-helper cat-file "$list" |
			awk -v only="$only" \
				'$1 == "Package:" { name = $2 } $1 == "Version:" && name ~ only { print name, $2 }'
	done
}

# Once a day at most. Without the network what is cached still serves, with a word about it.
archive_refresh() {
	archive_current && return
	locked "$CACHE/locks/apt" archive_refresh_locked && return
	[ -s "$ARCHIVE/index" ] || die "Debian's package lists could not be had, and none are cached"
	say "going on with the package lists of $(date -r "$ARCHIVE/index" +%F)"
}

# archive_find REGEX: names and versions of packages whose whole name matches, newest last.
archive_find() { awk -v want="^($1)\$" '$1 ~ want' "$ARCHIVE/index" | sort -k2,2V; }

# archive_unpack DIR NAME=VERSION...: download packages and unpack them into DIR.
archive_unpack() {
	local dir=$1 debs
	shift
	debs=$(mktemp -d "$CACHE/debs.XXXXXX")
	(cd "$debs" && archive_apt download "$@") || { rm -rf "$debs"; return 1; }
	mkdir -p "$dir"
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$dir" || { rm -rf "$debs"; return 1; }
	done
	rm -rf "$debs"
}
