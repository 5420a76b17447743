/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_image.c - the attack of script.h, for libFuzzer; run.sh builds and runs it */
#include <stddef.h>
#include <stdint.h>

#include "image.h"
#include "script.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    images_make();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    script_run(data, size);
    return 0;
}
