#include "measured_models.h"

#include "model_spec.h"
#include "named_file.h"
#include <ctype.h>
#include <string.h>

bool measured_models_init(struct measured_models *models, const struct measurement_options *options,
                          struct error *error)
{
    *models = (struct measured_models){.options = options, .document = document_create()};
    return models->document != NULL || error_run(error, "out of memory");
}

void measured_models_fini(struct measured_models *models)
{
    document_destroy(models->document);
    models->document = NULL;
}

/* "Qwen/Qwen3-8B-Instruct-2507" becomes "qwen3-8b-instruct-2507". */
static void make_name(const char *given, char name[128])
{
    const char *slash = strrchr(given, '/');
    snprintf(name, 128, "%s", slash != NULL ? slash + 1 : given);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
}

/* Ends of names that say nothing of a model's dimensions. Others (fp8, awq) do. */
static bool cut_variant(char *name)
{
    static const char *const words[] = {"instruct", "chat", "base", "hf", "it", "pt"};
    char *dash = strrchr(name, '-');
    if (dash == NULL || dash == name)
        return false;
    const char *word = dash + 1;
    bool version =
        *word == 'v' && word[1] != '\0' && word[1 + strspn(word + 1, "0123456789.")] == '\0';
    bool variant = version || (*word != '\0' && word[strspn(word, "0123456789")] == '\0');
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        variant = variant || strcmp(word, words[i]) == 0;
    if (variant)
        *dash = '\0';
    return variant;
}

/* The file of a model by name or path; owned by the document, NULL with *error filled. */
static const char *find_file(const struct measured_models *models, const char *name,
                             struct error *error)
{
    const struct node reference = {.kind = NODE_SCALAR, .text = name};
    const struct name_lookup lookup = {.document = models->document,
                                       .folder = "models",
                                       .config_directory = models->options->config_directory};
    return named_file_path(&lookup, &reference, error);
}

/* The file of a shipped model, by what measurements call it; NULL: there is none. */
static const char *find_shipped(const struct measured_models *models, const char *given)
{
    struct error ignored;
    char name[128];
    make_name(given, name);
    do {
        const char *path = find_file(models, name, &ignored);
        if (path != NULL)
            return path;
    } while (cut_variant(name));
    return NULL;
}

/* The file that an option gives for a name (NULL: for files without names); not owned. */
static const char *find_option(const struct measured_models *models, const char *name)
{
    for (size_t i = 0; i < models->options->model_count; i++) {
        const char *option = models->options->models[i];
        const char *equals = strchr(option, '=');
        if (name == NULL && equals == NULL)
            return option;
        if (name != NULL && equals != NULL && strlen(name) == (size_t)(equals - option) &&
            strncmp(option, name, strlen(name)) == 0)
            return equals + 1;
    }
    return NULL;
}

/* Read the file into a new entry under `name`; path NULL: an unknown model. */
static bool add(struct measured_models *models, const char *name, const char *path,
                const struct model **model, struct error *error)
{
    if (models->count == MEASURED_MODELS_MAX)
        return error_input(error, NULL, "more than %d models in the measurements",
                           MEASURED_MODELS_MAX);
    const size_t index = models->count;
    models->models[index].name = document_copy_text(models->document, name);
    if (models->models[index].name == NULL)
        return error_run(error, "out of memory");
    models->models[index].known = path != NULL;
    *model = NULL;
    if (path != NULL) {
        char warning[512];
        struct node *node = document_read_file(models->document, path, error);
        if (node == NULL ||
            !model_read(models->document, node, &models->models[index].model, warning, error))
            return false;
        *model = &models->models[index].model;
    }
    models->count++;
    return true;
}

/* An option's value: a path, or the name of a shipped model. */
static bool add_option(struct measured_models *models, const char *name, const char *value,
                       const struct model **model, struct error *error)
{
    const char *path = find_file(models, value, error);
    return path != NULL && add(models, name, path, model, error);
}

bool measured_models_find(struct measured_models *models, const char *name,
                          const struct model **model, struct error *error)
{
    for (size_t i = 0; i < models->count; i++) {
        if (strcmp(models->models[i].name, name) == 0) {
            *model = models->models[i].known ? &models->models[i].model : NULL;
            return true;
        }
    }
    const char *option = find_option(models, name);
    if (option != NULL)
        return add_option(models, name, option, model, error);
    return add(models, name, find_shipped(models, name), model, error);
}

bool measured_models_of_file(struct measured_models *models, const char *path,
                             const struct model **model, struct error *error)
{
    const char *option = find_option(models, NULL);
    if (option != NULL)
        return add_option(models, "", option, model, error);
    const char *slash = strrchr(path, '/');
    char name[128];
    snprintf(name, sizeof name, "%s", slash != NULL ? slash + 1 : path);
    char *underscore = strrchr(name, '_');
    char *dot = strrchr(name, '.');
    if (dot != NULL)
        *dot = '\0';
    const char *last = underscore != NULL ? underscore + 1 : name;
    if (!measured_models_find(models, last, model, error))
        return false;
    if (*model != NULL)
        return true;
    const struct location at = {path, 1, 0};
    return error_input(error, &at,
                       "no column 'model', and the file's name does not end in a known one's "
                       "(\"_NAME.csv\"): say --model NAME");
}
