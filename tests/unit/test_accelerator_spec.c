/* Accelerator descriptions: the shipped ones against their datasheets, and what is refused. */
#include "cost_fixture.h"

/* Dense figures of the datasheets: a sparse one would be twice as much. */
static const struct {
    const char *name;
    double tflops, gb_per_s, memory_gib;
    int64_t sm_count;
    int interconnect;
    double pcie_gb_per_s; /* x16, of the generation that it has */
} shipped[] = {
    {"a100-sxm-40gb", 312.0, 1555.0, 40.0, 108, INTERCONNECT_NVLINK, 32.0},
    {"a100-sxm-80gb", 312.0, 2039.0, 80.0, 108, INTERCONNECT_NVLINK, 32.0},
    {"h100-sxm", 989.0, 3350.0, 80.0, 132, INTERCONNECT_NVLINK, 64.0},
    {"rtx-4090", 165.2, 1008.0, 24.0, 128, INTERCONNECT_PCIE, 32.0},
    {"rtx-pro-6000", 503.8, 1597.0, 96.0, 188, INTERCONNECT_PCIE, 64.0},
};

START_TEST(test_shipped)
{
    struct document *document = document_create();
    const double gib = 1024.0 * 1024.0 * 1024.0;
    for (size_t i = 0; i < COUNT(shipped); i++) {
        struct accelerator accelerator;
        fixture_read_accelerator(document, shipped[i].name, &accelerator);
        ck_assert_str_eq(accelerator.name, shipped[i].name);
        ck_assert_msg(accelerator.source != NULL, "%s has no source", shipped[i].name);
        ck_assert_double_eq_tol(accelerator.bf16_flops_per_s, shipped[i].tflops * 1e12, 1.0);
        ck_assert_double_eq_tol(accelerator.fp16_flops_per_s, shipped[i].tflops * 1e12, 1.0);
        ck_assert_double_lt(accelerator.fp32_flops_per_s, accelerator.bf16_flops_per_s);
        ck_assert_double_eq_tol(accelerator.memory_bandwidth_bytes_per_s, shipped[i].gb_per_s * 1e9,
                                1.0);
        /* A process sees a little less than what is on the box. */
        ck_assert_double_lt(accelerator.memory_bytes, shipped[i].memory_gib * gib);
        ck_assert_double_gt(accelerator.memory_bytes, 0.97 * shipped[i].memory_gib * gib);
        ck_assert_int_eq(accelerator.sm_count, shipped[i].sm_count);
        ck_assert_double_gt(accelerator.power_w, 0.0);
        ck_assert_int_eq(accelerator.interconnect.kind, shipped[i].interconnect);
        ck_assert_double_eq_tol(accelerator.host.prefill_step_s, 5.5e-3, 1e-12);
        double link_gb_per_s = accelerator.host_link.bandwidth_bytes_per_s / 1e9;
        ck_assert_double_lt(link_gb_per_s, shipped[i].pcie_gb_per_s);
        ck_assert_double_gt(link_gb_per_s, 0.7 * shipped[i].pcie_gb_per_s);
        ck_assert_double_eq(accelerator.host_link.latency_s, 10e-6);
    }
    document_destroy(document);
}
END_TEST

START_TEST(test_flops_of_dtypes)
{
    struct accelerator accelerator = {
        .bf16_flops_per_s = 1.0, .fp16_flops_per_s = 2.0, .fp32_flops_per_s = 3.0};
    ck_assert_double_eq(accelerator_flops_per_s(&accelerator, DTYPE_BF16), 1.0);
    ck_assert_double_eq(accelerator_flops_per_s(&accelerator, DTYPE_FP16), 2.0);
    ck_assert_double_eq(accelerator_flops_per_s(&accelerator, DTYPE_FP32), 3.0);
}
END_TEST

static bool read_text(const char *text, struct accelerator *accelerator, struct error *error)
{
    struct document *document = document_create();
    struct node *node = document_read_text(document, "a.yaml", text, strlen(text), error);
    ck_assert_ptr_nonnull(node);
    bool read = settings_read(document, &accelerator_settings, node, accelerator, error) &&
                accelerator_check(accelerator, node, error);
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

START_TEST(test_refused)
{
    const struct {
        const char *text, *message;
    } cases[] = {
        {DATASHEET "gemm: {efficiency: 0.9}\n", "a.yaml:9:8: unknown key 'efficiency' in gemm"},
        {DATASHEET "gemm: {compute_efficiency: 1.5}\n", "a.yaml:9:28: 'compute_efficiency'"},
        {DATASHEET "power: 80 GiB\n", "a.yaml:9:8: 'power' is in W"},
        {DATASHEET "interconnect: {kind: pcie, bandwidth: 16 GB/s}\n",
         "a.yaml:9:16: an interconnect of kind pcie needs 'latency'"},
        {DATASHEET "interconnect: {kind: pcie, bandwidth: 16 GB/s, latency: 1 us, large: 1 us}\n",
         "a.yaml:9:63: 'large' has no meaning for an interconnect of kind pcie"},
        {DATASHEET "interconnect: {bandwidth: 16 GB/s}\n",
         "a.yaml:9:16: 'bandwidth' has no meaning for an interconnect of kind none"},
        {DATASHEET "interconnect: {kind: nvlink, bandwidth: 300 GB/s}\n", "needs 'one_shot'"},
        {DATASHEET "host_link: {bandwidth: 0}\n", "a.yaml:9:24: 'bandwidth' must be"},
        {DATASHEET "host_link: {latency: 25 GB/s}\n", "a.yaml:9:22: 'latency' is in s"},
        {DATASHEET "host_link: {speed: 1}\n", "a.yaml:9:13: unknown key 'speed' in host_link"},
        {"name: x\n", "'memory' is missing"},
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
    const TTest *const tests[] = {test_shipped, test_flops_of_dtypes, test_datasheet_alone,
                                  test_refused};
    return unit_run("accelerator_spec", tests, COUNT(tests));
}
