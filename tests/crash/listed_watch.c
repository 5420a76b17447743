/* SPDX-License-Identifier: Apache-2.0 */
/* listed_watch.c - what the calls for watches return; see test_listed.c */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "listed.h"

static char too_long[SPLINTER_KEY_MAX + 1];

static void arguments(splinter_store *s)
{
    splinter_watch *w = NULL;
    splinter_store *other = again(0);
    splinter_feed *feed, *foreign;

    GIVES(EINVAL, splinter_watch_open(NULL, s, 0));
    fails(FAIL_allocation, 1, ENOMEM);
    GIVES(ENOMEM, splinter_watch_open(&w, s, 0));
    fails(FAIL_eventfd, 1, EMFILE);
    GIVES(EMFILE, splinter_watch_open(&w, s, 0));
    fails(FAIL_eventfd, 1, ENFILE);
    GIVES(ENFILE, splinter_watch_open(&w, s, 0));
    fails(FAIL_pthread_create, 1, EAGAIN);
    GIVES(EAGAIN, splinter_watch_open(&w, s, 0));

    must(splinter_watch_open(&w, s, 0), "watch");
    must(splinter_feed_open(&feed, s, NULL), "feed");
    must(splinter_feed_open(&foreign, other, NULL), "feed");
    GIVES(EINVAL, splinter_watch_add_key(w, "", 0, 0));
    GIVES(ENAMETOOLONG, splinter_watch_add_key(w, too_long, 0, 0));
    fails(FAIL_allocation, 1, ENOMEM);
    GIVES(ENOMEM, splinter_watch_add_key(w, "k", 0, 0));
    GIVES(EINVAL, splinter_watch_add_prefix(w, "k", 99, 0));
    GIVES(ENAMETOOLONG, splinter_watch_add_prefix(w, too_long, 0, 0));
    fails(FAIL_allocation, 2, ENOMEM);
    GIVES(ENOMEM, splinter_watch_add_prefix(w, "k", 0, 0));
    GIVES(EINVAL, splinter_watch_add_feed(w, foreign, 0));
    fails(FAIL_allocation, 1, ENOMEM);
    GIVES(ENOMEM, splinter_watch_add_feed(w, feed, 0));
    GIVES(EINVAL, splinter_watch_fd(NULL));
    GIVES(EINVAL, splinter_watch_next(NULL, NULL, NULL, NULL, 0));
    GIVES(EAGAIN, splinter_watch_next(w, NULL, NULL, NULL, 0));
    must(splinter_watch_add_feed(w, feed, 0), "add");
    set(s, "k", 1);
    fails(FAIL_allocation, 1, ENOMEM);
    GIVES(ENOMEM, splinter_watch_next(w, NULL, NULL, NULL, 0));
    must(splinter_watch_next(w, NULL, NULL, NULL, 0), "next");
    splinter_watch_close(w);
    splinter_feed_close(feed);
    splinter_feed_close(foreign);
    splinter_store_close(other);
}

/* A child, and a program that has closed the descriptor. */
static void strange(splinter_store *s)
{
    splinter_watch *w;
    splinter_feed *feed;
    pid_t child;

    must(splinter_watch_open(&w, s, 0), "watch");
    must(splinter_feed_open(&feed, s, NULL), "feed");
    child = fork_child();
    if (!child) {
        GIVES(ECANCELED, splinter_watch_add_key(w, "k", 0, 0));
        GIVES(ECANCELED, splinter_watch_add_prefix(w, "k", 0, 0));
        GIVES(ECANCELED, splinter_watch_add_feed(w, feed, 0));
        GIVES(ECANCELED, splinter_watch_fd(w));
        GIVES(ECANCELED, splinter_watch_next(w, NULL, NULL, NULL, 0));
        fflush(stdout);
        _exit(faults != 0);
    }
    must(reap(child), "the child");
    close(splinter_watch_fd(w));
    GIVES(EBADF, splinter_watch_add_key(w, "k", 0, 0));
    GIVES(EBADF, splinter_watch_add_prefix(w, "k", 0, 0));
    GIVES(EBADF, splinter_watch_add_feed(w, feed, 0));
    GIVES(EBADF, splinter_watch_fd(w));
    GIVES(EBADF, splinter_watch_next(w, NULL, NULL, NULL, 0));
    splinter_watch_close(w);
    splinter_feed_close(feed);
}

void watches(void)
{
    splinter_store *s;

    memset(too_long, 'k', SPLINTER_KEY_MAX);
    place_feed = 64;
    s = make(SLOTS, MAX_VALUE);
    place_feed = 0;
    arguments(s);
    strange(s);
    splinter_store_close(s);
    unlink(path);
    done("watches");
}
