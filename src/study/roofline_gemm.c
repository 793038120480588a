/* One matrix product against the roofline of each dtype. */
#include "roofline_parts.h"

#include "accelerator_spec.h"
#include "model_spec.h"
#include "operators.h"

#include <assert.h>

struct roofline_device roofline_device_of(const struct accelerator *accelerator)
{
    struct roofline_device device = {
        .name = accelerator->name,
        .efficiencies_from = accelerator->efficiencies_from,
        .bandwidth_bytes_per_s = accelerator->memory_bandwidth_bytes_per_s,
    };
    FILE *title = fmemopen(device.title, sizeof device.title - 1, "w");
    if (title != NULL) {
        accelerator_print_name(accelerator, title);
        fclose(title);
    }
    return device;
}

int roofline_default_dtype(const struct accelerator *accelerator)
{
    if (accelerator_supports(accelerator, DTYPE_BF16))
        return DTYPE_BF16;
    return accelerator_supports(accelerator, DTYPE_FP16) ? DTYPE_FP16 : DTYPE_FP32;
}

bool roofline_study_gemm(const struct accelerator *accelerator, const int64_t sides[3],
                         const int *dtypes, int dtype_count, struct roofline_gemm *gemm,
                         struct error *error)
{
    assert(dtype_count >= 1 && dtype_count <= ROOFLINE_MAX_ROOFS);
    *gemm = (struct roofline_gemm){
        .device = roofline_device_of(accelerator),
        .m = (double)sides[0],
        .n = (double)sides[1],
        .k = (double)sides[2],
        .count = dtype_count,
    };
    gemm->device.roof_count = dtype_count;
    gemm->flops = 2.0 * gemm->m * gemm->n * gemm->k;
    for (int i = 0; i < dtype_count; i++) {
        int dtype = dtypes[i];
        double peak_flops_per_s = accelerator_flops_per_s(accelerator, dtype);
        if (!accelerator_supports(accelerator, dtype))
            return error_input(error, NULL, "%s has no units for %s", accelerator->name,
                               dtype_names[dtype]);
        struct gemm_shape shape = {.rows = gemm->m,
                                   .useful_rows = gemm->m,
                                   .columns = gemm->n,
                                   .inner = gemm->k,
                                   .weight_bytes = dtype_bytes(dtype),
                                   .activation_bytes = dtype_bytes(dtype),
                                   .output_bytes = dtype_bytes(dtype)};
        gemm->device.roofs[i] = (struct roofline_roof){dtype_names[dtype], peak_flops_per_s};
        gemm->rows[i] = (struct roofline_gemm_row){.roof = gemm->device.roofs[i],
                                                   .cost = gemm_cost(accelerator, dtype, &shape),
                                                   .moved_bytes = gemm_bytes(&shape)};
    }
    return true;
}
