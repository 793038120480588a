/* A run as a trace that ui.perfetto.dev opens: Chrome's trace events as JSON.
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 *
 * Tracks: the steps of every replica; how many requests wait and run, the use of the KV cache and
 * the tokens a second; and a track a request, with its queue, prefill and decode. The file is bounded:
 * of more than PERFETTO_STEPS_MAX steps every 2nd, 4th, … is in it, of more than
 * PERFETTO_REQUESTS_MAX requests likewise; its `otherData` says so. */
#ifndef LLMSIM_REPORT_PERFETTO_H
#define LLMSIM_REPORT_PERFETTO_H

#include "timeline.h"

enum { PERFETTO_STEPS_MAX = 100000, PERFETTO_REQUESTS_MAX = 2000 };

/* Every stride-th of those seen, from the first. */
struct thinned {
    void *items; /* owned */
    size_t item_bytes, count, capacity;
    int64_t seen, stride;
};

struct perfetto {
    struct timeline timeline;
    struct thinned steps, requests;
};

/* kv_blocks as timeline_init's. False when memory cannot be had; perfetto_fini either way. */
bool perfetto_init(struct perfetto *perfetto, double kv_blocks);
void perfetto_fini(struct perfetto *perfetto);

/* As an observer's functions. */
void perfetto_step(struct perfetto *perfetto, const struct step_report *report);
void perfetto_outcome(struct perfetto *perfetto, const struct request_outcome *outcome);

/* After the last of them. */
void perfetto_write(const struct perfetto *perfetto, FILE *stream);

#endif
