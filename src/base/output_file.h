/* Files that appear whole or not at all: written beside their final name, then renamed. */
#ifndef LLMSIM_BASE_OUTPUT_FILE_H
#define LLMSIM_BASE_OUTPUT_FILE_H

#include <llmsim/error.h>

struct output_file {
    FILE *stream;         /* write here; NULL when closed or never opened */
    char *path;           /* owned; NULL for stdout */
    bool unnamed;         /* not yet under its temporary name: nothing to remove */
    char *temporary_path; /* owned; NULL where the target is no regular file: written directly */
};

/* Two paths lead to one and the same existing file. */
bool output_file_same(const char *path, const char *other);

/* Open `path` for writing ("-", or what stdout is redirected to: stdout). An existing file stays as
 * it is until the commit. */
bool output_file_open(struct output_file *file, const char *path, struct error *error);

/* Check every write to every one of these files (those never opened, zeroed, are passed over), and
 * only then put them in place. All are closed either way; on failure those not yet in place
 * leave nothing behind. */
bool output_files_commit(struct output_file *files, size_t count, struct error *error);

/* Close and leave nothing behind. Does nothing to a closed or zeroed file. */
void output_file_discard(struct output_file *file);

#endif
