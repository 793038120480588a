/* An accelerator's file: found by name, read, and written again with fitted values. */
#ifndef LLMSIM_STUDY_ACCELERATOR_REWRITE_H
#define LLMSIM_STUDY_ACCELERATOR_REWRITE_H

#include "calibration_report.h"
#include "document.h"
#include "units.h"

struct accelerator_source {
    struct document *document; /* owned; holds all texts */
    const char *path;
    const char *config_directory;
    const struct node *mapping; /* of the file, joined with what efficiencies_from names */
    struct accelerator accelerator;
};

/* As accelerator_load. The caller ends it with accelerator_source_fini, also on an error. */
bool accelerator_source_read(struct accelerator_source *source, const char *name_or_path,
                             const char *config_directory, struct error *error);
void accelerator_source_fini(struct accelerator_source *source);

/* A value as such files have it, with four digits: "5.673 us", "4.83 TB/s", "0.886". */
void accelerator_value_format(double value, enum unit unit, char text[32]);

/* The file's text with the sections of the report's fits replaced where they stand: fitted values,
 * and above each section where they come from. Everything else stays. The caller frees it. NULL
 * with *error filled where the file is not in YAML's block style, a key a line. */
char *accelerator_rewrite(const struct accelerator_source *source,
                          const struct calibration_report *report, struct error *error);

#endif
