/* Sessions that begin at times of an arrival process, and go on after gaps of their own: clients who
 * do not wait for answers.
 *
 * Sessions that are open, waiting for the time of their next turn, are in a heap. How many those are
 * is the rate of sessions times how long they last (the bound is num_requests). */
#include "flow.h"
#include "turn_heap.h"

#include <stdlib.h>

struct open_loop {
    struct content *content; /* not owned */
    gsl_rng *turn_gap_rng;   /* owned */
    struct arrivals arrivals;
    double turn_gap_s;
    struct turn_heap waiting;
    struct session fresh; /* the session to begin next; its turn 0: none has been drawn */
    int64_t fresh_ns;     /* when */
    bool ended;           /* there is no further session */
    bool offers_fresh;    /* as opposed to the next turn of one that waits */
};

static enum request_source_result draw_fresh(struct open_loop *loop, struct error *error)
{
    const enum request_source_result result =
        loop->content->begin(loop->content->state, &loop->fresh, error);
    if (result != SOURCE_REQUEST) {
        loop->ended = result == SOURCE_END;
        loop->fresh.turn = 0;
        return result;
    }
    const double arrival_s = arrivals_next_s(&loop->arrivals);
    const bool too_late = arrival_s * (double)SIM_NS_PER_S >= (double)SIM_TIME_MAX_NS;
    loop->fresh_ns = too_late ? SIM_TIME_NEVER : sim_ns_from_s(arrival_s);
    return SOURCE_REQUEST;
}

static enum request_source_result open_loop_offer(void *state, int64_t *arrival_ns,
                                                  struct error *error)
{
    struct open_loop *loop = state;
    if (loop->fresh.turn == 0 && !loop->ended && draw_fresh(loop, error) == SOURCE_ERROR)
        return SOURCE_ERROR;
    const bool has_fresh = loop->fresh.turn > 0, waits = loop->waiting.count > 0;
    if (!has_fresh && !waits)
        return SOURCE_END;
    loop->offers_fresh = has_fresh && (!waits || loop->fresh_ns < loop->waiting.turns[0].at_ns);
    *arrival_ns = loop->offers_fresh ? loop->fresh_ns : loop->waiting.turns[0].at_ns;
    return SOURCE_REQUEST;
}

static bool open_loop_fill(void *state, struct request *request, struct error *error)
{
    const struct open_loop *loop = state;
    const struct session *session =
        loop->offers_fresh ? &loop->fresh : &loop->waiting.turns[0].session;
    return loop->content->fill(loop->content->state, session, request, error);
}

static bool open_loop_take(void *state, int64_t request_id, struct error *error)
{
    struct open_loop *loop = state;
    (void)request_id;
    struct session session = loop->fresh;
    int64_t now_ns = loop->fresh_ns;
    if (loop->offers_fresh) {
        loop->fresh.turn = 0;
    } else {
        session = loop->waiting.turns[0].session;
        now_ns = loop->waiting.turns[0].at_ns;
        turn_heap_pop(&loop->waiting);
    }
    if (!loop->content->advance(loop->content->state, &session))
        return true;
    const int64_t at_ns = flow_wait_ns(loop->turn_gap_rng, now_ns, loop->turn_gap_s);
    return turn_heap_push(&loop->waiting, at_ns, &session) ||
           error_run(error, "out of memory for %zu open sessions", loop->waiting.count);
}

static void open_loop_destroy(void *state)
{
    struct open_loop *loop = state;
    if (loop == NULL)
        return;
    arrivals_fini(&loop->arrivals);
    gsl_rng_free(loop->turn_gap_rng);
    turn_heap_fini(&loop->waiting);
    free(loop);
}

bool open_loop_open(const struct flow_options *options, struct flow *flow, struct error *error)
{
    struct open_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return error_run(error, "out of memory");
    loop->content = options->content;
    loop->turn_gap_s = options->turn_gap_s;
    loop->turn_gap_rng = rng_create_prefixed(options->seed, options->stream_prefix, "turn_gap");
    if (loop->turn_gap_rng == NULL)
        error_run(error, "out of memory");
    if (loop->turn_gap_rng == NULL ||
        !arrivals_init(&loop->arrivals, options->arrivals, options->seed, options->stream_prefix,
                       error)) {
        open_loop_destroy(loop);
        return false;
    }
    *flow = (struct flow){.state = loop,
                          .offer = open_loop_offer,
                          .fill = open_loop_fill,
                          .take = open_loop_take,
                          .destroy = open_loop_destroy};
    return true;
}
