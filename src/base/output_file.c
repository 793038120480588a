#include "output_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void forget(struct output_file *file)
{
    free(file->path);
    free(file->temporary_path);
    memset(file, 0, sizeof *file);
}

/* A device or a pipe cannot be replaced: it is written to. */
static bool is_special(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

/* Beside the target, so that the rename stays within one file system. The mode is that of a file
 * made by open(2), or the old file's. */
static FILE *open_beside(struct output_file *file)
{
    if (asprintf(&file->temporary_path, "%s.XXXXXX", file->path) < 0) {
        file->temporary_path = NULL;
        return NULL;
    }
    int descriptor = mkstemp(file->temporary_path);
    if (descriptor < 0) {
        free(file->temporary_path);
        file->temporary_path = NULL;
        return NULL;
    }
    struct stat status;
    mode_t mask = umask(0);
    umask(mask);
    mode_t mode = stat(file->path, &status) == 0 ? status.st_mode & 0777 : 0666 & ~mask;
    if (fchmod(descriptor, mode) != 0) {
        close(descriptor);
        return NULL;
    }
    return fdopen(descriptor, "w");
}

bool output_file_open(struct output_file *file, const char *path, struct error *error)
{
    memset(file, 0, sizeof *file);
    if (strcmp(path, "-") == 0) {
        file->stream = stdout;
        return true;
    }
    /* Through a symbolic link, so that the link stays and its target is replaced. */
    file->path = realpath(path, NULL);
    if (file->path == NULL)
        file->path = strdup(path);
    if (file->path == NULL)
        return error_run(error, "%s: out of memory", path);
    struct stat status;
    if (*path == '\0')
        errno = ENOENT;
    else if (stat(file->path, &status) == 0 && S_ISDIR(status.st_mode))
        errno = EISDIR;
    else if (is_special(file->path))
        file->stream = fopen(file->path, "we");
    else
        file->stream = open_beside(file);
    if (file->stream != NULL)
        return true;
    error_run(error, "%s: cannot be written: %s", path, strerror(errno));
    if (file->temporary_path != NULL)
        unlink(file->temporary_path);
    forget(file);
    return false;
}

/* Flush and check every write since the opening. The file stays under its temporary name. */
static bool finish_writing(struct output_file *file, struct error *error)
{
    const char *name = file->path != NULL ? file->path : "stdout";
    errno = 0;
    bool written = fflush(file->stream) == 0 && !ferror(file->stream);
    int reason = errno;
    if (file->path != NULL && fclose(file->stream) != 0 && written) {
        written = false;
        reason = errno;
    }
    file->stream = NULL;
    return written || error_run(error, "%s: cannot be written: %s", name,
                                reason != 0 ? strerror(reason) : "a write failed");
}

static bool put_in_place(struct output_file *file, struct error *error)
{
    if (file->temporary_path != NULL && rename(file->temporary_path, file->path) != 0)
        return error_run(error, "%s: cannot be put in place: %s", file->path, strerror(errno));
    free(file->temporary_path);
    file->temporary_path = NULL;
    return true;
}

bool output_files_commit(struct output_file *files, size_t count, struct error *error)
{
    bool done = true;
    for (size_t i = 0; done && i < count; i++)
        done = files[i].stream == NULL || finish_writing(&files[i], error);
    for (size_t i = 0; done && i < count; i++)
        done = put_in_place(&files[i], error);
    for (size_t i = 0; i < count; i++)
        output_file_discard(&files[i]);
    return done;
}

void output_file_discard(struct output_file *file)
{
    if (file->stream != NULL && file->path != NULL)
        fclose(file->stream);
    if (file->temporary_path != NULL)
        unlink(file->temporary_path);
    forget(file);
}
