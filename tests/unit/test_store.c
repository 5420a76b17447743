/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store.c - the handle layer, over memory, memfd and file stores alike
 *
 * Its tests are in store_*.c, by subject.  Every test runs once for each backing (_i).
 */
#include "store.h"

int main(void)
{
    TCase *groups[] = {open_tests(), access_tests(), value_tests(), condition_tests(),
                       expiry_tests(), ephemeral_tests(), lease_tests(), walk_tests(),
                       wait_tests(), many_tests(), watch_tests(), feed_tests(), memory_tests(),
                       model_tests(), path_tests(), topic_tests(), queue_tests(), NULL};

    support_start();
    return run_groups("store", groups);
}
