#include "perfetto.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ENGINE_PROCESS = 1, REQUEST_PROCESS = 2 };

static const int64_t first_interval_ns = 1000000;

static bool thinned_init(struct thinned *thinned, size_t item_bytes, size_t capacity)
{
    *thinned = (struct thinned){.items = malloc(item_bytes * capacity),
                                .item_bytes = item_bytes,
                                .capacity = capacity,
                                .stride = 1};
    return thinned->items != NULL;
}

static void *thinned_at(const struct thinned *thinned, size_t index)
{
    return (char *)thinned->items + index * thinned->item_bytes;
}

static void thin(struct thinned *thinned)
{
    thinned->stride *= 2;
    thinned->count /= 2;
    for (size_t i = 1; i < thinned->count; i++)
        memcpy(thinned_at(thinned, i), thinned_at(thinned, 2 * i), thinned->item_bytes);
}

static void thinned_add(struct thinned *thinned, const void *item)
{
    if (thinned->seen++ % thinned->stride != 0)
        return;
    if (thinned->count == thinned->capacity)
        thin(thinned);
    memcpy(thinned_at(thinned, thinned->count++), item, thinned->item_bytes);
}

bool perfetto_init(struct perfetto *perfetto, double kv_blocks)
{
    const bool lines = timeline_init(&perfetto->timeline, kv_blocks, first_interval_ns);
    const bool steps =
        thinned_init(&perfetto->steps, sizeof(struct step_report), PERFETTO_STEPS_MAX);
    const bool requests =
        thinned_init(&perfetto->requests, sizeof(struct request_outcome), PERFETTO_REQUESTS_MAX);
    return lines && steps && requests;
}

void perfetto_fini(struct perfetto *perfetto)
{
    timeline_fini(&perfetto->timeline);
    free(perfetto->steps.items);
    free(perfetto->requests.items);
}

void perfetto_step(struct perfetto *perfetto, const struct step_report *report)
{
    timeline_step(&perfetto->timeline, report);
    struct step_report kept = *report;
    kept.cost = NULL; /* gone with the call */
    thinned_add(&perfetto->steps, &kept);
}

void perfetto_outcome(struct perfetto *perfetto, const struct request_outcome *outcome)
{
    timeline_outcome(&perfetto->timeline, outcome);
    if (outcome->status == REQUEST_COMPLETED)
        thinned_add(&perfetto->requests, outcome);
}

/* Trace events are in microseconds; three decimals are exact. */
static void print_us(const char *key, int64_t ns, FILE *stream)
{
    fprintf(stream, "\"%s\": %" PRId64 ".%03d", key, ns / 1000, (int)(ns % 1000));
}

static void print_name(const char *what, int process, int64_t track, const char *name,
                       int64_t number, FILE *stream)
{
    fprintf(stream,
            "{\"ph\": \"M\", \"name\": \"%s\", \"pid\": %d, \"tid\": %" PRId64
            ", \"args\": {\"name\": \"%s",
            what, process, track, name);
    if (number >= 0)
        fprintf(stream, " %" PRId64, number);
    fputs("\"}},\n", stream);
}

static void print_slice(int process, int64_t track, const char *name, int64_t start_ns,
                        int64_t end_ns, FILE *stream)
{
    fprintf(stream, "{\"ph\": \"X\", \"name\": \"%s\", \"pid\": %d, \"tid\": %" PRId64 ", ", name,
            process, track);
    print_us("ts", start_ns, stream);
    fputs(", ", stream);
    print_us("dur", end_ns - start_ns, stream);
}

static void print_steps(const struct thinned *steps, FILE *stream)
{
    int32_t replicas = 0;
    for (size_t i = 0; i < steps->count; i++) {
        const struct step_report *step = thinned_at(steps, i);
        if (step->replica >= replicas)
            replicas = step->replica + 1;
        const char *name = step->prompt_tokens == 0              ? "decode"
                           : step->prompt_tokens == step->tokens ? "prefill"
                                                                 : "mixed";
        print_slice(ENGINE_PROCESS, (int64_t)step->replica + 1, name, step->start_ns, step->end_ns,
                    stream);
        fprintf(stream,
                ", \"args\": {\"tokens\": %d, \"prompt_tokens\": %d, \"sequences\": %d, "
                "\"running\": %d, \"preempted\": %d, \"kv_blocks\": %" PRId64 "}},\n",
                step->tokens, step->prompt_tokens, step->sequences, step->running, step->preempted,
                step->kv_blocks_used);
    }
    for (int32_t i = 0; i < replicas; i++)
        print_name("thread_name", ENGINE_PROCESS, (int64_t)i + 1, "steps of replica", i, stream);
}

static void print_counter(const char *name, double value, int64_t time_ns, FILE *stream)
{
    fprintf(stream, "{\"ph\": \"C\", \"name\": \"%s\", \"pid\": %d, \"tid\": 0, ", name,
            ENGINE_PROCESS);
    print_us("ts", time_ns, stream);
    fprintf(stream, ", \"args\": {\"value\": %.6g}},\n", value);
}

static void print_counters(const struct timeline *timeline, FILE *stream)
{
    int index = 0;
    int64_t levels[LEVEL_COUNT] = {0};
    struct timeline_row row;
    while (timeline_next(timeline, &index, levels, &row)) {
        print_counter("waiting requests", row.waiting, row.start_ns, stream);
        print_counter("running requests", row.running, row.start_ns, stream);
        print_counter("KV use", row.kv_use, row.start_ns, stream);
        print_counter("prompt tokens/s", row.prompt_tokens_per_s, row.start_ns, stream);
        print_counter("output tokens/s", row.output_tokens_per_s, row.start_ns, stream);
    }
}

static void print_request(const struct request_outcome *outcome, FILE *stream)
{
    const struct {
        const char *name;
        int64_t start_ns, end_ns;
    } phases[] = {
        {"queue", outcome->arrival_ns, outcome->scheduled_ns},
        {"prefill", outcome->scheduled_ns, outcome->first_token_ns},
        {"decode", outcome->first_token_ns, outcome->finished_ns},
    };
    const int64_t track = outcome->request_id + 1;
    print_name("thread_name", REQUEST_PROCESS, track, "request", outcome->request_id, stream);
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        if (phases[i].start_ns == phases[i].end_ns)
            continue;
        print_slice(REQUEST_PROCESS, track, phases[i].name, phases[i].start_ns, phases[i].end_ns,
                    stream);
        fprintf(stream,
                ", \"args\": {\"prompt_tokens\": %d, \"output_tokens\": %d, \"cached_tokens\": %d, "
                "\"preemptions\": %d}},\n",
                outcome->prompt_tokens, outcome->output_tokens, outcome->cached_tokens,
                outcome->preemptions);
    }
}

void perfetto_write(const struct perfetto *perfetto, FILE *stream)
{
    const struct thinned *steps = &perfetto->steps, *requests = &perfetto->requests;
    fputs("{\"traceEvents\": [\n", stream);
    print_steps(steps, stream);
    print_counters(&perfetto->timeline, stream);
    for (size_t i = 0; i < requests->count; i++)
        print_request(thinned_at(requests, i), stream);
    print_name("process_name", REQUEST_PROCESS, 0, "requests", -1, stream);
    fprintf(stream,
            "{\"ph\": \"M\", \"name\": \"process_name\", \"pid\": %d, \"tid\": 0, "
            "\"args\": {\"name\": \"engine\"}}\n],\n"
            "\"displayTimeUnit\": \"ms\",\n\"otherData\": {\"steps\": %" PRId64
            ", \"every_nth_step\": %" PRId64 ", \"requests\": %" PRId64
            ", \"every_nth_request\": %" PRId64 ", \"counter_interval_ms\": %.9g}}\n",
            ENGINE_PROCESS, steps->seen, steps->stride, requests->seen, requests->stride,
            (double)perfetto->timeline.interval_ns / 1e6);
}
