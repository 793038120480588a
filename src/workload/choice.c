#include "choice.h"

#include <string.h>

static bool contains(const char *const *names, const char *name)
{
    for (; *names != NULL; names++) {
        if (strcmp(*names, name) == 0)
            return true;
    }
    return false;
}

bool choice_check(const struct choice_check *check, const struct node *section, struct error *error)
{
    const struct setting *chooser = &check->table->settings[0];
    const int choice = *(const int *)((const char *)check->config + chooser->offset);
    const char *chosen = chooser->choices[choice];
    for (size_t i = 1; i < check->table->count; i++) {
        const struct setting *setting = &check->table->settings[i];
        const bool given = !setting_is_unset(setting, check->config);
        const bool needed = contains(check->needed, setting->name);
        const bool usable = needed || contains(check->usable, setting->name);
        if (needed && !given)
            return error_input(error, node_key_location(section, chooser->name),
                               "%s '%s' of %s needs '%s': %s", chooser->name, chosen,
                               check->section_name, setting->name, setting->help);
        if (!usable && given)
            return error_input(error, node_key_location(section, setting->name),
                               "'%s' has no meaning for %s '%s'", setting->name, chooser->name,
                               chosen);
    }
    return true;
}
