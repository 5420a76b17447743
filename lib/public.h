/* SPDX-License-Identifier: Apache-2.0 */
/*
 * public.h - the public interface, as the library itself sees it
 *
 * The library is compiled with -fvisibility=hidden: only what splinter.h declares is visible outside.
 */
#ifndef SPLINTER_PUBLIC_H
#define SPLINTER_PUBLIC_H

#pragma GCC visibility push(default)
#include <splinter.h>
#pragma GCC visibility pop

#endif
