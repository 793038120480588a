#include "kernel_families.h"

#include "accelerator_spec.h"
#include <assert.h>
#include <llmsim/model.h>
#include <string.h>

static bool is_any(const struct accelerator *accelerator)
{
    (void)accelerator;
    return true;
}

static bool has_pcie(const struct accelerator *accelerator)
{
    return accelerator->interconnect.kind == INTERCONNECT_PCIE;
}

static bool has_nvlink(const struct accelerator *accelerator)
{
    return accelerator->interconnect.kind == INTERCONNECT_NVLINK;
}

/* What is multiplied in 16 bits: narrower kernels are of other families. */
static bool informs_gemm(const struct kernel *kernel)
{
    return kernel->kind == KERNEL_GEMM &&
           (kernel->gemm.dtype == DTYPE_BF16 || kernel->gemm.dtype == DTYPE_FP16);
}

static bool informs_gemm_8bit(const struct kernel *kernel)
{
    return kernel->kind == KERNEL_GEMM &&
           (kernel->gemm.dtype == DTYPE_FP8 || kernel->gemm.dtype == DTYPE_INT8);
}

static bool informs_moe(const struct kernel *kernel)
{
    return kernel->kind == KERNEL_MOE;
}

static bool informs_elementwise(const struct kernel *kernel)
{
    return kernel->kind == KERNEL_ELEMENTWISE;
}

static bool informs_decode_attention(const struct kernel *kernel)
{
    return kernel->kind == KERNEL_DECODE_ATTENTION;
}

static bool informs_prefill_attention(const struct kernel *kernel)
{
    return kernel->kind == KERNEL_PREFILL_ATTENTION;
}

static bool informs_all_reduce(const struct kernel *kernel)
{
    return kernel->kind == KERNEL_COLLECTIVE &&
           kernel->collective.collective == COLLECTIVE_ALL_REDUCE;
}

static bool informs_exchange(const struct kernel *kernel)
{
    return kernel->kind == KERNEL_COLLECTIVE &&
           kernel->collective.collective != COLLECTIVE_ALL_REDUCE;
}

#define MICROSECONDS 1e-6
#define SHORT        0.02 * MICROSECONDS
#define LONG         1000.0 * MICROSECONDS

/* clang-format off */
const struct kernel_family kernel_families[] = {
    {"GEMM", "gemm", {
        {"compute_efficiency", SCALE_LOG, 0.02, 1, "GEMMs of thousands of rows"},
        {"memory_efficiency", SCALE_LOG, 0.02, 1, "GEMMs of few rows and large matrices"},
        {"memory_ramp", SCALE_LOG, 1e-3 * MICROSECONDS, 20 * MICROSECONDS,
         "GEMMs of few rows, of small and of large matrices"},
        {"wave_quantisation", SCALE_LINEAR, 0, 1, "GEMMs of one to five waves of tiles"},
        {"tile", SCALE_LOG, SHORT, 10 * MICROSECONDS, "GEMMs of many tiles and few inner elements"},
        {"sm_bandwidth", SCALE_LOG, 1e10, 1e12, "GEMMs of some dozen rows with few columns"},
        {"split", SCALE_LOG, SHORT, 30 * MICROSECONDS,
         "GEMMs of few rows and columns with many inner elements"},
    }, is_any, informs_gemm},
    {"8-bit GEMM", "gemm_8bit", {
        {"compute_efficiency", SCALE_LOG, 0.02, 1, "GEMMs of thousands of rows"},
        {"wave_quantisation", SCALE_LINEAR, 0, 1, "GEMMs of one to five waves of tiles"},
        {"tile", SCALE_LOG, SHORT, 10 * MICROSECONDS, "GEMMs of many tiles and few inner elements"},
        {"sm_bandwidth", SCALE_LOG, 1e10, 1e12, "GEMMs of some dozen rows with few columns"},
        {"quantise", SCALE_LOG, SHORT, 30 * MICROSECONDS, "GEMMs of few rows"},
        {"quantise_efficiency", SCALE_LOG, 0.02, 10, "GEMMs of many rows with few columns"},
    }, is_any, informs_gemm_8bit},
    {"elementwise", "elementwise", {
        {"fixed", SCALE_LOG, SHORT, LONG, "norms and activations of few tokens"},
        {"l2_bandwidth", SCALE_LOG, 1e11, 1e15, "norms and activations of some thousand tokens"},
        {"l2_resident_fraction", SCALE_LINEAR, 0, 1,
         "norms and activations around and beyond the size of the L2 cache"},
    }, is_any, informs_elementwise},
    {"decode attention", "decode_attention", {
        {"fixed", SCALE_LOG, SHORT, LONG, "few decodes with short contexts"},
        {"per_sequence", SCALE_LOG, SHORT, LONG, "many decodes with short contexts"},
        {"memory_efficiency", SCALE_LOG, 0.02, 1, "decodes whose caches exceed the L2 cache"},
        {"split", SCALE_LOG, SHORT, LONG, "few decodes with contexts of 512 tokens and more"},
        {"tail_per_token", SCALE_LOG, 1e-5 * MICROSECONDS, 10 * MICROSECONDS,
         "as many KV heads as query heads, or just enough decodes that contexts are not split, "
         "long ones"},
    }, is_any, informs_decode_attention},
    {"prefill attention", "prefill_attention", {
        {"fixed", SCALE_LOG, SHORT, LONG, "single short prompts"},
        {"per_tile", SCALE_LOG, SHORT, LONG, "batches of many short prompts"},
        {"compute_efficiency", SCALE_LOG, 0.02, 1, "long prompts"},
        {"empty_tile", SCALE_LOG, 1e-3 * MICROSECONDS, 100 * MICROSECONDS,
         "a long chunk beside many decodes: batches of unequal sequences"},
        {"critical_path", SCALE_LINEAR, 0, 2, "single prompts of few tiles and long contexts"},
        {"exposed_traffic", SCALE_LINEAR, 0, 4, "batches of many prompts of some hundred tokens"},
    }, is_any, informs_prefill_attention},
    {"experts", "moe", {
        {"fixed", SCALE_LOG, SHORT, LONG, "few tokens and small experts"},
        {"compute_efficiency", SCALE_LOG, 0.02, 1, "thousands of tokens"},
        {"memory_efficiency", SCALE_LOG, 0.02, 1, "few tokens and large experts"},
        {"roofline_sharpness", SCALE_LOG, 1, 20, "some hundred tokens"},
    }, is_any, informs_moe},
    {"all-reduce over PCIe", "interconnect", {
        {"one_shot", SCALE_LOG, SHORT, LONG, "all-reduces of less than 64 KiB on 2 ranks"},
        {"one_shot_efficiency", SCALE_LOG, 0.02, 2, "all-reduces of 64 KiB to 8 MiB on 2 ranks"},
        {"low_latency", SCALE_LOG, SHORT, LONG, "all-reduces of less than 64 KiB on 4 or 8 ranks"},
        {"low_latency_efficiency", SCALE_LOG, 0.02, 2,
         "all-reduces of 64 KiB to 1 MiB on 4 or 8 ranks"},
        {"per_rank", SCALE_LOG, 1e-3 * MICROSECONDS, LONG, "small all-reduces on 4 and 8 ranks"},
        {"ring", SCALE_LOG, SHORT, LONG, "all-reduces of 1 to 16 MiB"},
        {"ring_efficiency", SCALE_LOG, 0.02, 2, "all-reduces of more than 64 MiB on 8 ranks"},
        {"ring_rank_exponent", SCALE_LINEAR, -2, 3,
         "all-reduces of more than 64 MiB on different numbers of ranks"},
    }, has_pcie, informs_all_reduce},
    {"all-reduce over NVLink", "interconnect", {
        {"one_shot", SCALE_LOG, SHORT, LONG, "all-reduces of less than 64 KiB"},
        {"one_shot_efficiency", SCALE_LOG, 0.02, 2, "all-reduces of 64 to 512 KiB on 2 ranks"},
        {"two_shot", SCALE_LOG, SHORT, LONG, "all-reduces of 256 KiB to 2 MiB on 4 or 8 ranks"},
        {"two_shot_efficiency", SCALE_LOG, 0.02, 1, "all-reduces of 1 to 8 MiB on 4 or 8 ranks"},
        {"per_rank", SCALE_LOG, 1e-3 * MICROSECONDS, LONG, "small all-reduces on 2, 4 and 8 ranks"},
        {"ring", SCALE_LOG, SHORT, LONG, "all-reduces just above 8 MiB"},
        {"ring_efficiency", SCALE_LOG, 0.02, 1, "all-reduces of more than 64 MiB on 8 ranks"},
        {"ring_rank_exponent", SCALE_LINEAR, -2, 3,
         "all-reduces of more than 64 MiB on different numbers of ranks"},
    }, has_nvlink, informs_all_reduce},
    {"exchange", "interconnect", {
        {"gather", SCALE_LOG, SHORT, LONG, "small all-gathers"},
        {"gather_per_rank", SCALE_LOG, 1e-3 * MICROSECONDS, LONG,
         "small all-gathers on 2, 4 and 8 ranks"},
        {"gather_efficiency", SCALE_LOG, 0.02, 2, "all-gathers of 64 KiB to 4 MiB"},
        {"gather_long", SCALE_LOG, SHORT, LONG, "all-gathers of 1 to 16 MiB"},
        {"gather_long_efficiency", SCALE_LOG, 0.02, 1, "all-gathers of more than 64 MiB on 8 ranks"},
        {"gather_rank_exponent", SCALE_LINEAR, -2, 3,
         "all-gathers of more than 64 MiB on different numbers of ranks"},
    }, is_any, informs_exchange},
};
/* clang-format on */
const size_t kernel_family_count = sizeof kernel_families / sizeof *kernel_families;

static const struct setting *find_setting(const struct settings_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->settings[i].name, name) == 0)
            return &table->settings[i];
    }
    assert(false);
    return NULL;
}

struct family_parameter family_parameter(const struct kernel_family *family,
                                         const struct fitted_key *key)
{
    const struct setting *section = find_setting(&accelerator_settings, family->section);
    const struct setting *setting = find_setting(section->section, key->name);
    assert(setting->kind == SETTING_REAL && key->lower >= setting->minimum &&
           key->upper <= setting->maximum);
    return (struct family_parameter){setting, section->offset + setting->offset};
}
