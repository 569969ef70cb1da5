#include "probe_result.h"

#include "run/run.h"
#include <math.h>
#include <string.h>

/* JSON has no NaN. */
static json_t *real(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *reals(const double *values, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, real(values[i]));
    return list;
}

static json_t *matrix(const double *values, size_t rows, size_t columns) {
    json_t *list = json_array();
    for (size_t i = 0; i < rows; i++)
        json_array_append_new(list, reals(values + i * columns, columns));
    return list;
}

/* One row a label; null for labels without points. */
static json_t *centroids_of(const fp_directprobe_result *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_labels; i++) {
        const double *centroid = r->centroids + i * r->dimension;
        json_array_append_new(list, isnan(centroid[0]) ? json_null() : reals(centroid, r->dimension));
    }
    return list;
}

static json_t *clusters_of(const fp_directprobe_result *r, const json_t *names) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_clusters; i++) {
        const fp_cluster *c = &r->clusters[i];
        json_array_append_new(list, json_pack("{s:O, s:I, s:o, s:o}", "label",
                                              json_array_get(names, (size_t)c->label), "size",
                                              (json_int_t)c->size, "mean_distance", real(c->mean_distance),
                                              "max_distance", real(c->max_distance)));
    }
    return list;
}

static json_t *membership(const fp_directprobe_result *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_points; i++)
        json_array_append_new(list, json_integer(r->cluster_of[i]));
    return list;
}

static json_t *linear(const fp_directprobe_result *r) {
    const char *state = fp_probe_state(r);
    if (strcmp(state, "undecided") == 0)
        return json_string(state);
    return strcmp(state, "one label") == 0 ? json_null() : json_boolean(r->linear);
}

json_t *fp_probe_result_json(const fp_points_source *source, const fp_points *points,
                             const fp_directprobe_result *r, int centroids, double seconds) {
    json_t *object =
        json_pack("{s:o, s:s?, s:I, s:I, s:O, s:o, s:o, s:o, s:o, s:o}", "layer",
                  source->split ? json_integer(source->layer) : json_null(), "split", source->split, "points",
                  (json_int_t)r->n_points, "dimension", (json_int_t)r->dimension, "labels", points->names,
                  "linear", linear(r), "clusters", clusters_of(r, points->names), "cluster_of", membership(r),
                  "label_distances", matrix(r->label_distances, r->n_labels, r->n_labels),
                  "minimum_distances", reals(r->minimum_distances, r->n_labels));
    if (!object)
        return NULL;
    if (centroids)
        json_object_set_new(object, "centroids", centroids_of(r));
    json_object_set_new(object, "largest_gap", real(r->largest_gap));
    json_object_set_new(object, "solver_calls", json_integer((json_int_t)r->solver_calls));
    json_object_set_new(object, "undecided", json_integer((json_int_t)r->undecided));
    json_object_set_new(object, "touching", json_integer((json_int_t)r->touching));
    json_object_set_new(object, "seconds", real(seconds));
    return object;
}
