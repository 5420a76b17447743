/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - what a store should hold; see model.h */
#include "model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct model *model;
struct handle handles[MODEL_HANDLES];
bool model_is_child;

unsigned pick(unsigned n)
{
    return (unsigned)(random_next(&model->seed) >> 33) % n;
}

bool one_in(unsigned n)
{
    return !pick(n);
}

struct handle *pick_handle(void)
{
    unsigned i = pick(MODEL_HANDLES);

    while (!handles[i].store)
        i = (i + 1) % MODEL_HANDLES;
    return &handles[i];
}

uint64_t boot_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* ---- the log ---- */

static char *log_line(unsigned step)
{
    return model->log[step % MODEL_LOG];
}

void note(const char *format, ...)
{
    char *line = log_line(++model->step);
    size_t size = sizeof(model->log[0]);
    int n = snprintf(line, size, "%s%u: ", model_is_child ? "child, " : "", model->step);
    va_list args;

    va_start(args, format);
    vsnprintf(line + n, size - (size_t)n, format, args);
    va_end(args);
}

void model_wrong(const char *format, ...)
{
    char why[300];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    fprintf(stderr, "# SPLINTER_TEST_SEED=%" PRIu64 " begins with this script.  Its last calls:\n",
            model->first_seed);
    for (unsigned i = model->step < MODEL_LOG ? 1 : model->step - MODEL_LOG + 1; i <= model->step;
         i++)
        fprintf(stderr, "#   %s\n", log_line(i));
    fprintf(stderr, "# %s\n", why);
    if (model_is_child)
        _exit(1);
    ck_abort_msg("%s", why);
    _exit(1);
}

void result_is(int rc, int want)
{
    char *line = log_line(model->step);
    size_t n = strlen(line);

    snprintf(line + n, sizeof(model->log[0]) - n, " = %d", rc);
    if (rc != want)
        model_wrong("step %u: %d, not %d", model->step, rc, want);
}

/* ---- what a call changes ---- */

void model_lingers_not(struct model_key *k)
{
    model->lingering -= k->lingers;
    k->lingers = false;
}

void model_changed(struct model_key *k, uint64_t epoch)
{
    if (epoch <= model->epoch)
        model_wrong("step %u: epoch %" PRIu64 " after %" PRIu64, model->step, epoch, model->epoch);
    model->epoch = k->epoch = epoch;
    k->revision = k->there ? k->revision + 1 : 1;
    model->there += !k->there;
    k->there = true;
    model_lingers_not(k);
}

void model_gone(struct model_key *k, bool expired)
{
    k->there = false;
    k->owner = 0;
    model->there--;
    k->lingers = expired;
    model->lingering += expired;
}

void model_owner_gone(unsigned number)
{
    for (unsigned i = 0; i < model->keys; i++)
        if (model->key[i].there && model->key[i].owner == number)
            model_gone(&model->key[i], true);
}

/* ---- comparison ---- */

/* The remaining life, of which a call at some time since `before` told. */
static bool life_is(const struct model_key *k, uint64_t left, uint64_t before)
{
    if (!k->end_to)
        return !left;
    return left >= k->end_from - boot_ns() && left <= k->end_to - before;
}

void meta_is(const struct model_key *k, const struct splinter_meta *meta, uint64_t before)
{
    if (meta->epoch != k->epoch || meta->type != k->type || meta->revision != k->revision ||
        meta->value_size != k->len)
        model_wrong("step %u, %.20s: epoch %" PRIu64 ", type %u, revision %u, %" PRIu64
                    " bytes; not %" PRIu64 ", %u, %u, %zu",
                    model->step, k->name, meta->epoch, meta->type, meta->revision,
                    meta->value_size, k->epoch, k->type, k->revision, k->len);
    if (meta->struct_size == sizeof(*meta) && meta->owner != (k->owner ? k->owner_pid : 0))
        model_wrong("step %u, %.20s: process %u owns it, not %u", model->step, k->name, meta->owner,
                    k->owner ? k->owner_pid : 0);
    if (!life_is(k, meta->ttl_ns, before))
        model_wrong("step %u, %.20s: lives for %" PRIu64 " ns; it should from %" PRIu64
                    " to %" PRIu64,
                    model->step, k->name, meta->ttl_ns, k->end_from - boot_ns(),
                    k->end_to - before);
}

void stat_is(splinter_store *s)
{
    struct splinter_stat st = stat_of(s);

    if (st.slots != model->slots || st.max_value != model->max)
        model_wrong("step %u: %" PRIu64 " slots of %" PRIu64 " bytes", model->step, st.slots,
                    st.max_value);
    if (st.keys < model->there || st.keys > model->there + model->lingering)
        model_wrong("step %u: the store counts %" PRIu64 " keys, not %u to %u", model->step,
                    st.keys, model->there, model->there + model->lingering);
    if (st.epoch < model->epoch)
        model_wrong("step %u: the store's epoch is %" PRIu64 ", after %" PRIu64, model->step,
                    st.epoch, model->epoch);
    if (st.damaged || st.sync_error)
        model_wrong("step %u: %u records are damaged, sync error %u", model->step, st.damaged,
                    st.sync_error);
}

static struct model_key *key_named(const char *name)
{
    for (unsigned i = 0; i < model->keys; i++)
        if (!strcmp(model->key[i].name, name))
            return &model->key[i];
    model_wrong("step %u: a key %.20s is listed", model->step, name);
}

void listing_is(splinter_store *s, const char *prefix)
{
    char name[SPLINTER_KEY_MAX];
    bool seen[MODEL_KEYS] = {false};
    uint64_t cursor = 0, before = boot_ns();
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    int rc;

    while ((rc = splinter_store_walk(s, prefix, &cursor, name, &meta)) == 1) {
        const struct model_key *k = key_named(name);

        if (!k->there || seen[k - model->key] || strncmp(name, prefix, strlen(prefix)))
            model_wrong("step %u: %.20s is listed, but %s", model->step, name,
                        k->there ? "not once" : "gone");
        seen[k - model->key] = true;
        meta_is(k, &meta, before);
    }
    if (rc)
        model_wrong("step %u: a walk returns %d", model->step, rc);
    for (unsigned i = 0; i < model->keys; i++)
        if (model->key[i].there && !seen[i] &&
            !strncmp(model->key[i].name, prefix, strlen(prefix)))
            model_wrong("step %u: %.20s is not listed", model->step, model->key[i].name);
}

/* Either path of a get. */
static void value_is(splinter_store *s, const struct model_key *k, bool fast)
{
    static unsigned char out[MODEL_MAX];
    struct splinter_meta meta = {.struct_size = fast ? sizeof(meta) : SHORT_META};
    uint64_t before = boot_ns();
    size_t n = 0;
    int rc = splinter_store_get(s, k->name, out, sizeof(out), &n, &meta);

    if (rc != (k->there ? 0 : -ENOENT))
        model_wrong("step %u: a get of %.20s returns %d", model->step, k->name, rc);
    if (!k->there)
        return;
    meta_is(k, &meta, before);
    if (n != k->len || memcmp(out, k->val, n))
        model_wrong("step %u: %.20s has other bytes", model->step, k->name);
}

void all_is(splinter_store *s)
{
    stat_is(s);
    listing_is(s, "");
    for (unsigned i = 0; i < model->keys; i++)
        value_is(s, &model->key[i], i % 2);
}
