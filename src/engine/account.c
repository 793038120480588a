#include "account.h"

#include <llmsim/sim_time.h>

struct step_parts account_divide(int64_t start_ns, int64_t end_ns, double transfer_s, double host_s,
                                 double prompts_share)
{
    struct step_parts parts = {.start_ns = start_ns, .end_ns = end_ns};
    int64_t left_ns = end_ns - start_ns;
    const int64_t transfer_ns = transfer_s > 0.0 ? sim_ns_from_s(transfer_s) : 0;
    parts.transfer_ns = transfer_ns < left_ns ? transfer_ns : left_ns;
    left_ns -= parts.transfer_ns;
    const int64_t host_ns = host_s > 0.0 ? sim_ns_from_s(host_s) : 0;
    parts.host_ns = host_ns < left_ns ? host_ns : left_ns;
    left_ns -= parts.host_ns;
    parts.prompts_ns = prompts_share > 0.0 ? (int64_t)((double)left_ns * prompts_share) : 0;
    parts.rest_ns = left_ns - parts.prompts_ns;
    return parts;
}

void account_step(struct account *account, const struct step_parts *parts, bool decodes)
{
    int64_t *sums_ns = account->sums_ns;
    sums_ns[SUM_INTERFERENCE] += parts->start_ns - account->until_ns;
    account->until_ns = parts->end_ns;
    if (!decodes) {
        sums_ns[SUM_INTERFERENCE] += parts->end_ns - parts->start_ns;
        return;
    }
    sums_ns[SUM_DECODE] += parts->rest_ns;
    sums_ns[SUM_INTERFERENCE] += parts->prompts_ns;
    sums_ns[SUM_TRANSFER] += parts->transfer_ns;
    sums_ns[SUM_HOST] += parts->host_ns;
}

/* All that is not in the parts yet, up to time_ns. */
static int64_t take_until(struct account_entry *entry, int64_t time_ns)
{
    const int64_t taken_ns = time_ns > entry->until_ns ? time_ns - entry->until_ns : 0;
    entry->until_ns += taken_ns;
    return taken_ns;
}

void account_admit(struct account_entry *entry, int64_t now_ns, bool again)
{
    entry->parts_ns[again ? TIME_PREEMPTION : TIME_QUEUE] += take_until(entry, now_ns);
}

/* What a step is to one that is in it, but for what it computes. */
static void take_step(struct account_entry *entry, const struct step_parts *parts)
{
    entry->parts_ns[TIME_INTERFERENCE] += take_until(entry, parts->start_ns);
    entry->parts_ns[TIME_TRANSFER] += parts->transfer_ns;
    entry->parts_ns[TIME_HOST] += parts->host_ns;
    entry->until_ns = parts->end_ns;
}

void account_chunk(struct account_entry *entry, const struct step_parts *parts, double share,
                   bool again)
{
    take_step(entry, parts);
    const int64_t own_ns = (int64_t)((double)parts->prompts_ns * share);
    entry->parts_ns[TIME_INTERFERENCE] += parts->prompts_ns - own_ns;
    entry->parts_ns[again ? TIME_PREEMPTION : TIME_PREFILL] += own_ns + parts->rest_ns;
}

void account_decode(struct account_entry *entry, const struct step_parts *parts)
{
    take_step(entry, parts);
    entry->parts_ns[TIME_INTERFERENCE] += parts->prompts_ns;
    entry->parts_ns[TIME_DECODE] += parts->rest_ns;
}

void account_join(struct account_entry *entry, const struct account *account)
{
    entry->decodes = true;
    for (int i = 0; i < SUM_COUNT; i++)
        entry->sums_ns[i] = account->sums_ns[i];
}

void account_leave(struct account_entry *entry, const struct account *account)
{
    static const enum time_part parts[SUM_COUNT] = {
        [SUM_DECODE] = TIME_DECODE,
        [SUM_INTERFERENCE] = TIME_INTERFERENCE,
        [SUM_TRANSFER] = TIME_TRANSFER,
        [SUM_HOST] = TIME_HOST,
    };
    if (!entry->decodes)
        return;
    entry->decodes = false;
    entry->until_ns = account->until_ns;
    for (int i = 0; i < SUM_COUNT; i++)
        entry->parts_ns[parts[i]] += account->sums_ns[i] - entry->sums_ns[i];
}
