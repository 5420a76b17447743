/* SPDX-License-Identifier: Apache-2.0 */
/*
 * public.h - the public interface, as the library itself sees it
 *
 * The library is compiled with -fvisibility=hidden, and only what splinter.h declares is exported.
 */
#ifndef SPLINTER_PUBLIC_H
#define SPLINTER_PUBLIC_H

#pragma GCC visibility push(default)
#include <splinter.h>
#pragma GCC visibility pop

#endif
