/* The latencies that are reported, and the figures of each that a limit or an interval may be of. */
#ifndef LLMSIM_REPORT_LATENCY_H
#define LLMSIM_REPORT_LATENCY_H

enum latency { LATENCY_TTFT, LATENCY_TPOT, LATENCY_ITL, LATENCY_E2EL, LATENCY_COUNT };

enum latency_figure {
    FIGURE_MEAN,
    FIGURE_MEDIAN,
    FIGURE_P90,
    FIGURE_P95,
    FIGURE_P99,
    LATENCY_FIGURE_COUNT
};

#endif
