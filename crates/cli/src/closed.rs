//! A standard output that was closed when the program was started (`handloom ls >&-`).
//!
//! Rust's runtime opens `/dev/null` in its place before `main`, so that all output would vanish with exit code 0. Only code
//! that runs earlier sees what was given. The function is therefore in the list of those that the loader calls first.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

static IS_CLOSED: AtomicBool = AtomicBool::new(false);

#[cfg(target_os = "linux")]
mod early {
    use std::ffi::c_int;
    use std::sync::atomic::Ordering;

    const STDOUT: c_int = 1;
    /// `F_GETFD`: the flags of a descriptor, or -1 if there is none of that number.
    const GET_FLAGS: c_int = 1;

    #[expect(unsafe_code, reason = "the C library is linked anyway, and this is its signature")]
    unsafe extern "C" {
        fn fcntl(descriptor: c_int, command: c_int, ...) -> c_int;
    }

    #[expect(unsafe_code, reason = "asks for flags and changes nothing")]
    extern "C" fn look() {
        // SAFETY: any number may be asked about, and this command takes no third argument.
        let flags = unsafe { fcntl(STDOUT, GET_FLAGS) };
        super::IS_CLOSED.store(flags == -1, Ordering::Relaxed);
    }

    #[expect(unsafe_code, reason = "the loader calls what is in this section before Rust's runtime begins")]
    #[used]
    #[unsafe(link_section = ".init_array")]
    static LOOK: extern "C" fn() = look;
}

/// The error of writing to stdout if it was closed when the program was started.
pub(crate) fn stdout() -> io::Result<()> {
    if IS_CLOSED.load(Ordering::Relaxed) { Err(io::Error::other("it is closed")) } else { Ok(()) }
}
