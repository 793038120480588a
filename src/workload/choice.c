#include "choice.h"

#include <assert.h>
#include <string.h>

static bool contains(const char *const *names, const char *name)
{
    for (; names != NULL && *names != NULL; names++) {
        if (strcmp(*names, name) == 0)
            return true;
    }
    return false;
}

static bool mentions(const struct choice *choice, const char *name)
{
    return contains(choice->needed, name) || contains(choice->one_of, name) ||
           contains(choice->usable, name);
}

static const struct setting *find_setting(const struct choice_check *check, const char *name)
{
    for (size_t i = 0; i < check->table->count; i++) {
        if (strcmp(check->table->settings[i].name, name) == 0)
            return &check->table->settings[i];
    }
    assert(false);
    return NULL;
}

static bool is_given(const struct choice_check *check, const char *name)
{
    return !setting_is_unset(find_setting(check, name), check->config);
}

/* The index of what a chooser has chosen. */
static int chosen(const struct choice_check *check, const struct chooser *chooser)
{
    const struct setting *setting = find_setting(check, chooser->name);
    const int choice = *(const int *)((const char *)check->config + setting->offset);
    return choice >= 0 ? choice : 0;
}

static const char *chosen_name(const struct choice_check *check, const struct chooser *chooser)
{
    return find_setting(check, chooser->name)->choices[chosen(check, chooser)];
}

static bool is_replaced(const struct choice_check *check, const char *name)
{
    for (size_t i = 0; i < check->count; i++) {
        const struct chooser *chooser = &check->choosers[i];
        if (contains(chooser->choices[chosen(check, chooser)].replaced, name))
            return true;
    }
    return false;
}

static bool check_needed(const struct choice_check *check, const struct chooser *chooser,
                         const struct node *section, struct error *error)
{
    const struct choice *choice = &chooser->choices[chosen(check, chooser)];
    for (const char *const *name = choice->needed; name != NULL && *name != NULL; name++) {
        if (!is_given(check, *name) && !is_replaced(check, *name))
            return error_input(error, node_key_location(section, chooser->name),
                               "%s '%s' of %s needs '%s': %s", chooser->name,
                               chosen_name(check, chooser), check->section_name, *name,
                               find_setting(check, *name)->help);
    }
    return true;
}

static bool check_one_of(const struct choice_check *check, const struct chooser *chooser,
                         const struct node *section, struct error *error)
{
    const struct choice *choice = &chooser->choices[chosen(check, chooser)];
    const char *given = NULL;
    char names[128] = "";
    size_t used = 0;
    for (const char *const *name = choice->one_of; name != NULL && *name != NULL; name++) {
        if (given != NULL && is_given(check, *name))
            return error_input(error, node_key_location(section, *name),
                               "'%s' and '%s' of %s say the same: choose one", given, *name,
                               check->section_name);
        if (is_given(check, *name))
            given = *name;
        used += (size_t)snprintf(names + used, sizeof names - used, "%s'%s'",
                                 used > 0 ? " or " : "", *name);
        assert(used < sizeof names);
    }
    return choice->one_of == NULL || given != NULL ||
           error_input(error, node_key_location(section, chooser->name), "%s '%s' of %s needs %s",
                       chooser->name, chosen_name(check, chooser), check->section_name, names);
}

/* The chooser whose choice makes a key useless: the one that stands for it, or else one another
 * choice of which would use it. */
static const struct chooser *find_culprit(const struct choice_check *check, const char *name)
{
    for (size_t i = 0; i < check->count; i++) {
        const struct chooser *chooser = &check->choosers[i];
        if (contains(chooser->choices[chosen(check, chooser)].replaced, name))
            return chooser;
    }
    for (size_t i = 0; i < check->count; i++) {
        const struct chooser *chooser = &check->choosers[i];
        const struct setting *setting = find_setting(check, chooser->name);
        for (size_t j = 0; setting->choices[j] != NULL; j++) {
            if (mentions(&chooser->choices[j], name))
                return chooser;
        }
    }
    return &check->choosers[0];
}

static bool is_usable(const struct choice_check *check, const char *name)
{
    if (strcmp(check->choosers[0].name, name) == 0)
        return true;
    for (size_t i = 0; i < check->count; i++) {
        const struct chooser *chooser = &check->choosers[i];
        if (mentions(&chooser->choices[chosen(check, chooser)], name) && !is_replaced(check, name))
            return true;
    }
    return false;
}

bool choice_check(const struct choice_check *check, const struct node *section, struct error *error)
{
    for (size_t i = 0; i < check->count; i++) {
        if (!check_needed(check, &check->choosers[i], section, error) ||
            !check_one_of(check, &check->choosers[i], section, error))
            return false;
    }
    for (size_t i = 0; i < check->table->count; i++) {
        const char *name = check->table->settings[i].name;
        if (!is_given(check, name) || is_usable(check, name))
            continue;
        const struct chooser *culprit = find_culprit(check, name);
        return error_input(error, node_key_location(section, name),
                           "'%s' has no meaning for %s '%s'", name, culprit->name,
                           chosen_name(check, culprit));
    }
    return true;
}
