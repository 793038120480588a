#include "random_case.h"

#include <llmsim/sim_time.h>
#include <string.h>

static int32_t draw_between(gsl_rng *rng, int32_t minimum, int32_t maximum)
{
    return minimum + (int32_t)gsl_rng_uniform_int(rng, (unsigned long)(maximum - minimum) + 1);
}

static bool draw_chance(gsl_rng *rng, double probability)
{
    return gsl_rng_uniform(rng) < probability;
}

/* Mostly short, now and then as long as it may be. */
static int32_t draw_length(gsl_rng *rng, int32_t maximum)
{
    int32_t bound = draw_chance(rng, 0.3) ? maximum : 1 + maximum / 4;
    return draw_between(rng, 1, bound);
}

static void draw_cost(gsl_rng *rng, struct linear_cost *cost)
{
    *cost = (struct linear_cost){0};
    switch (draw_between(rng, 0, 3)) {
    case 0: /* every step at the same instant */
        break;
    case 1: /* steps that end where requests arrive */
        cost->base_s = 1.0;
        break;
    case 2: /* some steps that cost nothing */
        cost->per_prefill_token_s = 0.125;
        break;
    default: /* no two sums alike */
        cost->base_s = 0.01 + gsl_rng_uniform(rng);
        cost->per_prefill_token_s = 0.01 * gsl_rng_uniform(rng);
        cost->per_decode_sequence_s = 0.01 * gsl_rng_uniform(rng);
        cost->per_context_token_s = 0.001 * gsl_rng_uniform(rng);
    }
}

static void draw_requests(gsl_rng *rng, struct random_case *random_case, int32_t max_prompt_tokens,
                          int32_t max_output_tokens)
{
    random_case->request_count = (size_t)draw_between(
        rng, 1, draw_chance(rng, 0.2) ? RANDOM_CASE_MAX_REQUESTS : RANDOM_CASE_MAX_REQUESTS / 5);
    double tie = gsl_rng_uniform(rng);
    bool whole_seconds = draw_chance(rng, 0.5);
    double mean_gap_s = draw_chance(rng, 0.5) ? 0.5 : 4.0 * gsl_rng_uniform(rng);
    int64_t arrival_ns = 0;
    for (size_t i = 0; i < random_case->request_count; i++) {
        if (i > 0 && !draw_chance(rng, tie)) {
            double gap_s = 2.0 * mean_gap_s * gsl_rng_uniform(rng);
            arrival_ns +=
                whole_seconds ? SIM_NS_PER_S * (int64_t)(gap_s + 0.5) : sim_ns_from_s(gap_s);
        }
        random_case->requests[i] =
            (struct request){.arrival_ns = arrival_ns,
                             .prompt_tokens = draw_length(rng, max_prompt_tokens),
                             .output_tokens = draw_length(rng, max_output_tokens)};
    }
}

void random_case_draw(gsl_rng *rng, struct random_case *random_case)
{
    static const int32_t block_sizes[] = {1, 7, 16};
    struct simulation_setup *setup = &random_case->setup;
    *setup = (struct simulation_setup){0};
    int32_t max_prompt_tokens =
        draw_between(rng, 1, draw_chance(rng, 0.5) ? 12 : RANDOM_CASE_MAX_PROMPT);
    int32_t max_output_tokens = draw_between(rng, 1, draw_chance(rng, 0.5) ? 12 : 80);
    setup->block_size = block_sizes[draw_between(rng, 0, 2)];
    setup->max_num_seqs = draw_between(rng, 1, draw_chance(rng, 0.3) ? 3 : 64);
    setup->max_num_batched_tokens =
        draw_chance(rng, 0.2)
            ? 8192
            : setup->max_num_seqs + draw_between(rng, 0, draw_chance(rng, 0.5) ? 8 : 200);
    setup->long_prefill_token_threshold = draw_chance(rng, 0.5) ? 0 : draw_between(rng, 1, 24);
    setup->enable_chunked_prefill = true;
    setup->preferred_batch_size = 1;
    setup->async_scheduling = draw_chance(rng, 0.5);
    /* Sometimes a little short of the longest request, so that some are rejected. */
    int32_t longest_tokens = max_prompt_tokens + max_output_tokens;
    setup->max_model_len = draw_chance(rng, 0.2) ? 1 + longest_tokens * 3 / 4 : longest_tokens;
    int32_t longest_blocks = (longest_tokens + setup->block_size - 1) / setup->block_size;
    int32_t spare_blocks = longest_blocks * draw_between(rng, 0, draw_chance(rng, 0.7) ? 3 : 40);
    setup->num_gpu_blocks = draw_chance(rng, 0.1)
                                ? 2 + longest_blocks / 2
                                : 1 + longest_blocks + spare_blocks + draw_between(rng, 0, 3);
    draw_cost(rng, &random_case->cost);
    draw_requests(rng, random_case, max_prompt_tokens, max_output_tokens);
}

/* Few of each, so that there are ties, or as many as there are requests. */
static void draw_senders(gsl_rng *rng, struct random_case *random_case)
{
    int32_t priorities = draw_chance(rng, 0.2) ? RANDOM_CASE_MAX_REQUESTS : draw_between(rng, 1, 5);
    int32_t clients = draw_chance(rng, 0.2) ? RANDOM_CASE_MAX_REQUESTS : draw_between(rng, 1, 5);
    for (size_t i = 0; i < random_case->request_count; i++) {
        struct request *request = &random_case->requests[i];
        request->priority = draw_between(rng, -1, priorities - 2);
        /* Neighbours in the hash table, or anywhere in it. */
        uint64_t client = (uint64_t)draw_between(rng, 0, clients - 1);
        request->client = client % 2 == 0 ? client : client << 40;
    }
}

/* Each prefix begins as one before it does, and goes its own way from some id on. There are few ids:
 * the same one comes again behind others, and is not the same tokens then. */
static void draw_prefix_ids(gsl_rng *rng, struct random_case *random_case)
{
    for (int32_t i = 0; i < RANDOM_CASE_PREFIXES; i++) {
        const uint64_t *origin = random_case->prefix_ids[i > 0 ? draw_between(rng, 0, i - 1) : 0];
        int32_t shared = i > 0 ? draw_length(rng, RANDOM_CASE_MAX_PROMPT) : 0;
        for (int32_t k = 0; k < RANDOM_CASE_MAX_PROMPT; k++)
            random_case->prefix_ids[i][k] = k < shared ? origin[k] : gsl_rng_uniform_int(rng, 4);
    }
}

/* Ids for all, part or nothing of each prompt, for fewer tokens than a block holds, as many, or
 * more. */
static void draw_prefixes(gsl_rng *rng, struct random_case *random_case)
{
    int32_t block_size = random_case->setup.block_size;
    const int32_t id_tokens[] = {1, block_size, 3 * block_size, draw_between(rng, 1, 40)};
    int32_t tokens = id_tokens[draw_between(rng, 0, 3)];
    int32_t prefixes = draw_between(rng, 1, RANDOM_CASE_PREFIXES);
    double cover_all = gsl_rng_uniform(rng);
    draw_prefix_ids(rng, random_case);
    for (size_t i = 0; i < random_case->request_count; i++) {
        struct request *request = &random_case->requests[i];
        int32_t most = (request->prompt_tokens + tokens - 1) / tokens;
        request->prefix_id_count = draw_chance(rng, cover_all) ? most : draw_between(rng, 0, most);
        request->prefix_id_tokens = tokens;
        request->prefix_ids = random_case->prefix_ids[draw_between(rng, 0, prefixes - 1)];
    }
}

static void draw_transfer(gsl_rng *rng, struct host_transfer *transfer)
{
    *transfer = (struct host_transfer){0};
    if (draw_chance(rng, 0.3))
        return;
    transfer->latency_s = draw_chance(rng, 0.3) ? 0.0 : 0.5 * draw_between(rng, 0, 2);
    transfer->s_per_block = 0.1 * gsl_rng_uniform(rng);
}

/* KV blocks that all requests take together. */
static int64_t count_blocks(const struct random_case *random_case)
{
    int32_t block_size = random_case->setup.block_size;
    int64_t blocks = 0;
    for (size_t i = 0; i < random_case->request_count; i++) {
        const struct request *request = &random_case->requests[i];
        blocks += (request->prompt_tokens + request->output_tokens + block_size - 1) / block_size;
    }
    return blocks;
}

/* Host memory in blocks: mostly less than the device has, sometimes nothing or enough for all. */
static int64_t draw_host_blocks(gsl_rng *rng, const struct random_case *random_case)
{
    if (draw_chance(rng, 0.1))
        return 0;
    if (draw_chance(rng, 0.4))
        return count_blocks(random_case);
    return draw_between(rng, 1, 1 + (int32_t)random_case->setup.num_gpu_blocks / 2);
}

/* Mostly little more than the longest request that is served at all. */
static void draw_gpu_blocks(gsl_rng *rng, struct random_case *random_case)
{
    struct simulation_setup *setup = &random_case->setup;
    int32_t longest_tokens = 1;
    for (size_t i = 0; i < random_case->request_count; i++) {
        const struct request *request = &random_case->requests[i];
        int32_t tokens = request->prompt_tokens + request->output_tokens;
        if (tokens > longest_tokens && tokens <= setup->max_model_len)
            longest_tokens = tokens;
    }
    int32_t longest_blocks = (longest_tokens + setup->block_size - 1) / setup->block_size;
    int32_t spare_blocks = draw_between(rng, 0, 1 + longest_blocks * draw_between(rng, 0, 2));
    if (draw_chance(rng, 0.7))
        setup->num_gpu_blocks = 1 + longest_blocks + spare_blocks;
}

static void draw_memory(gsl_rng *rng, const struct random_case_features *features,
                        struct random_case *random_case)
{
    struct simulation_setup *setup = &random_case->setup;
    draw_gpu_blocks(rng, random_case);
    setup->reservation = features->reservation;
    setup->enable_prefix_caching = features->caches;
    if (draw_chance(rng, 0.5))
        setup->watermark_blocks = draw_between(rng, 0, (int32_t)(setup->num_gpu_blocks / 3));
    if (features->swaps)
        setup->swap_blocks = draw_host_blocks(rng, random_case);
    if (features->caches && draw_chance(rng, 0.6))
        setup->offload_blocks = draw_host_blocks(rng, random_case);
    draw_transfer(rng, &setup->swap);
    draw_transfer(rng, &setup->offload);
}

/* A step that must hold whole prompts mostly holds the longest; else some requests are rejected. */
static void draw_batching(gsl_rng *rng, struct simulation_setup *setup)
{
    const struct policy *policy = setup->policy;
    setup->enable_chunked_prefill =
        policy->splits_prompts || (!policy->whole_prompts && draw_chance(rng, 0.7));
    if (!setup->enable_chunked_prefill && draw_chance(rng, 0.7) &&
        setup->max_num_batched_tokens < setup->max_model_len)
        setup->max_num_batched_tokens = setup->max_model_len;
    setup->preferred_batch_size = draw_between(rng, 1, setup->max_num_seqs);
    setup->max_queue_delay_ns = draw_chance(rng, 0.5) ? SIM_NS_PER_S * draw_between(rng, 0, 5)
                                                      : sim_ns_from_s(5.0 * gsl_rng_uniform(rng));
}

void random_case_draw_features(gsl_rng *rng, const struct random_case_features *features,
                               struct random_case *random_case)
{
    struct simulation_setup *setup = &random_case->setup;
    setup->policy = features->policy;
    setup->queue_order = features->queue_order;
    setup->async_scheduling = features->async;
    setup->seed = gsl_rng_get(rng);
    setup->output_prediction_error =
        features->queue_order->predicts ? 0.01 + gsl_rng_uniform(rng) : 0.0;
    draw_batching(rng, setup);
    draw_memory(rng, features, random_case);
    draw_senders(rng, random_case);
    draw_prefixes(rng, random_case);
}

void random_case_draw_parallel(gsl_rng *rng, struct random_case *random_case)
{
    struct simulation_setup *setup = &random_case->setup;
    bool pipeline = draw_chance(rng, 0.5);
    setup->data_parallel_size = draw_between(rng, 1, pipeline ? 3 : 4);
    setup->pipeline_parallel_size = pipeline ? draw_between(rng, 2, 4) : 1;
    setup->lockstep = setup->data_parallel_size > 1 && !pipeline && draw_chance(rng, 0.6);
    setup->async_scheduling &= !pipeline;
    setup->sliding_window = draw_chance(rng, 0.3) ? 0 : draw_between(rng, 1, 200);
    if (pipeline)
        random_case->cost.base_s += 0.001;
}

void random_case_shrink(struct random_case *random_case,
                        bool (*fails)(const struct random_case *random_case))
{
    for (size_t width = random_case->request_count / 2 + 1; width > 0; width /= 2) {
        for (size_t i = 0; i + width <= random_case->request_count;) {
            struct random_case smaller = *random_case;
            smaller.request_count -= width;
            memmove(smaller.requests + i, random_case->requests + i + width,
                    (smaller.request_count - i) * sizeof smaller.requests[0]);
            if (smaller.request_count > 0 && fails(&smaller))
                *random_case = smaller;
            else
                i++;
        }
    }
}

static void print_features(const struct simulation_setup *setup, FILE *stream)
{
    static const char *const reservations[] = {
        [KV_AS_COMPUTED] = "as computed", [KV_PROMPT] = "prompt", [KV_MAXIMUM] = "maximum"};
    fprintf(stream,
            "policy %s, queue order %s (error %.17g, seed %llu), reservation %s, "
            "enable_chunked_prefill %d, preferred_batch_size %d, max_queue_delay %lld ns\n"
            "watermark %lld blocks; swap space %lld blocks, %.17g s + %.17g s a block; "
            "prefix caching %d, offload %lld blocks, %.17g s + %.17g s a block\n",
            setup->policy->name, setup->queue_order->name, setup->output_prediction_error,
            (unsigned long long)setup->seed, reservations[setup->reservation],
            setup->enable_chunked_prefill, setup->preferred_batch_size,
            (long long)setup->max_queue_delay_ns, (long long)setup->watermark_blocks,
            (long long)setup->swap_blocks, setup->swap.latency_s, setup->swap.s_per_block,
            setup->enable_prefix_caching, (long long)setup->offload_blocks,
            setup->offload.latency_s, setup->offload.s_per_block);
}

static void print_request(const struct request *request, size_t index, FILE *stream)
{
    fprintf(stream, "  %zu: arrives %lld ns, prompt %d, output %d, priority %d, client %llu", index,
            (long long)request->arrival_ns, request->prompt_tokens, request->output_tokens,
            request->priority, (unsigned long long)request->client);
    if (request->prefix_id_count > 0)
        fprintf(stream, ", ids of %d tokens:", request->prefix_id_tokens);
    for (int32_t i = 0; i < request->prefix_id_count; i++)
        fprintf(stream, " %llu", (unsigned long long)request->prefix_ids[i]);
    fputc('\n', stream);
}

void random_case_print(const struct random_case *random_case, FILE *stream)
{
    const struct simulation_setup *setup = &random_case->setup;
    const struct linear_cost *cost = &random_case->cost;
    fprintf(stream,
            "num_gpu_blocks %lld, block_size %d, max_num_seqs %d, max_num_batched_tokens %d, "
            "max_model_len %d, long_prefill_token_threshold %d, async_scheduling %d\n"
            "data %d, pipeline %d, lockstep %d, sliding_window %d\n"
            "base %.17g s, a prefill token %.17g s, a decode %.17g s, a context token %.17g s\n",
            (long long)setup->num_gpu_blocks, setup->block_size, setup->max_num_seqs,
            setup->max_num_batched_tokens, setup->max_model_len,
            setup->long_prefill_token_threshold, setup->async_scheduling, setup->data_parallel_size,
            setup->pipeline_parallel_size, setup->lockstep, setup->sliding_window, cost->base_s,
            cost->per_prefill_token_s, cost->per_decode_sequence_s, cost->per_context_token_s);
    if (setup->policy != NULL)
        print_features(setup, stream);
    for (size_t i = 0; i < random_case->request_count; i++)
        print_request(&random_case->requests[i], i, stream);
}
