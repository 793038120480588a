/* The contract between the engine, which knows what a step computes, and a cost model, which knows
 * how long that takes. */
#ifndef LLMSIM_COST_H
#define LLMSIM_COST_H

#include <stdint.h>

/* A run of consecutive prompt tokens (or of tokens computed again after a preemption) of one
 * sequence. */
struct prefill_chunk {
    int32_t tokens;         /* computed in this step, ≥ 1 */
    int32_t context_tokens; /* of the same sequence, computed before this step */
};

/* One forward pass, as sums: nothing here is a list of running sequences. */
struct step_load {
    int32_t tokens;             /* all tokens computed, prefill and decode */
    int32_t decode_sequences;   /* sequences that decode, one token each */
    int64_t decode_context_sum; /* Σ over those of the KV tokens read, the new one included */
    int32_t decode_context_max; /* the longest of those; 0 without decodes */
    int64_t decode_window_sum; /* Σ of the same, each at most the model's sliding window; 0 where it
                                   has none */
    int32_t emitting_sequences; /* sequences that sample a token: rows of the lm_head */
    int32_t chunk_count;
    const struct prefill_chunk *chunks;
    /* Padding, which takes time and computes nothing: every chunk takes as long as one of so many
     * tokens (0: its own length), and there are rows beside those of the tokens. */
    int32_t padded_chunk_tokens;
    int32_t idle_sequences;
    /* Rows of all data-parallel ranks that step together with this one, its own included: what the
     * experts compute. 0: it steps alone. */
    int32_t group_rows;
};

/* Rows that go through the layers: the step's tokens and its padding. */
static inline int32_t step_load_rows(const struct step_load *load)
{
    int32_t chunk_tokens = load->padded_chunk_tokens > 0
                               ? load->padded_chunk_tokens * load->chunk_count
                               : load->tokens - load->decode_sequences;
    return load->decode_sequences + chunk_tokens + load->idle_sequences;
}

enum bound { BOUND_COMPUTE, BOUND_MEMORY, BOUND_COMMUNICATION, BOUND_OVERHEAD, BOUND_COUNT };

/* The cost of a step, of an operator, or the sum of many. */
struct cost {
    double time_s;
    double bound_s[BOUND_COUNT]; /* time_s by what bounds it; sums to time_s */
    double host_s;               /* of BOUND_OVERHEAD, what the host takes between steps */
    double prompts_s;            /* a step with chunks: its time but for host_s, less that which
                                    its decodes would take alone; 0 where the model cannot tell */
    double flops;                /* of one rank */
    double bytes;                /* to and from device memory of one rank */
};

static inline void cost_add(struct cost *sum, const struct cost *term)
{
    sum->time_s += term->time_s;
    for (int i = 0; i < BOUND_COUNT; i++)
        sum->bound_s[i] += term->bound_s[i];
    sum->host_s += term->host_s;
    sum->flops += term->flops;
    sum->bytes += term->bytes;
}

/* The decodes of a step with chunks, alone. */
static inline struct step_load step_load_decodes(const struct step_load *load)
{
    struct step_load decodes = *load;
    if (decodes.group_rows > 0)
        decodes.group_rows -= step_load_rows(load) - load->decode_sequences;
    decodes.tokens = decodes.emitting_sequences = load->decode_sequences;
    decodes.chunk_count = decodes.padded_chunk_tokens = decodes.idle_sequences = 0;
    return decodes;
}

/* A way to cost steps, ready for one model, accelerator and engine. */
struct cost_model {
    void *state; /* owned; destroy(state) frees it */
    /* The cost of one step into *cost. Takes time independent of decode_sequences; linear in
     * chunk_count. load->tokens ≥ 1 and at most the maximum given at creation. */
    void (*step)(void *state, const struct step_load *load, struct cost *cost);
    void (*destroy)(void *state);
    /* Of the same step under pipeline parallelism, the time on each of stage_count stages and of the
     * transfer from one to the next: they sum to time_s. NULL where stage_count is 1. */
    void (*stage_times)(void *state, const struct step_load *load, const struct cost *cost,
                        double *stage_s, double *transfer_s);
    int32_t stage_count;
    double peak_flops_per_s; /* of one rank, for MFU; 0 where the model has none (linear) */
    double peak_bytes_per_s; /* of one rank, for MBU; likewise */
};

#endif
