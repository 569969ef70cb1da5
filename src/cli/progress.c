#include "progress.h"

#include "command.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 30 };

fp_progress_view fp_progress_view_make(int quiet) {
    return (fp_progress_view){.terminal = isatty(STDERR_FILENO), .quiet = quiet};
}

/* Lines come close together at first, then at most every five minutes. */
static double interval(double elapsed) {
    return elapsed < 60 ? 10 : elapsed < 600 ? 60 : 300;
}

static void draw(double share, char bar[BAR + 1]) {
    int filled = (int)(share * BAR + 0.5);
    memset(bar, '#', (size_t)filled);
    memset(bar + filled, '.', (size_t)(BAR - filled));
    bar[BAR] = '\0';
}

static void show_bar(const fp_sweep_state *s) {
    char bar[BAR + 1], left[32];
    draw(s->share, bar);
    fprintf(stderr, "\r\033[K[%s] %3.0f %%  %zu/%zu units  %zu/%zu checkpoints", bar, 100 * s->share,
            s->units_kept + s->units_done, s->units, s->checkpoints_done, s->checkpoints);
    if (s->units_failed)
        fprintf(stderr, "  \033[31m%zu failed\033[0m", s->units_failed);
    if (s->over)
        fputc('\n', stderr);
    else
        fprintf(stderr, "  %s left", fp_duration(s->remaining, left));
    fflush(stderr);
}

static void show_line(const fp_sweep_state *s) {
    char clock[16], elapsed[32], left[32];
    time_t now = time(NULL);
    struct tm local;
    strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&now, &local));
    fprintf(stderr,
            "%s %3.0f %% %zu/%zu units, %zu/%zu checkpoints, %zu failed, %zu running on %d rank%s, %s so "
            "far, %s left\n",
            clock, 100 * s->share, s->units_kept + s->units_done, s->units, s->checkpoints_done,
            s->checkpoints, s->units_failed + s->checkpoints_failed, s->running, s->ranks,
            s->ranks == 1 ? "" : "s", fp_duration(s->elapsed, elapsed),
            s->over ? "nothing" : fp_duration(s->remaining, left));
    fflush(stderr);
}

void fp_progress_show(void *context, const fp_sweep_state *state) {
    fp_progress_view *view = context;
    if (view->quiet)
        return;
    if (view->terminal) {
        show_bar(state);
    } else if (state->over || state->elapsed >= view->next_line) {
        show_line(state);
        view->next_line = state->elapsed + interval(state->elapsed);
    }
}

void fp_progress_say(void *context, const char *text) {
    const fp_progress_view *view = context;
    fprintf(stderr, "%sfineprobe: %s\n", view->terminal ? "\r\033[K" : "", text);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

fp_bar fp_bar_make(const char *what, int quiet) {
    int terminal = isatty(STDERR_FILENO);
    return (fp_bar){.what = what,
                    .terminal = !quiet && terminal,
                    .lines = !quiet && !terminal,
                    .last = -1,
                    .started = seconds(),
                    .next_line = interval(0)};
}

/* Where nobody looks at a bar, a line now and then. */
static void show_share(fp_bar *bar, double share) {
    double elapsed = seconds() - bar->started;
    if (elapsed < bar->next_line)
        return;
    bar->next_line = elapsed + interval(elapsed);
    fprintf(stderr, "%s: %.0f %% after %.0f s\n", bar->what, 100 * share, elapsed);
}

void fp_bar_show(void *context, double share) {
    fp_bar *bar = context;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    if (bar->lines)
        show_share(bar, share);
    if (!bar->terminal || (bar->last >= 0 && share < bar->last + 0.005 && share < 1))
        return;
    char picture[BAR + 1];
    draw(share, picture);
    bar->last = share;
    fprintf(stderr, "\r\033[K[%s] %3.0f %%  %s", picture, 100 * share, bar->what);
    fflush(stderr);
}

void fp_bar_end(fp_bar *bar) {
    if (bar->terminal && bar->last >= 0)
        fputs("\r\033[K", stderr);
    bar->last = -1;
}
