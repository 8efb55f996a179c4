//! Counts the heap bytes that the calling thread holds, and its processor time, to prove that no server can exhaust either.
//!
//! Not part of `common`, because it replaces the allocator of the binary that has it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use dcs::{Client, Code, Config, Error, Status};

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: isize) {
    // A thread that ends has no cells any more.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: every request goes to the system's allocator unchanged, and counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer is the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Runs a function, and returns how much more memory this thread held at most meanwhile.
pub fn peak<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let result = run();
    (result, usize::try_from(PEAK.get() - before).unwrap())
}

/// The most processor time that a call may take. An optimised library takes a tenth.
const MAX_PROCESSOR_TIME: Duration = Duration::from_secs(2);

/// Returns the processor time that this thread has used.
#[cfg(target_os = "linux")]
pub fn processor_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the time is valid and writable.
    let outcome = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(outcome, 0);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}

#[cfg(not(target_os = "linux"))]
pub fn processor_time() -> Duration {
    Duration::ZERO
}

/// The most bytes that a call may hold.
pub struct Limit(pub usize);

impl Limit {
    /// Makes a call, and asserts that it stays below the limit.
    #[track_caller]
    pub fn call(&self, config: &Config) -> Result<Status, Error> {
        let client = Client::new(config).unwrap();
        let before = processor_time();
        let (result, held) = peak(|| client.status());
        let used = processor_time() - before;
        assert!(held < self.0, "{held} bytes: {result:?}");
        assert!(used < MAX_PROCESSOR_TIME, "{used:?}: {result:?}");
        result
    }

    /// Asserts that the call fails within the limit, and that its error names the fault and the server.
    #[track_caller]
    pub fn assert_error(&self, name: &str, config: &Config, code: Code, fault: &str) -> Error {
        let error = match self.call(config) {
            Ok(status) => panic!("{name}: {status:?}"),
            Err(error) => error,
        };
        assert_eq!(error.code(), code, "{name}: {error}");
        for part in [fault, "localhost:"] {
            assert!(error.message().contains(part), "{name}: {error}");
        }
        assert!(error.hint().len() > 20, "{name}: {error}");
        error
    }
}
