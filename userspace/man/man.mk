# SPDX-License-Identifier: MIT
# The manual: each man/PAGE.in becomes a page; each further name in a page's NAME section a link to it.

MANDIR ?= $(PREFIX)/share/man
MAN_HEADERS := $(UAPI)/linux/shmbuf.h include/shmbuf.h include/shmbuf_guard.h

MAN_PAGES := $(patsubst man/%.in,$(BUILD)/man/%,$(wildcard man/*.[0-9].in))
# LINK:PAGE
MAN_LINKS := $(shell awk 'FNR == 1 { page = FILENAME; sub(/.*\//, "", page); sub(/\.in$$/, "", page); \
			section = page; sub(/.*\./, "", section) } \
		/^\.Sh/ { named = $$2 == "NAME" } \
		named && $$1 == ".Nm" && $$2 "." section != page { print $$2 "." section ":" page }' $(wildcard man/*.in))

man_section = $(patsubst .%,%,$(suffix $(1)))
link_name = $(firstword $(subst :, ,$(1)))
link_page = $(lastword $(subst :, ,$(1)))
MAN_FILES := $(MAN_PAGES) $(foreach l,$(MAN_LINKS),$(BUILD)/man/$(call link_name,$(l)))
MAN_INSTALLED := $(foreach f,$(MAN_FILES),$(f):$(MANDIR)/man$(call man_section,$(f)):644)

man: $(MAN_FILES)

$(MAN_PAGES): $(BUILD)/man/%: man/%.in man/page.awk $(MAN_HEADERS) $(wildcard man/examples/* man/parts/*)
	@mkdir -p $(@D)
	awk -v headers='$(MAN_HEADERS)' -v dir=man -v version='$(VERSION)' -f man/page.awk $< >$@.new
	@mv $@.new $@

define man_link
$(BUILD)/man/$(call link_name,$(1)): man/$(call link_page,$(1)).in
	@mkdir -p $$(@D)
	@echo '.so man$(call man_section,$(call link_page,$(1)))/$(call link_page,$(1))' >$$@
endef
$(foreach l,$(MAN_LINKS),$(eval $(call man_link,$(l))))

.PHONY: man
