/* A workload section whose generator is like a trace, and how like it. */
#ifndef LLMSIM_STUDY_TRACE_FIT_H
#define LLMSIM_STUDY_TRACE_FIT_H

#include "fit_arrivals.h"
#include "fit_classes.h"
#include "fit_lengths.h"
#include "fit_requests.h"

struct fit_class {
    size_t requests; /* of conversations: first turns */
    bool converses;  /* its requests are turns of the fit's sessions */
    double
        correlation; /* Spearman's, of prompt and output; of first turns where there are sessions */
    struct fit_arrivals arrivals;
    struct fit_lengths prompt, output;
};

struct fit_sessions {
    size_t sessions; /* of more than one turn; 0: every request stands alone */
    struct fit_lengths turns, followup;
    double turn_gap_s;
    int64_t max_tokens;
};

struct trace_fit {
    size_t requests;
    double span_s;
    int class_count;
    struct fit_class classes[FIT_MAX_CLASSES];
    struct fit_sessions sessions; /* of the class that converses */
    struct fit_shared_prefix shared;
    int32_t id_tokens; /* 0: there are no prefix ids */
};

/* Fit to requests, of which there is at least one; they are given classes. */
bool trace_fit_find(struct trace_fit *fit, struct fit_requests *requests, struct error *error);
void trace_fit_fini(struct trace_fit *fit);

/* As a document that trace_workload_read reads. */
void trace_fit_print(const struct trace_fit *fit, FILE *stream);

/* The requests of a workload, and what can be said of them. */
struct fit_workload {
    struct fit_requests requests;
    struct trace_report report;
};

/* How the requests of the fitted generator differ from those they are to be like, as lines of YAML
 * comments. */
void trace_fit_print_goodness(const struct fit_workload *original,
                              const struct fit_workload *generated, FILE *stream);

#endif
