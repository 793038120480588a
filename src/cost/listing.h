/* Operators of a batch of rows, onto a list. */
#ifndef LLMSIM_COST_LISTING_H
#define LLMSIM_COST_LISTING_H

#include "layers.h"

struct listing {
    const struct shard *shard;
    struct operator_list *list;
    double rows, useful_rows;
};

/* rows × inner times inner × columns, after a pass that quantises the rows where the projection
 * multiplies in 8 bits. */
void listing_gemm(const struct listing *listing, const char *name, double calls, double columns,
                  double inner, const struct projection *projection);

/* That pass, of rows `inner` wide, onto a product that is being added. */
void listing_add_quantising(const struct listing *listing, double inner,
                            struct step_operator *added);

/* `moved` elements a row are read or written, of which `stored_bytes` must come from or go to device
 * memory. */
void listing_elementwise(const struct listing *listing, const char *name, double calls,
                         double moved, double stored_bytes);

/* Something that only takes time. */
void listing_time(const struct listing *listing, const char *name, double calls, struct cost cost);

/* (Gate and) up projection, activation, down projection of an MLP `inner` wide. */
void listing_mlp(const struct listing *listing, const char *const names[3], double calls,
                 double inner, const struct projection *projection);

/* Latent attention's projections from the residual stream to queries and the cached latent. */
void listing_latent(const struct listing *listing);

#endif
