/* An accelerator's file, written again with fitted values. */
#ifndef LLMSIM_STUDY_ACCELERATOR_REWRITE_H
#define LLMSIM_STUDY_ACCELERATOR_REWRITE_H

#include "calibration_report.h"
#include "document.h"
#include "units.h"

struct accelerator_original {
    struct document *document; /* owned; holds everything else */
    const char *path;
    const char *config_directory; /* not owned */
    const struct node *root;      /* as it is written */
    struct accelerator accelerator;
};

/* `name` is a path, or a name of configs/accelerators; `config_directory` (may be NULL) holds
 * accelerators/. The caller ends it with accelerator_original_fini, also on an error. */
bool accelerator_original_read(struct accelerator_original *original, const char *name,
                               const char *config_directory, struct error *error);
void accelerator_original_fini(struct accelerator_original *original);

/* A value as such files have it, with four digits: "5.673 us", "4.83 TB/s", "0.886". */
void accelerator_value_format(double value, enum unit unit, char text[32]);

/* The file's text with the sections of the report's fits replaced where they stand: fitted values,
 * and above each section where they come from. Everything else stays. The caller frees it. NULL
 * with *error filled where the file is not in YAML's block style, a key a line. */
char *accelerator_rewrite(const struct accelerator_original *original,
                          const struct calibration_report *report, struct error *error);

#endif
