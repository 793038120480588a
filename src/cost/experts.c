/* The layers with experts. Whole experts are spread over the tensor · data ranks (expert parallelism),
 * or each of those ranks holds a slice of every expert. Data-parallel ranks first exchange their
 * tokens: every rank gets those of all (all-gather) and gives back their sums (reduce-scatter), as
 * vLLM does by default; or a token goes to the ranks of its experts alone, and back (all-to-all). */
#include "accelerator_spec.h"
#include "listing.h"

static void list_routed(const struct listing *listing, double layers)
{
    const struct shard *shard = listing->shard;
    const struct model *model = shard->model;
    const struct deployment *deployment = &shard->deployment;
    double ranks = deployment_expert_ranks(deployment);
    double spread = deployment->expert_parallel ? ranks : 1.0;
    const struct moe_routing routing = {
        .experts = (double)model->num_experts,
        .experts_per_token = (double)model->num_experts_per_tok,
        .ranks = spread,
        .skew = deployment->expert_skew,
        .imbalance = deployment->expert_imbalance,
    };
    struct moe_shape shape = {
        .tokens = listing->rows,
        .useful_tokens = listing->useful_rows,
        .local_experts = routing.experts / spread,
        .hidden = shard->hidden,
        .inner = (double)model->moe_intermediate_size * spread / ranks,
        .gated = model->mlp == MLP_GATED,
        .weight_bytes = shard->experts.weight_bytes,
        .activation_bytes = shard->element_bytes,
    };
    moe_route(&routing, listing->rows, &shape.active_experts, &shape.pairs);
    shape.moved_pairs = deployment->all2all_backend == ALL2ALL_DISPATCH_COMBINE
                            ? shape.pairs
                            : listing->rows * routing.experts_per_token;
    struct step_operator added = {
        .name = "experts",
        .cost = moe_cost(shard->accelerator, shard->experts.dtype, &shape),
        .moved_bytes = moe_bytes(&shape),
        .peak_flops_per_s = accelerator_flops_per_s(shard->accelerator, shard->experts.dtype),
    };
    if (shard->experts.quantises)
        listing_add_quantising(listing, shard->hidden, &added);
    operator_list_add(listing->list, layers, &added);
}

/* Bytes that a rank has to dispatch: each of its tokens goes to as many ranks as its experts are on,
 * its own included. */
static double dispatched_bytes(const struct listing *listing, double ranks)
{
    const struct shard *shard = listing->shard;
    double experts_per_token = (double)shard->model->num_experts_per_tok;
    double visited = ranks * -expm1(experts_per_token * log1p(-1.0 / ranks));
    return listing->rows / ranks * visited * shard->hidden * shard->element_bytes;
}

static void list_exchange(const struct listing *listing, double layers)
{
    const struct shard *shard = listing->shard;
    const struct interconnect *link = &shard->accelerator->interconnect;
    int ranks = deployment_expert_ranks(&shard->deployment);
    if (shard->deployment.all2all_backend == ALL2ALL_DISPATCH_COMBINE) {
        struct cost cost = exchange_cost(link, ranks, dispatched_bytes(listing, ranks));
        listing_time(listing, "dispatch", layers, cost);
        listing_time(listing, "combine", layers, cost);
    } else {
        struct cost cost =
            exchange_cost(link, ranks, listing->rows * shard->hidden * shard->element_bytes);
        listing_time(listing, "all-gather", layers, cost);
        listing_time(listing, "reduce-scatter", layers, cost);
    }
}

void routed_list(const struct shard *shard, int32_t tokens, int32_t padded,
                 struct operator_list *list)
{
    const struct listing listing = {shard, list, padded, tokens};
    double layers = (double)model_moe_layers(shard->model);
    if (layers == 0.0)
        return;
    list_routed(&listing, layers);
    if (shard->deployment.data_parallel_size > 1)
        list_exchange(&listing, layers);
}

void experts_list(const struct shard *shard, int32_t tokens, int32_t padded,
                  struct operator_list *list)
{
    static const char *const shared_names[] = {"shared up projection", "shared activation",
                                               "shared down projection"};
    const struct listing listing = {shard, list, padded, tokens};
    const struct projection plain = {shard->dtype, shard->element_bytes, false};
    const struct model *model = shard->model;
    double layers = (double)model_moe_layers(model);
    if (layers == 0.0)
        return;
    listing_gemm(&listing, "router", layers, (double)model->num_experts, shard->hidden, &plain);
    if (model->shared_expert_intermediate_size > 0)
        listing_mlp(&listing, shared_names, layers,
                    (double)model->shared_expert_intermediate_size / shard->ranks, &shard->linear);
    /* Of data-parallel ranks, tensor-parallel ones have each exchanged a part of their tokens. */
    if (shard->deployment.data_parallel_size > 1 && shard->ranks > 1)
        listing_time(&listing, "tokens all-gather", layers,
                     exchange_cost(&shard->accelerator->interconnect, shard->ranks,
                                   listing.rows * shard->hidden * shard->element_bytes));
}
