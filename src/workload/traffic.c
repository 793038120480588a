#include "traffic.h"

#include <string.h>

#define SESSIONS(member)      offsetof(struct sessions_config, member)
#define SHARED_PREFIX(member) offsetof(struct shared_prefix_config, member)
#define COUNT(array)          (sizeof(array) / sizeof *(array))

static const struct setting sessions_table[] = {
    {.name = "turns",
     .kind = SETTING_SECTION,
     .offset = SESSIONS(turns),
     .preset = "none",
     .section = &length_settings,
     .help = "how many requests a session is"},
    {.name = "turn_gap",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS,
     .offset = SESSIONS(turn_gap_s),
     .preset = "none",
     .minimum = 0,
     .maximum = 4e9,
     .help = "mean of the exponential time from the arrival of a session's request to that of its "
             "next, answered or not; not with a closed loop, whose think_time it is"},
    {.name = "followup_tokens",
     .kind = SETTING_SECTION,
     .offset = SESSIONS(followup_tokens),
     .preset = "none",
     .section = &length_settings,
     .help = "what a turn adds to the prompt and output of the one before; none: as prompt_tokens"},
    {.name = "max_tokens",
     .kind = SETTING_INTEGER,
     .unit = UNIT_TOKENS,
     .offset = SESSIONS(max_tokens),
     .preset = "none",
     .minimum = 1,
     .maximum = REQUEST_MAX_TOKENS,
     .help = "a session ends before a turn, other than its first, whose prompt and output would be "
             "longer"},
};
const struct settings_table sessions_settings = {"the section of sessions", sessions_table,
                                                 COUNT(sessions_table)};

static const struct setting shared_prefix_table[] = {
    {.name = "tokens",
     .kind = SETTING_INTEGER,
     .unit = UNIT_TOKENS,
     .offset = SHARED_PREFIX(tokens),
     .preset = "none",
     .minimum = 1,
     .maximum = REQUEST_MAX_TOKENS,
     .help = "a session, or request without one, begins with a system prompt of so many tokens, "
             "in addition to prompt_tokens"},
    {.name = "count",
     .kind = SETTING_INTEGER,
     .offset = SHARED_PREFIX(count),
     .preset = "none",
     .minimum = 1,
     .maximum = 100000,
     .help = "how many system prompts there are; none: 1"},
    {.name = "zipf_exponent",
     .kind = SETTING_REAL,
     .offset = SHARED_PREFIX(zipf_exponent),
     .preset = "none",
     .minimum = 0,
     .maximum = 10,
     .help = "how unequally popular they are: the n-th as 1/n to this power; none: 1"},
};
const struct settings_table shared_prefix_settings = {
    "the section of a shared prefix", shared_prefix_table, COUNT(shared_prefix_table)};

static const struct setting traffic_table[] = {TRAFFIC_SETTINGS(0)};
const struct settings_table traffic_settings = {"a class of clients", traffic_table,
                                                COUNT(traffic_table)};

bool traffic_has_sessions(const struct traffic_config *config)
{
    return config->sessions.turns.distribution >= 0;
}

bool traffic_has_prefixes(const struct traffic_config *config)
{
    return traffic_has_sessions(config) || config->shared_prefix.tokens != SETTING_UNSET_INTEGER;
}

static bool has_key(const struct traffic_config *config, const char *name)
{
    for (size_t i = 0; i < COUNT(traffic_table); i++) {
        if (strcmp(traffic_table[i].name, name) == 0)
            return !setting_is_unset(&traffic_table[i], config);
    }
    return false;
}

const char *traffic_find_key(const struct traffic_config *config)
{
    for (size_t i = 0; i < COUNT(traffic_table); i++) {
        if (strcmp(traffic_table[i].name, "arrivals") != 0 &&
            !setting_is_unset(&traffic_table[i], config))
            return traffic_table[i].name;
    }
    return NULL;
}

static bool check_correlation(const struct traffic_config *config, const struct node *node,
                              struct error *error)
{
    return !setting_is_set(config->length_correlation) ||
           (!length_is_constant(&config->prompt_tokens) &&
            !length_is_constant(&config->output_tokens)) ||
           error_input(error, node_key_location(node, "length_correlation"),
                       "'length_correlation' has no meaning where a length is constant");
}

static bool check_sessions(const struct traffic_config *config, const struct node *node,
                           struct error *error)
{
    const struct sessions_config *sessions = &config->sessions;
    if (!has_key(config, "sessions"))
        return true;
    const struct node *section = node_find(node, "sessions");
    if (!length_check(&sessions->turns, "turns", section, error) ||
        (sessions->followup_tokens.distribution >= 0 &&
         !length_check(&sessions->followup_tokens, "followup_tokens", section, error)))
        return false;
    const bool closed = arrivals_is_closed(&config->arrivals);
    if (closed && setting_is_set(sessions->turn_gap_s))
        return error_input(error, node_key_location(section, "turn_gap"),
                           "'turn_gap' has no meaning in a closed loop: 'think_time' of arrivals "
                           "is what parts the turns");
    if (!closed && !setting_is_set(sessions->turn_gap_s))
        return error_input(error, node_key_location(node, "sessions"),
                           "sessions need a 'turn_gap': the mean time from one turn's arrival to "
                           "the next one's");
    return true;
}

static bool check_shared_prefix(const struct traffic_config *config, const struct node *node,
                                struct error *error)
{
    if (config->shared_prefix.tokens != SETTING_UNSET_INTEGER || !has_key(config, "shared_prefix"))
        return true;
    return error_input(error, node_key_location(node, "shared_prefix"),
                       "shared_prefix needs 'tokens': how long a system prompt is");
}

bool traffic_check(const struct traffic_config *config, const struct node *node,
                   struct error *error)
{
    if (config->arrivals.process < 0)
        return error_input(error, node_key_location(node, "arrivals"),
                           "generated traffic needs 'arrivals' with a 'process'");
    return arrivals_check(&config->arrivals, node_find(node, "arrivals"), error) &&
           length_check(&config->prompt_tokens, "prompt_tokens", node, error) &&
           length_check(&config->output_tokens, "output_tokens", node, error) &&
           check_correlation(config, node, error) && check_sessions(config, node, error) &&
           check_shared_prefix(config, node, error);
}
