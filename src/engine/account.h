/* The account of every request's time, in whole nanoseconds that sum to its end-to-end latency.
 *
 * A step's time is parted as follows. Copies to and from host memory come first, then the host's
 * time; of the rest, the prompts' share is what the step takes longer than one of its decodes
 * alone. It is interference to whoever decodes. Of it each prompt has the part of its tokens as its
 * own: the rest is interference to it.
 *
 * A step costs O(1) and its chunks: who decodes is not touched. What happens to all of them is kept
 * once, as sums since the start; a sequence remembers the sums at which it began to decode. */
#ifndef LLMSIM_ENGINE_ACCOUNT_H
#define LLMSIM_ENGINE_ACCOUNT_H

#include <llmsim/time_part.h>
#include <stdbool.h>
#include <stdint.h>

/* What happens to those who decode: these parts, and no others. */
enum account_sum { SUM_DECODE, SUM_INTERFERENCE, SUM_TRANSFER, SUM_HOST, SUM_COUNT };

/* Of a replica. */
struct account {
    int64_t until_ns; /* end of the step that was started last; 0: none yet */
    int64_t sums_ns[SUM_COUNT];
};

/* Of a sequence. */
struct account_entry {
    int64_t parts_ns[TIME_PART_COUNT];
    int64_t until_ns;           /* not decoding: all before this is in the parts */
    int64_t sums_ns[SUM_COUNT]; /* decoding: the account's when it began */
    int32_t lost_tokens;        /* of its context, by preemptions; computed again up to here */
    bool decodes;
};

/* How a step from start_ns to end_ns is parted. */
struct step_parts {
    int64_t start_ns, end_ns;
    int64_t transfer_ns, host_ns;
    int64_t prompts_ns; /* what the prompts add */
    int64_t rest_ns;
};

/* transfer_s and host_s are parts of time_s, what the step was costed at; prompts_share, 0 … 1, is
 * of what is left. Steps of a pipeline last longer: then the first two are as long, and the rest
 * is. */
struct step_parts account_divide(int64_t start_ns, int64_t end_ns, double transfer_s, double host_s,
                                 double prompts_share);

/* The step is started: whoever decodes spends its time so. Without decodes in it, they wait. */
void account_step(struct account *account, const struct step_parts *parts, bool decodes);

/* Until now_ns the sequence has waited: in the queue or, preempted, again. */
void account_admit(struct account_entry *entry, int64_t now_ns, bool again);

/* A chunk of the sequence's, `share` of the step's tokens of prompts, is in the step. */
void account_chunk(struct account_entry *entry, const struct step_parts *parts, double share,
                   bool again);

/* One token of the sequence is decoded in the step, outside the cohort. */
void account_decode(struct account_entry *entry, const struct step_parts *parts);

/* The sequence joins those who decode, from the end of the step that was started last; it leaves
 * them at that end. Leaving does nothing to one that has not joined. */
void account_join(struct account_entry *entry, const struct account *account);
void account_leave(struct account_entry *entry, const struct account *account);

#endif
