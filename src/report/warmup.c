#include "warmup.h"

#include <stdlib.h>
#include <string.h>

/* MSER-5; and as many batches as the rule needs to say anything. */
enum { BATCH_REQUESTS = 5, BATCHES_MIN = 20 };

bool warmup_init(struct warmup *warmup)
{
    *warmup = (struct warmup){
        .batch_requests = BATCH_REQUESTS,
        .batches = calloc(WARMUP_BATCHES, sizeof *warmup->batches),
    };
    return warmup->batches != NULL;
}

void warmup_fini(struct warmup *warmup)
{
    free(warmup->batches);
    warmup->batches = NULL;
}

static void add_batch(struct warmup_batch *to, const struct warmup_batch *batch)
{
    if (to->count == 0 || (batch->count > 0 && batch->arrival_ns < to->arrival_ns))
        to->arrival_ns = batch->arrival_ns;
    to->count += batch->count;
    to->ttft_ns += batch->ttft_ns;
    to->e2el_ns += batch->e2el_ns;
}

static void double_batches(struct warmup *warmup)
{
    for (size_t i = 0; i < WARMUP_BATCHES / 2; i++) {
        struct warmup_batch both = warmup->batches[2 * i];
        add_batch(&both, &warmup->batches[2 * i + 1]);
        warmup->batches[i] = both;
    }
    memset(&warmup->batches[WARMUP_BATCHES / 2], 0, WARMUP_BATCHES / 2 * sizeof *warmup->batches);
    warmup->batch_requests *= 2;
    warmup->used = (warmup->used + 1) / 2;
}

void warmup_outcome(struct warmup *warmup, const struct request_outcome *outcome)
{
    if (outcome->status != REQUEST_COMPLETED)
        return;
    while (outcome->request_id / warmup->batch_requests >= WARMUP_BATCHES)
        double_batches(warmup);
    const int64_t index = outcome->request_id / warmup->batch_requests;
    const struct warmup_batch one = {
        .count = 1,
        .ttft_ns = (double)(outcome->first_token_ns - outcome->arrival_ns),
        .e2el_ns = (double)(outcome->finished_ns - outcome->arrival_ns),
        .arrival_ns = outcome->arrival_ns,
    };
    add_batch(&warmup->batches[index], &one);
    if (warmup->used <= index)
        warmup->used = index + 1;
}

static double mean_of(const struct warmup_batch *batch, bool end_to_end)
{
    const double sum_ns = end_to_end ? batch->e2el_ns : batch->ttft_ns;
    return sum_ns / (double)batch->count;
}

/* The cut, in batches: the least Σ(x − mean)²/n² of the n batches behind it, n ≥ 5; the sums are
 * updated from the end on (Welford). */
static int64_t best_cut(const struct warmup *warmup, bool end_to_end)
{
    enum { REST_MIN = 5 };
    double n = 0.0, mean = 0.0, squares = 0.0, least = 0.0;
    int64_t cut = 0;
    for (int64_t i = warmup->used - 1; i >= 0; i--) {
        const struct warmup_batch *batch = &warmup->batches[i];
        if (batch->count == 0)
            continue;
        const double value = mean_of(batch, end_to_end), distance = value - mean;
        n += 1.0;
        mean += distance / n;
        squares += distance * (value - mean);
        if (n == REST_MIN || (n > REST_MIN && squares / (n * n) <= least)) {
            least = squares / (n * n);
            cut = i;
        }
    }
    return cut;
}

bool warmup_end(const struct warmup *warmup, int64_t *end_ns)
{
    *end_ns = 0;
    if (warmup->used < BATCHES_MIN)
        return false;
    const int64_t ttft_cut = best_cut(warmup, false), e2el_cut = best_cut(warmup, true);
    const int64_t cut = ttft_cut > e2el_cut ? ttft_cut : e2el_cut;
    if (cut > warmup->used / 2)
        return false;
    *end_ns = cut > 0 ? warmup->batches[cut].arrival_ns : 0;
    return true;
}
