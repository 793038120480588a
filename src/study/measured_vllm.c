/* `vllm bench serve --save-result --save-detailed` (vllm/benchmarks/serve.py): one object with a list
 * a figure, an item a request, in the order they were made; times in seconds. Newer versions save when each was
 * sent. */
#include "measured_formats.h"

#include <math.h>
#include <string.h>

struct vllm_lists {
    const json_t *input_lens, *output_lens, *ttfts, *itls, *errors, *start_times, *latencies;
    size_t count;
};

static bool take_list(struct measured_reading *reading, const json_t *root, const char *key,
                      size_t count, const json_t **list)
{
    *list = json_object_get(root, key);
    return (json_is_array(*list) && json_array_size(*list) == count) ||
           measured_refuse(reading, 0, "'%s' is no list of %zu, one item a request", key, count);
}

static bool find_lists(struct measured_reading *reading, const json_t *root,
                       struct vllm_lists *lists)
{
    lists->count = json_array_size(json_object_get(root, "ttfts"));
    lists->errors = json_object_get(root, "errors");
    lists->start_times = json_object_get(root, "start_times");
    lists->latencies = json_object_get(root, "latencies");
    return take_list(reading, root, "input_lens", lists->count, &lists->input_lens) &&
           take_list(reading, root, "output_lens", lists->count, &lists->output_lens) &&
           take_list(reading, root, "ttfts", lists->count, &lists->ttfts) &&
           take_list(reading, root, "itls", lists->count, &lists->itls);
}

static double item(const json_t *list, size_t index)
{
    const json_t *value = json_array_get(list, index);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

/* Its end: what is saved, or the sum of all gaps. */
static double latency_s(const struct vllm_lists *lists, size_t index)
{
    const double saved_s = item(lists->latencies, index);
    if (!isnan(saved_s))
        return saved_s;
    const json_t *gaps = json_array_get(lists->itls, index), *gap = NULL;
    double sum_s = item(lists->ttfts, index);
    size_t i = 0;
    json_array_foreach(gaps, i, gap) sum_s += json_number_value(gap);
    return sum_s;
}

static bool has_failed(const struct vllm_lists *lists, size_t index)
{
    const char *text = json_string_value(json_array_get(lists->errors, index));
    return (text != NULL && *text != '\0') || item(lists->output_lens, index) == 0.0;
}

/* When requests were sent, where only the load is known that they were sent by. */
enum { SLOTS_MAX = 4096 };

struct slots {
    double free_s[SLOTS_MAX];
    size_t count; /* at once; 0: without a limit */
};

static bool find_slots(struct measured_reading *reading, const json_t *root, struct slots *slots)
{
    const char *word = json_string_value(json_object_get(root, "request_rate"));
    if (word == NULL || strcmp(word, "inf") != 0)
        return measured_refuse(reading, 0,
                               "does not say when requests were sent: 'start_times' is missing, "
                               "which newer versions of vLLM save");
    const double limit = measured_number(root, "max_concurrency");
    if (isnan(limit))
        return true;
    if (!(limit >= 1.0 && limit <= SLOTS_MAX))
        return measured_refuse(reading, 0, "'max_concurrency' of %g cannot be", limit);
    slots->count = (size_t)limit;
    return true;
}

/* A request is sent as soon as one of the slots is free. */
static double take_slot(struct slots *slots, double duration_s)
{
    if (slots->count == 0)
        return 0.0;
    size_t first = 0;
    for (size_t i = 1; i < slots->count; i++) {
        if (slots->free_s[i] < slots->free_s[first])
            first = i;
    }
    const double start_s = slots->free_s[first];
    slots->free_s[first] += duration_s > 0.0 ? duration_s : 0.0;
    return start_s;
}

static void note_chunks(struct measured_log *log, const struct vllm_lists *lists)
{
    double gaps = 0.0, expected = 0.0;
    for (size_t i = 0; i < lists->count; i++) {
        if (has_failed(lists, i))
            continue;
        gaps += (double)json_array_size(json_array_get(lists->itls, i));
        expected += item(lists->output_lens, i) - 1.0;
    }
    if (gaps < 0.99 * expected)
        measured_note(log,
                      "it has %.0f %% of the gaps between tokens: several came at once, so its "
                      "inter-token latency is that of chunks",
                      100.0 * gaps / expected);
}

bool measured_read_vllm(struct measured_reading *reading, const json_t *root)
{
    struct vllm_lists lists;
    struct slots slots = {0};
    struct measured_log *log = reading->log;
    log->format = "vllm bench serve";
    if (!find_lists(reading, root, &lists))
        return false;
    const bool timed = json_array_size(lists.start_times) == lists.count && lists.count > 0;
    if (!timed && !find_slots(reading, root, &slots))
        return false;
    for (size_t i = 0; i < lists.count; i++) {
        struct measured_row row = {.scheduled_s = (double)NAN,
                                   .ttft_s = item(lists.ttfts, i),
                                   .e2e_s = latency_s(&lists, i),
                                   .tpot_s = (double)NAN,
                                   .prompt_tokens = item(lists.input_lens, i),
                                   .output_tokens = item(lists.output_lens, i)};
        const double start_s = timed ? item(lists.start_times, i) : take_slot(&slots, row.e2e_s);
        if (has_failed(&lists, i)) {
            log->failed++;
            continue;
        }
        if (!measured_arrival_ns(start_s, &row.arrival_ns))
            return measured_refuse(reading, 0, "request %zu was sent at %g s, which cannot be", i,
                                   start_s);
        if (!measured_add(reading, &row))
            return false;
    }
    measured_note_client(log);
    if (!timed && slots.count > 0)
        measured_note(log,
                      "when requests were sent is not saved: each as soon as one of %zu before "
                      "it had ended, by max_concurrency",
                      slots.count);
    else if (!timed)
        measured_note(log, "when requests were sent is not saved: all at once, by request_rate");
    note_chunks(log, &lists);
    return true;
}
