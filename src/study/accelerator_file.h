/* Accelerators as commands and configurations name them: by name, by path, or as a mapping, with the
 * efficiencies of another where they are known from their datasheet alone. */
#ifndef LLMSIM_STUDY_ACCELERATOR_FILE_H
#define LLMSIM_STUDY_ACCELERATOR_FILE_H

#include "accelerator_spec.h"

/* Read and check the accelerator in `mapping`. What `efficiencies_from` names is looked up as
 * accelerators/NAME.yaml and NAME.yaml beside the file that says so, then in
 * CONFIG_DIRECTORY/accelerators (NULL: nowhere); it must have efficiencies of its own. The mapping
 * is completed by them. Texts of *accelerator live in the document. */
bool accelerator_read(struct document *document, struct node *mapping, const char *config_directory,
                      struct accelerator *accelerator, struct error *error);

/* The same for a file: a path, or a name looked up as accelerators/NAME.yaml in the working directory
 * and in the configurations' directory. */
bool accelerator_load(struct document *document, const char *name_or_path,
                      const char *config_directory, struct accelerator *accelerator,
                      struct error *error);

#endif
