/* SPDX-License-Identifier: Apache-2.0 */
/* logtee_seen.c - what was seen of each key */
#include "logtee_seen.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "logtee_output.h"

static struct logtee_seen *table;     /* a hash table, open addressing */
static size_t table_size, table_used; /* the size is a power of two */

static struct logtee_seen *place_of(struct logtee_seen *in, size_t size, const char *key)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (const unsigned char *p = (const unsigned char *)key; *p; p++)
        hash = (hash ^ *p) * UINT64_C(1099511628211);
    size_t i = (size_t)hash & (size - 1);
    while (in[i].key && strcmp(in[i].key, key) != 0)
        i = (i + 1) & (size - 1);
    return &in[i];
}

static bool is_needed(const struct logtee_seen *s)
{
    return (!s->last.gone && !s->absent) || s->last.passed;
}

/* Makes room.  Keys that are gone are forgotten, or a bus on which new keys never stop coming
 * would fill the memory. */
static void table_rebuild(void)
{
    size_t present = 0, size = 64;
    for (size_t i = 0; i < table_size; i++)
        present += table[i].key && is_needed(&table[i]);
    while (size < present * 4)
        size *= 2;
    struct logtee_seen *new = cli_need(calloc(size, sizeof(*new)));
    for (size_t i = 0; i < table_size; i++)
        if (table[i].key && is_needed(&table[i]))
            *place_of(new, size, table[i].key) = table[i];
        else
            free(table[i].key);
    free(table);
    table = new;
    table_size = size;
    table_used = present;
}

struct logtee_seen *logtee_seen_of(const char *key)
{
    if (table_used * 2 >= table_size)
        table_rebuild();
    struct logtee_seen *s = place_of(table, table_size, key);
    if (!s->key) {
        s->key = cli_need(strdup(key));
        table_used++;
    }
    return s;
}

void logtee_seen_round_over(uint64_t round, bool gone)
{
    for (size_t i = 0; i < table_size; i++)
        if (table[i].key && table[i].round != round) {
            table[i].absent = true;
            if (gone)
                cli_seen_gone(&table[i].last);
        }
}

void logtee_seen_say_passed(void)
{
    for (size_t i = 0; i < table_size; i++)
        if (table[i].key) {
            struct cli_missed missed = cli_seen_passed(&table[i].last);
            logtee_output_missed(table[i].key, 0, &missed);
        }
}

void logtee_seen_free(void)
{
    for (size_t i = 0; i < table_size; i++)
        free(table[i].key);
    free(table);
    table = NULL;
    table_size = table_used = 0;
}
