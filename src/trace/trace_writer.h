/* A source's requests, written down as a trace. */
#ifndef LLMSIM_TRACE_TRACE_WRITER_H
#define LLMSIM_TRACE_TRACE_WRITER_H

#include "trace_format.h"

/* What a trace could not hold of the requests that were written. */
struct trace_losses {
    int64_t requests[TRACE_ITEM_COUNT]; /* that had each item, where rows do not hold it */
    int64_t invented[TRACE_ITEM_COUNT]; /* that had it not, where rows must */
    int64_t times;                      /* arrivals that were left out, or rounded */
    int64_t names; /* of requests with characters that were replaced: two may have become one */
    int32_t prefix_block_tokens; /* of the ids that were written, where whoever reads them
                                           must be told; 0: there is no need */
};

/* Write all that is left of the source; the number of requests, or −1 with *error filled.
 * `progress` (may be NULL) hears now and then how far it is. */
int64_t trace_write(struct request_source *source, const struct trace_format *format, FILE *stream,
                    void (*progress)(double fraction), struct trace_losses *losses,
                    struct error *error);

/* "session of 12 requests, priority of 3 requests": what was lost; false where nothing was. */
bool trace_losses_describe(const struct trace_losses *losses, const struct trace_format *format,
                           char *text, size_t size);

/* The same of what was invented. */
bool trace_inventions_describe(const struct trace_losses *losses, char *text, size_t size);

#endif
