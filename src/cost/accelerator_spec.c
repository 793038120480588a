/* The keys of an accelerator's description. Presets of fitted values are typical of the measured
 * accelerators, so that a datasheet alone makes a usable description. */
#include "accelerator_spec.h"

#include <llmsim/model.h>
#include <string.h>

#define REAL(name_, type, member, unit_, least, most, preset_, help_)                              \
    {                                                                                              \
        .name = name_, .kind = SETTING_REAL, .unit = unit_, .offset = offsetof(type, member),      \
        .preset = preset_, .minimum = least, .maximum = most, .help = help_                        \
    }
#define SECTION(name_, table, preset_, help_)                                                      \
    {                                                                                              \
        .name = #name_, .kind = SETTING_SECTION, .offset = offsetof(struct accelerator, name_),    \
        .preset = preset_, .section = table, .help = help_                                         \
    }
#define FLOPS(dtype, help_)                                                                        \
    REAL(#dtype "_flops", struct accelerator, dtype##_flops_per_s, UNIT_FLOPS_PER_S, 1, 1e21,      \
         "none", help_)
#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* clang-format off */
static const struct setting gemm_rows[] = {
    REAL("fixed", struct gemm_efficiency, fixed_s, UNIT_SECONDS, 0, 1, "1 us", "t0: of every GEMM"),
    REAL("compute_efficiency", struct gemm_efficiency, compute_efficiency, UNIT_NONE, 1e-3, 1,
         "0.85", "ec: share of peak FLOP/s that a tile's multiplications reach"),
    REAL("memory_efficiency", struct gemm_efficiency, memory_efficiency, UNIT_NONE, 1e-3, 1, "0.92",
         "em: share of the memory bandwidth that a long stream reaches"),
    REAL("memory_ramp", struct gemm_efficiency, memory_ramp_s, UNIT_SECONDS, 0, 1, "1 us",
         "τ: a stream that takes T takes √(τ·T) more to come up to speed"),
    REAL("roofline_sharpness", struct gemm_efficiency, roofline_sharpness, UNIT_NONE, 1, 100, "3.5",
         "p: the norm that joins compute and memory time; larger is a sharper knee"),
    REAL("wave_quantisation", struct gemm_efficiency, wave_quantisation, UNIT_NONE, 0, 1, "0.5",
         "γ: share of a last, partial wave of tiles that is lost; 0: none"),
    REAL("tile", struct gemm_efficiency, tile_s, UNIT_SECONDS, 0, 1, "2 us",
         "tl: of a tile, beside its multiplications"),
    REAL("sm_bandwidth", struct gemm_efficiency, sm_bandwidth_bytes_per_s, UNIT_BYTES_PER_S, 1,
         INFINITY, "90 GB/s", "ws: of operands from L2 to one SM"),
    REAL("split", struct gemm_efficiency, split_s, UNIT_SECONDS, 0, 1, "3 us",
         "tr: of adding up partial sums, where the inner dimension is split"),
};
static const struct settings_table gemm_table = {"gemm", gemm_rows, COUNT(gemm_rows)};

static const char *const tiles_names[] = {
    [GEMM_TILES_ANY] = "any", [GEMM_TILES_128] = "128x128", NULL};
static const struct setting gemm_8bit_rows[] = {
    REAL("compute_efficiency", struct gemm_8bit_efficiency, compute_efficiency, UNIT_NONE, 1e-3, 1,
         "0.78", "ec: share of the 8-bit peak that a tile's multiplications reach"),
    REAL("wave_quantisation", struct gemm_8bit_efficiency, wave_quantisation, UNIT_NONE, 0, 1,
         "0.5", "γ: share of a last, partial wave of tiles that is lost"),
    REAL("tile", struct gemm_8bit_efficiency, tile_s, UNIT_SECONDS, 0, 1, "1 us",
         "tl: of a tile, beside its multiplications"),
    REAL("sm_bandwidth", struct gemm_8bit_efficiency, sm_bandwidth_bytes_per_s, UNIT_BYTES_PER_S, 1,
         INFINITY, "90 GB/s", "ws: of operands from L2 to one SM"),
    {.name = "tiles", .kind = SETTING_CHOICE, .offset = offsetof(struct gemm_8bit_efficiency, tiles),
     .preset = "any", .choices = tiles_names, .help = "kernels there are, by the tiles they compute"},
    REAL("quantise", struct gemm_8bit_efficiency, quantise_s, UNIT_SECONDS, 0, 1, "3 us",
         "tq: of the pass that quantises activations"),
    REAL("quantise_efficiency", struct gemm_8bit_efficiency, quantise_efficiency, UNIT_NONE, 1e-3,
         20, "0.5", "eq: its share of the memory bandwidth; beyond 1: it works in L2"),
    REAL("quantise_row", struct gemm_8bit_efficiency, quantise_row_elements, UNIT_NONE, 0, 1e6, "0",
         "k0: elements that a row takes as long as, beside its own"),
};
static const struct settings_table gemm_8bit_table = {"gemm_8bit", gemm_8bit_rows,
                                                      COUNT(gemm_8bit_rows)};

static const struct setting decode_rows[] = {
    REAL("fixed", struct decode_attention_efficiency, fixed_s, UNIT_SECONDS, 0, 1, "12 us",
         "d0: of every attention kernel in a step of decodes only"),
    REAL("per_sequence", struct decode_attention_efficiency, per_sequence_s, UNIT_SECONDS, 0, 1,
         "3.6 us", "dtc: for each sequence and KV head on one SM"),
    REAL("memory_efficiency", struct decode_attention_efficiency, memory_efficiency, UNIT_NONE,
         1e-3, 1, "0.9", "dem: share of the memory bandwidth reached in reading the KV cache"),
    REAL("split", struct decode_attention_efficiency, split_s, UNIT_SECONDS, 0, 1, "6 us",
         "ds: of adding up, where contexts of 512 tokens or more are split over SMs"),
    REAL("tail_per_token", struct decode_attention_efficiency, tail_s_per_token,
         UNIT_SECONDS_PER_TOKEN, 0, 1, "0.02 us",
         "rl: of context that one SM walks through, where they are not"),
};
static const struct settings_table decode_table = {"decode_attention", decode_rows,
                                                   COUNT(decode_rows)};

static const struct setting prefill_rows[] = {
    REAL("fixed", struct prefill_attention_efficiency, fixed_s, UNIT_SECONDS, 0, 1, "3 us",
         "v0: of every attention kernel in a step with any prefill"),
    REAL("per_tile", struct prefill_attention_efficiency, per_tile_s, UNIT_SECONDS, 0, 1, "4 us",
         "tc: for each tile of query rows of a head"),
    REAL("compute_efficiency", struct prefill_attention_efficiency, compute_efficiency, UNIT_NONE,
         1e-3, 1, "0.65", "ea: share of peak FLOP/s within a tile"),
    REAL("empty_tile", struct prefill_attention_efficiency, empty_tile_s, UNIT_SECONDS, 0, 1,
         "0.33 us", "te: for each tile of the grid with nothing to do"),
    REAL("critical_path", struct prefill_attention_efficiency, critical_path, UNIT_NONE, 0, 10,
         "0.55", "κ: share of the longest tile that adds to the throughput time"),
    REAL("exposed_traffic", struct prefill_attention_efficiency, exposed_traffic, UNIT_NONE, 0, 10,
         "0.5", "en: share of the traffic of queries, keys, values and results of the tokens computed "
         "that adds to the rest"),
};
static const struct settings_table prefill_table = {"prefill_attention", prefill_rows,
                                                    COUNT(prefill_rows)};

static const struct setting elementwise_rows[] = {
    REAL("fixed", struct elementwise_efficiency, fixed_s, UNIT_SECONDS, 0, 1, "2.5 us",
         "el0: of every norm, rotary embedding, activation and KV cache write"),
    REAL("l2_bandwidth", struct elementwise_efficiency, l2_bandwidth_bytes_per_s, UNIT_BYTES_PER_S,
         1, INFINITY, "4 TB/s", "W_L2: of data that stays in the L2 cache"),
    REAL("l2_resident_fraction", struct elementwise_efficiency, l2_resident_fraction, UNIT_NONE, 0,
         1, "0.5", "φ: share of the L2 cache that data stays in from one operator to the next"),
};
static const struct settings_table elementwise_table = {"elementwise", elementwise_rows,
                                                        COUNT(elementwise_rows)};

static const struct setting moe_rows[] = {
    REAL("fixed", struct moe_efficiency, fixed_s, UNIT_SECONDS, 0, 1, "28 us",
         "t0: of the routed experts of a layer, all kernels"),
    REAL("compute_efficiency", struct moe_efficiency, compute_efficiency, UNIT_NONE, 1e-3, 1, "0.5",
         "ec: share of peak FLOP/s that grouped GEMMs reach"),
    REAL("memory_efficiency", struct moe_efficiency, memory_efficiency, UNIT_NONE, 1e-3, 1, "0.89",
         "em: share of the memory bandwidth reached in reading experts"),
    REAL("roofline_sharpness", struct moe_efficiency, roofline_sharpness, UNIT_NONE, 1, 100, "1.6",
         "p: the norm that joins compute and memory time"),
};
static const struct settings_table moe_table = {"moe", moe_rows, COUNT(moe_rows)};

static const char *const interconnect_names[] = {"pcie", "nvlink", NULL};
#define LINK_TIME(name_, member, help_)                                                            \
    REAL(name_, struct interconnect, member, UNIT_SECONDS, 0, 1, "auto", help_)
#define LINK_SHARE(name_, member, help_)                                                           \
    REAL(name_, struct interconnect, member, UNIT_NONE, 1e-3, 2, "auto", help_)
#define LINK_EXPONENT(name_, member, help_)                                                        \
    REAL(name_, struct interconnect, member, UNIT_NONE, -3, 3, "auto", help_)
static const struct setting interconnect_rows[] = {
    {.name = "kind", .kind = SETTING_CHOICE, .offset = offsetof(struct interconnect, kind),
     .preset = "none", .choices = interconnect_names,
     .help = "between the ranks of a group; none: one rank only"},
    REAL("bandwidth", struct interconnect, bandwidth_bytes_per_s, UNIT_BYTES_PER_S, 1, INFINITY,
         "none", "V: of the link in one direction"),
    LINK_TIME("one_shot", one_shot_s, "a1: of a one-shot all-reduce; PCIe: between two ranks"),
    LINK_SHARE("one_shot_efficiency", one_shot_efficiency, "b1: share of the bandwidth"),
    LINK_TIME("two_shot", two_shot_s, "NVLink: a2, of a two-shot all-reduce"),
    LINK_SHARE("two_shot_efficiency", two_shot_efficiency, "NVLink: b2, share of the bandwidth"),
    LINK_TIME("low_latency", low_latency_s, "PCIe: a2, of NCCL's low-latency all-reduce"),
    LINK_SHARE("low_latency_efficiency", low_latency_efficiency,
               "PCIe: b2, share of the bandwidth"),
    REAL("custom_limit", struct interconnect, custom_limit_bytes, UNIT_BYTES, 0, 1e15, "auto",
         "longest message of one-shot and two-shot; longer ones go in a ring"),
    LINK_TIME("per_rank", per_rank_s, "h: for each other rank"),
    LINK_TIME("ring", ring_s, "a: of a ring all-reduce"),
    LINK_SHARE("ring_efficiency", ring_efficiency, "b: share of the bandwidth with 8 ranks"),
    LINK_EXPONENT("ring_rank_exponent", ring_rank_exponent, "e: the share goes as (ranks / 8)^e"),
    LINK_TIME("gather", gather_s, "g: of an all-gather, reduce-scatter or all-to-all"),
    LINK_TIME("gather_per_rank", gather_per_rank_s, "gh: for each other rank"),
    LINK_SHARE("gather_efficiency", gather_efficiency, "gb: share of the bandwidth, short messages"),
    LINK_TIME("gather_long", gather_long_s, "gl: that long messages take more, to be faster"),
    LINK_SHARE("gather_long_efficiency", gather_long_efficiency,
               "glb: share of the bandwidth with 8 ranks, long messages"),
    LINK_EXPONENT("gather_rank_exponent", gather_rank_exponent,
                  "ge: the share goes as (ranks / 8)^ge"),
};
static const struct settings_table interconnect_table = {"interconnect", interconnect_rows,
                                                         COUNT(interconnect_rows)};

static const struct setting host_link_rows[] = {
    REAL("bandwidth", struct host_link, bandwidth_bytes_per_s, UNIT_BYTES_PER_S, 1, INFINITY,
         "25 GB/s", "that large copies to or from host memory reach; PCIe 4.0 x16: 25, 5.0: 50 GB/s"),
    REAL("latency", struct host_link, latency_s, UNIT_SECONDS, 0, 1, "10 us",
         "of every transfer to or from host memory"),
};
static const struct settings_table host_link_table = {"host_link", host_link_rows,
                                                      COUNT(host_link_rows)};

static const struct setting host_rows[] = {
    REAL("step", struct host_overhead, step_s, UNIT_SECONDS, 0, 1, "0.3 ms",
         "added to every step: between one step's kernels and the next one's"),
    REAL("prefill_step", struct host_overhead, prefill_step_s, UNIT_SECONDS, 0, 1, "5.2 ms",
         "added to every step with any prefill, beside that"),
    REAL("sampler", struct host_overhead, sampler_s, UNIT_SECONDS, 0, 1, "20 us",
         "added to every step that emits a token"),
    REAL("sampler_per_sequence", struct host_overhead, sampler_per_sequence_s, UNIT_SECONDS, 0, 1,
         "0.5 us", "added for every token emitted"),
};
static const struct settings_table host_table = {"host", host_rows, COUNT(host_rows)};

static const struct setting rows[] = {
    {.name = "name", .kind = SETTING_TEXT, .offset = offsetof(struct accelerator, name),
     .help = "what reports call the accelerator"},
    {.name = "source", .kind = SETTING_TEXT, .offset = offsetof(struct accelerator, source),
     .preset = "none", .help = "where the figures come from"},
    {.name = "efficiencies_from", .kind = SETTING_TEXT,
     .offset = offsetof(struct accelerator, efficiencies_from), .preset = "none",
     .help = "an accelerator, by name or path, whose sections of efficiencies stand where none are here"},
    REAL("memory", struct accelerator, memory_bytes, UNIT_BYTES, 1, 1e15, NULL,
         "device memory that a process sees: less than on the box"),
    REAL("memory_bandwidth", struct accelerator, memory_bandwidth_bytes_per_s, UNIT_BYTES_PER_S, 1,
         1e18, NULL, "W: of the datasheet"),
    FLOPS(fp32, "P: without tensor cores; none: no such units, as in all of these"),
    FLOPS(bf16, "P: dense (datasheets also print sparse figures, twice as large)"),
    FLOPS(fp16, "P: dense, accumulated in fp32"),
    FLOPS(fp8, "P: dense, accumulated in fp32"),
    FLOPS(int8, "P: dense"),
    FLOPS(fp4, "P: dense, with scales for small groups (MXFP4, NVFP4)"),
    {.name = "sm_count", .kind = SETTING_INTEGER, .offset = offsetof(struct accelerator, sm_count),
     .minimum = 1, .maximum = 1e6, .help = "S: streaming multiprocessors"},
    {.name = "flash_attention", .kind = SETTING_INTEGER,
     .offset = offsetof(struct accelerator, flash_attention), .preset = "2", .minimum = 2,
     .maximum = 3, .help = "version of the FlashAttention kernels that run on it; 3: Hopper"},
    REAL("l2_cache", struct accelerator, l2_cache_bytes, UNIT_BYTES, 1, 1e12, NULL,
         "L2: size of the last cache"),
    REAL("power", struct accelerator, power_w, UNIT_WATTS, 0, 1e6, "none",
         "board power of the datasheet, taken while it computes; simulated times do not hang on it"),
    REAL("idle_power", struct accelerator, idle_power_w, UNIT_WATTS, 0, 1e6, "none",
         "power while it does not compute; none: board power then too"),
    REAL("price_per_hour", struct accelerator, price_per_hour_dollars, UNIT_NONE, 0, 1e9, "none",
         "dollars an hour of one accelerator"),
    SECTION(gemm, &gemm_table, "auto", "matrix products"),
    SECTION(gemm_8bit, &gemm_8bit_table, "auto", "what is its own where both operands have 8 bits"),
    SECTION(decode_attention, &decode_table, "auto", "attention in steps of decodes only"),
    SECTION(prefill_attention, &prefill_table, "auto", "attention in steps with any prefill"),
    SECTION(elementwise, &elementwise_table, "auto", "norms, rotary embedding, activations"),
    SECTION(moe, &moe_table, "auto", "routed experts"),
    SECTION(interconnect, &interconnect_table, "none", "between the ranks of a group"),
    SECTION(host_link, &host_link_table, "auto", "between device and host memory"),
    SECTION(host, &host_table, "auto", "time that no kernel accounts for"),
};
/* clang-format on */

const struct settings_table accelerator_settings = {"an accelerator", rows, COUNT(rows)};

/* The rows of the interconnect section that only one kind reads. */
static bool belongs_to_kind(const struct setting *setting, int kind)
{
    static const struct {
        const char *prefix;
        int kind;
    } own[] = {{"two_shot", INTERCONNECT_NVLINK}, {"low_latency", INTERCONNECT_PCIE}};
    for (size_t i = 0; i < COUNT(own); i++) {
        if (strncmp(setting->name, own[i].prefix, strlen(own[i].prefix)) == 0)
            return kind == own[i].kind;
    }
    return kind != INTERCONNECT_NONE;
}

/* What is not said of an interconnect is as measured: between H100s in one server, and between RTX PRO
 * 6000s on PCIe 5.0. */
static const struct interconnect typical[] = {
    [INTERCONNECT_NVLINK] = {.one_shot_s = 4.25e-6,
                             .one_shot_efficiency = 0.584,
                             .two_shot_s = 8.74e-6,
                             .two_shot_efficiency = 0.756,
                             .custom_limit_bytes = 8 * 1024 * 1024,
                             .per_rank_s = 0.0614e-6,
                             .ring_s = 31e-6,
                             .ring_efficiency = 0.981,
                             .ring_rank_exponent = 0.287,
                             .gather_s = 5.69e-6,
                             .gather_per_rank_s = 0.721e-6,
                             .gather_efficiency = 0.268,
                             .gather_long_s = 13.5e-6,
                             .gather_long_efficiency = 0.738,
                             .gather_rank_exponent = 0.187},
    [INTERCONNECT_PCIE] = {.one_shot_s = 4.35e-6,
                           .one_shot_efficiency = 0.635,
                           .low_latency_s = 3.62e-6,
                           .low_latency_efficiency = 0.429,
                           .custom_limit_bytes = 8 * 1024 * 1024,
                           .per_rank_s = 2.95e-6,
                           .ring_s = 35.7e-6,
                           .ring_efficiency = 0.376,
                           .ring_rank_exponent = -0.346,
                           .gather_s = 4.35e-6,
                           .gather_per_rank_s = 1.57e-6,
                           .gather_efficiency = 0.211,
                           .gather_long_s = 8.54e-6,
                           .gather_long_efficiency = 0.312,
                           .gather_rank_exponent = -0.297},
};

static double *real_member(const struct setting *setting, struct interconnect *interconnect)
{
    return (double *)(void *)((char *)interconnect + setting->offset);
}

static bool resolve_interconnect(struct interconnect *interconnect, const struct node *section,
                                 struct error *error)
{
    if (interconnect->kind != INTERCONNECT_NONE &&
        !setting_is_set(interconnect->bandwidth_bytes_per_s))
        return error_input(error, node_key_location(section, "kind"),
                           "an interconnect needs 'bandwidth', of the link in one direction");
    for (size_t i = 0; i < interconnect_table.count; i++) {
        const struct setting *setting = &interconnect_table.settings[i];
        if (setting->kind == SETTING_CHOICE)
            continue;
        bool given = !setting_is_unset(setting, interconnect);
        bool belongs = belongs_to_kind(setting, interconnect->kind);
        if (belongs && !given) {
            struct interconnect usual = typical[interconnect->kind];
            *real_member(setting, interconnect) = *real_member(setting, &usual);
        }
        if (!belongs && given)
            return error_input(
                error, node_key_location(section, setting->name),
                "'%s' has no meaning for an interconnect of kind %s (%s)", setting->name,
                interconnect->kind == INTERCONNECT_NONE ? "none"
                                                        : interconnect_names[interconnect->kind],
                setting->help);
    }
    return true;
}

bool accelerator_resolve(struct accelerator *accelerator, const struct node *node,
                         struct error *error)
{
    bool computes = accelerator_supports(accelerator, DTYPE_BF16) ||
                    accelerator_supports(accelerator, DTYPE_FP16) ||
                    accelerator_supports(accelerator, DTYPE_FP32);
    if (!computes)
        return error_input(error, node != NULL ? &node->at : NULL,
                           "an accelerator needs 'bf16_flops', 'fp16_flops' or 'fp32_flops': what "
                           "activations are computed in");
    return resolve_interconnect(&accelerator->interconnect, node_find(node, "interconnect"), error);
}

double accelerator_flops_per_s(const struct accelerator *accelerator, int dtype)
{
    const double flops_per_s[DTYPE_COUNT] = {
        [DTYPE_FP32] = accelerator->fp32_flops_per_s,
        [DTYPE_BF16] = accelerator->bf16_flops_per_s,
        [DTYPE_FP16] = accelerator->fp16_flops_per_s,
        [DTYPE_FP8] = accelerator->fp8_flops_per_s,
        [DTYPE_INT8] = accelerator->int8_flops_per_s,
        [DTYPE_INT4] = SETTING_UNSET_REAL, /* weights are stored in it, nothing is multiplied */
        [DTYPE_FP4] = accelerator->fp4_flops_per_s,
    };
    return flops_per_s[dtype];
}

bool accelerator_supports(const struct accelerator *accelerator, int dtype)
{
    return setting_is_set(accelerator_flops_per_s(accelerator, dtype));
}

void accelerator_print_name(const struct accelerator *accelerator, FILE *stream)
{
    fputs(accelerator->name, stream);
    const char *lender = accelerator->efficiencies_from;
    if (lender == NULL)
        return;
    const char *slash = strrchr(lender, '/');
    lender = slash != NULL ? slash + 1 : lender;
    const char *dot = strrchr(lender, '.');
    bool suffix = dot != NULL && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
    int length = suffix ? (int)(dot - lender) : (int)strlen(lender);
    fprintf(stream, " (datasheet; efficiencies of %.*s)", length, lender);
}
