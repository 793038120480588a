/* Transformations, around the source of a workload's requests.
 *
 * Each request goes through them in the order of sources.h. Times are scaled from the first arrival
 * that is left, in one division, so that gaps keep their proportions, and bursts with them. A
 * repetition begins one mean gap behind the last arrival of the one before. */
#include "rng.h"
#include "sources.h"

#include <gsl/gsl_rng.h>
#include <llmsim/sim_time.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Room for a session's name and the number of its repetition. */
enum { SESSION_BYTES = REQUEST_MAX_NAME_BYTES + 24 };

struct transform {
    struct workload_config workload; /* its texts are not owned */
    uint64_t seed;
    struct request_source inner; /* of the repetition at hand */
    gsl_rng *sample_rng;         /* owned; NULL: all are kept */
    double speed;                /* what gaps are divided by */
    int64_t pass;                /* repetitions that are over */
    int64_t pass_ns;             /* when this one began, before scaling */
    int64_t first_ns;            /* first arrival that was left of this one; −1: none so far */
    int64_t last_ns;             /* and the last, both on the inner source's clock */
    int64_t kept;                /* of this repetition */
    int64_t delivered;
    struct source_left_out left_out; /* of the repetitions that are over */
    uint64_t *ids;                   /* owned; renamed, where this is a repetition */
    size_t id_capacity;
    char session[SESSION_BYTES];
    bool holds_first; /* read on opening, and not delivered yet */
    struct request first;
    enum request_source_result state;
    struct error failure;
};

bool transform_is_identity(const struct transform_config *config)
{
    return !setting_is_set(config->start_s) && !setting_is_set(config->duration_s) &&
           !setting_is_set(config->target_rate_per_s) && config->sample == 1.0 &&
           config->prompt_scale == 1.0 && config->output_scale == 1.0 && config->repeat == 1 &&
           config->rate_scale == 1.0 && config->max_requests == SETTING_UNSET_INTEGER;
}

/* Whether the request lies before the window, in it, or behind it: −1, 0, 1. */
static int window_side(const struct transform_config *config, int64_t arrival_ns)
{
    const double start_s = setting_is_set(config->start_s) ? config->start_s : 0.0;
    if (arrival_ns < sim_ns_from_s(start_s))
        return -1;
    if (setting_is_set(config->duration_s) &&
        arrival_ns >= sim_ns_from_s(start_s + config->duration_s))
        return 1;
    return 0;
}

/* A session by its name, which chance does not divide; a request without one by the dice. */
static bool is_sampled(const struct transform *transform, const struct request *request)
{
    if (transform->sample_rng == NULL)
        return true;
    if (request->session.bytes == 0)
        return gsl_rng_uniform(transform->sample_rng) < transform->workload.transform.sample;
    const uint64_t hash =
        XXH64(request->session.text, (size_t)request->session.bytes, transform->seed);
    return ldexp((double)hash, -64) < transform->workload.transform.sample;
}

static int32_t scale_tokens(int32_t tokens, double scale)
{
    return (int32_t)fmin(fmax(rint(tokens * scale), 1.0), REQUEST_MAX_TOKENS);
}

/* An id goes on standing for the same share of the prompt, as nearly as whole tokens allow. */
static void scale_lengths(const struct transform_config *config, struct request *request)
{
    request->output_tokens = scale_tokens(request->output_tokens, config->output_scale);
    if (config->prompt_scale == 1.0)
        return;
    request->prompt_tokens = scale_tokens(request->prompt_tokens, config->prompt_scale);
    if (request->prefix_id_count == 0)
        return;
    request->prefix_id_tokens = scale_tokens(request->prefix_id_tokens, config->prompt_scale);
    const int32_t needed = (request->prompt_tokens - 1) / request->prefix_id_tokens + 1;
    if (request->prefix_id_count > needed)
        request->prefix_id_count = needed;
}

/* Other users say other things: a repetition has sessions and prefixes of its own. */
static bool rename_repeated(struct transform *transform, struct request *request,
                            struct error *error)
{
    const uint64_t pass = (uint64_t)transform->pass;
    const size_t count = (size_t)request->prefix_id_count;
    if (request->session.bytes > 0) {
        const int bytes =
            snprintf(transform->session, sizeof transform->session, "%.*s#%llu",
                     request->session.bytes, request->session.text, (unsigned long long)pass + 1);
        request->session = (struct request_name){
            transform->session, bytes < REQUEST_MAX_NAME_BYTES ? bytes : REQUEST_MAX_NAME_BYTES};
    }
    if (count > transform->id_capacity) {
        uint64_t *ids = realloc(transform->ids, 2 * count * sizeof *ids);
        if (ids == NULL)
            return error_run(error, "out of memory for %zu prefix ids", count);
        transform->ids = ids;
        transform->id_capacity = 2 * count;
    }
    const uint64_t difference = XXH64(&pass, sizeof pass, 0);
    for (size_t i = 0; i < count; i++)
        transform->ids[i] = request->prefix_ids[i] ^ difference;
    if (count > 0)
        request->prefix_ids = transform->ids;
    return true;
}

static bool refuse_late(struct error *error)
{
    return error_input(error, NULL,
                       "an arrival is not within 146 years of the first arrival: raise their rate, "
                       "or take fewer");
}

static struct source_left_out transform_left_out(const void *state)
{
    const struct transform *transform = state;
    const struct request_source *inner = &transform->inner;
    struct source_left_out sum = transform->left_out;
    if (inner->state != NULL) {
        const struct source_left_out of_pass = inner->left_out(inner->state);
        sum.bad_rows += of_pass.bad_rows;
        sum.failed_requests += of_pass.failed_requests;
    }
    return sum;
}

/* One repetition is over; where the next begins. */
static bool begin_pass(struct transform *transform, struct error *error)
{
    struct request_source *inner = &transform->inner;
    const int64_t span_ns = transform->last_ns - transform->first_ns;
    const int64_t gaps = transform->kept > 1 ? transform->kept - 1 : 1;
    if ((double)transform->pass_ns + 2.0 * (double)span_ns > (double)SIM_TIME_MAX_NS)
        return refuse_late(error);
    transform->left_out = transform_left_out(transform);
    inner->destroy(inner->state);
    inner->state = NULL;
    transform->pass++;
    transform->pass_ns += span_ns + span_ns / gaps;
    transform->first_ns = -1;
    transform->kept = 0;
    if (transform->sample_rng != NULL) { /* the same requests again */
        gsl_rng_free(transform->sample_rng);
        transform->sample_rng = rng_create(transform->seed, "sample");
        if (transform->sample_rng == NULL)
            return error_run(error, "out of memory");
    }
    return workload_open_plain(&transform->workload, transform->seed, inner, error);
}

static bool set_arrival(struct transform *transform, struct request *request, struct error *error)
{
    if (transform->first_ns < 0)
        transform->first_ns = request->arrival_ns;
    transform->last_ns = request->arrival_ns;
    transform->kept++;
    const int64_t unscaled_ns = transform->pass_ns + (request->arrival_ns - transform->first_ns);
    const double scaled_ns = (double)unscaled_ns / transform->speed;
    if (scaled_ns > (double)SIM_TIME_MAX_NS)
        return refuse_late(error);
    request->arrival_ns = transform->speed == 1.0 ? unscaled_ns : (int64_t)llrint(scaled_ns);
    return true;
}

/* The next request of the inner source that is in the window and sampled. */
static enum request_source_result next_kept(struct transform *transform, struct request *request,
                                            struct error *error)
{
    struct request_source *inner = &transform->inner;
    for (;;) {
        const enum request_source_result result = inner->next(inner->state, request, error);
        if (result != SOURCE_REQUEST)
            return result;
        const int side = window_side(&transform->workload.transform, request->arrival_ns);
        if (side > 0)
            return SOURCE_END;
        if (side == 0 && is_sampled(transform, request))
            return SOURCE_REQUEST;
    }
}

static enum request_source_result next_request(struct transform *transform, struct request *request,
                                               struct error *error)
{
    const struct transform_config *config = &transform->workload.transform;
    if (config->max_requests != SETTING_UNSET_INTEGER &&
        transform->delivered >= config->max_requests)
        return SOURCE_END;
    enum request_source_result result = next_kept(transform, request, error);
    while (result == SOURCE_END && transform->kept > 0 && transform->pass + 1 < config->repeat) {
        if (!begin_pass(transform, error))
            return SOURCE_ERROR;
        result = next_kept(transform, request, error);
    }
    if (result != SOURCE_REQUEST)
        return result;
    if (!set_arrival(transform, request, error) ||
        (transform->pass > 0 && !rename_repeated(transform, request, error)))
        return SOURCE_ERROR;
    scale_lengths(config, request);
    transform->delivered++;
    return SOURCE_REQUEST;
}

static enum request_source_result transform_next(void *state, struct request *request,
                                                 struct error *error)
{
    struct transform *transform = state;
    if (transform->holds_first) {
        transform->holds_first = false;
        *request = transform->first;
        return SOURCE_REQUEST;
    }
    if (transform->state != SOURCE_END && transform->state != SOURCE_ERROR)
        transform->state = next_request(transform, request, &transform->failure);
    if (transform->state == SOURCE_ERROR)
        *error = transform->failure;
    return transform->state;
}

static void transform_finished(void *state, int64_t request_id, int64_t now_ns)
{
    struct transform *transform = state;
    struct request_source *inner = &transform->inner;
    if (transform->state == SOURCE_END)
        return;
    if (transform->state == SOURCE_REQUEST) { /* it was not taken, and will be given again */
        transform->delivered--;
        transform->kept--;
        transform->state = SOURCE_WAIT;
    }
    inner->finished(inner->state, request_id, now_ns);
}

static double transform_progress(const void *state)
{
    const struct transform *transform = state;
    const struct transform_config *config = &transform->workload.transform;
    const struct request_source *inner = &transform->inner;
    const double of_pass = inner->state != NULL ? inner->progress(inner->state) : 0.0;
    const double of_passes = ((double)transform->pass + of_pass) / (double)config->repeat;
    if (config->max_requests == SETTING_UNSET_INTEGER)
        return of_passes;
    return fmax(of_passes, (double)transform->delivered / (double)config->max_requests);
}

static void transform_destroy(void *state)
{
    struct transform *transform = state;
    if (transform == NULL)
        return;
    if (transform->inner.state != NULL)
        transform->inner.destroy(transform->inner.state);
    if (transform->sample_rng != NULL)
        gsl_rng_free(transform->sample_rng);
    free(transform->ids);
    free(transform);
}

static struct transform *transform_create(const struct workload_config *workload, uint64_t seed,
                                          struct error *error)
{
    struct transform *transform = calloc(1, sizeof *transform);
    if (transform == NULL) {
        error_run(error, "out of memory");
        return NULL;
    }
    *transform = (struct transform){
        .workload = *workload,
        .seed = seed,
        .speed = workload->transform.rate_scale,
        .first_ns = -1,
        .state = SOURCE_WAIT,
    };
    const bool samples = workload->transform.sample < 1.0;
    transform->sample_rng = samples ? rng_create(seed, "sample") : NULL;
    if (samples && transform->sample_rng == NULL)
        error_run(error, "out of memory");
    else if (workload_open_plain(workload, seed, &transform->inner, error))
        return transform;
    transform_destroy(transform);
    return NULL;
}

/* How the gaps must be scaled for the mean one to be that of the rate: by reading all of them. */
static bool measure_speed(const struct workload_config *workload, uint64_t seed, double *speed,
                          struct error *error)
{
    struct transform *transform = transform_create(workload, seed, error);
    if (transform == NULL)
        return false;
    struct request request;
    enum request_source_result result;
    int64_t last_ns = 0;
    while ((result = transform_next(transform, &request, error)) == SOURCE_REQUEST)
        last_ns = request.arrival_ns;
    const int64_t gaps = transform->delivered - 1;
    transform_destroy(transform);
    if (result == SOURCE_ERROR)
        return false;
    if (last_ns == 0)
        return error_input(error, NULL,
                           "'target_rate': all requests arrive at once, and have no rate");
    const double target_ns =
        (double)gaps / workload->transform.target_rate_per_s * (double)SIM_NS_PER_S;
    *speed = (double)last_ns / target_ns;
    return true;
}

/* What no request is left of is an error here, as an empty trace is. */
static bool read_first(struct transform *transform, struct error *error)
{
    switch (transform_next(transform, &transform->first, error)) {
    case SOURCE_REQUEST:
        transform->holds_first = true;
        return true;
    case SOURCE_END:
        return error_input(error, NULL,
                           "no request is left: 'start', 'duration' and 'sample' leave all out");
    case SOURCE_ERROR:
    case SOURCE_WAIT:
        break;
    }
    return false;
}

bool transform_open(const struct workload_config *config, uint64_t seed,
                    struct request_source *source, struct error *error)
{
    struct transform *transform = NULL;
    double speed = config->transform.rate_scale;
    if ((setting_is_set(config->transform.target_rate_per_s) &&
         !measure_speed(config, seed, &speed, error)) ||
        (transform = transform_create(config, seed, error)) == NULL)
        return false;
    transform->speed = speed;
    if (!read_first(transform, error)) {
        transform_destroy(transform);
        return false;
    }
    *source = (struct request_source){
        .state = transform,
        .trace_format = transform->inner.trace_format,
        .next = transform_next,
        .progress = transform_progress,
        .left_out = transform_left_out,
        .finished = transform->inner.finished != NULL ? transform_finished : NULL,
        .destroy = transform_destroy,
    };
    return true;
}
