/* Any bytes as a file of measured kernels. What is taken can be predicted. */
#include "accelerator_spec.h"
#include "document.h"
#include "fuzz_checks.h"
#include "measurements.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char accelerator_text[] =
    "{name: fuzz, memory: 8 GiB, memory_bandwidth: 1 TB/s, bf16_flops: 1 PFLOP/s,"
    " fp16_flops: 1 PFLOP/s, fp32_flops: 1 PFLOP/s, sm_count: 50, l2_cache: 20 MB,"
    " interconnect: {kind: pcie, bandwidth: 9 GB/s}}";
static const char model_path[] = "/tmp/llmsim-fuzz-model.yaml";
static const char model_text[] =
    "{name: fuzz, hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2,"
    " num_attention_heads: 8, num_key_value_heads: 4, head_dim: 8, vocab_size: 100,"
    " max_position_embeddings: 4096}";

static void write_model(void)
{
    static bool written = false;
    FILE *stream = written ? NULL : fopen(model_path, "we");
    if (stream != NULL) {
        fputs(model_text, stream);
        fclose(stream);
    }
    written = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    write_model();
    char path[FUZZ_PATH_BYTES];
    const int descriptor = open_bytes(data, size, path);
    struct document *document = document_create();
    struct error error = {0};
    struct accelerator accelerator;
    const struct node *root = document_read_text(document, "accelerator", accelerator_text,
                                                 sizeof accelerator_text - 1, &error);
    require(settings_read(document, &accelerator_settings, root, &accelerator, &error) &&
            accelerator_resolve(&accelerator, root, &error));
    const char *const models[] = {model_path, "m=/tmp/llmsim-fuzz-model.yaml"};
    const struct measurement_options options = {.models = models, .model_count = 2};
    const char *const paths[] = {path};
    struct measurements measurements;
    if (measurements_read(&measurements, paths, 1, &accelerator, &options, &error)) {
        for (size_t i = 0; i < measurements.count; i++) {
            const struct measurement *row = &measurements.rows[i];
            double time_s = kernel_predict(&accelerator, &row->kernel).time_s;
            require(isfinite(time_s) && time_s > 0.0 && row->latency_s > 0.0);
            require(row->fit_only ||
                    (row->part >= 0 && row->part < measurements.files[0].part_count));
        }
    } else {
        require_input_error(&error);
    }
    measurements_fini(&measurements);
    document_destroy(document);
    close(descriptor);
    return 0;
}
