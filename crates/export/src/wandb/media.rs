//! Images and tables: a file each, and the value that stands for it in a row of the history.
//!
//! A table is uploaded twice, as W&B's own client does: as a file of the run, and as an artifact of type
//! `run_table`, which the tables of its web pages are read from. An artifact names its file by an absolute path, so
//! a run whose folder was moved before its upload arrives without the artifacts; with all else, tables included.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handloom_engine::model::write_atomically;
use md5::Md5;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::chart::{Chart, Rows};
use super::record::{Artifact, FileItem, Kind, Manifest, ManifestEntry, PolicyItem};
use super::run::OfflineRun;
use crate::error::{Error, Result};

/// A PNG file with what is written under it.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    /// Bytes of the file.
    pub png: &'a [u8],
    /// Caption.
    pub caption: Option<&'a str>,
}

impl OfflineRun {
    /// Stores an image; the value goes into the next row under `key`.
    pub fn image(&mut self, key: &str, image: Image<'_>) -> Result<Value> {
        let (width, height) = size(image.png).ok_or_else(|| Error::Png(key.into()))?;
        let (path, sha256) = self.media("images", key, "png", image.png)?;
        let mut value = json!({
            "_type": "image-file", "sha256": sha256, "size": image.png.len(), "path": path, "format": "png",
            "width": width, "height": height,
        });
        if let Some(caption) = image.caption {
            value["caption"] = json!(caption);
        }
        Ok(value)
    }

    /// Stores images that are shown side by side, all in the size of the first; the value goes into the next row.
    pub fn images(&mut self, key: &str, images: &[Image<'_>]) -> Result<Value> {
        let png = || Error::Png(key.into());
        let (width, height) = images.first().and_then(|first| size(first.png)).ok_or_else(png)?;
        let mut filenames = Vec::with_capacity(images.len());
        for image in images {
            size(image.png).ok_or_else(png)?;
            filenames.push(self.media("images", key, "png", image.png)?.0);
        }
        let captions: Vec<_> = images.iter().map(|image| image.caption).collect();
        Ok(json!({
            "_type": "images/separated", "width": width, "height": height, "format": "png", "count": images.len(),
            "filenames": filenames, "captions": captions,
        }))
    }

    /// Stores a table of rows as long as `columns`; the value goes into the next row under `key`.
    pub fn table(&mut self, key: &str, columns: &[&str], rows: &[Vec<Value>]) -> Result<Value> {
        assert!(rows.iter().all(|row| row.len() == columns.len()), "rows have {} values: {columns:?}", columns.len());
        let bytes = json!({"columns": columns, "data": rows}).to_string().into_bytes();
        let (path, sha256) = self.media("table", key, "table.json", &bytes)?;
        let step = self.step;
        let client = self.client_id(&format!("{key} {step} {sha256}"));
        let sequence = self.client_id(key);
        let entry = format!("{}.table.json", safe(key));
        self.artifact(key, &entry, (&client, &sequence), columns, rows)?;
        Ok(json!({
            "_type": "table-file", "sha256": sha256, "size": bytes.len(), "path": path, "ncols": columns.len(),
            "nrows": rows.len(), "log_mode": "IMMUTABLE",
            "artifact_path": format!("wandb-client-artifact://{client}/{entry}"),
            "_latest_artifact_path": format!("wandb-client-artifact://{sequence}:latest/{entry}"),
        }))
    }

    /// Stores the rows of a chart; key and value go into the next row.
    pub fn chart(&mut self, chart: &Chart, rows: &Rows) -> Result<(String, Value)> {
        let key = chart.table_key();
        let value = self.table(&key, chart.columns(), rows)?;
        Ok((key, value))
    }

    /// Writes `files/media/FOLDER/KEY_STEP_HASH.EXTENSION`: its path from `files/`, and its SHA-256.
    fn media(&mut self, folder: &str, key: &str, extension: &str, bytes: &[u8]) -> Result<(String, String)> {
        let sha256 = hex(&Sha256::digest(bytes));
        let path = format!("media/{folder}/{}_{}_{}.{extension}", safe(key), self.step, &sha256[..20]);
        self.file(&path, bytes, FileItem::MEDIA)?;
        Ok((path, sha256))
    }

    /// Writes the table as an artifact has it, and the record of that artifact.
    fn artifact(
        &mut self,
        key: &str,
        entry: &str,
        (client, sequence): (&str, &str),
        columns: &[&str],
        rows: &[Vec<Value>],
    ) -> Result<()> {
        let types: Map<_, _> =
            columns.iter().enumerate().map(|(at, name)| ((*name).into(), column(rows, at))).collect();
        let table = json!({
            "_type": "table", "column_types": {"params": {"type_map": types}, "wb_type": "typedDict"},
            "columns": columns, "data": rows, "log_mode": "IMMUTABLE", "ncols": columns.len(), "nrows": rows.len(),
        });
        let bytes = table.to_string().into_bytes();
        let path = self.folder.join("artifacts").join(format!("{}-{entry}", self.step));
        write_atomically(&path, &bytes)?;
        let digest = STANDARD.encode(Md5::digest(&bytes));
        let manifest_digest = format!("wandb-artifact-manifest-v1\n{entry}:{digest}\n");
        let contents = ManifestEntry {
            path: entry.into(),
            digest,
            size: bytes.len() as i64,
            local_path: std::path::absolute(&path).map_err(Error::io(&path))?.to_string_lossy().into_owned(),
        };
        let layout = PolicyItem { key: "storageLayout".into(), value_json: "\"V2\"".into() };
        self.record(Kind::Artifact(Box::new(Artifact {
            run_id: self.id.clone(),
            project: self.project.clone(),
            entity: self.entity.clone(),
            kind: "run_table".into(),
            name: format!("run-{}-{}", safe(&self.id), safe(key)),
            digest: hex(&Md5::digest(manifest_digest)),
            aliases: vec!["latest".into()],
            manifest: Some(Manifest {
                version: 1,
                storage_policy: "wandb-storage-policy-v1".into(),
                storage_policy_config: vec![layout],
                contents: vec![contents],
            }),
            finalize: true,
            client_id: client.into(),
            sequence_client_id: sequence.into(),
        })))
    }

    /// 128 characters `[a-z0-9]` that no other run has: what W&B calls an artifact by until it is uploaded.
    fn client_id(&self, name: &str) -> String {
        const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let seed = format!("{} {} {}", self.folder.display(), self.started_ms, std::process::id());
        let hashes = (0..4).flat_map(|part| Sha256::digest(format!("{seed} {name} {part}")).to_vec());
        hashes.map(|byte| char::from(DIGITS[usize::from(byte) % DIGITS.len()])).collect()
    }
}

/// Width and height of a PNG file, which begins with a signature and the chunk `IHDR`.
fn size(png: &[u8]) -> Option<(u32, u32)> {
    let header = png.strip_prefix(b"\x89PNG\r\n\x1a\n")?.get(4..16)?.strip_prefix(b"IHDR")?;
    let (width, height) = header.split_at(4);
    Some((u32::from_be_bytes(width.try_into().ok()?), u32::from_be_bytes(height.try_into().ok()?)))
}

/// `key` as a part of a file name.
fn safe(key: &str) -> String {
    let name = Path::new(key).to_string_lossy();
    name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }).collect()
}

/// W&B's type of the column `at`: one kind of value, or any.
fn column(rows: &[Vec<Value>], at: usize) -> Value {
    let mut kinds = rows.iter().filter_map(|row| match &row[at] {
        Value::Null => None,
        Value::Bool(_) => Some("boolean"),
        Value::Number(_) => Some("number"),
        Value::String(_) => Some("string"),
        Value::Array(_) | Value::Object(_) => Some("any"),
    });
    match kinds.next() {
        Some(kind) if kind != "any" && kinds.all(|other| other == kind) => {
            json!({"params": {"allowed_types": [{"wb_type": "none"}, {"wb_type": kind}]}, "wb_type": "union"})
        }
        _ => json!({"wb_type": "any"}),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_png_stands_in_its_head() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\x02\0\0\0\x07".to_vec();
        assert_eq!(size(&png), Some((258, 7)));
        assert_eq!(size(&png[..20]), None);
        png[1] = b'Q';
        assert_eq!(size(&png), None);
    }

    #[test]
    fn keys_become_plain_file_names() {
        assert_eq!(safe("test/confusion matrix"), "test_confusion_matrix");
        assert_eq!(safe("Größe.1"), "Gr__e.1");
    }

    #[test]
    fn a_column_has_one_type_or_any() {
        let rows = [vec![json!(1), json!("a"), json!(null)], vec![json!(null), json!(2), json!(null)]];
        assert_eq!(column(&rows, 0)["params"]["allowed_types"][1]["wb_type"], "number");
        assert_eq!(column(&rows, 1), json!({"wb_type": "any"}));
        assert_eq!(column(&rows, 2), json!({"wb_type": "any"}));
    }
}
