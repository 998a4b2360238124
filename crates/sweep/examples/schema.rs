//! Writes `configs/sweep.schema.json`, by which editors complete and check sweep files: `just schema`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/sweep.schema.json");
    std::fs::write(path, format!("{:#}\n", handloom_sweep::spec::json_schema()))
}
