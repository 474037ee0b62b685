// Where a kernel may read and write, and whether anything is there yet.
#include "checker.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

constexpr int MOST = 64;
static Region regions[MOST];
static int count;
static Region *recent;

// Stamps of older launches are too old to matter, so cells are handed out without clearing.
static Cell *pool;
static size_t pool_used;
constexpr size_t POOL = size_t(64) << 30;  // of addresses; only the pages that are used exist

static uint8_t *arena;
static size_t arena_used, static_shared;
constexpr size_t ARENA = 1 << 20, GUARD = 64;

// NaN as float32 and float64, and in every other float16; as integers, nothing a test expects.
constexpr uint32_t UNINITIALISED = 0x7fffdead;

static uint8_t *reserve(size_t bytes) {
  return (uint8_t *)mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static Cell *cells_for(size_t bytes, int shift) {
  Cell *cells = pool + pool_used;
  pool_used += (bytes >> shift) + 1;
  return cells;
}

static Region *add(const Array &array, bool shared) {
  if (count == MOST) fail(nullptr, nullptr, "more than %d arrays and shared variables", MOST);
  Region &region = regions[count++];
  // 4 bytes at most: shared memory that is declared as double is often used as float too.
  region = {array, nullptr, nullptr, nullptr, std::min(2, __builtin_ctz(array.item)), shared, false};
  if (running.launch->check) region.cells = cells_for(array.bytes, region.shift);
  return &region;
}

// ---------------------------------------------------------------- shared memory

static void fill(const Array &array) {
  for (size_t i = 0; i < array.bytes; i += 4)
    memcpy(array.begin + i, &UNINITIALISED, std::min<size_t>(4, array.bytes - i));
}

static uint8_t *place(size_t bytes, size_t align) {
  // Not aligned to more than was asked for, so that reliance on luck is seen.
  size_t at = (arena_used + GUARD + align - 1) / align * align;
  if (at / align % 2 == 0) at += align;
  if (at + bytes + GUARD > ARENA)
    fail(nullptr, nullptr, "%zu bytes of shared memory are more than any GPU has", at + bytes);
  arena_used = at + bytes;
  return arena + at;
}

static Region *find_shared(const void *key) {
  for (Region *region = regions + running.launch->array_count; region < regions + count; ++region)
    if (region->key == key) return region;
  return nullptr;
}

static uint8_t *shared_variable(const void *key, const char *name, size_t bytes, size_t align,
                                size_t item) {
  if (Region *known = find_shared(key)) return known->array.begin;
  Array array = {place(bytes, align), bytes, nullptr, nullptr, (unsigned)item, true, false};
  Region *region = add(array, true);
  region->key = key;
  region->name = name;
  if (running.launch->check) fill(array);
  return array.begin;
}

extern "C" {
void *cuda_on_cpu_shared(const void *key, const char *name, size_t bytes, size_t align,
                         size_t item) {
  if (!find_shared(key)) static_shared += bytes;
  return shared_variable(key, name, bytes, align, item);
}

void *cuda_on_cpu_dynamic_shared(const char *name, size_t align) {
  static const char key = 0;
  return shared_variable(&key, name, running.launch->dynamic_shared, align, 4);
}
}

size_t shared_in_use() { return static_shared; }

// ---------------------------------------------------------------- launches and blocks

void memory_launch() {
  if (!pool) pool = (Cell *)reserve(POOL);
  if (!arena) arena = reserve(ARENA);
  count = 0;
  pool_used = arena_used = static_shared = 0;
  recent = regions;
  for (size_t i = 0; i < running.launch->array_count; ++i) add(running.launch->arrays[i], false);
}

void memory_block() {
  if (!running.launch->check) return;
  for (Region *region = regions + running.launch->array_count; region < regions + count; ++region)
    fill(region->array);
}

static bool must_be_written(const Region &region, size_t cell) {
  const uint8_t *legal = region.array.legal;
  return region.cells[cell].writer < running.launch_begin &&
         (!legal || legal[cell << region.shift] & 2);
}

bool memory_unwritten() {
  for (const Region *region = regions; region < regions + count; ++region) {
    if (region->shared || !region->written || !region->array.complete) continue;
    size_t missing = 0, first = 0;
    for (size_t cell = region->array.bytes >> region->shift; cell-- > 0;)
      if (must_be_written(*region, cell)) ++missing, first = cell;
    if (!missing) continue;
    fail(nullptr, region->array.begin + (first << region->shift),
         "not fully written: the kernel leaves %zu of the output's cells (of %d bytes) as they were",
         missing, 1 << region->shift);
    return true;
  }
  return false;
}

// ---------------------------------------------------------------- places where nothing may be

static size_t distance(const Region &region, const uint8_t *at) {
  const uint8_t *end = region.array.begin + region.array.bytes;
  return at < region.array.begin ? region.array.begin - at : at >= end ? at - end + 1 : 0;
}

static void outside(uint8_t *at, size_t bytes, Mode mode, void *caller) {
  const Launch &launch = *running.launch;
  const bool constant = (char *)at >= launch.library_begin && (char *)at < launch.library_end;
  if (constant && mode == READ) return;
  if (constant) return fail(caller, at, "a constant is written");
  const Region *nearest = regions;
  for (const Region *region = regions; region < regions + count; ++region)
    if (distance(*region, at) < distance(*nearest, at)) nearest = region;
  const char *verb = mode == READ ? "read" : "write";
  if (count && nearest->shared)
    fail(caller, at, "out of bounds: %s of %zu bytes at byte %td of '%s', which has %zu in shared "
         "memory", verb, bytes, at - nearest->array.begin, nearest->name, nearest->array.bytes);
  else
    fail(caller, at, "out of bounds: %s of %zu bytes", verb, bytes);
}

static Region *find(const uint8_t *at, size_t bytes) {
  if (count && size_t(at - recent->array.begin) < recent->array.bytes) {
    if (size_t(at - recent->array.begin) + bytes <= recent->array.bytes) return recent;
    return nullptr;
  }
  for (Region *region = regions; region < regions + count; ++region)
    if (size_t(at - region->array.begin) < region->array.bytes) {
      recent = region;
      return find(at, bytes);
    }
  return nullptr;
}

static void check_gaps(const Region &region, size_t offset, size_t bytes, Mode mode, void *caller) {
  const uint8_t need = mode == READ ? 1 : 2;
  for (size_t i = offset; i < offset + bytes; ++i) {
    const uint8_t legal = region.array.legal[i];
    if (legal & need) continue;
    if (legal) fail(caller, region.array.begin + offset, "a read-only array is written");
    fail(caller, region.array.begin + offset, "out of bounds: %s of %zu bytes, between the elements "
         "of a view", mode == READ ? "read" : "write", bytes);
  }
}

static void check_initialised(Region &region, size_t offset, size_t bytes, Mode mode,
                              void *caller) {
  uint8_t *known = region.array.initialised + offset;
  if (mode == WRITE) {
    memset(known, 1, bytes);
  } else if (memchr(known, 0, bytes)) {
    fail(caller, region.array.begin + offset, "uninitialised: nothing wrote what is read");
  }
}

// ---------------------------------------------------------------- every access

// An access that covers part of a cell: from here on this region has smaller cells.
static void split_cells(Region &region, size_t offset, size_t bytes) {
  const int shift = __builtin_ctzll(offset | bytes);
  Cell *cells = cells_for(region.array.bytes, shift);
  const size_t total = (region.array.bytes >> shift) + 1;
  for (size_t i = 0; i < total; ++i) cells[i] = region.cells[i >> (region.shift - shift)];
  region.cells = cells;
  region.shift = shift;
}

static inline void keep(uint8_t *at, size_t bytes, Mode mode, void *caller, bool shared) {
  Launch &launch = *running.launch;
  const Index block = running.block;
  const size_t number = block.x + launch.grid[0] * (block.y + (size_t)launch.grid[1] * block.z);
  if (number != launch.trace_block || launch.trace_count == launch.trace_room) return;
  launch.trace[launch.trace_count++] = {(uint64_t)at,
                                        uint64_t((char *)caller - launch.library_begin),
                                        running.fiber->thread,
                                        (uint16_t)bytes,
                                        mode != READ,
                                        shared};
}

// Accesses outside of a kernel, and of a thread to its own stack, are nobody's business.
static inline bool ignored(const void *address) {
  return !running.fiber || size_t((uint8_t *)address - running.fiber->stack) < STACK;
}

// Inlined into the hooks of each size: most of the time of a checked launch is spent here.
__attribute__((always_inline)) static inline void touched(void *address, size_t bytes, Mode mode,
                                                          void *caller) {
  uint8_t *at = (uint8_t *)address;
  if (ignored(address) || !running.launch->check) return;
  ++running.accesses;
  Region *found = find(at, bytes);
  if (!found) return outside(at, bytes, mode, caller);
  Region &region = *found;
  const size_t offset = at - region.array.begin;
  if (running.launch->trace) keep(at, bytes, mode, caller, region.shared);
  if (region.array.legal) check_gaps(region, offset, bytes, mode, caller);
  else if (mode != READ && !region.array.writable)
    fail(caller, at, "a read-only array is written");
  if (region.array.initialised) check_initialised(region, offset, bytes, mode, caller);
  if ((offset | bytes) & ((size_t(1) << region.shift) - 1)) split_cells(region, offset, bytes);
  Cell *cell = region.cells + (offset >> region.shift);
  Cell *const end = region.cells + ((offset + bytes) >> region.shift);
  if (mode == READ) {
    for (; cell < end; ++cell) {
      check_writer(region, *cell, mode, caller);
      note_reader(*cell);
    }
    return;
  }
  region.written = true;
  const Stamp writer = mode == ATOMIC_CHANGE ? running.now | ATOMIC : running.now;
  for (; cell < end; ++cell) {
    check_writer(region, *cell, mode, caller);
    check_readers(region, *cell, caller);
    cell->writer = writer;
  }
}

void touch(void *address, size_t bytes, Mode mode, void *caller) {
  touched(address, bytes, mode, caller);
}
