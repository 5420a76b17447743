/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_durable.c - stores in files: sync, what a copy or a lost page leaves, snapshots
 *
 * Its tests are in durable_*.c, by subject.
 */
#include "durable.h"

int main(void)
{
    TCase *groups[] = {sync_tests(), copy_tests(), damage_tests(), snapshot_tests(),
                       backup_tests(), durable_topic_tests(), NULL};

    support_start();
    return run_groups("durable", groups);
}
