#include "lock.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct fp_owner {
    long long incarnation;
    long process;
    char host[128], job[64],
        start[64];  /* START: the process's start time, lest a reused number pass for it */
    int restart;    /* how often the job had been started before */
    long long beat; /* counts signs of life */
} fp_owner;

enum { BEAT_DIGITS = 12 }; /* the last line of the lock is "beat " with as many */

struct fp_lock {
    char *path;
    fp_owner self;
};

/* Field 22 of /proc/PID/stat; "" when there is no such process, or only its remains. */
static void process_start(long process, char out[64]) {
    char path[64], text[1024] = "";
    out[0] = '\0';
    snprintf(path, sizeof path, "/proc/%ld/stat", process);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    char *at = strrchr(text, ')'), *save = NULL;
    if (!at || strchr("ZX", at[2]))
        return;
    char *field = strtok_r(at + 1, " ", &save);
    for (int i = 3; field && i < 22; i++)
        field = strtok_r(NULL, " ", &save);
    fp_copy_text(out, 64, field ? field : "");
}

static void describe_self(fp_owner *out) {
    *out = (fp_owner){.process = getpid()};
    if (gethostname(out->host, sizeof out->host - 1) < 0)
        fp_copy_text(out->host, sizeof out->host, "unknown");
    const char *job = getenv("SLURM_JOB_ID");
    fp_copy_text(out->job, sizeof out->job, job && *job ? job : "-");
    const char *restart = getenv("SLURM_RESTART_COUNT");
    out->restart = restart ? (int)strtol(restart, NULL, 10) : 0;
    process_start(out->process, out->start);
}

static int read_owner(const char *path, fp_owner *out) {
    char *text = fp_file_read(path, NULL, NULL);
    *out = (fp_owner){0};
    int ok = text &&
             sscanf(text, "incarnation %lld host %127s process %ld start %63s job %63s restart %d beat %lld",
                    &out->incarnation, out->host, &out->process, out->start, out->job, &out->restart,
                    &out->beat) == 7;
    free(text);
    return ok ? 0 : -1;
}

/* The owner cannot be alive: its process is gone from this host; or this is its own job, started again
 * (another step of the job's present start is no reason); or the batch system says so. */
static int is_gone(const fp_owner *owner, const fp_owner *self) {
    if (strcmp(owner->host, self->host) == 0) {
        char start[64];
        process_start(owner->process, start);
        return start[0] == '\0' || strcmp(start, owner->start) != 0;
    }
    const char *gone = getenv("FINEPROBE_GONE_JOB");
    if (strcmp(owner->job, "-") == 0)
        return 0;
    return (strcmp(owner->job, self->job) == 0 && owner->restart < self->restart) ||
           (gone && strcmp(owner->job, gone) == 0);
}

static int same_owner(const fp_owner *a, const fp_owner *b) {
    return a->incarnation == b->incarnation && a->process == b->process && strcmp(a->host, b->host) == 0 &&
           strcmp(a->start, b->start) == 0;
}

/* The lock appears with its text or not at all: a finished file gets its name by link(2), which fails when it
 * is taken. */
static int place(const char *path, const fp_owner *self, fp_error *error) {
    char *temporary = fp_format(error, "%s.%s.%ld", path, self->host, self->process);
    char *text = fp_format(
        error, "incarnation %lld\nhost %s\nprocess %ld\nstart %s\njob %s\nrestart %d\nbeat %0*d\n",
        self->incarnation, self->host, self->process, self->start, self->job, self->restart, BEAT_DIGITS, 0);
    int rc = temporary && text ? fp_file_write(temporary, text, strlen(text), error) : -1;
    if (rc == 0 && link(temporary, path) < 0)
        rc = errno == EEXIST ? 1 : fp_fail_errno(error, "cannot create %s", path);
    if (temporary)
        unlink(temporary);
    free(temporary);
    free(text);
    return rc;
}

/* An owner on another host, of whom nothing else is known: whether WATCH seconds pass without a sign of life.
 * Only this host's clock counts. */
static int is_silent(const char *path, const fp_owner *owner, double watch) {
    fp_owner now = *owner;
    for (int tenths = 0; tenths < (int)(10 * watch); tenths++) {
        usleep(100000);
        if (read_owner(path, &now) < 0 || !same_owner(&now, owner) || now.beat != owner->beat)
            return 0;
    }
    return watch > 0;
}

/* Removes the lock of OWNER, who is gone, or has been SILENT for too long. Several may try at once: whoever
 * makes the folder PATH.taking may do it, and looks again first, lest it remove the lock of one who was
 * quicker. A folder left by one who was killed just then stands in the way for ten seconds. */
static int take_away(const char *path, const fp_owner *owner, const fp_owner *self, int silent,
                     fp_error *error) {
    char *taking = fp_format(error, "%s.taking", path);
    if (!taking)
        return -1;
    struct stat info;
    if (mkdir(taking, 0777) == 0) {
        fp_owner now;
        if (read_owner(path, &now) == 0 && same_owner(&now, owner) &&
            (is_gone(&now, self) || (silent && now.beat == owner->beat)))
            unlink(path);
        rmdir(taking);
    } else if (stat(taking, &info) == 0 && time(NULL) - info.st_mtime > 10) {
        rmdir(taking);
    } else {
        usleep(50000);
    }
    free(taking);
    return 0;
}

static int take(const char *path, double watch, fp_owner *self, fp_error *error) {
    for (int tries = 0; tries < 400; tries++) {
        int rc = place(path, self, error);
        if (rc <= 0)
            return rc;
        fp_owner owner;
        if (read_owner(path, &owner) < 0 && fp_path_exists(path))
            return fp_fail(error, "%s cannot be read as a lock; remove it if no sweep runs on this file",
                           path);
        int silent = owner.process && !is_gone(&owner, self) && strcmp(owner.host, self->host) != 0 &&
                     is_silent(path, &owner, watch);
        if (owner.process && !is_gone(&owner, self) && !silent)
            return fp_fail(error,
                           "another sweep writes this file: process %ld on %s, job %s (lock %s); wait for it "
                           "or stop it, and "
                           "remove the lock only if that process is certainly gone",
                           owner.process, owner.host, owner.job, path);
        if (owner.process && take_away(path, &owner, self, silent, error) < 0)
            return -1;
        if (owner.incarnation >= self->incarnation)
            self->incarnation = owner.incarnation + 1;
    }
    return fp_fail(error, "%s changes hands too often; try again", path);
}

fp_lock *fp_lock_take(const char *file, double watch, int64_t *incarnation, fp_error *error) {
    fp_lock *lock = fp_alloc(1, sizeof *lock, "a lock", error);
    fp_owner self;
    describe_self(&self);
    self.incarnation = *incarnation + 1;
    if (lock && (lock->path = fp_format(error, "%s.lock", file)) &&
        take(lock->path, watch, &self, error) == 0) {
        *incarnation = self.incarnation;
        lock->self = self;
        return lock;
    }
    if (lock)
        free(lock->path);
    free(lock);
    return NULL;
}

void fp_lock_clean(const char *file) {
    fp_owner self;
    describe_self(&self);
    char *pattern = fp_format(NULL, "%s.lock.%s.*", file, self.host), start[64];
    glob_t found;
    if (pattern && glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            long process = strtol(found.gl_pathv[i] + strlen(pattern) - 1, NULL, 10);
            process_start(process, start);
            if (process > 0 && !start[0])
                unlink(found.gl_pathv[i]);
        }
        globfree(&found);
    }
    free(pattern);
}

int fp_lock_is_held(const char *file) {
    char *path = fp_format(NULL, "%s.lock", file);
    int held = path && fp_path_exists(path);
    free(path);
    return held;
}

/* In its place at the end of the file; one that cannot be written is not the end of the sweep. */
static void write_beat(const char *path, long long beat) {
    char digits[BEAT_DIGITS + 16];
    snprintf(digits, sizeof digits, "%0*lld\n", BEAT_DIGITS, beat);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0)
        return;
    if (fstat(fd, &info) == 0 && info.st_size > BEAT_DIGITS &&
        pwrite(fd, digits, BEAT_DIGITS + 1, info.st_size - BEAT_DIGITS - 1) == BEAT_DIGITS + 1)
        fsync(fd);
    close(fd);
}

int fp_lock_beat(fp_lock *lock, fp_error *error) {
    fp_owner owner;
    if (!lock)
        return 0;
    if (read_owner(lock->path, &owner) < 0 && !fp_path_exists(lock->path))
        return fp_fail(error, "the lock %s has vanished", lock->path);
    if (owner.process && !same_owner(&owner, &lock->self))
        return fp_fail(error, "another sweep (process %ld on %s, job %s) has taken %s over", owner.process,
                       owner.host, owner.job, lock->path);
    write_beat(lock->path, owner.beat + 1);
    return 0;
}

void fp_lock_release(fp_lock *lock) {
    if (!lock)
        return;
    fp_owner owner;
    if (read_owner(lock->path, &owner) == 0 && same_owner(&owner, &lock->self))
        unlink(lock->path);
    free(lock->path);
    free(lock);
}
