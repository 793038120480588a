/* The models that measurements name, by their descriptions. */
#ifndef LLMSIM_STUDY_MEASURED_MODELS_H
#define LLMSIM_STUDY_MEASURED_MODELS_H

#include "document.h"
#include "measurements.h"

enum { MEASURED_MODELS_MAX = 32 };

struct measured_models {
    const struct measurement_options *options;
    struct document *document; /* owned; holds the texts of the models */
    size_t count;
    struct {
        const char *name; /* owned by the document */
        bool known;
        struct model model;
    } models[MEASURED_MODELS_MAX];
};

bool measured_models_init(struct measured_models *models, const struct measurement_options *options,
                          struct error *error);
void measured_models_fini(struct measured_models *models);

/* The model that a row's column names ("Qwen/Qwen3-30B-A3B-Instruct-2507"): what the options say it
 * is, or the shipped one of that name (qwen3-30b-a3b: organisation and variant do not matter).
 * True with *model NULL where there is none; false on an error. */
bool measured_models_find(struct measured_models *models, const char *name,
                          const struct model **model, struct error *error);

/* The model of a file without such a column: what the options say, or the shipped one whose name
 * ends the file's ("rtxpro6000_attention_qwen3-32b.csv"). False with *error filled when that is
 * neither. */
bool measured_models_of_file(struct measured_models *models, const char *path,
                             const struct model **model, struct error *error);

#endif
