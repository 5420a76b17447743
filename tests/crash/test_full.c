/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_full.c - full stores: a rebuild from what a sync kept, and a snapshot
 *
 * While a sync is under way every replaced record is kept.  So the file has records of keys that
 * were unset since, more than the store has slots for.  They take no key's place.
 *
 * A snapshot has copied some keys when they are unset, and a queue takes the place of all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "support.h"
#include "tap.h"

#define SLOTS 4u

static struct place place, copy;
static splinter_store *store, *other;
static int faults;
static unsigned turns; /* how often a key makes room for another one */

static void key_of(char *out, unsigned n)
{
    sprintf(out, "key %u", n);
}

static void set(unsigned n, unsigned value)
{
    char key[16], text[16];

    key_of(key, n);
    sprintf(text, "value %u", value);
    must(splinter_store_set(other, key, text, strlen(text), NULL, NULL), "set");
}

static void unset(unsigned n)
{
    char key[16];

    key_of(key, n);
    must(splinter_store_unset(other, key, 0, NULL), "unset");
}

static void copy_the_file(void)
{
    char from[600], to[600];
    size_t size;
    uint8_t *bytes;
    FILE *f;

    place_new(&copy, BACKING_FILE);
    place_path(&place, from, sizeof(from));
    place_path(&copy, to, sizeof(to));
    bytes = raw_read(from, &size);
    f = fopen(to, "w");
    if (!f || fwrite(bytes, 1, size, f) != size || fclose(f))
        die("%s", to);
    free(bytes);
}

static const char *at;

/* Each key is set twice more and unset, and the next one takes its place. */
static void at_step(const char *step)
{
    if (!at || strcmp(step, at))
        return;
    at = NULL;
    for (unsigned n = 0; n < turns; n++) {
        set(n, 2);
        set(n, 3);
        unset(n);
        set(n + SLOTS, 1);
    }
    copy_the_file();
}

static void look(void)
{
    splinter_store *s = place_again(&copy, 0);
    unsigned there = 0;

    for (unsigned n = 0; n < turns + SLOTS; n++) {
        char key[16], text[16];
        size_t len;

        key_of(key, n);
        if (!splinter_store_get(s, key, text, sizeof(text), &len, NULL))
            there++;
        else if (n >= turns) {
            printf("# %u turns: key %u is lost\n", turns, n);
            faults++;
        }
    }
    if (there != SLOTS) {
        printf("# %u turns: %u keys are there\n", turns, there);
        faults++;
    }
    faults += check_store(s) != 0;
    place_end(&copy, s);
}

/* ---- snapshots ---- */

#define MANY 20u

static unsigned copied, until; /* so many keys are in the copy */

/* The keys go, and a queue comes that needs all slots but one. */
static void at_set(const char *step)
{
    struct splinter_topic_options o = {.struct_size = sizeof(o), .flags = SPLINTER_CREATE};
    splinter_queue *queue;

    if (strcmp(step, "set: begun") || ++copied != until)
        return;
    for (unsigned n = 0; n < MANY; n++)
        unset(n);
    o.capacity = MANY - 2;
    o.max_message = 40;
    must(splinter_queue_open(&queue, other, "jobs", &o), "queue");
    must(splinter_queue_push(queue, "work", 4, NULL, 0, NULL), "push");
    splinter_queue_close(queue);
}

/* The snapshot has the queue, whole, or has nothing of it. */
static void look_for_the_queue(void)
{
    struct splinter_item item = {.struct_size = sizeof(item)};
    splinter_store *s = place_again(&copy, 0);
    splinter_queue *queue;
    char text[40];
    int rc = splinter_queue_open(&queue, s, "jobs", NULL);

    faults += rc && rc != -ENOENT;
    if (!rc) {
        for (unsigned n = 0; n < MANY - 3 && !rc; n++)
            rc = splinter_queue_push(queue, "more", 4, NULL, 0, NULL);
        faults += rc != 0;
        faults += splinter_queue_take(queue, text, sizeof(text), 0, 0, &item) != 0;
        splinter_queue_close(queue);
    }
    faults += check_store(s) != 0;
    place_end(&copy, s);
}

static void snapshots(void)
{
    faults = 0;
    fault_hook = at_set;
    for (until = 1; until <= MANY; until++) {
        int rc;

        store = place_make(&place, BACKING_FILE, MANY, 100);
        other = place_again(&place, 0);
        fault_hook = NULL;
        for (unsigned n = 0; n < MANY; n++)
            set(n, 1);
        fault_hook = at_set;
        copied = 0;
        place_new(&copy, BACKING_FILE);
        rc = splinter_store_snapshot(store, copy.name, 0600);
        if (rc) {
            printf("# %u keys: %s\n", until, splinter_last_error());
            faults++;
        } else {
            look_for_the_queue();
        }
        splinter_store_close(other);
        place_end(&place, store);
    }
    report(!faults, "a snapshot of a full store whose keys give way to a queue");
}

int main(void)
{
    static const char *const steps[] = {"sync: begun", "sync: data written", "sync: on disk"};

    support_start();
    fault_hook = at_step;
    for (unsigned i = 0; i < 3; i++) {
        faults = 0;
        for (turns = 1; turns <= 4 * SLOTS; turns++) {
            store = place_make(&place, BACKING_FILE, SLOTS, 100);
            other = place_again(&place, 0);
            for (unsigned n = 0; n < SLOTS; n++)
                set(n, 1);
            must(splinter_store_sync(store), "sync");
            set(0, 1);
            at = steps[i];
            must(splinter_store_sync(store), "sync");
            if (at)
                die("no sync comes to '%s'", steps[i]);
            look();
            splinter_store_close(other);
            place_end(&place, store);
        }
        report(!faults, "a full store has all its keys, if its file is copied at '%s'", steps[i]);
    }
    snapshots();
    return tap_end();
}
