/* Requests that arrive as `arrivals` says: those of each class of clients, merged by the time of
 * arrival; at equal times, in the order of the classes. What they are is a content's to say
 * (content.h), and when they arrive a flow's (flow.h).
 *
 * A request is taken when the next one is asked for: until then, an answer may let another be
 * earlier. */
#include "flow.h"
#include "sources.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEFAULT_BLOCK_TOKENS = 16 };

struct lane {
    char stream_prefix[SETTINGS_MAP_MAX_NAME_BYTES + 2];
    struct content content;
    struct flow flow;
};

struct generator {
    struct workload_config config; /* what flows and contents draw by; its texts are not owned */
    struct lane *lanes;            /* owned; one a class */
    size_t lane_count;
    int64_t num_requests; /* INT64_MAX: endless */
    int64_t end_ns;       /* of a workload with closed loops; SIM_TIME_NEVER: without end */
    int64_t taken;        /* requests */
    struct lane *offered; /* whose request was given last, and not taken; NULL: none */
    int64_t offered_ns;   /* when it arrives */
    bool failed;
    struct error failure;
};

/* Open loops know of no end; and an earlier answer may still come of a closed one. */
static bool is_over(const struct generator *generator, int64_t arrival_ns)
{
    return generator->end_ns != SIM_TIME_NEVER && arrival_ns >= generator->end_ns;
}

/* The lane whose request is the next. */
static enum request_source_result choose_lane(struct generator *generator, struct error *error)
{
    enum request_source_result result = SOURCE_END;
    generator->offered = NULL;
    for (size_t i = 0; i < generator->lane_count; i++) {
        struct lane *lane = &generator->lanes[i];
        int64_t arrival_ns = 0;
        switch (lane->flow.offer(lane->flow.state, &arrival_ns, error)) {
        case SOURCE_REQUEST:
            if (!is_over(generator, arrival_ns) &&
                (generator->offered == NULL || arrival_ns < generator->offered_ns)) {
                generator->offered = lane;
                generator->offered_ns = arrival_ns;
            }
            break;
        case SOURCE_WAIT:
            result = SOURCE_WAIT;
            break;
        case SOURCE_ERROR:
            return SOURCE_ERROR;
        case SOURCE_END:
            break;
        }
    }
    return generator->offered != NULL ? SOURCE_REQUEST : result;
}

static enum request_source_result give_next(struct generator *generator, struct request *request,
                                            struct error *error)
{
    struct lane *lane = generator->offered;
    generator->offered = NULL;
    if (lane != NULL && !lane->flow.take(lane->flow.state, generator->taken++, error))
        return SOURCE_ERROR;
    if (generator->taken >= generator->num_requests)
        return SOURCE_END;
    const enum request_source_result result = choose_lane(generator, error);
    if (result != SOURCE_REQUEST)
        return result;
    lane = generator->offered;
    if (generator->offered_ns > SIM_TIME_MAX_NS) {
        error_input(error, NULL,
                    "the generated arrivals run past 146 years: raise their rate, or "
                    "lower num_requests");
        return SOURCE_ERROR;
    }
    if (!lane->flow.fill(lane->flow.state, request, error))
        return SOURCE_ERROR;
    request->arrival_ns = generator->offered_ns;
    return SOURCE_REQUEST;
}

static enum request_source_result generator_next(void *state, struct request *request,
                                                 struct error *error)
{
    struct generator *generator = state;
    enum request_source_result result = SOURCE_ERROR;
    if (!generator->failed)
        result = give_next(generator, request, &generator->failure);
    generator->failed = result == SOURCE_ERROR;
    if (generator->failed)
        *error = generator->failure;
    return result;
}

static void generator_finished(void *state, int64_t request_id, int64_t now_ns)
{
    struct generator *generator = state;
    generator->offered = NULL;
    for (size_t i = 0; i < generator->lane_count; i++) {
        const struct flow *flow = &generator->lanes[i].flow;
        if (flow->finished != NULL && flow->finished(flow->state, request_id, now_ns))
            return;
    }
}

static double generator_progress(const void *state)
{
    const struct generator *generator = state;
    const struct content *first = &generator->lanes[0].content;
    const struct transform_config *transform = &generator->config.transform;
    const double start_s = setting_is_set(transform->start_s) ? transform->start_s : 0.0;
    const int64_t given = generator->taken + (generator->offered != NULL);
    const double of_requests = (double)given / (double)generator->num_requests;
    const double of_time =
        setting_is_set(transform->duration_s)
            ? sim_s_from_ns(generator->offered_ns) / (start_s + transform->duration_s)
            : 0.0;
    return fmin(fmax(fmax(of_requests, of_time), first->progress(first->state)), 1.0);
}

static struct source_left_out generator_left_out(const void *state)
{
    const struct generator *generator = state;
    const struct content *first = &generator->lanes[0].content;
    return first->left_out(first->state);
}

static void generator_destroy(void *state)
{
    struct generator *generator = state;
    if (generator == NULL)
        return;
    for (size_t i = 0; i < generator->lane_count; i++) {
        struct lane *lane = &generator->lanes[i];
        if (lane->flow.state != NULL)
            lane->flow.destroy(lane->flow.state);
        if (lane->content.state != NULL)
            lane->content.destroy(lane->content.state);
    }
    free(generator->lanes);
    free(generator);
}

static bool open_content(const struct generator *generator, size_t index, uint64_t seed,
                         const struct traffic_config *traffic, const char *class_name,
                         struct content *content, struct error *error)
{
    const struct workload_config *config = &generator->config;
    const int64_t block_tokens = config->prefix_block_tokens;
    const struct content_place place = {
        .class_name = class_name,
        .stream_prefix = generator->lanes[index].stream_prefix,
        .index = (int32_t)index,
        .count = (int32_t)generator->lane_count,
        .prefix_block_tokens =
            block_tokens != SETTING_UNSET_INTEGER ? (int32_t)block_tokens : DEFAULT_BLOCK_TOKENS,
        .seed = seed,
    };
    const struct trace_options options = workload_trace_options(config);
    return config->trace != NULL ? rows_open(&options, content, error)
                                 : sessions_open(traffic, &place, content, error);
}

static bool open_lane(struct generator *generator, size_t index, uint64_t seed, struct error *error)
{
    const struct settings_map *classes = &generator->config.classes;
    const struct traffic_config *of_classes = classes->items;
    const bool has_classes = classes->count > 0;
    const struct traffic_config *traffic =
        has_classes ? &of_classes[index] : &generator->config.traffic;
    const char *class_name = has_classes ? classes->names[index] : NULL;
    struct lane *lane = &generator->lanes[index];
    if (has_classes)
        snprintf(lane->stream_prefix, sizeof lane->stream_prefix, "%s.", class_name);
    const struct flow_options options = {
        .arrivals = &traffic->arrivals,
        .turn_gap_s = traffic->sessions.turn_gap_s,
        .end_ns = generator->end_ns,
        .stream_prefix = lane->stream_prefix,
        .seed = seed,
        .content = &lane->content,
    };
    if (!open_content(generator, index, seed, traffic, class_name, &lane->content, error))
        return false;
    return arrivals_is_closed(&traffic->arrivals) ? closed_loop_open(&options, &lane->flow, error)
                                                  : open_loop_open(&options, &lane->flow, error);
}

bool generator_open(const struct workload_config *config, uint64_t seed,
                    struct request_source *source, struct error *error)
{
    struct generator *generator = calloc(1, sizeof *generator);
    const size_t lane_count = config->classes.count > 0 ? config->classes.count : 1;
    struct lane *lanes = calloc(lane_count, sizeof *lanes);
    if (generator == NULL || lanes == NULL) {
        free(generator);
        free(lanes);
        return error_run(error, "out of memory");
    }
    const bool counts = config->num_requests != SETTING_UNSET_INTEGER;
    const bool ends = workload_is_closed(config) && setting_is_set(config->transform.duration_s);
    *generator = (struct generator){
        .config = *config,
        .lanes = lanes,
        .lane_count = lane_count,
        .num_requests = counts ? config->num_requests : INT64_MAX,
        .end_ns = ends ? sim_ns_from_s(config->transform.duration_s) : SIM_TIME_NEVER,
    };
    for (size_t i = 0; i < lane_count; i++) {
        if (!open_lane(generator, i, seed, error)) {
            generator_destroy(generator);
            return false;
        }
    }
    *source =
        (struct request_source){.state = generator,
                                .trace_format = lanes[0].content.trace_format,
                                .next = generator_next,
                                .progress = generator_progress,
                                .left_out = generator_left_out,
                                .finished = workload_is_closed(config) ? generator_finished : NULL,
                                .destroy = generator_destroy};
    return true;
}
