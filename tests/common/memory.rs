//! Counts the bytes that the calling thread holds, for the proof that no server can make it hold much.
//!
//! Not part of `common`, because it replaces the allocator of the binary that has it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use dcs::{Client, Code, Config, Error, Status};

/// No call takes longer, but for what it waits for on purpose.
const BOUND: Duration = Duration::from_secs(10);

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: isize) {
    // The thread may be at its end, and its cells gone.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: every request goes on to the system's allocator as it came, and counting allocates nothing.
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

/// Runs the function, and tells how much more memory this thread held at most meanwhile.
pub fn peak<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    PEAK.set(before);
    let result = run();
    (result, usize::try_from(PEAK.get() - before).unwrap())
}

/// The bytes that a call may hold at most.
pub struct Limit(pub usize);

impl Limit {
    /// Makes a call, and looks at its time and its memory.
    #[track_caller]
    pub fn call(&self, config: &Config) -> Result<Status, Error> {
        let client = Client::new(config).unwrap();
        let begun = Instant::now();
        let (result, held) = peak(|| client.status());
        assert!(begun.elapsed() < BOUND, "{:?}: {result:?}", begun.elapsed());
        assert!(held < self.0, "{held} bytes: {result:?}");
        result
    }

    /// The call fails, and its error names what was wrong and the server.
    #[track_caller]
    pub fn assert_refused(&self, name: &str, config: &Config, code: Code, words: &str) {
        let error = match self.call(config) {
            Ok(status) => panic!("{name}: {status:?}"),
            Err(error) => error,
        };
        assert_eq!(error.code(), code, "{name}: {error}");
        for words in [words, "localhost:"] {
            assert!(error.message().contains(words), "{name}: {error}");
        }
        assert!(error.hint().len() > 20, "{name}: {error}");
    }
}
