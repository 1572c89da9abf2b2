#!/bin/bash
# make-llvm-prefix.sh WORKDIR PREFIX: a static LLVM 23 (NVPTX and X86) for burn 0.22's `cuda` feature, from Debian's packages,
# for a machine that cannot download tracel's archive. Installs nothing on the system. `cargo xtask build-cuda` calls it.
# It keeps the NVPTX and X86 targets, maps the few newer glibc names and links libstdc++ statically, so that the program
# needs glibc 2.36, libm and libgcc_s. On the machine with the GPU it needs the driver (libcuda, opened at run time) and
# libdevice.10.bc (PyPI package nvidia-nvvm) in $CUDA_PATH/nvvm/libdevice or /usr/local/cuda/nvvm/libdevice.
set -euo pipefail
W=$(mkdir -p "$1" && cd "$1" && pwd); P=$2
mkdir -p $W/apt/lists/partial $W/apt/cache/archives/partial $W/debs $W/root $P/{bin,lib,include}
mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null || true; } | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -1 | tr -d ' ')
[ -n "$mirror" ] || { echo 'no Debian mirror in the apt sources' >&2; exit 1; }
printf 'Types: deb\nURIs: %s\nSuites: sid bookworm\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' "$mirror" > $W/apt/s.sources
O="-oDir::Etc::sourcelist=$W/apt/s.sources -oDir::Etc::sourceparts=/dev/null -oDir::State::Lists=$W/apt/lists -oDir::Cache=$W/apt/cache -oAcquire::IndexTargets::deb::DEP-11::DefaultEnabled=false"
apt-get $O update
(cd $W/debs && apt-get $O download llvm-23-dev/sid libzstd-dev/bookworm)
for d in $W/debs/*.deb; do dpkg -x $d $W/root; done
R=$W/root
cp -r $R/usr/include/llvm-23/llvm $R/usr/include/llvm-c-23/llvm-c $P/include/
X='AMDGPU|AArch64|ARM|AVR|BPF|Hexagon|Lanai|LoongArch|Mips|MSP430|PowerPC|RISCV|Sparc|SPIRV|SystemZ|VE|WebAssembly|XCore|M68k|Xtensa'
sed -i -E "/^LLVM_[A-Z_]+\\(($X)\\)/d" $P/include/llvm/Config/*.def     # leaves NVPTX and X86
: > $P/libs.txt
for f in $R/usr/lib/llvm-23/lib/libLLVM*.a; do b=$(basename $f .a); b=${b#lib}; t=${b#LLVM}
 if [[ $t =~ ^(AArch64|AMDGPU|ARM|AVR|BPF|Hexagon|Lanai|LoongArch|Mips|MSP430|PowerPC|RISCV|Sparc|SPIRV|SystemZ|VE[ACDI]|WebAssembly|XCore|M68k|Xtensa|BOLT|Exegesis|TableGen|Fuzz|Windows|Dlltool|UBAware|DWARFLinker) ]] ||
    [[ $t =~ ^(Debuginfod|HTTP|InterfaceStub|LibDriver|DWP|LineEditor|Interpreter|FileCheck|OptDriver|XRay|DebugInfoLogicalView|CFIVerify|Diff|SupportLSP|X86TargetMCA|MCA|DTLTO|LTO|ABI)$ ]]; then continue; fi
 cp $f $P/lib/; echo $b >> $P/libs.txt; done
cp $R/usr/lib/x86_64-linux-gnu/libzstd.a /usr/lib/x86_64-linux-gnu/libz.a $P/lib/
cp "$(gcc -print-file-name=libstdc++.a)" $P/lib/      # found before libstdc++.so: static libstdc++
cat > $W/compat.c <<'C'
#include <stdlib.h>
#include <stdio.h>
#include <stdarg.h>
long __isoc23_strtol(const char*s,char**e,int b){return strtol(s,e,b);}
unsigned long __isoc23_strtoul(const char*s,char**e,int b){return strtoul(s,e,b);}
long long __isoc23_strtoll(const char*s,char**e,int b){return strtoll(s,e,b);}
unsigned long long __isoc23_strtoull(const char*s,char**e,int b){return strtoull(s,e,b);}
int __isoc23_sscanf(const char*s,const char*f,...){va_list a;va_start(a,f);int r=vsscanf(s,f,a);va_end(a);return r;}
int __isoc23_scanf(const char*f,...){va_list a;va_start(a,f);int r=vscanf(f,a);va_end(a);return r;}
int __isoc23_fscanf(FILE*h,const char*f,...){va_list a;va_start(a,f);int r=vfscanf(h,f,a);va_end(a);return r;}
C
gcc -O2 -fPIC -c $W/compat.c -o $W/compat.o; rm -f $P/lib/libtlcompat.a; ar rcs $P/lib/libtlcompat.a $W/compat.o
cat > $P/bin/llvm-config <<'C'
#!/bin/sh
P=$(cd "$(dirname "$0")/.." && pwd)
for a in "$@"; do case $a in
 --link-static|--link-shared) ;;
 --version) echo 23.1.4;;
 --libdir) echo "$P/lib";;
 --includedir) echo "$P/include";;
 --libs|--libnames) sed 's/^/-l/' "$P/libs.txt" | tr '\n' ' '; echo "-lz -lzstd -ltlcompat";;
 --system-libs) echo "-lm -ldl -lpthread -lrt";;
 --cxxflags) echo "-I$P/include -std=c++17 -fno-exceptions -funwind-tables -D_GNU_SOURCE -D__STDC_CONSTANT_MACROS -D__STDC_FORMAT_MACROS -D__STDC_LIMIT_MACROS";;
 --cflags) echo "-I$P/include -D_GNU_SOURCE -D__STDC_CONSTANT_MACROS -D__STDC_FORMAT_MACROS -D__STDC_LIMIT_MACROS";;
 *) echo "llvm-config stand-in: unknown $a" >&2; exit 1;; esac; done
C
chmod +x $P/bin/llvm-config; touch $P/.tracel-llvm-installed
