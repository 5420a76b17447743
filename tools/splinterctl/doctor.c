/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.c - doctor: what is wrong around a bus, and how to mend it
 *
 * A check says only what it knows.  What it cannot look at, because of who runs it, is no finding.
 */
#include "doctor.h"

#include "../cli.h"
#include "commands.h"
#include "output.h"

int ctl_run_doctor(const struct ctl_call *call)
{
    static const char good[] = "nothing was found\n";
    (void)call;
    doctor_forget(); /* what an error of the last time has left */
    doctor_bus();
    doctor_machine();
    doctor_limits();
    doctor_buses();
    size_t count = doctor_print();
    if (!count && !ctl_json())
        cli_out_put(&ctl_out, good, sizeof(good) - 1);
    doctor_forget();
    return count ? CLI_FOUND : CLI_OK;
}
