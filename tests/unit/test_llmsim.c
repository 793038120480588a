/* The C interface: <llmsim/llmsim.h>. */
#include "unit.h"

#include <jansson.h>
#include <llmsim/llmsim.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static char config_path[1024];
static const char *configs;

static void enter(void)
{
    configs = getenv("LLMSIM_CONFIGS");
    ck_assert_ptr_nonnull(configs);
    snprintf(config_path, sizeof config_path, "%s/h100_llama8b_generated.yaml", configs);
}

static struct llmsim *create(void)
{
    struct llmsim *run = llmsim_create(config_path, configs);
    ck_assert_ptr_nonnull(run);
    ck_assert(llmsim_set(run, "workload.num_requests", "500"));
    return run;
}

static void run_well(struct llmsim *run)
{
    struct llmsim_error error = {0};
    ck_assert_msg(llmsim_run(run, &error), "%s", error.text);
}

START_TEST(test_figures)
{
    struct llmsim *run = create();
    ck_assert(isnan(llmsim_figure(run, "p99_ttft_ms")));
    ck_assert_uint_eq(llmsim_digest(run), 0);
    ck_assert_ptr_null(llmsim_summary_json(run));
    run_well(run);
    ck_assert_double_eq(llmsim_figure(run, "completed"), 500.0);
    ck_assert(isnan(llmsim_figure(run, "nothing")));
    char *text = llmsim_summary_json(run);
    json_t *json = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(json);
    for (size_t i = 0; i < llmsim_figure_count(); i++) {
        const char *name = llmsim_figure_name(run, i);
        const json_t *value = json_object_get(json, name);
        ck_assert_msg(json_number_value(value) == llmsim_figure(run, name), "%s", name);
    }
    ck_assert_ptr_null(llmsim_figure_name(run, llmsim_figure_count()));
    char digest[17];
    snprintf(digest, sizeof digest, "%016llx", (unsigned long long)llmsim_digest(run));
    ck_assert_str_eq(json_string_value(json_object_get(json, "digest")), digest);
    json_decref(json);
    free(text);
    llmsim_destroy(run);
}
END_TEST

/* A copy has the overrides so far; what is set in it later is its own. */
START_TEST(test_copies)
{
    struct llmsim *base = create();
    struct llmsim *copy = llmsim_copy(base);
    ck_assert(llmsim_set(copy, "workload.num_requests", "300"));
    ck_assert(llmsim_set(copy, "workload.num_requests", "200"));
    run_well(base);
    run_well(copy);
    ck_assert_double_eq(llmsim_figure(base, "completed"), 500.0);
    ck_assert_double_eq(llmsim_figure(copy, "completed"), 200.0);
    struct llmsim *after = llmsim_copy(base);
    llmsim_destroy(base);
    ck_assert(isnan(llmsim_figure(after, "completed")));
    run_well(after);
    ck_assert_double_eq(llmsim_figure(after, "completed"), 500.0);
    llmsim_destroy(copy);
    llmsim_destroy(after);
}
END_TEST

START_TEST(test_errors)
{
    struct llmsim_error error = {0};
    struct llmsim *run = create();
    run_well(run);
    ck_assert(llmsim_set(run, "engine.max_num_seq", "8"));
    ck_assert(!llmsim_run(run, &error));
    ck_assert_int_eq(error.status, 2);
    ck_assert_ptr_nonnull(strstr(error.text, "did you mean 'max_num_seqs'?"));
    ck_assert(isnan(llmsim_figure(run, "completed")));
    llmsim_destroy(run);
    run = llmsim_create("nothing.yaml", NULL);
    ck_assert(!llmsim_run(run, &error));
    ck_assert_int_eq(error.status, 2);
    ck_assert_ptr_nonnull(strstr(error.text, "nothing.yaml"));
    llmsim_destroy(run);
    llmsim_destroy(NULL);
}
END_TEST

START_TEST(test_warnings)
{
    struct llmsim *run = create();
    ck_assert(llmsim_set(run, "engine.max_model_len", "200000"));
    ck_assert(llmsim_set(run, "metrics.replications", "3"));
    run_well(run);
    bool length = false, replications = false;
    for (size_t i = 0; i < llmsim_warning_count(run); i++) {
        length |= strstr(llmsim_warning(run, i), "max_model_len 200000") != NULL;
        replications |= strstr(llmsim_warning(run, i), "replications") != NULL;
    }
    ck_assert(length && replications);
    ck_assert_ptr_null(llmsim_warning(run, llmsim_warning_count(run)));
    const size_t count = llmsim_warning_count(run);
    run_well(run);
    ck_assert_uint_eq(llmsim_warning_count(run), count);
    llmsim_destroy(run);
}
END_TEST

enum { THREADS = 8 };
static const char *const sizes[THREADS] = {"1", "2", "4", "8", "16", "32", "64", "128"};

static void *run_copy(void *context)
{
    struct llmsim_error error;
    return llmsim_run(context, &error) ? context : NULL;
}

/* Copies that read one trace at once come to what they come to alone. */
START_TEST(test_threads)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/a100_llama7b.yaml", configs);
    struct llmsim *base = llmsim_create(path, configs);
    ck_assert(llmsim_set(base, "workload.max_requests", "300"));
    struct llmsim *copies[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        copies[i] = llmsim_copy(base);
        ck_assert(llmsim_set(copies[i], "engine.max_num_seqs", sizes[i]));
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_copy, copies[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *done = NULL;
        pthread_join(threads[i], &done);
        ck_assert_ptr_eq(done, copies[i]);
        struct llmsim *alone = llmsim_create(path, configs);
        ck_assert(llmsim_set(alone, "workload.max_requests", "300"));
        ck_assert(llmsim_set(alone, "engine.max_num_seqs", sizes[i]));
        run_well(alone);
        ck_assert_uint_eq(llmsim_digest(alone), llmsim_digest(copies[i]));
        llmsim_destroy(alone);
        llmsim_destroy(copies[i]);
    }
    llmsim_destroy(base);
}
END_TEST

START_TEST(test_version)
{
    ck_assert_str_eq(llmsim_version(), LLMSIM_VERSION);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_figures,  test_copies,  test_errors,
                                  test_warnings, test_threads, test_version};
    return unit_run_with("llmsim", tests, COUNT(tests), enter, NULL);
}
