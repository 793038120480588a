#include "accelerator_file.h"

#include "named_file.h"

/* The mapping in the file at `path`, whose accelerator is itself sound and measured. */
static const struct node *read_lender(struct document *document, const struct node *reference,
                                      const char *path, struct error *error)
{
    struct accelerator lender;
    const struct node *mapping = document_read_file(document, path, error);
    if (mapping == NULL || !settings_read(document, &accelerator_settings, mapping, &lender, error))
        return NULL;
    if (lender.efficiencies_from != NULL) {
        error_input(error, &reference->at,
                    "'%s' has no efficiencies to give, but those of '%s': name that one",
                    reference->text, lender.efficiencies_from);
        return NULL;
    }
    return accelerator_resolve(&lender, mapping, error) ? mapping : NULL;
}

/* Join what `efficiencies_from` names into the mapping. */
static bool complete(struct document *document, struct node *mapping, const char *config_directory,
                     struct error *error)
{
    struct node *reference = node_find(mapping, "efficiencies_from");
    struct name_lookup lookup = {.document = document,
                                 .folder = "accelerators",
                                 .here = mapping->directory,
                                 .among_them = true,
                                 .config_directory = config_directory};
    const char *path = named_file_path(&lookup, reference, error);
    if (path == NULL)
        return false;
    const struct node *lender = read_lender(document, reference, path, error);
    if (lender == NULL || !accelerator_inherit(document, mapping, lender, error))
        return false;
    reference->text = named_file_portable(&lookup, reference, path);
    return reference->text != NULL || error_run(error, "out of memory");
}

bool accelerator_read(struct document *document, struct node *mapping, const char *config_directory,
                      struct accelerator *accelerator, struct error *error)
{
    if (!settings_check_keys(&accelerator_settings, mapping, error) ||
        !settings_read_member(document, &accelerator_settings, "efficiencies_from", mapping,
                              accelerator, error))
        return false;
    if (accelerator->efficiencies_from != NULL &&
        !complete(document, mapping, config_directory, error))
        return false;
    return settings_read(document, &accelerator_settings, mapping, accelerator, error) &&
           accelerator_resolve(accelerator, mapping, error);
}

bool accelerator_load(struct document *document, const char *name_or_path,
                      const char *config_directory, struct accelerator *accelerator,
                      struct error *error)
{
    const struct node reference = {.kind = NODE_SCALAR, .text = name_or_path};
    const struct name_lookup lookup = {
        .document = document, .folder = "accelerators", .config_directory = config_directory};
    const char *path = named_file_path(&lookup, &reference, error);
    struct node *mapping = path != NULL ? document_read_file(document, path, error) : NULL;
    return mapping != NULL &&
           accelerator_read(document, mapping, config_directory, accelerator, error);
}
