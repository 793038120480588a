/* Measurement files: told apart by their header, and refused by line and column. */
#include "cost_fixture.h"
#include "measurements.h"

static char directory[64];
static struct document *document;
static struct accelerator accelerator;
static struct measurements measurements;
static struct error error;
static const char *implementation; /* to take; NULL: all */

static void set_up(void)
{
    document = document_create();
    fixture_read_accelerator(document, "rtx-pro-6000", &accelerator);
    unit_enter_directory(directory);
    error = (struct error){0};
    implementation = NULL;
}

static void tear_down(void)
{
    measurements_fini(&measurements);
    document_destroy(document);
    unit_leave_directory(directory);
}

static bool read_as(const char *name, const char *text, const char *model)
{
    unit_write_file(name, text, strlen(text));
    measurements_fini(&measurements);
    struct measurement_options options = {.models = &model,
                                          .model_count = model != NULL ? 1 : 0,
                                          .implementation = implementation,
                                          .config_directory = getenv("LLMSIM_CONFIGS")};
    bool done = measurements_read(&measurements, &name, 1, &accelerator, &options, &error);
    ck_assert_int_eq(unlink(name), 0);
    return done;
}

static void accept(const char *text, const char *kind, size_t rows)
{
    ck_assert_msg(read_as("m.csv", text, NULL), "%s", error.text);
    ck_assert_str_eq(measurements.files[0].kind, kind);
    ck_assert_uint_eq(measurements.count, rows);
    ck_assert_int_eq(measurements.files[0].rows, (int64_t)rows);
}

static void refuse(const char *text, const char *message)
{
    error = (struct error){0};
    ck_assert_msg(!read_as("m.csv", text, NULL), "accepted: %s", text);
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_msg(strstr(error.text, message) != NULL, "'%s' is not in '%s'", message, error.text);
}

#define ATTENTION                                                                                  \
    "batch_size,q_len,kv_len,num_heads,num_kv_heads,head_dim,attn_dtype,kv_cache_dtype,kernel,"    \
    "latency_us,l2_warm\n"

#define MOE                                                                                        \
    "num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,moe_ep_size,dtype,latency_"    \
    "us\n"

static bool moe_rows_are(double active_experts, double pairs)
{
    const struct moe_kernel *moe = &measurements.rows->kernel.moe;
    return moe->active_experts == active_experts && moe->pairs == pairs;
}

START_TEST(test_kinds)
{
    accept("m,n,k,dtype,latency_us\n1,512,1024,bfloat16,3.76\n", "gemm", 1);
    accept(ATTENTION "4,1,8,32,8,128,bfloat16,bfloat16,x,9.5,0\n", "decode_attention", 1);
    accept(ATTENTION "4,8,8,32,8,128,bfloat16,bfloat16,x,9.5,0\n", "prefill_attention", 1);
    accept("impl,version,mode,collective,num_gpus,bytes,dtype,latency_us\n"
           "vllm,1,graph,all_reduce,2,256,bfloat16,5\n",
           "collective", 1);
    accept("model,tp,layer,tokens,latency_us\nQwen/Qwen3-32B,2,qkv_proj,16,20\n", "dense_layers",
           1);
    accept("model,tp,layer,sequences,latency_us\nmeta-llama/Llama-3.1-8B,1,lm_head,1,700\n",
           "per_sequence", 1);
    accept("model,tp,prefill_chunk,kv_prefill,n_decode,kv_decode,latency_us\n"
           "meta-llama/Llama-3.1-8B-Instruct,1,16,32,4,64,12\n",
           "mixed_attention", 1);
}
END_TEST

START_TEST(test_kernels)
{
    accept("model,tp,layer,tokens,latency_us\nmeta-llama/Llama-3.1-8B,2,gate_up_proj,16,20\n",
           "dense_layers", 1);
    const struct measurement *row = measurements.rows;
    ck_assert_int_eq(row->kernel.kind, KERNEL_GEMM);
    ck_assert(row->kernel.gemm.rows == 16 && row->kernel.gemm.columns == 14336 &&
              row->kernel.gemm.inner == 4096);
    ck_assert_double_eq_tol(row->latency_s, 20e-6, 1e-18);
    ck_assert_int_eq(row->line, 2);
    accept("model,tp,layer,tokens,latency_us\nmeta-llama/Llama-3.1-8B,1,layernorm,16,20\n",
           "dense_layers", 1);
    ck_assert(measurements.rows->kernel.moved_bytes == 16 * 4 * 4096 * 2);
    accept(ATTENTION "4,8,24,32,8,128,bfloat16,bfloat16,x,9.5,0\n", "prefill_attention", 1);
    const struct attention_kernel *attention = &measurements.rows->kernel.attention;
    ck_assert(attention->chunks == 4 && attention->chunk_tokens == 8 &&
              attention->chunk_context_tokens == 16 && attention->decodes == 0);
}
END_TEST

START_TEST(test_shapes_of_files)
{
    /* Columns in any order, others beside them; CRLF; no newline at the end; empty lines; a byte
     * order mark. */
    accept("note,latency_us,dtype,k,n,m\nx,3.76,half,1024,512,1\n", "gemm", 1);
    ck_assert(measurements.rows->kernel.gemm.inner == 1024);
    accept("m,n,k,dtype,latency_us\r\n1,2,3,bfloat16,4\r\n", "gemm", 1);
    accept("m,n,k,dtype,latency_us\n1,2,3,bfloat16,4\n\n2,2,3,bfloat16,4", "gemm", 2);
    accept("\xef\xbb\xbfm,n,k,dtype,latency_us\n1,2,3,bfloat16,4\n", "gemm", 1);
    accept("m,n,k,dtype,latency_us\n1e3,2,3,bfloat16,4.5e-1\n", "gemm", 1);
}
END_TEST

START_TEST(test_left_out)
{
    accept("m,n,k,dtype,latency_us\n1,2,3,int3,4\n1,2,3,bfloat16,4\n2,2,3,int3,4\n", "gemm", 1);
    const struct measurement_file *file = measurements.files;
    ck_assert_int_eq(file->left_out_count, 1);
    ck_assert_int_eq(file->left_out[0].rows, 2);
    ck_assert_str_eq(file->left_out[0].reason, "dtype int3");
    accept("mode,collective,num_gpus,bytes,latency_us\neager,all_reduce,2,256,5\n"
           "graph,gossip,2,256,5\n",
           "collective", 0);
    ck_assert_int_eq(measurements.files->left_out_count, 2);
    accept("model,tp,layer,tokens,latency_us\na/unknown,1,o_proj,16,20\n", "dense_layers", 0);
    accept("model,tp,layer,tokens,latency_us\nQwen/Qwen3-32B,1,teleport,16,20\n", "dense_layers",
           0);
    /* Weights in eight bits are another model. */
    accept("model,tp,layer,tokens,latency_us\nQwen/Qwen3-8B-FP8,1,o_proj,16,20\n", "dense_layers",
           0);
    accelerator.interconnect.kind = -1;
    accept("mode,collective,num_gpus,bytes,latency_us\ngraph,all_reduce,2,256,5\n", "collective",
           0);
}
END_TEST

/* 4·kv·8·128 keys and values of two bytes: 61 tokens are 1 MB. */
START_TEST(test_warm_rows_inform_a_fit_where_next_to_nothing_is_read)
{
    accept(ATTENTION "4,1,62,32,8,128,bfloat16,bfloat16,x,9.5,1\n", "decode_attention", 0);
    unit_write_file("warm.csv",
                    ATTENTION "4,1,61,32,8,128,bfloat16,bfloat16,x,9.5,1\n"
                              "4,1,62,32,8,128,bfloat16,bfloat16,x,9.5,1\n"
                              "4,1,61,32,8,128,bfloat16,bfloat16,x,9.5,0\n"
                              "4,8,61,32,8,128,bfloat16,bfloat16,x,9.5,1\n",
                    strlen(ATTENTION) + 4 * strlen("4,1,61,32,8,128,bfloat16,bfloat16,x,9.5,1\n"));
    const char *path = "warm.csv";
    struct measurement_options options = {0};
    measurements_fini(&measurements);
    ck_assert(measurements_read(&measurements, &path, 1, &accelerator, &options, &error));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_uint_eq(measurements.count, 3);
    ck_assert(measurements.rows[0].fit_only);
    /* Cold, or a prefill: compared. */
    ck_assert(!measurements.rows[1].fit_only && !measurements.rows[2].fit_only);
    const struct measurement_file *file = measurements.files;
    ck_assert_int_eq(file->rows, 2);
    ck_assert_int_eq(file->left_out_count, 1);
    ck_assert_int_eq(file->left_out[0].rows, 2);
    ck_assert_ptr_nonnull(strstr(file->left_out[0].reason, "l2_warm"));
}
END_TEST

START_TEST(test_experts)
{
    accept(MOE "64,1024,512,2,8,1,1,bfloat16,50\n", "moe", 1);
    const struct kernel *kernel = &measurements.rows->kernel;
    ck_assert_int_eq(kernel->kind, KERNEL_MOE);
    ck_assert(kernel->moe.tokens == 64 && kernel->moe.hidden == 1024 && kernel->moe.inner == 512);
    ck_assert(moe_rows_are(8, 128));
    accept("distribution," MOE "balanced,3,1024,512,2,8,1,2,bfloat16,50\n"
           "power_law_1.2,64,1024,512,2,8,1,2,bfloat16,50\n"
           "zipf,64,1024,512,2,8,1,1,bfloat16,50\n",
           "moe", 2);
    ck_assert(moe_rows_are(3, 3));
    ck_assert(measurements.rows[1].kernel.moe.pairs > 64);
    ck_assert_str_eq(measurements.files[0].left_out[0].reason, "distribution zipf");
    accept("model,tp,tokens,activated_experts,latency_us\nQwen/Qwen3-30B-A3B,2,4,30,50\n",
           "moe_layers", 1);
    ck_assert(moe_rows_are(30, 32));
    refuse(MOE "64,1024,512,9,8,1,1,bfloat16,50\n", "m.csv:2:13: more experts a token");
    refuse(MOE "64,1024,512,2,8,1,9,bfloat16,50\n", "m.csv:2:19: more ranks than experts");
}
END_TEST

START_TEST(test_implementations)
{
    const char *text = "impl,version,mode,collective,num_gpus,bytes,dtype,latency_us\n"
                       "vllm,0.19.0,graph,all_reduce,2,256,bfloat16,5\n"
                       "vllm,0.24.0,graph,all_reduce,2,256,bfloat16,5\n"
                       "nccl-tests,2.27,graph,all_gather,2,256,bfloat16,5\n"
                       "vllm2,0.24.0,graph,all_reduce,2,256,bfloat16,5\n";
    static const struct {
        const char *wanted;
        size_t rows;
    } cases[] = {{NULL, 4},          {"vllm", 2}, {"vllm/0.24.0,nccl-tests", 2},
                 {"vllm/0.24.0", 1}, {"vll", 0},  {"nccl-tests,vllm2/0.24.0,vllm", 4},
                 {"vllm/0.24", 0}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        implementation = cases[i].wanted;
        accept(text, "collective", cases[i].rows);
    }
    ck_assert_str_eq(measurements.files[0].left_out[0].reason, "not of vllm/0.24");
    /* A file that names none is of whatever is wanted. */
    accept("mode,collective,num_gpus,bytes,latency_us\ngraph,all_reduce,2,256,5\n", "collective",
           1);
}
END_TEST

START_TEST(test_models_of_files_without_the_column)
{
    const char *text = "tp,prefill_chunk,kv_prefill,n_decode,kv_decode,latency_us\n1,16,0,0,0,9\n";
    ck_assert(read_as("gpu_attention_qwen3-32b.csv", text, NULL));
    ck_assert(measurements.rows->kernel.attention.query_heads == 64);
    ck_assert(read_as("m.csv", text, "llama-3.1-8b"));
    ck_assert(measurements.rows->kernel.attention.query_heads == 32);
    ck_assert(!read_as("m.csv", text, "llama-9"));
    ck_assert_ptr_nonnull(strstr(error.text, "llama-9"));
    refuse(text, "--model");
    text = "model,tp,layer,tokens,latency_us\na/b,1,o_proj,16,20\n";
    ck_assert(read_as("m.csv", text, "a/b=qwen3-8b"));
    ck_assert_uint_eq(measurements.count, 1);
}
END_TEST

START_TEST(test_refused)
{
    refuse("", "m.csv: the file is empty");
    refuse("m,n,k,dtype,latency_us\n", "m.csv: no measurements");
    refuse("a,b\n1,2\n", "m.csv:1:1: no header of measured kernels");
    refuse("m,n,k,latency_us\n1,2,3,4\n", "nearest to gemm, without a column 'dtype'");
    refuse("m,n,k,dtype\n1,2,3,x\n", "without a column 'latency_us'");
    refuse("m,n,k,dtype,m,latency_us\n", "m.csv:1:13: a column for the second time");
#define GEMM "m,n,k,dtype,latency_us\n"
    refuse(GEMM "1,2,3,bfloat16,0\n", "m.csv:2:16: latency_us: '0' is not a number");
    refuse(GEMM "1,2,3,bfloat16,-4\n", "m.csv:2:16");
    refuse(GEMM "1,2,3,bfloat16,nan\n", "m.csv:2:16");
    refuse(GEMM "1,2,3,bfloat16,inf\n", "m.csv:2:16");
    refuse(GEMM "1,2,3,bfloat16,1e999\n", "m.csv:2:16");
    refuse(GEMM "1,2,3,bfloat16,\n", "m.csv:2:16");
    refuse(GEMM "1,2,3,bfloat16,4 us\n", "m.csv:2:16");
    refuse(GEMM "1.5,2,3,bfloat16,4\n", "m.csv:2:1: m: '1.5' is not a whole number");
    refuse(GEMM "1,0,3,bfloat16,4\n", "m.csv:2:3");
    refuse(GEMM "1,2,99999999999999999999999,bfloat16,4\n", "m.csv:2:5");
    refuse(GEMM "1,2,3,,4\n", "m.csv:2:7: an empty field");
    refuse(GEMM "1,2,3,bfloat16\n", "m.csv:2:7: 4 fields, where the header has 5");
    refuse(GEMM "1,2,3,bfloat16,4,5\n", "m.csv:2:18: 6 fields");
    refuse(GEMM "1,2,3,bfloat16,4\n\n1,2,x,bfloat16,4\n", "m.csv:4:5");
    refuse(ATTENTION "4,8,7,32,8,128,bfloat16,bfloat16,x,9.5,0\n", "m.csv:2:5: kv_len");
    refuse(ATTENTION "4,8,8,8,32,128,bfloat16,bfloat16,x,9.5,0\n", "m.csv:2:9");
    refuse(ATTENTION "100000,1,8,32,8,128,bfloat16,bfloat16,x,9.5,0\n", "m.csv:2:1: batch_size");
    refuse("model,tp,layer,tokens,latency_us\nQwen/Qwen3-32B,3,o_proj,16,20\n",
           "m.csv:2:16: tp does not divide");
    refuse("model,tp,prefill_chunk,kv_prefill,n_decode,kv_decode,latency_us\n"
           "Qwen/Qwen3-32B,1,0,32,0,64,12\n",
           "neither a prefill chunk nor decodes");
    unit_write_file("m.csv", "m,n,k,dtype,latency_us\n1,2\0,3,bfloat16,4\n", 42);
    const char *path = "m.csv";
    struct measurement_options options = {0};
    measurements_fini(&measurements);
    ck_assert(!measurements_read(&measurements, &path, 1, &accelerator, &options, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "m.csv:2:4: a NUL byte"));
    ck_assert_int_eq(unlink(path), 0);
    measurements_fini(&measurements);
    ck_assert(!measurements_read(&measurements, &path, 1, &accelerator, &options, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "cannot be opened"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_kinds,
                                  test_kernels,
                                  test_shapes_of_files,
                                  test_left_out,
                                  test_warm_rows_inform_a_fit_where_next_to_nothing_is_read,
                                  test_experts,
                                  test_implementations,
                                  test_models_of_files_without_the_column,
                                  test_refused};
    return unit_run_with("measurements", tests, COUNT(tests), set_up, tear_down);
}
