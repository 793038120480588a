/* Sessions and system prompts: that prompts extend each other, and that ids say exactly what a model
 * that keeps every token of every session says. */
#include "generating.h"

#include <llmsim/sim_time.h>
#include <math.h>

#define COMMON                                                                                     \
    "prompt_tokens: {distribution: exponential, mean: 60}\n"                                       \
    "output_tokens: {distribution: exponential, mean: 40}\n"
#define OPEN "arrivals: {process: poisson, rate: 2}\n" COMMON

/* A session as the naive model has it: its tokens, one by one. */
struct naive_session {
    char name[KEPT_NAME_BYTES];
    uint64_t *tokens; /* owned */
    int32_t count;    /* of the prompt and output of its last turn */
    int32_t turn;
    int64_t last_ns;
};

struct naive_model {
    struct naive_session *sessions; /* owned */
    size_t count;
    uint64_t next_token;
};

static struct naive_session *find_session(struct naive_model *model, const char *name)
{
    for (size_t i = 0; i < model->count; i++) {
        if (strcmp(model->sessions[i].name, name) == 0)
            return &model->sessions[i];
    }
    model->sessions = realloc(model->sessions, (model->count + 1) * sizeof *model->sessions);
    ck_assert_ptr_nonnull(model->sessions);
    struct naive_session *session = &model->sessions[model->count++];
    *session = (struct naive_session){0};
    snprintf(session->name, sizeof session->name, "%s", name);
    return session;
}

/* All that the session says, up to the end of this turn: a system prompt's tokens are those of its
 * number (which the first id tells), any other token is a new one. */
static void extend(struct naive_model *model, struct naive_session *session,
                   const struct request *request, int32_t system_tokens)
{
    const int32_t end = request->prompt_tokens + request->output_tokens;
    session->tokens = realloc(session->tokens, (size_t)end * sizeof *session->tokens);
    ck_assert_ptr_nonnull(session->tokens);
    for (int32_t i = session->count; i < end; i++)
        session->tokens[i] =
            i < system_tokens ? ((uint64_t)1 << 60) + (request->prefix_ids[0] << 16) + (uint64_t)i
                              : model->next_token++;
    session->count = end;
}

/* Block by block: two blocks have the same id if, and only if, their tokens are the same, as far as
 * both prompts reach. */
struct block {
    uint64_t id;
    const struct naive_session *session;
    int32_t begin, end;
};

static int by_id(const void *a, const void *b)
{
    const uint64_t left = ((const struct block *)a)->id, right = ((const struct block *)b)->id;
    return (left > right) - (left < right);
}

static int by_tokens(const void *a, const void *b)
{
    const struct block *left = a, *right = b;
    const uint64_t x = left->session->tokens[left->begin];
    const uint64_t y = right->session->tokens[right->begin];
    return (x > y) - (x < y);
}

static bool same_tokens(const struct block *a, const struct block *b)
{
    const int32_t length =
        a->end - a->begin < b->end - b->begin ? a->end - a->begin : b->end - b->begin;
    return memcmp(a->session->tokens + a->begin, b->session->tokens + b->begin,
                  (size_t)length * sizeof(uint64_t)) == 0;
}

static void check_blocks(struct block *blocks, size_t count)
{
    qsort(blocks, count, sizeof *blocks, by_id);
    for (size_t i = 1; i < count; i++) {
        if (blocks[i].id == blocks[i - 1].id)
            ck_assert(same_tokens(&blocks[i], &blocks[i - 1]));
    }
    qsort(blocks, count, sizeof *blocks, by_tokens);
    for (size_t i = 1; i < count; i++) {
        if (same_tokens(&blocks[i], &blocks[i - 1]))
            ck_assert_uint_eq(blocks[i].id, blocks[i - 1].id);
    }
}

/* Turns come one after another, and each extends the one before. */
static void check_turn(struct naive_session *session, const struct kept_request *kept,
                       int32_t system_tokens)
{
    const struct request *request = &kept->request;
    ck_assert_int_eq(request->turn, ++session->turn);
    if (request->turn > 1)
        ck_assert_int_gt(request->prompt_tokens, session->count);
    else
        ck_assert_int_gt(request->prompt_tokens, system_tokens);
    ck_assert_int_ge(request->arrival_ns, session->last_ns);
    session->last_ns = request->arrival_ns;
}

static void check_against_naive(const char *text, int32_t block_tokens, int32_t system_tokens)
{
    struct generated generated = generate_all(text, 5);
    struct naive_model model = {0};
    size_t block_count = 0, later_turns = 0;
    for (size_t i = 0; i < generated.count; i++)
        block_count += (size_t)generated.requests[i].request.prefix_id_count;
    struct block *blocks = calloc(block_count, sizeof *blocks);
    size_t *owners = calloc(block_count, sizeof *owners);
    ck_assert(blocks != NULL && owners != NULL);
    size_t used = 0;
    for (size_t i = 0; i < generated.count; i++) {
        const struct request *request = &generated.requests[i].request;
        struct naive_session *session = find_session(&model, generated.requests[i].session);
        check_turn(session, &generated.requests[i], system_tokens);
        later_turns += request->turn > 1;
        extend(&model, session, request, system_tokens);
        ck_assert_int_eq(request->prefix_id_tokens, block_tokens);
        ck_assert_int_eq(request->prefix_id_count, (request->prompt_tokens - 1) / block_tokens + 1);
        for (int32_t j = 0; j < request->prefix_id_count; j++) {
            const int32_t end = (j + 1) * block_tokens;
            ck_assert_uint_lt(request->prefix_ids[j], 1ULL << 53);
            owners[used] = (size_t)(session - model.sessions);
            blocks[used++] =
                (struct block){request->prefix_ids[j], NULL, j * block_tokens,
                               end < request->prompt_tokens ? end : request->prompt_tokens};
        }
    }
    for (size_t i = 0; i < used; i++)
        blocks[i].session = &model.sessions[owners[i]];
    check_blocks(blocks, used);
    ck_assert_uint_gt(later_turns, generated.count / 4);
    for (size_t i = 0; i < model.count; i++)
        free(model.sessions[i].tokens);
    free(model.sessions);
    free(blocks);
    free(owners);
    generated_fini(&generated);
}

START_TEST(ids_say_what_tokens_say)
{
    static const char session[] = OPEN "sessions: {turns: {distribution: exponential, mean: 3}, "
                                       "turn_gap: 5 s}\nnum_requests: 1500\n";
    static const char shared[] =
        OPEN "sessions: {turns: {distribution: exponential, mean: 3}, turn_gap: 5 s}\n"
             "shared_prefix: {tokens: 100, count: 3}\nnum_requests: 1500\nprefix_block_tokens: 7\n";
    check_against_naive(session, 16, 0);
    check_against_naive(shared, 7, 100);
}
END_TEST

START_TEST(turns_are_as_configured)
{
    struct generated generated =
        generate_all("arrivals: {process: constant, rate: 1}\n"
                     "prompt_tokens: {distribution: constant, value: 100}\n"
                     "output_tokens: {distribution: constant, value: 10}\n"
                     "sessions: {turns: {distribution: constant, value: 5}, turn_gap: 0 s,\n"
                     "  followup_tokens: {distribution: constant, value: 3}}\n"
                     "num_requests: 23\n",
                     1);
    ck_assert_uint_eq(generated.count, 23);
    for (size_t i = 0; i < generated.count; i++) {
        const struct kept_request *kept = &generated.requests[i];
        char name[32];
        snprintf(name, sizeof name, "s%zu", i / 5 + 1);
        ck_assert_str_eq(kept->session, name);
        ck_assert_int_eq(kept->request.turn, (int)(i % 5) + 1);
        ck_assert_int_eq(kept->request.prompt_tokens, 100 + 13 * (int)(i % 5));
        ck_assert_int_eq(kept->request.arrival_ns, (int64_t)(i / 5) * SIM_NS_PER_S);
    }
    generated_fini(&generated);
}
END_TEST

START_TEST(sessions_end_before_they_are_too_long)
{
    struct generated generated =
        generate_all("arrivals: {process: constant, rate: 1}\n"
                     "prompt_tokens: {distribution: constant, value: 100}\n"
                     "output_tokens: {distribution: constant, value: 10}\n"
                     "sessions: {turns: {distribution: constant, value: 50}, turn_gap: 0 s,\n"
                     "  max_tokens: 330}\nnum_requests: 10\n",
                     1);
    /* 110, 220, 330, and no more. */
    for (size_t i = 0; i < generated.count; i++)
        ck_assert_int_eq(generated.requests[i].request.turn, (int)(i % 3) + 1);
    generated_fini(&generated);
}
END_TEST

START_TEST(gaps_have_their_mean)
{
    struct generated generated =
        generate_all("arrivals: {process: poisson, rate: 1}\n" COMMON
                     "sessions: {turns: {distribution: constant, value: 2}, turn_gap: 20 s}\n"
                     "num_requests: 4000\n",
                     3);
    int64_t begun_ns[4000] = {0};
    double sum_s = 0.0;
    int gaps = 0;
    for (size_t i = 0; i < generated.count; i++) {
        const struct kept_request *kept = &generated.requests[i];
        const long number = strtol(kept->session + 1, NULL, 10);
        ck_assert(number >= 1 && number < 4000);
        if (kept->request.turn == 2) {
            sum_s += sim_s_from_ns(kept->request.arrival_ns - begun_ns[number]);
            gaps++;
        }
        begun_ns[number] = kept->request.arrival_ns;
    }
    ck_assert_double_lt(fabs(sum_s / gaps - 20.0), 4.0 * 20.0 / sqrt(gaps));
    generated_fini(&generated);
}
END_TEST

/* The n-th of four system prompts has a share of (1/n) / (1 + 1/2 + 1/3 + 1/4). */
START_TEST(system_prompts_are_popular_by_zipf)
{
    enum { REQUESTS = 20000 };
    struct generated generated = generate_all(
        OPEN "shared_prefix: {tokens: 40, count: 4, zipf_exponent: 1}\nnum_requests: 20000\n", 4);
    double counts[4] = {0};
    for (size_t i = 0; i < REQUESTS; i++) {
        const struct request *request = &generated.requests[i].request;
        ck_assert_int_eq(request->prefix_id_count, 2); /* 40 tokens: two whole blocks */
        ck_assert_int_gt(request->prompt_tokens, 40);
        ck_assert_int_eq(request->turn, 0);
        const uint64_t number = (request->prefix_ids[0] >> 23) / 2;
        ck_assert_uint_lt(number, 4);
        ck_assert_uint_eq(request->prefix_ids[1], request->prefix_ids[0] + 1);
        counts[number]++;
    }
    for (int i = 0; i < 4; i++) {
        const double share = 1.0 / (i + 1) / (25.0 / 12.0);
        const double error = sqrt(REQUESTS * share * (1.0 - share));
        ck_assert_double_lt(fabs(counts[i] - REQUESTS * share), 4.0 * error);
    }
    generated_fini(&generated);
}
END_TEST

START_TEST(sessions_keep_their_client)
{
    struct generated generated =
        generate_all(OPEN "sessions: {turns: {distribution: constant, value: 4}, turn_gap: 1 s}\n"
                          "clients: 3\npriority: -2\nnum_requests: 3000\n",
                     6);
    char clients[3001][KEPT_NAME_BYTES] = {0};
    int counts[3] = {0};
    for (size_t i = 0; i < generated.count; i++) {
        const struct kept_request *kept = &generated.requests[i];
        const long number = strtol(kept->session + 1, NULL, 10);
        ck_assert(number >= 1 && number <= 3000);
        if (*clients[number] != '\0')
            ck_assert_str_eq(clients[number], kept->client);
        memcpy(clients[number], kept->client, sizeof kept->client);
        ck_assert_int_eq(kept->request.priority, -2);
        ck_assert_uint_ne(kept->request.client, 0);
        ck_assert(kept->client[0] == 'c' && kept->client[1] >= '1' && kept->client[1] <= '3');
        counts[kept->client[1] - '1']++;
    }
    for (int i = 0; i < 3; i++)
        ck_assert_int_gt(counts[i], 800);
    generated_fini(&generated);
}
END_TEST

/* Sessions change nothing of when sessions begin, and what their first turns are. */
START_TEST(sessions_have_streams_of_their_own)
{
    struct generated plain = generate_all(OPEN "num_requests: 200\n", 7);
    struct generated sessions =
        generate_all(OPEN "sessions: {turns: {distribution: constant, value: 1}, turn_gap: 1 s}\n"
                          "shared_prefix: {tokens: 9, count: 5}\nclients: 7\nnum_requests: 200\n",
                     7);
    for (size_t i = 0; i < 200; i++) {
        const struct request *a = &plain.requests[i].request, *b = &sessions.requests[i].request;
        ck_assert_int_eq(a->arrival_ns, b->arrival_ns);
        ck_assert_int_eq(a->prompt_tokens + 9, b->prompt_tokens);
        ck_assert_int_eq(a->output_tokens, b->output_tokens);
        ck_assert_int_eq(a->prefix_id_count, 0);
    }
    generated_fini(&plain);
    generated_fini(&sessions);
}
END_TEST

START_TEST(refuses_what_makes_no_sense)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {OPEN "num_requests: 5\nsessions: {turn_gap: 5 s}\n",
         "c.yaml:5:11: generated traffic needs 'turns' with a 'distribution'"},
        {OPEN "num_requests: 5\nsessions: {turns: {distribution: constant, value: 2}}\n",
         "c.yaml:5:1: sessions need a 'turn_gap'"},
        {OPEN "num_requests: 5\nsessions: {turns: {distribution: constant}, turn_gap: 5 s}\n",
         "c.yaml:5:20: distribution 'constant' of turns needs 'value'"},
        {OPEN "num_requests: 5\nshared_prefix: {count: 3}\n",
         "c.yaml:5:1: shared_prefix needs 'tokens'"},
        {OPEN "num_requests: 5\nprefix_block_tokens: 3\n",
         "c.yaml:5:1: 'prefix_block_tokens' has no meaning for generated traffic without"},
        {OPEN "num_requests: 5\nclients: 0\n", "c.yaml:5:10: 'clients' must be between 1"},
        {OPEN, "generated traffic needs 'num_requests', or a 'duration'"},
        {"trace: t.csv\nsessions: {turns: {distribution: constant, value: 2}}\n",
         "c.yaml:2:1: 'sessions' is for generated traffic"},
        {"trace: t.csv\npriority: 2\n", "c.yaml:2:1: 'priority' is for generated traffic"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused_workload(cases[i].text, cases[i].error);
}
END_TEST

START_TEST(duration_ends_what_has_no_number)
{
    struct generated generated =
        generate_all("arrivals: {process: constant, rate: 10}\n" COMMON "duration: 5 s\n", 1);
    ck_assert_uint_eq(generated.count, 50);
    generated_fini(&generated);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        ids_say_what_tokens_say,
        turns_are_as_configured,
        sessions_end_before_they_are_too_long,
        gaps_have_their_mean,
        system_prompts_are_popular_by_zipf,
        sessions_keep_their_client,
        sessions_have_streams_of_their_own,
        refuses_what_makes_no_sense,
        duration_ends_what_has_no_number,
    };
    return unit_run("sessions", tests, COUNT(tests));
}
