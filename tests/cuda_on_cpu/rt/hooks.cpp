// The functions that g++ calls before each access (-fsanitize=thread) and where C++ leaves a
// result undefined (the parts of -fsanitize=undefined that build.py asks for).
#include "checker.h"

#include <cstring>

#define CALLER __builtin_return_address(0)

extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}

// Two macros, because a type that is not aligned to its size may lie anywhere.
#define ALIGNED(bytes)                                                                             \
  void __tsan_read##bytes(void *address) { aligned(address, bytes, READ, CALLER); }                \
  void __tsan_write##bytes(void *address) { aligned(address, bytes, WRITE, CALLER); }              \
  void __tsan_volatile_read##bytes(void *address) { aligned(address, bytes, READ, CALLER); }       \
  void __tsan_volatile_write##bytes(void *address) { aligned(address, bytes, WRITE, CALLER); }
#define ANYWHERE(bytes)                                                                            \
  void __tsan_unaligned_read##bytes(void *address) { touch(address, bytes, READ, CALLER); }        \
  void __tsan_unaligned_write##bytes(void *address) { touch(address, bytes, WRITE, CALLER); }

__attribute__((always_inline)) static inline void aligned(void *address, size_t bytes, Mode mode,
                                                          void *caller) {
  if (ignored(address)) return;
  if ((uintptr_t)address & (bytes - 1))
    fail(caller, address, "misaligned: %zu bytes are %s an address that is no multiple of %zu",
         bytes, mode == READ ? "read from" : "written to", bytes);
  touched(address, bytes, mode, caller);
}

ALIGNED(1) ALIGNED(2) ALIGNED(4) ALIGNED(8) ALIGNED(16)
ANYWHERE(2) ANYWHERE(4) ANYWHERE(8) ANYWHERE(16)

void __tsan_read_range(void *address, size_t bytes) { touch(address, bytes, READ, CALLER); }
void __tsan_write_range(void *address, size_t bytes) { touch(address, bytes, WRITE, CALLER); }
void *__tsan_memcpy(void *to, const void *from, size_t bytes) {
  touch((void *)from, bytes, READ, CALLER);
  touch(to, bytes, WRITE, CALLER);
  return memcpy(to, from, bytes);
}
void *__tsan_memset(void *to, int value, size_t bytes) {
  touch(to, bytes, WRITE, CALLER);
  return memset(to, value, bytes);
}
void cuda_on_cpu_atomic(void *address, int bytes) {
  touch(address, bytes, ATOMIC_CHANGE, CALLER);
}

// Each handler's first argument begins with the place in the source.
struct Place { const char *file; uint32_t line, column; };
#define UNDEFINED(name, what)                                                                      \
  void __ubsan_handle_##name(const Place *place) {                                                 \
    if (running.fiber)                                                                             \
      fail(nullptr, nullptr, "%s:%u: undefined: %s", place->file, place->line, what);              \
  }
UNDEFINED(add_overflow, "the sum overflows a signed integer")
UNDEFINED(divrem_overflow, "division by zero, or its result overflows")
UNDEFINED(float_cast_overflow, "the value does not fit the integer that it is cast to")
UNDEFINED(mul_overflow, "the product overflows a signed integer")
UNDEFINED(negate_overflow, "the negated value overflows a signed integer")
UNDEFINED(out_of_bounds, "the index is out of bounds of the array's type")
UNDEFINED(shift_out_of_bounds, "the shift is too far, or shifts a sign")
UNDEFINED(sub_overflow, "the difference overflows a signed integer")
}
