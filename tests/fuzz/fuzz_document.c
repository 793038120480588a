/* Any bytes as a configuration: as YAML, then as an override of themselves, then through every
 * table of keys, and as a model of either kind. No file is touched.
 *
 * What is read as a configuration must print as one that reads, and prints, the same. */
#include "document.h"
#include "experiment_config.h"
#include "fuzz_checks.h"
#include "model_spec.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct node *read_text(struct document *document, const char *text, size_t length)
{
    struct error error = {0};
    struct node *root = document_read_text(document, "fuzz", text, length, &error);
    if (root == NULL)
        require_error(&error);
    return root;
}

static void read_override(struct document *document, struct node *root, const char *text)
{
    struct error error = {0};
    if (!document_override(document, root, text, &error))
        require_error(&error);
}

static void read_model(struct document *document, const struct node *root)
{
    struct model model;
    char warning[512];
    struct error error = {0};
    if (!model_read(document, root, &model, warning, &error))
        require_error(&error);
    else
        require(model_parameters(&model) > 0 && memchr(warning, '\0', sizeof warning) != NULL);
}

/* The configuration as printed; NULL when it is none. The caller frees it. */
static char *print_config(struct document *document, const struct node *root)
{
    struct experiment_config config = {0};
    struct error error = {0};
    if (!settings_read(document, &experiment_settings, root, &config, &error)) {
        require_error(&error);
        return NULL;
    }
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    require(stream != NULL);
    experiment_config_print(&config, stream);
    require(fclose(stream) == 0);
    json_decref(settings_to_json(&experiment_settings, &config));
    return text;
}

/* Escapes, and what is not ASCII, can make text that YAML cannot hold in quotes as it is. */
static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || (unsigned char)*text >= 0x7f)
            return false;
    }
    return true;
}

static void require_round_trip(const char *text)
{
    struct document *document = document_create();
    struct node *root = read_text(document, text, strlen(text));
    require(root != NULL);
    char *again = print_config(document, root);
    require(again != NULL && strcmp(again, text) == 0);
    free(again);
    document_destroy(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(size + 1, 1);
    struct document *document = document_create();
    require(text != NULL && document != NULL);
    if (size > 0)
        memcpy(text, data, size);
    struct node *root = read_text(document, text, size);
    if (root != NULL) {
        read_model(document, root);
        char *printed = print_config(document, root);
        if (printed != NULL && is_plain(text))
            require_round_trip(printed);
        free(printed);
        read_override(document, root, text);
    } else {
        read_override(document, read_text(document, "a: {b: 1}", 9), text);
    }
    document_destroy(document);
    free(text);
    return 0;
}
