#include "engine_config.h"

#include "model_spec.h"
#include "orders.h"
#include "policies.h"
#include <llmsim/request.h>

#define FIELD(member)   offsetof(struct engine_config, member)
#define OFFLOAD(member) offsetof(struct kv_offload_config, member)

#define MAX_SEQS       65536
#define MAX_BLOCK_SIZE 1048576
#define MAX_BLOCKS     1e12

static const char *const allocation_choices[] = {"paged", "contiguous", NULL};
static const char *const all2all_choices[] = {[ALL2ALL_ALLGATHER_REDUCESCATTER] =
                                                  "allgather_reducescatter",
                                              [ALL2ALL_DISPATCH_COMBINE] = "dispatch_combine",
                                              NULL};
static const char *const preemption_choices[] = {"recompute", "swap", NULL};

static const struct setting offload_keys[] = {
    {
        .name = "capacity",
        .kind = SETTING_REAL,
        .unit = UNIT_BYTES,
        .offset = OFFLOAD(capacity_bytes),
        .preset = "none",
        .minimum = 1,
        .maximum = 1e15,
        .help = "host memory of a rank that holds prefixes after they have left the device",
    },
    {
        .name = "bandwidth",
        .kind = SETTING_REAL,
        .unit = UNIT_BYTES_PER_S,
        .offset = OFFLOAD(bandwidth_bytes_per_s),
        .preset = "auto",
        .minimum = 1,
        .maximum = INFINITY,
        .help = "of copies from there; auto: the accelerator's host_link",
    },
    {
        .name = "latency",
        .kind = SETTING_REAL,
        .unit = UNIT_SECONDS,
        .offset = OFFLOAD(latency_s),
        .preset = "auto",
        .minimum = 0,
        .maximum = 1,
        .help = "of each copy; auto: the accelerator's host_link",
    },
};
static const struct settings_table offload_table = {"kv_offload", offload_keys,
                                                    sizeof offload_keys / sizeof *offload_keys};

static const struct setting settings[] = {
    {
        .name = "scheduler",
        .kind = SETTING_CHOICE,
        .offset = FIELD(scheduler),
        .preset = "vllm",
        .choices = policy_names,
        .help = "the batching policy",
    },
    {
        .name = "scheduling_policy",
        .kind = SETTING_CHOICE,
        .offset = FIELD(scheduling_policy),
        .preset = "fcfs",
        .choices = queue_order_names,
        .help = "in which order waiting requests are served",
    },
    {
        .name = "output_prediction_error",
        .kind = SETTING_REAL,
        .offset = FIELD(output_prediction_error),
        .preset = "none",
        .minimum = 0.01,
        .maximum = 10,
        .help = "sjf-predicted: standard deviation of ln(predicted / true output tokens)",
    },
    {
        .name = "max_num_seqs",
        .kind = SETTING_INTEGER,
        .offset = FIELD(max_num_seqs),
        .preset = "auto",
        .minimum = 1,
        .maximum = MAX_SEQS,
        .help = "running sequences at most; auto: 1024 with ≥ 70 GiB (A100 excepted), else 256",
    },
    {
        .name = "max_num_batched_tokens",
        .kind = SETTING_INTEGER,
        .unit = UNIT_TOKENS,
        .offset = FIELD(max_num_batched_tokens),
        .preset = "auto",
        .minimum = 1,
        .maximum = ENGINE_MAX_BATCHED_TOKENS,
        .help = "tokens a step at most; auto: 8192 with ≥ 70 GiB (A100 excepted), else 2048",
    },
    {
        .name = "max_model_len",
        .kind = SETTING_INTEGER,
        .unit = UNIT_TOKENS,
        .offset = FIELD(max_model_len),
        .preset = "auto",
        .minimum = 1,
        .maximum = 2.0 * REQUEST_MAX_TOKENS,
        .help = "longest prompt and output together; longer requests are rejected; auto: the "
                "model's limit",
    },
    {
        .name = "long_prefill_token_threshold",
        .kind = SETTING_INTEGER,
        .unit = UNIT_TOKENS,
        .offset = FIELD(long_prefill_token_threshold),
        .preset = "0",
        .minimum = 0,
        .maximum = ENGINE_MAX_BATCHED_TOKENS,
        .help =
            "prompt tokens of one request a step at most (vllm only); 0: no limit but the step's",
    },
    {
        .name = "enable_chunked_prefill",
        .kind = SETTING_SWITCH,
        .offset = FIELD(enable_chunked_prefill),
        .preset = "auto",
        .help =
            "prompts may be split over steps (vllm only); without, max_num_batched_tokens is at "
            "least max_model_len; auto: true",
    },
    {
        .name = "watermark",
        .kind = SETTING_REAL,
        .offset = FIELD(watermark),
        .preset = "auto",
        .minimum = 0,
        .maximum = 0.5,
        .help = "share of the KV blocks that an admission leaves free; auto: the scheduler's own",
    },
    {
        .name = "preferred_batch_size",
        .kind = SETTING_INTEGER,
        .offset = FIELD(preferred_batch_size),
        .preset = "auto",
        .minimum = 1,
        .maximum = MAX_SEQS,
        .help = "dynamic: waiting requests that start a batch; auto: max_num_seqs",
    },
    {
        .name = "max_queue_delay",
        .kind = SETTING_REAL,
        .unit = UNIT_SECONDS,
        .offset = FIELD(max_queue_delay_s),
        .preset = "auto",
        .minimum = 0,
        .maximum = 1e6,
        .help = "dynamic: a request that has waited so long starts a batch too; auto: 100 ms",
    },
    {
        .name = "async_scheduling",
        .kind = SETTING_SWITCH,
        .offset = FIELD(async_scheduling),
        .preset = "auto",
        .help = "plan a step while the one before it runs: two steps in flight; auto: as the "
                "scheduler's original does, which for vllm is true",
    },
    {
        .name = "kv_allocation",
        .kind = SETTING_CHOICE,
        .offset = FIELD(kv_allocation),
        .preset = "auto",
        .choices = allocation_choices,
        .help =
            "KV cache in blocks as they are needed, or max_model_len reserved for each sequence; "
            "auto: the scheduler's own",
    },
    {
        .name = "enable_prefix_caching",
        .kind = SETTING_SWITCH,
        .offset = FIELD(enable_prefix_caching),
        .preset = "auto",
        .help = "keep blocks for prompts that begin alike (traces with prefix ids); auto: as the "
                "scheduler's original does, where allocation and preemption mode permit",
    },
    {
        .name = "preemption_mode",
        .kind = SETTING_CHOICE,
        .offset = FIELD(preemption_mode),
        .preset = "recompute",
        .choices = preemption_choices,
        .help = "what becomes of the KV cache of a preempted sequence",
    },
    {
        .name = "swap_space",
        .kind = SETTING_REAL,
        .unit = UNIT_BYTES,
        .offset = FIELD(swap_space_bytes),
        .preset = "auto",
        .minimum = 0,
        .maximum = 1e15,
        .help = "host memory of a rank for preempted sequences; what it does not hold is computed "
                "again; auto: 4 GiB",
    },
    {
        .name = "kv_offload",
        .kind = SETTING_SECTION,
        .offset = FIELD(kv_offload),
        .preset = "none",
        .section = &offload_table,
        .help = "host memory as a second level of the prefix cache",
    },
    {
        .name = "block_size",
        .kind = SETTING_INTEGER,
        .unit = UNIT_TOKENS,
        .offset = FIELD(block_size),
        .preset = "16",
        .minimum = 1,
        .maximum = MAX_BLOCK_SIZE,
        .help = "tokens a KV cache block",
    },
    {
        .name = "gpu_memory_utilization",
        .kind = SETTING_REAL,
        .offset = FIELD(gpu_memory_utilization),
        .preset = "0.9",
        .minimum = 0.01,
        .maximum = 1,
        .help = "share of the accelerator's memory that the server takes",
    },
    {
        .name = "num_gpu_blocks_override",
        .kind = SETTING_INTEGER,
        .offset = FIELD(num_gpu_blocks_override),
        .preset = "none",
        .minimum = 2,
        .maximum = MAX_BLOCKS,
        .help = "KV cache blocks, whatever the memory holds",
    },
    {
        .name = "memory_overhead",
        .kind = SETTING_REAL,
        .unit = UNIT_BYTES,
        .offset = FIELD(memory_overhead_bytes),
        .preset = "835 MiB",
        .minimum = 0,
        .maximum = INFINITY,
        .help =
            "device memory outside weights, activations and KV cache: CUDA libraries, workspaces",
    },
    {
        .name = "tensor_parallel_size",
        .kind = SETTING_INTEGER,
        .offset = FIELD(tensor_parallel_size),
        .preset = "1",
        .minimum = 1,
        .maximum = 64,
        .help = "accelerators that share every layer; must divide the attention heads",
    },
    {
        .name = "pipeline_parallel_size",
        .kind = SETTING_INTEGER,
        .offset = FIELD(pipeline_parallel_size),
        .preset = "1",
        .minimum = 1,
        .maximum = 64,
        .help = "stages of consecutive layers, each on accelerators of its own",
    },
    {
        .name = "data_parallel_size",
        .kind = SETTING_INTEGER,
        .offset = FIELD(data_parallel_size),
        .preset = "1",
        .minimum = 1,
        .maximum = 256,
        .help =
            "copies that each serve requests of their own; a model with experts shares those, and "
            "its copies step together",
    },
    {
        .name = "enable_expert_parallel",
        .kind = SETTING_BOOL,
        .offset = FIELD(enable_expert_parallel),
        .preset = "false",
        .help = "whole experts on each rank, not a slice of every one",
    },
    {
        .name = "all2all_backend",
        .kind = SETTING_CHOICE,
        .offset = FIELD(all2all_backend),
        .preset = "auto",
        .choices = all2all_choices,
        .help =
            "how data-parallel ranks exchange tokens for experts: every token to every rank, or to "
            "those of its experts; auto: allgather_reducescatter",
    },
    {
        .name = "expert_skew",
        .kind = SETTING_REAL,
        .offset = FIELD(expert_skew),
        .preset = "0",
        .minimum = 0,
        .maximum = 10,
        .help = "how unevenly tokens choose experts: expert i as often as i^-skew; 0: all alike",
    },
    {
        .name = "expert_imbalance",
        .kind = SETTING_REAL,
        .offset = FIELD(expert_imbalance),
        .preset = "auto",
        .minimum = 1,
        .maximum = 256,
        .help =
            "tokens of the busiest expert-parallel rank over the mean; auto: as expert_skew gives",
    },
    {
        .name = "kv_cache_dtype",
        .kind = SETTING_CHOICE,
        .offset = FIELD(kv_cache_dtype),
        .preset = "auto",
        .choices = dtype_names,
        .help = "of the KV cache; auto: the model's dtype",
    },
};

const struct settings_table engine_settings = {"the engine section", settings,
                                               sizeof settings / sizeof *settings};

struct deployment engine_deployment(const struct engine_config *config)
{
    return (struct deployment){
        .tensor_parallel_size = (int32_t)config->tensor_parallel_size,
        .pipeline_parallel_size = (int32_t)config->pipeline_parallel_size,
        .data_parallel_size = (int32_t)config->data_parallel_size,
        .expert_parallel = config->enable_expert_parallel,
        .all2all_backend =
            config->all2all_backend < 0 ? ALL2ALL_ALLGATHER_REDUCESCATTER : config->all2all_backend,
        .expert_skew = config->expert_skew,
        .expert_imbalance =
            setting_is_set(config->expert_imbalance) ? config->expert_imbalance : 0.0,
        .kv_cache_dtype = config->kv_cache_dtype,
    };
}
