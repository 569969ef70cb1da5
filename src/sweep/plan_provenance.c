/* How a result file came about: JSON for people, no part of any identity. */
#include "fineprobe/file.h"
#include "store/versions.h"
#include "sweep/plan_make.h"
#include <cblas.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void read_cpu(char *out, size_t size) {
    char line[512];
    snprintf(out, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && fgets(line, sizeof line, file)) {
        char *value = strncmp(line, "model name", 10) == 0 ? strchr(line, ':') : NULL;
        if (!value)
            continue;
        value += 1 + strspn(value + 1, " \t");
        value[strcspn(value, "\n")] = '\0';
        snprintf(out, size, "%s", value);
        break;
    }
    if (file)
        fclose(file);
}

static void add(json_t *object, const char *key, const char *value) {
    json_object_set_new(object, key, json_string(value));
}

int fp_plan_provenance(fp_plan *plan, fp_error *error) {
    char hdf5[64], mpi[256], cpu[256], host[256] = "unknown", date[64] = "unknown";
    fp_store_versions(hdf5, sizeof hdf5, mpi, sizeof mpi);
    read_cpu(cpu, sizeof cpu);
    gethostname(host, sizeof host - 1);
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc))
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_t *object = json_object();
    add(object, "program", "fineprobe " FINEPROBE_VERSION);
    add(object, "compiler", __VERSION__);
    add(object, "hdf5", hdf5);
    add(object, "mpi", mpi);
    add(object, "openblas", openblas_get_config());
    add(object, "openblas_core", openblas_get_corename());
    add(object, "cpu", cpu);
    add(object, "host", host);
    add(object, "date", date);
    add(object, "grid", plan->grid->path);
    plan->layout.provenance = json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    return plan->layout.provenance ? 0 : fp_fail_memory(error, "the provenance", 4096);
}
