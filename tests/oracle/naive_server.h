/* Inside the naive simulator: what its parts share. naive_simulator.c is the clock, naive_policies.c
 * decides, naive_plan.c carries out what is decided, naive_queue.c knows who is next, and
 * naive_blocks.c has the memory. */
#ifndef LLMSIM_TESTS_NAIVE_SERVER_H
#define LLMSIM_TESTS_NAIVE_SERVER_H

#include "naive_blocks.h"
#include "naive_simulator.h"

#include <gsl/gsl_rng.h>

/* A plan counts what it computes and samples as done (`computed`, `generated`), as vLLM's does, so
 * that with async scheduling the next step can be planned on top of one that is in flight; when the
 * step ends, its tokens leave the engine (`emitted`). */
struct naive_sequence {
    int32_t computed;         /* tokens whose KV is stored once all planned steps have run */
    int32_t generated;        /* tokens sampled once all planned steps have run */
    int32_t emitted;          /* tokens sampled by steps that have ended */
    struct naive_list blocks; /* held, in the order of what they hold */
    size_t reserved_blocks;   /* to be held whatever is computed */
    size_t swapped_blocks;    /* waiting: in host memory */
    bool prefilling;          /* runs, and has sampled nothing since it was admitted */
    int64_t key;              /* the smallest is served first */
    size_t client;            /* in server.clients */
    int64_t last_token_ns;
};

struct naive_client {
    uint64_t name;
    int64_t counter; /* of the service it has had */
};

struct naive_chunk {
    size_t id;
    int32_t tokens;
};

struct naive_plan {
    struct naive_step step;
    int32_t budget;
    bool preempted;
    struct naive_chunk *chunks; /* owned; in the order in which they were given */
    size_t chunk_count;
    size_t computed_count; /* of those, the ones that have taken their blocks */
    int64_t prefill_tokens, prefill_chunks, context_tokens;
    int64_t padded_tokens;      /* every chunk takes as long as one of so many; 0: its own length */
    int64_t idle_rows;          /* computed for nothing */
    double transfer_s;          /* that it takes longer for copies from and to host memory */
    struct naive_list emitters; /* sequences that sample a token */
};

/* Copies in one direction: how many, and of how much. */
struct naive_copies {
    int64_t copies, blocks;
};

struct naive_server {
    const struct simulation_setup *setup;
    const struct linear_cost *cost;
    const struct request *requests;
    size_t count, arrived;
    struct naive_result *result;
    struct naive_sequence *sequences;
    struct naive_list running;    /* in order of admission */
    struct naive_list waiting;    /* in no order */
    struct naive_client *clients; /* in order of appearance */
    size_t client_count;
    int64_t last_taken; /* the client of whom something was admitted last; −1: none */
    gsl_rng *predictions;
    struct naive_blocks device, host;
    struct naive_list kept; /* blocks of ended requests, until the batch ends */
    size_t swapped_blocks;
    struct naive_copies out, in, offloaded; /* since the last step was planned */
    int64_t now_ns;
    int64_t wake_ns;
    int64_t plan_number;
    size_t batch_rows, batch_longest; /* static, dynamic: of the batch that runs */
    bool executing;                   /* a step is on the accelerator: plans[0] */
    bool planned;                     /* the step after it is decided: plans[1] */
    struct naive_plan plans[2];
};

/* What the caches have of a waiting sequence's beginning, in blocks. */
struct naive_hit {
    size_t cached, unused, offloaded; /* unused: of the cached ones, held by nobody */
};

/* The head of the queue. */
struct naive_head {
    size_t id;
    struct naive_hit hit;
    int32_t wanted_tokens;
    size_t wanted_blocks; /* unused ones, to compute all of that */
    bool swapped;         /* it is in host memory */
};

/* All its tokens are sampled, the last by a step in flight: it only waits for that step's end. */
static inline bool naive_is_finishing(const struct naive_server *server, size_t id)
{
    return server->sequences[id].generated == server->requests[id].output_tokens;
}

static inline int32_t naive_wanted_tokens(const struct naive_server *server, size_t id)
{
    const struct naive_sequence *sequence = &server->sequences[id];
    return server->requests[id].prompt_tokens + sequence->generated - sequence->computed;
}

static inline size_t naive_blocks_for(const struct naive_server *server, int64_t tokens)
{
    int64_t block_size = server->setup->block_size;
    return (size_t)((tokens + block_size - 1) / block_size);
}

/* naive_queue.c */

/* A request has been delivered, and waits. */
void naive_queue_arrive(struct naive_server *server, size_t id);
/* It waits from now on. */
void naive_queue_add(struct naive_server *server, size_t id);
/* The sequence to be admitted next. Something waits. */
size_t naive_queue_head(const struct naive_server *server);
/* The head has been admitted. */
void naive_queue_remove(struct naive_server *server, size_t id);
/* A plan is complete. */
void naive_queue_charge(struct naive_server *server, const struct naive_plan *plan);
/* Where in the running list the sequence is that is to be preempted. Something runs. */
size_t naive_queue_victim(const struct naive_server *server);

/* naive_prefix.c */

/* What is in a block of the request: the same for two requests if their tokens are the same as far
 * as its end, and nothing else's. Never 0. */
int64_t naive_prefix_content(const struct naive_server *server, size_t id, size_t block);
/* Nobody else can have such a block. */
static inline bool naive_prefix_is_own(int64_t content)
{
    return (content >> 32) % 2 == 1;
}
/* What is cached of a waiting sequence, but for its last token. */
struct naive_hit naive_prefix_match(const struct naive_server *server, size_t id);

/* naive_plan.c */

/* Let a running sequence compute so many tokens. */
void naive_plan_chunk(struct naive_plan *plan, size_t id, int32_t tokens);
/* Blocks that the plan has yet to take are there. */
bool naive_plan_fits(const struct naive_server *server, const struct naive_plan *plan);
/* Rule 4, for the sequence at `index` of the running list. */
void naive_plan_preempt(struct naive_server *server, struct naive_plan *plan, size_t index);
/* Preempt whom the order says until the plan fits. */
void naive_plan_make_room(struct naive_server *server, struct naive_plan *plan);
/* The head of the queue, looked up after everything before it has taken its blocks; false when
 * nothing waits. */
bool naive_plan_peek(struct naive_server *server, struct naive_plan *plan, struct naive_head *head);
/* Slots, memory and the watermark let the head in. */
bool naive_plan_admits(struct naive_server *server, const struct naive_head *head);
/* Admit it, to compute so many tokens at once (0: a chunk may follow). */
void naive_plan_admit(struct naive_server *server, struct naive_plan *plan,
                      const struct naive_head *head, int32_t tokens);
/* Everything is decided: the chunks left take their blocks, and the step's figures are known. */
void naive_plan_complete(struct naive_server *server, struct naive_plan *plan);
/* A sequence gives back its blocks; host memory keeps a copy of the full ones. */
void naive_plan_release(struct naive_server *server, size_t id);
/* Blocks that were kept are given back when nothing runs. */
void naive_plan_give_back(struct naive_server *server);

/* naive_policies.c */

/* Let the setup's policy fill the plan. */
void naive_policies_plan(struct naive_server *server, struct naive_plan *plan);

#endif
