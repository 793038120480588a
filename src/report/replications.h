/* The same configuration run several times, with other random numbers: what the figures are on average,
 * and how far that can be trusted. The runs are independent, so Student's t holds as it stands. */
#ifndef LLMSIM_REPORT_REPLICATIONS_H
#define LLMSIM_REPORT_REPLICATIONS_H

#include "summary.h"

/* A figure over the runs; NaN where no run has it. */
struct replicated {
    char key[32];
    int64_t count;
    double mean, minimum, maximum;
    double squares; /* Σ(x − mean)² */
};

struct replications {
    int64_t count;
    int64_t first_seed; /* the others follow */
    struct replicated figures[SUMMARY_FIGURE_COUNT];
    int64_t verdicts[LOAD_COUNT];
    uint64_t digest; /* of all runs, whatever their order */
};

/* One more value; NaN is passed over. */
void replicated_add(struct replicated *figure, double value);

/* NaN of no value. */
static inline double replicated_mean(const struct replicated *figure)
{
    return figure->count > 0 ? figure->mean : (double)NAN;
}

/* Sample standard deviation, and the interval of the mean: NaN of fewer than two values. */
double replicated_std(const struct replicated *figure);
struct interval replicated_interval(const struct replicated *figure);

/* One more run; the first into a zeroed struct. */
void replications_add(struct replications *replications, const struct summary *summary);

/* By its key; there must be one. */
const struct replicated *replications_find(const struct replications *replications,
                                           const char *key);

/* The verdict of most runs; of equally many the worse. */
enum saturation_verdict replications_verdict(const struct replications *replications);

/* A table for people. */
void replications_print_text(const struct replications *replications, FILE *stream);

/* The keys of vLLM's benchmark with the means, and "replications" with the rest. As
 * summary_print_json otherwise. */
bool replications_print_json(const struct replications *replications, json_t *sensitivity,
                             json_t *config, FILE *stream);

#endif
