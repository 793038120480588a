/* The shipped accelerators against what is known of their hardware: none has a sparse figure for a
 * dense one, lacks what its generation has, or has what it lacks. */
#include "cost_fixture.h"

#include <dirent.h>

/* FLOPs of one SM (or what stands for one) in a clock, dense: in fp16 or bf16 accumulated in fp32 by
 * the tensor cores, and in fp32 without; then the speed of narrower dtypes over that. 0: none. */
struct architecture {
    bool has_bf16, has_fp16;
    double tensor, vector;
    double fp8, int8, fp4;
};
static const struct architecture volta = {false, true, 1024, 128, 0, 0, 0};
static const struct architecture ampere = {true, true, 2048, 128, 0, 2, 0};
static const struct architecture ampere_10x = {true, true, 1024, 256, 0, 2, 0};
static const struct architecture ada = {true, true, 1024, 256, 2, 2, 0};
static const struct architecture ada_geforce = {true, true, 512, 256, 2, 4, 0};
static const struct architecture hopper = {true, true, 4096, 256, 2, 2, 0};
static const struct architecture blackwell = {true, true, 8192, 256, 2, 2, 4};
static const struct architecture blackwell_rtx = {true, true, 1024, 256, 2, 2, 4};
static const struct architecture cdna_3 = {true, true, 2048, 256, 2, 2, 0};
/* 4 MXUs of 128 x 128 as 32 SMs; 8 MMEs of 256 x 256 as 64. */
static const struct architecture tpu_v5e = {true, false, 4096, 0, 0, 2, 0};
static const struct architecture gaudi_3 = {true, false, 16384, 0, 1, 0, 0};

static const struct {
    const char *name;
    const char *efficiencies_from;
    const struct architecture *architecture;
    int64_t sm_count;
    double tensor_ghz, vector_ghz; /* boost, as the figures for each were computed */
    double memory_gib;             /* on the box */
    double gb_per_s, l2_mb, power_w;
    double nvlink_gb_per_s; /* in one direction; 0: PCIe only */
    double pcie_gb_per_s;   /* x16, of the generation that it has */
} shipped[] = {
    {"a10", "a100-sxm-80gb", &ampere_10x, 72, 1.695, 1.695, 24, 600, 6, 150, 0, 32},
    {"a100-pcie-80gb", "a100-sxm-80gb", &ampere, 108, 1.41, 1.41, 80, 1935, 40, 300, 0, 32},
    {"a100-sxm-40gb", "a100-sxm-80gb", &ampere, 108, 1.41, 1.41, 40, 1555, 40, 400, 300, 32},
    {"a100-sxm-80gb", NULL, &ampere, 108, 1.41, 1.41, 80, 2039, 40, 400, 300, 32},
    {"a40", "a100-sxm-80gb", &ampere_10x, 84, 1.74, 1.74, 48, 696, 6, 300, 0, 32},
    /* The clock of its tensor cores is not published: this one only shows that figures are dense. */
    {"b200", "h100-sxm", &blackwell, 148, 1.85, 1.965, 180, 8000, 132, 1000, 900, 64},
    {"gaudi3", "h100-sxm", &gaudi_3, 64, 1.75, 0, 128, 3700, 96, 900, 525, 64},
    {"h100-pcie", "h100-sxm", &hopper, 114, 1.62, 1.755, 80, 2039, 50, 350, 0, 64},
    {"h100-sxm", NULL, &hopper, 132, 1.83, 1.98, 80, 3350, 50, 700, 450, 64},
    {"h200-sxm", "h100-sxm", &hopper, 132, 1.83, 1.98, 141, 4800, 50, 700, 450, 64},
    {"l4", "rtx-4090", &ada, 58, 2.04, 2.04, 24, 300, 48, 72, 0, 32},
    {"l40s", "rtx-4090", &ada, 142, 2.52, 2.52, 48, 864, 96, 350, 0, 32},
    {"mi300x", "h100-sxm", &cdna_3, 304, 2.1, 2.1, 192, 5300, 256, 750, 448, 64},
    {"rtx-4090", NULL, &ada_geforce, 128, 2.52, 2.52, 24, 1008, 72, 450, 0, 32},
    {"rtx-pro-6000", NULL, &blackwell_rtx, 188, 2.617, 2.617, 96, 1597, 128, 600, 0, 64},
    {"tpu-v5e", "h100-sxm", &tpu_v5e, 32, 1.5, 0, 16, 819, 134, NAN, 200, 16},
    {"v100", "a100-sxm-80gb", &volta, 80, 1.53, 1.53, 32, 900, 6, 300, 150, 16},
};

static int is_yaml(const struct dirent *entry)
{
    return strstr(entry->d_name, ".yaml") != NULL;
}

START_TEST(test_every_file_is_known)
{
    char directory[1024];
    snprintf(directory, sizeof directory, "%s/accelerators", getenv("LLMSIM_CONFIGS"));
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_yaml, alphasort);
    ck_assert_int_eq(count, COUNT(shipped));
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(
            strncmp(entries[i]->d_name, shipped[i].name, strcspn(entries[i]->d_name, ".")), 0);
        free(entries[i]);
    }
    free(entries);
}
END_TEST

/* Within 3 %, or none where none is expected. */
static void check_flops(const char *name, const char *dtype, double flops_per_s, double expected)
{
    if (expected == 0.0)
        ck_assert_msg(isnan(flops_per_s), "%s has no units for %s", name, dtype);
    else
        ck_assert_msg(fabs(flops_per_s / expected - 1.0) < 0.03, "%s: %g FLOP/s in %s, not %g",
                      name, flops_per_s, dtype, expected);
}

START_TEST(test_flops_are_dense)
{
    struct document *document = document_create();
    for (size_t i = 0; i < COUNT(shipped); i++) {
        const struct architecture *architecture = shipped[i].architecture;
        const char *name = shipped[i].name;
        struct accelerator accelerator;
        fixture_read_accelerator(document, name, &accelerator);
        double sms = (double)shipped[i].sm_count;
        double tensor = sms * shipped[i].tensor_ghz * 1e9 * architecture->tensor;
        double vector = sms * shipped[i].vector_ghz * 1e9 * architecture->vector;
        const struct {
            const char *name;
            double flops_per_s, expected;
        } dtypes[] = {
            {"fp32", accelerator.fp32_flops_per_s, vector},
            {"bf16", accelerator.bf16_flops_per_s, architecture->has_bf16 ? tensor : 0.0},
            {"fp16", accelerator.fp16_flops_per_s, architecture->has_fp16 ? tensor : 0.0},
            {"fp8", accelerator.fp8_flops_per_s, architecture->fp8 * tensor},
            {"int8", accelerator.int8_flops_per_s, architecture->int8 * tensor},
            {"fp4", accelerator.fp4_flops_per_s, architecture->fp4 * tensor},
        };
        for (size_t j = 0; j < COUNT(dtypes); j++)
            check_flops(name, dtypes[j].name, dtypes[j].flops_per_s, dtypes[j].expected);
        double balance = fmax(accelerator.bf16_flops_per_s, accelerator.fp16_flops_per_s) /
                         accelerator.memory_bandwidth_bytes_per_s;
        ck_assert_msg(balance > 120.0 && balance < 500.0, "%s: %g FLOPs a byte", name, balance);
    }
    document_destroy(document);
}
END_TEST

START_TEST(test_datasheets)
{
    struct document *document = document_create();
    const double gib = 1024.0 * 1024.0 * 1024.0;
    for (size_t i = 0; i < COUNT(shipped); i++) {
        struct accelerator accelerator;
        fixture_read_accelerator(document, shipped[i].name, &accelerator);
        ck_assert_str_eq(accelerator.name, shipped[i].name);
        ck_assert_msg(accelerator.source != NULL, "%s has no source", shipped[i].name);
        ck_assert_double_eq_tol(accelerator.memory_bandwidth_bytes_per_s, shipped[i].gb_per_s * 1e9,
                                1.0);
        /* A process sees a little less than what is on the box; ECC in GDDR6 takes a sixteenth. */
        ck_assert_double_lt(accelerator.memory_bytes, shipped[i].memory_gib * gib);
        ck_assert_double_gt(accelerator.memory_bytes, 0.91 * shipped[i].memory_gib * gib);
        ck_assert_int_eq(accelerator.sm_count, shipped[i].sm_count);
        ck_assert_double_eq_tol(accelerator.l2_cache_bytes, shipped[i].l2_mb * 1e6, 0.5e6);
        ck_assert(isnan(shipped[i].power_w) ? isnan(accelerator.power_w)
                                            : accelerator.power_w == shipped[i].power_w);
        const struct interconnect *interconnect = &accelerator.interconnect;
        bool nvlink = shipped[i].nvlink_gb_per_s > 0.0;
        ck_assert_int_eq(interconnect->kind, nvlink ? INTERCONNECT_NVLINK : INTERCONNECT_PCIE);
        if (nvlink)
            ck_assert_double_eq_tol(interconnect->bandwidth_bytes_per_s,
                                    shipped[i].nvlink_gb_per_s * 1e9, 1.0);
        double link_gb_per_s = accelerator.host_link.bandwidth_bytes_per_s / 1e9;
        ck_assert_double_lt(link_gb_per_s, shipped[i].pcie_gb_per_s);
        ck_assert_double_gt(link_gb_per_s, 0.7 * shipped[i].pcie_gb_per_s);
        ck_assert_double_eq(accelerator.host_link.latency_s, 10e-6);
        ck_assert_double_eq_tol(accelerator.host.step_s + accelerator.host.prefill_step_s, 5.5e-3,
                                1e-12);
    }
    document_destroy(document);
}
END_TEST

/* Those of the nearest measured class, all of them. */
START_TEST(test_efficiencies)
{
    struct document *document = document_create();
    for (size_t i = 0; i < COUNT(shipped); i++) {
        struct accelerator accelerator, lender;
        fixture_read_accelerator(document, shipped[i].name, &accelerator);
        if (shipped[i].efficiencies_from == NULL) {
            ck_assert_ptr_null(accelerator.efficiencies_from);
            continue;
        }
        ck_assert_str_eq(accelerator.efficiencies_from, shipped[i].efficiencies_from);
        fixture_read_accelerator(document, shipped[i].efficiencies_from, &lender);
        ck_assert_mem_eq(&accelerator.gemm, &lender.gemm, sizeof lender.gemm);
        ck_assert_double_eq(accelerator.gemm_8bit.tile_s, lender.gemm_8bit.tile_s);
        ck_assert_int_eq(accelerator.gemm_8bit.tiles, lender.gemm_8bit.tiles);
        ck_assert_mem_eq(&accelerator.moe, &lender.moe, sizeof lender.moe);
        ck_assert_int_eq(accelerator.flash_attention, lender.flash_attention);
        ck_assert_mem_eq(&accelerator.decode_attention, &lender.decode_attention,
                         sizeof lender.decode_attention);
        ck_assert_mem_eq(&accelerator.prefill_attention, &lender.prefill_attention,
                         sizeof lender.prefill_attention);
        ck_assert_mem_eq(&accelerator.elementwise, &lender.elementwise, sizeof lender.elementwise);
        ck_assert_mem_eq(&accelerator.host, &lender.host, sizeof lender.host);
    }
    document_destroy(document);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_every_file_is_known, test_flops_are_dense, test_datasheets,
                                  test_efficiencies};
    return unit_run("accelerators", tests, COUNT(tests));
}
