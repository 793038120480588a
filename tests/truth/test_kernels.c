/* The shipped accelerators against measured kernels: the mean absolute error of each equation stays
 * below a ceiling a little above what the fit reached.
 *
 *     test_kernels [DIRECTORY]      or LLMSIM_SHARED=DIRECTORY, the one that holds truth/
 *
 * Skipped (exit status 77) where the files are absent; the repository may not carry them. */
#include "../unit/cost_fixture.h"

#include "operators.h"
#include <math.h>

enum { SKIPPED = 77, MAX_BATCH = 1024 };

static const char *shared;

/* A file of measurements, row by row. */
struct table {
    FILE *stream;
    char line[512];
};

static struct table table_open(const char *file)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/truth/%s", shared, file);
    struct table table = {.stream = fopen(path, "re")};
    ck_assert_msg(table.stream != NULL, "no %s", path);
    ck_assert_ptr_nonnull(fgets(table.line, sizeof table.line, table.stream)); /* the header */
    return table;
}

/* The next row's text; NULL and closed at the end. */
static const char *table_next(struct table *table)
{
    if (fgets(table->line, sizeof table->line, table->stream) != NULL)
        return table->line;
    fclose(table->stream);
    return NULL;
}

struct errors {
    int count;
    double absolute, signed_;
};

static void add_error(struct errors *errors, double predicted_s, double measured_us)
{
    double error = predicted_s / (measured_us * 1e-6) - 1.0;
    errors->count++;
    errors->absolute += fabs(error);
    errors->signed_ += error;
}

static void check_errors(const struct errors *errors, const char *file, int least_rows,
                         double ceiling)
{
    double mean = errors->absolute / errors->count;
    printf("%-52s %6d rows, mean error %5.2f %%, bias %+6.2f %%\n", file, errors->count,
           100.0 * mean, 100.0 * errors->signed_ / errors->count);
    ck_assert_msg(errors->count >= least_rows, "%s: only %d rows", file, errors->count);
    ck_assert_msg(mean < ceiling, "%s: mean error %.2f %%, not below %.2f %%", file, 100.0 * mean,
                  100.0 * ceiling);
}

static double gemm_s(const struct accelerator *accelerator, double m, double n, double k)
{
    struct gemm_shape shape = {m, m, n, k, 2, 2};
    return gemm_cost(accelerator, DTYPE_BF16, &shape).time_s;
}

/* Attention of one layer, with the threshold of split-KV as the roofline sets it, unpadded. */
static struct attention one_layer(const struct accelerator *accelerator, double heads,
                                  double kv_heads, double head_dim)
{
    struct attention_shape shape = {1,
                                    heads,
                                    kv_heads,
                                    head_dim,
                                    head_dim,
                                    2,
                                    4 * kv_heads * head_dim,
                                    accelerator->bf16_flops_per_s,
                                    false};
    struct attention attention;
    attention_init(&attention, accelerator, &shape);
    attention.decode_tail_from = (int32_t)ceil(1.6 * (double)accelerator->sm_count / kv_heads);
    return attention;
}

struct kernel_file {
    const char *accelerator;
    const char *file;
    double ceiling;
};

static void check_files(const struct kernel_file *files, size_t count,
                        void (*compare)(const struct accelerator *, const char *, struct errors *))
{
    for (size_t i = 0; i < count; i++) {
        struct document *document = document_create();
        struct accelerator accelerator;
        fixture_read_accelerator(document, files[i].accelerator, &accelerator);
        struct errors errors = {0};
        compare(&accelerator, files[i].file, &errors);
        check_errors(&errors, files[i].file, 200, files[i].ceiling);
        document_destroy(document);
    }
}

static void compare_gemm(const struct accelerator *accelerator, const char *file,
                         struct errors *errors)
{
    struct table table = table_open(file);
    for (const char *row; (row = table_next(&table)) != NULL;) {
        double m, n, k, latency_us;
        if (sscanf(row, "%lf,%lf,%lf,bfloat16,%lf", &m, &n, &k, &latency_us) == 4)
            add_error(errors, gemm_s(accelerator, m, n, k), latency_us);
    }
}

START_TEST(test_gemm)
{
    const struct kernel_file files[] = {
        {"a100-sxm-80gb", "kernels/gemm_a100_sxm_vllm_0.14.0.csv", 0.095},
        {"h100-sxm", "kernels/gemm_h100_sxm_vllm_0.24.0.csv", 0.09},
        {"rtx-pro-6000", "kernels/gemm_rtx_pro_6000_server_vllm_0.19.0.csv", 0.165},
    };
    check_files(files, COUNT(files), compare_gemm);
}
END_TEST

struct attention_row {
    double batch, q, kv, heads, kv_heads, head_dim, latency_us;
    int l2_warm;
};

static int parse_attention(const char *text, struct attention_row *row)
{
    return sscanf(text, "%lf,%lf,%lf,%lf,%lf,%lf,bfloat16,bfloat16,%*[^,],%lf,%*[^,],%d",
                  &row->batch, &row->q, &row->kv, &row->heads, &row->kv_heads, &row->head_dim,
                  &row->latency_us, &row->l2_warm);
}

static void compare_decode(const struct accelerator *accelerator, const char *file,
                           struct errors *errors)
{
    struct table table = table_open(file);
    for (const char *text; (text = table_next(&table)) != NULL;) {
        struct attention_row row;
        /* A KV cache that a replay finds in L2 says nothing of a server's. */
        if (parse_attention(text, &row) != 8 || row.l2_warm)
            continue;
        struct attention attention = one_layer(accelerator, row.heads, row.kv_heads, row.head_dim);
        struct step_load load = fixture_decodes((int32_t)row.batch, (int32_t)row.kv);
        add_error(errors, attention_decode_cost(&attention, &load).time_s, row.latency_us);
    }
}

START_TEST(test_decode_attention)
{
    const struct kernel_file files[] = {
        {"a100-sxm-80gb", "kernels/attn_decode_a100_sxm_vllm_0.14.0.csv", 0.135},
        {"h100-sxm", "kernels/attn_decode_h100_sxm_vllm_0.24.0.csv", 0.06},
        {"rtx-pro-6000", "kernels/attn_decode_rtx_pro_6000_server_vllm_0.19.0.csv", 0.115},
    };
    check_files(files, COUNT(files), compare_decode);
}
END_TEST

static void compare_prefill(const struct accelerator *accelerator, const char *file,
                            struct errors *errors)
{
    struct table table = table_open(file);
    for (const char *text; (text = table_next(&table)) != NULL;) {
        struct attention_row row;
        if (parse_attention(text, &row) < 7)
            continue;
        ck_assert(row.batch <= MAX_BATCH);
        struct prefill_chunk chunks[MAX_BATCH];
        for (int i = 0; i < (int)row.batch; i++)
            chunks[i] = (struct prefill_chunk){(int32_t)row.q, (int32_t)(row.kv - row.q)};
        struct step_load load = {.chunk_count = (int32_t)row.batch, .chunks = chunks};
        struct attention attention = one_layer(accelerator, row.heads, row.kv_heads, row.head_dim);
        add_error(errors, attention_mixed_cost(&attention, &load).time_s, row.latency_us);
    }
}

START_TEST(test_prefill_attention)
{
    const struct kernel_file files[] = {
        {"a100-sxm-80gb", "kernels/attn_prefill_a100_sxm_vllm_0.14.0.csv", 0.105},
        {"h100-sxm", "kernels/attn_prefill_h100_sxm_vllm_0.24.0.csv", 0.155},
        {"rtx-pro-6000", "kernels/attn_prefill_rtx_pro_6000_server_vllm_0.19.0.csv", 0.07},
    };
    check_files(files, COUNT(files), compare_prefill);
}
END_TEST

/* Layers of Llama-3.1-8B in vLLM: 32 query and 8 KV heads of 128. */
static void compare_llama_attention(const struct accelerator *accelerator, const char *file,
                                    struct errors *errors)
{
    struct table table = table_open(file);
    for (const char *text; (text = table_next(&table)) != NULL;) {
        double ranks, latency_us;
        int chunk_tokens, context, decodes, decode_context;
        const char *comma = strchr(text, ','); /* one file begins with the model's name */
        if (text[0] == 'm' && comma != NULL)
            text = comma + 1;
        ck_assert_int_eq(sscanf(text, "%lf,%d,%d,%d,%d,%lf", &ranks, &chunk_tokens, &context,
                                &decodes, &decode_context, &latency_us),
                         6);
        struct attention attention = one_layer(accelerator, 32.0 / ranks, 8.0 / ranks, 128);
        const struct prefill_chunk chunk = {chunk_tokens, context};
        struct step_load load = fixture_decodes(decodes, decodes > 0 ? decode_context : 0);
        load.chunk_count = chunk_tokens > 0 ? 1 : 0;
        load.chunks = &chunk;
        struct cost cost = chunk_tokens > 0 ? attention_mixed_cost(&attention, &load)
                                            : attention_decode_cost(&attention, &load);
        add_error(errors, cost.time_s, latency_us);
    }
}

START_TEST(test_mixed_attention)
{
    const struct kernel_file files[] = {
        {"rtx-4090", "profiles/rtx4090_attention.csv", 0.12},
        {"rtx-pro-6000", "profiles/rtxpro6000_attention_llama-3.1-8b.csv", 0.13},
    };
    check_files(files, COUNT(files), compare_llama_attention);
}
END_TEST

static void compare_llama_dense(const struct accelerator *accelerator, const char *file,
                                struct errors *errors)
{
    struct table table = table_open(file);
    for (const char *text; (text = table_next(&table)) != NULL;) {
        double ranks, tokens, latency_us, time_s = -1.0;
        char layer[32];
        if (sscanf(text, "meta-llama/Llama-3.1-8B,%lf,%31[^,],%lf,%lf", &ranks, layer, &tokens,
                   &latency_us) != 4)
            continue;
        if (strcmp(layer, "qkv_proj") == 0)
            time_s = gemm_s(accelerator, tokens, 6144.0 / ranks, 4096);
        else if (strcmp(layer, "o_proj") == 0)
            time_s = gemm_s(accelerator, tokens, 4096, 4096.0 / ranks);
        else if (strcmp(layer, "gate_up_proj") == 0)
            time_s = gemm_s(accelerator, tokens, 28672.0 / ranks, 4096);
        else if (strcmp(layer, "down_proj") == 0)
            time_s = gemm_s(accelerator, tokens, 4096, 14336.0 / ranks);
        else if (strcmp(layer, "act_fn") == 0)
            time_s = elementwise_cost(accelerator, tokens * 6.0 * 14336.0 / ranks).time_s;
        else if (strcmp(layer, "layernorm") == 0)
            time_s = elementwise_cost(accelerator, tokens * 8.0 * 4096.0).time_s;
        if (time_s >= 0.0)
            add_error(errors, time_s, latency_us);
    }
}

START_TEST(test_dense_layers)
{
    const struct kernel_file files[] = {
        {"rtx-4090", "profiles/rtx4090_dense.csv", 0.09},
        {"rtx-pro-6000", "profiles/rtxpro6000_dense.csv", 0.145},
    };
    check_files(files, COUNT(files), compare_llama_dense);
}
END_TEST

int main(int argc, char **argv)
{
    shared = argc > 1 ? argv[1] : getenv("LLMSIM_SHARED");
    char path[1024];
    snprintf(path, sizeof path, "%s/truth/kernels", shared != NULL ? shared : "");
    if (shared == NULL || access(path, R_OK) != 0) {
        puts("skipped: no measured kernels (LLMSIM_SHARED names the directory that holds truth/)");
        return SKIPPED;
    }
    const TTest *const tests[] = {test_gemm, test_decode_attention, test_prefill_attention,
                                  test_mixed_attention, test_dense_layers};
    return unit_run("kernels", tests, COUNT(tests));
}
