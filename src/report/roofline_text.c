/* The roofline as tables for people. */
#include "roofline_report.h"

#include "summary.h"

#include <inttypes.h>
#include <math.h>

const char *const roofline_phase_names[ROOFLINE_PHASE_COUNT] = {
    [ROOFLINE_PREFILL] = "prefill", [ROOFLINE_DECODE] = "decode"};

enum bound roofline_bound(const struct cost *cost)
{
    int bound = 0;
    for (int i = 1; i < BOUND_COUNT; i++)
        bound = cost->bound_s[i] > cost->bound_s[bound] ? i : bound;
    return (enum bound)bound;
}

double roofline_mfu(const struct roofline_operator *item)
{
    double peak_flops = item->cost.time_s * item->peak_flops_per_s;
    return peak_flops > 0.0 ? item->cost.flops / peak_flops : 0.0;
}

double roofline_mbu(const struct roofline_device *device, const struct roofline_operator *item)
{
    double peak_bytes = item->cost.time_s * device->bandwidth_bytes_per_s;
    return peak_bytes > 0.0 ? item->moved_bytes / peak_bytes : 0.0;
}

static void print_device(const struct roofline_device *device, FILE *stream)
{
    fprintf(stream, "Accelerator     %s: %.4g GB/s", device->title,
            device->bandwidth_bytes_per_s / 1e9);
    for (int i = 0; i < device->roof_count; i++)
        fprintf(stream, "; %s %.4g TFLOP/s, ridge point %.1f FLOPs/byte", device->roofs[i].dtype,
                device->roofs[i].peak_flops_per_s / 1e12,
                roofline_ridge(device, device->roofs[i].peak_flops_per_s));
    fputc('\n', stream);
}

static void print_gemm_row(const struct roofline_gemm *gemm, const struct roofline_gemm_row *row,
                           FILE *stream)
{
    double peak = row->roof.peak_flops_per_s;
    double ridge = roofline_ridge(&gemm->device, peak);
    double intensity = gemm->flops / row->moved_bytes;
    double attainable = roofline_attainable(&gemm->device, peak, intensity);
    double predicted = gemm->flops / row->cost.time_s;
    bool compute = intensity >= ridge;
    fprintf(stream,
            "  %-6s %12.4g %12.1f %8.1f %12.4g %12.4g %11.4g %9.1f %% %6.1f %%  %s, by %.3g\n",
            row->roof.dtype, row->moved_bytes / 1e6, intensity, ridge, attainable / 1e12,
            row->cost.time_s * 1e3, predicted / 1e12, 100.0 * predicted / attainable,
            100.0 * predicted / peak, summary_bound_names[compute ? BOUND_COMPUTE : BOUND_MEMORY],
            compute ? intensity / ridge : ridge / intensity);
}

void roofline_gemm_print_text(const struct roofline_gemm *gemm, FILE *stream)
{
    print_device(&gemm->device, stream);
    fprintf(stream, "GEMM            %.0f x %.0f x %.0f (M, N, K): %.15g FLOPs, %.15g MACs\n\n",
            gemm->m, gemm->n, gemm->k, gemm->flops, gemm->flops / 2.0);
    fprintf(stream, "  %-6s %12s %12s %8s %12s %12s %11s %11s %8s  %s\n", "", "", "intensity",
            "ridge", "attainable", "time", "predicted", "of", "of", "bound, and how far");
    fprintf(stream, "  %-6s %12s %12s %8s %12s %12s %11s %11s %8s  %s\n", "dtype", "MB",
            "FLOPs/byte", "point", "TFLOP/s", "ms", "TFLOP/s", "attainable", "peak",
            "from the ridge point");
    for (int i = 0; i < gemm->count; i++)
        print_gemm_row(gemm, &gemm->rows[i], stream);
}

static void print_operator(const struct roofline_device *device, const struct roofline_step *step,
                           const struct roofline_operator *item, FILE *stream)
{
    fprintf(stream, "  %-25s %6.0f %11.3f %11.3f %10.2f %10.4f %6.1f %% %-14s", item->name,
            item->calls, item->cost.flops / 1e9, item->moved_bytes / 1e6, roofline_intensity(item),
            item->cost.time_s * 1e3, 100.0 * item->cost.time_s / step->total.cost.time_s,
            summary_bound_names[roofline_bound(&item->cost)]);
    if (item->peak_flops_per_s > 0.0)
        fprintf(stream, "%6.1f %%", 100.0 * roofline_mfu(item));
    else
        fprintf(stream, "%8s", "-");
    if (item->moved_bytes > 0.0)
        fprintf(stream, "%7.1f %%\n", 100.0 * roofline_mbu(device, item));
    else
        fprintf(stream, "%9s\n", "-");
}

static void print_table(const struct roofline_device *device, const struct roofline_step *step,
                        FILE *stream)
{
    bool cached = false;
    fprintf(stream, "  %-25s %6s %11s %11s %10s %10s %8s %-14s%8s%9s\n", "operator", "calls",
            "GFLOPs", "MB moved", "FLOPs/byte", "ms", "share", "bound", "MFU", "MBU");
    for (int i = 0; i < step->count; i++) {
        print_operator(device, step, &step->operators[i], stream);
        cached |= roofline_mbu(device, &step->operators[i]) > 1.0;
    }
    print_operator(device, step, &step->total, stream);
    double moved = step->total.moved_bytes;
    fprintf(stream,
            "  Without the activations, which llmsim run takes to stay on chip: %.3f MB, MBU %.1f "
            "%%.\n",
            step->total.cost.bytes / 1e6,
            100.0 * roofline_mbu(device, &step->total) * step->total.cost.bytes / moved);
    if (cached)
        fputs("  MBU over 100 %: what it moves, it finds in the L2 cache.\n", stream);
}

static void print_crossing(int64_t crossing, FILE *stream)
{
    if (crossing > 1)
        fprintf(stream, " %15" PRId64, crossing);
    else
        fprintf(stream, " %15s", crossing == 1 ? "always" : "never");
}

static void print_crossings(const struct roofline_steps *steps, const struct roofline_step *step,
                            bool decode, FILE *stream)
{
    fprintf(stream, "\n  %-25s %15s", "compute-bound from", decode ? "sequences" : "prompt tokens");
    if (decode)
        fprintf(stream, " %15s", "context tokens");
    fputc('\n', stream);
    for (int i = 0; i < step->count; i++) {
        const struct roofline_operator *item = &step->operators[i];
        if (item->peak_flops_per_s <= 0.0)
            continue;
        fprintf(stream, "  %-25s", item->name);
        print_crossing(decode ? item->crossing_sequences : item->crossing_prompt_tokens, stream);
        if (decode)
            print_crossing(item->crossing_context_tokens, stream);
        fputc('\n', stream);
    }
    fprintf(stream,
            "  Never: not up to %" PRId64
            ". Sizes up to 512 are those that CUDA graphs are captured for.\n",
            steps->search_limit_tokens);
}

static void print_step(const struct roofline_steps *steps, bool decode, FILE *stream)
{
    const struct roofline_step *step = &steps->steps[decode ? ROOFLINE_DECODE : ROOFLINE_PREFILL];
    if (step->sequences == 0)
        return;
    if (decode)
        fprintf(stream, "\nDecode step     %" PRId64 " sequence%s of %" PRId64 " tokens of context",
                step->sequences, step->sequences > 1 ? "s" : "", step->tokens);
    else
        fprintf(stream, "\nPrefill step    a prompt of %" PRId64 " tokens", step->tokens);
    fprintf(stream, "%s\n\n", steps->ranks > 1 ? ", on one rank" : "");
    print_table(&steps->device, step, stream);
    print_crossings(steps, step, decode, stream);
}

static void print_workload(const struct roofline_steps *steps, FILE *stream)
{
    const struct roofline_workload *workload = &steps->workload;
    if (workload->requests == 0)
        return;
    fprintf(stream,
            "\nWorkload        a mean prompt of %.1f and output of %.1f tokens, of %" PRId64
            " requests\n",
            workload->mean_prompt_tokens, workload->mean_output_tokens, workload->requests);
    if (steps->steps[ROOFLINE_PREFILL].sequences > 0 && steps->steps[ROOFLINE_DECODE].sequences > 0)
        fprintf(stream,
                "                such a request takes %.3g prefill steps and %.3g decode steps\n",
                steps->steps[ROOFLINE_PREFILL].steps_per_request,
                steps->steps[ROOFLINE_DECODE].steps_per_request);
}

static void print_balance(const struct roofline_balance *balance, const char *subject, FILE *stream)
{
    double own = balance->ridge_flops_per_byte, best = balance->best_ridge_flops_per_byte;
    fprintf(
        stream,
        "Balance         %s: %.4g GFLOPs, %.4g GB, %.4g ms: %.1f FLOPs/byte; the ridge point is "
        "%.1f\n",
        subject, balance->flops / 1e9, balance->moved_bytes / 1e9, balance->time_s * 1e3,
        balance->flops / balance->moved_bytes, own);
    if (isnan(best)) {
        fputs("                no other ridge point within a factor of 4096 is better\n", stream);
        return;
    }
    double scale = sqrt(best / own);
    fprintf(stream,
            "Best balance    %.1f FLOPs/byte: at the same FLOP/s x bytes/s, FLOP/s x %.3g and "
            "bytes/s x %.3g\n                would take %.4g ms: %.1f %% faster\n",
            best, scale, 1.0 / scale, balance->best_time_s * 1e3,
            100.0 * (balance->time_s / balance->best_time_s - 1.0));
}

void roofline_steps_print_text(const struct roofline_steps *steps, FILE *stream)
{
    fprintf(stream, "Model           %s, %s, on %" PRId64 " x %s\n", steps->model, steps->dtype,
            steps->ranks, steps->device.title);
    print_device(&steps->device, stream);
    print_step(steps, false, stream);
    print_step(steps, true, stream);
    print_workload(steps, stream);
    if (steps->workload.requests == 0)
        fputc('\n', stream);
    bool both =
        steps->steps[ROOFLINE_PREFILL].sequences > 0 && steps->steps[ROOFLINE_DECODE].sequences > 0;
    print_balance(&steps->balance, both ? "a request" : "the step", stream);
}
