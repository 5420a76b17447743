/* SPDX-License-Identifier: Apache-2.0 */
/* perf_worker.c - a worker reads, or writes, until it is told to stop */
#include "perf_worker.h"

#include <errno.h>
#include <stdlib.h>

#include "perf_scenario.h"
#include "perf_value.h"

#define SAMPLE_EVERY 64 /* operations; reading the clock costs about as much as a get */
#define FAULT_EVERY 1000

/* What a get returned: size bytes at v, or the error e. */
static enum perf_fault verify(const struct perf_job *job, bool spoil, struct perf_value *v,
                              size_t size, int e, uint64_t key, uint64_t *last_version)
{
    size_t value_size = job->options->value_size;
    if (e)
        return PERF_MISSING;
    if (spoil)
        perf_break_value(v, value_size, job->options->fault, key, *last_version);
    if (size != value_size)
        return PERF_MISSING;
    enum perf_fault fault = perf_verify_value(v, value_size, key, *last_version);
    if (fault == PERF_RIGHT)
        *last_version = v->version;
    return fault;
}

static int read_on(const struct perf_job *job, struct perf_result *r, struct perf_value *v,
                   uint64_t *last_versions, uint64_t seed)
{
    const struct perf_options *o = job->options;
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    char key[PERF_KEY_SIZE];
    while (!atomic_load_explicit(&job->shared->stop, memory_order_relaxed)) {
        uint64_t number = perf_mix(&seed) % o->keys;
        bool sample = r->operations % SAMPLE_EVERY == 0;
        size_t size = 0;
        perf_make_key(key, number);
        uint64_t begin = sample ? perf_now_ns(CLOCK_MONOTONIC) : 0;
        int e = splinter_store_get(job->store, key, v, o->value_size, &size, &meta);
        if (sample)
            r->histogram[perf_place_of(perf_now_ns(CLOCK_MONOTONIC) - begin)]++;
        if (e == -EAGAIN) {
            r->again++;
            continue;
        }
        if (e && e != -ENOENT && e != -EMSGSIZE)
            return e;
        r->retries += meta.retries;
        bool spoil = o->fault && r->operations % FAULT_EVERY == 0;
        r->faults[verify(job, spoil, v, size, e, number, &last_versions[number])]++;
        r->operations++;
    }
    return 0;
}

static int write_on(const struct perf_job *job, struct perf_result *r, struct perf_value *v,
                    uint64_t *versions, uint64_t seed)
{
    const struct perf_options *o = job->options;
    char key[PERF_KEY_SIZE];
    while (!atomic_load_explicit(&job->shared->stop, memory_order_relaxed)) {
        uint64_t number = perf_mix(&seed) % o->keys;
        bool sample = r->operations % SAMPLE_EVERY == 0;
        perf_make_key(key, number);
        perf_make_value(v, o->value_size, number, versions[number] + 1);
        uint64_t begin = sample ? perf_now_ns(CLOCK_MONOTONIC) : 0;
        int e = splinter_store_set(job->store, key, v, o->value_size, NULL, NULL);
        if (sample)
            r->histogram[perf_place_of(perf_now_ns(CLOCK_MONOTONIC) - begin)]++;
        if (e == -EAGAIN) {
            r->again++;
            continue;
        }
        if (e)
            return e;
        versions[number]++;
        r->operations++;
    }
    return 0;
}

void perf_work(const struct perf_job *job, unsigned number)
{
    const struct perf_options *o = job->options;
    struct perf_shared *shared = job->shared;
    struct perf_result *r = &shared->result[number];
    struct perf_value *v = malloc(o->value_size);
    uint64_t *versions = malloc((size_t)o->keys * sizeof(*versions));
    if (!v || !versions) {
        r->error = -ENOMEM;
    } else {
        for (uint64_t i = 0; i < o->keys; i++)
            versions[i] = 1; /* every key was set once before the workers began */
        if (o->scenario == PERF_KEYS)
            perf_wait_for_go(shared);
        uint64_t begin = perf_now_ns(CLOCK_THREAD_CPUTIME_ID);
        if (o->scenario != PERF_KEYS)
            r->error = perf_scenario_work(job, number, v, versions);
        else
            r->error = (number == PERF_WRITER ? write_on : read_on)(job, r, v, versions, number);
        r->cpu_ns = perf_now_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    }
    if (r->error)
        atomic_store(&shared->stop, true);
    free(v);
    free(versions);
}
