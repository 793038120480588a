#include "plot_labels.h"
#include "roofline_plot.h"
#include "unit.h"
#include <math.h>

static bool overlaps(const struct plot_box *a, const struct plot_box *b)
{
    return fmin(a->right, b->right) > fmax(a->left, b->left) &&
           fmin(a->bottom, b->bottom) > fmax(a->top, b->top);
}

/* Sixteen labels of points that lie nearly on each other, by a roof. */
START_TEST(test_labels_keep_apart)
{
    enum { LABELS = 16 };
    struct plot_label labels[LABELS];
    struct plot_field field = {.frame = {0, 0, 900, 600}, .obstacle_count = 1};
    field.obstacles[0] = (struct plot_box){300, 270, 900, 272};
    for (int i = 0; i < LABELS; i++)
        labels[i] = (struct plot_label){
            .x = 400 + 3 * i, .y = 300 + i % 4, .radius = 6, .width = 110, .height = 13};
    plot_labels_place(labels, LABELS, &field);
    for (int i = 0; i < LABELS; i++) {
        const struct plot_box *box = &labels[i].box;
        ck_assert_double_ge(box->left, 0);
        ck_assert_double_le(box->right, 900);
        ck_assert(!overlaps(box, &field.obstacles[0]));
        ck_assert_double_eq_tol(box->right - box->left, 110, 1e-9);
        for (int j = 0; j < i; j++)
            ck_assert_msg(!overlaps(box, &labels[j].box), "labels %d and %d", i, j);
    }
}
END_TEST

START_TEST(test_important_label_is_nearest)
{
    struct plot_label labels[] = {
        {.x = 100, .y = 100, .radius = 5, .width = 80, .height = 13, .importance = 0.1},
        {.x = 100, .y = 100, .radius = 5, .width = 80, .height = 13, .importance = 0.9}};
    struct plot_field field = {.frame = {0, 0, 900, 600}};
    plot_labels_place(labels, 2, &field);
    ck_assert(!labels[1].apart);
    ck_assert_double_eq(labels[1].box.left, 108);
    ck_assert_double_eq_tol((labels[1].box.top + labels[1].box.bottom) / 2, 100, 1e-9);
    ck_assert(!overlaps(&labels[0].box, &labels[1].box));
}
END_TEST

START_TEST(test_no_place_at_all)
{
    struct plot_label label = {.x = 5, .y = 5, .radius = 5, .width = 80, .height = 13};
    struct plot_field field = {.frame = {0, 0, 10, 10}};
    plot_labels_place(&label, 1, &field);
    ck_assert_double_eq_tol(label.box.right - label.box.left, 80, 1e-9);
    plot_labels_place(NULL, 0, &field);
}
END_TEST

START_TEST(test_formats)
{
    struct error error = {0};
    ck_assert_str_eq(roofline_plot_format_of("a.svg", &error)->suffix, ".svg");
    ck_assert_str_eq(roofline_plot_format_of("a.b/c.PNG", &error)->suffix, ".png");
    ck_assert_str_eq(roofline_plot_format_of("x.html", &error)->suffix, ".html");
    const char *const wrong[] = {"", "-", ".svg", "a.pdf", "svg", "a.svg.gz"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        ck_assert_ptr_null(roofline_plot_format_of(wrong[i], &error));
        ck_assert_int_eq(error.kind, ERROR_INPUT);
    }
}
END_TEST

/* One product of 1e9 FLOPs and 1e8 bytes in 1 ms on a device whose ridge point is 100. */
static void make_plot(struct roofline_plot *plot, const char *name)
{
    struct roofline_gemm gemm = {
        .device = {.bandwidth_bytes_per_s = 1e12, .roof_count = 1, .roofs = {{"fp16", 1e14}}},
        .m = 10,
        .n = 100,
        .k = 1000,
        .flops = 1e9,
        .count = 1,
        .rows = {{.roof = {"fp16", 1e14}, .cost = {.time_s = 1e-3}, .moved_bytes = 1e8}}};
    snprintf(gemm.device.title, sizeof gemm.device.title, "%s", name);
    roofline_plot_gemm(plot, &gemm);
}

START_TEST(test_axes)
{
    struct roofline_plot plot;
    make_plot(&plot, "a & b <c>");
    ck_assert_int_eq(plot.count, 1);
    ck_assert_double_eq(plot.points[0].intensity, 10.0);
    ck_assert_double_eq_tol(plot.points[0].flops_per_s, 1e12, 1.0);
    ck_assert_str_eq(plot.title, "GEMM on a & b <c>");
    struct roofline_axes axes = roofline_plot_axes(&plot);
    ck_assert_double_eq_tol(pow(10, axes.x_low), 5.0, 1e-9);
    ck_assert_double_eq_tol(pow(10, axes.x_high), 1000.0, 1e-6);
    ck_assert_double_eq_tol(pow(10, axes.y_low), 5e11, 1.0);
    ck_assert_double_eq_tol(pow(10, axes.y_high), 2e14, 1e3);
}
END_TEST

static size_t draw(const struct roofline_plot *plot, const char *suffix, char *bytes, size_t size)
{
    struct error error = {0};
    FILE *stream = tmpfile();
    ck_assert_ptr_nonnull(stream);
    ck_assert(roofline_plot_format_of(suffix, &error)->draw(plot, stream, &error));
    rewind(stream);
    size_t length = fread(bytes, 1, size - 1, stream);
    bytes[length] = '\0';
    ck_assert_int_eq(fclose(stream), 0);
    return length;
}

/* Each begins as it should, and is the same a second time: but for the SVG, in which cairo numbers the
 * surfaces of the process. */
START_TEST(test_drawings)
{
    static char first[1 << 20], second[1 << 20];
    const struct {
        const char *suffix, *magic;
    } drawings[] = {{"x.svg", "<?xml"}, {"x.png", "\x89PNG\r\n"}, {"x.html", "<!DOCTYPE html>"}};
    struct roofline_plot plot;
    make_plot(&plot, "a & b <c></script>");
    for (size_t i = 0; i < COUNT(drawings); i++) {
        size_t length = draw(&plot, drawings[i].suffix, first, sizeof first);
        if (i > 0) {
            ck_assert_uint_eq(draw(&plot, drawings[i].suffix, second, sizeof second), length);
            ck_assert_mem_eq(first, second, length);
        }
        ck_assert_mem_eq(first, drawings[i].magic, strlen(drawings[i].magic));
    }
    ck_assert_ptr_nonnull(strstr(first, "<title>GEMM on a &amp; b &lt;c>&lt;/script>"));
    ck_assert_ptr_nonnull(strstr(first, "GEMM on a & b \\u003cc>\\u003c/script>"));
    ck_assert_ptr_nonnull(strstr(first, "Chart.js v"));
}
END_TEST

START_TEST(test_full_disk)
{
    struct roofline_plot plot;
    struct error error = {0};
    make_plot(&plot, "a");
    const char *const suffixes[] = {"x.svg", "x.png", "x.html"};
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        FILE *stream = fopen("/dev/full", "we");
        ck_assert_ptr_nonnull(stream);
        ck_assert(roofline_plot_format_of(suffixes[i], &error)->draw(&plot, stream, &error));
        fflush(stream);
        ck_assert(ferror(stream));
        fclose(stream);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_labels_keep_apart,
                                  test_important_label_is_nearest,
                                  test_no_place_at_all,
                                  test_formats,
                                  test_axes,
                                  test_drawings,
                                  test_full_disk};
    return unit_run("roofline_plot", tests, COUNT(tests));
}
