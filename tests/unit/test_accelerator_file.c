/* An accelerator known from its datasheet alone: whose efficiencies it has, and what is refused. */
#include "accelerator_file.h"

#include "unit.h"

#define FIGURES                                                                                    \
    "memory: 80 GiB\nmemory_bandwidth: 2 TB/s\nbf16_flops: 300 TFLOP/s\n"                          \
    "sm_count: 100\nl2_cache: 40 MB\n"
#define MEASURED                                                                                   \
    "name: measured\n" FIGURES                                                                     \
    "flash_attention: 3\ngemm: {fixed: 7 us, compute_efficiency: 0.7}\n"                           \
    "decode_attention: {fixed: 8 us}\nhost: {prefill_step: 1 ms}\n"                                \
    "host_link: {bandwidth: 33 GB/s}\n"                                                            \
    "interconnect: {kind: pcie, bandwidth: 17 GB/s, ring: 37 us}\n"
#define DATASHEET "name: new\n" FIGURES "efficiencies_from: measured\n" /* line 7 */

static char directory[64];
static struct document *document;
static struct accelerator accelerator;
static struct error error;

static void write_text(const char *path, const char *text)
{
    unit_write_file(path, text, strlen(text));
}

/* accelerators/: a measured one, and one beside it that only has a datasheet. */
static void enter(void)
{
    unit_enter_directory(directory);
    ck_assert_int_eq(mkdir("accelerators", 0700), 0);
    write_text("accelerators/measured.yaml", MEASURED);
    write_text("accelerators/borrower.yaml", DATASHEET);
    document = document_create();
    error = (struct error){0};
}

static void leave(void)
{
    document_destroy(document);
    unlink("accelerators/new.yaml");
    ck_assert_int_eq(unlink("accelerators/measured.yaml"), 0);
    ck_assert_int_eq(unlink("accelerators/borrower.yaml"), 0);
    ck_assert_int_eq(rmdir("accelerators"), 0);
    unit_leave_directory(directory);
}

/* accelerators/new.yaml: the datasheet, and this. */
static bool load_with(const char *more)
{
    char text[2048];
    snprintf(text, sizeof text, DATASHEET "%s", more);
    write_text("accelerators/new.yaml", text);
    return accelerator_load(document, "new", ".", &accelerator, &error);
}

static void check_name(const char *expected)
{
    char name[256] = "";
    FILE *stream = fmemopen(name, sizeof name, "w");
    ck_assert_ptr_nonnull(stream);
    accelerator_print_name(&accelerator, stream);
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert_str_eq(name, expected);
}

START_TEST(test_takes_efficiencies)
{
    ck_assert_msg(load_with(""), "%s", error.text);
    ck_assert_double_eq(accelerator.gemm.fixed_s, 7e-6);
    ck_assert_double_eq(accelerator.gemm.compute_efficiency, 0.7);
    ck_assert_double_eq(accelerator.decode_attention.fixed_s, 8e-6);
    ck_assert_double_eq(accelerator.host.prefill_step_s, 1e-3);
    /* Kernels that ran there run here too. */
    ck_assert_int_eq(accelerator.flash_attention, 3);
    /* Neither has said: the presets. */
    ck_assert_double_eq(accelerator.prefill_attention.fixed_s, 3e-6);
    /* Of the datasheet, so not taken. */
    ck_assert_double_eq(accelerator.host_link.bandwidth_bytes_per_s, 25e9);
    ck_assert_int_eq(accelerator.interconnect.kind, INTERCONNECT_NONE);
    ck_assert_str_eq(accelerator.name, "new");
    ck_assert_ptr_null(accelerator.source);
    check_name("new (datasheet; efficiencies of measured)");
}
END_TEST

/* Whole: what it leaves out has its preset. */
START_TEST(test_own_sections_win)
{
    ck_assert_msg(load_with("gemm: {fixed: 1 us}\ndecode_attention: auto\n"), "%s", error.text);
    ck_assert_double_eq(accelerator.gemm.fixed_s, 1e-6);
    ck_assert_double_eq(accelerator.gemm.compute_efficiency, 0.85);
    ck_assert_double_eq(accelerator.decode_attention.fixed_s, 12e-6);
    ck_assert_double_eq(accelerator.host.prefill_step_s, 1e-3);
}
END_TEST

/* An override changes its key, whether the section is the accelerator's own or not. */
START_TEST(test_overrides)
{
    struct node *mapping = document_read_file(document, "accelerators/borrower.yaml", &error);
    ck_assert_ptr_nonnull(mapping);
    ck_assert(document_override(document, mapping, "gemm.fixed=1 us", &error));
    ck_assert_msg(accelerator_read(document, mapping, ".", &accelerator, &error), "%s", error.text);
    ck_assert_double_eq(accelerator.gemm.fixed_s, 1e-6);
    ck_assert_double_eq(accelerator.gemm.compute_efficiency, 0.7);
    /* By now the section is there. */
    ck_assert(document_override(document, mapping, "gemm.fixed=2 us", &error));
    ck_assert(document_override(document, mapping, "efficiencies_from=nobody", &error));
    ck_assert(!accelerator_read(document, mapping, ".", &accelerator, &error));
    ck_assert_msg(strncmp(error.text, "-s efficiencies_from=nobody: there is no file", 45) == 0,
                  "%s", error.text);
    ck_assert(document_override(document, mapping, "efficiencies_from=none", &error));
    ck_assert(accelerator_read(document, mapping, ".", &accelerator, &error));
    ck_assert_double_eq(accelerator.gemm.fixed_s, 2e-6);
    check_name("new");
}
END_TEST

/* Of a link of the same kind, all but the bandwidth; of another kind, nothing. */
START_TEST(test_interconnects)
{
    ck_assert_msg(load_with("interconnect: {kind: pcie, bandwidth: 5 GB/s, gather: 9 us}\n"), "%s",
                  error.text);
    const struct interconnect *link = &accelerator.interconnect;
    ck_assert_double_eq(link->bandwidth_bytes_per_s, 5e9);
    ck_assert_double_eq(link->ring_s, 37e-6);
    ck_assert_double_eq(link->gather_s, 9e-6);
    ck_assert_msg(load_with("interconnect: {kind: nvlink, bandwidth: 5 GB/s}\n"), "%s", error.text);
    ck_assert_double_ne(link->ring_s, 37e-6);
    ck_assert_double_gt(link->ring_s, 0.0);
    ck_assert_double_gt(link->two_shot_efficiency, 0.0);
    ck_assert(!load_with("interconnect: {kind: pcie}\n"));
    ck_assert_msg(strstr(error.text, "new.yaml:8:16: an interconnect needs 'bandwidth'") != NULL,
                  "%s", error.text);
    ck_assert(!load_with("interconnect: {kind: nvlink, bandwidth: 5 GB/s, low_latency: 1 us}\n"));
    ck_assert_msg(strstr(error.text, "'low_latency' has no meaning for an interconnect of kind "
                                     "nvlink") != NULL,
                  "%s", error.text);
}
END_TEST

/* Found beside the file that names it, wherever that is read from; then its path stands for it. */
START_TEST(test_beside_the_file)
{
    char path[128];
    snprintf(path, sizeof path, "%s/accelerators/borrower.yaml", directory);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_msg(accelerator_load(document, path, NULL, &accelerator, &error), "%s", error.text);
    ck_assert_double_eq(accelerator.gemm.fixed_s, 7e-6);
    ck_assert_int_eq(*accelerator.efficiencies_from, '/');
    check_name("new (datasheet; efficiencies of measured)");
    ck_assert(accelerator_load(document, path, directory, &accelerator, &error));
    ck_assert_str_eq(accelerator.efficiencies_from, "measured");
    ck_assert_int_eq(chdir(directory), 0);
}
END_TEST

START_TEST(test_measured)
{
    ck_assert(accelerator_load(document, "accelerators/measured.yaml", NULL, &accelerator, &error));
    ck_assert_ptr_null(accelerator.efficiencies_from);
    check_name("measured");
}
END_TEST

/* The rest of the datasheet stands in lines 1 to 6. */
START_TEST(test_refused)
{
    const struct {
        const char *text, *message;
    } cases[] = {
        {"efficiencies_from: borrower\n",
         "new.yaml:7:20: 'borrower' has no efficiencies to give, but those of 'measured'"},
        {"efficiencies_from: mesured\n",
         "new.yaml:7:20: there is no file 'accelerators/mesured.yaml' here or in . "
         "(did you mean 'measured'?)"},
        {"efficiencies_from: ./measured.json\n", "measured.json: cannot be opened"},
        {"efficiencies_from: [measured]\n", "new.yaml:7:20: 'efficiencies_from' takes one value"},
        {"efficiency_from: measured\n", "new.yaml:7:1: unknown key 'efficiency_from'"},
        {"efficiencies_from: new\n", "'new' has no efficiencies to give"},
        {"efficiencies_from: measured\ngemm: 5\n", "new.yaml:8:7: 'gemm' must be a mapping"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[2048];
        snprintf(text, sizeof text, "name: new\n" FIGURES "%s", cases[i].text);
        write_text("accelerators/new.yaml", text);
        ck_assert_msg(!accelerator_load(document, "new", ".", &accelerator, &error), "%zu", i);
        ck_assert_msg(strstr(error.text, cases[i].message) != NULL, "'%s' lacks '%s'", error.text,
                      cases[i].message);
    }
}
END_TEST

/* What is wrong with the measured one is said of its file. */
START_TEST(test_wrong_lender)
{
    write_text("accelerators/measured.yaml", "name: measured\n" FIGURES "gemm: {fixed: 2}\n");
    ck_assert(!load_with(""));
    ck_assert_msg(strstr(error.text, "measured.yaml:7:15: 'fixed' must be between") != NULL, "%s",
                  error.text);
}
END_TEST

START_TEST(test_unknown)
{
    ck_assert(!accelerator_load(document, "mesured", ".", &accelerator, &error));
    ck_assert_str_eq(error.text, "there is no file 'accelerators/mesured.yaml' here or in . "
                                 "(did you mean 'measured'?)");
    ck_assert(!accelerator_load(document, "./x.yaml", ".", &accelerator, &error));
    ck_assert_msg(strstr(error.text, "./x.yaml: cannot be opened") != NULL, "%s", error.text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_takes_efficiencies,
                                  test_own_sections_win,
                                  test_overrides,
                                  test_interconnects,
                                  test_beside_the_file,
                                  test_measured,
                                  test_refused,
                                  test_wrong_lender,
                                  test_unknown};
    return unit_run_with("accelerator_file", tests, COUNT(tests), enter, leave);
}
