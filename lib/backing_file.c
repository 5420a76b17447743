/* SPDX-License-Identifier: Apache-2.0 */
/* backing_file.c - the one difference between the libraries: libsplinter_p keeps stores in files */
#include <splinter.h>

#include "backing.h"

const uint32_t splinter__default_backing = SPLINTER_FILE;
