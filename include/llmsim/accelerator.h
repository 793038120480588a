/* On what it runs: an accelerator's datasheet and the efficiencies fitted to measured kernels. Texts
 * are not owned; figures that are not given (power, those of another kind of interconnect) are NaN.
 * The symbols in brackets are those of the equations in src/cost. */
#ifndef LLMSIM_ACCELERATOR_H
#define LLMSIM_ACCELERATOR_H

#include <stdint.h>

enum interconnect_kind { INTERCONNECT_NONE = -1, INTERCONNECT_PCIE, INTERCONNECT_NVLINK };

/* GEMM: a grid of tiles over the SMs against a stream from memory (src/cost/gemm.c). */
struct gemm_efficiency {
    double fixed_s;                  /* [t0] of every kernel */
    double compute_efficiency;       /* [ec] of a tile's multiplications */
    double memory_efficiency;        /* [em] of a long stream */
    double memory_ramp_s;            /* [τ] a stream takes to come up to speed */
    double roofline_sharpness;       /* [p], ≥ 1: larger is a sharper knee at the ridge point */
    double wave_quantisation;        /* [γ] share of a last, partial wave of tiles that is lost */
    double tile_s;                   /* [tl] a tile takes beside its multiplications */
    double sm_bandwidth_bytes_per_s; /* [ws] from L2 to one SM */
    double split_s;                  /* [tr] of adding up, where the inner dimension is split */
};

enum gemm_tiles { GEMM_TILES_ANY, GEMM_TILES_128 /* 128 × 128 and no other */ };

/* What is its own where both operands have 8 bits; the rest is as above. */
struct gemm_8bit_efficiency {
    double compute_efficiency, wave_quantisation, tile_s, sm_bandwidth_bytes_per_s;
    int tiles; /* enum gemm_tiles: the kernels there are */
    /* The pass that quantises the activations: t = tq + 3·M·(K + k0)/(W·eq). */
    double quantise_s;            /* [tq] */
    double quantise_efficiency;   /* [eq] beyond 1: in L2 */
    double quantise_row_elements; /* [k0] that a row takes as long as, beside its own */
};

/* Attention in a step of decodes only. */
struct decode_attention_efficiency {
    double fixed_s;           /* [d0] */
    double per_sequence_s;    /* [dtc] per sequence and KV head on one SM */
    double memory_efficiency; /* [dem] */
    double split_s;           /* [ds] of adding up, where contexts are split over SMs */
    double tail_s_per_token;  /* [rl] that one SM alone takes, where they are not */
};

/* Attention in a step with any prefill: tiles of query rows over all SMs. */
struct prefill_attention_efficiency {
    double fixed_s;            /* [v0] */
    double per_tile_s;         /* [tc] */
    double compute_efficiency; /* [ea] */
    double empty_tile_s;       /* [te] a tile of the grid with nothing to do */
    double critical_path;      /* [κ] share of the longest tile that adds to the throughput term */
    double exposed_traffic;    /* [en] share of the new tokens' traffic that adds to the rest */
};

struct elementwise_efficiency {
    double fixed_s;                  /* [el0] */
    double l2_bandwidth_bytes_per_s; /* [W_L2] */
    double l2_resident_fraction;     /* [φ] of the L2 that a chain of kernels keeps its data in */
};

/* Routed experts: grouped GEMMs (src/cost/moe.c). */
struct moe_efficiency {
    double fixed_s;            /* [t0] of all its kernels */
    double compute_efficiency; /* [ec] */
    double memory_efficiency;  /* [em] */
    double roofline_sharpness; /* [p] */
};

/* Between the ranks of a group (src/cost/collective.c). Efficiencies are shares of V. */
struct interconnect {
    int kind;                     /* enum interconnect_kind */
    double bandwidth_bytes_per_s; /* [V] of the link, in one direction */
    /* All-reduce. */
    double one_shot_s, one_shot_efficiency;       /* [a1, b1] over PCIe: between two ranks */
    double two_shot_s, two_shot_efficiency;       /* [a2, b2] NVLink only */
    double low_latency_s, low_latency_efficiency; /* [a2, b2] PCIe only: NCCL's LL protocol */
    double custom_limit_bytes;      /* largest message of one-shot and two-shot; beyond: ring */
    double per_rank_s;              /* [h] for each other rank */
    double ring_s, ring_efficiency; /* [a, b] the efficiency: with 8 ranks… */
    double ring_rank_exponent;      /* [e] … and with n, as (n/8)^e */
    /* All-gather, reduce-scatter and all-to-all: each moves its message once. */
    double gather_s, gather_per_rank_s, gather_efficiency; /* short messages */
    double gather_long_s, gather_long_efficiency;          /* long ones, on top of gather_s */
    double gather_rank_exponent;
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
    /* Name or path of the accelerator whose efficiencies stand where this one's were not measured;
     * NULL: all are its own. */
    const char *efficiencies_from;
    double memory_bytes;                 /* that the framework sees */
    double memory_bandwidth_bytes_per_s; /* [W] */
    /* [P] Dense; NaN where the hardware has no units for the dtype. At least one of the first three
     * is given. */
    double fp32_flops_per_s; /* without tensor cores */
    double bf16_flops_per_s;
    double fp16_flops_per_s;
    double fp8_flops_per_s;
    double int8_flops_per_s;
    double fp4_flops_per_s;
    int64_t sm_count;        /* [S] */
    int64_t flash_attention; /* version of its kernels: 2, or 3 (Hopper) */
    double l2_cache_bytes;   /* [L2] */
    double power_w, idle_power_w;
    double price_per_hour_dollars;
    struct gemm_efficiency gemm;
    struct gemm_8bit_efficiency gemm_8bit;
    struct decode_attention_efficiency decode_attention;
    struct prefill_attention_efficiency prefill_attention;
    struct elementwise_efficiency elementwise;
    struct moe_efficiency moe;
    struct interconnect interconnect;
    struct host_link host_link;
    struct host_overhead host;
};

#endif
