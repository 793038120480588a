/* Fits to kernels that an accelerator of known parameters "measured": they come back out, through
 * noise and outliers, unless the kernels cannot tell them. */
#include "accelerator_rewrite.h"
#include "calibration.h"
#include "cost_fixture.h"
#include "rng.h"
#include <gsl/gsl_randist.h>
#include <math.h>

static struct document *document;
static struct accelerator truth, start;
static struct measurements measured;
static struct measurement_file only_file;
static gsl_rng *rng;

static void set_up(void)
{
    document = document_create();
    fixture_read_accelerator(document, "rtx-pro-6000", &truth);
    truth.gemm = (struct gemm_efficiency){.fixed_s = 1e-6,
                                          .compute_efficiency = 0.85,
                                          .memory_efficiency = 0.93,
                                          .memory_ramp_s = 0.5e-6,
                                          .roofline_sharpness = 3.5,
                                          .wave_quantisation = 0.6,
                                          .tile_s = 1.5e-6,
                                          .sm_bandwidth_bytes_per_s = 60e9,
                                          .split_s = 3e-6};
    truth.prefill_attention = (struct prefill_attention_efficiency){.fixed_s = 3e-6,
                                                                    .per_tile_s = 4e-6,
                                                                    .compute_efficiency = 0.6,
                                                                    .empty_tile_s = 0.35e-6,
                                                                    .critical_path = 0.5,
                                                                    .exposed_traffic = 0.8};
    start = truth;
    rng = rng_create(7, "noise");
    only_file = (struct measurement_file){.path = "kernels.csv", .kind = "gemm", .part_count = 1};
    measured = (struct measurements){.files = &only_file, .file_count = 1};
}

static void tear_down(void)
{
    gsl_rng_free(rng);
    free(measured.rows);
    document_destroy(document);
}

/* Measured within 3 % (one standard deviation); one in 20 is up to ten times too slow. */
static void measure_of_shape(uint64_t shape_group, struct kernel kernel, double noise)
{
    if (measured.count == measured.capacity) {
        measured.capacity = 2 * measured.capacity + 64;
        measured.rows = realloc(measured.rows, measured.capacity * sizeof *measured.rows);
        ck_assert_ptr_nonnull(measured.rows);
    }
    double factor = exp(gsl_ran_gaussian(rng, noise));
    if (noise > 0.0 && gsl_rng_uniform_int(rng, 20) == 0)
        factor *= 1.0 + 9.0 * gsl_rng_uniform(rng);
    measured.rows[measured.count] = (struct measurement){
        .kernel = kernel,
        .latency_s = kernel_predict(&truth, &kernel).time_s * factor,
        .shape_group = shape_group,
        .line = (int64_t)measured.count + 2,
    };
    measured.count++;
    only_file.rows++;
}

static void measure(struct kernel kernel, double noise)
{
    measure_of_shape(measured.count / 7, kernel, noise);
}

static void measure_gemm(double rows, double columns, double inner, double noise)
{
    measure_of_shape(
        (uint64_t)(columns * 65536 + inner),
        (struct kernel){.kind = KERNEL_GEMM, .gemm = {rows, columns, inner, DTYPE_BF16}}, noise);
}

/* Matrices of all sizes, some of them odd; rows in powers of two, and one and a half of them. */
static void measure_gemms(double most_rows, double noise)
{
    static const double sizes[] = {512, 640, 1024, 2048, 2880, 4096, 6144, 11008, 16384, 28672};
    for (double rows = 1; rows <= most_rows; rows *= 2) {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            for (size_t j = 0; j < COUNT(sizes); j++) {
                measure_gemm(rows, sizes[i], sizes[j], noise);
                if ((i + j) % 2 == 0)
                    measure_gemm(ceil(1.5 * rows), sizes[i], sizes[j], noise);
            }
        }
    }
}

static void measure_prefills(int32_t decodes, double noise)
{
    for (int32_t tokens = 16; tokens <= 2048; tokens *= 2) {
        for (int32_t context = 16; context <= 16384; context *= 4) {
            for (int32_t n = 0; n <= decodes; n = n == 0 ? 1 : 2 * n)
                measure((struct kernel){.kind = KERNEL_PREFILL_ATTENTION,
                                        .attention = {.chunks = 1,
                                                      .chunk_tokens = tokens,
                                                      .chunk_context_tokens = context,
                                                      .decodes = n,
                                                      .decode_context_tokens = n > 0 ? 256 : 0,
                                                      .query_heads = 32,
                                                      .kv_heads = 8,
                                                      .head_dim = 128,
                                                      .dtype = DTYPE_BF16,
                                                      .kv_cache_dtype = DTYPE_BF16}},
                        noise);
        }
    }
}

static struct calibration_report fit_with(const char *hold)
{
    struct calibration_report report;
    struct error error = {0};
    struct held_keys held = {&hold, hold != NULL ? 1 : 0};
    ck_assert_msg(calibration_fit(&start, &measured, &held, NULL, &report, &error), "%s",
                  error.text);
    ck_assert_uint_eq(report.fit_count, 1);
    return report;
}

static void check_near(double value, double wanted, double tolerance)
{
    ck_assert_msg(fabs(value / wanted - 1.0) <= tolerance, "%g is not near %g", value, wanted);
}

static void assert_no_refusal(const struct calibration_report *report)
{
    size_t fit = 0, parameter = 0;
    const char *refusal = calibration_next_refusal(report, &fit, &parameter);
    ck_assert_msg(refusal == NULL, "%s", refusal);
}

static void move_gemm_start(void)
{
    start.gemm = (struct gemm_efficiency){.fixed_s = truth.gemm.fixed_s,
                                          .compute_efficiency = 0.5,
                                          .memory_efficiency = 0.5,
                                          .memory_ramp_s = 2e-6,
                                          .roofline_sharpness = truth.gemm.roofline_sharpness,
                                          .wave_quantisation = 0.2,
                                          .tile_s = 3e-6,
                                          .sm_bandwidth_bytes_per_s = 150e9,
                                          .split_s = 1e-6};
}

START_TEST(test_gemm_parameters_come_back)
{
    move_gemm_start();
    measure_gemms(16384, 0.03);
    struct calibration_report report = fit_with(NULL);
    assert_no_refusal(&report);
    check_near(start.gemm.compute_efficiency, truth.gemm.compute_efficiency, 0.01);
    check_near(start.gemm.memory_efficiency, truth.gemm.memory_efficiency, 0.01);
    check_near(start.gemm.memory_ramp_s, truth.gemm.memory_ramp_s, 0.05);
    check_near(start.gemm.wave_quantisation, truth.gemm.wave_quantisation, 0.05);
    check_near(start.gemm.tile_s, truth.gemm.tile_s, 0.03);
    check_near(start.gemm.sm_bandwidth_bytes_per_s, truth.gemm.sm_bandwidth_bytes_per_s, 0.02);
    check_near(start.gemm.split_s, truth.gemm.split_s, 0.03);
    /* What is not fitted stays. */
    ck_assert(start.gemm.fixed_s == truth.gemm.fixed_s);
    ck_assert(start.gemm.roofline_sharpness == truth.gemm.roofline_sharpness);
    const struct calibration_fit *fit = &report.fits[0];
    ck_assert_uint_eq(fit->parameter_count, 7);
    ck_assert(fit->after.median_ape_pct < 3.0 && fit->held_out.median_ape_pct < 3.0);
    ck_assert(fit->before.mape_pct > fit->after.mape_pct);
    ck_assert_uint_eq(fit->worst_count, CALIBRATION_WORST_ROWS);
    ck_assert_int_eq(fit->after.rows, (int64_t)measured.count);
    calibration_report_fini(&report);
}
END_TEST

START_TEST(test_exact_kernels_give_exact_parameters)
{
    move_gemm_start();
    measure_gemms(16384, 0.0);
    struct calibration_report report = fit_with(NULL);
    check_near(start.gemm.memory_ramp_s, truth.gemm.memory_ramp_s, 1e-3);
    check_near(start.gemm.wave_quantisation, truth.gemm.wave_quantisation, 1e-3);
    check_near(start.gemm.tile_s, truth.gemm.tile_s, 1e-3);
    check_near(start.gemm.split_s, truth.gemm.split_s, 1e-3);
    ck_assert(report.all.mape_pct < 0.05);
    calibration_report_fini(&report);
}
END_TEST

START_TEST(test_a_held_parameter_stays)
{
    measure_gemms(16384, 0.03);
    start.gemm.tile_s = 2.5e-6;
    struct calibration_report report = fit_with("gemm.tile");
    ck_assert(start.gemm.tile_s == 2.5e-6);
    ck_assert_str_eq(report.fits[0].parameters[4].key, "tile");
    ck_assert_int_eq(report.fits[0].parameters[4].status, PARAMETER_HELD);
    ck_assert_int_eq(report.fits[0].parameters[3].status, PARAMETER_FITTED);
    calibration_report_fini(&report);
}
END_TEST

START_TEST(test_a_parameter_of_0_is_off)
{
    measure_gemms(16384, 0.03);
    start.gemm.wave_quantisation = 0.0;
    struct calibration_report report = fit_with(NULL);
    assert_no_refusal(&report);
    ck_assert(start.gemm.wave_quantisation == 0.0);
    ck_assert_int_eq(report.fits[0].parameters[3].status, PARAMETER_OFF);
    calibration_report_fini(&report);
}
END_TEST

static void check_refused(const struct calibration_report *report, const char *name)
{
    size_t fit = 0, parameter = 0;
    for (const char *text; (text = calibration_next_refusal(report, &fit, &parameter)) != NULL;) {
        if (strncmp(text, name, strlen(name)) == 0) {
            ck_assert_ptr_nonnull(strstr(text, "--hold"));
            ck_assert_ptr_nonnull(strstr(text, "add "));
            return;
        }
    }
    ck_abort_msg("%s is not refused", name);
}

START_TEST(test_large_gemms_cannot_tell_tiles_and_splits)
{
    for (double size = 8192; size <= 65536; size *= 1.02)
        measure_gemm(floor(size), floor(size), floor(size), 0.03);
    struct calibration_report report = fit_with(NULL);
    check_refused(&report, "gemm.tile ");
    check_refused(&report, "gemm.split ");
    check_refused(&report, "gemm.memory_efficiency ");
    calibration_report_fini(&report);
}
END_TEST

START_TEST(test_what_cannot_be_told_can_be_held)
{
    truth.gemm.sm_bandwidth_bytes_per_s = start.gemm.sm_bandwidth_bytes_per_s = 35e9;
    truth.gemm.split_s = start.gemm.split_s = 20e-6;
    measure_gemms(16384, 0.03);
    size_t kept = 0;
    for (size_t i = 0; i < measured.count; i++) {
        /* Tiles for every SM, with little to do. */
        const struct gemm_kernel *gemm = &measured.rows[i].kernel.gemm;
        if (gemm->columns >= 11008 && gemm->inner <= 4096)
            measured.rows[kept++] = measured.rows[i];
    }
    measured.count = kept;
    struct calibration_report report = fit_with(NULL);
    check_refused(&report, "gemm.split ");
    calibration_report_fini(&report);
    start = truth;
    report = fit_with("gemm.split");
    assert_no_refusal(&report);
    check_near(start.gemm.compute_efficiency, truth.gemm.compute_efficiency, 0.02);
    calibration_report_fini(&report);
}
END_TEST

START_TEST(test_few_rows_cannot_tell_the_peak)
{
    measure_gemms(4, 0.03);
    struct calibration_report report = fit_with(NULL);
    check_refused(&report, "gemm.compute_efficiency ");
    calibration_report_fini(&report);
}
END_TEST

START_TEST(test_thirteen_kernels_are_too_few)
{
    for (double rows = 1; rows <= 4096; rows *= 2)
        measure_gemm(rows, 512, 512, 0.0);
    struct calibration_report report = fit_with(NULL);
    check_refused(&report, "gemm.tile cannot be determined: 13 measurements for 7 parameters");
    calibration_report_fini(&report);
}
END_TEST

START_TEST(test_one_shape_tells_nothing_apart)
{
    for (int i = 0; i < 100; i++)
        measure_gemm(64, 4096, 4096, 0.03);
    struct calibration_report report = fit_with(NULL);
    check_refused(&report, "gemm.memory_efficiency ");
    calibration_report_fini(&report);
}
END_TEST

START_TEST(test_mixed_batches_tell_empty_tiles)
{
    start.prefill_attention = (struct prefill_attention_efficiency){.fixed_s = 6e-6,
                                                                    .per_tile_s = 2e-6,
                                                                    .compute_efficiency = 0.4,
                                                                    .empty_tile_s = 0.1e-6,
                                                                    .critical_path = 1.0,
                                                                    .exposed_traffic = 2.0};
    measure_prefills(64, 0.03);
    struct calibration_report report = fit_with(NULL);
    assert_no_refusal(&report);
    const struct prefill_attention_efficiency *got = &start.prefill_attention;
    const struct prefill_attention_efficiency *wanted = &truth.prefill_attention;
    check_near(got->fixed_s, wanted->fixed_s, 0.25);
    check_near(got->per_tile_s, wanted->per_tile_s, 0.1);
    check_near(got->compute_efficiency, wanted->compute_efficiency, 0.03);
    check_near(got->empty_tile_s, wanted->empty_tile_s, 0.1);
    check_near(got->critical_path, wanted->critical_path, 0.1);
    check_near(got->exposed_traffic, wanted->exposed_traffic, 0.25);
    calibration_report_fini(&report);
}
END_TEST

START_TEST(test_uniform_batches_cannot_tell_empty_tiles)
{
    measure_prefills(0, 0.03);
    struct calibration_report report = fit_with(NULL);
    check_refused(&report, "prefill_attention.empty_tile ");
    calibration_report_fini(&report);
}
END_TEST

START_TEST(test_holding_what_is_not_fitted)
{
    const char *const wrong[] = {"gemm.tle", "gemm.fixed", "gemm", "power", "gem.tile", "gemm."};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct held_keys held = {&wrong[i], 1};
        struct error error = {0};
        ck_assert(!held_keys_check(&held, &error));
        ck_assert_int_eq(error.kind, ERROR_INPUT);
        ck_assert_ptr_nonnull(strstr(error.text, wrong[i]));
    }
}
END_TEST

START_TEST(test_errors_by_hand)
{
    double ratios[] = {1.1, 0.8, 1.0, 1.5};
    struct calibration_errors errors = calibration_errors_of(ratios, 4);
    ck_assert_double_eq_tol(errors.mape_pct, 20.0, 1e-9);
    ck_assert_double_eq_tol(errors.median_ape_pct, 15.0, 1e-9);
    ck_assert_double_eq_tol(errors.bias_pct, 10.0, 1e-9);
    ck_assert(isnan(calibration_errors_of(NULL, 0).mape_pct));
}
END_TEST

START_TEST(test_values_read_back)
{
    const struct {
        double value;
        enum unit unit;
        const char *text;
    } cases[] = {
        {5.67312e-6, UNIT_SECONDS, "5.673 us"},
        {2.0e-8, UNIT_SECONDS_PER_TOKEN, "0.02 us"},
        {4.8312e12, UNIT_BYTES_PER_S, "4.831 TB/s"},
        {15.12e9, UNIT_BYTES_PER_S, "15.12 GB/s"},
        {0.88649, UNIT_NONE, "0.8865"},
        {NAN, UNIT_NONE, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[32];
        accelerator_value_format(cases[i].value, cases[i].unit, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_gemm_parameters_come_back,
                                  test_exact_kernels_give_exact_parameters,
                                  test_a_held_parameter_stays,
                                  test_a_parameter_of_0_is_off,
                                  test_large_gemms_cannot_tell_tiles_and_splits,
                                  test_what_cannot_be_told_can_be_held,
                                  test_few_rows_cannot_tell_the_peak,
                                  test_thirteen_kernels_are_too_few,
                                  test_one_shape_tells_nothing_apart,
                                  test_mixed_batches_tell_empty_tiles,
                                  test_uniform_batches_cannot_tell_empty_tiles,
                                  test_holding_what_is_not_fitted,
                                  test_errors_by_hand,
                                  test_values_read_back};
    return unit_run_with("calibration", tests, COUNT(tests), set_up, tear_down);
}
