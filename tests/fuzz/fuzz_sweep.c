/* Any bytes as a sweep, as a parameter file of vLLM's benchmark, and as what a shard has left: which, the
 * first byte says. */
#include "fuzz_checks.h"
#include "sweep_journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VALUES_LOOKED_AT = 200 };

static void read_plan(const char *path)
{
    struct sweep_plan plan;
    struct error error = {0};
    if (sweep_plan_read(&plan, path, &error)) {
        require(plan.run_count > 0 && plan.run_count <= SWEEP_MAX_RUNS);
        require(plan.key_count > 0 && plan.key_count <= SWEEP_MAX_KEYS);
        for (size_t run = 0; run < plan.run_count && run < VALUES_LOOKED_AT; run++) {
            for (size_t key = 0; key < plan.key_count; key++) {
                const char *value = sweep_plan_value(&plan, run, key);
                require(value == NULL || strpbrk(value, "\r\n") == NULL);
            }
        }
    } else {
        require_input_error(&error);
    }
    sweep_plan_fini(&plan);
}

static void read_parameters(const char *path)
{
    char text[128], plan_path[FUZZ_PATH_BYTES];
    const int length = snprintf(text, sizeof text,
                                "base: x.yaml\nbench_params: %s\n"
                                "serve_params: %s\n",
                                path, path);
    const int descriptor = open_bytes(text, (size_t)length, plan_path);
    read_plan(plan_path);
    close(descriptor);
}

static void merge(char *path)
{
    struct sweep_journal journal;
    struct error error = {0};
    FILE *rows = fopen("/dev/null", "we");
    require(rows != NULL);
    if (!sweep_journal_merge(&journal, &path, 1, &error))
        require_input_error(&error);
    else if (!sweep_journal_print(&journal, false, rows, &error))
        require_error(&error);
    sweep_journal_close(&journal);
    fclose(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[FUZZ_PATH_BYTES];
    if (size == 0)
        return 0;
    const int descriptor = open_bytes(data + 1, size - 1, path);
    if (data[0] == 'j')
        merge(path);
    else if (data[0] == 'v')
        read_parameters(path);
    else
        read_plan(path);
    close(descriptor);
    return 0;
}
