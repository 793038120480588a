/* How much load a server can take: what was found, ready to be written down. */
#ifndef LLMSIM_REPORT_CAPACITY_REPORT_H
#define LLMSIM_REPORT_CAPACITY_REPORT_H

#include "replications.h"

enum {
    CAPACITY_MAX_CHECKS = LATENCY_COUNT * LATENCY_FIGURE_COUNT + 1,
    CAPACITY_MAX_POINTS = 32,
};

/* A promise of the SLO: a latency's figure, or the share of good requests. */
struct slo_check {
    bool is_goodput;
    enum latency latency;
    enum latency_figure figure;
    double limit; /* ms at most; of goodput a share, at least */
};

/* The promises of an SLO: limits of figures, and goodput; of limits of requests alone, that
 * `default_goodput` of them are good. 0: it promises nothing. */
size_t slo_list_checks(const struct slo *slo, double default_goodput,
                       struct slo_check checks[CAPACITY_MAX_CHECKS]);

/* What a run has of it; NaN where it has nothing (no request of two tokens). Of goodput, rejected
 * requests are not good. */
double slo_check_value(const struct slo_check *check, const struct summary *summary);

/* A margin says how near a load is to the limit: from afar all are as far. */
#define SLO_WIDEST_MARGIN 3.0

/* How far a value is from the limit: ln(value / limit), of goodput that of the others' shares; at most
 * 0 where the promise is kept. NaN counts as kept. Within ±SLO_WIDEST_MARGIN. */
double slo_check_margin(const struct slo_check *check, double value);

/* "p99_ttft_ms", "goodput" */
void slo_check_name(const struct slo_check *check, char name[32]);

/* A load that was tried. */
struct capacity_point {
    double load;           /* of the key that was varied */
    double requests_per_s; /* that it offers; of a closed loop, that are served */
    struct replicated values[CAPACITY_MAX_CHECKS]; /* of each check */
    struct replications runs;
    double busy_share, kv_peak_use; /* means over the replications */
    double margin;                  /* the worst check's, of the mean values */
    size_t limiting;                /* that check */
    bool meets;
};

/* What serving costs, of one server or several. */
struct capacity_cost {
    double output_tokens_per_s, total_tokens_per_s;
    double dollars_per_hour; /* NaN: no price */
    double power_w;          /* mean; NaN: no power in the accelerator's description */
};

/* What a load needs. */
struct capacity_fleet {
    double load;    /* of the key that was varied */
    double servers; /* a whole number */
    double requests_per_s;
    struct capacity_point each; /* a server under its equal share of the load */
    struct capacity_cost cost;  /* of all servers */
};

struct capacity {
    const char *key;  /* "workload.arrivals.rate" */
    const char *unit; /* "requests/s" */
    bool whole;       /* whole numbers of it */
    bool is_rate;     /* the load itself is in requests a second */
    bool
        keeps_up; /* the SLO says nothing of waiting: a load that overloads the server is too much */
    struct slo_check checks[CAPACITY_MAX_CHECKS];
    size_t check_count;
    struct capacity_point points[CAPACITY_MAX_POINTS]; /* in the order they were tried */
    size_t point_count;
    size_t best;     /* of them: the highest load below the lowest that fails; if has_best */
    size_t too_much; /* that lowest; if has_limit */
    bool has_best, has_limit;
    double precision;        /* that was asked for: of the load, relative */
    struct replicated loads; /* the capacity of each replication, where there are several */
    int64_t replications;
    int64_t runs; /* simulations in all */
    double
        estimate_per_s; /* requests a second when all are there from the start; NaN: closed loop */
    int64_t accelerators;      /* of one server */
    struct capacity_cost cost; /* of one server at the best load */
    bool has_fleet;
    struct capacity_fleet fleet;
};

/* How far apart the best load and the lowest that fails are, relative to the former. */
double capacity_reached_precision(const struct capacity *capacity);

double capacity_dollars_per_million_tokens(const struct capacity_cost *cost); /* output */
double capacity_tokens_per_dollar(const struct capacity_cost *cost);          /* output */
double capacity_kwh_per_million_tokens(const struct capacity_cost *cost);     /* output */

/* A table for people. */
void capacity_print_text(const struct capacity *capacity, FILE *stream);

/* Everything; NULL when memory cannot be had. Takes over the reference to `config` (NULL: none). */
json_t *capacity_to_json(const struct capacity *capacity, json_t *config);

#endif
