/* From which batch, prompt or context on an operator is compute-bound: its intensity is the ridge
 * point of its dtype.
 *
 * Intensity grows with each of the three, but for the padding of CUDA graphs: rows that are computed
 * for nobody. So only sizes that are not padded are looked at, which are all beyond 512. */
#include "roofline_parts.h"

#include "layers.h"
#include "roofline.h"
#include <string.h>

/* One item, and the size that is varied. */
struct search {
    const struct experiment_config *config;
    const struct cost_model *cost_model;
    const char *name;
    enum roofline_phase phase;
    int64_t sequences, context_tokens; /* decode: what is held; 0: what is varied */
};

static bool is_compute_bound(const struct search *search, int64_t size)
{
    struct roofline_load load;
    struct operator_list list;
    if (search->phase == ROOFLINE_PREFILL)
        roofline_load_prefill(&load, search->config, size);
    else
        roofline_load_decode(&load, search->config,
                             search->sequences > 0 ? search->sequences : size,
                             search->context_tokens > 0 ? search->context_tokens : size);
    roofline_list(search->cost_model, &load.load, &list);
    double bandwidth = search->config->accelerator.memory_bandwidth_bytes_per_s;
    for (int i = 0; i < list.count; i++) {
        const struct step_operator *item = &list.items[i];
        if (strcmp(item->name, search->name) == 0)
            return item->cost.flops * bandwidth >= item->moved_bytes * item->peak_flops_per_s;
    }
    return false;
}

/* The next size that is not padded. */
static int64_t unpadded(const struct search *search, int64_t size)
{
    if (search->phase == ROOFLINE_DECODE && search->sequences > 0)
        return size;
    return roofline_padded_tokens((int32_t)size, ROOFLINE_SEARCH_LIMIT, ROOFLINE_SEARCH_LIMIT);
}

/* By bisection; 0: nowhere up to the limit. */
static int64_t find_crossing(const struct search *search)
{
    if (is_compute_bound(search, 1))
        return 1;
    if (!is_compute_bound(search, ROOFLINE_SEARCH_LIMIT))
        return 0;
    int64_t low = 1, high = ROOFLINE_SEARCH_LIMIT;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (is_compute_bound(search, unpadded(search, middle)))
            high = middle;
        else
            low = middle;
    }
    return unpadded(search, high);
}

bool roofline_find_crossings(const struct experiment_config *config, struct roofline_step *step,
                             enum roofline_phase phase, struct error *error)
{
    struct cost_model cost_model;
    if (!roofline_cost_model(config, &config->accelerator, ROOFLINE_SEARCH_LIMIT,
                             ROOFLINE_SEARCH_LIMIT, &cost_model, error))
        return false;
    for (int i = 0; i < step->count; i++) {
        struct roofline_operator *item = &step->operators[i];
        if (item->peak_flops_per_s <= 0.0)
            continue;
        struct search search = {config, &cost_model, item->name, phase, 0, 0};
        if (phase == ROOFLINE_PREFILL) {
            item->crossing_prompt_tokens = find_crossing(&search);
            continue;
        }
        search.context_tokens = step->tokens;
        item->crossing_sequences = find_crossing(&search);
        search.context_tokens = 0;
        search.sequences = step->sequences;
        item->crossing_context_tokens = find_crossing(&search);
    }
    cost_model.destroy(cost_model.state);
    return true;
}
