# SPDX-License-Identifier: MIT
#
# Makes a manual page of its source: awk -v headers="FILE..." -v dir=man -v version=N -f page.awk PAGE.in
#
# Lines that begin with "@" are replaced:
#   @example FILE   the program dir/examples/FILE, but for its licence line
#   @output FILE    what it prints, dir/examples/FILE
#   @script FILE    a command for a shell, dir/examples/FILE
#   @struct NAME    the definition from the headers, and what is said there of its fields
#   @text NAME      what is said there beside that
#   @enum NAME      its values, and what is said of them
#   @flags PREFIX   the bits of that name that the headers define, with their comments
#   @errnos         the table of errnos in the head of linux/shmbuf.h
#   @include FILE   dir/parts/FILE, with the same rules

BEGIN {
	n = split(headers, list, " ")
	for (i = 1; i <= n; i++)
		while ((getline line < list[i]) > 0)
			header[++nr] = line
}

/^@/ { directive($1, $2); next }
{ gsub(/@VERSION@/, version); print }

END { exit failed }

function fail(what)
{
	printf "%s:%d: %s\n", FILENAME, FNR, what > "/dev/stderr"
	failed = 1
}

function directive(what, name)
{
	if (what == "@example" || what == "@output" || what == "@script")
		listing(dir "/examples/" name, what == "@example")
	else if (what == "@struct")
		definition(name)
	else if (what == "@text")
		free_text(name)
	else if (what == "@enum")
		described("enum " name, "Dv")
	else if (what == "@flags")
		flags(name)
	else if (what == "@errnos")
		errnos()
	else if (what == "@include")
		include(dir "/parts/" name)
	else
		fail("there is no " what)
}

function include(file,	line, word, some)
{
	while ((getline line < file) > 0) {
		some = 1
		if (split(line, word, " ") && line ~ /^@/)
			directive(word[1], word[2])
		else
			print line
	}
	close(file)
	if (!some)
		fail(file " isn't there")
}

function replace(s, from, to,	at, done)
{
	while ((at = index(s, from)) > 0) {
		done = done substr(s, 1, at - 1) to
		s = substr(s, at + length(from))
	}
	return done s
}

# A line that shows as it is, and can be copied from there.
function literal(s)
{
	s = untabbed(s)
	s = replace(s, "\\", "\\e")
	s = replace(s, "-", "\\-")
	s = replace(s, "'", "\\(aq")
	s = replace(s, "`", "\\(ga")
	s = replace(s, "^", "\\(ha")
	s = replace(s, "~", "\\(ti")
	return s ~ /^\./ ? "\\&" s : s
}

function untabbed(s,	at)
{
	while ((at = index(s, "\t")) > 0)
		s = substr(s, 1, at - 1) substr("        ", 1, 8 - (at - 1) % 8) substr(s, at + 1)
	return s
}

function listing(file, licensed,	line, some)
{
	print ".Bd -literal -offset indent"
	while ((getline line < file) > 0) {
		if (!some++ && licensed)
			continue
		print literal(line)
	}
	close(file)
	print ".Ed"
	if (!some)
		fail(file " isn't there")
}

# The number of the line that begins with that text; 0 and an error where none does.
function find(text,	i)
{
	for (i = 1; i <= nr; i++)
		if (index(header[i], text) == 1)
			return i
	fail("the headers have no line \"" text "\"")
	return 0
}

function definition(name,	i)
{
	i = find("struct " name " {")
	if (!i)
		return
	print ".Bd -literal -offset indent"
	for (; header[i] != "};"; i++)
		print literal(header[i])
	print literal("};")
	print ".Ed"
	described("struct " name, "Fa")
}

# A line is added to a text; two spaces are the end of a sentence.
function joined(text, line)
{
	if (!text)
		return line
	return text (text ~ /[.?!]\)?$/ ? "  " : " ") line
}

# Text of the headers: each sentence on its line, names of parameters as such, and names
# in capitals without hyphenation.
function prose(s,	out)
{
	s = replace(s, "\\", "\\e")
	gsub(/  +/, "\n", s)
	while (match(s, /@[a-z_0-9]+/)) {
		out = out substr(s, 1, RSTART - 1) "\\fI" substr(s, RSTART + 1, RLENGTH - 1) "\\fP"
		s = substr(s, RSTART + RLENGTH)
	}
	s = out s
	out = ""
	while (match(s, /[A-Z][A-Z0-9_][A-Z0-9_][A-Z0-9_]+/)) {
		out = out substr(s, 1, RSTART - 1) "\\%" substr(s, RSTART, RLENGTH)
		s = substr(s, RSTART + RLENGTH)
	}
	return out s
}

function body(line)
{
	return substr(line, 4)
}

# What the comment of "struct NAME" or the like says of each "@field:".
function described(what, macro,	i, text, open)
{
	i = find(" * " what " - ")
	if (!i)
		return
	print ".Bl -tag -width Ds"
	for (i++; header[i] ~ /^ \*[ \t]/; i++) {
		if (header[i] ~ /^ \* @/) {
			if (open)
				print prose(text)
			open = 1
			text = body(header[i])
			print ".It " macro " " substr(text, 2, index(text, ":") - 2)
			text = substr(text, index(text, ":") + 2)
		} else if (open) {
			text = joined(text, body(header[i]))
		}
	}
	if (open)
		print prose(text)
	print ".El"
}

# The paragraphs after the fields.
function free_text(name,	i, text)
{
	i = find(" * struct " name " - ")
	if (!i)
		return
	while (header[i] ~ /^ \*[ \t]/)
		i++
	for (; header[i] ~ /^ \*/ && header[i] !~ /^ \*\//; i++) {
		if (header[i] ~ /^ \*$/)
			text = paragraph(text)
		else
			text = joined(text, body(header[i]))
	}
	paragraph(text)
}

function paragraph(text)
{
	if (text)
		print ".Pp\n" prose(text)
	return ""
}

function flags(prefix,	i, text, some)
{
	print ".Bl -tag -width Ds"
	for (i = 1; i <= nr; i++) {
		if (index(header[i], "#define " prefix) != 1 || header[i] !~ /[ \t]\(1U(LL)? << [0-9]+\)/)
			continue
		some = 1
		split(header[i], word)
		print ".It Dv " word[2]
		text = header[i]
		if (sub(/.*\/\* /, "", text) && sub(/ \*\/.*/, "", text))
			print prose(text)
	}
	print ".El"
	if (!some)
		fail("the headers define no " prefix)
}

function errnos(	i, text, name)
{
	print ".Bl -tag -width Er"
	for (i = 1; i <= nr && header[i] !~ /^ \*\//; i++) {
		text = header[i]
		if (text ~ /^ \*[\t]E[A-Z0-9]+\t/) {
			if (name)
				print prose(said)
			split(text, word)
			name = word[2]
			print ".It Bq Er " name
			sub(/^ \*[\t]E[A-Z0-9]+\t+/, "", text)
			said = text
		} else if (name && sub(/^ \*\t\t\t/, "", text)) {
			said = joined(said, text)
		} else if (name && text ~ /^ \*$/) {
			break
		}
	}
	print prose(said)
	print ".El"
	if (!name)
		fail("the headers have no table of errnos")
}
