/* SPDX-License-Identifier: Apache-2.0 */
/* store_model.c - random scripts of calls, compared with a model: see model.h */
#include <unistd.h>

#include "model.h"
#include "store.h"

#define SCRIPT_STEPS 1000

/* A child of fork() goes on with all handles for some calls, and leaves without closing any. */
static void go_on_in_a_child(void);

static void one_step(void)
{
    struct model_key *k = &model->key[pick(one_in(2) ? 10 : model->keys)];
    struct handle *h = pick_handle();
    unsigned what = pick(1000);

    if (what < 330)
        try_set(h, k);
    else if (what < 390)
        try_append(h, k);
    else if (what < 450)
        try_add(h, k);
    else if (what < 500)
        try_touch(h, k);
    else if (what < 660)
        try_unset(h, k);
    else if (what < 860)
        try_get(h, k);
    else if (what < 900)
        try_wait(h, k);
    else if (what < 960)
        try_whole(h);
    else if (what < 990)
        try_handles(h);
    else if (!model_is_child && what < 998)
        go_on_in_a_child();
    else if (!model_is_child)
        try_snapshot(h);
}

static void go_on_in_a_child(void)
{
    unsigned holds = model->holds, first = model->owners + 1;
    pid_t pid;

    note("fork");
    pid = fork_child();
    if (!pid) {
        model_is_child = true;
        for (unsigned i = 0; i < MODEL_HANDLES; i++) {
            handles[i].holds = 0; /* those of a parent are not the child's */
            handles[i].number = ++model->owners;
        }
        for (unsigned n = pick(30); n; n--)
            one_step();
        _exit(0);
    }
    if (reap(pid))
        model_wrong("step %u: the child did not end well", model->step);
    model->holds = holds;
    for (; first <= model->owners; first++)
        model_owner_gone(first);
}

/* [P8] */
START_TEST(random_scripts_match_a_model)
{
    unsigned left = repeated(_i == BACKING_FILE ? 6000 : 12000); /* a disk takes its time */
    uint64_t seed = support_seed;

    model = shared_memory(sizeof(*model));
    for (; left; seed++) {
        unsigned steps = left < SCRIPT_STEPS ? left : SCRIPT_STEPS;

        model_make(_i, seed);
        for (unsigned n = steps; n; n--)
            one_step();
        model_end();
        left -= steps;
    }
}
END_TEST

TCase *model_tests(void)
{
    TCase *tcase = group("model", 120);

    ADD(random_scripts_match_a_model);
    return tcase;
}
