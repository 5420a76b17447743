/* SPDX-License-Identifier: Apache-2.0 */
/* differences.c - what two stores do not have in common, collected */
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "diff.h"

void ctl_diff_add(struct ctl_diff *diff, const char *what, const char *kind, const char *name,
                  const struct ctl_side *left, const struct ctl_side *right)
{
    static const struct ctl_side none;
    if (diff->count == diff->room) {
        diff->room = diff->room ? diff->room * 2 : 64;
        diff->found = cli_need(realloc(diff->found, diff->room * sizeof(*diff->found)));
    }
    diff->found[diff->count++] =
        (struct ctl_difference){what, kind, cli_need(strdup(name)), left ? *left : none,
                                right ? *right : none};
}

void ctl_diff_clear(struct ctl_diff *diff)
{
    for (size_t i = 0; i < diff->count; i++)
        free(diff->found[i].name);
    free(diff->found);
    *diff = (struct ctl_diff){.count = 0};
}
