//! The records of a log: messages of W&B's protocol buffers, with only the fields that Handloom writes.
//!
//! Numbers and types are those of `wandb/proto/wandb_internal.proto`; none of them changed from 0.13 to 0.31. Names
//! do not stand in the file: where they would say what the message's name says already, they are shorter here.

use prost::Message;
use serde_json::Value;

/// One record: a number, counted from 1, and what it says.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Record {
    #[prost(int64, tag = "1")]
    pub(crate) num: i64,
    #[prost(oneof = "Kind", tags = "2, 3, 6, 8, 11, 12, 13, 17, 18, 21")]
    pub(crate) kind: Option<Kind>,
}

/// Content of a record.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Kind {
    #[prost(message, tag = "2")]
    History(History),
    #[prost(message, tag = "3")]
    Summary(Update),
    #[prost(message, tag = "6")]
    Files(Files),
    #[prost(message, boxed, tag = "8")]
    Artifact(Box<Artifact>),
    #[prost(message, tag = "11")]
    Telemetry(Telemetry),
    #[prost(message, tag = "12")]
    Metric(Metric),
    #[prost(message, tag = "13")]
    Output(Output),
    #[prost(message, boxed, tag = "17")]
    Run(Box<Run>),
    #[prost(message, tag = "18")]
    Exit(Exit),
    #[prost(message, tag = "21")]
    Header(Header),
}

/// A value at a key or, with several parts, at a path.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Item {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) nested_key: Vec<String>,
    #[prost(string, tag = "16")]
    pub(crate) value_json: String,
}

impl Item {
    pub(crate) fn new(key: impl Into<String>, value: &Value) -> Self {
        Self { key: key.into(), nested_key: Vec::new(), value_json: value.to_string() }
    }

    pub(crate) fn nested(path: &[&str], value: &Value) -> Self {
        let nested_key = path.iter().map(|&part| part.to_owned()).collect();
        Self { key: String::new(), nested_key, value_json: value.to_string() }
    }
}

/// A row of the history.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct History {
    #[prost(message, repeated, tag = "1")]
    pub(crate) item: Vec<Item>,
    #[prost(message, optional, tag = "2")]
    pub(crate) step: Option<Step>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Step {
    #[prost(int64, tag = "1")]
    pub(crate) num: i64,
}

/// Values of the summary, or of the configuration.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Update {
    #[prost(message, repeated, tag = "1")]
    pub(crate) update: Vec<Item>,
}

/// Files to upload, relative to `files/`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Files {
    #[prost(message, repeated, tag = "1")]
    pub(crate) files: Vec<FileItem>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct FileItem {
    #[prost(string, tag = "1")]
    pub(crate) path: String,
    /// 0 now, 1 at the end, 2 live.
    #[prost(int32, tag = "2")]
    pub(crate) policy: i32,
    #[prost(int32, tag = "3")]
    pub(crate) kind: i32,
}

impl FileItem {
    /// Kinds of files.
    pub(crate) const WANDB: i32 = 1;
    pub(crate) const MEDIA: i32 = 2;
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Artifact {
    #[prost(string, tag = "1")]
    pub(crate) run_id: String,
    #[prost(string, tag = "2")]
    pub(crate) project: String,
    #[prost(string, tag = "3")]
    pub(crate) entity: String,
    #[prost(string, tag = "4")]
    pub(crate) kind: String,
    #[prost(string, tag = "5")]
    pub(crate) name: String,
    #[prost(string, tag = "6")]
    pub(crate) digest: String,
    #[prost(string, repeated, tag = "11")]
    pub(crate) aliases: Vec<String>,
    #[prost(message, optional, tag = "12")]
    pub(crate) manifest: Option<Manifest>,
    #[prost(bool, tag = "14")]
    pub(crate) finalize: bool,
    #[prost(string, tag = "15")]
    pub(crate) client_id: String,
    #[prost(string, tag = "16")]
    pub(crate) sequence_client_id: String,
}

/// Manifest of an artifact: its files.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Manifest {
    #[prost(int32, tag = "1")]
    pub(crate) version: i32,
    #[prost(string, tag = "2")]
    pub(crate) storage_policy: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) storage_policy_config: Vec<PolicyItem>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) contents: Vec<ManifestEntry>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PolicyItem {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(string, tag = "2")]
    pub(crate) value_json: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ManifestEntry {
    #[prost(string, tag = "1")]
    pub(crate) path: String,
    /// MD5 in base64.
    #[prost(string, tag = "2")]
    pub(crate) digest: String,
    #[prost(int64, tag = "4")]
    pub(crate) size: i64,
    /// Absolute.
    #[prost(string, tag = "6")]
    pub(crate) local_path: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Telemetry {
    #[prost(string, tag = "13")]
    pub(crate) platform: String,
}

/// That a metric is drawn over another one.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Metric {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "4")]
    pub(crate) axis: String,
    #[prost(message, optional, tag = "6")]
    pub(crate) options: Option<MetricOptions>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct MetricOptions {
    #[prost(bool, tag = "1")]
    pub(crate) step_sync: bool,
    #[prost(bool, tag = "3")]
    pub(crate) defined: bool,
}

/// Console output of the program.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Output {
    /// 0 stderr, 1 stdout.
    #[prost(int32, tag = "1")]
    pub(crate) stream: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) timestamp: Option<Timestamp>,
    #[prost(string, tag = "3")]
    pub(crate) line: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

impl Timestamp {
    /// From milliseconds since 1970.
    pub(crate) fn from_ms(ms: u64) -> Self {
        Self { seconds: (ms / 1000) as i64, nanos: (ms % 1000) as i32 * 1_000_000 }
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Run {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) entity: String,
    #[prost(string, tag = "3")]
    pub(crate) project: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) config: Option<Update>,
    #[prost(string, tag = "6")]
    pub(crate) group: String,
    #[prost(string, tag = "7")]
    pub(crate) job_type: String,
    #[prost(string, tag = "8")]
    pub(crate) display_name: String,
    #[prost(string, tag = "9")]
    pub(crate) notes: String,
    #[prost(string, repeated, tag = "10")]
    pub(crate) tags: Vec<String>,
    #[prost(string, tag = "12")]
    pub(crate) sweep_id: String,
    #[prost(string, tag = "13")]
    pub(crate) host: String,
    #[prost(int64, tag = "14")]
    pub(crate) starting_step: i64,
    #[prost(message, optional, tag = "17")]
    pub(crate) start_time: Option<Timestamp>,
    #[prost(message, optional, tag = "21")]
    pub(crate) git: Option<GitRepo>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct GitRepo {
    #[prost(string, tag = "1")]
    pub(crate) remote_url: String,
    #[prost(string, tag = "2")]
    pub(crate) commit: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Exit {
    #[prost(int32, tag = "1")]
    pub(crate) exit_code: i32,
    /// Seconds.
    #[prost(int32, tag = "2")]
    pub(crate) runtime: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Header {
    #[prost(message, optional, tag = "1")]
    pub(crate) version_info: Option<VersionInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct VersionInfo {
    #[prost(string, tag = "1")]
    pub(crate) producer: String,
}
