//! Files of expected numbers are those that their scripts write.

use std::fs;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

#[test]
fn every_script_was_run_after_its_last_edit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens");
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let named = path.with_extension("py");
        let script = if named.exists() { named } else { folder.join("make.py") };
        let said: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let hash = Sha256::digest(fs::read(&script).unwrap());
        let hash = hash.iter().fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
        assert_eq!(said["script_sha256"], hash, "run {} again and commit both", script.display());
        count += 1;
    }
    assert!(count >= 2);
}
