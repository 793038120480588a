/* What the files of the roofline cost model share: its state (roofline_create.c), the operators of a
 * step (roofline_list.c), and their sum (roofline.c). */
#ifndef LLMSIM_COST_ROOFLINE_STATE_H
#define LLMSIM_COST_ROOFLINE_STATE_H

#include "layers.h"

/* A step of so many decodes, but for what their contexts add. */
struct decode_step {
    struct cost cost; /* without attention over the cache */
    struct decode_attention attention, window_attention;
};

struct roofline {
    struct shard shard;
    struct attention attention;        /* of decodes, in layers that see everything */
    struct attention prompt_attention; /* of chunks; another than that where latents are expanded */
    struct attention window_attention; /* in layers with a window, if any */
    bool latent, absorbs_decodes, absorbs_prompts;
    bool exchanges;           /* experts with other data-parallel ranks */
    bool has_rare;            /* any of these three */
    struct cost host;         /* of every step */
    struct cost prefill_host; /* of every step with any prefill, in place of `host` */
    int32_t max_num_seqs, max_num_batched_tokens;
    struct cost *by_tokens;         /* [max_num_batched_tokens + 1]; time_s 0: not filled yet */
    struct cost *by_emitting;       /* [max_num_seqs + 1]; likewise, but for [0], which is 0 */
    struct decode_step *by_decodes; /* [max_num_seqs + 1]; likewise */
    struct cost routed;             /* experts, of the latest… */
    int32_t routed_rows, routed_useful;
};

/* roofline_padded_tokens with the model's limits. */
static inline int32_t roofline_pad(const struct roofline *roofline, int32_t tokens)
{
    return roofline_padded_tokens(tokens, roofline->max_num_seqs, roofline->max_num_batched_tokens);
}

/* What depends on the number of tokens alone: everything between embedding and final norm but
 * attention, latents, and experts that are exchanged. */
void roofline_list_tokens(const struct roofline *roofline, int32_t tokens,
                          struct operator_list *list);

/* What latents cost beside the attention: of decodes that are absorbed or whose context is
 * expanded, and of chunks. */
void roofline_list_latents(const struct roofline *roofline, const struct step_load *load,
                           struct operator_list *list);

/* Attention over the KV cache. */
void roofline_list_attentions(const struct roofline *roofline, const struct step_load *load,
                              struct operator_list *list);

/* As functions of the cost model (llmsim/cost.h). */
void roofline_step(void *state, const struct step_load *load, struct cost *cost);
void roofline_stage_times(void *state, const struct step_load *load, const struct cost *cost,
                          double *stage_s, double *transfer_s);

/* Filled on first use. */
const struct cost *roofline_cost_by_emitting(struct roofline *roofline, int32_t sequences);

#endif
