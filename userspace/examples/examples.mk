# SPDX-License-Identifier: MIT
# The example programs, the sources of each beside NAME.c, and what it links beside libshmbuf.
EXAMPLES := counter pipeline

PIPELINE_OBJS := $(addprefix $(BUILD)/examples/pipeline_,crew.o killer.o options.o repair.o \
	ring.o stages.o story.o)
LDLIBS_pipeline := $(PIPELINE_OBJS) $(BUILD)/libshmbuf.a -lnettle
$(BUILD)/examples/pipeline: | $(PIPELINE_OBJS)
