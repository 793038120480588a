/* The rank: vLLM's data-parallel load balancer (vllm/v1/engine/core_client.py,
 * DPLBAsyncMPClient.get_core_engine_for_request): the least 4 · waiting + running, the first of
 * several. There the counts are up to 100 ms old, and what this client has sent since then is added
 * to them; here they are those of the moment.
 *
 * The virtual engine of a pipeline: vLLM v0's (vllm/engine/llm_engine.py, _add_processed_request):
 * the fewest unfinished requests, the first of several. */
#include "router.h"

static int64_t rank_score(const struct replica *engines, int32_t count)
{
    int64_t score = 0;
    for (int32_t i = 0; i < count; i++)
        score += 4 * (int64_t)engines[i].batch.waiting + engines[i].batch.running;
    return score;
}

static int64_t unfinished(const struct replica *replica)
{
    return (int64_t)replica->batch.waiting + replica->batch.running;
}

int32_t router_choose(const struct replica *replicas, int32_t data_parallel_size, int32_t engines)
{
    int32_t first = 0;
    int64_t least = rank_score(replicas, engines);
    for (int32_t rank = 1; rank < data_parallel_size; rank++) {
        int64_t score = rank_score(&replicas[(ptrdiff_t)rank * engines], engines);
        if (score < least) {
            least = score;
            first = rank * engines;
        }
    }
    int32_t chosen = first;
    for (int32_t i = first + 1; i < first + engines; i++) {
        if (unfinished(&replicas[i]) < unfinished(&replicas[chosen]))
            chosen = i;
    }
    return chosen;
}
