#include "replications.h"

#include "json_values.h"
#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <inttypes.h>
#include <string.h>

void replicated_add(struct replicated *figure, double value)
{
    if (isnan(value))
        return;
    const double distance = value - figure->mean;
    if (figure->count == 0 || value < figure->minimum)
        figure->minimum = value;
    if (figure->count == 0 || value > figure->maximum)
        figure->maximum = value;
    figure->count++;
    figure->mean += distance / (double)figure->count;
    figure->squares += distance * (value - figure->mean);
}

double replicated_std(const struct replicated *figure)
{
    return figure->count > 1 ? sqrt(figure->squares / (double)(figure->count - 1)) : (double)NAN;
}

struct interval replicated_interval(const struct replicated *figure)
{
    if (figure->count < 2)
        return (struct interval){(double)NAN, (double)NAN};
    const double t = gsl_cdf_tdist_Pinv(0.5 + interval_level / 2.0, (double)(figure->count - 1));
    const double half = t * replicated_std(figure) / sqrt((double)figure->count);
    return (struct interval){figure->mean - half, figure->mean + half};
}

void replications_add(struct replications *replications, const struct summary *summary)
{
    struct summary_figure figures[SUMMARY_FIGURE_COUNT];
    summary_list_figures(summary, figures);
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++) {
        memcpy(replications->figures[i].key, figures[i].key, sizeof figures[i].key);
        replicated_add(&replications->figures[i], figures[i].value);
    }
    replications->count++;
    replications->verdicts[summary->saturation.verdict]++;
    replications->digest += summary->digest;
}

const struct replicated *replications_find(const struct replications *replications, const char *key)
{
    const struct replicated *figure = replications->figures;
    while (strcmp(figure->key, key) != 0) {
        figure++;
        assert(figure < replications->figures + SUMMARY_FIGURE_COUNT);
    }
    return figure;
}

enum saturation_verdict replications_verdict(const struct replications *replications)
{
    int most = 0;
    for (int i = 1; i < LOAD_COUNT; i++) {
        if (replications->verdicts[i] >= replications->verdicts[most])
            most = i;
    }
    return (enum saturation_verdict)most;
}

void replications_print_text(const struct replications *replications, FILE *stream)
{
    fprintf(stream, "Replications    %" PRId64 " runs, seeds %" PRId64 " to %" PRId64 "\n",
            replications->count, replications->first_seed,
            replications->first_seed + replications->count - 1);
    fputs("Load           ", stream);
    const char *before = " ";
    for (int i = 0; i < LOAD_COUNT; i++) {
        if (replications->verdicts[i] == 0)
            continue;
        fprintf(stream, "%s%s in %" PRId64, before, saturation_verdict_names[i],
                replications->verdicts[i]);
        before = ", ";
    }
    fprintf(stream, "\n\n  %-24s%14s%12s%12s%14s%14s\n", "Figure of a run", "mean", "+-95%", "std",
            "min", "max");
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++) {
        const struct replicated *figure = &replications->figures[i];
        if (figure->count == 0)
            continue;
        const struct interval interval = replicated_interval(figure);
        fprintf(stream, "  %-24s%14.3f%12.3f%12.3f%14.3f%14.3f\n", figure->key, figure->mean,
                (interval.high - interval.low) / 2.0, replicated_std(figure), figure->minimum,
                figure->maximum);
    }
    fprintf(stream, "\nDigest          %016" PRIx64 "\n", replications->digest);
}

static bool set_figures(json_t *root, const struct replications *replications)
{
    json_t *figures = json_object();
    bool done = true;
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++) {
        const struct replicated *figure = &replications->figures[i];
        const bool known = figure->count > 0;
        const struct interval interval = replicated_interval(figure);
        json_t *object = json_object();
        done &= json_set_real(object, "std", replicated_std(figure));
        done &= json_set_real(object, "min", known ? figure->minimum : (double)NAN);
        done &= json_set_real(object, "max", known ? figure->maximum : (double)NAN);
        done &= json_set_interval(object, "interval", &interval);
        done &= json_set(figures, figure->key, object);
        done &= json_set_real(root, figure->key, known ? figure->mean : (double)NAN);
    }
    json_t *object = json_object(), *verdicts = json_object();
    for (int i = 0; i < LOAD_COUNT; i++)
        done &= json_set_whole(verdicts, saturation_verdict_names[i], replications->verdicts[i]);
    done &= json_set_whole(object, "runs", replications->count);
    done &= json_set_whole(object, "first_seed", replications->first_seed);
    done &= json_set_real(object, "level", interval_level);
    done &= json_set(object, "figures", figures);
    done &= json_set(object, "saturation", verdicts);
    return json_set(root, "replications", object) && done;
}

bool replications_print_json(const struct replications *replications, json_t *sensitivity,
                             json_t *config, FILE *stream)
{
    char digest[17];
    snprintf(digest, sizeof digest, "%016" PRIx64, replications->digest);
    json_t *root = json_object();
    bool done = set_figures(root, replications);
    if (sensitivity != NULL)
        done &= json_set(root, "sensitivity", sensitivity);
    done &= json_set(root, "config", config);
    done &= json_set_text(root, "digest", digest);
    return json_write(root, done, stream);
}
