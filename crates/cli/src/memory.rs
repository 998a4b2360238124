//! Memory: what this process may still have, and what is said when there is no more.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::Exit;

/// The system's allocator, which ends the process with a message and exit code 1 where the standard library would abort.
///
/// A training that ran out of memory is a failure like any other for whoever started it. A library that would have gone on
/// without the memory ends here, too: none of ours does.
pub(crate) struct Allocator;

// SAFETY: every call is passed on to the system's allocator as it is, and its answer is returned as it is unless it is null.
#[expect(unsafe_code, reason = "see above")]
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that are asked for.
        given(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.realloc(pointer, layout, size) }, size)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[inline]
fn given(pointer: *mut u8, size: usize) -> *mut u8 {
    if pointer.is_null() { out_of_memory(size) } else { pointer }
}

/// Says that `size` bytes are not to be had, and ends the process. Allocates nothing.
#[cold]
#[expect(clippy::exit, reason = "whoever allocates cannot be told")]
fn out_of_memory(size: usize) -> ! {
    static TOLD: AtomicBool = AtomicBool::new(false);
    thread_local! {
        static HERE: Cell<bool> = const { Cell::new(false) };
    }
    if HERE.replace(true) {
        // The end of the process asks for memory itself.
        std::process::abort();
    }
    if TOLD.swap(true, Ordering::SeqCst) {
        // Another thread says so, and is about to end the process.
        loop {
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
    }
    let mut line = [0_u8; 256];
    let mut rest = &mut line[..];
    let _ = write!(
        rest,
        "error: out of memory: {size} more bytes are not to be had\nhint: take a smaller network (`-sz`, `-nhl`) or fewer `--threads` or `--workers`, or end other programs\n"
    );
    let left = rest.len();
    // Not buffered, so that nothing is allocated for it.
    let _ = std::io::stderr().write_all(&line[..line.len() - left]);
    std::process::exit(Exit::Failed as i32)
}

/// The number after `name` at the beginning of a line of `text`.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Bytes of address space that the process's own limit leaves (`ulimit -v`). None without a limit.
fn address_space() -> Option<u64> {
    let limit = field(&fs::read_to_string("/proc/self/limits").ok()?, "Max address space")?;
    let used = field(&fs::read_to_string("/proc/self/status").ok()?, "VmSize:")?;
    Some(limit.saturating_sub(1024 * used))
}

/// Bytes that this process may still take, as far as the system says: what is free on the machine with its swap space, and
/// what the process's own limit leaves. None where it says nothing.
pub(crate) fn available() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| Some(1024 * (field(&text, "MemAvailable:")? + field(&text, "SwapFree:")?)));
    machine.into_iter().chain(address_space()).min()
}

/// Number of threads, from 1 to `threads`, that fit into half of the address space that its limit leaves: each reserves
/// 2 MiB for its stack and up to 64 MiB for what it allocates.
pub(crate) fn threads(threads: usize) -> usize {
    const RESERVED: u64 = 66 << 20;
    address_space().map_or(threads, |left| threads.min((left / 2 / RESERVED) as usize).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_some_memory_left() {
        assert!(available().is_some_and(|bytes| bytes > 1 << 20));
    }
}
