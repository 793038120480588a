/* Generated traffic, as the user configures it: at the top of the workload, or of each of its
 * classes. */
#ifndef LLMSIM_WORKLOAD_TRAFFIC_H
#define LLMSIM_WORKLOAD_TRAFFIC_H

#include "arrivals.h"
#include "lengths.h"

/* `sessions`: conversations, whose turns extend each other */
struct sessions_config {
    struct length_config turns;           /* no distribution: there are no sessions */
    double turn_gap_s;                    /* mean; unset in a closed loop, which has think_time */
    struct length_config followup_tokens; /* no distribution: as prompt_tokens */
    int64_t max_tokens;                   /* unset: as long as a request can be */
};

/* `shared_prefix`: system prompts */
struct shared_prefix_config {
    int64_t tokens; /* unset: there are none */
    int64_t count;  /* unset: 1 */
    double zipf_exponent;
};

struct traffic_config {
    struct arrivals_config arrivals;
    struct length_config prompt_tokens;
    struct length_config output_tokens;
    double length_correlation; /* of the two: Spearman's, −1 … 1; unset: they are independent */
    struct sessions_config sessions;
    struct shared_prefix_config shared_prefix;
    int64_t priority; /* unset: 0 */
    int64_t clients;  /* unset: requests have none */
};

/* The table's rows, of a struct traffic_config at `base` bytes into another struct. */
#define TRAFFIC_SECTION(base, member, table, text)                                                 \
    {                                                                                              \
        .name = #member, .kind = SETTING_SECTION,                                                  \
        .offset = (base) + offsetof(struct traffic_config, member), .preset = "none",              \
        .section = &(table), .help = (text)                                                        \
    }
#define TRAFFIC_INTEGER(base, member, low, high, text)                                             \
    {                                                                                              \
        .name = #member, .kind = SETTING_INTEGER,                                                  \
        .offset = (base) + offsetof(struct traffic_config, member), .preset = "none",              \
        .minimum = (low), .maximum = (high), .help = (text)                                        \
    }
#define TRAFFIC_SETTINGS(base)                                                                     \
    TRAFFIC_SECTION(base, arrivals, arrivals_settings,                                             \
                    "when generated requests, or those of a trace, arrive"),                       \
        TRAFFIC_SECTION(base, prompt_tokens, length_settings,                                      \
                        "generated traffic: lengths of the prompts"),                              \
        TRAFFIC_SECTION(base, output_tokens, length_settings,                                      \
                        "generated traffic: lengths of the outputs"),                              \
        {.name = "length_correlation",                                                             \
         .kind = SETTING_REAL,                                                                     \
         .offset = (base) + offsetof(struct traffic_config, length_correlation),                   \
         .preset = "none",                                                                         \
         .minimum = -1,                                                                            \
         .maximum = 1,                                                                             \
         .help = "generated traffic: rank correlation (Spearman's) between a request's prompt "    \
                 "and output lengths, not of turns that followup_tokens has; none: they are "      \
                 "independent"},                                                                   \
        TRAFFIC_SECTION(base, sessions, sessions_settings,                                         \
                        "generated traffic: conversations, which arrivals begin"),                 \
        TRAFFIC_SECTION(base, shared_prefix, shared_prefix_settings,                               \
                        "generated traffic: system prompts"),                                      \
        TRAFFIC_INTEGER(base, priority, -1e9, 1e9,                                                 \
                        "generated traffic: of its requests; smaller is served first; none: 0"),   \
        TRAFFIC_INTEGER(base, clients, 1, 1e9,                                                     \
                        "generated traffic: how many clients send it, each as much as any "        \
                        "other; none: nobody is named")

extern const struct settings_table sessions_settings, shared_prefix_settings;
extern const struct settings_table traffic_settings;

bool traffic_has_sessions(const struct traffic_config *config);

/* Whether its requests have prefix ids. */
bool traffic_has_prefixes(const struct traffic_config *config);

/* The first key that is set but for `arrivals`, which a trace can have too; NULL: none is. */
const char *traffic_find_key(const struct traffic_config *config);

/* Everything that a generator needs is there, and makes sense together. `node` is its section. */
bool traffic_check(const struct traffic_config *config, const struct node *node,
                   struct error *error);

#endif
