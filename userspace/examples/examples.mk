# SPDX-License-Identifier: MIT
# The example programs, the sources of each, and what it links beside libshmbuf.
EXAMPLES := counter pipeline

SRCS_counter := counter.c

SRCS_pipeline := pipeline.c pipeline_options.c pipeline_ring.c pipeline_repair.c \
	pipeline_stages.c pipeline_crew.c pipeline_killer.c pipeline_story.c
LDLIBS_pipeline := -lnettle
