/* What is in a block, and who has computed it before: include/llmsim/request.h on ids, and vLLM's
 * vllm/v1/core/kv_cache_manager.py, get_computed_blocks. */
#include "naive_server.h"

/* Both prompts begin with the same ids as far as ids[last]. */
static bool same_ids(const struct request *a, const struct request *b, int32_t last)
{
    if (a->prefix_id_tokens != b->prefix_id_tokens || a->prefix_id_count <= last ||
        b->prefix_id_count <= last)
        return false;
    for (int32_t i = 0; i <= last; i++)
        if (a->prefix_ids[i] != b->prefix_ids[i])
            return false;
    return true;
}

int64_t naive_prefix_content(const struct naive_server *server, size_t id, size_t block)
{
    const struct request *request = &server->requests[id];
    int64_t last_token = (int64_t)(block + 1) * server->setup->block_size - 1;
    size_t owner = id;
    bool alone = last_token >= request->prompt_tokens ||
                 last_token >= (int64_t)request->prefix_id_count * request->prefix_id_tokens;
    if (!alone) {
        owner = 0;
        while (!same_ids(&server->requests[owner], request,
                         (int32_t)(last_token / request->prefix_id_tokens)))
            owner++;
    }
    return (((int64_t)owner * 2 + alone) << 32) + (int64_t)block + 1;
}

/* How much of it is found on the way from block `from` on. */
static size_t match(const struct naive_server *server, const struct naive_blocks *blocks, size_t id,
                    size_t from, size_t most)
{
    size_t matched = from;
    while (matched < most &&
           naive_blocks_find(blocks, naive_prefix_content(server, id, matched)) != NAIVE_NO_BLOCK)
        matched++;
    return matched - from;
}

struct naive_hit naive_prefix_match(const struct naive_server *server, size_t id)
{
    struct naive_hit hit = {0};
    if (!server->setup->enable_prefix_caching)
        return hit;
    size_t most = (size_t)((naive_wanted_tokens(server, id) - 1) / server->setup->block_size);
    hit.cached = match(server, &server->device, id, 0, most);
    hit.offloaded = match(server, &server->host, id, hit.cached, most);
    for (size_t i = 0; i < hit.cached; i++) {
        size_t block = naive_blocks_find(&server->device, naive_prefix_content(server, id, i));
        hit.unused += server->device.users[block] == 0;
    }
    return hit;
}
