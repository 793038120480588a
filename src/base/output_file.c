#include "output_file.h"

#include <errno.h>
#include <fcntl.h>
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

/* The absolute name that a path leads to: through symbolic links, so that a link stays and its
 * target is replaced; of a file that is not there yet, the directory's name and its own. Owned by
 * the caller; NULL with errno set. */
static char *resolve(const char *path)
{
    char *resolved = realpath(path, NULL);
    if (resolved != NULL || *path == '\0')
        return resolved;
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    char *directory = strndup(path, slash != NULL ? (size_t)(slash - path) + 1 : 0);
    if (directory == NULL)
        return NULL;
    char *parent = realpath(*directory != '\0' ? directory : ".", NULL);
    free(directory);
    if (parent != NULL && asprintf(&resolved, "%s/%s", parent, base) < 0)
        resolved = NULL;
    free(parent);
    return resolved;
}

static bool is_same(const struct stat *status, const struct stat *other)
{
    return status->st_dev == other->st_dev && status->st_ino == other->st_ino;
}

bool output_file_same(const char *path, const char *other)
{
    struct stat status, other_status;
    return stat(path, &status) == 0 && stat(other, &other_status) == 0 &&
           is_same(&status, &other_status);
}

static bool is_stdout(const struct stat *status)
{
    struct stat standard;
    return fstat(STDOUT_FILENO, &standard) == 0 && is_same(status, &standard);
}

/* Where the file system has files without a name (open(2), O_TMPFILE), nothing is left behind even
 * by a killed process; elsewhere a temporary name serves. Beside the target, so that the rename
 * stays within one file system. */
static int open_descriptor(struct output_file *file)
{
    char *directory = strdup(file->path);
    if (directory == NULL || asprintf(&file->temporary_path, "%s.XXXXXX", file->path) < 0) {
        free(directory);
        file->temporary_path = NULL;
        return -1;
    }
    strrchr(directory, '/')[1] = '\0';
    int descriptor = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    free(directory);
    file->unnamed = descriptor >= 0;
    if (descriptor >= 0)
        return descriptor;
    descriptor = mkstemp(file->temporary_path);
    mode_t mask = umask(0);
    umask(mask);
    if (descriptor >= 0 && fchmod(descriptor, 0666 & ~mask) == 0)
        return descriptor;
    if (descriptor < 0) {
        free(file->temporary_path);
        file->temporary_path = NULL;
    } else {
        close(descriptor);
    }
    return -1;
}

/* The new file has the old one's mode, if there is an old one. */
static FILE *open_beside(struct output_file *file)
{
    struct stat status;
    bool replaces = stat(file->path, &status) == 0;
    int descriptor = open_descriptor(file);
    if (descriptor < 0)
        return NULL;
    if (replaces && fchmod(descriptor, status.st_mode & 0777) != 0) {
        close(descriptor);
        return NULL;
    }
    return fdopen(descriptor, "w");
}

/* A device or a pipe cannot be replaced: it is written to. */
static FILE *open_stream(struct output_file *file)
{
    struct stat status;
    if (stat(file->path, &status) != 0)
        return open_beside(file);
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return NULL;
    }
    return S_ISREG(status.st_mode) ? open_beside(file) : fopen(file->path, "we");
}

bool output_file_open(struct output_file *file, const char *path, struct error *error)
{
    memset(file, 0, sizeof *file);
    struct stat status;
    if (strcmp(path, "-") == 0 || (stat(path, &status) == 0 && is_stdout(&status))) {
        file->stream = stdout;
        return true;
    }
    file->path = resolve(path);
    if (file->path != NULL)
        file->stream = open_stream(file);
    if (file->stream != NULL)
        return true;
    error_run(error, "%s: cannot be written: %s", *path != '\0' ? path : "''", strerror(errno));
    output_file_discard(file);
    return false;
}

/* Give a file without a name its temporary one, while it is still open. */
static bool give_name(const struct output_file *file)
{
    char descriptor[64];
    snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", fileno(file->stream));
    unsigned process = (unsigned)getpid() % 10000;
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        char suffix[16];
        snprintf(suffix, sizeof suffix, "%06u", process * 100 + attempt);
        memcpy(file->temporary_path + strlen(file->temporary_path) - 6, suffix, 6);
        if (linkat(AT_FDCWD, descriptor, AT_FDCWD, file->temporary_path, AT_SYMLINK_FOLLOW) == 0)
            return true;
        if (errno != EEXIST)
            return false;
    }
    return false;
}

/* Flush and check every write since the opening. The file stays under its temporary name. */
static bool finish_writing(struct output_file *file, struct error *error)
{
    const char *name = file->path != NULL ? file->path : "stdout";
    errno = 0;
    bool written =
        fflush(file->stream) == 0 && !ferror(file->stream) && (!file->unnamed || give_name(file));
    int reason = errno;
    file->unnamed = file->unnamed && !written;
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
    if (file->temporary_path != NULL && !file->unnamed)
        unlink(file->temporary_path);
    forget(file);
}
