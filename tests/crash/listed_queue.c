/* SPDX-License-Identifier: Apache-2.0 */
/* listed_queue.c - what the calls for queues return; see test_listed.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listed.h"

#define CAPACITY 2
#define LARGE 20000
#define HEAD 40 /* bytes before the message of an item */

static const struct splinter_item first = {.struct_size = sizeof(first), .number = 1,
                                           .delivery = 1};

static int open_it(splinter_queue **out, splinter_store *s, const char *queue, uint32_t flags)
{
    struct splinter_topic_options o = {.struct_size = sizeof(o)};

    o.flags = flags;
    o.capacity = flags ? CAPACITY : 0;
    return splinter_queue_open(out, s, queue, &o);
}

static int take(splinter_queue *q, size_t size)
{
    struct splinter_item item = {.struct_size = sizeof(item)};

    return splinter_queue_take(q, value, size, 0, 0, &item);
}

/* ---- those that change something, on a store that queues_before() has prepared ---- */

static void remove_it(splinter_store *s, const char *queue)
{
    int rc = splinter_queue_remove(s, queue);

    if (rc != -ENOENT)
        must(rc, "remove");
}

/* A queue with an item that somebody has, or had, and room for another. */
void queues_before(splinter_store *s)
{
    splinter_queue *q;

    remove_it(s, "made work");
    remove_it(s, "work");
    must(open_it(&q, s, "work", SPLINTER_CREATE), "a queue");
    must(splinter_queue_push(q, "an item", 7, NULL, 0, NULL), "push");
    must(take(q, 7), "take");
    splinter_queue_close(q);
}

int a_queue_made(splinter_store *s)
{
    splinter_queue *q = NULL;
    int rc = open_it(&q, s, "made work", SPLINTER_CREATE);

    splinter_queue_close(q);
    return rc;
}

int a_queue_removed(splinter_store *s)
{
    return splinter_queue_remove(s, "work");
}

static splinter_queue *opened(splinter_store *s)
{
    splinter_queue *q;

    if (open_it(&q, s, "work", 0))
        die("%s", splinter_last_error());
    return q;
}

int an_item_pushed(splinter_store *s)
{
    splinter_queue *q = opened(s);
    int rc = splinter_queue_push(q, "another", 7, NULL, 0, NULL);

    splinter_queue_close(q);
    return rc;
}

/* The first item: who had it gives it back, if that is needed. */
int an_item_taken(splinter_store *s)
{
    splinter_queue *q = opened(s);
    int rc = take(q, 7);

    splinter_queue_close(q);
    return rc;
}

int an_item_acknowledged(splinter_store *s)
{
    splinter_queue *q = opened(s);
    int rc = splinter_queue_ack(q, &first);

    splinter_queue_close(q);
    return rc;
}

int an_item_given_back(splinter_store *s)
{
    splinter_queue *q = opened(s);
    int rc = splinter_queue_nack(q, &first);

    splinter_queue_close(q);
    return rc;
}

void item_waits(splinter_store *s, bool free)
{
    queues_before(s);
    if (free)
        must(an_item_given_back(s), "nack");
}

/* ---- arguments, and what the store has ---- */

static void queue_names(splinter_store *s, splinter_store *r)
{
    struct splinter_topic_options o = {.struct_size = sizeof(o)};
    char longest[SPLINTER_KEY_MAX + 1];
    splinter_queue *none;

    memset(longest, 'n', SPLINTER_KEY_MAX);
    longest[SPLINTER_KEY_MAX] = '\0';
    GIVES(EINVAL, splinter_queue_open(&none, s, "", NULL));
    GIVES(ENAMETOOLONG, splinter_queue_open(&none, s, longest, NULL));
    GIVES(ENOENT, splinter_queue_open(&none, s, "none", NULL));
    o.flags = SPLINTER_CREATE | SPLINTER_EXCL;
    o.capacity = SLOTS;
    GIVES(EEXIST, splinter_queue_open(&none, s, "work", &o));
    GIVES(ENOSPC, splinter_queue_open(&none, s, "none", &o));
    GIVES(EROFS, splinter_queue_open(&none, r, "none", &o));
    GIVES(EPROTO, splinter_queue_open(&none, s, "there", NULL));
    GIVES(EPROTO, splinter_queue_remove(s, "there"));
    o.capacity = CAPACITY;
    o.max_message = MAX_VALUE;
    GIVES(EMSGSIZE, splinter_queue_open(&none, s, "none", &o));
    o.struct_size = 5000;
    GIVES(E2BIG, splinter_queue_open(&none, s, "none", &o));
    fails(FAIL_allocation, 1, ENOMEM);
    GIVES(ENOMEM, splinter_queue_open(&none, s, "work", NULL));
    GIVES(EINVAL, splinter_queue_walk(s, NULL, longest));
    GIVES(EINVAL, splinter_queue_remove(s, NULL));
    GIVES(ENAMETOOLONG, splinter_queue_remove(s, longest));
    GIVES(ENOENT, splinter_queue_remove(s, "none"));
    GIVES(EROFS, splinter_queue_remove(r, "work"));
}

static void queue_arguments(void)
{
    splinter_store *s = make(SLOTS, MAX_VALUE), *r = again(SPLINTER_RDONLY);
    struct splinter_publish_options p = {.struct_size = 5000};
    struct splinter_queue_stat st = {.struct_size = sizeof(st)};
    splinter_queue *q, *reads;

    topics_before(s);
    queues_before(s);
    queue_names(s, r);
    q = opened(s);
    reads = opened(r);
    GIVES(EINVAL, splinter_queue_push(q, "", 0, NULL, 0, NULL));
    GIVES(E2BIG, splinter_queue_push(q, "v", 1, &p, 0, NULL));
    GIVES(EMSGSIZE, splinter_queue_push(q, value, MAX_VALUE, NULL, 0, NULL));
    GIVES(EROFS, splinter_queue_push(reads, "v", 1, NULL, 0, NULL));
    must(splinter_queue_push(q, "another", 7, NULL, 0, NULL), "push");
    GIVES(ETIMEDOUT, splinter_queue_push(q, "v", 1, NULL, 0, NULL));
    GIVES(EINVAL, splinter_queue_take(q, value, 7, 0, 0, NULL));
    returned(__LINE__, "splinter_queue_take", take(reads, 7), -EROFS);
    returned(__LINE__, "splinter_queue_take", take(q, 6), -EMSGSIZE);
    must(take(q, 7), "take");
    returned(__LINE__, "splinter_queue_take", take(q, 7), -ETIMEDOUT);
    must(splinter_store_interrupt(s), "interrupt");
    GIVES(EINTR, splinter_queue_push(q, "v", 1, NULL, 1, NULL));
    returned(__LINE__, "splinter_queue_take", take(q, 7), -EINTR);
    must(splinter_store_resume(s), "resume");
    GIVES(EINVAL, splinter_queue_ack(q, NULL));
    GIVES(EINVAL, splinter_queue_nack(q, NULL));
    GIVES(EROFS, splinter_queue_ack(reads, &first));
    GIVES(EROFS, splinter_queue_nack(reads, &first));
    must(splinter_queue_nack(q, &first), "nack");
    GIVES(ESTALE, splinter_queue_nack(q, &first));
    GIVES(ESTALE, splinter_queue_ack(q, &first));
    GIVES(EINVAL, splinter_queue_stat(q, NULL));
    must(splinter_queue_remove(s, "work"), "remove");
    GIVES(EIDRM, splinter_queue_push(q, "v", 1, NULL, 0, NULL));
    returned(__LINE__, "splinter_queue_take", take(q, 7), -EIDRM);
    GIVES(EIDRM, splinter_queue_ack(q, &first));
    GIVES(EIDRM, splinter_queue_nack(q, &first));
    GIVES(EIDRM, splinter_queue_stat(q, &st));
    splinter_queue_close(q);
    splinter_queue_close(reads);
    splinter_store_close(r);
    splinter_store_close(s);
    unlink(path);
    done("queues: arguments");
}

/* A ticket of a later version, which says more than this one knows. */
static void later_ticket(void)
{
    static _Alignas(struct splinter_item) unsigned char bytes[sizeof(struct splinter_item) + 8];
    struct splinter_item *later = (void *)bytes;
    splinter_store *s = make(SLOTS, MAX_VALUE);
    splinter_queue *q;

    queues_before(s);
    q = opened(s);
    *later = first;
    later->struct_size = sizeof(bytes);
    bytes[sizeof(bytes) - 1] = 1;
    GIVES(E2BIG, splinter_queue_ack(q, later));
    GIVES(E2BIG, splinter_queue_nack(q, later));
    splinter_queue_close(q);
    splinter_store_close(s);
    unlink(path);
    done("queues: a ticket of a later version");
}

/* ---- damage, races ---- */

/* What the first position of a queue, where item 1 should be, cannot say; nobody believes it. */
static void no_item(splinter_queue *q, uint64_t *item)
{
    struct splinter_queue_stat st = {.struct_size = sizeof(st)};
    uint64_t was[2] = {item[0], item[1]};
    static const uint64_t bad[][2] = {
        {1, 3},          /* its turn was not yet */
        {2, 1},          /* the turn of another position */
        {3, 2},          /* the item of another position */
        {1, 0},          /* none, and somebody has it */
        {UINT64_MAX, 1}, /* more than numbers reach */
    };
    uint32_t *length = (uint32_t *)(void *)((uint8_t *)item - 64 + 32), len = *length;
    static const uint32_t lengths[] = {0, 9, HEAD - 1, MAX_VALUE + 1, UINT32_MAX};

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        memcpy(item, bad[i], sizeof(bad[i]));
        GIVES(EBADMSG, splinter_queue_stat(q, &st));
        GIVES(EBADMSG, splinter_queue_ack(q, &first));
    }
    memcpy(item, was, sizeof(was));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        *length = lengths[i];
        GIVES(EBADMSG, splinter_queue_stat(q, &st));
        GIVES(EBADMSG, splinter_queue_nack(q, &first));
    }
    *length = HEAD; /* an item without a message */
    GIVES(EBADMSG, splinter_queue_stat(q, &st));
    *length = len;
    must(splinter_queue_stat(q, &st), "stat, as it was");
}

static void queue_damage(void)
{
    const uint32_t begin[] = {CAPACITY, MAX_VALUE - HEAD, 2, 2};
    splinter_store *s = make(SLOTS, MAX_VALUE);
    struct splinter_queue_stat st = {.struct_size = sizeof(st)};
    splinter_queue *q, *none;
    struct image image;
    uint32_t *words;
    uint64_t *head, was, turn;
    uint8_t *message;

    queues_before(s);
    q = opened(s);
    image_map(&image, path);
    words = memmem(image.bytes, image.size, begin, sizeof(begin));
    message = memmem(image.bytes, image.size, "an item", 7);
    if (!words || !message)
        die("no queue");
    words[3] = 1;
    head = image_head_of(&image, (struct raw_record *)(void *)((uint8_t *)words - 72));
    was = *head;
    flip_at("update: epoch taken", head);
    GIVES(EAGAIN, splinter_queue_open(&none, s, "work", NULL));
    *head = was;
    words[3] = 2;
    GIVES(EAGAIN, splinter_queue_remove(s, "work"));
    *head = was;
    flip_at(NULL, NULL);
    /* Item 1 changes all the time.  Its worker is the handle, so another one cannot take it. */
    head = image_head_of(&image, (struct raw_record *)(void *)(message - 64 - HEAD));
    was = *head;
    flip_at(": epoch taken", head);
    GIVES(EAGAIN, splinter_queue_ack(q, &first));
    *head = was;
    GIVES(EAGAIN, splinter_queue_nack(q, &first));
    *head = was;
    flip_at(NULL, NULL);
    memcpy(&turn, message - HEAD, 8);
    memset(message - HEAD, 0xff, 8);
    GIVES(EBADMSG, splinter_queue_ack(q, &first));
    GIVES(EBADMSG, splinter_queue_nack(q, &first));
    GIVES(EBADMSG, splinter_queue_stat(q, &st));
    returned(__LINE__, "splinter_queue_take", take(q, 7), -EBADMSG);
    memcpy(message - HEAD, &turn, 8);
    no_item(q, (uint64_t *)(void *)(message - HEAD));
    must(splinter_queue_nack(q, &first), "nack");
    image_free(&image);
    image_map(&image, path);
    message = memmem(image.bytes, image.size, "an item", 7);
    head = image_head_of(&image, (struct raw_record *)(void *)(message - 64 - HEAD));
    was = *head;
    flip_at(": epoch taken", head);
    returned(__LINE__, "splinter_queue_take", take(q, 7), -EAGAIN);
    *head = was;
    flip_at(NULL, NULL);
    image_free(&image);
    splinter_queue_close(q);
    splinter_store_close(s);
    unlink(path);
    done("queues that are damaged, and races");
}

/* ---- memory and disks ---- */

/* The calls that fail are the first ones of a handle whose place has no space yet. */
static void no_space_for_a_place(int error)
{
    splinter_store *s = make(SLOTS, MAX_VALUE), *other = again(0), *third;
    splinter_queue *q;

    queues_before(s);
    set(other, "k", 50);
    third = again(0);
    q = opened(third);
    fails(FAIL_fallocate, 1, error);
    GIVES(error, splinter_queue_ack(q, &first));
    fails(FAIL_fallocate, 1, error);
    GIVES(error, splinter_queue_nack(q, &first));
    fails(FAIL_fallocate, 1, error);
    returned(__LINE__, "splinter_queue_take", take(q, 7), -error);
    splinter_queue_close(q);
    splinter_store_close(third);
    splinter_store_close(other);
    splinter_store_close(s);
    unlink(path);
}

static void queue_memory(void)
{
    struct splinter_item item = {.struct_size = sizeof(item)}, last;
    splinter_store *s = make(SLOTS, MAX_VALUE);
    splinter_queue *q, *none;

    fails(FAIL_fallocate, 1, EIO);
    GIVES(EIO, splinter_queue_open(&none, s, "none",
                                   &(struct splinter_topic_options){
                                       .struct_size = sizeof(struct splinter_topic_options),
                                       .flags = SPLINTER_CREATE,
                                       .capacity = 1}));
    must(open_it(&q, s, "work", SPLINTER_CREATE), "a queue");
    fails(FAIL_fallocate, 1, ENOSPC);
    GIVES(ENOSPC, splinter_queue_push(q, value, LARGE, NULL, 0, NULL));
    fails(FAIL_fallocate, 1, EIO);
    GIVES(EIO, splinter_queue_push(q, value, LARGE, NULL, 0, NULL));
    for (int i = 0; i < CAPACITY; i++)
        must(splinter_queue_push(q, value, LARGE, NULL, 0, NULL), "push");
    for (unsigned n = 1; n <= 4; n++) { /* the first take of a handle allocates so often */
        splinter_queue *fresh = opened(s);

        fails(FAIL_allocation, n, ENOMEM);
        returned(__LINE__, "splinter_queue_take", take(fresh, LARGE), -ENOMEM);
        splinter_queue_close(fresh);
    }
    must(splinter_queue_take(q, value, LARGE, 0, 0, &item), "take");
    fails(FAIL_allocation, 1, ENOMEM);
    GIVES(ENOMEM, splinter_queue_nack(q, &item));
    last = item;
    must(splinter_queue_take(q, value, LARGE, 0, 0, &item), "take");
    must(splinter_queue_ack(q, &item), "ack");
    fails(FAIL_allocation, 1, ENOMEM); /* the first item is where the next number has its turn */
    GIVES(ENOMEM, splinter_queue_push(q, "v", 1, NULL, 0, NULL));
    must(splinter_queue_ack(q, &last), "ack");
    must(splinter_queue_push(q, value, LARGE, NULL, 0, NULL), "push");
    splinter_queue_close(q);
    close(splinter_store_fd(s));
    splinter_store_close(s);
    unlink(path);
}

/* A handle that asks the kernel whether a worker lives needs its descriptor. */
static void queue_without_descriptor(void)
{
    splinter_store *s = make(SLOTS, MAX_VALUE), *looks = again(SPLINTER_RDONLY);
    struct splinter_queue_stat st = {.struct_size = sizeof(st)};
    splinter_queue *q;

    queues_before(s);
    q = opened(looks);
    close(splinter_store_fd(looks));
    GIVES(EBADF, splinter_queue_stat(q, &st));
    splinter_queue_close(q);
    splinter_store_close(looks);
    splinter_store_close(s);
    unlink(path);
}

/* A push that leaves a number out, and whose syncs fail: what it says was pushed is there. */
static void push_past_an_item(void)
{
    struct splinter_item item = {.struct_size = sizeof(item)};
    splinter_store *s = make(SLOTS, MAX_VALUE), *each = again(SPLINTER_SYNC_EACH);
    uint64_t number = 0;
    splinter_queue *q, *pushes;

    queues_before(s); /* item 1 is taken */
    q = opened(s);
    must(splinter_queue_push(q, "another", 7, NULL, 0, NULL), "push");
    must(splinter_queue_take(q, value, 7, 0, 0, &item), "take");
    must(splinter_queue_ack(q, &item), "ack");
    pushes = opened(each);
    fails(FAIL_msync, 1, EIO);
    GIVES(EINPROGRESS, splinter_queue_push(pushes, "a third", 7, NULL, 0, &number));
    must(splinter_queue_take(q, value, 7, 0, 0, &item), "take");
    if (item.number != number || memcmp(value, "a third", 7))
        die("item %llu was pushed, and item %llu is there", (unsigned long long)number,
            (unsigned long long)item.number);
    splinter_queue_close(pushes);
    splinter_queue_close(q);
    splinter_store_close(each);
    splinter_store_close(s);
    unlink(path);
}

static void queue_disks(void)
{
    static const int errors[] = {ENOSPC, EIO};
    splinter_store *s;

    for (int i = 0; i < 2; i++)
        no_space_for_a_place(errors[i]);
    queue_memory();
    queue_without_descriptor();
    if (FILES) {
        push_past_an_item();
        s = make(SLOTS, MAX_VALUE);
        for (int i = 0; i < 2; i++) {
            queues_before(s);
            fails(FAIL_msync, 1, errors[i]);
            GIVES(errors[i], splinter_queue_remove(s, "work"));
        }
        splinter_store_close(s);
        unlink(path);
    }
    done("queues: memory and disks");
}

/* A queue that is left half removed keeps no topic from its name. */
static void name_is_free(splinter_store *s)
{
    const uint32_t begin[] = {CAPACITY, MAX_VALUE - HEAD, 2, 2};
    struct splinter_topic_options o = {.struct_size = sizeof(o)};
    splinter_topic *t;
    struct image image;
    uint32_t *words;

    queues_before(s);
    image_map(&image, path);
    words = memmem(image.bytes, image.size, begin, sizeof(begin));
    if (!words)
        die("no queue");
    words[3] = 3;
    image_free(&image);
    o.flags = SPLINTER_CREATE;
    o.capacity = 1;
    must(splinter_topic_open(&t, s, "work", &o), "a topic");
    splinter_topic_close(t);
    GIVES(EPROTO, splinter_queue_remove(s, "work"));
    must(splinter_topic_remove(s, "work"), "remove");
}

static void damaged_name(void)
{
    const uint32_t begin[] = {CAPACITY, MAX_VALUE - HEAD, 2, 2};
    splinter_store *s = make(SLOTS, MAX_VALUE);
    splinter_queue *none;
    struct image image;
    uint32_t *words;

    queues_before(s);
    image_map(&image, path);
    words = memmem(image.bytes, image.size, begin, sizeof(begin));
    if (!words)
        die("no queue");
    words[0] = 0;
    GIVES(EBADMSG, splinter_queue_open(&none, s, "work", NULL));
    GIVES(EBADMSG, splinter_queue_remove(s, "work"));
    image_free(&image);
    name_is_free(s);
    splinter_store_close(s);
    unlink(path);
    done("a queue whose own key is damaged");
}

/* What is in the position of the next number cannot be an item. */
static void damaged_position(void)
{
    splinter_store *s = make(SLOTS, MAX_VALUE);
    struct image image;
    splinter_queue *q;
    uint8_t *message;
    uint64_t *head, was;

    queues_before(s);
    q = opened(s);
    must(splinter_queue_push(q, "another", 7, NULL, 0, NULL), "push");
    must(splinter_queue_ack(q, &first), "ack");
    must(splinter_queue_push(q, "a third", 7, NULL, 0, NULL), "push");
    image_map(&image, path);
    message = memmem(image.bytes, image.size, "another", 7);
    if (!message)
        die("no item");
    head = image_head_of(&image, (struct raw_record *)(void *)(message - 64 - HEAD));
    must(take(q, 7), "take");
    must(splinter_queue_ack(q, &(struct splinter_item){.struct_size = sizeof(first), .number = 2,
                                                        .delivery = 1}), "ack");
    was = *head;
    flip_at(": epoch taken", head);
    GIVES(EAGAIN, splinter_queue_push(q, "v", 1, NULL, 0, NULL));
    *head = was;
    flip_at(NULL, NULL);
    message = (uint8_t *)memmem(image.bytes, image.size, "a third", 7);
    memset(message - HEAD, 0xff, 8);
    must(splinter_queue_push(q, "a 4th", 5, NULL, 0, NULL), "push");
    GIVES(EBADMSG, splinter_queue_push(q, "v", 1, NULL, 0, NULL));
    image_free(&image);
    splinter_queue_close(q);
    splinter_store_close(s);
    unlink(path);
    done("a position that is damaged");
}

void queues(void)
{
    queue_arguments();
    later_ticket();
    queue_damage();
    damaged_name();
    damaged_position();
    queue_disks();
}
