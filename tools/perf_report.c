/* SPDX-License-Identifier: Apache-2.0 */
/* perf_report.c - what a run came to, as a table or as JSON */
#include "perf_report.h"

#include <inttypes.h>
#include <splinter.h>
#include <stdio.h>
#include <string.h>

#include "perf_latency.h"

struct summary {
    struct perf_result sum;
    uint64_t samples;
    double per_second, ns;
    uint64_t p50, p99, p999;
};

static uint64_t percentile(const struct summary *s, double part)
{
    uint64_t rank = (uint64_t)((double)s->samples * part), below = 0;
    for (unsigned i = 0; i < PERF_PLACES; i++) {
        below += s->sum.histogram[i];
        if (below > rank)
            return perf_value_of(i);
    }
    return 0;
}

static void sum_up(struct summary *s, const struct perf_shared *shared, unsigned from, unsigned to,
                   double seconds)
{
    memset(s, 0, sizeof(*s));
    for (unsigned n = from; n < to; n++) {
        const struct perf_result *r = &shared->result[n];
        s->sum.operations += r->operations;
        s->sum.cpu_ns += r->cpu_ns;
        s->sum.retries += r->retries;
        s->sum.again += r->again;
        s->sum.torn += r->torn;
        s->sum.stale += r->stale;
        s->sum.foreign += r->foreign;
        s->sum.missing += r->missing;
        for (unsigned i = 0; i < PERF_PLACES; i++) {
            s->sum.histogram[i] += r->histogram[i];
            s->samples += r->histogram[i];
        }
    }
    s->per_second = seconds > 0 ? (double)s->sum.operations / seconds : 0;
    s->ns = s->sum.operations ? (double)s->sum.cpu_ns / (double)s->sum.operations : 0;
    s->p50 = percentile(s, 0.5);
    s->p99 = percentile(s, 0.99);
    s->p999 = percentile(s, 0.999);
}

static void print_row(const char *what, const struct summary *s)
{
    printf("%-8s %14.0f %9.1f %9" PRIu64 " %9" PRIu64 " %9" PRIu64 "\n", what, s->per_second, s->ns,
           s->p50, s->p99, s->p999);
}

static void print_json(const char *what, const struct summary *s)
{
    printf(",\"%s\":{\"operations\":%" PRIu64 ",\"per_second\":%.0f,\"ns_per_operation\":%.1f,"
           "\"p50_ns\":%" PRIu64 ",\"p99_ns\":%" PRIu64 ",\"p999_ns\":%" PRIu64
           ",\"gave_up\":%" PRIu64 "}",
           what, s->sum.operations, s->per_second, s->ns, s->p50, s->p99, s->p999, s->sum.again);
}

uint64_t perf_report(const struct perf_job *job, double seconds)
{
    const struct perf_options *o = job->options;
    static struct summary reads, writes;
    sum_up(&reads, job->shared, PERF_WRITER + 1, job->end, seconds);
    sum_up(&writes, job->shared, PERF_WRITER, o->writer ? PERF_WRITER + 1 : PERF_WRITER, seconds);
    const struct perf_result *r = &reads.sum;
    uint64_t failures = r->torn + r->stale + r->foreign + r->missing;
    double per_1000 = r->operations ? (double)r->retries * 1000 / (double)r->operations : 0;

    if (o->json) {
        printf("{\"version\":\"%s\",\"readers\":%" PRIu64 ",\"writers\":%d,\"workers\":\"%s\","
               "\"keys\":%" PRIu64 ",\"value_size\":%" PRIu64 ",\"seconds\":%.3f",
               splinter_version(), o->readers, o->writer, o->processes ? "processes" : "threads",
               o->keys, o->value_size, seconds);
        print_json("reads", &reads);
        print_json("writes", &writes);
        printf(",\"retries\":%" PRIu64 ",\"retries_per_1000_reads\":%.4f", r->retries, per_1000);
        printf(",\"integrity_failures\":%" PRIu64 ",\"torn\":%" PRIu64 ",\"stale\":%" PRIu64
               ",\"foreign\":%" PRIu64 ",\"missing\":%" PRIu64 "}\n",
               failures, r->torn, r->stale, r->foreign, r->missing);
    } else {
        printf("%" PRIu64 " readers, %s, as %s; %" PRIu64 " keys of %" PRIu64 " bytes; %.2f s\n\n",
               o->readers, o->writer ? "1 writer" : "no writer",
               o->processes ? "processes" : "threads", o->keys, o->value_size, seconds);
        printf("%-8s %14s %9s %9s %9s %9s\n", "", "operations/s", "ns/op", "p50 ns", "p99 ns",
               "p99.9 ns");
        print_row("reads", &reads);
        if (o->writer)
            print_row("writes", &writes);
        printf("\nns/op: processor time, making the key and verifying the value included;\n"
               "p50 to p99.9: the call alone, as long as it took on the clock\n\n");
        printf("retries             %" PRIu64 " (%.4f per 1000 reads)\n", r->retries, per_1000);
        if (r->again + writes.sum.again)
            printf("gave up, repeated   %" PRIu64 " reads, %" PRIu64 " writes\n", r->again,
                   writes.sum.again);
        printf("integrity failures  %" PRIu64 "\n", failures);
        if (failures)
            printf("  torn %" PRIu64 ", stale %" PRIu64 ", foreign %" PRIu64 ", missing %" PRIu64
                   "\n",
                   r->torn, r->stale, r->foreign, r->missing);
    }
    return failures;
}
