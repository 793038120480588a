/* Efficiencies of a measured accelerator for one that is known from its datasheet alone. Mappings are
 * joined before anything is read, so that what -s says about a single key still wins. */
#include "accelerator_spec.h"

#include <string.h>

static bool is_one_of(const char *key, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        if (strcmp(key, *keys) == 0)
            return true;
    }
    return false;
}

/* Into `own` what only `lender` has, of the keys that are (or are not) among these. */
static bool join(struct document *document, struct node *own, const struct node *lender,
                 const char *const *keys, bool among, struct error *error)
{
    for (size_t i = 0; i < lender->count; i++) {
        const char *key = lender->keys[i];
        if (is_one_of(key, keys) == among && node_find(own, key) == NULL &&
            !document_set(document, own, key, lender->items[i], error))
            return false;
    }
    return true;
}

/* A link's efficiencies mean nothing to a link of another kind. */
static bool same_kind(const struct node *own, const struct node *lender)
{
    const struct node *a = node_find(own, "kind"), *b = node_find(lender, "kind");
    return a != NULL && b != NULL && a->kind == NODE_SCALAR && b->kind == NODE_SCALAR &&
           strcmp(a->text, b->text) == 0;
}

/* Given with -s, key by key: such nodes stand at no line (override.c). A section in a file is whole. */
static bool is_overrides_only(const struct node *section)
{
    return section->kind == NODE_MAPPING && section->at.line == 0;
}

static bool inherit_section(struct document *document, struct node *own, const char *name,
                            const struct node *lent, struct error *error)
{
    static const char *const nothing[] = {NULL};
    struct node *section = node_find(own, name);
    if (section == NULL) {
        section = document_new_mapping(document, &lent->at);
        if (section == NULL)
            return error_run(error, "out of memory");
        if (!document_set(document, own, name, section, error))
            return false;
    } else if (!is_overrides_only(section)) {
        return true;
    }
    return join(document, section, lent, nothing, false, error);
}

bool accelerator_inherit(struct document *document, struct node *own, const struct node *lender,
                         struct error *error)
{
    static const char *const of_datasheet[] = {"kind", "bandwidth", NULL};
    static const char *const of_kernels[] = {"flash_attention", NULL};
    if (!join(document, own, lender, of_kernels, true, error))
        return false;
    for (size_t i = 0; i < accelerator_settings.count; i++) {
        const struct setting *setting = &accelerator_settings.settings[i];
        const struct node *lent = node_find(lender, setting->name);
        if (setting->kind != SETTING_SECTION || strcmp(setting->name, "host_link") == 0 ||
            lent == NULL || lent->kind != NODE_MAPPING)
            continue;
        struct node *section = node_find(own, setting->name);
        bool joined = true;
        if (strcmp(setting->name, "interconnect") != 0)
            joined = inherit_section(document, own, setting->name, lent, error);
        else if (same_kind(section, lent))
            joined = join(document, section, lent, of_datasheet, false, error);
        if (!joined)
            return false;
    }
    return true;
}
