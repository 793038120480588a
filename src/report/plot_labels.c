/* Greedy: the most important label first, each at the nearest free place around its point. */
#include "plot_labels.h"

#include <assert.h>
#include <math.h>

enum { DIRECTIONS = 12, RINGS = 9 };

static const double ring_step = 13.0, near_gap = 3.0;

static double overlap(const struct plot_box *a, const struct plot_box *b)
{
    double width = fmin(a->right, b->right) - fmax(a->left, b->left);
    double height = fmin(a->bottom, b->bottom) - fmax(a->top, b->top);
    return width > 0.0 && height > 0.0 ? width * height : 0.0;
}

/* How much a label would hide there: of what is beyond the frame, of obstacles, points and labels
 * already placed. */
static double hidden_area(const struct plot_label *labels, int count, const bool *placed,
                          const struct plot_box *box, const struct plot_field *field)
{
    double area = (box->right - box->left) * (box->bottom - box->top) - overlap(box, &field->frame);
    for (int i = 0; i < field->obstacle_count; i++)
        area += overlap(box, &field->obstacles[i]);
    for (int i = 0; i < count; i++) {
        const struct plot_label *other = &labels[i];
        struct plot_box point = {other->x - other->radius, other->y - other->radius,
                                 other->x + other->radius, other->y + other->radius};
        area += overlap(box, &point);
        if (placed[i])
            area += overlap(box, &other->box);
    }
    return area;
}

/* The box at a distance from the point, in one of the directions: to the right first, then by turns
 * below and above. */
static struct plot_box candidate(const struct plot_label *label, int ring, int direction)
{
    int turn = (direction + 1) / 2 * (direction % 2 == 0 ? -1 : 1);
    double angle = 2.0 * 3.14159265358979323846 * turn / DIRECTIONS;
    double distance = label->radius + near_gap + ring * ring_step;
    double x = label->x + distance * cos(angle), y = label->y + distance * sin(angle);
    /* From being left-aligned on the right of the point to right-aligned on its left. */
    double left = x - label->width * (1.0 - cos(angle)) / 2.0;
    double top = y - label->height * (1.0 - sin(angle)) / 2.0;
    return (struct plot_box){left, top, left + label->width, top + label->height};
}

static void place(struct plot_label *labels, int count, int index, const bool *placed,
                  const struct plot_field *field)
{
    struct plot_label *label = &labels[index];
    double least = INFINITY;
    for (int ring = 0; ring < RINGS && least > 0.0; ring++) {
        for (int direction = 0; direction < DIRECTIONS && least > 0.0; direction++) {
            struct plot_box box = candidate(label, ring, direction);
            double area = hidden_area(labels, count, placed, &box, field);
            if (area >= least)
                continue;
            least = area;
            label->box = box;
            label->apart = ring > 0;
        }
    }
}

void plot_labels_place(struct plot_label *labels, int count, const struct plot_field *field)
{
    bool placed[PLOT_MAX_LABELS] = {false};
    assert(count <= PLOT_MAX_LABELS);
    for (int round = 0; round < count; round++) {
        int next = -1;
        for (int i = 0; i < count; i++) {
            if (!placed[i] && (next < 0 || labels[i].importance > labels[next].importance))
                next = i;
        }
        place(labels, count, next, placed, field);
        placed[next] = true;
    }
}
