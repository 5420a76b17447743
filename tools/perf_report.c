/* SPDX-License-Identifier: Apache-2.0 */
/* perf_report.c - what a run came to, as a table or as JSON */
#include "perf_report.h"

#include <inttypes.h>
#include <splinter.h>
#include <stdio.h>
#include <string.h>

#include "cli_text.h"
#include "perf_latency.h"
#include "perf_scenario.h"
#include "perf_store.h"
#include "perf_value.h"

struct summary {
    struct perf_result sum;
    uint64_t samples;
    double per_second, ns;
    uint64_t p50, p99, p999;
    uint64_t failures; /* values that were wrong */
};

/* ---- sums ---- */

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
        s->sum.lost += r->lost;
        for (unsigned i = 0; i < PERF_FAULTS; i++)
            s->sum.faults[i] += r->faults[i];
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
    for (unsigned i = PERF_TORN; i < PERF_FAULTS; i++)
        s->failures += s->sum.faults[i];
}

static double retries_per_1000(const struct summary *reads)
{
    const struct perf_result *r = &reads->sum;
    return r->operations ? (double)r->retries * 1000 / (double)r->operations : 0;
}

static const char *workers_are(const struct perf_options *o)
{
    return o->processes ? "processes" : "threads";
}

/* ---- JSON ---- */

static void print_member(const char *what, const struct summary *s)
{
    printf(",\"%s\":{\"operations\":%" PRIu64 ",\"per_second\":%.0f,\"ns_per_operation\":%.1f,"
           "\"p50_ns\":%" PRIu64 ",\"p99_ns\":%" PRIu64 ",\"p999_ns\":%" PRIu64
           ",\"gave_up\":%" PRIu64 "}",
           what, s->sum.operations, s->per_second, s->ns, s->p50, s->p99, s->p999, s->sum.again);
}

static void print_json(const struct perf_options *o, double seconds, const struct summary *reads,
                       const struct summary *writes)
{
    const struct perf_result *r = &reads->sum;
    printf("{\"version\":\"%s\",\"scenario\":\"%s\",\"readers\":%" PRIu64 ",\"writers\":%d,"
           "\"workers\":\"%s\","
           "\"keys\":%" PRIu64 ",\"value_size\":%" PRIu64 ",\"feed\":%" PRIu64 ",\"seconds\":%.3f",
           splinter_version(), perf_scenario_names[o->scenario], o->readers, o->writer,
           workers_are(o), o->keys, o->value_size, perf_store_feed(), seconds);
    print_member("reads", reads);
    print_member("writes", writes);
    printf(",\"retries\":%" PRIu64 ",\"retries_per_1000_reads\":%.4f", r->retries,
           retries_per_1000(reads));
    printf(",\"lost\":%" PRIu64 ",\"integrity_failures\":%" PRIu64, r->lost, reads->failures);
    for (int i = PERF_TORN; i < PERF_FAULTS; i++)
        printf(",\"%s\":%" PRIu64, perf_fault_names[i], r->faults[i]);
    puts("}");
}

/* ---- the table ---- */

/* What a reader and the writer do, and what latency means, in each scenario. */
static const struct {
    const char *reads, *writes, *means, *loses;
} words[PERF_SCENARIOS] = {
    [PERF_KEYS] = {"reads", "writes", "the call alone, as long as it took on the clock", ""},
    [PERF_FEED] = {"told", "writes", "of what is told: from the set until then", "gaps"},
    [PERF_TOPIC] = {"reads", "sends", "of reads: from the publish until then", "lost messages"},
    [PERF_QUEUE] = {"taken", "pushes", "of what is taken: from the push until then", ""},
};

static void print_row(const char *what, const struct summary *s)
{
    printf("%-8s %14.0f %9.1f %9" PRIu64 " %9" PRIu64 " %9" PRIu64 "\n", what, s->per_second, s->ns,
           s->p50, s->p99, s->p999);
}

static void print_failures(const struct summary *reads)
{
    printf("integrity failures  %" PRIu64 "\n", reads->failures);
    if (!reads->failures)
        return;
    for (int i = PERF_TORN; i < PERF_FAULTS; i++)
        printf("%s%s %" PRIu64, i == PERF_TORN ? "  " : ", ", perf_fault_names[i],
               reads->sum.faults[i]);
    putchar('\n');
}

static void print_table(const struct perf_options *o, double seconds, const struct summary *reads,
                        const struct summary *writes)
{
    printf("%" PRIu64 " reader%s, %s, as %s; ", o->readers, CLI_S(o->readers),
           o->writer ? "1 writer" : "no writer", workers_are(o));
    if (o->scenario >= PERF_TOPIC)
        printf("a %s of %" PRIu64, perf_scenario_names[o->scenario], o->keys);
    else
        printf("%" PRIu64 " key%s", o->keys, CLI_S(o->keys));
    printf(" of %" PRIu64 " bytes; %s; %.2f s\n\n", o->value_size,
           perf_store_feed() ? "a feed" : "no feed", seconds);
    printf("%-8s %14s %9s %9s %9s %9s\n", "", "operations/s", "ns/op", "p50 ns", "p99 ns",
           "p99.9 ns");
    print_row(words[o->scenario].reads, reads);
    if (o->writer)
        print_row(words[o->scenario].writes, writes);
    printf("\nns/op: processor time, making the key and verifying the value included;\n"
           "p50 to p99.9: %s\n\n", words[o->scenario].means);
    if (*words[o->scenario].loses)
        printf("%-19s %" PRIu64 "\n", words[o->scenario].loses, reads->sum.lost);
    printf("retries             %" PRIu64 " (%.4f per 1000 reads)\n", reads->sum.retries,
           retries_per_1000(reads));
    if (reads->sum.again + writes->sum.again)
        printf("gave up, repeated   reads: %" PRIu64 ", writes: %" PRIu64 "\n", reads->sum.again,
               writes->sum.again);
    print_failures(reads);
}

uint64_t perf_report(const struct perf_job *job, double seconds)
{
    const struct perf_options *o = job->options;
    static struct summary reads, writes;
    sum_up(&reads, job->shared, PERF_WRITER + 1, job->end, seconds);
    sum_up(&writes, job->shared, PERF_WRITER, o->writer ? PERF_WRITER + 1 : PERF_WRITER, seconds);
    (o->json ? print_json : print_table)(o, seconds, &reads, &writes);
    return reads.failures;
}
