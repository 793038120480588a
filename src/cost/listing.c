#include "listing.h"

#include "accelerator_spec.h"

void listing_add_quantising(const struct listing *listing, double inner,
                            struct step_operator *added)
{
    const struct shard *shard = listing->shard;
    struct cost pass = quantise_cost(shard->accelerator, listing->rows, inner);
    cost_add(&added->cost, &pass);
    added->moved_bytes += (shard->element_bytes + 1.0) * listing->rows * inner;
}

void listing_gemm(const struct listing *listing, const char *name, double calls, double columns,
                  double inner, const struct projection *projection)
{
    const struct shard *shard = listing->shard;
    struct gemm_shape shape = {
        .rows = listing->rows,
        .useful_rows = listing->useful_rows,
        .columns = columns,
        .inner = inner,
        .weight_bytes = projection->weight_bytes,
        .activation_bytes = projection->quantises ? 1.0 : shard->element_bytes,
        .output_bytes = shard->element_bytes,
    };
    struct step_operator added = {
        .name = name,
        .cost = gemm_cost(shard->accelerator, projection->dtype, &shape),
        .moved_bytes = gemm_bytes(&shape),
        .peak_flops_per_s = accelerator_flops_per_s(shard->accelerator, projection->dtype),
    };
    if (projection->quantises)
        listing_add_quantising(listing, inner, &added);
    operator_list_add(listing->list, calls, &added);
}

void listing_elementwise(const struct listing *listing, const char *name, double calls,
                         double moved, double stored_bytes)
{
    const struct shard *shard = listing->shard;
    double moved_bytes = listing->rows * moved * shard->element_bytes;
    struct step_operator added = {.name = name,
                                  .cost = elementwise_cost(shard->accelerator, moved_bytes),
                                  .moved_bytes = moved_bytes};
    added.cost.bytes = listing->useful_rows * stored_bytes;
    operator_list_add(listing->list, calls, &added);
}

void listing_time(const struct listing *listing, const char *name, double calls, struct cost cost)
{
    struct step_operator added = {.name = name, .cost = cost};
    operator_list_add(listing->list, calls, &added);
}

void listing_mlp(const struct listing *listing, const char *const names[3], double calls,
                 double inner, const struct projection *projection)
{
    const struct model *model = listing->shard->model;
    bool gated = model->mlp == MLP_GATED;
    listing_gemm(listing, names[0], calls, gated ? 2 * inner : inner, listing->shard->hidden,
                 projection);
    listing_elementwise(listing, names[1], calls, gated ? 3 * inner : 2 * inner, 0);
    listing_gemm(listing, names[2], calls, listing->shard->hidden, inner, projection);
}
