#!/bin/sh
# An installed tree: the files are where they belong, a client builds through pkg-config against
# both libraries, shared and static, and runs; uninstall leaves nothing.  TAP.
if [ "$CHECK_INSTALLED" = yes ]; then
    echo '1..0 # SKIP the tests are of what is installed already'
    exit 0
fi
top_builddir=${TOP_BUILDDIR:-.}
bindir=${bindir:-/usr/local/bin}
libdir=${libdir:-/usr/local/lib}
includedir=${includedir:-/usr/local/include}
mandir=${mandir:-/usr/local/share/man}
pkgconfigdir=${pkgconfigdir:-$libdir/pkgconfig}

tmp=$(mktemp -d "${TMPDIR:-/tmp}/splinter-install.XXXXXX") || exit 1
bus=splinter_install_test_$$
trap 'rm -rf "$tmp" "/dev/shm/$bus"' EXIT
trap 'exit 1' HUP INT TERM
root=$tmp/root

n=0
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); sed 's/^/# /' "$tmp/why" 2>/dev/null; echo "not ok $n - $1"; }
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }

# The make that runs this test must not lend the one below its options or its job server.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES GNUMAKEFLAGS DESTDIR
run_make() { "${MAKE:-make}" -C "$top_builddir" "$@" DESTDIR="$root" >"$tmp/why" 2>&1; }

if run_make install; then
    ok 'make install DESTDIR=...'
else
    not_ok 'make install DESTDIR=...'
    echo "1..$n"
    exit 0
fi

missing=
shared=no
static=no
[ -e "$root$libdir/libsplinter.so" ] && shared=yes
[ -e "$root$libdir/libsplinter.a" ] && static=yes
wanted="$includedir/splinter.h $pkgconfigdir/splinter.pc $pkgconfigdir/splinter_p.pc
    $libdir/cmake/splinter/splinter-config.cmake
    $libdir/cmake/splinter/splinter-config-version.cmake
    $mandir/man3/splinter.3 $mandir/man3/splinter_set.3 $mandir/man7/splinter.7"
[ $shared = yes ] && wanted="$wanted $libdir/libsplinter.so.1 $libdir/libsplinter_p.so
    $libdir/libsplinter_p.so.1"
[ $static = yes ] && wanted="$wanted $libdir/libsplinter_p.a"
for tool in send recv logtee perf test; do
    wanted="$wanted $bindir/splinter_$tool $mandir/man1/splinter_$tool.1"
    [ -n "$bashcompdir" ] && wanted="$wanted $bashcompdir/splinter_$tool"
done
wanted="$wanted $bindir/splinterctl $mandir/man1/splinterctl.1"
[ -n "$bashcompdir" ] && wanted="$wanted $bashcompdir/splinterctl"
[ -n "$zshcompdir" ] && wanted="$wanted $zshcompdir/_splinterctl"
[ -n "$fishcompdir" ] && wanted="$wanted $fishcompdir/splinterctl.fish"
for file in $wanted; do
    [ -e "$root$file" ] || missing="$missing $file"
done
[ $shared$static = nono ] && missing="$missing (any library)"
echo "missing:$missing" >"$tmp/why"
what='every file is where it belongs'
if [ -z "$missing" ]; then ok "$what"; else not_ok "$what"; fi

(cd "$root" && find . -type f -exec grep -lF "$tmp" {} +) >"$tmp/why"
if [ -s "$tmp/why" ]; then
    not_ok 'no installed file knows of DESTDIR'
else
    ok 'no installed file knows of DESTDIR'
fi

# The tools run where they are, and agree with configure.ac on the version.
LD_LIBRARY_PATH=$root$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
for tool in splinter_send splinter_recv splinter_logtee splinter_perf splinter_test splinterctl; do
    if "$root$bindir/$tool" --version >"$tmp/why" 2>&1 &&
        grep -qF "${VERSION:-.}" "$tmp/why"; then
        ok "$tool --version says ${VERSION:-a version}"
    else
        not_ok "$tool --version says ${VERSION:-a version}"
    fi
done

cat >"$tmp/client.c" <<'END'
#include <splinter.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    char buf[8] = "";
    (void)argc;
    if (splinter_create(argv[1], 10, 100) || splinter_set("k", "value", 5) ||
        splinter_get("k", buf, 8, NULL))
        return perror("splinter"), 1;
    splinter_close();
    return puts(buf) < 0 || splinter_store_unlink(argv[1], 0);
}
END

PKG_CONFIG_PATH=$root$pkgconfigdir
PKG_CONFIG_SYSROOT_DIR=$root
PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1
PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS PKG_CONFIG_ALLOW_SYSTEM_LIBS

client() { # module library shared|static
    what="a client builds with pkg-config $1, $3, and runs"
    if ! command -v pkg-config >/dev/null; then
        skip "$what" 'pkg-config was not found'
        return
    fi
    eval "built=\$$3"
    if [ "$built" != yes ]; then
        skip "$what" "no $3 library was built"
        return
    fi
    if [ "$3" = static ]; then
        libs=$(pkg-config --static --libs "$1" 2>"$tmp/why" |
            sed "s/-l$2\$/-l:lib$2.a/;s/-l$2 /-l:lib$2.a /")
    else
        libs=$(pkg-config --libs "$1" 2>"$tmp/why")
    fi
    case $1 in
        *_p) name=$tmp/store ;;
        *) name=$bus ;;
    esac
    # shellcheck disable=SC2086 # lists of flags
    if ${CC:-cc} $TEST_CFLAGS $SANITIZER_FLAGS $(pkg-config --cflags "$1") -o "$tmp/client" \
        "$tmp/client.c" $TEST_LDFLAGS $libs >"$tmp/why" 2>&1 &&
        "$tmp/client" "$name" >"$tmp/out" 2>"$tmp/why" &&
        [ "$(cat "$tmp/out")" = value ] && [ ! -e "$tmp/store" ]; then
        if [ "$3" = static ] && command -v readelf >/dev/null &&
            readelf -d "$tmp/client" | grep 'NEEDED.*libsplinter' >"$tmp/why"; then
            not_ok "$what"
        else
            ok "$what"
        fi
    else
        echo "libs: $libs" >>"$tmp/why"
        not_ok "$what"
    fi
}
for kind in shared static; do
    client splinter splinter $kind
    client splinter_p splinter_p $kind
done

# The same with CMake, which the targets have to tell everything.
mkdir "$tmp/cmake"
cp "$tmp/client.c" "$tmp/cmake"
cat >"$tmp/cmake/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.13)
project(client C)
find_package(splinter ${WANTED} REQUIRED)
find_package(splinter) # once more does no harm
add_executable(client client.c)
target_link_libraries(client splinter::${TARGET})
END
with_cmake() { # target version
    rm -rf "$tmp/cmake/build"
    cmake -S "$tmp/cmake" -B "$tmp/cmake/build" -DTARGET="$1" -DWANTED="$2" \
        -Dsplinter_DIR="$root$libdir/cmake/splinter" -DCMAKE_C_COMPILER="${CC:-cc}" \
        -DCMAKE_C_FLAGS="$TEST_CFLAGS $SANITIZER_FLAGS" >"$tmp/why" 2>&1 &&
        cmake --build "$tmp/cmake/build" >"$tmp/why" 2>&1
}
for target in splinter splinter_p; do
    what="a client builds with CMake's splinter::$target, and runs"
    name=$bus
    [ $target = splinter ] || name=$tmp/store
    if ! command -v cmake >/dev/null; then
        skip "$what" 'cmake was not found'
    elif with_cmake $target "$VERSION" &&
        "$tmp/cmake/build/client" "$name" >"$tmp/out" 2>"$tmp/why" &&
        [ "$(cat "$tmp/out")" = value ] && [ ! -e "$tmp/store" ]; then
        ok "$what"
    else
        not_ok "$what"
    fi
done
what='CMake does not find a version that is not installed'
if ! command -v cmake >/dev/null; then
    skip "$what" 'cmake was not found'
elif with_cmake splinter 999.0; then
    not_ok "$what"
else
    ok "$what"
fi

version=$(pkg-config --modversion splinter splinter_p 2>/dev/null | sort -u)
if ! command -v pkg-config >/dev/null; then
    skip 'the modules say the version' 'pkg-config was not found'
elif [ "$version" = "${VERSION:-$version}" ]; then
    ok 'the modules say the version'
else
    echo "$version instead of $VERSION" >"$tmp/why"
    not_ok 'the modules say the version'
fi

run_make uninstall
left=$(find "$root" ! -type d)
echo "left:" "$left" >>"$tmp/why"
if [ -z "$left" ]; then ok 'uninstall leaves nothing'; else not_ok 'uninstall leaves nothing'; fi
# The folders that lead to where everything goes may have any name; they are not ours.
(cd "$root" && find . -name '*splinter*') | while read -r found; do
    case "$bindir/ $libdir/ $includedir/ $mandir/ $bashcompdir/ $zshcompdir/ $fishcompdir/" in
        "${found#.}"/* | *" ${found#.}"/*) ;;
        *) echo "$found" ;;
    esac
done >"$tmp/why"
what='not even a folder with our name'
if [ -s "$tmp/why" ]; then not_ok "$what"; else ok "$what"; fi

echo "1..$n"
