/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - list: the keys, in an order */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "bus.h"
#include "commands.h"
#include "value.h"

enum { LIST_PREFIX, LIST_PATTERN, LIST_SORT, LIST_LONG };
const struct ctl_option ctl_list_options[] = {
    [LIST_PREFIX] = {"prefix", "P", "only keys that begin with P"},
    [LIST_PATTERN] = {"pattern", "PATTERN", "only keys that match, with the wildcards of a shell"},
    [LIST_SORT] = {"sort", "key|epoch|size", "in which order (default key)"},
    [LIST_LONG] = {"long", NULL, "print what is known of each key, too"},
    {NULL, NULL, NULL},
};

struct entry {
    struct splinter_meta meta;
    char *key;
};

/* Entries are sorted by their rank, and those with the same one by their keys.  By key, the rank is
 * the first bytes of it that not all keys have, so that few comparisons look at the key itself. */
struct ranked {
    uint64_t rank;
    struct entry *entry;
};

struct keys {
    struct ranked *key;
    size_t count, room;
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
    size = (size + 15) & ~(size_t)15;
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

static void add(struct keys *keys, const char *key, const struct splinter_meta *meta)
{
    size_t len = strlen(key) + 1;
    if (keys->count == keys->room) {
        keys->room = keys->room ? keys->room * 2 : 1024;
        keys->key = cli_need(realloc(keys->key, keys->room * sizeof(*keys->key)));
    }
    struct entry *entry = take(keys, sizeof(*entry) + len);
    entry->meta = *meta;
    entry->key = (char *)(entry + 1);
    memcpy(entry->key, key, len);
    keys->key[keys->count++] = (struct ranked){0, entry};
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

static void collect(struct keys *keys, splinter_store *store, const char *prefix,
                    const char *pattern)
{
    char key[SPLINTER_KEY_MAX];
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    uint64_t cursor = 0;
    int r;
    while ((r = splinter_store_walk(store, prefix, &cursor, key, &meta)) == 1)
        if (!pattern || fnmatch(pattern, key, 0) == 0)
            add(keys, key, &meta);
    if (r)
        cli_die(CLI_FAILURE, "cannot list the keys of bus '%s': %s", ctl_bus_name(), strerror(-r));
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

/* How many bytes all keys begin with. */
static size_t common_length(const struct keys *keys)
{
    const char *first = keys->count ? keys->key[0].entry->key : "";
    size_t common = strlen(first);
    for (size_t i = 1; i < keys->count; i++) {
        const char *key = keys->key[i].entry->key;
        size_t same = 0;
        while (same < common && key[same] == first[same])
            same++;
        common = same;
    }
    return common;
}

static uint64_t first_bytes(const char *text)
{
    uint64_t rank = 0;
    for (int i = 0; i < 8; i++) {
        rank = rank << 8 | (unsigned char)*text;
        text += *text != '\0';
    }
    return rank;
}

static int by_rank(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return strcmp(left->entry->key, right->entry->key);
}

static void sort(struct keys *keys, enum order order)
{
    size_t common = order == BY_KEY ? common_length(keys) : 0;
    for (size_t i = 0; i < keys->count; i++) {
        const struct entry *entry = keys->key[i].entry;
        keys->key[i].rank = order == BY_EPOCH  ? entry->meta.epoch
                            : order == BY_SIZE ? entry->meta.value_size
                                               : first_bytes(entry->key + common);
    }
    if (keys->count)
        qsort(keys->key, keys->count, sizeof(*keys->key), by_rank);
}

/* ---- to print ---- */

static void key_row(void *arg, size_t i, struct ctl_field *fields)
{
    static char type[CTL_TYPE_ROOM];
    const struct entry *entry = ((const struct ranked *)arg)[i].entry;
    ctl_meta_fields(fields, entry->key, &entry->meta, type);
}

int ctl_run_list(const struct ctl_call *call)
{
    struct keys keys = {NULL, 0, 0, NULL};
    enum order order = order_of(call->given[LIST_SORT]);
    collect(&keys, call->store, call->given[LIST_PREFIX], call->given[LIST_PATTERN]);
    sort(&keys, order);
    if (ctl_json() || call->given[LIST_LONG]) {
        const struct ctl_table table = {keys.count, CTL_META_FIELDS, key_row, keys.key};
        ctl_print_table(&table);
    } else {
        for (size_t i = 0; i < keys.count; i++) {
            cli_out_name(&ctl_out, keys.key[i].entry->key);
            cli_out_put(&ctl_out, "\n", 1);
            cli_out_record(&ctl_out);
        }
    }
    free_keys(&keys);
    return CLI_OK;
}
