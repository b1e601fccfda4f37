//! The product's allocator, with counters that are off until they are wanted: each figure that is
//! taken with them on is about memory, never about time.

use std::alloc::{GlobalAlloc, Layout};
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use mimalloc::MiMalloc;

/// Larger ones are counted together.
const LARGEST: usize = 16 * 1024;

static ON: AtomicBool = AtomicBool::new(false);
/// Allocations, those that only grew included.
static CALLS: AtomicU64 = AtomicU64::new(0);
/// Live allocations by size in bytes. Under 0 for what was there before counting.
static LIVE: [AtomicI64; LARGEST + 1] = [const { AtomicI64::new(0) }; LARGEST + 1];
/// Bytes of live allocations that are larger.
static LARGE: AtomicI64 = AtomicI64::new(0);
/// Allocations of this size say where they are made; 0 is none.
static TRACED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// To say so allocates too.
    static TRACING: Cell<bool> = const { Cell::new(false) };
}

pub(crate) struct Counting;

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; passes everything on"
)]
// SAFETY: the same as mimalloc's, which does the work; the counters do not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        begun(layout.size());
        // SAFETY: the caller keeps the contract of the same method.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        begun(layout.size());
        // SAFETY: as above.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        ended(layout.size());
        // SAFETY: as above.
        unsafe { MiMalloc.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ended(layout.size());
        begun(size);
        // SAFETY: as above.
        unsafe { MiMalloc.realloc(at, layout, size) }
    }
}

fn begun(size: usize) {
    if ON.load(Ordering::Relaxed) {
        CALLS.fetch_add(1, Ordering::Relaxed);
        add(size, 1);
        if size == TRACED.load(Ordering::Relaxed) && !TRACING.replace(true) {
            eprintln!("{size} bytes\n{}", Backtrace::force_capture());
            TRACING.set(false);
        }
    }
}

fn ended(size: usize) {
    if ON.load(Ordering::Relaxed) {
        add(size, -1);
    }
}

fn add(size: usize, count: i64) {
    match LIVE.get(size) {
        Some(live) => live.fetch_add(count, Ordering::Relaxed),
        None => LARGE.fetch_add(
            count * i64::try_from(size).unwrap_or_default(),
            Ordering::Relaxed,
        ),
    };
}

/// Counts from here on, and says where allocations of the size `traced` are made.
pub(crate) fn count(traced: usize) {
    TRACED.store(traced, Ordering::Relaxed);
    ON.store(true, Ordering::Relaxed);
}

/// Allocations made while `work` runs, by this process.
pub(crate) async fn during<T>(work: impl Future<Output = T>) -> (T, u64) {
    ON.store(true, Ordering::Relaxed);
    let before = CALLS.load(Ordering::Relaxed);
    let output = work.await;
    let calls = CALLS.load(Ordering::Relaxed) - before;
    ON.store(false, Ordering::Relaxed);
    (output, calls)
}

/// Live allocations by size, 0 for the bytes of those over 16 KiB.
pub(crate) fn live() -> BTreeMap<usize, i64> {
    let sized = LIVE.iter().enumerate().skip(1);
    let mut live: BTreeMap<usize, i64> = sized
        .map(|(size, live)| (size, live.load(Ordering::Relaxed)))
        .filter(|(_, live)| *live != 0)
        .collect();
    live.insert(0, LARGE.load(Ordering::Relaxed));
    live
}
