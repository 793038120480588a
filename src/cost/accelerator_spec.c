/* The keys of an accelerator's description. Presets of fitted values are typical of the measured
 * accelerators, so that a datasheet alone makes a usable description. */
#include "accelerator_spec.h"

#include <llmsim/model.h>

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
#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* clang-format off */
static const struct setting gemm_rows[] = {
    REAL("fixed", struct gemm_efficiency, fixed_s, UNIT_SECONDS, 0, 1, "4.5 us",
         "t0: of every GEMM"),
    REAL("compute_efficiency", struct gemm_efficiency, compute_efficiency, UNIT_NONE, 1e-3, 1,
         "0.85", "ec: share of peak FLOP/s that large GEMMs reach"),
    REAL("memory_efficiency", struct gemm_efficiency, memory_efficiency, UNIT_NONE, 1e-3, 1, "0.9",
         "em: share of the memory bandwidth that large streams reach"),
    REAL("roofline_sharpness", struct gemm_efficiency, roofline_sharpness, UNIT_NONE, 1, 100, "1.8",
         "p: the norm that joins compute and memory time; larger is a sharper knee"),
    REAL("wave_quantisation", struct gemm_efficiency, wave_quantisation, UNIT_NONE, 0, 1, "0",
         "γ: share of a last, partial wave of tiles that is lost; 0: none"),
};
static const struct settings_table gemm_table = {"gemm", gemm_rows, COUNT(gemm_rows)};

static const struct setting decode_rows[] = {
    REAL("fixed", struct decode_attention_efficiency, fixed_s, UNIT_SECONDS, 0, 1, "13 us",
         "d0: of every attention kernel in a step of decodes only"),
    REAL("per_sequence", struct decode_attention_efficiency, per_sequence_s, UNIT_SECONDS, 0, 1,
         "2.4 us", "dtc: for each sequence and KV head on one SM"),
    REAL("memory_efficiency", struct decode_attention_efficiency, memory_efficiency, UNIT_NONE,
         1e-3, 1, "0.9", "dem: share of the memory bandwidth reached in reading the KV cache"),
    REAL("tail_per_token", struct decode_attention_efficiency, tail_s_per_token,
         UNIT_SECONDS_PER_TOKEN, 0, 1, "0 us",
         "rl: for the longest context, once enough sequences switch split-KV off; 0: none"),
};
static const struct settings_table decode_table = {"decode_attention", decode_rows,
                                                   COUNT(decode_rows)};

static const struct setting prefill_rows[] = {
    REAL("fixed", struct prefill_attention_efficiency, fixed_s, UNIT_SECONDS, 0, 1, "3 us",
         "v0: of every attention kernel in a step with any prefill"),
    REAL("per_tile", struct prefill_attention_efficiency, per_tile_s, UNIT_SECONDS, 0, 1, "4 us",
         "tc: for each tile of 64 query rows of a head"),
    REAL("compute_efficiency", struct prefill_attention_efficiency, compute_efficiency, UNIT_NONE,
         1e-3, 1, "0.62", "ea: share of peak FLOP/s within a tile"),
    REAL("empty_tile", struct prefill_attention_efficiency, empty_tile_s, UNIT_SECONDS, 0, 1,
         "0.33 us", "te: for each tile of the grid with nothing to do"),
    REAL("critical_path", struct prefill_attention_efficiency, critical_path, UNIT_NONE, 0, 10,
         "0.55", "κ: share of the longest tile that adds to the throughput time"),
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

static const char *const interconnect_names[] = {"pcie", "nvlink", NULL};
static const struct setting interconnect_rows[] = {
    {.name = "kind", .kind = SETTING_CHOICE, .offset = offsetof(struct interconnect, kind),
     .preset = "none", .choices = interconnect_names,
     .help = "between tensor-parallel ranks; none: one rank only"},
    REAL("bandwidth", struct interconnect, bandwidth_bytes_per_s, UNIT_BYTES_PER_S, 1, INFINITY,
         "none", "NVLink: V, of the link in one direction; PCIe: β, reached by an all-reduce"),
    REAL("latency", struct interconnect, latency_s, UNIT_SECONDS, 0, 1, "none",
         "PCIe: α, of every all-reduce"),
    REAL("one_shot", struct interconnect, one_shot_s, UNIT_SECONDS, 0, 1, "none",
         "NVLink: a1, of a one-shot all-reduce"),
    REAL("one_shot_efficiency", struct interconnect, one_shot_efficiency, UNIT_NONE, 1e-3, 2,
         "none", "NVLink: b1, share of the bandwidth"),
    REAL("two_shot", struct interconnect, two_shot_s, UNIT_SECONDS, 0, 1, "none",
         "NVLink: a2, of a two-shot all-reduce"),
    REAL("two_shot_efficiency", struct interconnect, two_shot_efficiency, UNIT_NONE, 1e-3, 2,
         "none", "NVLink: b2, share of the bandwidth"),
    REAL("per_rank", struct interconnect, per_rank_s, UNIT_SECONDS, 0, 1, "none",
         "NVLink: h, for each other rank"),
    REAL("large", struct interconnect, large_s, UNIT_SECONDS, 0, 1, "none",
         "NVLink: a, of an all-reduce of more than 8 MiB"),
    REAL("large_efficiency", struct interconnect, large_efficiency, UNIT_NONE, 1e-3, 2, "none",
         "NVLink: b, share of the bandwidth with 8 ranks"),
    REAL("large_rank_exponent", struct interconnect, large_rank_exponent, UNIT_NONE, 0, 3, "none",
         "NVLink: e, the share goes as (ranks / 8)^e"),
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
    REAL("step", struct host_overhead, step_s, UNIT_SECONDS, 0, 1, "0 s",
         "added to every step; 0 where two steps in flight hide the host"),
    REAL("prefill_step", struct host_overhead, prefill_step_s, UNIT_SECONDS, 0, 1, "5.5 ms",
         "added to every step with any prefill"),
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
    REAL("memory", struct accelerator, memory_bytes, UNIT_BYTES, 1, 1e15, NULL,
         "device memory that a process sees: less than on the box"),
    REAL("memory_bandwidth", struct accelerator, memory_bandwidth_bytes_per_s, UNIT_BYTES_PER_S, 1,
         1e18, NULL, "W: of the datasheet"),
    REAL("bf16_flops", struct accelerator, bf16_flops_per_s, UNIT_FLOPS_PER_S, 1, 1e21, NULL,
         "P: dense (datasheets also print sparse figures, twice as large)"),
    REAL("fp16_flops", struct accelerator, fp16_flops_per_s, UNIT_FLOPS_PER_S, 1, 1e21, NULL,
         "P: dense"),
    REAL("fp32_flops", struct accelerator, fp32_flops_per_s, UNIT_FLOPS_PER_S, 1, 1e21, NULL,
         "P: without tensor cores"),
    {.name = "sm_count", .kind = SETTING_INTEGER, .offset = offsetof(struct accelerator, sm_count),
     .minimum = 1, .maximum = 1e6, .help = "S: streaming multiprocessors"},
    REAL("l2_cache", struct accelerator, l2_cache_bytes, UNIT_BYTES, 1, 1e12, NULL,
         "L2: size of the last cache"),
    REAL("power", struct accelerator, power_w, UNIT_WATTS, 0, 1e6, "none",
         "board power of the datasheet; nothing is computed from it"),
    SECTION(gemm, &gemm_table, "auto", "matrix products"),
    SECTION(decode_attention, &decode_table, "auto", "attention in steps of decodes only"),
    SECTION(prefill_attention, &prefill_table, "auto", "attention in steps with any prefill"),
    SECTION(elementwise, &elementwise_table, "auto", "norms, rotary embedding, activations"),
    SECTION(interconnect, &interconnect_table, "none", "between tensor-parallel ranks"),
    SECTION(host_link, &host_link_table, "auto", "between device and host memory"),
    SECTION(host, &host_table, "auto", "time that no kernel accounts for"),
};
/* clang-format on */

const struct settings_table accelerator_settings = {"an accelerator", rows, COUNT(rows)};

/* The rows of the interconnect section that only one kind reads. */
static bool belongs_to_kind(const struct setting *setting, int kind)
{
    if (setting->kind == SETTING_CHOICE)
        return true;
    if (setting->offset == offsetof(struct interconnect, bandwidth_bytes_per_s))
        return kind != INTERCONNECT_NONE;
    if (setting->offset == offsetof(struct interconnect, latency_s))
        return kind == INTERCONNECT_PCIE;
    return kind == INTERCONNECT_NVLINK;
}

bool accelerator_check(const struct accelerator *accelerator, const struct node *node,
                       struct error *error)
{
    const struct interconnect *interconnect = &accelerator->interconnect;
    const struct node *section = node_find(node, "interconnect");
    const char *kind =
        interconnect->kind == INTERCONNECT_NONE ? "none" : interconnect_names[interconnect->kind];
    for (size_t i = 0; i < interconnect_table.count; i++) {
        const struct setting *setting = &interconnect_table.settings[i];
        if (setting->kind == SETTING_CHOICE)
            continue;
        bool given = !setting_is_unset(setting, interconnect);
        bool belongs = belongs_to_kind(setting, interconnect->kind);
        if (belongs && !given)
            return error_input(error, node_key_location(section, "kind"),
                               "an interconnect of kind %s needs '%s' (%s)", kind, setting->name,
                               setting->help);
        if (!belongs && given)
            return error_input(error, node_key_location(section, setting->name),
                               "'%s' has no meaning for an interconnect of kind %s (%s)",
                               setting->name, kind, setting->help);
    }
    return true;
}

double accelerator_flops_per_s(const struct accelerator *accelerator, int dtype)
{
    switch (dtype) {
    case DTYPE_FP32:
        return accelerator->fp32_flops_per_s;
    case DTYPE_FP16:
        return accelerator->fp16_flops_per_s;
    default:
        return accelerator->bf16_flops_per_s;
    }
}
