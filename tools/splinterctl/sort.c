/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sort.c - many keys in an order
 *
 * Eight bytes of each key are taken as a number, its rank, and the ranks are sorted byte by byte,
 * from the last one.  Bytes that all ranks share cost nothing.  Keys that have the same eight bytes
 * are sorted by the eight that follow.
 */
#include "sort.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"

#define FEW 256    /* up to here, comparisons are faster than to count bytes */
#define AHEAD 8    /* a key that far ahead is on its way from memory */
#define BYTES 8    /* of a rank */
#define VALUES 256 /* of a byte */

static int compare(const void *a, const void *b)
{
    const struct ctl_ranked *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return strcmp(left->key, right->key);
}

static unsigned byte_of(uint64_t rank, unsigned byte)
{
    return (unsigned)(rank >> 8 * byte & (VALUES - 1));
}

/* Counts become places. */
static void add_up(size_t *counts)
{
    size_t before = 0;
    for (unsigned value = 0; value < VALUES; value++) {
        size_t n = counts[value];
        counts[value] = before;
        before += n;
    }
}

static void radix_sort(struct ctl_ranked *items, struct ctl_ranked *spare, size_t count)
{
    size_t counts[BYTES][VALUES] = {{0}};
    struct ctl_ranked *from = items, *to = spare;
    for (size_t i = 0; i < count; i++)
        for (unsigned byte = 0; byte < BYTES; byte++)
            counts[byte][byte_of(items[i].rank, byte)]++;
    for (unsigned byte = 0; byte < BYTES; byte++) {
        if (counts[byte][byte_of(items[0].rank, byte)] == count)
            continue; /* all have the same */
        add_up(counts[byte]);
        for (size_t i = 0; i < count; i++)
            to[counts[byte][byte_of(from[i].rank, byte)]++] = from[i];
        struct ctl_ranked *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != items)
        memcpy(items, from, count * sizeof(*items));
}

static uint64_t first_bytes(const char *text)
{
    uint64_t rank = 0;
    for (int i = 0; i < BYTES; i++) {
        rank = rank << 8 | (unsigned char)*text;
        text += *text != '\0';
    }
    return rank;
}

static void sort_ranked(struct ctl_ranked *items, struct ctl_ranked *spare, size_t count,
                        size_t next, bool parts);

/* The keys have the same first bytes, up to `from`. */
static void sort_keys(struct ctl_ranked *items, struct ctl_ranked *spare, size_t count, size_t from)
{
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            __builtin_prefetch(items[i + AHEAD].key + from);
        items[i].rank = first_bytes(items[i].key + from);
    }
    sort_ranked(items, spare, count, from + BYTES, true);
}

/* Equal ranks are followed by the bytes of the keys from `next` on.  parts: the ranks are bytes of
 * the keys, so one that ends with a zero is that of one key alone. */
static void sort_ranked(struct ctl_ranked *items, struct ctl_ranked *spare, size_t count,
                        size_t next, bool parts)
{
    if (count <= FEW) {
        qsort(items, count, sizeof(*items), compare);
        return;
    }
    radix_sort(items, spare, count);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && items[end].rank == items[i].rank; end++)
            ;
        if (end > i + 1 && !(parts && byte_of(items[i].rank, 0) == 0))
            sort_keys(items + i, spare, end - i, next);
    }
}

static struct ctl_ranked *room_for(size_t count)
{
    return cli_need(malloc((count ? count : 1) * sizeof(struct ctl_ranked)));
}

void ctl_sort_by_rank(struct ctl_ranked *items, size_t count)
{
    struct ctl_ranked *spare = room_for(count);
    if (count)
        sort_ranked(items, spare, count, 0, false);
    free(spare);
}

void ctl_sort_by_key(struct ctl_ranked *items, size_t count, size_t common)
{
    struct ctl_ranked *spare = room_for(count);
    if (count)
        sort_keys(items, spare, count, common);
    free(spare);
}
