/* Files that appear whole or not at all: written beside their final name, then renamed. */
#ifndef LLMSIM_BASE_OUTPUT_FILE_H
#define LLMSIM_BASE_OUTPUT_FILE_H

#include <llmsim/error.h>

struct output_file {
    FILE *stream;         /* write here; NULL when closed */
    char *path;           /* owned; NULL for stdout */
    char *temporary_path; /* owned; NULL where the target is no regular file: written directly */
};

/* Open `path` for writing ("-": stdout). An existing file stays as it is until
 * output_file_commit. */
bool output_file_open(struct output_file *file, const char *path, struct error *error);

/* Flush, check every write since the opening, and put the file in place. Closed either way; on
 * failure nothing is left behind. */
bool output_file_commit(struct output_file *file, struct error *error);

/* Close and leave nothing behind. Does nothing to a closed or zeroed file. */
void output_file_discard(struct output_file *file);

#endif
