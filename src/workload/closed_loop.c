/* So many users, each of whom sends, waits for the whole answer, thinks, and sends again: vLLM's
 * benchmark with --max-concurrency, and the interactive system of queueing theory.
 *
 * A user who thinks is a place in a heap, with the session that goes on, or with none: then the user
 * takes the next one when sending, so that sessions, and rows of a trace, go out in their order. A
 * user who waits for an answer is a slot in a table by the number of the request. There are never
 * more of both than users. */
#include "flow.h"
#include "turn_heap.h"

#include <stdlib.h>

/* Users whose requests are refused send again at once, unless they think: time would stand still.
 * So many requests may be sent at one instant beside one a user. */
#define MAX_REQUESTS_AT_ONCE 100000

/* A request that has not been answered. */
struct slot {
    int64_t request_id;
    int32_t next; /* in the bucket, or of the unused; −1: the last */
    struct session session;
};

struct closed_loop {
    struct content *content; /* not owned */
    gsl_rng *think_rng;      /* owned */
    double think_time_s;
    int64_t end_ns;
    struct turn_heap thinking;
    struct session fresh; /* for the next user without a session; its turn 0: not drawn yet */
    struct slot *slots;   /* owned; as many as users */
    int32_t *buckets;     /* owned; a power of two, by the last bits of the request's number */
    uint32_t bucket_mask;
    int32_t users, unused, in_flight;
    int64_t last_ns; /* of the request last taken */
    int64_t at_once; /* requests taken at that time */
};

static bool user_has_session(const struct closed_loop *loop)
{
    return loop->thinking.turns[0].session.turn > 0;
}

/* The earliest user has something to send; SOURCE_END: there is nothing left to begin. */
static enum request_source_result find_session(struct closed_loop *loop, struct error *error)
{
    if (user_has_session(loop) || loop->fresh.turn > 0)
        return SOURCE_REQUEST;
    const enum request_source_result result =
        loop->content->begin(loop->content->state, &loop->fresh, error);
    if (result != SOURCE_REQUEST)
        loop->fresh.turn = 0;
    return result;
}

static enum request_source_result closed_loop_offer(void *state, int64_t *arrival_ns,
                                                    struct error *error)
{
    struct closed_loop *loop = state;
    while (loop->thinking.count > 0) {
        const enum request_source_result result = find_session(loop, error);
        if (result != SOURCE_END) {
            *arrival_ns = loop->thinking.turns[0].at_ns;
            return result;
        }
        turn_heap_pop(&loop->thinking); /* and the user leaves */
    }
    return loop->in_flight > 0 ? SOURCE_WAIT : SOURCE_END;
}

static bool closed_loop_fill(void *state, struct request *request, struct error *error)
{
    const struct closed_loop *loop = state;
    const struct session *session =
        user_has_session(loop) ? &loop->thinking.turns[0].session : &loop->fresh;
    return loop->content->fill(loop->content->state, session, request, error);
}

static bool closed_loop_take(void *state, int64_t request_id, struct error *error)
{
    struct closed_loop *loop = state;
    const struct next_turn turn = loop->thinking.turns[0];
    loop->at_once = turn.at_ns == loop->last_ns ? loop->at_once + 1 : 1;
    loop->last_ns = turn.at_ns;
    if (loop->at_once > loop->users + MAX_REQUESTS_AT_ONCE)
        return error_input(error, NULL,
                           "%lld requests of a closed loop at one instant: users whose requests "
                           "are refused send again at once without a 'think_time'",
                           (long long)loop->at_once);
    const int32_t index = loop->unused;
    struct slot *slot = &loop->slots[index];
    int32_t *bucket = &loop->buckets[(uint64_t)request_id & loop->bucket_mask];
    loop->unused = slot->next;
    *slot = (struct slot){request_id, *bucket, turn.session};
    if (turn.session.turn == 0) {
        slot->session = loop->fresh;
        loop->fresh.turn = 0;
    }
    *bucket = index;
    loop->in_flight++;
    turn_heap_pop(&loop->thinking);
    return true;
}

static bool closed_loop_finished(void *state, int64_t request_id, int64_t now_ns)
{
    struct closed_loop *loop = state;
    int32_t *link = &loop->buckets[(uint64_t)request_id & loop->bucket_mask];
    while (*link >= 0 && loop->slots[*link].request_id != request_id)
        link = &loop->slots[*link].next;
    if (*link < 0)
        return false;
    const int32_t index = *link;
    struct slot *slot = &loop->slots[index];
    *link = slot->next;
    slot->next = loop->unused;
    loop->unused = index;
    loop->in_flight--;
    if (!loop->content->advance(loop->content->state, &slot->session))
        slot->session.turn = 0;
    const int64_t at_ns = flow_wait_ns(loop->think_rng, now_ns, loop->think_time_s);
    /* There is room: it has been reserved for every user. */
    if (at_ns < loop->end_ns || loop->end_ns == SIM_TIME_NEVER)
        (void)turn_heap_push(&loop->thinking, at_ns, &slot->session);
    return true;
}

static void closed_loop_destroy(void *state)
{
    struct closed_loop *loop = state;
    if (loop == NULL)
        return;
    gsl_rng_free(loop->think_rng);
    turn_heap_fini(&loop->thinking);
    free(loop->slots);
    free(loop->buckets);
    free(loop);
}

/* All users think until time 0. */
static bool admit_users(struct closed_loop *loop, int32_t users)
{
    static const struct session none = {0};
    uint32_t buckets = 1;
    while (buckets < (uint32_t)users)
        buckets *= 2;
    loop->users = users;
    loop->bucket_mask = buckets - 1;
    loop->slots = calloc((size_t)users, sizeof *loop->slots);
    loop->buckets = malloc(buckets * sizeof *loop->buckets);
    if (loop->slots == NULL || loop->buckets == NULL ||
        !turn_heap_reserve(&loop->thinking, (size_t)users))
        return false;
    for (uint32_t i = 0; i < buckets; i++)
        loop->buckets[i] = -1;
    for (int32_t i = 0; i < users; i++) {
        loop->slots[i].next = i + 1 < users ? i + 1 : -1;
        (void)turn_heap_push(&loop->thinking, 0, &none);
    }
    return true;
}

bool closed_loop_open(const struct flow_options *options, struct flow *flow, struct error *error)
{
    const struct arrivals_config *arrivals = options->arrivals;
    struct closed_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return error_run(error, "out of memory");
    loop->content = options->content;
    loop->think_time_s = setting_is_set(arrivals->think_time_s) ? arrivals->think_time_s : 0.0;
    loop->end_ns = options->end_ns;
    loop->think_rng = rng_create_prefixed(options->seed, options->stream_prefix, "think_time");
    if (loop->think_rng == NULL || !admit_users(loop, (int32_t)arrivals->concurrency)) {
        closed_loop_destroy(loop);
        return error_run(error, "out of memory for %lld users", (long long)arrivals->concurrency);
    }
    *flow = (struct flow){.state = loop,
                          .offer = closed_loop_offer,
                          .fill = closed_loop_fill,
                          .take = closed_loop_take,
                          .finished = closed_loop_finished,
                          .destroy = closed_loop_destroy};
    return true;
}
