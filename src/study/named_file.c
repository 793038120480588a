#include "named_file.h"

#include "output_file.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_path(const char *text)
{
    const char *dot = strrchr(text, '.');
    return strchr(text, '/') != NULL ||
           (dot != NULL &&
            (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 || strcmp(dot, ".json") == 0));
}

static int is_yaml_file(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, ".yaml") == 0;
}

/* "there is no file … (did you mean …)" out of what the directory holds. */
static void suggest_names(const struct name_lookup *lookup, const char *given, struct error *error)
{
    char *directory = NULL;
    struct dirent **entries = NULL;
    if (lookup->config_directory == NULL ||
        asprintf(&directory, "%s/%s", lookup->config_directory, lookup->folder) < 0)
        return;
    int count = scandir(directory, &entries, is_yaml_file, alphasort);
    free(directory);
    if (count < 0)
        return;
    const char **names = calloc((size_t)count + 1, sizeof *names);
    for (int i = 0; i < count; i++) {
        *strrchr(entries[i]->d_name, '.') = '\0';
        if (names != NULL)
            names[i] = entries[i]->d_name;
    }
    if (names != NULL)
        error_suggest(error, given, names, (size_t)count);
    free(names);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
}

/* DIRECTORY[FOLDER/]NAME.yaml when there is such a file. Owned by the document. */
static const char *find_in(const struct name_lookup *lookup, const char *directory,
                           const char *folder, const char *name)
{
    char *path = NULL;
    bool slash = *directory != '\0' && directory[strlen(directory) - 1] != '/';
    if (asprintf(&path, "%s%s%s%s%s.yaml", directory, slash ? "/" : "", folder,
                 *folder != '\0' ? "/" : "", name) < 0)
        return NULL;
    const char *found = access(path, R_OK) == 0 ? document_copy_text(lookup->document, path) : NULL;
    free(path);
    return found;
}

const char *named_file_shipped(const struct name_lookup *lookup, const char *name)
{
    if (lookup->config_directory == NULL)
        return NULL;
    return find_in(lookup, lookup->config_directory, lookup->folder, name);
}

const char *named_file_path(const struct name_lookup *lookup, const struct node *reference,
                            struct error *error)
{
    const char *name = reference->text;
    if (is_path(name)) {
        const char *path = document_path(lookup->document, reference);
        if (path == NULL)
            error_run(error, "out of memory");
        return path;
    }
    const char *here = reference->directory != NULL ? reference->directory : lookup->here;
    if (here == NULL)
        here = "";
    const char *path = find_in(lookup, here, lookup->folder, name);
    if (path == NULL && lookup->among_them)
        path = find_in(lookup, here, "", name);
    if (path == NULL)
        path = named_file_shipped(lookup, name);
    if (path == NULL) {
        const char *directory = lookup->config_directory;
        error_input(error, &reference->at, "there is no file '%s/%s.yaml' here%s%s", lookup->folder,
                    name, directory != NULL ? " or in " : "", directory != NULL ? directory : "");
        suggest_names(lookup, name, error);
    }
    return path;
}

const char *named_file_portable(const struct name_lookup *lookup, const struct node *reference,
                                const char *path)
{
    const char *name = reference->text;
    const char *shipped = is_path(name) ? NULL : named_file_shipped(lookup, name);
    if (shipped != NULL && output_file_same(shipped, path))
        return name;
    char *absolute = realpath(path, NULL);
    const char *copy = document_copy_text(lookup->document, absolute != NULL ? absolute : path);
    free(absolute);
    return copy;
}
