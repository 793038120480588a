/* Content that is drawn: conversations and system prompts.
 *
 * The prompt of turn k + 1 is the prompt of turn k, its output, and new tokens. So the tokens of a
 * session are a stream that only grows, and block i of it, of prefix_block_tokens tokens, has one
 * id for ever: ids follow from the numbers of the session and the block, and no turn needs to be
 * kept. A system prompt is a stream of its own; the blocks that lie wholly inside it have its ids.
 *
 * Streams are numbered, those of system prompts even and those of sessions odd, each class by
 * itself, and ids are the number of the stream times a power of two, plus that of the block: below
 * 2^53, which any JSON reader keeps exactly. Where numbers run out (with blocks of 16 tokens,
 * after half a milliard sessions), they begin again. */
#include "content.h"
#include "length_pair.h"
#include "traffic.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { ID_BITS = 53, NAME_BYTES = SETTINGS_MAP_MAX_NAME_BYTES + 24 };

/* Each with a random stream of its own, beside those of the lengths. */
enum purpose { TURNS, FOLLOWUP, SYSTEM_PROMPT, CLIENT, PURPOSE_COUNT };

static const char *const purpose_names[] = {
    [TURNS] = "turns",
    [FOLLOWUP] = "followup_tokens",
    [SYSTEM_PROMPT] = "shared_prefix",
    [CLIENT] = "clients",
};

struct sessions {
    const struct traffic_config *config; /* not owned */
    struct content_place place;
    gsl_rng *rngs[PURPOSE_COUNT]; /* owned */
    struct length_pair lengths;
    struct length_sampler turns, followup_tokens;
    gsl_ran_discrete_t *popularity;      /* of the system prompts; owned; NULL: there are none */
    bool has_sessions, followups_differ; /* from prompt_tokens */
    int64_t system_tokens;               /* of a system prompt; 0: there are none */
    int64_t max_tokens;                  /* of a session */
    int block_bits;                      /* of an id, that tell blocks apart */
    int64_t begun;
    uint64_t *ids; /* owned; of the request filled last */
    size_t id_capacity;
    char session_name[NAME_BYTES], client_name[NAME_BYTES];
};

static enum request_source_result sessions_begin(void *state, struct session *session,
                                                 struct error *error)
{
    struct sessions *sessions = state;
    const int64_t clients = sessions->config->clients;
    (void)error;
    *session = (struct session){.number = ++sessions->begun, .turn = 1, .turns = 1};
    if (sessions->has_sessions)
        session->turns = length_sampler_draw(&sessions->turns);
    if (clients != SETTING_UNSET_INTEGER)
        session->client =
            1 + (int64_t)gsl_rng_uniform_int(sessions->rngs[CLIENT], (unsigned long)clients);
    if (sessions->popularity != NULL)
        session->system_prompt =
            (int32_t)gsl_ran_discrete(sessions->rngs[SYSTEM_PROMPT], sessions->popularity);
    int32_t new_tokens = 0;
    length_pair_draw(&sessions->lengths, &new_tokens, &session->output_tokens);
    const int64_t prompt_tokens = sessions->system_tokens + new_tokens;
    session->prompt_tokens =
        (int32_t)(prompt_tokens < REQUEST_MAX_TOKENS ? prompt_tokens : REQUEST_MAX_TOKENS);
    return SOURCE_REQUEST;
}

static bool sessions_advance(void *state, struct session *session)
{
    struct sessions *sessions = state;
    if (session->turn >= session->turns)
        return false;
    int64_t prompt_tokens = (int64_t)session->prompt_tokens + session->output_tokens;
    int32_t new_tokens = 0;
    if (sessions->lengths.correlated && !sessions->followups_differ) {
        length_pair_draw(&sessions->lengths, &new_tokens, &session->output_tokens);
    } else {
        new_tokens = length_sampler_draw(&sessions->followup_tokens);
        session->output_tokens = length_sampler_draw(&sessions->lengths.output);
    }
    prompt_tokens += new_tokens;
    if (prompt_tokens > REQUEST_MAX_TOKENS ||
        prompt_tokens + session->output_tokens > sessions->max_tokens)
        return false;
    session->prompt_tokens = (int32_t)prompt_tokens;
    session->turn++;
    return true;
}

/* The id of block 0 of a stream, to which the number of any other is added. */
static uint64_t first_id(const struct sessions *sessions, int64_t number, bool is_session)
{
    const uint64_t of_class = (uint64_t)number * (uint64_t)sessions->place.count;
    const uint64_t stream = 2 * (of_class + (uint64_t)sessions->place.index) + is_session;
    const uint64_t streams = 1ULL << (ID_BITS - sessions->block_bits);
    return (stream & (streams - 1)) << sessions->block_bits;
}

/* Without a session, what lies behind the system prompt is nobody else's, and has no ids. */
static bool fill_ids(struct sessions *sessions, const struct session *session,
                     struct request *request, struct error *error)
{
    const int32_t block_tokens = sessions->place.prefix_block_tokens;
    const size_t shared = (size_t)(sessions->system_tokens / block_tokens);
    const size_t count =
        sessions->has_sessions ? (size_t)((request->prompt_tokens - 1) / block_tokens + 1) : shared;
    if (count > sessions->id_capacity) {
        uint64_t *ids = realloc(sessions->ids, 2 * count * sizeof *ids);
        if (ids == NULL)
            return error_run(error, "out of memory for %zu prefix ids", count);
        sessions->ids = ids;
        sessions->id_capacity = 2 * count;
    }
    const uint64_t of_system = first_id(sessions, session->system_prompt, false);
    const uint64_t of_session = first_id(sessions, session->number, true);
    for (size_t i = 0; i < count; i++)
        sessions->ids[i] = (i < shared ? of_system : of_session) + i;
    request->prefix_ids = count > 0 ? sessions->ids : NULL;
    request->prefix_id_count = (int32_t)count;
    request->prefix_id_tokens = count > 0 ? block_tokens : 0;
    return true;
}

/* "s17", or "chat-s17" in a class. */
static struct request_name make_name(const struct sessions *sessions, char kind, int64_t number,
                                     char text[NAME_BYTES])
{
    const char *class_name = sessions->place.class_name;
    const bool named = class_name != NULL;
    const int bytes = snprintf(text, NAME_BYTES, "%s%s%c%lld", named ? class_name : "",
                               named ? "-" : "", kind, (long long)number);
    return (struct request_name){text, bytes};
}

static bool sessions_fill(void *state, const struct session *session, struct request *request,
                          struct error *error)
{
    struct sessions *sessions = state;
    const int64_t priority = sessions->config->priority;
    const char *class_name = sessions->place.class_name;
    *request = (struct request){
        .prompt_tokens = session->prompt_tokens,
        .output_tokens = session->output_tokens,
        .priority = priority != SETTING_UNSET_INTEGER ? (int32_t)priority : 0,
    };
    if (class_name != NULL)
        request->class_name = (struct request_name){class_name, (int32_t)strlen(class_name)};
    if (session->client > 0) {
        request->client_name = make_name(sessions, 'c', session->client, sessions->client_name);
        request->client = XXH64(request->client_name.text, (size_t)request->client_name.bytes, 0);
    }
    if (sessions->has_sessions) {
        request->turn = session->turn;
        request->session = make_name(sessions, 's', session->number, sessions->session_name);
    }
    return !traffic_has_prefixes(sessions->config) || fill_ids(sessions, session, request, error);
}

static double sessions_progress(const void *state)
{
    (void)state;
    return 0.0;
}

static struct source_left_out sessions_left_out(const void *state)
{
    (void)state;
    return (struct source_left_out){0};
}

static void sessions_destroy(void *state)
{
    struct sessions *sessions = state;
    if (sessions == NULL)
        return;
    for (size_t i = 0; i < PURPOSE_COUNT; i++)
        gsl_rng_free(sessions->rngs[i]);
    length_pair_fini(&sessions->lengths);
    length_sampler_fini(&sessions->turns);
    length_sampler_fini(&sessions->followup_tokens);
    if (sessions->popularity != NULL)
        gsl_ran_discrete_free(sessions->popularity);
    free(sessions->ids);
    free(sessions);
}

/* Zipf: the n-th most popular has a weight of n to the minus exponent. */
static bool init_popularity(struct sessions *sessions, struct error *error)
{
    const struct shared_prefix_config *shared = &sessions->config->shared_prefix;
    if (shared->tokens == SETTING_UNSET_INTEGER)
        return true;
    const size_t count = shared->count != SETTING_UNSET_INTEGER ? (size_t)shared->count : 1;
    const double exponent = setting_is_set(shared->zipf_exponent) ? shared->zipf_exponent : 1.0;
    double *weights = malloc(count * sizeof *weights);
    for (size_t i = 0; weights != NULL && i < count; i++)
        weights[i] = pow((double)(i + 1), -exponent);
    sessions->system_tokens = shared->tokens;
    sessions->popularity = weights != NULL ? gsl_ran_discrete_preproc(count, weights) : NULL;
    free(weights);
    return sessions->popularity != NULL ||
           error_run(error, "out of memory for %zu system prompts", count);
}

static bool init_samplers(struct sessions *sessions, struct error *error)
{
    const struct traffic_config *config = sessions->config;
    const struct sessions_config *of_sessions = &config->sessions;
    const struct content_place *place = &sessions->place;
    for (size_t i = 0; i < PURPOSE_COUNT; i++) {
        sessions->rngs[i] =
            rng_create_prefixed(place->seed, place->stream_prefix, purpose_names[i]);
        if (sessions->rngs[i] == NULL)
            return error_run(error, "out of memory");
    }
    if (!length_pair_init(&sessions->lengths, &config->prompt_tokens, &config->output_tokens,
                          config->length_correlation, place->seed, place->stream_prefix, error))
        return false;
    if (!sessions->has_sessions)
        return true;
    sessions->followups_differ = of_sessions->followup_tokens.distribution >= 0;
    const struct length_config *followup =
        sessions->followups_differ ? &of_sessions->followup_tokens : &config->prompt_tokens;
    if (!length_sampler_init(&sessions->turns, &of_sessions->turns, LENGTH_PROMPT,
                             sessions->rngs[TURNS], error) ||
        !length_sampler_init(&sessions->followup_tokens, followup, LENGTH_PROMPT,
                             sessions->rngs[FOLLOWUP], error))
        return false;
    if (of_sessions->max_tokens != SETTING_UNSET_INTEGER)
        sessions->max_tokens = of_sessions->max_tokens;
    return true;
}

bool sessions_open(const struct traffic_config *config, const struct content_place *place,
                   struct content *content, struct error *error)
{
    struct sessions *sessions = calloc(1, sizeof *sessions);
    if (sessions == NULL)
        return error_run(error, "out of memory");
    sessions->config = config;
    sessions->place = *place;
    sessions->has_sessions = traffic_has_sessions(config);
    sessions->max_tokens = INT64_MAX;
    while ((REQUEST_MAX_TOKENS - 1) / place->prefix_block_tokens >> sessions->block_bits > 0)
        sessions->block_bits++;
    if (!init_samplers(sessions, error) || !init_popularity(sessions, error)) {
        sessions_destroy(sessions);
        return false;
    }
    *content = (struct content){.state = sessions,
                                .begin = sessions_begin,
                                .advance = sessions_advance,
                                .fill = sessions_fill,
                                .progress = sessions_progress,
                                .left_out = sessions_left_out,
                                .destroy = sessions_destroy};
    return true;
}
