//! Hashes the sources of everything that pages are made of, so that a report can name the code that made it.
//!
//! The version of the program cannot say so, as many builds have the same one. Two builds with the same hash make the same
//! pages; with another hash they may or may not.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The folders with the sources, and the versions of the libraries. A crate that stands alone has the first two.
const FOLDERS: [&str; 6] = ["src", "web", "../sweep/src", "../engine/src", "../store/src", "../../Cargo.lock"];

fn main() {
    let mut sum = Sha256::new();
    for folder in FOLDERS {
        println!("cargo::rerun-if-changed={folder}");
        let mut files = Vec::new();
        match Path::new(folder) {
            file if file.is_file() => files.push(file.into()),
            folder => collect(folder, &mut files),
        }
        files.sort();
        for file in files {
            sum.update(file.to_string_lossy().as_bytes());
            // A checkout may have changed line ends.
            let bytes = fs::read(&file).unwrap_or_default();
            sum.update(bytes.into_iter().filter(|byte| *byte != b'\r').collect::<Vec<u8>>());
        }
    }
    let hash = sum.finalize().iter().take(8).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
    println!("cargo::rustc-env=HANDLOOM_PAGES={hash:016x}");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_test = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&path, files),
            Ok(_) if !is_test => files.push(path),
            _ => {}
        }
    }
}
