/* Accelerator descriptions: what a datasheet alone gives, and what is refused. */
#include "cost_fixture.h"

START_TEST(test_flops_of_dtypes)
{
    struct accelerator accelerator = {.fp32_flops_per_s = 1.0,
                                      .bf16_flops_per_s = NAN,
                                      .fp16_flops_per_s = 2.0,
                                      .fp8_flops_per_s = NAN,
                                      .int8_flops_per_s = 3.0,
                                      .fp4_flops_per_s = 4.0};
    const double expected[DTYPE_COUNT] = {
        [DTYPE_FP32] = 1.0, [DTYPE_BF16] = NAN, [DTYPE_FP16] = 2.0, [DTYPE_FP8] = NAN,
        [DTYPE_INT8] = 3.0, [DTYPE_INT4] = NAN, [DTYPE_FP4] = 4.0};
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        double flops_per_s = accelerator_flops_per_s(&accelerator, dtype);
        ck_assert(isnan(expected[dtype]) ? isnan(flops_per_s) : flops_per_s == expected[dtype]);
        ck_assert_int_eq(accelerator_supports(&accelerator, dtype), !isnan(expected[dtype]));
    }
}
END_TEST

static bool read_text(const char *text, struct accelerator *accelerator, struct error *error)
{
    struct document *document = document_create();
    struct node *node = document_read_text(document, "a.yaml", text, strlen(text), error);
    ck_assert_ptr_nonnull(node);
    bool read = settings_read(document, &accelerator_settings, node, accelerator, error) &&
                accelerator_resolve(accelerator, node, error);
    document_destroy(document);
    return read;
}

#define DATASHEET                                                                                  \
    "name: x\nmemory: 80 GiB\nmemory_bandwidth: 2 TB/s\nbf16_flops: 300 TFLOP/s\n"                 \
    "fp16_flops: 300 TFLOP/s\nfp32_flops: 20 TFLOP/s\nsm_count: 100\nl2_cache: 40 MB\n"

START_TEST(test_datasheet_alone)
{
    struct accelerator accelerator;
    struct error error = {0};
    ck_assert_msg(read_text(DATASHEET, &accelerator, &error), "%s", error.text);
    ck_assert_double_gt(accelerator.gemm.compute_efficiency, 0.5);
    ck_assert_double_gt(accelerator.elementwise.l2_bandwidth_bytes_per_s, 1e12);
    ck_assert_int_eq(accelerator.interconnect.kind, INTERCONNECT_NONE);
    ck_assert_double_eq(accelerator.host_link.bandwidth_bytes_per_s, 25e9);
    ck_assert_double_eq(accelerator.host_link.latency_s, 10e-6);
}
END_TEST

/* What is not said of a link is typical of its kind, and what another kind has stays unset. */
START_TEST(test_interconnects)
{
    struct accelerator accelerator;
    struct error error = {0};
    const struct interconnect *link = &accelerator.interconnect;
    const char *pcie = DATASHEET "interconnect: {kind: pcie, bandwidth: 16 GB/s, ring: 40 us}\n";
    ck_assert_msg(read_text(pcie, &accelerator, &error), "%s", error.text);
    ck_assert_int_eq(link->kind, INTERCONNECT_PCIE);
    ck_assert_double_eq(link->bandwidth_bytes_per_s, 16e9);
    ck_assert_double_eq(link->ring_s, 40e-6);
    ck_assert_double_gt(link->low_latency_efficiency, 0.1);
    ck_assert_double_lt(link->low_latency_efficiency, 1.0);
    ck_assert(isnan(link->two_shot_s) && isnan(link->two_shot_efficiency));
    const char *nvlink = DATASHEET "interconnect: {kind: nvlink, bandwidth: 300 GB/s}\n";
    ck_assert_msg(read_text(nvlink, &accelerator, &error), "%s", error.text);
    ck_assert(isnan(link->low_latency_s) && isnan(link->low_latency_efficiency));
    const double given[] = {link->one_shot_s,
                            link->one_shot_efficiency,
                            link->two_shot_s,
                            link->two_shot_efficiency,
                            link->custom_limit_bytes,
                            link->per_rank_s,
                            link->ring_s,
                            link->ring_efficiency,
                            link->ring_rank_exponent,
                            link->gather_s,
                            link->gather_per_rank_s,
                            link->gather_efficiency,
                            link->gather_long_s,
                            link->gather_long_efficiency,
                            link->gather_rank_exponent};
    for (size_t i = 0; i < COUNT(given); i++)
        ck_assert_msg(given[i] > 0.0, "%zu is %g", i, given[i]);
}
END_TEST

START_TEST(test_refused)
{
    const struct {
        const char *text, *message;
    } cases[] = {
        {DATASHEET "gemm: {efficiency: 0.9}\n", "a.yaml:9:8: unknown key 'efficiency' in gemm"},
        {DATASHEET "gemm: {compute_efficiency: 1.5}\n", "a.yaml:9:28: 'compute_efficiency'"},
        {DATASHEET "power: 80 GiB\n", "a.yaml:9:8: 'power' is in W"},
        {DATASHEET "gemm_8bit: {tiles: 64x64}\n", "a.yaml:9:20: 'tiles'"},
        {DATASHEET "flash_attention: 4\n", "a.yaml:9:18: 'flash_attention'"},
        {DATASHEET "interconnect: {kind: pcie}\n",
         "a.yaml:9:16: an interconnect needs 'bandwidth'"},
        {DATASHEET "interconnect: {kind: pcie, bandwidth: 16 GB/s, two_shot: 1 us}\n",
         "a.yaml:9:48: 'two_shot' has no meaning for an interconnect of kind pcie"},
        {DATASHEET "interconnect: {kind: nvlink, bandwidth: 1 GB/s, low_latency_efficiency: 1}\n",
         "'low_latency_efficiency' has no meaning for an interconnect of kind nvlink"},
        {DATASHEET "interconnect: {bandwidth: 16 GB/s}\n",
         "a.yaml:9:16: 'bandwidth' has no meaning for an interconnect of kind none"},
        {DATASHEET "host_link: {bandwidth: 0}\n", "a.yaml:9:24: 'bandwidth' must be"},
        {DATASHEET "host_link: {latency: 25 GB/s}\n", "a.yaml:9:22: 'latency' is in s"},
        {DATASHEET "host_link: {speed: 1}\n", "a.yaml:9:13: unknown key 'speed' in host_link"},
        {"name: x\n", "'memory' is missing"},
        {"name: x\nmemory: 8 GiB\nmemory_bandwidth: 1 TB/s\nint8_flops: 1e12\nsm_count: 1\n"
         "l2_cache: 1 MB\n",
         "a.yaml:1:1: an accelerator needs 'bf16_flops', 'fp16_flops' or 'fp32_flops'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct accelerator accelerator;
        struct error error = {0};
        ck_assert_msg(!read_text(cases[i].text, &accelerator, &error), "%zu was read", i);
        ck_assert_msg(strstr(error.text, cases[i].message) != NULL, "'%s' lacks '%s'", error.text,
                      cases[i].message);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_flops_of_dtypes, test_datasheet_alone, test_interconnects,
                                  test_refused};
    return unit_run("accelerator_spec", tests, COUNT(tests));
}
