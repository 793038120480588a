/* Models and accelerators by name: NAME stands for FOLDER/NAME.yaml. */
#ifndef LLMSIM_STUDY_NAMED_FILE_H
#define LLMSIM_STUDY_NAMED_FILE_H

#include "document.h"

struct name_lookup {
    struct document *document;
    const char *folder; /* "models", "accelerators" */
    const char *here;   /* a directory and its '/', where the name's node has none; NULL */
    bool among_them;    /* who names it lies in such a folder itself: look beside it too */
    const char *config_directory; /* where to look last; NULL: nowhere */
};

/* The file that a scalar names: a path (with a '/', or ending as YAML and JSON files do) relative to
 * the file it stands in; or a name, looked up beside that file and then in the configurations'
 * directory. Owned by the document; NULL with *error filled, near names suggested. */
const char *named_file_path(const struct name_lookup *lookup, const struct node *reference,
                            struct error *error);

/* FOLDER/NAME.yaml of the configurations' directory, when there is such a file; else NULL. */
const char *named_file_shipped(const struct name_lookup *lookup, const char *name);

/* What to call the file at `path`, found for `reference`, so that the name means the same wherever it
 * is read: the name, where it is that of the configurations' directory; else the absolute path. Owned
 * by the document; NULL when memory cannot be had. */
const char *named_file_portable(const struct name_lookup *lookup, const struct node *reference,
                                const char *path);

#endif
