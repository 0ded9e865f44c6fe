# SPDX-License-Identifier: MIT
# The example programs; each is NAME.c with the objects named here, and libraries LDLIBS_NAME.
EXAMPLES := counter observer pass_fd pipeline producer_consumers worker_pool

.DEFAULT_GOAL := all
$(BUILD)/examples/pipeline: $(addprefix $(BUILD)/examples/pipeline_,crew.o killer.o options.o \
	repair.o ring.o stages.o story.o)
LDLIBS_pipeline := $(BUILD)/libshmbuf.a -lnettle
