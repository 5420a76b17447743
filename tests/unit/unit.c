/* SPDX-License-Identifier: Apache-2.0 */
/* unit.c - what the unit tests share; see unit.h */
#include "unit.h"

#include <grp.h>
#include <unistd.h>

void mark_some(const char *file, int line)
{
    static unsigned marks; /* each test is a process */

    if (marks < MARKS_ALL || marks % MARKS_ALL == 0)
        (_mark_point)(file, line);
    marks++;
}

TCase *group(const char *name, double seconds)
{
    TCase *tcase = tcase_create(name);

    tcase_set_timeout(tcase, seconds);
    return tcase;
}

int run_groups(const char *suite_name, TCase *const *groups)
{
    Suite *suite = suite_create(suite_name);
    SRunner *runner;

    while (*groups)
        suite_add_tcase(suite, *groups++);
    runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}

struct splinter_stat stat_of(splinter_store *s)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};

    ck_assert_int_eq(splinter_store_stat(s, &st), 0);
    return st;
}

int as_nobody(int (*body)(void))
{
    pid_t pid = fork_child();
    int status;

    if (!pid) {
        if (!geteuid() && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
            _exit(99);
        _exit(body());
    }
    status = reap(pid);
    return status == 99 ? -1 : status;
}
