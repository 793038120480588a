#include "length_counts.h"

#include <llmsim/request.h>
#include <math.h>
#include <stdlib.h>

enum {
    EXACT_BITS = 19,
    OCTAVE_BITS = 12,                /* 2^12 counters an octave */
    OCTAVES = 27 - EXACT_BITS,       /* up to 2^27, which is more than REQUEST_MAX_TOKENS */
    SHIFT = EXACT_BITS - OCTAVE_BITS /* of the lowest octave */
};
_Static_assert(LENGTH_COUNTS_EXACT == 1 << EXACT_BITS, "one counter a length");
_Static_assert(REQUEST_MAX_TOKENS < 1 << 27, "every length has a counter");

#define COUNTERS ((size_t)LENGTH_COUNTS_EXACT + ((size_t)OCTAVES << OCTAVE_BITS))

/* The counter of a length: beyond the exact ones, by its octave and the bits behind the first. */
static size_t counter_of(uint32_t tokens)
{
    if (tokens < LENGTH_COUNTS_EXACT)
        return tokens;
    const int octave = 31 - __builtin_clz(tokens) - EXACT_BITS;
    const uint32_t leading = (tokens >> (octave + SHIFT)) - (1U << OCTAVE_BITS);
    return (size_t)LENGTH_COUNTS_EXACT + ((size_t)octave << OCTAVE_BITS) + leading;
}

/* The middle of the lengths that share a counter. */
static double length_of(size_t counter)
{
    if (counter < LENGTH_COUNTS_EXACT)
        return (double)counter;
    const size_t beyond = counter - LENGTH_COUNTS_EXACT;
    const int shift = (int)(beyond >> OCTAVE_BITS) + SHIFT;
    const size_t leading = (beyond & ((1U << OCTAVE_BITS) - 1)) + (1U << OCTAVE_BITS);
    return ((double)leading + 0.5) * ldexp(1.0, shift) - 0.5;
}

bool length_counts_init(struct length_counts *lengths)
{
    *lengths = (struct length_counts){.counts = calloc(COUNTERS, sizeof *lengths->counts)};
    return lengths->counts != NULL;
}

void length_counts_fini(struct length_counts *lengths)
{
    free(lengths->counts);
    lengths->counts = NULL;
}

void length_counts_add(struct length_counts *lengths, int32_t tokens)
{
    lengths->counts[counter_of((uint32_t)tokens)]++;
    lengths->minimum = lengths->count == 0 || tokens < lengths->minimum ? tokens : lengths->minimum;
    lengths->maximum = tokens > lengths->maximum ? tokens : lengths->maximum;
    lengths->total += tokens;
    lengths->count++;
}

/* The order statistic of that rank, from 0, and the next. */
static void find_ranks(const struct length_counts *lengths, int64_t rank, double values[2])
{
    size_t counter = 0;
    int64_t below = lengths->counts[0]; /* or in this counter */
    for (int i = 0; i < 2; i++) {
        while (below <= rank + i && counter + 1 < COUNTERS)
            below += lengths->counts[++counter];
        values[i] = length_of(counter);
        if (rank + i == 0)
            values[i] = (double)lengths->minimum;
        else if (rank + i >= lengths->count - 1)
            values[i] = (double)lengths->maximum;
    }
}

double length_counts_quantile(const struct length_counts *lengths, double p)
{
    if (lengths->count == 0)
        return NAN;
    const double place = p * (double)(lengths->count - 1);
    double values[2];
    find_ranks(lengths, (int64_t)place, values);
    const double share = place - floor(place);
    return share > 0.0 ? values[0] + (values[1] - values[0]) * share : values[0];
}
