/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - the figures of the benchmark, as a table, JSON or a picture; and small helpers */
#include "bench.h"

#include <splinter.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool torn;

void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("splinter_bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

void *need(void *p)
{
    if (!p)
        die("out of memory");
    return p;
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void sleep_ns(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

    nanosleep(&t, NULL);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_value);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

void progress(const char *what)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s%s", what ? what : "", what ? " ..." : "");
}

/* ---- results ---- */

struct row {
    const char *name;
    double ratio, limit, ours, floor;
    bool at_least; /* the limit is a lower one */
    const char *unit;
};

static struct row rows[64];
static size_t row_count;

void result(const char *name, double ratio, double limit, double ours, double floor,
                   const char *unit, bool at_least)
{
    rows[row_count++] = (struct row){name, ratio, limit, ours, floor, at_least, unit};
}

static bool holds(const struct row *r)
{
    return isnan(r->limit) || (r->at_least ? r->ratio >= r->limit : r->ratio <= r->limit);
}

static void cpu_name(char *out, size_t size)
{
    char line[256], *colon;
    FILE *f = fopen("/proc/cpuinfo", "re");

    snprintf(out, size, "unknown CPU");
    while (f && fgets(line, sizeof(line), f))
        if (!strncmp(line, "model name", 10) && (colon = strchr(line, ':'))) {
            line[strcspn(line, "\n")] = 0;
            snprintf(out, size, "%s", colon + 2);
            break;
        }
    if (f)
        fclose(f);
}

/* A newcomer reads MISSED as a failure. */
static void print_meaning(void)
{
    bool missed = false;
    for (size_t i = 0; i < row_count; i++)
        missed |= !isnan(rows[i].limit) && !holds(&rows[i]);
    if (missed)
        printf("\nMISSED: slower in this run than the project aims for, and nothing worse; see\n"
               "docs/performance.md.%s\n",
               quick ? "  A short run on a busy or virtual machine misses a few aims." : "");
    if (left_out)
        printf("\nLeft out: %s.\n", left_out);
}

void print_results(void)
{
    char cpu[256];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    cpu_name(cpu, sizeof(cpu));
    if (json) {
        printf("{\"version\":\"%s\",\"cpu\":\"%s\",\"cores\":%ld,\"quick\":%s,\"torn\":%s,"
               "\"results\":[",
               splinter_version(), cpu, cores, quick ? "true" : "false", torn ? "true" : "false");
        for (size_t i = 0; i < row_count; i++) {
            const struct row *r = &rows[i];
            char limit[64] = "null";

            if (!isnan(r->limit))
                snprintf(limit, sizeof(limit), "%.4f", r->limit);
            printf("%s\n{\"name\":\"%s\",\"ratio\":%.4f,\"limit\":%s,\"bound\":\"%s\","
                   "\"splinter\":%.3f,\"floor\":%.3f,\"unit\":\"%s\",\"ok\":%s}",
                   i ? "," : "", r->name, r->ratio, limit, r->at_least ? "min" : "max", r->ours,
                   r->floor, r->unit, holds(r) ? "true" : "false");
        }
        printf("]}\n");
        return;
    }
    printf("splinter %s, %s, %ld cores%s\n", splinter_version(), cpu, cores,
           quick ? ", --quick" : "");
    printf("ratio: splinter against its floor, measured alternately; a \"<\" limit is the most, "
           "\">\" the least\n\n");
    printf("%-38s %8s %8s %12s %12s  %-8s\n", "figure", "ratio", "limit", "splinter", "floor",
           "unit");
    for (size_t i = 0; i < row_count; i++) {
        const struct row *r = &rows[i];
        char limit[64] = "-";

        if (!isnan(r->limit))
            snprintf(limit, sizeof(limit), "%c%7.3f", r->at_least ? '>' : '<', r->limit);
        printf("%-38s %8.3f %8s %12.1f %12.1f  %-8s %s\n", r->name, r->ratio, limit, r->ours,
               r->floor, r->unit, isnan(r->limit) ? "" : holds(r) ? "ok" : "MISSED");
    }
    print_meaning();
    if (torn)
        printf("\nINTEGRITY FAILURE: a value was torn or wrong\n");
}

/* ---- the plot: a bar a figure, on one scale of "times its limit" ---- */

/* 1 at the limit, more is worse, whichever way the limit goes. */
static double badness(const struct row *r)
{
    if (isnan(r->limit))
        return 0;
    if (r->at_least)
        return r->ratio > 0 ? r->limit / r->ratio : 99;
    return r->limit > 0 ? r->ratio / r->limit : r->ratio > 0 ? 99 : 0;
}

static void svg_text(FILE *f, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&': fputs("&amp;", f); break;
        case '<': fputs("&lt;", f); break;
        case '>': fputs("&gt;", f); break;
        default: fputc(*text, f);
        }
}

void write_plot(FILE *f)
{
    enum { LEFT = 300, LIMIT = 240, MOST = 2, HIGH = 22, TOP = 56 };
    char cpu[256];

    cpu_name(cpu, sizeof(cpu));
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" "
            "font-family=\"sans-serif\" font-size=\"13\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n<text x=\"12\" y=\"22\">",
            LEFT + MOST * LIMIT + 120, TOP + row_count * HIGH + 16);
    svg_text(f, "splinter ");
    svg_text(f, splinter_version());
    svg_text(f, ", ");
    svg_text(f, cpu);
    fprintf(f, ", %ld cores%s</text>\n", sysconf(_SC_NPROCESSORS_ONLN), quick ? ", --quick" : "");
    fprintf(f, "<text x=\"12\" y=\"42\" fill=\"#555\">each figure over its limit, which is the "
               "line; shorter is better</text>\n");
    for (size_t i = 0; i < row_count; i++) {
        const struct row *r = &rows[i];
        double worse = badness(r), bar = (worse < MOST ? worse : MOST) * LIMIT;
        size_t y = TOP + i * HIGH;

        fprintf(f, "<text x=\"12\" y=\"%zu\">", y + 15);
        svg_text(f, r->name);
        fprintf(f,
                "</text><rect x=\"%d\" y=\"%zu\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>"
                "<text x=\"%.1f\" y=\"%zu\">%.3g",
                LEFT, y + 3, bar, HIGH - 6, holds(r) ? "#4a8f5b" : "#c0504d", LEFT + bar + 6,
                y + 15, r->ratio);
        if (!isnan(r->limit))
            fprintf(f, " (%s %.3g)", r->at_least ? "at least" : "at most", r->limit);
        fputs("</text>\n", f);
    }
    fprintf(f, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%zu\" stroke=\"black\"/>\n</svg>\n",
            LEFT + LIMIT, TOP - 4, LEFT + LIMIT, TOP + row_count * HIGH + 4);
}
