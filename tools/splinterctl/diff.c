/* SPDX-License-Identifier: Apache-2.0 */
/* diff.c - diff: compare two stores */
#include "diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "bus.h"
#include "commands.h"
#include "output.h"
#include "progress.h"
#include "unfinished.h"
#include "value.h"

enum { DIFF_PREFIX, DIFF_EPOCHS, DIFF_FILE };
const struct ctl_option ctl_diff_options[] = {
    [DIFF_PREFIX] = {"prefix", "P", "only keys that begin with P, and no topics and queues"},
    [DIFF_EPOCHS] = {"epochs", NULL, "also compare epochs"},
    [DIFF_FILE] = {"other-file", NULL, "OTHER and LEFT are files, even without a slash"},
    {NULL, NULL, NULL},
};

/* Ends of life are compared by the clock, between two gets of which either may be late. */
#define LIFE_SLACK_NS 2000000000

/* ---- keys ---- */

static bool same_life(uint64_t left_ns, uint64_t right_ns)
{
    uint64_t apart = left_ns > right_ns ? left_ns - right_ns : right_ns - left_ns;
    return !left_ns == !right_ns && apart <= LIFE_SLACK_NS;
}

/* Returns what differs first, or NULL. */
static const char *compare(const struct cli_value *left, const struct cli_value *right, bool epochs)
{
    if (left->size != right->size || memcmp(left->buf, right->buf, left->size) != 0)
        return "value";
    if (left->meta.type != right->meta.type)
        return "type";
    if (!same_life(left->meta.ttl_ns, right->meta.ttl_ns))
        return "expiry";
    return epochs && left->meta.epoch != right->meta.epoch ? "epoch" : NULL;
}

static struct ctl_side side_of(const struct cli_value *v)
{
    return (struct ctl_side){true, v->size, v->meta.type};
}

/* Returns false if the key is not there, or belongs to a process. */
static bool get(splinter_store *store, const char *name, const char *key, struct cli_value *v)
{
    int r;
    while ((r = cli_get_of(store, name, key, v)) == -EAGAIN)
        ctl_unfinished_check();
    return !r && !v->meta.owner;
}

static void diff_key(struct ctl_diff *diff, const char *key, bool epochs)
{
    static struct cli_value left, right;
    if (!get(diff->left, diff->left_name, key, &left))
        return; /* it has gone meanwhile */
    struct ctl_side of_left = side_of(&left);
    if (!get(diff->right, diff->right_name, key, &right)) {
        ctl_diff_add(diff, "only-left", "key", key, &of_left, NULL);
        return;
    }
    struct ctl_side of_right = side_of(&right);
    const char *what = compare(&left, &right, epochs);
    if (what)
        ctl_diff_add(diff, what, "key", key, &of_left, &of_right);
}

/* A key of the right store. */
static void diff_other(struct ctl_diff *diff, const char *key, const struct splinter_meta *meta)
{
    struct splinter_meta of_left = {.struct_size = sizeof(of_left)};
    int r;
    while ((r = splinter_store_get(diff->left, key, NULL, 0, NULL, &of_left)) == -EAGAIN)
        ctl_unfinished_check();
    if (r && r != -ENOENT)
        cli_die(CLI_FAILURE, "cannot read key '%s' of bus '%s': %s", key, diff->left_name,
                strerror(-r));
    const struct ctl_side of_right = {true, meta->value_size, meta->type};
    if (r || of_left.owner)
        ctl_diff_add(diff, "only-right", "key", key, NULL, &of_right);
}

static void walk(struct ctl_diff *diff, bool left, const char *prefix, bool epochs, uint64_t *done)
{
    char key[SPLINTER_KEY_MAX];
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    uint64_t cursor = 0;
    int r;
    while ((r = splinter_store_walk(left ? diff->left : diff->right, prefix, &cursor, key,
                                    &meta)) == 1) {
        ctl_unfinished_check();
        ctl_progress(++*done);
        if (meta.owner)
            continue;
        if (left)
            diff_key(diff, key, epochs);
        else
            diff_other(diff, key, &meta);
    }
    if (r)
        cli_die(CLI_FAILURE, "cannot walk over the keys of bus '%s': %s",
                left ? diff->left_name : diff->right_name, strerror(-r));
}

/* ---- to print ---- */

static int by_name(const void *a, const void *b)
{
    const struct ctl_difference *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : strcmp(left->kind, right->kind);
}

static struct ctl_field size_field(const char *name, const struct ctl_side *side)
{
    return side->there ? ctl_number(name, side->size) : ctl_none(name);
}

static struct ctl_field type_field(const char *name, const struct ctl_difference *d,
                                   const struct ctl_side *side, char text[CTL_TYPE_ROOM])
{
    if (!side->there || strcmp(d->kind, "key") != 0)
        return ctl_none(name);
    return ctl_text(name, ctl_type_text(side->type, text));
}

static void difference_row(void *arg, size_t i, struct ctl_field *fields)
{
    static char left_type[CTL_TYPE_ROOM], right_type[CTL_TYPE_ROOM];
    const struct ctl_difference *d = (const struct ctl_difference *)arg + i;
    fields[0] = ctl_text("difference", d->what);
    fields[1] = size_field("left_size", &d->left);
    fields[2] = size_field("right_size", &d->right);
    fields[3] = type_field("left_type", d, &d->left, left_type);
    fields[4] = type_field("right_type", d, &d->right, right_type);
    fields[5] = ctl_text("kind", d->kind);
    fields[6] = ctl_text("key", d->name);
}

/* ---- the command ---- */

static void open_both(struct ctl_diff *diff, const struct ctl_call *call)
{
    bool file = call->given[DIFF_FILE];
    diff->right_name = call->arguments[call->count - 1];
    if (call->count == 2) {
        diff->left_name = call->arguments[0];
        diff->left = ctl_open_other(diff->left_name, cli_where(diff->left_name, file));
    } else {
        diff->left_name = ctl_bus_name();
        diff->left = ctl_open(false);
    }
    diff->right = ctl_open_other(diff->right_name, cli_where(diff->right_name, file));
}

int ctl_run_diff(const struct ctl_call *call)
{
    static struct ctl_diff diff;
    const char *prefix = call->given[DIFF_PREFIX];
    struct splinter_stat left = {.struct_size = sizeof(left)}, right = left;
    uint64_t done = 0;
    ctl_diff_clear(&diff);
    ctl_unfinished_begin();
    open_both(&diff, call);
    splinter_store_stat(diff.left, &left);
    splinter_store_stat(diff.right, &right);
    ctl_progress_begin("comparing", "keys", prefix ? 0 : left.keys + right.keys, false);
    walk(&diff, true, prefix, call->given[DIFF_EPOCHS], &done);
    walk(&diff, false, prefix, false, &done);
    if (!prefix)
        ctl_diff_topics(&diff);
    ctl_progress_end();
    if (diff.count)
        qsort(diff.found, diff.count, sizeof(*diff.found), by_name);
    const struct ctl_table table = {diff.count, 7, difference_row, diff.found};
    ctl_print_table(&table);
    return diff.count ? CLI_FOUND : CLI_OK;
}
