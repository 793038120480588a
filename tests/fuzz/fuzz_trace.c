/* Any bytes as a trace. The first byte says how it is read. */
#include "trace_format.h"
#include "workload.h"

#include <llmsim/sim_time.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void require_error(const struct error *error)
{
    require(error->kind == ERROR_INPUT && error->text[0] != '\0');
    require(strpbrk(error->text, "\n\r") == NULL);
}

/* Found by the first line, or one of them by name. */
static int choose_format(unsigned option)
{
    unsigned count = 0;
    while (trace_format_names[count] != NULL)
        count++;
    return (int)(option % (count + 1)) - 1;
}

static struct workload_config config_of(unsigned options, const char *path)
{
    return (struct workload_config){
        .trace = path,
        .format = choose_format(options >> 4),
        .on_bad_row = options & 1,
        .prefix_block_tokens = (options & 8) != 0 ? 16 : SETTING_UNSET_INTEGER,
        .traffic = {.arrivals = {.process = -1}},
        .num_requests = SETTING_UNSET_INTEGER,
        .transform = {.start_s = SETTING_UNSET_REAL,
                      .duration_s = SETTING_UNSET_REAL,
                      .sample = 1.0,
                      .prompt_scale = 1.0,
                      .output_scale = 1.0,
                      .repeat = 1,
                      .rate_scale = (options & 2) != 0 ? 1e-3 : 1.0,
                      .target_rate_per_s = SETTING_UNSET_REAL,
                      .max_requests = (options & 4) != 0 ? 3 : SETTING_UNSET_INTEGER},
    };
}

/* Every id is there to be read, and there are as many as the prompt has blocks. */
static void check_prefix(const struct request *request)
{
    if (request->prefix_id_count == 0) {
        require(request->prefix_ids == NULL && request->prefix_id_tokens == 0);
        return;
    }
    const int32_t id_tokens = request->prefix_id_tokens;
    require(request->prefix_id_count > 0 && id_tokens >= 1);
    const int32_t whole = request->prompt_tokens / id_tokens;
    const int32_t rest = request->prompt_tokens % id_tokens;
    require(request->prefix_id_count == whole ||
            (rest > 0 && request->prefix_id_count == whole + 1));
    volatile uint64_t id = 0;
    for (int32_t i = 0; i < request->prefix_id_count; i++)
        id = request->prefix_ids[i];
    (void)id;
}

/* What a reader may hand on, whatever it reads. */
static void read_all(struct request_source *source, int64_t max_requests)
{
    struct request request;
    struct error error = {0};
    int64_t count = 0;
    int64_t last_ns = 0;
    enum request_source_result result;
    while ((result = source->next(source->state, &request, &error)) == SOURCE_REQUEST) {
        require(count++ > 0 || request.arrival_ns == 0);
        require(request.arrival_ns >= last_ns && request.arrival_ns <= SIM_TIME_MAX_NS);
        require(request.prompt_tokens >= 1 && request.prompt_tokens <= REQUEST_MAX_TOKENS);
        require(request.output_tokens >= 1 && request.output_tokens <= REQUEST_MAX_TOKENS);
        require(request.priority >= -1000000000 && request.priority <= 1000000000);
        check_prefix(&request);
        last_ns = request.arrival_ns;
    }
    require(count >= 1 && (max_requests == SETTING_UNSET_INTEGER || count <= max_requests));
    if (result == SOURCE_ERROR)
        require_error(&error);
    require(source->next(source->state, &request, &error) == result);
    double progress = source->progress(source->state);
    require(progress >= 0.0 && progress <= 1.0);
    require(source->left_out(source->state).bad_rows >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char path[32];
    int descriptor = memfd_create("trace", MFD_CLOEXEC);
    require(descriptor >= 0);
    require(write(descriptor, data + 1, size - 1) == (ssize_t)(size - 1));
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    const struct workload_config config = config_of(data[0], path);
    struct request_source source;
    struct error error = {0};
    if (workload_open(&config, 0, &source, &error)) {
        read_all(&source, config.transform.max_requests);
        source.destroy(source.state);
    } else {
        require_error(&error);
    }
    close(descriptor);
    return 0;
}
