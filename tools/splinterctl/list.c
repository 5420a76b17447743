/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - list: the keys, in an order */
#include <errno.h>
#include <fnmatch.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "bus.h"
#include "commands.h"
#include "sort.h"
#include "value.h"

enum { LIST_PREFIX, LIST_PATTERN, LIST_SORT, LIST_LONG };
const struct ctl_option ctl_list_options[] = {
    [LIST_PREFIX] = {"prefix", "P", "only keys that begin with P"},
    [LIST_PATTERN] = {"pattern", "PATTERN", "only keys that match, with the wildcards of a shell"},
    [LIST_SORT] = {"sort", "key|epoch|size", "in which order (default key)"},
    [LIST_LONG] = {"long", NULL, "also print what is known about each key"},
    {NULL, NULL, NULL},
};

/* In memory, a key lies behind its metadata, if these are kept. */
struct entry {
    struct splinter_meta meta;
    char key[];
};

struct keys {
    struct ctl_ranked *key;
    size_t count, room;
    size_t common; /* how many bytes all of them begin with */
    struct block *blocks;
};

/* Memory for entries, all of which is freed at once. */
#define BLOCK_ROOM (256 * 1024)
struct block {
    struct block *next;
    size_t used;
    _Alignas(16) char room[BLOCK_ROOM];
};

static void *take(struct keys *keys, size_t size)
{
    if (!keys->blocks || keys->blocks->used + size > BLOCK_ROOM) {
        struct block *block = cli_need(malloc(sizeof(*block)));
        block->next = keys->blocks;
        block->used = 0;
        keys->blocks = block;
    }
    void *taken = keys->blocks->room + keys->blocks->used;
    keys->blocks->used += size;
    return taken;
}

/* How many of the first most bytes are the same. */
static size_t same_bytes(const char *a, const char *b, size_t most)
{
    size_t same = 0;
    while (same < most && a[same] == b[same])
        same++;
    return same;
}

static void add(struct keys *keys, const char *key, uint64_t rank, const struct splinter_meta *meta)
{
    size_t len = strlen(key) + 1;
    if (keys->count == keys->room) {
        keys->room = keys->room ? keys->room * 2 : 1024;
        keys->key = cli_need(realloc(keys->key, keys->room * sizeof(*keys->key)));
    }
    char *copy;
    if (meta) {
        size_t size = offsetof(struct entry, key) + len, align = _Alignof(struct entry);
        struct entry *entry = take(keys, (size + align - 1) / align * align);
        entry->meta = *meta;
        copy = entry->key;
    } else {
        copy = take(keys, len);
    }
    memcpy(copy, key, len);
    keys->common = keys->count ? same_bytes(keys->key[0].key, key, keys->common) : len - 1;
    keys->key[keys->count++] = (struct ctl_ranked){rank, copy};
}

static void free_keys(struct keys *keys)
{
    while (keys->blocks) {
        struct block *next = keys->blocks->next;
        free(keys->blocks);
        keys->blocks = next;
    }
    free(keys->key);
}

/* ---- the order ---- */

enum order { BY_KEY, BY_EPOCH, BY_SIZE };

static enum order order_of(const char *text)
{
    static const char *const names[] = {[BY_KEY] = "key", [BY_EPOCH] = "epoch", [BY_SIZE] = "size"};
    for (enum order order = BY_KEY; text && order <= BY_SIZE; order++)
        if (strcmp(text, names[order]) == 0)
            return order;
    if (text)
        cli_usage("--sort: '%s' is not allowed; it takes key, epoch or size", text);
    return BY_KEY;
}

/* ---- to collect ---- */

static void collect(struct keys *keys, const struct ctl_call *call, enum order order,
                    bool keep_meta)
{
    const char *pattern = call->given[LIST_PATTERN];
    char key[SPLINTER_KEY_MAX];
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    struct splinter_meta *wanted = keep_meta || order != BY_KEY ? &meta : NULL;
    uint64_t cursor = 0;
    int r;
    while ((r = splinter_store_walk(call->store, call->given[LIST_PREFIX], &cursor, key,
                                    wanted)) == 1)
        if (!pattern || fnmatch(pattern, key, 0) == 0)
            add(keys, key, order == BY_EPOCH ? meta.epoch : meta.value_size,
                keep_meta ? &meta : NULL);
    if (r)
        cli_die(CLI_FAILURE, "cannot list the keys of bus '%s': %s", ctl_bus_name(), strerror(-r));
}

/* ---- to print ---- */

static void key_row(void *arg, size_t i, struct ctl_field *fields)
{
    static char type[CTL_TYPE_ROOM];
    const char *key = ((const struct ctl_ranked *)arg)[i].key;
    const struct entry *entry = (const void *)(key - offsetof(struct entry, key));
    ctl_meta_fields(fields, key, &entry->meta, type);
}

#define AHEAD 8 /* keys are anywhere in memory: one that far ahead is on its way */

static void print_keys(const struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (i + AHEAD < keys->count)
            __builtin_prefetch(keys->key[i + AHEAD].key);
        cli_out_name(&ctl_out, keys->key[i].key);
        cli_out_put(&ctl_out, "\n", 1);
        cli_out_record(&ctl_out);
    }
}

int ctl_run_list(const struct ctl_call *call)
{
    struct keys keys = {NULL, 0, 0, 0, NULL};
    enum order order = order_of(call->given[LIST_SORT]);
    bool rows = ctl_json() || call->given[LIST_LONG];
    collect(&keys, call, order, rows);
    if (order == BY_KEY)
        ctl_sort_by_key(keys.key, keys.count, keys.common);
    else
        ctl_sort_by_rank(keys.key, keys.count);
    if (rows) {
        const struct ctl_table table = {keys.count, CTL_META_FIELDS, key_row, keys.key};
        ctl_print_table(&table);
    } else {
        print_keys(&keys);
    }
    free_keys(&keys);
    return CLI_OK;
}
