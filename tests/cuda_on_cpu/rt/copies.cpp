// Asynchronous copies to shared memory, which wait in their thread until it waits for them.
#include "checker.h"

#include <cstring>

extern "C" void cpu_copy_async(void *shared, const void *global, int bytes) {
  void *caller = __builtin_return_address(0);
  Fiber &fiber = *running.fiber;
  if (bytes != 4 && bytes != 8 && bytes != 16)
    fail(caller, nullptr, "an asynchronous copy moves 4, 8 or 16 bytes, not %d", bytes);
  if (((uintptr_t)shared | (uintptr_t)global) & (bytes - 1))
    fail(caller, shared, "misaligned: an asynchronous copy of %d bytes", bytes);
  if (fiber.copies == COPIES)
    fail(caller, nullptr, "more than %d asynchronous copies wait in one thread", COPIES);
  touch((void *)global, bytes, READ, caller);
  fiber.copy[fiber.copies++] = {(uint8_t *)shared, (const uint8_t *)global, bytes, caller};
}

extern "C" void cpu_copy_async_wait() {
  Fiber &fiber = *running.fiber;
  for (int i = 0; i < fiber.copies; ++i) {
    const Copy &copy = fiber.copy[i];
    touch(copy.to, copy.bytes, WRITE, copy.caller);
    memcpy(copy.to, copy.from, copy.bytes);
  }
  fiber.copies = 0;
}
