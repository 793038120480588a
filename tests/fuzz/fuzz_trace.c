/* Any bytes as a trace. The first byte says how it is read. */
#include "fuzz_requests.h"
#include "workload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

/* What a reader may hand on, whatever it reads. */
static void read_all(struct request_source *source, int64_t max_requests)
{
    struct request request;
    struct error error = {0};
    int64_t count = 0;
    int64_t last_ns = 0;
    enum request_source_result result;
    while ((result = source->next(source->state, &request, &error)) == SOURCE_REQUEST) {
        require_request(&request, source->trace_format, count++, last_ns);
        last_ns = request.arrival_ns;
    }
    require(count >= 1 && (max_requests == SETTING_UNSET_INTEGER || count <= max_requests));
    require_end(source, result, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char path[FUZZ_PATH_BYTES];
    const int descriptor = open_bytes(data + 1, size - 1, path);
    const struct workload_config config = config_of(data[0], path);
    struct request_source source;
    struct error error = {0};
    if (workload_open(&config, 0, &source, &error)) {
        read_all(&source, config.transform.max_requests);
        source.destroy(source.state);
    } else {
        require_input_error(&error);
    }
    close(descriptor);
    return 0;
}
