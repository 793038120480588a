/* On what it runs: an accelerator's datasheet and the efficiencies fitted to measured kernels. Texts
 * are not owned; figures that are not given (power, those of another kind of interconnect) are NaN.
 * The symbols in brackets are those of the equations in src/cost. */
#ifndef LLMSIM_ACCELERATOR_H
#define LLMSIM_ACCELERATOR_H

#include <stdint.h>

enum interconnect_kind { INTERCONNECT_NONE = -1, INTERCONNECT_PCIE, INTERCONNECT_NVLINK };

/* GEMM: t = t0 + pnorm(F/(P·ec), B/(W·em)), with wave quantisation γ on the compute term. */
struct gemm_efficiency {
    double fixed_s;            /* [t0] */
    double compute_efficiency; /* [ec] */
    double memory_efficiency;  /* [em] */
    double roofline_sharpness; /* [p], ≥ 1: larger is a sharper knee at the ridge point */
    double wave_quantisation;  /* [γ] 0: none */
};

/* Attention in a step of decodes only. */
struct decode_attention_efficiency {
    double fixed_s;           /* [d0] */
    double per_sequence_s;    /* [dtc] per sequence and KV head on one SM */
    double memory_efficiency; /* [dem] */
    double tail_s_per_token;  /* [rl] longest context, once split-KV switches off; 0: none */
};

/* Attention in a step with any prefill: 64-row query tiles over all SMs. */
struct prefill_attention_efficiency {
    double fixed_s;            /* [v0] */
    double per_tile_s;         /* [tc] */
    double compute_efficiency; /* [ea] */
    double empty_tile_s;       /* [te] a tile of the grid with nothing to do */
    double critical_path;      /* [κ] share of the longest tile that adds to the throughput term */
};

struct elementwise_efficiency {
    double fixed_s;                  /* [el0] */
    double l2_bandwidth_bytes_per_s; /* [W_L2] */
    double l2_resident_fraction;     /* [φ] of the L2 that a chain of kernels keeps its data in */
};

/* All-reduce over PCIe: α + 2(n−1)/n·S/β. Over NVLink: one-shot against two-shot up to 8 MiB, then
 * one bandwidth-bound form. */
struct interconnect {
    int kind;                     /* enum interconnect_kind */
    double bandwidth_bytes_per_s; /* [V] NVLink a direction, or [β] effective over PCIe */
    double latency_s;             /* [α] PCIe only */
    double one_shot_s, one_shot_efficiency; /* [a1, b1] NVLink only, and below */
    double two_shot_s, two_shot_efficiency; /* [a2, b2] */
    double per_rank_s;                      /* [h] */
    double large_s, large_efficiency;       /* [a, b] above 8 MiB */
    double large_rank_exponent;             /* [e] */
};

/* Between device and host memory, one direction at a time. */
struct host_link {
    double bandwidth_bytes_per_s; /* that large copies reach */
    double latency_s;             /* of every transfer */
};

/* Time of the serving process that no kernel accounts for. */
struct host_overhead {
    double step_s;         /* every step; 0: hidden, as two steps in flight do */
    double prefill_step_s; /* [t_mix] every step with any prefill */
    double sampler_s;      /* every step that emits a token */
    double sampler_per_sequence_s;
};

struct accelerator {
    const char *name;
    const char *source;
    double memory_bytes;                 /* that the framework sees */
    double memory_bandwidth_bytes_per_s; /* [W] */
    double bf16_flops_per_s;             /* [P] dense, as all of these */
    double fp16_flops_per_s;
    double fp32_flops_per_s;
    int64_t sm_count;      /* [S] */
    double l2_cache_bytes; /* [L2] */
    double power_w;
    struct gemm_efficiency gemm;
    struct decode_attention_efficiency decode_attention;
    struct prefill_attention_efficiency prefill_attention;
    struct elementwise_efficiency elementwise;
    struct interconnect interconnect;
    struct host_link host_link;
    struct host_overhead host;
};

#endif
