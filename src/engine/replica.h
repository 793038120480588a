/* One replica of a serving engine: its queue, its running sequences, its KV blocks, and the one or
 * two steps it has in flight. The batching policy works on it through llmsim/policy.h. */
#ifndef LLMSIM_ENGINE_REPLICA_H
#define LLMSIM_ENGINE_REPLICA_H

#include "cohort.h"
#include "simulation.h"

/* A sequence that emits a token at the end of a step other than by decoding on. */
struct emission {
    int32_t sequence;
    int64_t previous_token_ns; /* −1: this is its first token */
};

/* A step from its planning to its end. */
struct step {
    int64_t start_ns, end_ns;
    struct step_load load;
    struct cost cost;
    int32_t continuing_sequences;
    int32_t running;
    int64_t kv_blocks_used, kv_tokens;
    int32_t emission_count;
    int32_t finishing_count;
    struct emission *emissions; /* owned; room for max_num_seqs, as the next two */
    int32_t *finishing;
    struct prefill_chunk *chunks;
};

/* A request that waits for its first admission. */
struct arrival {
    struct request request;
    int64_t request_id;
};

struct replica {
    struct batch batch; /* what the policy sees; first, so that it leads back to the replica */
    const struct simulation_setup *setup;
    void *policy_state;
    struct sequence *sequences; /* max_num_seqs of them */
    int32_t *unused_sequences;  /* a stack */
    int32_t unused_count;
    int32_t last_running; /* −1: none */
    struct cohort cohort;
    struct batch_prefill *prefills; /* batch.prefills */
    int32_t *preempted;             /* a stack: the head of the waiting queue */
    int32_t preempted_count;
    struct arrival *arrivals; /* a ring behind the preempted: max_num_seqs of them */
    int32_t arrival_first, arrival_count;
    int64_t kv_tokens;     /* stored or planned to be */
    int64_t latest_end_ns; /* of the step started last */
    struct step steps[2];
    struct step *in_flight; /* NULL: idle */
    struct step *planned;   /* to start when the one in flight ends; NULL: none */
    int64_t step_count, busy_ns, preemptions;
};

bool replica_init(struct replica *replica, const struct simulation_setup *setup,
                  struct error *error);
void replica_fini(struct replica *replica);

/* Room for one more arrival. A plan never looks further down the queue than max_num_seqs, so the
 * rest of an overlong queue stays in the trace, unread. */
bool replica_has_room(const struct replica *replica);
void replica_deliver(struct replica *replica, const struct request *request, int64_t request_id);

/* When the step in flight ends; SIM_TIME_NEVER when there is none. */
int64_t replica_next_event_ns(const struct replica *replica);

/* The step in flight ends, now. */
void replica_complete_step(struct replica *replica);

/* An idle replica starts a step, if it has work; with async scheduling it then plans the next. */
void replica_start_step(struct replica *replica, int64_t now_ns);

/* Blocks that hold so many tokens. */
static inline int64_t replica_blocks(const struct replica *replica, int64_t tokens)
{
    int64_t block_size = replica->setup->block_size;
    return (tokens + block_size - 1) / block_size;
}

/* A sequence leaves the running list and frees its blocks. */
void replica_remove_running(struct replica *replica, int32_t index);

#endif
