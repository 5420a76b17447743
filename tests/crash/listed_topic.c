/* SPDX-License-Identifier: Apache-2.0 */
/* listed_topic.c - what the calls for topics return; see test_listed.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listed.h"

#define CAPACITY 2
#define LARGE 20000

static int open_it(splinter_topic **out, splinter_store *s, const char *topic, uint32_t flags)
{
    struct splinter_topic_options o = {.struct_size = sizeof(o)};

    o.flags = flags;
    o.capacity = flags ? CAPACITY : 0;
    return splinter_topic_open(out, s, topic, &o);
}

/* ---- those that change something, on a store that topics_before() has prepared ---- */

void topics_before(splinter_store *s)
{
    splinter_topic *t;
    int rc = splinter_topic_remove(s, "made");

    if (rc != -ENOENT)
        must(rc, "remove");
    must(open_it(&t, s, "there", SPLINTER_CREATE), "a topic");
    must(splinter_topic_publish(t, "message", 7, NULL, NULL), "publish");
    splinter_topic_close(t);
}

int a_topic_made(splinter_store *s)
{
    splinter_topic *t = NULL;
    int rc = open_it(&t, s, "made", SPLINTER_CREATE);

    splinter_topic_close(t);
    return rc;
}

int a_topic_removed(splinter_store *s)
{
    return splinter_topic_remove(s, "there");
}

int a_message(splinter_store *s)
{
    splinter_topic *t;
    int rc = open_it(&t, s, "there", 0);

    if (rc)
        die("%s", splinter_last_error());
    rc = splinter_topic_publish(t, "message", 7, NULL, NULL);
    splinter_topic_close(t);
    return rc;
}

/* ---- those that mend a topic of which a key is missing ---- */

static uint64_t *own_head;
static struct image lost;

/* The keys of all positions go, as in a power cut; some may have gone before. */
static splinter_topic *lose_keys(splinter_store *s)
{
    const uint32_t first[] = {CAPACITY, MAX_VALUE - 8, 1, 2};
    splinter_topic *t;
    uint8_t *own, *at;

    must(open_it(&t, s, "there", 0), "open");
    image_map(&lost, path);
    own = memmem(lost.bytes, lost.size, first, sizeof(first));
    if (!own)
        die("no topic");
    own_head = image_head_of(&lost, (struct raw_record *)(void *)(own - 72));
    for (uint32_t i = 0; i < CAPACITY; i++) {
        char key[16] = {0, 'm'};

        memcpy(key + 4, &i, 4);
        memcpy(key + 8, own - 8, 8);
        for (at = lost.bytes; (at = memmem(at, (size_t)(lost.bytes + lost.size - at), key, 16));
             at++) {
            uint64_t *head = image_head_of(&lost, (struct raw_record *)(void *)(at - 48));

            if (head)
                *head = 0;
        }
    }
    return t;
}

static void found_again(splinter_topic *t)
{
    image_free(&lost);
    splinter_topic_close(t);
}

int a_lost_one_read(splinter_store *s)
{
    splinter_topic *t = lose_keys(s);
    uint64_t position = 1;
    int rc = splinter_topic_read(t, &position, NULL, 0, NULL);

    found_again(t);
    return rc;
}

int a_lost_one_waited_for(splinter_store *s)
{
    splinter_topic *t = lose_keys(s);
    uint64_t position = 1;
    int rc = splinter_topic_wait(t, &position, 0);

    found_again(t);
    return rc;
}

int a_lost_one_in_stat(splinter_store *s)
{
    struct splinter_topic_stat st = {.struct_size = sizeof(st)};
    splinter_topic *t = lose_keys(s);
    int rc = splinter_topic_stat(t, &st);

    found_again(t);
    return rc;
}

static void mended(const char *call, int (*act)(splinter_store *s))
{
    static const int errors[] = {ENOSPC, EIO};
    splinter_store *s;

    for (int i = 0; i < 2; i++) {
        s = again(0);
        act(s);
        topics_before(s); /* in a file that finds all keys again */
        splinter_store_close(s);
        s = again(0); /* it is not attached yet */
        fails(FAIL_fallocate, 1, errors[i]);
        returned(__LINE__, call, act(s), -errors[i]);
        splinter_store_close(s);
    }
}

static void topic_mended(void)
{
    struct splinter_topic_stat st = {.struct_size = sizeof(st)};
    splinter_store *s = make(SLOTS, MAX_VALUE);
    splinter_topic *t;
    uint64_t position = 1, was;

    topics_before(s);
    splinter_store_close(s);
    mended("splinter_topic_read", a_lost_one_read);
    mended("splinter_topic_wait", a_lost_one_waited_for);
    mended("splinter_topic_stat", a_lost_one_in_stat);
    s = again(0);
    t = lose_keys(s);
    was = *own_head;
    flip_at("set: begun", own_head);
    GIVES(EAGAIN, splinter_topic_wait(t, &position, 0));
    GIVES(EAGAIN, splinter_topic_stat(t, &st));
    flip_at(NULL, NULL);
    *own_head = was;
    found_again(t);
    splinter_store_close(s);
    unlink(path);
    done("topics that lack a key");
}

/* ---- arguments, and what the store has ---- */

static void topic_arguments(void)
{
    struct splinter_topic_options o = {.struct_size = sizeof(o)};
    struct splinter_publish_options p = {.struct_size = 5000};
    splinter_store *s = make(SLOTS, MAX_VALUE), *r = again(SPLINTER_RDONLY);
    struct splinter_topic_stat st = {.struct_size = sizeof(st)};
    splinter_topic *t, *reads, *none;
    uint64_t position = 1, far = 100;
    char longest[SPLINTER_KEY_MAX + 1], got[4];

    memset(longest, 'n', SPLINTER_KEY_MAX);
    longest[SPLINTER_KEY_MAX] = '\0';
    topics_before(s);
    must(open_it(&t, s, "there", 0), "open");
    must(open_it(&reads, r, "there", 0), "open");
    GIVES(EINVAL, splinter_topic_open(&none, s, "", NULL));
    GIVES(ENAMETOOLONG, splinter_topic_open(&none, s, longest, NULL));
    GIVES(ENOENT, splinter_topic_open(&none, s, "none", NULL));
    o.flags = SPLINTER_CREATE | SPLINTER_EXCL;
    o.capacity = SLOTS;
    GIVES(EEXIST, splinter_topic_open(&none, s, "there", &o));
    GIVES(ENOSPC, splinter_topic_open(&none, s, "none", &o));
    GIVES(EROFS, splinter_topic_open(&none, r, "none", &o));
    o.capacity = CAPACITY;
    o.max_message = MAX_VALUE;
    GIVES(EMSGSIZE, splinter_topic_open(&none, s, "none", &o));
    o.struct_size = 5000;
    GIVES(E2BIG, splinter_topic_open(&none, s, "none", &o));
    o = (struct splinter_topic_options){.struct_size = sizeof(o), .id = UINT64_MAX};
    GIVES(EIDRM, splinter_topic_open(&none, s, "there", &o));
    fails(FAIL_allocation, 1, ENOMEM);
    GIVES(ENOMEM, splinter_topic_open(&none, s, "there", NULL));
    GIVES(EINVAL, splinter_topic_publish(t, "", 0, NULL, NULL));
    GIVES(E2BIG, splinter_topic_publish(t, "v", 1, &p, NULL));
    GIVES(EMSGSIZE, splinter_topic_publish(t, value, MAX_VALUE, NULL, NULL));
    GIVES(EROFS, splinter_topic_publish(reads, "v", 1, NULL, NULL));
    GIVES(EINVAL, splinter_topic_read(t, NULL, NULL, 0, NULL));
    GIVES(EMSGSIZE, splinter_topic_read(t, &position, got, sizeof(got), NULL));
    GIVES(ERANGE, splinter_topic_read(t, &far, NULL, 0, NULL));
    GIVES(ERANGE, splinter_topic_wait(t, &far, 0));
    position = 2;
    GIVES(EAGAIN, splinter_topic_read(t, &position, NULL, 0, NULL));
    GIVES(EINVAL, splinter_topic_wait(t, NULL, 0));
    GIVES(ETIMEDOUT, splinter_topic_wait(t, &position, 0));
    must(splinter_store_interrupt(s), "interrupt");
    GIVES(EINTR, splinter_topic_wait(t, &position, 0));
    must(splinter_store_resume(s), "resume");
    for (int i = 0; i < CAPACITY; i++)
        must(splinter_topic_publish(t, "message", 7, NULL, NULL), "publish");
    position = 1;
    GIVES(EOVERFLOW, splinter_topic_read(t, &position, NULL, 0, NULL));
    GIVES(EINVAL, splinter_topic_stat(t, NULL));
    GIVES(EINVAL, splinter_topic_walk(s, NULL, longest));
    GIVES(EINVAL, splinter_topic_remove(s, NULL));
    GIVES(ENAMETOOLONG, splinter_topic_remove(s, longest));
    GIVES(ENOENT, splinter_topic_remove(s, "none"));
    GIVES(EROFS, splinter_topic_remove(r, "there"));
    must(splinter_topic_remove(s, "there"), "remove");
    GIVES(EIDRM, splinter_topic_publish(t, "v", 1, NULL, NULL));
    GIVES(EIDRM, splinter_topic_read(t, &position, NULL, 0, NULL));
    GIVES(EIDRM, splinter_topic_wait(t, &position, 0));
    GIVES(EIDRM, splinter_topic_stat(t, &st));
    splinter_topic_close(t);
    splinter_topic_close(reads);
    splinter_store_close(r);
    splinter_store_close(s);
    unlink(path);
    done("topics: arguments");
}

/* ---- damage, races ---- */

/* What the own key of a topic cannot say; nobody believes it. */
static void no_topic(splinter_store *s, uint32_t *words)
{
    static const struct {
        int word;
        uint32_t value;
    } bad[] = {
        {0, 0}, {0, SLOTS}, {0, UINT32_MAX},           /* capacity */
        {1, 0}, {1, MAX_VALUE - 7}, {1, UINT32_MAX},   /* longest message */
        {3, 0}, {3, 4}, {3, UINT32_MAX},               /* state */
        {-10, 0}, {-10, 33}, {-10, UINT32_MAX},       /* length of the value */
    };
    uint32_t id[2];
    splinter_topic *none;
    char name_of[SPLINTER_TOPIC_NAME_MAX];
    uint64_t cursor;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        uint32_t was = words[bad[i].word];

        words[bad[i].word] = bad[i].value;
        GIVES(EBADMSG, splinter_topic_open(&none, s, "there", NULL));
        cursor = 0;
        if (splinter_topic_walk(s, &cursor, name_of))
            die("a damaged topic is listed");
        words[bad[i].word] = was;
    }
    memcpy(id, words - 2, sizeof(id));
    memset(words - 2, 0, sizeof(id));
    GIVES(EBADMSG, splinter_topic_open(&none, s, "there", NULL));
    memcpy(words - 2, id, sizeof(id));
    must(splinter_topic_open(&none, s, "there", NULL), "open it as it was");
    splinter_topic_close(none);
}

static void topic_damage(void)
{
    const uint32_t first[] = {CAPACITY, MAX_VALUE - 8, 1, 2};
    splinter_store *s = make(SLOTS, MAX_VALUE);
    struct splinter_topic_stat st = {.struct_size = sizeof(st)};
    splinter_topic *t, *none;
    struct image image;
    uint32_t *words;
    uint64_t position = 1, *head, was, number;
    uint8_t *message;

    topics_before(s);
    must(open_it(&t, s, "there", 0), "open");
    image_map(&image, path);
    words = memmem(image.bytes, image.size, first, sizeof(first));
    if (!words)
        die("no topic");
    words[2] = 9;
    GIVES(EPROTO, splinter_topic_open(&none, s, "there", NULL));
    GIVES(EPROTO, splinter_topic_remove(s, "there"));
    words[2] = 1;
    words[3] = 1;
    head = image_head_of(&image, (struct raw_record *)(void *)((uint8_t *)words - 72));
    was = *head;
    flip_at("update: epoch taken", head);
    GIVES(EAGAIN, splinter_topic_open(&none, s, "there", NULL));
    *head = was;
    words[3] = 2;
    GIVES(EAGAIN, splinter_topic_remove(s, "there"));
    *head = was;
    flip_at(NULL, NULL);
    /* At the position of the next message but one. */
    message = memmem(image.bytes, image.size, "message", 7);
    memcpy(&number, message - 8, 8);
    head = image_head_of(&image, (struct raw_record *)(void *)(message - 72));
    must(splinter_topic_publish(t, "m", 1, NULL, NULL), "publish");
    was = *head;
    flip_at("update: epoch taken", head);
    GIVES(EAGAIN, splinter_topic_publish(t, value, 5000, NULL, NULL));
    *head = was;
    flip_at(NULL, NULL);
    memset(message - 8, 0xff, 8);
    GIVES(EBADMSG, splinter_topic_publish(t, "v", 1, NULL, NULL));
    GIVES(EBADMSG, splinter_topic_read(t, &position, NULL, 0, NULL));
    GIVES(EBADMSG, splinter_topic_wait(t, &position, 0));
    GIVES(EBADMSG, splinter_topic_stat(t, &st));
    memcpy(message - 8, &number, 8);
    no_topic(s, words);
    words[0] = 0;
    GIVES(EBADMSG, splinter_topic_open(&none, s, "there", NULL));
    GIVES(EBADMSG, splinter_topic_remove(s, "there"));
    image_free(&image);
    splinter_topic_close(t);
    splinter_store_close(s);
    unlink(path);
    done("topics that are damaged, and races");
}

/* ---- memory and disks ---- */

static void topic_disks(void)
{
    splinter_store *s = make(SLOTS, MAX_VALUE);
    splinter_topic *t, *none;
    uint64_t position = 1;
    static const int errors[] = {ENOSPC, EIO};

    fails(FAIL_fallocate, 1, EIO);
    GIVES(EIO, splinter_topic_open(&none, s, "none",
                                   &(struct splinter_topic_options){
                                       .struct_size = sizeof(struct splinter_topic_options),
                                       .flags = SPLINTER_CREATE,
                                       .capacity = 1}));
    topics_before(s);
    must(open_it(&t, s, "there", 0), "open");
    for (int i = 0; i < 2; i++) {
        fails(FAIL_fallocate, 1, errors[i]);
        GIVES(errors[i], splinter_topic_publish(t, value, LARGE, NULL, NULL));
    }
    for (int i = 0; i < 2; i++)
        must(splinter_topic_publish(t, value, LARGE, NULL, NULL), "publish");
    splinter_topic_close(t);
    splinter_store_close(s);
    s = again(0);
    must(open_it(&t, s, "there", 0), "open");
    position = 3;
    fails(FAIL_pread, 1, EIO);
    GIVES(EIO, splinter_topic_read(t, &position, value, LARGE, NULL));
    close(splinter_store_fd(s));
    GIVES(EBADF, splinter_topic_read(t, &position, value, LARGE, NULL));
    splinter_topic_close(t);
    splinter_store_close(s);
    if (FILES) {
        s = again(0);
        for (int i = 0; i < 2; i++) {
            fails(FAIL_msync, 1, errors[i]);
            GIVES(errors[i], splinter_topic_remove(s, "there"));
            topics_before(s);
        }
        splinter_store_close(s);
    }
    unlink(path);
    done("topics: memory and disks");
}

void topics(void)
{
    topic_arguments();
    topic_damage();
    topic_disks();
    topic_mended();
}
