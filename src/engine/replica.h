/* One replica of a serving engine: a data-parallel rank, or a virtual engine of one (pipeline.h). Its queue, its running sequences, its KV blocks, and the one or
 * two steps it has in flight. The batching policy works on it through llmsim/policy.h. */
#ifndef LLMSIM_ENGINE_REPLICA_H
#define LLMSIM_ENGINE_REPLICA_H

#include "cohort.h"
#include "kv_blocks.h"
#include "queue.h"
#include "simulation.h"
#include <llmsim/sim_time.h>

/* A sequence that emits a token at the end of a step other than by decoding on. */
struct emission {
    int32_t sequence;
    int64_t previous_token_ns; /* −1: this is its first token */
};

/* Members of the cohort whose latest token came at the same time. */
struct token_group {
    int64_t plan; /* the plan of the step that gave it to them */
    int64_t token_ns;
    int32_t count;
};

/* A sequence outside the cohort that computes something in a step. */
struct step_member {
    int32_t sequence;
    int32_t tokens;
    bool decodes; /* one token, as those in the cohort */
    bool again;   /* what a preemption lost */
};

/* A step from its planning to its end. */
struct step {
    int64_t start_ns, end_ns;
    struct step_load load;
    struct cost cost;
    double transfer_s; /* to and from host memory, before anything is computed */
    int32_t running, preempted;
    bool full;
    int64_t kv_blocks_used, kv_blocks_empty, kv_tokens, kv_slots_unfilled;
    int32_t emission_count;
    int32_t finishing_count;
    int32_t continuing_count;
    int32_t member_count;
    bool cohort_decodes;
    struct emission *emissions; /* owned; room for max_num_seqs, as the next four */
    int32_t *finishing;
    struct step_member *members;
    struct prefill_chunk *chunks;
    struct token_group *continuing; /* who decodes on */
};

/* Blocks to be copied by the step that is being planned. */
struct pending_transfer {
    int64_t swapped_out, swapped_in, loaded;
    int32_t loads; /* sequences that something is loaded for */
};

/* What has been found of the head of the queue. */
struct head_match {
    int64_t request_id; /* −1: nothing has been looked up */
    int64_t version;    /* of the caches */
    bool current;       /* looked up when last asked for */
    struct kv_hit hit;
    int64_t wanted_blocks;
};

struct replica {
    struct batch batch; /* what the policy sees; first, so that it leads back to the replica */
    const struct simulation_setup *setup;
    struct simulation_result *result; /* shared by all replicas */
    int32_t index;
    void *policy_state;
    struct sequence *sequences; /* that wait or run */
    int32_t sequence_capacity;
    int32_t *unused_sequences; /* a stack */
    int32_t unused_count;
    int32_t first_running, last_running; /* −1: none */
    int64_t admissions;
    struct cohort cohort;
    struct token_group *groups; /* of the cohort, oldest token first; room for max_num_seqs + 1 */
    int32_t group_count;
    int32_t fresh_count; /* members whose latest token comes with the step planned last */
    int64_t plan_count;
    int64_t last_decode_plan;       /* the latest in which the cohort decoded */
    struct batch_prefill *prefills; /* batch.prefills */
    int32_t settled_prefills;       /* that hold their blocks already… */
    int64_t settled_blocks;         /* … which have left the cache's queue */
    struct kv_blocks kv;
    struct queue queue;
    int32_t new_count; /* sequences in it that were never admitted… */
    int32_t new_room;  /* … and how many of them there may be */
    struct head_match head;
    struct pending_transfer pending;
    bool decodes_postponed;
    int32_t padded_chunk_tokens;
    bool steady;     /* the plan before was decodes alone, and nothing has happened since */
    int64_t wake_ns; /* when the policy wants to be asked again */
    int32_t idle_sequences;
    struct account account;
    int64_t latest_end_ns; /* of the step started last */
    struct step steps[2];
    struct step *in_flight; /* NULL: idle */
    struct step *planned;   /* to start when the one in flight ends; NULL: none */
};

/* Number `index` of the setup's replicas. */
bool replica_init(struct replica *replica, const struct simulation_setup *setup, int32_t index,
                  struct simulation_result *result, struct error *error);
void replica_fini(struct replica *replica);

/* Room for one more arrival. By arrival, a plan never looks further down the queue than
 * max_num_seqs, so the rest of an overlong queue stays in the trace, unread; other orders must see
 * all of it, and a router that has several replicas to choose from nearly all. */
static inline bool replica_has_room(const struct replica *replica)
{
    return replica->new_count < replica->new_room;
}

/* A request arrives. predicted_output_tokens: 0 unless the order predicts. */
bool replica_deliver(struct replica *replica, const struct request *request, int64_t request_id,
                     int32_t predicted_output_tokens, struct error *error);

/* When the step in flight ends, or an idle replica wants to be started; SIM_TIME_NEVER when
 * neither. */
static inline int64_t replica_next_event_ns(const struct replica *replica)
{
    return replica->in_flight != NULL ? replica->in_flight->end_ns : replica->wake_ns;
}

/* The step in flight ends, now. */
void replica_complete_step(struct replica *replica);

/* An idle replica starts a step, if it has work; with async scheduling it then plans the next. */
void replica_start_step(struct replica *replica, int64_t now_ns);

/* The same in three parts, for replicas whose steps depend on each other: an idle replica has a step
 * planned, if it has work; what it costs by itself; it starts, to end at `end_ns`. */
bool replica_prepare_step(struct replica *replica, int64_t now_ns);
void replica_cost_step(struct replica *replica);
void replica_launch_step(struct replica *replica, int64_t now_ns, int64_t end_ns);

/* Ask the policy, and make its plan the next step, not yet started; NULL when there is nothing to
 * compute (plan.c). From here on the engine's state is the one after that step; only what finished
 * sequences hold waits for its end. */
struct step *replica_plan_step(struct replica *replica, int64_t now_ns);

/* A sequence leaves the running list and frees its blocks. */
void replica_remove_running(struct replica *replica, int32_t index, bool returns);

/* Blocks that the decodes of the next step take, unless postponed. */
static inline int32_t replica_decode_blocks(const struct replica *replica)
{
    return replica->kv.reservation == KV_MAXIMUM ? 0 : cohort_blocks_needed(&replica->cohort);
}

/* What the plan takes so far is taken: blocks leave the cache's queue, and what is computed into
 * them can be matched. */
void replica_settle(struct replica *replica);

/* A member leaves the cohort before its end, not having its next token; the one before came with a
 * step planned earlier. */
void replica_leave_cohort(struct replica *replica, int32_t index);

#endif
