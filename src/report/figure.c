#include "report/figure.h"

#include "fineprobe/file.h"
#include "fineprobe/memory.h"
#include "report/figure_make.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- the list ---- */

/* Letters, digits, points and signs that every file system takes; a number behind it when it is taken. */
static char *free_name(const fp_figures *figures, const char *wanted, fp_error *error) {
    for (int attempt = 1;; attempt++) {
        char *name = attempt == 1 ? fp_strdup(wanted, error) : fp_format(error, "%s-%d", wanted, attempt);
        int taken = 0;
        for (char *at = name; at && *at; at++)
            if (!isalnum((unsigned char)*at) && *at != '.' && *at != '-')
                *at = '-';
        for (size_t i = 0; name && i < figures->n; i++)
            taken |= strcmp(figures->items[i].name, name) == 0;
        if (!taken)
            return name;
        free(name);
    }
}

fp_figure *fp_figure_add(fp_figures *figures, fp_figure_kind kind, const fp_course *course, const char *name,
                         int width, int height, fp_error *error) {
    if (fp_grow((void **)&figures->items, &figures->capacity, figures->n + 1, sizeof *figures->items, error) <
        0)
        return NULL;
    fp_figure *figure = &figures->items[figures->n];
    *figure = (fp_figure){.kind = kind, .course = course, .width = width, .height = height};
    figure->name = free_name(figures, name, error);
    if (!figure->name)
        return NULL;
    figures->n++;
    return figure;
}

void fp_figures_free(fp_figures *figures) {
    for (size_t i = 0; i < figures->n; i++) {
        free(figures->items[i].name);
        free(figures->items[i].caption);
        fp_text_free(&figures->items[i].data);
        fp_text_free(&figures->items[i].body);
    }
    free(figures->items);
    *figures = (fp_figures){0};
}

const fp_figure *fp_figures_find(const fp_figures *figures, const fp_course *course, fp_figure_kind kind) {
    for (size_t i = 0; i < figures->n; i++)
        if (figures->items[i].course == course && figures->items[i].kind == kind)
            return &figures->items[i];
    return NULL;
}

/* ---- files ---- */

/* The bitmap has twice the pixels of the drawing. */
static void write_script(const fp_figure *f, int svg, int png, fp_text *out) {
    fp_text_print(out,
                  "# gnuplot %s.gp draws the figure from %s.dat (gnuplot 5.2 or later)\n"
                  "do for [kind in \"%s%s%s\"] {\n"
                  "reset\n"
                  "if (kind eq \"svg\") {\n"
                  "set terminal svg noenhanced size %d,%d font \"sans-serif,12\" background \"white\"\n"
                  "} else {\n"
                  "set terminal pngcairo noenhanced size %d,%d font \"Sans,12\" fontscale 1.5 linewidth 2 "
                  "pointscale 2\n"
                  "}\n"
                  "set output \"%s.\".kind\n"
                  "data = \"%s.dat\"\n",
                  f->name, f->name, svg ? "svg" : "", svg && png ? " " : "", png ? "png" : "", f->width,
                  f->height, 2 * f->width, 2 * f->height, f->name, f->name);
    fp_text_add(out, f->body.bytes ? f->body.bytes : "");
    fp_text_add(out, "unset output\n}\n");
    out->failed |= f->body.failed;
}

static int write_file(const fp_text *text, const char *folder, const char *name, const char *ending,
                      fp_error *error) {
    char *path = fp_format(error, "%s/%s.%s", folder, name, ending);
    int rc = path ? fp_text_write(text, path, error) : -1;
    free(path);
    return rc;
}

int fp_figures_write(const fp_figures *figures, const char *folder, int svg, int png, fp_error *error) {
    for (size_t i = 0; i < figures->n; i++) {
        const fp_figure *f = &figures->items[i];
        fp_text script = {0};
        write_script(f, svg, png, &script);
        int rc = write_file(&f->data, folder, f->name, "dat", error) < 0 ||
                         write_file(&script, folder, f->name, "gp", error) < 0
                     ? -1
                     : 0;
        fp_text_free(&script);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* ---- drawing ---- */

static int wait_for(pid_t child, const char *complaints, fp_error *error) {
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return fp_fail_errno(error, "waiting for gnuplot");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    char *text = fp_file_read(complaints, NULL, NULL);
    for (char *at = text; at && *at; at++)
        if (*at == '\n')
            *at = ' ';
    fp_fail(error, "gnuplot failed: %.700s", text ? text : "");
    free(text);
    return -1;
}

/* One process draws figures [FIRST, END) in FOLDER; what it complains about goes into a file there. */
static int draw_some(const fp_figures *figures, size_t first, size_t end, const char *folder,
                     fp_error *error) {
    size_t n = 0;
    char **arguments = fp_alloc(end - first + 5, sizeof *arguments, "figures", error);
    char *complaints = fp_format(error, "%s/gnuplot.log", folder);
    if (!arguments || !complaints) {
        free(arguments);
        free(complaints);
        return -1;
    }
    const char *const lead[] = {"sh", "-c", "cd \"$0\" && exec gnuplot \"$@\"", folder};
    for (size_t i = 0; i < 4; i++)
        arguments[n++] = (char *)lead[i];
    int rc = 0;
    for (size_t i = first; rc == 0 && i < end; i++)
        if (!(arguments[n++] = fp_format(error, "%s.gp", figures->items[i].name)))
            rc = -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, complaints, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    pid_t child;
    if (rc == 0 && (errno = posix_spawn(&child, "/bin/sh", &actions, NULL, arguments, environ)) != 0)
        rc = fp_fail_errno(error, "cannot start gnuplot");
    if (rc == 0)
        rc = wait_for(child, complaints, error);
    posix_spawn_file_actions_destroy(&actions);
    unlink(complaints);
    for (size_t i = 4; i < n; i++)
        free(arguments[i]);
    free(arguments);
    free(complaints);
    return rc;
}

static int has_gnuplot(void) {
    const char *path = getenv("PATH");
    for (const char *at = path ? path : ""; *at;) {
        size_t size = strcspn(at, ":");
        char *candidate = fp_format(NULL, "%.*s/gnuplot", (int)size, at);
        int found = candidate && access(candidate, X_OK) == 0;
        free(candidate);
        if (found)
            return 1;
        at += size + (at[size] == ':');
    }
    return 0;
}

/* One after the other: a figure that fails takes no other along. ERROR tells of the first. */
static int draw_each(fp_figures *figures, size_t first, size_t end, const char *folder, fp_error *error) {
    int rc = 0;
    for (size_t i = first; i < end; i++) {
        fp_error trouble = {0};
        figures->items[i].drawn = draw_some(figures, i, i + 1, folder, &trouble) == 0;
        if (!figures->items[i].drawn && rc == 0)
            rc = fp_fail(error, "figure %s: %s", figures->items[i].name, trouble.text);
    }
    return rc;
}

int fp_figures_draw(fp_figures *figures, const char *folder, fp_error *error) {
    enum { AT_ONCE = 100 };
    int rc = 0;
    if (!has_gnuplot())
        return fp_fail(error,
                       "there is no gnuplot in PATH (Debian: gnuplot-nox); figures/*.gp draw the figures "
                       "where there is one");
    for (size_t first = 0; first < figures->n; first += AT_ONCE) {
        size_t end = first + AT_ONCE < figures->n ? first + AT_ONCE : figures->n;
        if (draw_some(figures, first, end, folder, NULL) == 0)
            for (size_t i = first; i < end; i++)
                figures->items[i].drawn = 1;
        else if (draw_each(figures, first, end, folder, rc == 0 ? error : NULL) < 0)
            rc = -1;
    }
    return rc;
}

/* ---- in the page ---- */

/* Whether an id stands behind AT, and how long the words before it are. */
static size_t before_id(const char *at) {
    static const char *const leads[] = {" id='", " id=\"", "href='#", "href=\"#", "url(#"};
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++)
        if (strncmp(at, leads[i], strlen(leads[i])) == 0)
            return strlen(leads[i]);
    return 0;
}

/* Black is the page's ink, dark or light; ids are made unique. */
static void rewrite(const char *svg, const char *name, fp_text *out) {
    for (const char *at = svg; *at;) {
        size_t lead = before_id(at);
        const char *end = strncmp(at, " id=\"gnuplot_", 13) == 0 ? strchr(at + 13, '"') : NULL;
        if (end) { /* plots: nothing refers to them, and not all differ */
            at = end + 1;
        } else if (lead) {
            fp_text_add_bytes(out, at, lead);
            fp_text_print(out, "%s-", name);
            at += lead;
        } else if (strncmp(at, "'black'", 7) == 0 || strncmp(at, "\"black\"", 7) == 0) {
            fp_text_add(out, "\"currentColor\"");
            at += 7;
        } else if (strncmp(at, "<title>", 7) == 0 && strstr(at, "</title>")) {
            at = strstr(at, "</title>") + strlen("</title>");
        } else if (strncmp(at, " = '", 4) == 0) { /* of an attribute */
            fp_text_add(out, "=");
            at += 3;
        } else if (strncmp(at, "xlink:href", 10) == 0) {
            at += strlen("xlink:");
        } else {
            fp_text_add_bytes(out, at++, 1);
        }
    }
}

char *fp_figure_inline(const fp_figure *figure, const char *folder, fp_error *error) {
    char *path = fp_format(error, "%s/%s.svg", folder, figure->name);
    char *svg = path ? fp_file_read(path, NULL, error) : NULL;
    const char *body = svg ? strstr(svg, "<defs>") : NULL;
    fp_text out = {0};
    if (svg && !body)
        fp_fail(error, "%s is not what gnuplot writes", path);
    if (body) {
        fp_text_print(&out,
                      "<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"",
                      figure->width, figure->height, figure->width, figure->height);
        fp_text_html(&out, figure->caption);
        fp_text_add(&out, "\">\n<g>\n");
        rewrite(body, figure->name, &out);
        if (fp_text_check(&out, figure->name, error) < 0)
            fp_text_free(&out);
    }
    free(path);
    free(svg);
    return out.bytes;
}
