// Who wrote and who read each cell of memory last, and whether that came before.
#include "checker.h"

#include <cstdio>

// The last accesses to one cell: as many bytes as the smallest access to its region yet.
struct Cell { Stamp writer, reader; };

struct Region {
  Array array;
  const char *name;  // null for an array: kernel.py knows which
  const void *key;   // of a shared variable
  Cell *cells;
  int shift;         // log2 of a cell's bytes
  bool shared, written;
};

// Of two accesses in one phase, whether the earlier one happens before the present one.
static inline bool ordered(Stamp before, Stamp now) {
  if ((before & THREAD) == (now & THREAD)) return true;
  return (before & THREAD) / 32 == (now & THREAD) / 32 &&
         (before & WARP_PHASE) != (now & WARP_PHASE);
}

static void race(const Region &region, const Cell &cell, Stamp other, const char *what,
                 void *caller) {
  const size_t offset = size_t(&cell - region.cells) << region.shift;
  char place[80] = "";
  if (region.shared) snprintf(place, sizeof place, " at byte %zu of '%s'", offset, region.name);
  uint8_t *at = region.shared ? nullptr : region.array.begin + offset;
  if (other < running.block_begin)
    fail(caller, at, "race between blocks%s: %s another block", place, what);
  else
    fail(caller, at, "race%s: %s thread %s with no barrier between", place, what,
         thread_name(other & THREAD));
}

static inline void check_writer(const Region &region, const Cell &cell, Mode mode, void *caller) {
  const Stamp writer = cell.writer;
  if (region.shared && writer < running.block_begin) {
    if (mode != WRITE)
      fail(caller, nullptr, "uninitialised: byte %zu of '%s' is read and nothing wrote it",
           size_t(&cell - region.cells) << region.shift, region.name);
    return;
  }
  if (writer < running.launch_begin || (mode == ATOMIC_CHANGE && writer & ATOMIC)) return;
  const bool apart = writer < running.phase_begin ? writer >= running.block_begin
                                                  : ordered(writer, running.now);
  if (!apart)
    race(region, cell, writer, mode == READ ? "read of what is written by"
                                            : "write over what is written by", caller);
}

static inline void check_readers(const Region &region, const Cell &cell, void *caller) {
  const Stamp reader = cell.reader;
  if (reader < running.launch_begin || (region.shared && reader < running.block_begin)) return;
  bool apart = reader >= running.block_begin;
  if (reader >= running.phase_begin) {
    const bool same_warp_phase = !((reader ^ running.now) & WARP_PHASE);
    apart = ordered(reader, running.now) && !(reader & OTHER_WARPS) &&
            !(reader & OTHER_LANES && same_warp_phase);
  }
  if (!apart) race(region, cell, reader, "write over what is read by", caller);
}

// Keeps one reader by name, and of all others whether they were of its warp.
static inline void note_reader(Cell &cell) {
  const Stamp reader = cell.reader, now = running.now;
  if (reader < running.phase_begin) {
    cell.reader = now;
  } else if ((reader & THREAD) / 32 != (now & THREAD) / 32) {
    cell.reader = reader | OTHER_WARPS;
  } else if ((reader ^ now) & WARP_PHASE) {
    cell.reader = now | (reader & OTHER_WARPS);
  } else if ((reader ^ now) & THREAD) {
    cell.reader = reader | OTHER_LANES;
  }
}
